//! What sessions see on the artificial engine: for each phrase three discs in a lane of its own. One goes to and fro, one
//! crosses it the other way, one comes in from the left, leaves to the right and returns. All are functions of the frame's
//! number in its session.

use std::time::Instant;

use super::artificial::Artificial;
use super::discs::{Disc, DiscFrame, Followed, SIDE};
use super::sessions::{Read, StreamModel, Unread};
use super::{SegmentRequest, Segmentation, StageTimes};
use crate::error::Result;
use crate::session::{Clicks, Detected, FrameShape, Giver, MaskLogits, MemorySettings, Propagated, TrackingModel};

/// Frames in which a disc goes to and fro once.
const PERIOD_IN_FRAMES: i64 = 200;
/// Frames from one appearance of the disc that leaves to the next; it is on the picture for about half of them.
const RETURN_IN_FRAMES: i64 = 160;
/// Lanes that phrases are spread over.
const LANES: u32 = 4;

/// The discs of a phrase. Negative frame numbers are those before the first.
pub(super) fn scenery(frame: i64, phrase: &str) -> Vec<Disc> {
    let sum = phrase.bytes().fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let lane = 0.2 + 0.2 * (sum % LANES) as f32;
    let at = frame.rem_euclid(PERIOD_IN_FRAMES) as f32 / PERIOD_IN_FRAMES as f32;
    let to_and_fro = 1.0 - (2.0 * at - 1.0).abs();
    let passing = frame.rem_euclid(RETURN_IN_FRAMES) as f32 / RETURN_IN_FRAMES as f32;
    vec![
        Disc { radius: 0.07, ..Disc::at(0, 0.15 + 0.7 * to_and_fro, lane) },
        Disc { radius: 0.05, score: 0.85, ..Disc::at(1, 0.85 - 0.7 * to_and_fro, lane + 0.08) },
        Disc { radius: 0.04, score: 0.8, ..Disc::at(2, -0.1 + 2.4 * passing, lane - 0.1) },
    ]
}

/// The same, and a resting disc that is detected on one frame only and seen by the tracker from there on.
pub(super) fn scenery_with_ghost(frame: i64, phrase: &str, ghost_frame: Option<i64>) -> Vec<Disc> {
    let mut discs = scenery(frame, phrase);
    let ghost = ghost_frame.filter(|first| frame >= *first);
    discs.extend(ghost.map(|first| Disc { is_detected: frame == first, radius: 0.05, ..Disc::at(3, 0.5, 0.05) }));
    discs
}

impl StreamModel for Artificial {
    fn read(&mut self, frames: Vec<Unread<'_>>) -> Vec<Result<Read<DiscFrame>>> {
        let batch_size = frames.len() as u32;
        let mut read = |Unread { source, request, number }: Unread<'_>| {
            let began = Instant::now();
            let shape = source.frame().map(|frame| FrameShape { width: frame.width, height: frame.height })?;
            drop(source);
            let played = self.play()? as i64;
            let times = StageTimes { batch_size, vision: began.elapsed(), ..StageTimes::default() };
            let phrases = request.prompts.iter().map(|prompt| prompt.text.to_string()).collect();
            Ok(Read { features: DiscFrame { number: number.unwrap_or(played), side: SIDE, phrases }, shape, times })
        };
        frames.into_iter().map(&mut read).collect()
    }

    fn segment(&mut self, frame: DiscFrame, shape: FrameShape, request: &SegmentRequest) -> Result<Segmentation> {
        let began = Instant::now();
        let outcome = self.segment_frame(frame.number as u64, shape, request);
        self.times.detector += began.elapsed();
        outcome
    }

    fn take_times(&mut self) -> StageTimes {
        std::mem::take(&mut self.times)
    }
}

/// Everything is the discs' matter.
impl TrackingModel for Artificial {
    type Features = DiscFrame;
    type Memory = Followed;

    fn follows(&self) -> bool {
        self.discs.follows()
    }

    fn mask_side(&self, frame: &DiscFrame) -> usize {
        self.discs.mask_side(frame)
    }

    fn detect(&mut self, frame: &DiscFrame, request: &SegmentRequest) -> Result<Detected> {
        self.discs.detect(frame, request)
    }

    fn propagate(
        &mut self,
        frame: &DiscFrame,
        memories: &mut [&mut Followed],
        settings: &MemorySettings,
        number: i64,
    ) -> Result<Vec<Propagated>> {
        self.discs.propagate(frame, memories, settings, number)
    }

    fn click(
        &mut self,
        frame: &DiscFrame,
        memory: Option<&mut Followed>,
        clicks: &Clicks,
        settings: &MemorySettings,
        number: i64,
    ) -> Result<(Option<Followed>, Propagated)> {
        self.discs.click(frame, memory, clicks, settings, number)
    }

    fn recondition(
        &mut self,
        frame: &DiscFrame,
        memory: &mut Followed,
        mask: &MaskLogits,
        giver: Giver,
        number: i64,
    ) -> Result<()> {
        self.discs.recondition(frame, memory, mask, giver, number)
    }

    fn remember(
        &mut self,
        frame: &DiscFrame,
        memories: &mut [&mut Followed],
        masks: &[MaskLogits],
        is_present: &[bool],
        number: i64,
    ) -> Result<()> {
        self.discs.remember(frame, memories, masks, is_present, number)
    }

    fn start_from_masks(
        &mut self,
        frame: &DiscFrame,
        masks: &[MaskLogits],
        giver: Giver,
        number: i64,
    ) -> Result<Vec<Followed>> {
        self.discs.start_from_masks(frame, masks, giver, number)
    }

    fn memory_bytes(&self, memory: &Followed) -> usize {
        self.discs.memory_bytes(memory)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::engine::{Engine, EngineSettings, TrackSession};
    use crate::frame::RgbPicture;
    use crate::prompt::Prompt;
    use crate::session::{Edit, ObjectEventKind, TrackRequest, Tracking};

    fn engine(model: &str) -> Engine {
        let settings = EngineSettings { model: model.into(), ..EngineSettings::default() };
        Engine::load(&settings, &mut |_| {}).unwrap()
    }

    fn request(text: &str) -> TrackRequest {
        let segment = crate::SegmentRequest { prompts: Prompt::list_from_text(text), ..Default::default() };
        TrackRequest { segment: Arc::new(segment), ..TrackRequest::default() }
    }

    fn try_track(session: &TrackSession, request: &TrackRequest) -> crate::Result<Tracking> {
        let picture = RgbPicture { width: 64, height: 36, rgb: vec![0; 3 * 64 * 36] };
        session.track(picture, Arc::new(request.clone()))
    }

    fn ids(answer: &Tracking) -> Vec<u64> {
        let mut ids: Vec<_> = answer.objects.items.iter().filter_map(|object| object.id).collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn discs_keep_their_ids_while_they_cross_leave_and_return() {
        for model in ["test", "test:follow=false"] {
            let engine = engine(model);
            assert_eq!(engine.info().follows, model == "test");
            let session = engine.open_session();
            let mut events = Vec::new();
            for _ in 0..180 {
                let answer = try_track(&session, &request("dog")).unwrap();
                assert!(answer.notices.is_empty(), "{:?}", answer.notices);
                events.extend(answer.events.into_iter().map(|event| (event.kind, event.object_id)));
            }
            let of = |kind| events.iter().filter(|event| event.0 == kind).count();
            assert_eq!(of(ObjectEventKind::Appeared), if model == "test" { 3 } else { 4 }, "{model}: {events:?}");
            assert!(of(ObjectEventKind::Lost) >= 1);
        }
    }

    #[test]
    fn sessions_of_one_engine_know_nothing_of_each_other() {
        let engine = engine("test");
        let (first, second) = (engine.open_session(), engine.open_session());
        for _ in 0..20 {
            try_track(&first, &request("dog; cat")).unwrap();
        }
        let fresh = try_track(&second, &request("dog")).unwrap();
        assert_eq!(
            fresh.events.iter().filter(|event| event.kind == ObjectEventKind::Appeared).count(),
            fresh.events.len()
        );
        assert_eq!(ids(&fresh)[0], 1);
        assert_eq!(ids(&try_track(&first, &request("dog; cat")).unwrap())[..2], [1, 2]);
    }

    #[test]
    fn a_failed_frame_leaves_the_tracks_as_they_were() {
        for model in ["test:fail-at=3", "test:panic-at=3"] {
            let engine = engine(model);
            let session = engine.open_session();
            let outcomes: Vec<_> = (0..6).map(|_| try_track(&session, &request("dog")).map(|t| ids(&t)).ok()).collect();
            assert!(outcomes[3].is_none() && outcomes[2] == outcomes[4], "{outcomes:?}");
        }
    }

    #[test]
    fn sessions_are_saved_and_restored_across_engines() {
        let engine = engine("test");
        let session = engine.open_session();
        try_track(&session, &request("dog")).unwrap();
        let rename = Edit::Rename { object_id: 2, label: "Rex".into() };
        try_track(&session, &TrackRequest { edits: vec![rename], ..request("dog") }).unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        session.save(move |saved| sender.send(saved).unwrap());
        let saved = receiver.recv().unwrap().unwrap();
        let other = engine.open_session();
        try_track(&other, &request("dog")).unwrap();
        let restore = TrackRequest { edits: vec![Edit::Restore(Box::new(saved))], ..request("dog") };
        let answer = try_track(&other, &restore).unwrap();
        let named = answer.objects.items.iter().find(|object| object.id == Some(2)).unwrap();
        assert_eq!(&*named.label, "Rex");
    }

    #[test]
    fn illegal_sizes_and_settings_are_answered_with_an_error() {
        let engine = engine("test");
        let session = engine.open_session();
        let segment = crate::SegmentRequest { inference_size: 100, ..Default::default() };
        let illegal = TrackRequest { segment: Arc::new(segment), ..TrackRequest::default() };
        assert!(try_track(&session, &illegal).unwrap_err().to_string().contains("inference-size"));
        let config = crate::session::SessionConfig { match_iou: -1.0, ..Default::default() };
        let illegal = TrackRequest { session: Arc::new(config), ..request("dog") };
        assert!(try_track(&session, &illegal).unwrap_err().to_string().contains("match-iou"));
    }

    #[test]
    fn a_dropped_session_is_freed_while_the_engine_goes_on() {
        let engine = engine("test");
        // More than may be open at a time, one after the other.
        for _ in 0..300 {
            let session = engine.open_session();
            assert!(!ids(&try_track(&session, &request("dog")).unwrap()).is_empty());
        }
    }

    #[test]
    fn closing_answers_those_who_wait_and_a_session_keeps_its_engine() {
        let engine = engine("test:frame-ms=50");
        let session = engine.open_session();
        drop(engine);
        assert!(try_track(&session, &request("dog")).is_ok());
        let (sender, receiver) = std::sync::mpsc::channel();
        for _ in 0..2 {
            let sender = sender.clone();
            let picture = RgbPicture { width: 8, height: 8, rgb: vec![0; 192] };
            session.submit(Box::new(picture), Arc::new(request("dog")), move |answer| {
                sender.send(answer.is_ok()).unwrap()
            });
        }
        drop(session);
        assert_eq!(receiver.iter().take(2).count(), 2);
    }
}
