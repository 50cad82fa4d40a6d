//! Sessions on a model: frames become features, features become tracks.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Instant;

use super::thread::Served;
use super::track_session::Token;
use super::{Model, SegmentRequest, Segmentation, StageTimes};
use crate::error::{Error, Result};
use crate::frame::FrameSource;
use crate::session::{FrameShape, Glance, SavedSession, Session, TrackRequest, Tracking, TrackingModel};

/// Sessions that one engine runs at a time.
const MAX_SESSIONS: usize = 256;

/// A model that turns frames into features, for single pictures and for sessions alike.
pub(super) trait StreamModel: Model + TrackingModel {
    /// Reads a frame and computes what all objects and phrases share. The pixels are given back as soon as they are
    /// read. `frame` is the frame's number in its session.
    fn read(
        &mut self,
        source: Box<dyn FrameSource>,
        request: &SegmentRequest,
        frame: i64,
    ) -> Result<(Self::Features, FrameShape)>;

    /// Where time went since this was asked last.
    fn take_times(&mut self) -> StageTimes;

    /// Held during a frame; keeps torch from recording gradients.
    fn pass_guard(&self) -> Option<tch::NoGradGuard> {
        None
    }
}

/// A model and every session that is open on it.
pub(super) struct Sessions<M: TrackingModel> {
    model: M,
    open: HashMap<u64, Open<M>>,
}

struct Open<M: TrackingModel> {
    handle: Weak<Token>,
    session: Session<M>,
}

impl<M: StreamModel> Sessions<M> {
    pub(super) fn new(model: M) -> Self {
        Self { model, open: HashMap::new() }
    }
}

impl<M: StreamModel> Served for Sessions<M> {
    fn model(&self) -> &dyn Model {
        &self.model
    }

    fn segment(&mut self, source: Box<dyn FrameSource>, request: &SegmentRequest) -> Result<Segmentation> {
        self.model.segment(source, request)
    }

    fn track(&mut self, token: &Arc<Token>, source: Box<dyn FrameSource>, request: &TrackRequest) -> Result<Tracking> {
        if self.open.len() >= MAX_SESSIONS && !self.open.contains_key(&token.number()) {
            let cause = format!("{MAX_SESSIONS} sessions are open on this engine; close one or use a second process");
            return Err(Error::Frame(cause));
        }
        let begun = || Open { handle: Arc::downgrade(token), session: Session::default() };
        let session = &mut self.open.entry(token.number()).or_insert_with(begun).session;
        let _no_grad = self.model.pass_guard();
        let begin = Instant::now();
        self.model.take_times();
        if request.session.scene_cut_threshold > 0.0 {
            session.show_glance(Glance::of(&source.frame()?));
        }
        let (features, shape) = self.model.read(source, &request.segment, session.next_frame())?;
        let mut tracking = session.step(&mut self.model, features, shape, request)?;
        tracking.times = self.model.take_times();
        tracking.times.rules = begin.elapsed().saturating_sub(tracking.times.sum());
        Ok(tracking)
    }

    fn save(&self, token: &Token) -> Result<SavedSession> {
        Ok(self.open.get(&token.number()).map_or_else(|| Session::<M>::default().save(), |open| open.session.save()))
    }

    fn sweep(&mut self) {
        self.open.retain(|_, open| open.handle.strong_count() > 0);
    }
}
