//! The picture looks at what is remembered of each object.

use tch::Tensor;

use crate::config::TrackerConfig;
use crate::error::Result;
use crate::kernels;
use crate::nn::{
    Activation, FeedForward, LayerNorm, Linear, LinearWeights, Rope, attend, rotate_fields, rotate_heads,
    split_pairs_in_rows,
};
use crate::weights::Loader;

/// `memory_attention`.
#[derive(Debug)]
pub struct MemoryAttention {
    layers: Vec<Layer>,
    layer_norm: LayerNorm,
}

/// Memories of objects that have equally many of them. C are the channels of a memory.
#[derive(Debug)]
pub struct MemoryGroup {
    /// Tokens of every remembered frame, then those of the pointers, [n, F·G·G + P, C].
    pub tokens: Tensor,
    /// Positions of the same, added to the keys alone, [n, F·G·G + P, C].
    pub positions: Tensor,
    /// F, the number of frames.
    pub frames: i64,
}

/// `layers.N`, pre-norm.
#[derive(Debug)]
struct Layer {
    layer_norm1: LayerNorm,
    self_attn: SelfAttention,
    layer_norm2: LayerNorm,
    cross_attn_image: CrossAttention,
    layer_norm3: LayerNorm,
    mlp: FeedForward,
}

/// `self_attn`: query, key and value in one projection.
#[derive(Debug)]
struct SelfAttention {
    qkv: Linear,
    output: Linear,
    heads: Heads,
}

/// `cross_attn_image`.
#[derive(Debug)]
struct CrossAttention {
    query: Linear,
    key: Linear,
    values: Values,
    heads: Heads,
}

/// What is gathered with the weights of the keys.
#[derive(Debug)]
enum Values {
    /// Values, which the output follows.
    Projected { value: Linear, output: Linear },
    /// The memories themselves, of a quarter of the width: the weights of a query add up to one, so both layers can come
    /// after the sum, as one layer, for a few thousand queries instead of tens of thousands of memories.
    Memories(Linear),
}

#[derive(Debug, Clone, Copy)]
struct Heads {
    count: i64,
    width: i64,
}

impl MemoryAttention {
    /// Reads everything below `memory_attention`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, config: &TrackerConfig) -> Result<Self> {
        let layers = loader.sub("layers");
        let layer = |index| Layer::new(&layers.at(index), config);
        Ok(Self {
            layers: (0..config.memory_attention_num_layers).map(layer).collect::<Result<_>>()?,
            layer_norm: LayerNorm::new(&loader.sub("layer_norm"), config.memory_attention_hidden_size)?,
        })
    }

    /// The picture's tokens as each object's memories change them, the objects in the order of the groups.
    ///
    /// What does not depend on an object is computed once for all.
    ///
    /// # Shapes
    /// picture: [1, G·G, D], with a tenth of its positions added; groups of N objects in all → [N, G·G, D].
    pub fn forward(&self, picture: &Tensor, groups: &[MemoryGroup], rope: &Rope) -> Tensor {
        let pass = |hidden: Tensor, layer: &Layer| layer.forward(&hidden, groups, rope);
        self.layer_norm.forward(&self.layers.iter().fold(picture.shallow_clone(), pass))
    }

    /// Angles of a grid of `side` tokens. Positions are whole cells, not scaled.
    pub fn rope(config: &TrackerConfig, side: i64, device: tch::Device) -> Rope {
        Rope::new(side, 1.0, Heads::of(config).width, config.rope_theta(), device)
    }
}

impl Heads {
    fn of(config: &TrackerConfig) -> Self {
        let inner = config.memory_attention_hidden_size / config.memory_attention_downsample_rate;
        let count = config.memory_attention_num_attention_heads;
        Self { count, width: inner / count }
    }

    /// Channels of all heads together.
    fn inner(self) -> i64 {
        self.count * self.width
    }

    /// [B, L, heads · W] → [B, heads, L, W]
    fn split(self, x: &Tensor) -> Tensor {
        let (batch, length, _) = x.size3().expect("tokens have three dimensions");
        x.view([batch, length, self.count, self.width]).transpose(1, 2)
    }
}

impl Layer {
    fn new(loader: &Loader<'_>, config: &TrackerConfig) -> Result<Self> {
        let width = config.memory_attention_hidden_size;
        let inner = config.memory_attention_feed_forward_hidden_size;
        let norm = |name: &str| LayerNorm::new(&loader.sub(name), width);
        let first = LinearWeights::new(&loader.sub("linear1"), width, inner)?;
        let second = LinearWeights::new(&loader.sub("linear2"), inner, width)?;
        Ok(Self {
            layer_norm1: norm("layer_norm1")?,
            self_attn: SelfAttention::new(&loader.sub("self_attn"), config)?,
            layer_norm2: norm("layer_norm2")?,
            cross_attn_image: CrossAttention::new(&loader.sub("cross_attn_image"), config)?,
            layer_norm3: norm("layer_norm3")?,
            mlp: FeedForward::of(first, second, Activation::Relu),
        })
    }

    /// In the first layer `x` has a batch of one.
    fn forward(&self, x: &Tensor, groups: &[MemoryGroup], rope: &Rope) -> Tensor {
        let x = self.self_attn.forward_onto(x, &self.layer_norm1.forward(x), rope);
        let x = self.cross_attn_image.forward_onto(&x, &self.layer_norm2.forward(&x), groups, rope);
        self.mlp.forward_onto(&x, &self.layer_norm3.forward(&x))
    }
}

impl SelfAttention {
    fn new(loader: &Loader<'_>, config: &TrackerConfig) -> Result<Self> {
        let (width, heads) = (config.memory_attention_hidden_size, Heads::of(config));
        let linear = |name: &str| LinearWeights::new(&loader.sub(name), width, heads.inner());
        let rows = split_pairs_in_rows(heads.count, heads.width, loader.device());
        let (query, key) = (linear("q_proj")?.with_rows(&rows), linear("k_proj")?.with_rows(&rows));
        Ok(Self {
            qkv: LinearWeights::fused(&[query, key, linear("v_proj")?]).into(),
            output: Linear::new(&loader.sub("o_proj"), heads.inner(), width)?,
            heads,
        })
    }

    /// # Shapes
    /// residual, x: [B, G·G, D] → the same.
    fn forward_onto(&self, residual: &Tensor, x: &Tensor, rope: &Rope) -> Tensor {
        let Heads { count, width } = self.heads;
        let (batch, length, _) = x.size3().expect("tokens have three dimensions");
        let qkv = rotate_heads(self.qkv.forward(x), 2 * count, width, rope);
        let parts = qkv.view([batch, length, 3, count, width]).permute([2, 0, 3, 1, 4]);
        let attended = attend(&parts.get(0), &parts.get(1), &parts.get(2), None, false);
        self.output.forward_onto(residual, &attended)
    }
}

impl CrossAttention {
    fn new(loader: &Loader<'_>, config: &TrackerConfig) -> Result<Self> {
        let (width, heads) = (config.memory_attention_hidden_size, Heads::of(config));
        let memory = config.memory_encoder_output_channels;
        let linear = |name: &str, inputs| LinearWeights::new(&loader.sub(name), inputs, heads.inner());
        let rows = split_pairs_in_rows(heads.count, heads.width, loader.device());
        let value = linear("v_proj", memory)?;
        let output = LinearWeights::new(&loader.sub("o_proj"), heads.inner(), width)?;
        let can_wait = heads.count == 1 && loader.uses_kernels();
        let values = if can_wait && kernels::can_attend(heads.width, memory) {
            Values::Memories(output.after(&value).into())
        } else {
            Values::Projected { value: value.into(), output: output.into() }
        };
        let (query, key) = (linear("q_proj", width)?.with_rows(&rows), linear("k_proj", memory)?.with_rows(&rows));
        Ok(Self { query: query.into(), key: key.into(), values, heads })
    }

    /// # Shapes
    /// residual, x: [1 or N, G·G, D]; groups of N objects in all → [N, G·G, D].
    fn forward_onto(&self, residual: &Tensor, x: &Tensor, groups: &[MemoryGroup], rope: &Rope) -> Tensor {
        let Heads { count, width } = self.heads;
        let query = self.heads.split(&rotate_heads(self.query.forward(x), count, width, rope));
        let is_shared = query.size()[0] == 1;
        let (mut first, mut attended) = (0, Vec::new());
        for group in groups {
            let objects = group.tokens.size()[0];
            let own = if is_shared { query.shallow_clone() } else { query.narrow(0, first, objects) };
            attended.push(self.attend(&own, group, rope));
            first += objects;
        }
        let attended = if attended.len() == 1 { attended.remove(0) } else { Tensor::cat(&attended, 0) };
        let (Values::Projected { output, .. } | Values::Memories(output)) = &self.values;
        output.forward_onto(residual, &attended)
    }

    /// Pointers have no place in the picture: only frames are turned, each like the picture itself.
    fn attend(&self, query: &Tensor, group: &MemoryGroup, rope: &Rope) -> Tensor {
        let key = self.key.forward(&(&group.tokens + &group.positions));
        let key = rotate_fields(key, group.frames, self.heads.width, rope);
        let value = match &self.values {
            Values::Projected { value, .. } => self.heads.split(&value.forward(&group.tokens)),
            Values::Memories(_) => group.tokens.unsqueeze(1),
        };
        attend(query, &self.heads.split(&key), &value, None, false)
    }
}
