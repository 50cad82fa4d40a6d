//! One followed object: what is remembered of it, and what the current frame said before it is remembered.

use tch::Tensor;

use super::memory_bank::{Giver, MemoryBank};
use crate::masks::MaskLogits;

/// All that the tracker keeps of one object.
#[derive(Debug, Default)]
pub struct ObjectMemory {
    pub(super) bank: MemoryBank,
    pub(super) pending: Option<Pending>,
}

/// A frame's answer that waits for its memory.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) frame: i64,
    /// `[D]`
    pub(super) pointer: Tensor,
    pub(super) worth: f32,
    /// Who said where the object is; `None` where it was followed.
    pub(super) giver: Option<Giver>,
}

/// What the tracker says of one object on a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackedMask {
    /// Logits on the mask grid; -1024 everywhere when the object is not there.
    pub mask: MaskLogits,
    /// Logit of "the object is there"; it is when above 0.
    pub object_score_logit: f32,
    /// Overlap that the mask is expected to have with the truth, 0..1.
    pub expected_iou: f32,
}

impl ObjectMemory {
    /// What is remembered.
    pub fn bank(&self) -> &MemoryBank {
        &self.bank
    }

    /// Turns the direction of time, for following over kept frames backwards: frame t becomes frame -t.
    pub fn turn_time(&mut self) {
        self.bank.turn_time();
        self.pending = None;
    }

    /// Bytes of all tensors that are kept.
    pub fn bytes(&self) -> usize {
        let of = |tensor: &Tensor| tensor.numel() * tensor.kind().elt_size_in_bytes();
        let kept =
            self.bank.iter().map(|remembered| of(&remembered.pointer) + remembered.memory.as_ref().map_or(0, of));
        kept.sum::<usize>() + self.pending.as_ref().map_or(0, |pending| of(&pending.pointer))
    }
}
