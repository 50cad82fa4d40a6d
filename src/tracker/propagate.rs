//! Known objects on a new frame: where they are by their memories, and what is remembered of it.

use tch::{Kind, Tensor};

use super::mask_decoder::{ChosenMasks, DecoderInput};
use super::memory_attention::MemoryGroup;
use super::memory_bank::{Recalled, Remembered};
use super::object_memory::{ObjectMemory, Pending, TrackedMask};
use super::{Tracker, TrackerFeatures, resample};
use crate::masks::MaskLogits;

/// Stands for "not there" in mask logits.
const ABSENT_LOGIT: f64 = -1024.0;

/// Memory that the objects of one call may take beside the model; more objects are taken in turns.
const BYTES_PER_CALL: usize = 1 << 30;

/// Masks of objects on a frame, and their pointers.
pub(super) struct Answer {
    pub(super) tracked: Vec<TrackedMask>,
    /// [N, M, M] fp32, the same as in `tracked`.
    pub(super) masks: Tensor,
    /// [N, D]
    pub(super) pointers: Tensor,
    /// `[N]` bool
    pub(super) is_there: Tensor,
}

impl Tracker {
    /// Where each object is on `frame`, by what is remembered of it. The answers wait in the memories until
    /// [`Tracker::remember`]; without it they are forgotten at the next call.
    ///
    /// Frames are numbered one by one over those that are processed. An object that was started on this very frame is
    /// not asked for: its mask is known.
    pub fn propagate(
        &mut self,
        features: &TrackerFeatures,
        memories: &mut [&mut ObjectMemory],
        frame: i64,
    ) -> Vec<TrackedMask> {
        self.use_grid_of(features);
        let mut order: Vec<usize> = (0..memories.len()).collect();
        let lengths = |memory: &ObjectMemory| {
            let recalled = memory.bank.recall(frame, &self.rules);
            (recalled.memories.len(), recalled.pointers.len())
        };
        let lengths: Vec<_> = memories.iter().map(|memory| lengths(memory)).collect();
        order.sort_by_key(|&index| lengths[index]);
        let longest = lengths.iter().map(|(frames, _)| *frames).max().unwrap_or(0);
        let mut tracked: Vec<Option<TrackedMask>> = memories.iter().map(|_| None).collect();
        for indices in order.chunks(self.objects_per_call(features, longest)) {
            let recalled: Vec<_> =
                indices.iter().map(|&index| memories[index].bank.recall(frame, &self.rules)).collect();
            let answer = self.answer(features, &recalled);
            for (row, (&index, own)) in indices.iter().zip(answer.tracked).enumerate() {
                memories[index].pending = Some(Pending {
                    frame,
                    pointer: answer.pointers.get(row as i64).copy(),
                    worth: worth(&own),
                    giver: None,
                });
                tracked[index] = Some(own);
            }
        }
        tracked.into_iter().flatten().collect()
    }

    /// Keeps the answers of [`Tracker::propagate`] with these masks as their memories: what the caller has made of
    /// the masks, suppressed where they were suppressed. An object whose mask is empty is remembered as absent.
    pub fn remember(&mut self, features: &TrackerFeatures, memories: &mut [&mut ObjectMemory], masks: &[MaskLogits]) {
        self.use_grid_of(features);
        let many = self.objects_per_call(features, 0);
        for (memories, masks) in memories.chunks_mut(many).zip(masks.chunks(many)) {
            let logits = MaskLogits::to_tensor(masks, self.grid.mask_side(), features.map.device());
            let fine = resample::enlarge(&logits, self.grid.fine_mask_side());
            let is_there = resample::has_inside(&fine);
            let encoded = self.encode(features, &fine.sigmoid(), &is_there);
            for (memory, encoded) in memories.iter_mut().zip(encoded) {
                let Some(Pending { frame, pointer, worth, giver }) = memory.pending.take() else { continue };
                let remembered = Remembered { frame, pointer, memory: Some(encoded), worth, giver };
                if giver.is_some() {
                    memory.bank.condition(remembered, &self.rules);
                } else {
                    memory.bank.follow(remembered, &self.rules);
                }
            }
        }
    }

    /// How many objects go through the model together, the longest of them with `frames` memories.
    fn objects_per_call(&self, features: &TrackerFeatures, frames: usize) -> usize {
        let (_, cells, width) = features.tokens.size3().expect("picture tokens have three dimensions");
        let element = features.tokens.kind().elt_size_in_bytes();
        let inner = self.config.memory_attention_feed_forward_hidden_size;
        // Keys, values and the memories they are made of; beside them the tokens, a perceptron and the finest masks.
        let per_cell = element * (frames * 3 * width as usize + inner as usize + 8 * width as usize) + 16 * 16 * 4 * 3;
        (BYTES_PER_CALL / (per_cell * cells as usize)).max(1)
    }

    fn answer(&self, features: &TrackerFeatures, recalled: &[Recalled<'_>]) -> Answer {
        let is_same = |a: &Recalled<'_>, b: &Recalled<'_>| {
            (a.memories.len(), a.pointers.len()) == (b.memories.len(), b.pointers.len())
        };
        let kind = features.tokens.kind();
        let groups: Vec<_> = recalled.chunk_by(is_same).map(|alike| self.group(alike, kind)).collect();
        let picture = &features.tokens + &self.grid.faint_positions;
        let picture = self.memory_attention.forward(&picture, &groups, &self.grid.rope);
        let nothing = vec![Vec::new(); recalled.len()];
        let sparse = self.prompt_encoder.points(&nothing, self.input_side());
        let is_multimask = self.config.multimask_output_for_tracking && self.is_multimask(0);
        self.look(features, &picture, &sparse, &self.prompt_encoder.no_mask(), is_multimask)
    }

    /// Pixels along a side of the model's input.
    pub(super) fn input_side(&self) -> i64 {
        self.grid.side * self.patch_size
    }

    /// Whether so few points leave open which of several masks is meant.
    pub(super) fn is_multimask(&self, points: usize) -> bool {
        let [least, most] = [self.config.multimask_min_pt_num, self.config.multimask_max_pt_num];
        self.config.multimask_output_in_sam && (least..=most).contains(&(points as i64))
    }

    /// Memories of objects that have equally many, as memory attention reads them.
    ///
    /// # Shapes
    /// N objects of F memories [G·G, C] and P pointers `[D]`.
    fn group(&self, recalled: &[Recalled<'_>], kind: Kind) -> MemoryGroup {
        let (objects, frames) = (recalled.len() as i64, recalled[0].memories.len() as i64);
        let channels = self.config.memory_encoder_output_channels;
        let device = self.temporal_positions.device();
        let tokens_of = |recalled: &Recalled<'_>| {
            let frames = recalled.memories.iter().map(|(_, memory)| memory.to_kind(kind));
            let pointers = recalled.pointers.iter().map(|(_, pointer)| pointer.to_kind(kind).view([-1, channels]));
            Tensor::cat(&frames.chain(pointers).collect::<Vec<_>>(), 0)
        };
        // The last row of the table is for conditioning frames, however few recent ones are looked at.
        let row = |(between, _): &(Option<i64>, _)| between.unwrap_or(self.config.num_maskmem - 1);
        let rows: Vec<i64> = recalled.iter().flat_map(|own| own.memories.iter().map(row)).collect();
        let times = self.temporal_positions.index_select(0, &Tensor::from_slice(&rows).to_device(device));
        let times = times.view([objects, frames, 1, channels]) + &self.grid.memory_positions;
        let distances = |own: &Recalled<'_>| own.pointers.iter().map(|(distance, _)| *distance).collect();
        let distances: Vec<Vec<i64>> = recalled.iter().map(distances).collect();
        let of_pointers = self.pointers.positions(&distances, device);
        let positions = Tensor::cat(&[times.view([objects, -1, channels]), of_pointers], 1);
        MemoryGroup {
            tokens: Tensor::stack(&recalled.iter().map(tokens_of).collect::<Vec<_>>(), 0),
            positions: positions.to_kind(kind),
            frames,
        }
    }

    /// Masks of prompts on a picture with memory or without.
    ///
    /// # Shapes
    /// picture: [1 or N, G·G, D]; sparse: [N, P, D]; dense: [1 or N, 1 or G·G, D].
    pub(super) fn look(
        &self,
        features: &TrackerFeatures,
        picture: &Tensor,
        sparse: &Tensor,
        dense: &Tensor,
        is_multimask: bool,
    ) -> Answer {
        let input = DecoderInput { picture, places: &self.grid.places, sparse, dense };
        let decoded = self.mask_decoder.decode(input);
        let canvas = self.mask_decoder.canvas(&decoded, &features.fine);
        let ChosenMasks { masks, ious, tokens, object_scores } =
            self.mask_decoder.choose(&decoded, &canvas, is_multimask);
        let is_there = object_scores.gt(0.0);
        let masks = masks.where_scalarother(&is_there.view([-1, 1, 1]), ABSENT_LOGIT);
        let numbers = [to_numbers(&object_scores), to_numbers(&ious)];
        let tracked = MaskLogits::of_tensor(&masks).into_iter().enumerate().map(|(row, mask)| TrackedMask {
            mask,
            object_score_logit: numbers[0][row],
            expected_iou: numbers[1][row],
        });
        Answer { tracked: tracked.collect(), pointers: self.pointers.forward(&tokens, &is_there), masks, is_there }
    }

    /// Memories of masks: what a mask of each object says about the picture.
    ///
    /// # Shapes
    /// masks: [N, 1, H, W] within 0..1; is_there: `[N]` bool → N times [G·G, C] bf16, each in a storage of its own.
    pub(super) fn encode(&self, features: &TrackerFeatures, masks: &Tensor, is_there: &Tensor) -> Vec<Tensor> {
        let (scale, bias) = (self.config.sigmoid_scale_for_mem_enc, self.config.sigmoid_bias_for_mem_enc);
        let mut scaled = masks * scale + bias;
        let side = self.grid.fine_mask_side();
        if scaled.size()[2..] != [side, side] {
            scaled = resample::resize_antialiased(&scaled, side);
        }
        let encoded = self.memory_encoder.forward(&features.map, &scaled);
        let absent = is_there.logical_not().to_kind(encoded.kind()).view([-1, 1, 1]) * &self.absent_embedding;
        let memories = (encoded + absent).to_kind(Kind::BFloat16);
        (0..memories.size()[0]).map(|row| memories.get(row).copy()).collect()
    }
}

/// How much a frame is worth remembering: certain to show the object, and its mask expected to be right.
fn worth(tracked: &TrackedMask) -> f32 {
    let presence = 1.0 / (1.0 + (-tracked.object_score_logit).exp());
    (2.0 * presence - 1.0).max(0.0) * tracked.expected_iou
}

fn to_numbers(tensor: &Tensor) -> Vec<f32> {
    let tensor = tensor.to_kind(Kind::Float).to_device(tch::Device::Cpu).contiguous();
    let mut numbers = vec![0.0; tensor.numel()];
    let length = numbers.len();
    tensor.copy_data(&mut numbers, length);
    numbers
}
