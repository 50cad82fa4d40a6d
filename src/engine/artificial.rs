//! The artificial engine, `model=test`: moving discs with fixed ids, settable time per frame, settable failures.
//!
//! It makes every rule of timing, order and drawing testable on any machine without weights, and lets a user try a
//! pipeline before a model is there. `model="test:frame-ms=40,fail-at=7"` sets it up; see [`Script`]. Sessions see other
//! discs, which come, cross, leave and return; see [`traffic`].

use std::sync::Arc;
use std::time::Duration;

use super::discs::{Disc, DiscModel, PointedAt, SURE_LOGIT, pointed_at, under};
use super::pointing::{self, Place, Pointed};
use super::{EngineInfo, Model, PhraseChecker, SegmentRequest, Segmentation, StageTimes, rules, traffic};
use crate::boxes::BoxXyxy;
use crate::error::{Error, Result};
use crate::objects::{MASK_INSIDE, Mask, Object, Objects, SemanticMap};
use crate::prompt::{Prompt, PromptNotice, has_non_latin_letters};
use crate::session::{FrameShape, TrackingModel};
use crate::tracker::TrackedMask;

const NAME: &str = "test";
const MASK_SIDE: u32 = 72;
/// Radius of a disc in units of the frame's sides.
const RADIUS_IN_FRAME: f32 = 0.15;
/// How soft a disc's edge is; trained models make masks about this soft.
const EDGE_LOG_ODDS_PER_CELL: f32 = 2.0;
/// Score of what is pointed at.
const EXPECTED_IOU: f32 = 0.97;
/// Frames in which a disc crosses the picture once.
const PERIOD_IN_FRAMES: u64 = 100;

/// What the artificial engine was told to do.
#[derive(Debug, Clone, Default, PartialEq)]
struct Script {
    /// `frame-ms`: time a frame takes.
    frame_time: Duration,
    /// `load-ms`: time loading takes.
    load_time: Duration,
    /// `fail-load=true`: loading fails.
    load_fails: bool,
    /// `fail-at=N`: frame N, from 0, fails.
    failing_frame: Option<u64>,
    /// `fail-from=N`: frame N and all after it fail, as with an engine that is gone.
    first_of_failures: Option<u64>,
    /// `fail-every=N`: each Nth frame fails.
    failing_period: Option<u64>,
    /// `panic-at=N`: frame N, from 0, fails as libtorch fails.
    panicking_frame: Option<u64>,
    /// `ghost-at=N`: on frame N of a session, and on no other, the detector finds one thing more for each phrase.
    ghost_frame: Option<u64>,
    /// `follow=false`: sessions follow by detection alone and nothing can be pointed at, as with models without tracker
    /// weights.
    is_without_tracker: bool,
}

pub(super) struct Artificial {
    model: String,
    script: Script,
    frame_number: u64,
    pub(super) discs: DiscModel,
    /// Where time went since somebody asked.
    pub(super) times: StageTimes,
}

/// True for "test" and "test:…".
pub(super) fn is_named_by(model: &str) -> bool {
    model == NAME || model.starts_with("test:")
}

impl Artificial {
    pub(super) fn open(model: &str) -> Result<Self> {
        let script = Script::parse(model)?;
        std::thread::sleep(script.load_time);
        if script.load_fails {
            return Err(Error::ModelNotFound { model: model.into(), cause: "fail-load=true asks for this".into() });
        }
        let ghost_frame = script.ghost_frame.map(|frame| frame as i64);
        let scenery = move |frame, phrase: &str| traffic::scenery_with_ghost(frame, phrase, ghost_frame);
        let discs = DiscModel::new(!script.is_without_tracker, Box::new(scenery));
        Ok(Self { model: model.into(), script, frame_number: 0, discs, times: StageTimes::default() })
    }
}

impl Script {
    fn parse(model: &str) -> Result<Self> {
        let mut script = Self::default();
        let text = model.strip_prefix("test:").unwrap_or_default();
        for pair in text.split(',').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let number = || value.parse::<u64>().map_err(|_| refused(model, pair));
            match key {
                "frame-ms" => script.frame_time = Duration::from_millis(number()?),
                "load-ms" => script.load_time = Duration::from_millis(number()?),
                "fail-load" => script.load_fails = value == "true",
                "fail-at" => script.failing_frame = Some(number()?),
                "fail-from" => script.first_of_failures = Some(number()?),
                "panic-at" => script.panicking_frame = Some(number()?),
                "fail-every" => script.failing_period = Some(number()?.max(1)),
                "ghost-at" => script.ghost_frame = Some(number()?),
                "follow" => script.is_without_tracker = value == "false",
                "name" => {}
                _ => return Err(refused(model, pair)),
            }
        }
        Ok(script)
    }

    fn fails(&self, frame_number: u64) -> bool {
        self.failing_frame == Some(frame_number)
            || self.first_of_failures.is_some_and(|first| frame_number >= first)
            || self.failing_period.is_some_and(|period| (frame_number + 1).is_multiple_of(period))
    }
}

fn refused(model: &str, pair: &str) -> Error {
    Error::Setting {
        property: "model",
        value: model.into(),
        cause: format!("\"{pair}\" is not understood"),
        remedy:
            "After test: use frame-ms=N, load-ms=N, fail-load=true, fail-at=N, fail-from=N, fail-every=N, panic-at=N, \
                 ghost-at=N, follow=false, name=TEXT, with commas"
                .into(),
    }
}

impl Model for Artificial {
    fn info(&self) -> EngineInfo {
        EngineInfo {
            model: self.model.clone(),
            device_in_use: "cpu (artificial engine)".into(),
            precision_in_use: "fp32".into(),
            native_size: 252,
            size_multiple: 84,
            threshold: 0.5,
            expected_pass: self.script.frame_time,
            batch_size: 4,
            follows: self.discs.follows(),
        }
    }

    fn phrase_checker(&self) -> PhraseChecker {
        Arc::new(|phrase| {
            let is_foreign = has_non_latin_letters(phrase);
            is_foreign.then(|| PromptNotice::NotLatin { text: phrase.into() }).into_iter().collect()
        })
    }
}

impl Artificial {
    /// What a frame that belongs to no session shows.
    pub(super) fn segment_frame(
        &self,
        frame_number: u64,
        shape: FrameShape,
        request: &SegmentRequest,
    ) -> Result<Segmentation> {
        let FrameShape { width: frame_width, height: frame_height } = shape;
        let threshold = request.threshold.unwrap_or(0.5);
        let mut discs = Vec::new();
        for (index, prompt) in request.prompts.iter().enumerate() {
            let centre = resting_place(prompt, frame_width, frame_height)?;
            discs.push(disc(index as u32, prompt.label.clone(), centre.unwrap_or(place(index as u32, frame_number))));
        }
        let things: Vec<Disc> = discs.iter().map(as_thing).collect();
        let semantic_maps = if request.semantic_maps { semantic_maps(&discs, &request.prompts) } else { Vec::new() };
        discs.retain(|disc| disc.score > request.prompts[disc.prompt_index as usize].threshold.unwrap_or(threshold));
        let inside_level = request.mask_threshold.map_or(MASK_INSIDE, |t| (t * 255.0).round() as u8);
        let items = rules::apply(discs, request, inside_level);
        let place = Place { shape, side: MASK_SIDE as usize };
        let look =
            (!self.script.is_without_tracker).then_some(|pointed: &Pointed| Ok(seen(&things, pointed, place.side)));
        let (pointed_at, notices) = pointing::objects_pointed_at(request, place, look)?;
        let items = pointing::merged(items, pointed_at);
        let objects = Objects { frame_width, frame_height, inside_level, items, semantic_maps };
        Ok(Segmentation { objects, notices, ..Segmentation::default() })
    }

    /// Takes the time of a frame, and fails if it is one that should. Frames are counted over all streams.
    pub(super) fn play(&mut self) -> Result<u64> {
        let frame_number = self.frame_number;
        self.frame_number += 1;
        std::thread::sleep(self.script.frame_time);
        // tch panics when libtorch throws; the engine's guard makes an error of it.
        assert!(self.script.panicking_frame != Some(frame_number), "frame {frame_number}, as panic-at asks");
        if self.script.fails(frame_number) {
            return Err(Error::Artificial { frame: frame_number, model: self.model.clone() });
        }
        Ok(frame_number)
    }
}

/// Where the disc of a prompt is: its row by prompt, its column by time.
fn place(prompt_index: u32, frame_number: u64) -> (f32, f32) {
    let travelled = (frame_number % PERIOD_IN_FRAMES) as f32 / PERIOD_IN_FRAMES as f32;
    (0.2 + 0.6 * travelled, 0.25 + 0.25 * (prompt_index % 3) as f32)
}

/// A prompt with a positive box has its disc there, at rest.
fn resting_place(prompt: &Prompt, frame_width: u32, frame_height: u32) -> Result<Option<(f32, f32)>> {
    for set in &prompt.exemplars {
        let boxes = set.on_frame(frame_width, frame_height)?;
        if let Some(exemplar) = boxes.iter().find(|exemplar| exemplar.is_positive) {
            return Ok(Some((exemplar.box_in_frame.cx, exemplar.box_in_frame.cy)));
        }
    }
    Ok(None)
}

/// A disc as something to point at.
fn as_thing(disc: &Object) -> Disc {
    let BoxXyxy { x0, y0, x1, y1 } = disc.box_in_frame;
    Disc { radius: RADIUS_IN_FRAME, ..Disc::at(u64::from(disc.prompt_index), 0.5 * (x0 + x1), 0.5 * (y0 + y1)) }
}

/// The disc that is pointed at, or a small one where there is none. A box says more than points, and they more than a
/// mask.
fn seen(discs: &[Disc], pointed: &Pointed, side: usize) -> TrackedMask {
    let Pointed { clicks, mask } = pointed;
    let is_clicked = clicks.box_in_frame.is_some() || clicks.points.iter().any(|point| point.is_positive);
    let meant = match mask {
        Some(mask) if !is_clicked => under(discs, mask),
        _ => pointed_at(discs, clicks, side),
    };
    let mask = match meant {
        PointedAt::Disc(index) => discs[index].logits(side),
        PointedAt::Place(mask) => mask,
    };
    TrackedMask { mask, object_score_logit: SURE_LOGIT, expected_iou: EXPECTED_IOU }
}

/// Each concept's map is its disc.
fn semantic_maps(discs: &[Object], prompts: &[Prompt]) -> Vec<SemanticMap> {
    let wanted = discs.iter().filter(|disc| !prompts[disc.prompt_index as usize].is_excluded);
    let map = |disc: &Object| SemanticMap {
        label: disc.label.clone(),
        prompt_index: disc.prompt_index,
        presence: disc.score,
        map: disc.mask.clone(),
    };
    wanted.map(map).collect()
}

/// The disc of one prompt; its id is fixed.
fn disc(prompt_index: u32, label: Arc<str>, (cx, cy): (f32, f32)) -> Object {
    let values: Vec<u8> = (0..MASK_SIDE * MASK_SIDE)
        .map(|cell| {
            let x = ((cell % MASK_SIDE) as f32 + 0.5) / MASK_SIDE as f32;
            let y = ((cell / MASK_SIDE) as f32 + 0.5) / MASK_SIDE as f32;
            let outside_in_cells = ((x - cx).hypot(y - cy) - RADIUS_IN_FRAME) * MASK_SIDE as f32;
            (255.0 / (1.0 + (EDGE_LOG_ODDS_PER_CELL * outside_in_cells).exp())).round() as u8
        })
        .collect();
    Object {
        id: Some(u64::from(prompt_index) + 1),
        label,
        prompt_index,
        score: 0.95 - 0.01 * (prompt_index % 40) as f32,
        box_in_frame: BoxXyxy {
            x0: cx - RADIUS_IN_FRAME,
            y0: cy - RADIUS_IN_FRAME,
            x1: cx + RADIUS_IN_FRAME,
            y1: cy + RADIUS_IN_FRAME,
        },
        mask: Mask::new(MASK_SIDE, MASK_SIDE, values).expect("side by side values"),
        state: None,
        first_seen_ns: None,
        last_seen_ns: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, EngineSettings};
    use crate::frame::RgbPicture;
    use crate::prompt::{Prompt, things_from_text};

    fn engine(model: &str) -> Engine {
        let settings = EngineSettings { model: model.into(), ..EngineSettings::default() };
        Engine::load(&settings, &mut |_| {}).unwrap()
    }

    fn picture() -> RgbPicture {
        RgbPicture { width: 16, height: 16, rgb: vec![0; 768] }
    }

    fn request(text: &str) -> SegmentRequest {
        SegmentRequest { prompts: Prompt::list_from_text(text), ..SegmentRequest::default() }
    }

    #[test]
    fn discs_move_and_keep_their_ids() {
        let engine = engine("test");
        let first = engine.segment(picture(), request("dog; cat")).unwrap().objects;
        let second = engine.segment(picture(), request("dog; cat")).unwrap().objects;
        assert_eq!(first.items.len(), 2);
        assert_eq!(first.items[1].id, second.items[1].id);
        assert!(first.items[0].box_in_frame.x0 < second.items[0].box_in_frame.x0);
        let area = first.items[0].mask.bytes().iter().filter(|&&v| v >= MASK_INSIDE).count() as f32;
        let expected = std::f32::consts::PI * (RADIUS_IN_FRAME * MASK_SIDE as f32).powi(2);
        assert!((area / expected - 1.0).abs() < 0.05, "{area} against {expected}");
    }

    #[test]
    fn what_is_pointed_at_comes_beside_what_is_found() {
        let engine = engine("test");
        let found = engine.segment(picture(), request("dog; cat")).unwrap().objects;
        // The dog is about 0.2,0.25 and the cat 0.2,0.5; the last thing lies apart from both.
        let things = things_from_text("mine: 0.2,0.3; other: 0.2,0.45; -0.2,0.5; 0.8,0.8,0.1,0.1").unwrap();
        let answer = engine.segment(picture(), SegmentRequest { things, ..request("dog; cat") }).unwrap();
        assert!(answer.notices.is_empty(), "{:?}", answer.notices);
        let of = |label: &str| answer.objects.items.iter().find(|object| &*object.label == label).unwrap();
        assert_eq!((answer.objects.items.len(), of("mine").prompt_index, of("other").prompt_index), (4, 2, 3));
        let mine = of("mine").box_in_frame;
        assert!(mine.x1 - mine.x0 > 0.2 && of("mine").id.is_none(), "the dog's disc: {mine:?}");
        assert!(of("other").box_in_frame.x0 > 0.75, "the box says it");
        assert_eq!((&of("dog").id, &of("cat").id), (&found.items[0].id, &found.items[1].id));
    }

    #[test]
    fn without_a_tracker_only_what_is_pointed_at_is_missing() {
        let engine = engine("test:follow=false");
        let things = things_from_text("0.2,0.3").unwrap();
        let answer = engine.segment(picture(), SegmentRequest { things, ..request("dog") }).unwrap();
        assert_eq!(answer.objects.items.len(), 1);
        assert!(answer.notices[0].to_string().contains("no tracker weights"), "{:?}", answer.notices);
    }

    #[test]
    fn the_named_frame_fails_and_the_next_does_not() {
        let engine = engine("test:fail-at=1");
        let outcomes: Vec<_> = (0..3).map(|_| engine.segment(picture(), request("dog")).is_ok()).collect();
        assert_eq!(outcomes, [true, false, true]);
    }

    #[test]
    fn a_panic_reads_as_libtorchs_failure() {
        let engine = engine("test:panic-at=0");
        let error = engine.segment(picture(), request("dog")).unwrap_err();
        assert!(matches!(&error, Error::Torch { message, .. } if message.contains("panic-at")), "{error}");
        assert!(engine.segment(picture(), request("dog")).is_ok());
    }

    #[test]
    fn scripts_refuse_what_they_do_not_know() {
        let error = Script::parse("test:speed=3").unwrap_err().to_string();
        assert!(error.contains("speed=3") && error.contains("frame-ms"), "{error}");
    }

    #[test]
    fn closing_answers_those_who_wait() {
        let engine = engine("test:frame-ms=200");
        let (sender, receiver) = std::sync::mpsc::channel();
        for _ in 0..2 {
            let sender = sender.clone();
            engine.submit(Box::new(picture()), Arc::new(request("dog")), move |r| sender.send(r.is_ok()).unwrap());
        }
        drop(engine);
        assert_eq!(receiver.iter().take(2).count(), 2);
    }
}
