//! DETR decoder: learned queries refine their boxes layer by layer; a presence token says whether anything is there.

use tch::{Kind, Tensor};

use super::PromptTokens;
use super::box_bias::BoxBias;
use super::decoder_layer::{DecoderLayer, Surroundings};
use crate::config::DecoderConfig;
use crate::error::Result;
use crate::nn::{HeadMlp, LayerNorm, sine_of_coordinates};
use crate::weights::Loader;

/// Box coordinates are kept this far from 0 and 1 before the logit.
const LOGIT_EPS: f64 = 1e-3;

/// `detr_decoder`. Queries between the layers' products, reference boxes, their refinement and the presence logit stay in
/// 32 bits: that is little work, and six layers of rounding would cost a fifth of the queries' exactness.
#[derive(Debug)]
pub struct Decoder {
    query_embed: Tensor,
    reference_points: Tensor,
    presence_token: Tensor,
    layers: Vec<DecoderLayer>,
    output_layer_norm: LayerNorm,
    box_head: HeadMlp,
    presence_layer_norm: LayerNorm,
    presence_head: HeadMlp,
    ref_point_head: HeadMlp,
    box_bias: BoxBias,
}

/// What the last layer says.
#[derive(Debug)]
pub struct DecoderOutput {
    /// Normed queries, [B, Q, D] fp32.
    pub queries: Tensor,
    /// Boxes, cxcywh normalised, [B, Q, 4] fp32.
    pub boxes: Tensor,
    /// Logit of "the concept is on this picture", [B, 1] fp32.
    pub presence: Tensor,
}

/// Each layer's output, for comparison with the reference.
#[derive(Debug, Default)]
pub struct DecoderStages {
    /// Presence token and queries after each layer, [B, 1 + Q, D].
    pub hidden: Vec<Tensor>,
    /// Normed queries after each layer, [B, Q, D].
    pub queries: Vec<Tensor>,
    /// Boxes that entered each layer, [B, Q, 4].
    pub reference_boxes: Vec<Tensor>,
    /// Presence logits after each layer, [B, 1].
    pub presence: Vec<Tensor>,
    /// Bias of each layer without the presence row, [B, heads, Q, G·G].
    pub box_biases: Vec<Tensor>,
}

impl Decoder {
    /// Reads everything below `detr_decoder`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, config: &DecoderConfig) -> Result<Self> {
        let width = config.hidden_size;
        let exact = loader.in_kind(Kind::Float);
        let layers = loader.sub("layers");
        Ok(Self {
            query_embed: exact.tensor("query_embed.weight", &[config.num_queries, width])?,
            reference_points: exact.tensor("reference_points.weight", &[config.num_queries, 4])?,
            presence_token: exact.tensor("presence_token.weight", &[1, width])?,
            layers: (0..config.num_layers)
                .map(|index| DecoderLayer::new(&layers.at(index), config))
                .collect::<Result<_>>()?,
            output_layer_norm: LayerNorm::new(&exact.sub("output_layer_norm"), width)?,
            box_head: HeadMlp::new(&exact.sub("box_head"), &[width, width, width, 4])?,
            presence_layer_norm: LayerNorm::new(&exact.sub("presence_layer_norm"), width)?,
            presence_head: HeadMlp::new(&exact.sub("presence_head"), &[width, width, width, 1])?,
            ref_point_head: HeadMlp::new(&loader.sub("ref_point_head"), &[2 * width, width, width])?,
            box_bias: BoxBias::new(loader, width, config.num_attention_heads)?,
        })
    }

    /// # Shapes
    /// memory: [B, G·G, D] from the fusion encoder; positions: [1, G·G, D]; prompt of B concepts → the last layer.
    pub fn forward(&self, memory: &Tensor, positions: &Tensor, prompt: &PromptTokens) -> DecoderOutput {
        self.run(memory, positions, prompt, None)
    }

    /// The same with every layer kept.
    pub fn stages(&self, memory: &Tensor, positions: &Tensor, prompt: &PromptTokens) -> (DecoderOutput, DecoderStages) {
        let mut stages = DecoderStages::default();
        let output = self.run(memory, positions, prompt, Some(&mut stages));
        (output, stages)
    }

    fn run(
        &self,
        memory: &Tensor,
        positions: &Tensor,
        prompt: &PromptTokens,
        mut stages: Option<&mut DecoderStages>,
    ) -> DecoderOutput {
        let (batch, tokens, _) = memory.size3().expect("memory has three dimensions");
        let grid = (tokens as f64).sqrt().round() as i64;
        let memory_keys = memory + positions;
        let around = Surroundings { prompt, memory, memory_keys: &memory_keys };
        let repeat = |x: &Tensor| x.unsqueeze(0).expand([batch, -1, -1], false);
        let mut boxes = repeat(&self.reference_points.sigmoid());
        let mut hidden = Tensor::cat(&[repeat(&self.presence_token), repeat(&self.query_embed)], 1);
        let mut queries = Tensor::new();
        for layer in &self.layers {
            let bias = self.box_bias.forward(&boxes, grid);
            hidden = layer.forward(&hidden, &self.query_pos(&boxes), &bias, &around);
            queries = self.output_layer_norm.forward(&hidden.narrow(1, 1, hidden.size()[1] - 1));
            let refined = self.refine(&boxes, &queries);
            if let Some(stages) = stages.as_deref_mut() {
                stages.hidden.push(hidden.shallow_clone());
                stages.queries.push(queries.shallow_clone());
                stages.reference_boxes.push(boxes);
                stages.presence.push(self.presence(&hidden));
                stages.box_biases.push(bias.narrow(2, 1, bias.size()[2] - 1));
            }
            boxes = refined;
        }
        DecoderOutput { queries, boxes, presence: self.presence(&hidden) }
    }

    /// Positions of the queries from their boxes; the presence token has none.
    ///
    /// # Shapes
    /// boxes: [B, Q, 4] → [B, 1 + Q, D].
    fn query_pos(&self, boxes: &Tensor) -> Tensor {
        let half = self.query_embed.size()[1] / 2;
        let y_x_w_h = boxes.index_select(-1, &Tensor::from_slice(&[1i64, 0, 2, 3]).to_device(boxes.device()));
        let sines = sine_of_coordinates(&y_x_w_h, half).flatten(-2, -1);
        below_a_zero_row(&self.ref_point_head.forward(&sines))
    }

    /// # Shapes
    /// boxes: [B, Q, 4]; normed queries: [B, Q, D] → moved boxes.
    fn refine(&self, boxes: &Tensor, queries: &Tensor) -> Tensor {
        (self.box_head.forward(queries) + logit(boxes)).sigmoid()
    }

    /// # Shapes
    /// hidden: [B, 1 + Q, D] → [B, 1].
    fn presence(&self, hidden: &Tensor) -> Tensor {
        self.presence_head.forward(&self.presence_layer_norm.forward(&hidden.select(1, 0)))
    }
}

fn below_a_zero_row(x: &Tensor) -> Tensor {
    x.constant_pad_nd([0, 0, 1, 0])
}

fn logit(probability: &Tensor) -> Tensor {
    let p = probability.clamp(0.0, 1.0);
    let rest: Tensor = 1.0 - &p;
    (p.clamp_min(LOGIT_EPS) / rest.clamp_min(LOGIT_EPS)).log()
}
