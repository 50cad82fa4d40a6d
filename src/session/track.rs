//! One object of a session: what is known of it, and what the frame at hand says.

use std::sync::Arc;

use super::binary_mask::BinaryMask;
use super::group::Group;
use super::lifetime::Absence;
use super::model::{MaskLogits, NO_OBJECT_LOGIT, Propagated};
use super::occlusion::LastHidden;
use super::phrases::{Concept, Phrases};
use super::probation::{Confirmation, Probation};
use super::settings::SessionConfig;
use crate::boxes::BoxXyxy;
use crate::objects::ObjectState;

/// What an object is called that the user began without a name.
const NAMELESS: &str = "object";

/// A mask with its inside, which is counted once.
#[derive(Debug, Clone)]
pub struct Outline {
    /// Logits.
    pub logits: MaskLogits,
    /// Cells above 0.
    pub inside: BinaryMask,
}

impl Outline {
    /// Of a mask.
    pub fn of(logits: MaskLogits) -> Self {
        Self { inside: BinaryMask::from_logits(&logits), logits }
    }

    /// Without inside.
    pub fn blank(side: usize) -> Self {
        Self { logits: MaskLogits::blank(side, NO_OBJECT_LOGIT), inside: BinaryMask::empty(side) }
    }
}

/// Where an object comes from.
#[derive(Debug, Clone)]
pub struct Birth {
    /// The phrase that found it; `None` when the user began it.
    pub concept: Option<Concept>,
    /// Its own name.
    pub label: Option<Arc<str>>,
    /// Score of the detection, 1 for the user's.
    pub score: f32,
    /// Number of the frame with detection; objects without one are never on probation.
    pub detection: Option<i64>,
    /// Time of the frame.
    pub time_ns: Option<u64>,
}

/// One object.
#[derive(Debug)]
pub struct Track<Memory> {
    /// Never used again in this stream.
    pub id: u64,
    /// What the tracker keeps of it; `None` when nothing follows it.
    pub memory: Option<Memory>,
    /// The phrase that found it.
    pub concept: Option<Concept>,
    /// Its own name.
    pub own_label: Option<Arc<str>>,
    /// What it was called last.
    pub label: Arc<str>,
    /// Score that is shown.
    pub score: f32,
    /// True after the user began or corrected it.
    pub is_users: bool,
    /// True when no rule may remove it.
    pub is_locked: bool,
    /// Its time on probation.
    pub probation: Probation,
    /// Whether it may be shown.
    pub confirmation: Confirmation,
    /// When it was last without mask.
    pub hidden: LastHidden,
    /// How long it has been without mask.
    pub absence: Absence,
    /// Detections in a row that missed it.
    pub missed: u32,
    /// Where it was last.
    pub place: BoxXyxy,
    /// Time of its first frame.
    pub first_seen_ns: Option<u64>,
    /// Time of the latest frame with a mask.
    pub last_seen_ns: Option<u64>,
    /// True when its mask is that of the frame before, and not an older one.
    pub was_seen: bool,
    /// True when it was shown on the frame before.
    pub was_shown: bool,
    /// True when it was ever shown.
    pub has_appeared: bool,
    /// Its mask on this frame, or the last one when nothing follows it.
    pub outline: Outline,
    /// What the frame at hand says.
    pub now: Now,
}

/// What is true of one frame only.
#[derive(Debug, Clone)]
pub struct Now {
    /// How it is known.
    pub state: ObjectState,
    /// What is shown in place of its mask.
    pub shown: Option<Outline>,
    /// How sure the tracker is, 0..1; decides who keeps a cell.
    pub certainty: f32,
    /// The tracker's object score.
    pub score_logit: f32,
    /// True when the rules hide it.
    pub is_hidden: bool,
    /// True when its memory is up to date already: begun or corrected on this frame.
    pub is_remembered: bool,
}

impl Now {
    fn of_state(state: ObjectState, certainty: f32) -> Self {
        Self { state, shown: None, certainty, score_logit: 0.0, is_hidden: false, is_remembered: false }
    }
}

impl<Memory> Track<Memory> {
    /// A new object.
    pub fn begin(id: u64, birth: Birth, outline: Outline, config: &SessionConfig) -> Self {
        let mut confirmation = Confirmation::default();
        confirmation.record(true, config);
        Self {
            id,
            memory: None,
            is_users: birth.concept.is_none(),
            label: birth.label.clone().unwrap_or_else(|| NAMELESS.into()),
            concept: birth.concept,
            own_label: birth.label,
            score: birth.score,
            is_locked: false,
            probation: Probation::begin(birth.detection.unwrap_or(i64::MIN), config),
            confirmation,
            hidden: LastHidden::Never,
            absence: Absence::default(),
            missed: 0,
            place: BoxXyxy::default(),
            first_seen_ns: birth.time_ns,
            last_seen_ns: birth.time_ns,
            was_seen: false,
            was_shown: false,
            has_appeared: false,
            outline,
            now: Now { is_remembered: true, ..Now::of_state(ObjectState::New, birth.score) },
        }
    }

    /// The group of its phrase.
    pub fn group(&self, phrases: &Phrases) -> Group {
        self.concept.as_ref().and_then(|concept| phrases.group_of(concept))
    }

    /// Begins a frame on which nobody has seen the object yet.
    pub fn begin_frame(&mut self) {
        self.was_seen = self.is_seen();
        self.now = Now::of_state(ObjectState::Held, 0.0);
    }

    /// Takes what the tracker says of this frame.
    pub fn follow(&mut self, propagated: Propagated, cleaned: MaskLogits) {
        self.outline = Outline::of(cleaned);
        self.now.state = ObjectState::Propagated;
        self.now.score_logit = propagated.score_logit;
        self.now.certainty = 1.0 / (1.0 + (-propagated.score_logit).exp());
    }

    /// Takes what the user says of this frame.
    pub fn correct(&mut self, mask: MaskLogits) {
        self.outline = Outline::of(mask);
        self.is_users = true;
        self.score = 1.0;
        self.now.state = ObjectState::Tracked;
        self.now.certainty = 1.0;
    }

    /// True when some mask of this frame is its own.
    pub fn is_seen(&self) -> bool {
        !matches!(self.now.state, ObjectState::Held | ObjectState::Lost)
    }

    /// True when the rules that end objects for want of detections may end this one.
    pub fn is_on_trial(&self) -> bool {
        !self.is_users && !self.is_locked
    }

    /// True when the tracker has not yet said where it is on this frame, and can.
    pub fn waits_for_tracker(&self) -> bool {
        self.memory.is_some() && !matches!(self.now.state, ObjectState::Propagated | ObjectState::Tracked)
    }

    /// True when the tracker follows what the user began, whatever the detector says.
    pub fn is_followed_for_user(&self) -> bool {
        self.is_users && self.memory.is_some()
    }

    /// Bytes on this side, the model's memory apart.
    pub fn host_bytes(&self) -> usize {
        let cells = self.outline.logits.values().len();
        size_of::<Self>() + 4 * cells + cells / 8 + 16 * self.probation.counter_count()
    }
}
