//! SAM's mask decoder: one mask of each object, how good it is, and whether the object is there at all.

use tch::{Kind, Tensor};

use super::two_way::TwoWayTransformer;
use crate::config::TrackerMaskConfig;
use crate::error::Result;
use crate::nn::{Activation, Conv2d, ConvTranspose2d, HeadMlp, LayerNorm};
use crate::weights::Loader;

/// `tracker_model.mask_decoder`.
#[derive(Debug)]
pub struct TrackerMaskDecoder {
    /// Object score, quality, then K mask tokens: [1, 2 + K, D].
    output_tokens: Tensor,
    transformer: TwoWayTransformer,
    upscaling: Upscaling,
    output_hypernetworks_mlps: Vec<HeadMlp>,
    iou_prediction_head: HeadMlp,
    pred_obj_score_head: HeadMlp,
    conv_s0: Conv2d,
    conv_s1: Conv2d,
    /// Distance from 0 within which a mask's border should not move, and how much of the mask must hold; `None`
    /// trusts the single mask always.
    stability: Option<[f64; 2]>,
}

/// `upscale_conv1`, `upscale_layer_norm`, `upscale_conv2`.
#[derive(Debug)]
struct Upscaling {
    conv1: ConvTranspose2d,
    layer_norm: LayerNorm,
    conv2: ConvTranspose2d,
}

/// What the decoder reads of a frame.
#[derive(Debug, Clone, Copy)]
pub struct DecoderInput<'a> {
    /// Picture tokens with memory or without, [1 or N, G·G, D].
    pub picture: &'a Tensor,
    /// Positions of the places, [1, G·G, D].
    pub places: &'a Tensor,
    /// Prompt tokens, [N, P, D].
    pub sparse: &'a Tensor,
    /// What is added to the picture: [1 or N, 1 or G·G, D].
    pub dense: &'a Tensor,
}

/// The decoder's answer before a mask is chosen.
#[derive(Debug)]
pub struct Decoded {
    /// Mask tokens, [N, K, D].
    pub tokens: Tensor,
    /// Quality that each mask is expected to have, 0..1, [N, K] fp32.
    pub ious: Tensor,
    /// Logits of "the object is there", `[N]` fp32.
    pub object_scores: Tensor,
    /// The picture after it has seen the tokens, [N, G·G, D].
    pub picture: Tensor,
}

/// What masks are drawn from.
#[derive(Debug)]
pub struct Canvas {
    /// What each mask looks for among the pixels, [N, K, D / 8].
    hyper: Tensor,
    /// [N, 4G, 4G, D / 8]
    pixels: Tensor,
}

/// One mask of each object.
#[derive(Debug)]
pub struct ChosenMasks {
    /// Logits, [N, 4G, 4G] fp32.
    pub masks: Tensor,
    /// Expected quality of that mask, 0..1, `[N]` fp32.
    pub ious: Tensor,
    /// The token that the pointer is made of, [N, D].
    pub tokens: Tensor,
    /// Logits of "the object is there", `[N]` fp32.
    pub object_scores: Tensor,
}

impl TrackerMaskDecoder {
    /// Reads everything below `mask_decoder`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, config: &TrackerMaskConfig) -> Result<Self> {
        let (width, masks) = (config.hidden_size, config.num_multimask_outputs + 1);
        let rows = |name: &str, count| loader.sub(name).tensor("weight", &[count, width]);
        let tokens = [rows("obj_score_token", 1)?, rows("iou_token", 1)?, rows("mask_tokens", masks)?];
        // Scores decide; they stay exact whatever the rest is computed in.
        let exact = loader.in_kind(Kind::Float);
        let hypernetworks = loader.sub("output_hypernetworks_mlps");
        let hypernetwork = |index| HeadMlp::in_and_out(&hypernetworks.at(index), [width, width, width / 8], 3);
        let iou_widths = [width, config.iou_head_hidden_dim, masks];
        Ok(Self {
            output_tokens: Tensor::cat(&tokens, 0).unsqueeze(0),
            transformer: TwoWayTransformer::new(&loader.sub("transformer"), config)?,
            upscaling: Upscaling::new(loader, width)?,
            output_hypernetworks_mlps: (0..masks).map(hypernetwork).collect::<Result<_>>()?,
            iou_prediction_head: HeadMlp::in_and_out(
                &exact.sub("iou_prediction_head"),
                iou_widths,
                config.iou_head_depth,
            )?,
            pred_obj_score_head: HeadMlp::in_and_out(&exact.sub("pred_obj_score_head"), [width, width, 1], 3)?,
            conv_s0: Conv2d::same(&loader.sub("conv_s0"), width, width / 8, 1)?,
            conv_s1: Conv2d::same(&loader.sub("conv_s1"), width, width / 4, 1)?,
            stability: config
                .dynamic_multimask_via_stability
                .then_some([config.dynamic_multimask_stability_delta, config.dynamic_multimask_stability_thresh]),
        })
    }

    /// What the decoder reads of the two finer levels of the pyramid; once for a frame.
    ///
    /// # Shapes
    /// [1, D, 4G, 4G] and [1, D, 2G, 2G] → [1, D / 8, 4G, 4G] and [1, D / 4, 2G, 2G].
    pub fn fine(&self, levels: [&Tensor; 2]) -> [Tensor; 2] {
        [self.conv_s0.forward(levels[0]), self.conv_s1.forward(levels[1])]
    }

    /// Everything but the masks themselves.
    pub fn decode(&self, input: DecoderInput<'_>) -> Decoded {
        let kind = self.output_tokens.kind();
        let objects = input.sparse.size()[0].max(input.picture.size()[0]);
        let shared = self.output_tokens.expand([objects, -1, -1], false);
        let sparse = input.sparse.to_kind(kind).expand([objects, -1, -1], false);
        let (_, cells, width) = input.picture.size3().expect("picture tokens have three dimensions");
        let picture = (input.picture + input.dense).expand([objects, cells, width], false);
        let (tokens, picture) = self.transformer.forward(&Tensor::cat(&[shared, sparse], 1), &picture, input.places);
        Decoded {
            ious: self.iou_prediction_head.forward(&tokens.select(1, 1)).sigmoid(),
            object_scores: self.pred_obj_score_head.forward(&tokens.select(1, 0)).squeeze_dim(-1),
            tokens: tokens.narrow(1, 2, self.output_hypernetworks_mlps.len() as i64),
            picture,
        }
    }

    /// What masks are drawn from; `fine` as [`Self::fine`] gives it.
    pub fn canvas(&self, decoded: &Decoded, fine: &[Tensor; 2]) -> Canvas {
        let of_mask = |(index, mlp): (usize, &HeadMlp)| mlp.forward(&decoded.tokens.select(1, index as i64));
        let hyper: Vec<Tensor> = self.output_hypernetworks_mlps.iter().enumerate().map(of_mask).collect();
        Canvas { hyper: Tensor::stack(&hyper, 1), pixels: self.upscaling.forward(&decoded.picture, fine) }
    }

    /// One mask of each object: the best of the last K - 1, or the first where a prompt leaves no doubt. A first mask
    /// with an unsure border gives way to the best of the others; its token stays.
    pub fn choose(&self, decoded: &Decoded, canvas: &Canvas, is_multimask: bool) -> ChosenMasks {
        let count = decoded.ious.size()[1];
        let (best_ious, best) = decoded.ious.narrow(1, 1, count - 1).max_dim(1, false);
        let best = best + 1;
        let object_scores = decoded.object_scores.shallow_clone();
        if is_multimask {
            let (masks, tokens) = (canvas.draw(&best), pick(&decoded.tokens, &best));
            return ChosenMasks { masks, ious: best_ious, tokens, object_scores };
        }
        let (mut masks, mut ious) = (canvas.draw(&best.zeros_like()), decoded.ious.select(1, 0));
        if let Some([delta, threshold]) = self.stability {
            let is_stable = stability(&masks, delta).ge(threshold);
            masks = masks.where_self(&is_stable.view([-1, 1, 1]), &canvas.draw(&best));
            ious = ious.where_self(&is_stable, &best_ious);
        }
        ChosenMasks { masks, ious, tokens: decoded.tokens.select(1, 0), object_scores }
    }
}

impl Canvas {
    /// Logits of the mask of that number for each object.
    ///
    /// # Shapes
    /// numbers: `[N]` i64 → [N, 4G, 4G] fp32.
    pub fn draw(&self, numbers: &Tensor) -> Tensor {
        let (objects, rows, columns, width) = self.pixels.size4().expect("pixels have four dimensions");
        let hyper = pick(&self.hyper, numbers).unsqueeze(-1); // [N, D / 8, 1]
        let logits = self.pixels.view([objects, rows * columns, width]).matmul(&hyper);
        logits.view([objects, rows, columns]).to_kind(Kind::Float)
    }
}

/// # Shapes
/// rows: [N, K, W]; numbers: `[N]` → [N, W].
fn pick(rows: &Tensor, numbers: &Tensor) -> Tensor {
    let (objects, _, width) = rows.size3().expect("rows of each object");
    rows.gather(1, &numbers.view([-1, 1, 1]).expand([objects, 1, width], false), false).squeeze_dim(1)
}

/// Area inside above `delta` in parts of the area above `-delta`; 1 for a mask without area.
///
/// # Shapes
/// logits: [N, H, W] → `[N]`.
fn stability(logits: &Tensor, delta: f64) -> Tensor {
    let area = |level: f64| logits.gt(level).sum_dim_intlist([1i64, 2].as_slice(), false, Kind::Float);
    let (inner, outer) = (area(delta), area(-delta));
    (&inner / outer.clamp_min(1.0)).where_self(&outer.gt(0.0), &inner.ones_like())
}

impl Upscaling {
    fn new(loader: &Loader<'_>, width: i64) -> Result<Self> {
        Ok(Self {
            conv1: ConvTranspose2d::doubling(&loader.sub("upscale_conv1"), width, width / 4)?,
            layer_norm: LayerNorm::with_eps(&loader.sub("upscale_layer_norm"), width / 4, MAP_NORM_EPS)?,
            conv2: ConvTranspose2d::doubling(&loader.sub("upscale_conv2"), width / 4, width / 8)?,
        })
    }

    /// # Shapes
    /// picture: [N, G·G, D]; fine: [1, D / 8, 4G, 4G] and [1, D / 4, 2G, 2G] → [N, 4G, 4G, D / 8].
    fn forward(&self, picture: &Tensor, fine: &[Tensor; 2]) -> Tensor {
        let (objects, _, width) = picture.size3().expect("picture tokens have three dimensions");
        let grid = fine[0].size()[3] / 4;
        let map = picture.view([objects, grid, grid, width]).permute([0, 3, 1, 2]);
        let doubled = self.layer_norm.forward_map(&(self.conv1.forward(&map) + &fine[1]));
        let map = self.conv2.forward(&Activation::Gelu.forward(&doubled)) + &fine[0];
        Activation::Gelu.forward(&map).permute([0, 2, 3, 1]).contiguous()
    }
}

/// Epsilon of layer norms over the channels of maps, which no config names.
pub(super) const MAP_NORM_EPS: f64 = 1e-6;
