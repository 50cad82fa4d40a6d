//! Where someone says what is meant: by a mask, by clicks, by a box.

use tch::{Kind, Tensor};

use super::mask_decoder::DecoderInput;
use super::memory_bank::{Giver, Remembered};
use super::object_memory::{ObjectMemory, Pending, TrackedMask};
use super::prompt_encoder::{PointLabel, PromptPoint};
use super::propagate::Answer;
use super::{Tracker, TrackerFeatures, resample};
use crate::boxes::BoxXyxy;
use crate::masks::MaskLogits;

/// More points than this are not understood: of a longer list the first and the last half of so many are taken.
const MOST_POINTS: usize = 16;

/// Logits of an earlier mask beyond this say nothing more.
const PREVIOUS_LOGIT_LIMIT: f64 = 32.0;

/// Clicks on one object, all of them each time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Clicks {
    /// A box around it, 0..1 across and down the frame.
    pub box_in_frame: Option<BoxXyxy>,
    /// x and y, 0..1 across and down the frame, and whether the point is on the object. Of more than 16 points, a box
    /// counting as two, the first and the last 8 are used.
    pub points: Vec<([f32; 2], bool)>,
    /// What the tracker said of the object on this frame, to be corrected.
    pub previous: Option<MaskLogits>,
}

impl Clicks {
    fn prompt(&self) -> Vec<PromptPoint> {
        let point = |x, y, label| PromptPoint { x_in_frame: x, y_in_frame: y, label };
        let corners =
            |b: &BoxXyxy| [point(b.x0, b.y0, PointLabel::BoxTopLeft), point(b.x1, b.y1, PointLabel::BoxBottomRight)];
        let mut points: Vec<_> = self.box_in_frame.iter().flat_map(corners).collect();
        points.extend(self.points.iter().map(|&([x, y], is_positive)| {
            point(x, y, if is_positive { PointLabel::Positive } else { PointLabel::Negative })
        }));
        if points.len() > MOST_POINTS {
            points.drain(MOST_POINTS / 2..points.len() - MOST_POINTS / 2);
        }
        points
    }
}

impl Tracker {
    /// What clicks mean on a picture, without any memory.
    pub fn segment(&mut self, features: &TrackerFeatures, clicks: &Clicks) -> TrackedMask {
        self.use_grid_of(features);
        self.see_clicks(features, clicks).tracked.remove(0)
    }

    /// Starts an object on `frame`, or corrects one: the frame becomes one that is always looked at, and those that
    /// detections made around it become like any other. Memories of other frames have no say in the mask; give
    /// [`Clicks::previous`] to correct it.
    pub fn click(
        &mut self,
        features: &TrackerFeatures,
        memory: &mut ObjectMemory,
        clicks: &Clicks,
        frame: i64,
    ) -> TrackedMask {
        self.use_grid_of(features);
        let mut answer = self.see_clicks(features, clicks);
        let masks = resample::enlarge(&answer.masks.unsqueeze(1), self.input_side());
        let encoded = self.encode(features, &masks.gt(0.0).to_kind(Kind::Float), &answer.is_there);
        let pointer = answer.pointers.get(0).copy();
        for memory_of_frame in encoded {
            let pointer = pointer.shallow_clone();
            let giver = Some(Giver::User);
            let remembered = Remembered { frame, pointer, memory: Some(memory_of_frame), worth: 1.0, giver };
            memory.bank.condition(remembered, &self.rules);
        }
        memory.pending.take_if(|pending| pending.frame == frame);
        answer.tracked.remove(0)
    }

    /// Starts an object for each mask on `frame`, all born together: where they overlap, the last has the place in
    /// memory. The masks themselves are the objects' masks on this frame.
    ///
    /// The official code does this on masks of the video's size; here it is the finest mask grid, 16 for each token.
    pub fn start_from_masks(
        &mut self,
        features: &TrackerFeatures,
        masks: &[MaskLogits],
        giver: Giver,
        frame: i64,
    ) -> Vec<ObjectMemory> {
        self.use_grid_of(features);
        let mut started = Vec::new();
        let mut taken: Option<Tensor> = None;
        // From the last to the first, so that each knows what those after it have taken.
        for masks in masks.rchunks(self.objects_per_prompt_call()) {
            let fine = self.binary(features, masks);
            let is_there = resample::has_inside(&fine);
            let pointers = self.pointers_of_masks(features, &fine, &is_there);
            let own = give_way(&fine, &mut taken);
            let encoded = self.encode(features, &self.hard_masks(&own), &is_there);
            let with_pointers = encoded.into_iter().enumerate().rev();
            started.extend(with_pointers.map(|(row, memory)| {
                let pointer = pointers.get(row as i64).copy();
                let mut object = ObjectMemory::default();
                let giver = Some(giver);
                let remembered = Remembered { frame, pointer, memory: Some(memory), worth: 1.0, giver };
                object.bank.condition(remembered, &self.rules);
                object
            }));
        }
        started.reverse();
        started
    }

    /// Makes `frame` one that is always looked at, with pointers of these masks, one for each object. Comes between
    /// [`Tracker::propagate`] and [`Tracker::remember`], whose masks become the memory; what was said of the objects
    /// on this frame stays.
    pub fn recondition(
        &mut self,
        features: &TrackerFeatures,
        memories: &mut [&mut ObjectMemory],
        masks: &[MaskLogits],
        giver: Giver,
        frame: i64,
    ) {
        self.use_grid_of(features);
        let many = self.objects_per_prompt_call();
        for (memories, masks) in memories.chunks_mut(many).zip(masks.chunks(many)) {
            let fine = self.binary(features, masks);
            let pointers = self.pointers_of_masks(features, &fine, &resample::has_inside(&fine));
            for (row, memory) in memories.iter_mut().enumerate() {
                let pointer = pointers.get(row as i64).copy();
                memory.pending = Some(Pending { frame, pointer, worth: 1.0, giver: Some(giver) });
            }
        }
    }

    fn see_clicks(&self, features: &TrackerFeatures, clicks: &Clicks) -> Answer {
        let points = clicks.prompt();
        let is_multimask = self.is_multimask(points.len());
        let sparse = self.prompt_encoder.points(&[points], self.input_side());
        let dense = match &clicks.previous {
            Some(mask) => {
                let side = self.grid.mask_side();
                let logits = MaskLogits::to_tensor(std::slice::from_ref(mask), side, features.map.device());
                self.prompt_encoder.masks(&logits.clamp(-PREVIOUS_LOGIT_LIMIT, PREVIOUS_LOGIT_LIMIT))
            }
            None => self.prompt_encoder.no_mask(),
        };
        let picture = &features.tokens + &self.no_memory_embedding;
        self.look(features, &picture, &sparse, &dense, is_multimask)
    }

    /// Masks on the finest grid, 1 inside and 0 outside.
    ///
    /// # Shapes
    /// → [N, 1, 16G, 16G] fp32.
    fn binary(&self, features: &TrackerFeatures, masks: &[MaskLogits]) -> Tensor {
        let logits = MaskLogits::to_tensor(masks, self.grid.mask_side(), features.map.device());
        resample::enlarge(&logits, self.grid.fine_mask_side()).gt(0.0).to_kind(Kind::Float)
    }

    /// Pointers of masks that are taken as they are. The mask decoder sees them on the picture without any memory; its
    /// own masks are of no interest.
    ///
    /// # Shapes
    /// fine: [N, 1, 16G, 16G]; is_there: `[N]` → [N, D].
    fn pointers_of_masks(&self, features: &TrackerFeatures, fine: &Tensor, is_there: &Tensor) -> Tensor {
        let nothing = vec![Vec::new(); fine.size()[0] as usize];
        let sparse = self.prompt_encoder.points(&nothing, self.input_side());
        let dense = self.prompt_encoder.masks(&self.mask_downsample.forward(fine));
        let (picture, places) = (&features.tokens, &self.grid.places);
        let decoded = self.mask_decoder.decode(DecoderInput { picture, places, sparse: &sparse, dense: &dense });
        let is_there = decoded.object_scores.gt(0.0).logical_and(is_there);
        self.pointers.forward(&decoded.tokens.select(1, 0), &is_there)
    }

    /// What a mask that someone gave becomes before it is remembered: to the mask grid, to the size of the model's
    /// input, and hard again.
    ///
    /// # Shapes
    /// own: [N, 1, 16G, 16G], 1 inside and -1 outside → [N, 1, S, S], 1 inside and 0 outside.
    fn hard_masks(&self, own: &Tensor) -> Tensor {
        let coarse = resample::resize_antialiased(own, self.grid.mask_side());
        resample::enlarge(&coarse, self.input_side()).gt(0.0).to_kind(Kind::Float)
    }

    /// The finest masks of an object, several times over, in 64 MB each at full size.
    fn objects_per_prompt_call(&self) -> usize {
        const OBJECTS: i64 = 16;
        const FULL_SIDE: i64 = 16 * 72;
        let times_larger = (self.grid.fine_mask_side() / FULL_SIDE).max(1);
        (OBJECTS / (times_larger * times_larger)).max(1) as usize
    }
}

/// Takes away from each mask what the later ones have, and what is `taken` already.
///
/// # Shapes
/// fine: [N, 1, H, W], 1 inside and 0 outside → the same, 1 inside and -1 outside.
fn give_way(fine: &Tensor, taken: &mut Option<Tensor>) -> Tensor {
    let rows: Vec<Tensor> = (0..fine.size()[0]).rev().map(|row| own_part(&fine.get(row).gt(0.0), taken)).collect();
    Tensor::stack(&rows, 0).flip([0])
}

/// # Shapes
/// inside: [1, H, W] bool → 1 where it is inside and not taken, -1 elsewhere.
fn own_part(inside: &Tensor, taken: &mut Option<Tensor>) -> Tensor {
    let own = taken.as_ref().map_or(inside.shallow_clone(), |taken| inside.logical_and(&taken.logical_not()));
    *taken = Some(taken.as_ref().map_or(inside.shallow_clone(), |taken| inside.logical_or(taken)));
    own.to_kind(Kind::Float) * 2.0 - 1.0
}
