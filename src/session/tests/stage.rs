//! A session, discs, and one frame after the other.

use std::sync::Arc;

use crate::engine::SegmentRequest;
use crate::engine::discs::{Disc, DiscFrame, DiscModel, SIDE};
use crate::objects::{Object, ObjectState};
use crate::prompt::Prompt;
use crate::session::{Edit, FrameShape, ObjectEventKind, Session, SessionConfig, TrackRequest, Tracking};

/// Time from one frame to the next.
pub const FRAME_NS: u64 = 40_000_000;

/// Everything that a test changes between two frames.
pub struct Stage {
    pub session: Session<DiscModel>,
    pub model: DiscModel,
    pub segment: SegmentRequest,
    pub config: SessionConfig,
    pub shape: FrameShape,
    pub side: usize,
    pub frame: i64,
    /// Phrases that there are discs of, asked for or not.
    pub scenery_of: Vec<String>,
    pub time_ns: Option<u64>,
}

impl Stage {
    /// Looks for the phrases in `text`.
    pub fn new(text: &str, follows: bool, scenery: impl Fn(i64, &str) -> Vec<Disc> + Send + 'static) -> Self {
        let prompts = Prompt::list_from_text(text);
        Self {
            session: Session::default(),
            model: DiscModel::new(follows, Box::new(scenery)),
            scenery_of: prompts.iter().map(|prompt| prompt.text.to_string()).collect(),
            segment: SegmentRequest { prompts, ..SegmentRequest::default() },
            config: SessionConfig::default(),
            shape: FrameShape { width: 640, height: 360 },
            side: SIDE,
            frame: -1,
            time_ns: None,
        }
    }

    pub fn with(mut self, change: impl FnOnce(&mut SessionConfig)) -> Self {
        change(&mut self.config);
        self
    }

    pub fn phrases(&mut self, text: &str) {
        self.segment.prompts = Prompt::list_from_text(text);
    }

    pub fn step(&mut self) -> Tracking {
        self.step_with(Vec::new())
    }

    pub fn step_with(&mut self, edits: Vec<Edit>) -> Tracking {
        self.try_step(edits).unwrap()
    }

    pub fn try_step(&mut self, edits: Vec<Edit>) -> crate::Result<Tracking> {
        self.frame += 1;
        self.time_ns = Some(self.time_ns.map_or(0, |time_ns| time_ns + FRAME_NS));
        let request = TrackRequest {
            segment: Arc::new(self.segment.clone()),
            session: Arc::new(self.config.clone()),
            edits,
            time_ns: self.time_ns,
        };
        let phrases = self.scenery_of.clone();
        let features = DiscFrame { number: self.frame, side: self.side, phrases };
        self.session.step(&mut self.model, features, self.shape, &request)
    }

    /// So many frames.
    pub fn answers(&mut self, frames: usize) -> Vec<Tracking> {
        (0..frames).map(|_| self.step()).collect()
    }

    /// The last of so many frames.
    pub fn run(&mut self, frames: usize) -> Tracking {
        (0..frames).map(|_| self.step()).last().unwrap()
    }
}

pub fn ids(answer: &Tracking) -> Vec<u64> {
    let mut ids: Vec<_> = answer.objects.items.iter().filter_map(|object| object.id).collect();
    ids.sort_unstable();
    ids
}

pub fn object(answer: &Tracking, id: u64) -> &Object {
    answer.objects.items.iter().find(|object| object.id == Some(id)).unwrap()
}

pub fn state(answer: &Tracking, id: u64) -> ObjectState {
    object(answer, id).state.unwrap()
}

pub fn events(answer: &Tracking) -> Vec<(ObjectEventKind, u64)> {
    answer.events.iter().map(|event| (event.kind, event.object_id)).collect()
}

/// Where an object is, from left to right.
pub fn x_of(answer: &Tracking, id: u64) -> f32 {
    let place = object(answer, id).box_in_frame;
    0.5 * (place.x0 + place.x1)
}
