//! Sessions on a model: frames become features, features become tracks.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::thread::{Asked, Look, Served};
use super::track_session::Token;
use super::{Model, SegmentRequest, Segmentation, StageTimes, guard};
use crate::error::{Error, Result};
use crate::frame::{FrameSource, Wanted};
use crate::session::{FrameShape, Glance, SavedSession, Session, TrackRequest, Tracking, TrackingModel};

/// Sessions that one engine runs at a time.
const MAX_SESSIONS: usize = 256;
const STAGE: &str = "a forward pass";

/// A frame whose turn has come.
pub(super) struct Unread<'a> {
    pub(super) source: Box<dyn FrameSource>,
    pub(super) request: &'a SegmentRequest,
    /// The frame's number in its session; `None` without one.
    pub(super) number: Option<i64>,
}

/// What all objects and phrases of a frame share.
pub(super) struct Read<F> {
    pub(super) features: F,
    pub(super) shape: FrameShape,
    pub(super) times: StageTimes,
}

/// A model that turns frames into features, for single pictures and for sessions alike.
pub(super) trait StreamModel: Model + TrackingModel {
    /// Reads frames of one input size; an answer for each, in their order. The pixels are given back as soon as they are
    /// read, long before the pass ends.
    fn read(&mut self, frames: Vec<Unread<'_>>) -> Vec<Result<Read<Self::Features>>>;

    /// Finds what is asked for on one frame that belongs to no session.
    fn segment(
        &mut self,
        features: Self::Features,
        shape: FrameShape,
        request: &SegmentRequest,
    ) -> Result<Segmentation>;

    /// Where time went since this was asked last, reading apart.
    fn take_times(&mut self) -> StageTimes;

    /// Held during a frame; keeps torch from recording gradients.
    fn pass_guard(&self) -> Option<tch::NoGradGuard> {
        None
    }
}

/// A look whose frame is being read.
struct Begun {
    asked: Asked,
    wanted: Option<Wanted>,
    /// What its session did with the pixels.
    taken: Duration,
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

    fn look(&mut self, looks: Vec<Look>) {
        let _no_grad = self.model.pass_guard();
        let (mut sources, mut all_asked) = (Vec::new(), Vec::new());
        for Look { source, asked, .. } in looks {
            let began = Instant::now();
            match guard::guarded(STAGE, || self.begin(&asked, &*source)) {
                Ok(number) => {
                    let wanted = source.wanted();
                    sources.push((source, number));
                    all_asked.push(Begun { asked, wanted, taken: began.elapsed() });
                }
                Err(error) => asked.refuse(error),
            }
        }
        let unread = sources.into_iter().zip(&all_asked).map(|((source, number), Begun { asked, .. })| Unread {
            source,
            request: asked.request(),
            number,
        });
        let read = guard::guarded(STAGE, || Ok(self.model.read(unread.collect())));
        let failed = |error: Error| all_asked.iter().map(|_| Err(error.clone())).collect();
        for (mut read, Begun { asked, wanted, taken }) in read.unwrap_or_else(failed).into_iter().zip(all_asked) {
            if wanted.is_some_and(|wanted| !wanted()) {
                asked.refuse(Error::Closed);
                continue;
            }
            if let Ok(read) = &mut read {
                read.times.preprocess += taken;
            }
            self.answer(asked, read);
        }
    }

    fn save(&self, token: &Token) -> Result<SavedSession> {
        Ok(self.open.get(&token.number()).map_or_else(|| Session::<M>::default().save(), |open| open.session.save()))
    }

    fn sweep(&mut self) {
        self.open.retain(|_, open| open.handle.strong_count() > 0);
    }
}

impl<M: StreamModel> Sessions<M> {
    /// What is done with the pixels beside reading them; the frame's number in its session.
    fn begin(&mut self, asked: &Asked, source: &dyn FrameSource) -> Result<Option<i64>> {
        let Asked::Track { token, request, .. } = asked else {
            return Ok(None);
        };
        if self.open.len() >= MAX_SESSIONS && !self.open.contains_key(&token.number()) {
            let cause = format!("{MAX_SESSIONS} sessions are open on this engine; close one or use a second process");
            return Err(Error::Frame(cause));
        }
        let begun = || Open { handle: Arc::downgrade(token), session: Session::default() };
        let session = &mut self.open.entry(token.number()).or_insert_with(begun).session;
        if request.session.scene_cut_threshold > 0.0 {
            session.show_glance(Glance::of(&source.frame()?));
        }
        Ok(Some(session.next_frame()))
    }

    fn answer(&mut self, asked: Asked, read: Result<Read<M::Features>>) {
        match asked {
            Asked::Segment { request, answer } => answer.give(read.and_then(|read| self.segment(read, &request))),
            Asked::Track { token, request, answer } => {
                answer.give(read.and_then(|read| self.track(&token, read, &request)));
            }
        }
    }

    fn segment(&mut self, read: Read<M::Features>, request: &SegmentRequest) -> Result<Segmentation> {
        let Read { features, shape, mut times } = read;
        self.model.take_times();
        let found = guard::guarded(STAGE, || self.model.segment(features, shape, request))?;
        times += self.model.take_times();
        Ok(Segmentation { times, ..found })
    }

    fn track(&mut self, token: &Token, read: Read<M::Features>, request: &TrackRequest) -> Result<Tracking> {
        let Read { features, shape, mut times } = read;
        let Open { session, .. } = self.open.get_mut(&token.number()).ok_or(Error::Closed)?;
        self.model.take_times();
        let began = Instant::now();
        let tracking = guard::guarded(STAGE, || session.step(&mut self.model, features, shape, request))?;
        let stages = self.model.take_times();
        times += stages;
        times.rules += began.elapsed().saturating_sub(stages.sum());
        Ok(Tracking { times, ..tracking })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, mpsc};

    use crate::engine::{Engine, EngineSettings, SegmentRequest, TrackSession};
    use crate::error::{Error, Result};
    use crate::frame::{Frame, FrameSource, RgbPicture, Wanted};
    use crate::prompt::Prompt;
    use crate::session::{TrackRequest, Tracking};

    fn engine(model: &str) -> Engine {
        let settings = EngineSettings { model: model.into(), ..EngineSettings::default() };
        Engine::load(&settings, &mut |_| {}).unwrap()
    }

    fn picture() -> Box<RgbPicture> {
        Box::new(RgbPicture { width: 16, height: 9, rgb: vec![0; 3 * 16 * 9] })
    }

    fn request(text: &str) -> SegmentRequest {
        SegmentRequest { prompts: Prompt::list_from_text(text), ..SegmentRequest::default() }
    }

    fn tracked(text: &str) -> Arc<TrackRequest> {
        Arc::new(TrackRequest { segment: Arc::new(request(text)), ..TrackRequest::default() })
    }

    /// Ids and labels.
    type Shown = Vec<(Option<u64>, String)>;

    /// What one frame of each session shows, and how many frames were looked at together.
    fn look_at_once(engine: &Engine, sessions: &[TrackSession], texts: &[&str]) -> Vec<(Shown, u32)> {
        let (sender, receiver) = mpsc::channel();
        // Holds the engine while the others come.
        engine.submit(picture(), Arc::new(request("first")), |_| {});
        for (index, (session, text)) in sessions.iter().zip(texts).enumerate() {
            let sender = sender.clone();
            session.submit(picture(), tracked(text), move |answer| sender.send((index, answer.unwrap())).unwrap());
        }
        drop(sender);
        let mut answers: Vec<_> = receiver.iter().collect();
        answers.sort_by_key(|(index, _)| *index);
        answers.into_iter().map(|(_, answer)| (shown(&answer), answer.times.batch_size)).collect()
    }

    fn shown(answer: &Tracking) -> Shown {
        answer.objects.items.iter().map(|object| (object.id, object.label.to_string())).collect()
    }

    #[test]
    fn sessions_that_are_looked_at_together_see_what_each_sees_alone() {
        let (engine, other_engine) = (engine("test:frame-ms=20"), engine("test"));
        let texts = ["dog", "cat", "dog; cat"];
        let (sessions, alone) = (texts.map(|_| engine.open_session()), texts.map(|_| other_engine.open_session()));
        let mut most = 0;
        for _ in 0..5 {
            let together = look_at_once(&engine, &sessions, &texts);
            for ((session, text), (objects, batch_size)) in alone.iter().zip(texts).zip(together) {
                most = most.max(batch_size);
                assert_eq!(objects, shown(&session.track(*picture(), tracked(text)).unwrap()), "{text}");
            }
        }
        assert!(most >= 3, "they were never looked at together");
    }

    /// A frame that nobody waits for any more once its pixels were read.
    struct Abandoned {
        picture: RgbPicture,
        is_read: Arc<AtomicBool>,
    }

    impl FrameSource for Abandoned {
        fn frame(&self) -> Result<Frame<'_>> {
            self.is_read.store(true, Ordering::Relaxed);
            self.picture.frame()
        }

        fn wanted(&self) -> Option<Wanted> {
            let is_read = self.is_read.clone();
            Some(Box::new(move || !is_read.load(Ordering::Relaxed)))
        }
    }

    #[test]
    fn a_look_that_nobody_waits_for_ends_between_its_stages() {
        let engine = engine("test:name=abandoned");
        let (sender, receiver) = mpsc::channel();
        let is_read = Arc::new(AtomicBool::new(false));
        let abandoned = Box::new(Abandoned { picture: *picture(), is_read: is_read.clone() });
        engine.submit(abandoned, Arc::new(request("dog")), move |answer| sender.send(answer).unwrap());
        assert!(matches!(receiver.recv().unwrap(), Err(Error::Closed)) && is_read.load(Ordering::Relaxed));
        let next = engine.open_session().track(*picture(), tracked("dog")).unwrap();
        assert_eq!(shown(&next).len(), 2, "the discs of a first frame: others go on");
    }

    #[test]
    fn who_wants_to_be_alone_is_alone() {
        let engine = engine("test:frame-ms=20");
        let (sender, receiver) = mpsc::channel();
        for _ in 0..4 {
            let (sender, request) = (sender.clone(), SegmentRequest { batch_size: Some(1), ..request("dog") });
            engine.submit(picture(), Arc::new(request), move |answer| sender.send(answer.unwrap().times).unwrap());
        }
        drop(sender);
        assert!(receiver.iter().all(|times| times.batch_size == 1));
    }
}
