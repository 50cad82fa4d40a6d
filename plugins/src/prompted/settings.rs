//! The properties that every element with prompts has: what the user asked for, and the request that follows from it.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

use glib::prelude::*;
use glib::{ParamSpec, Value};
use gst::prelude::GstParamSpecBuilderExt;
use sa3::frame::SIDE_RANGE_IN_PIXELS;
use sa3::{Result, SegmentRequest};

use super::prompts::{self, Asked, Sources, Watch, are_same};
use crate::analytics;
use crate::engine_settings::EngineProperties;
use crate::flow::timing;

/// The value of a number that is left to the model.
const AS_RECOMMENDED: f64 = -1.0;
const DEFAULT_MASK_THRESHOLD: f64 = 0.5;
/// The value of `batch-size` that leaves it to the model.
const BATCH_SIZE_OF_THE_MODEL: u32 = 0;
const MAX_BATCH_SIZE: u32 = 64;
const MAX_BATCH_TIMEOUT_NS: u64 = 1_000_000_000;

/// What the user asked for.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) engine: EngineProperties,
    pub(super) tuning: Tuning,
    sources: Sources,
}

/// The part that each frame is processed with. Cloning it is cheap.
#[derive(Debug, Clone)]
pub(crate) struct Tuning {
    /// Another one whenever the prompts change.
    pub(crate) asked: Arc<Asked>,
    /// Changed as a copy while anybody holds it, so that they see a change in the pointer.
    pub(crate) request: Arc<SegmentRequest>,
    pub(crate) inference_interval: u32,
}

impl Default for Settings {
    fn default() -> Self {
        let tuning = Tuning { asked: Arc::default(), request: Arc::default(), inference_interval: 1 };
        Self { engine: EngineProperties::default(), tuning, sources: Sources::default() }
    }
}

impl Settings {
    /// Sets the property `name` to a value that its spec allows.
    ///
    /// # Errors
    /// When a prompt is not understood; nothing has changed then.
    pub(super) fn set(&mut self, name: &str, value: &Value) -> Result<()> {
        if self.engine.set(name, value) {
            return Ok(());
        }
        match name {
            name if prompts::PROPERTIES.contains(&name) => {
                return self.change_prompts(|sources| sources.set(name, value));
            }
            "inference-interval" => self.tuning.inference_interval = value.get().unwrap_or(1),
            _ => set_in_request(Arc::make_mut(&mut self.tuning.request), name, value),
        }
        Ok(())
    }

    /// Lets `change` work on the sources of the prompts, and takes their list into the request where it is another.
    ///
    /// # Errors
    /// Those of `change`.
    pub(super) fn change_prompts<T>(&mut self, change: impl FnOnce(&mut Sources) -> Result<T>) -> Result<T> {
        let outcome = change(&mut self.sources)?;
        let (prompts, things) = (self.sources.list()?, self.sources.things());
        let request = &self.tuning.request;
        if prompts != request.prompts || !are_same(&things, &request.things) {
            self.tuning.asked = Asked::of(&prompts, &things);
            self.tuning.request = Arc::new(SegmentRequest { prompts, things, ..(**request).clone() });
        }
        Ok(outcome)
    }

    /// What to look at when the prompts file is due to be looked at again.
    pub(super) fn file_to_look_at(&mut self, now: Instant) -> Option<Watch> {
        self.sources.file_to_look_at(now)
    }

    /// The value of the property `name`, if it is one that can be set.
    pub(super) fn get(&self, name: &str) -> Option<Value> {
        let request = &self.tuning.request;
        let or_recommended = |value: Option<f32>| value.map_or(AS_RECOMMENDED, exact).to_value();
        self.engine.get(name).or_else(|| self.sources.get(name)).or_else(|| {
            Some(match name {
                "threshold" => or_recommended(request.threshold),
                "mask-threshold" => request.mask_threshold.map_or(DEFAULT_MASK_THRESHOLD, exact).to_value(),
                "max-objects" => (request.max_objects as u32).to_value(),
                "inference-interval" => self.tuning.inference_interval.to_value(),
                "inference-size" => request.inference_size.to_value(),
                "mask-nms-iou" => or_recommended(request.mask_nms_iou),
                "mask-clip-to-box" => or_recommended(request.mask_clip_to_box_margin),
                "priority" => request.priority.to_value(),
                "batch-size" => request.batch_size.unwrap_or(BATCH_SIZE_OF_THE_MODEL).to_value(),
                "batch-timeout" => (request.batch_timeout.as_nanos() as u64).to_value(),
                "semantic-map" => request.semantic_maps.to_value(),
                _ => return None,
            })
        })
    }
}

fn set_in_request(request: &mut SegmentRequest, name: &str, value: &Value) {
    let number = || value.get::<f64>().ok().filter(|number| *number >= 0.0).map(|number| number as f32);
    let count = || value.get::<u32>().unwrap_or_default();
    match name {
        "threshold" => request.threshold = number(),
        "mask-threshold" => request.mask_threshold = number(),
        "max-objects" => request.max_objects = count() as usize,
        "inference-size" => request.inference_size = count(),
        "mask-nms-iou" => request.mask_nms_iou = number(),
        "mask-clip-to-box" => request.mask_clip_to_box_margin = number(),
        "priority" => request.priority = value.get().unwrap_or_default(),
        "batch-size" => request.batch_size = Some(count()).filter(|size| *size != BATCH_SIZE_OF_THE_MODEL),
        "batch-timeout" => request.batch_timeout = Duration::from_nanos(value.get().unwrap_or_default()),
        "semantic-map" => request.semantic_maps = value.get().unwrap_or_default(),
        _ => {}
    }
}

/// The number as the user wrote it: 0.3 stays 0.3 and does not become 0.30000001192.
pub(crate) fn exact(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(f64::from(number))
}

/// What is set here, the engine first, and what is only read.
fn own_specs() -> Vec<ParamSpec> {
    let mut specs = EngineProperties::specs();
    specs.extend(prompts::specs());
    specs.extend(score_specs());
    specs.extend(mask_specs());
    specs.push(semantic_map_spec());
    specs.extend(work_specs());
    specs.push(priority_spec());
    specs.extend(batch_specs());
    specs.extend(read_only_specs());
    specs
}

/// All properties; each class needs its own.
pub(crate) fn specs() -> Vec<ParamSpec> {
    let mut specs = own_specs();
    specs.push(analytics::spec().controllable().build());
    specs.extend(timing::specs());
    specs
}

fn score_specs() -> [ParamSpec; 2] {
    [
        number(
            "threshold",
            "Score threshold",
            "Score (a probability, 0 to 1) that an object must exceed; higher finds fewer and surer objects. \
             -1: as the model recommends, usually 0.5",
            AS_RECOMMENDED..=1.0,
            AS_RECOMMENDED,
        ),
        count(
            "max-objects",
            "Most objects",
            "Objects kept on a frame, those with the best scores over all concepts. 0: no limit",
            0..=i32::MAX as u32,
            0,
        ),
    ]
}

fn mask_specs() -> [ParamSpec; 3] {
    [
        number(
            "mask-threshold",
            "Mask threshold",
            "Probability (0 to 1) from which a pixel counts as inside its object; higher shrinks the masks. The soft \
             masks themselves stay the same",
            0.0..=1.0,
            DEFAULT_MASK_THRESHOLD,
        ),
        number(
            "mask-nms-iou",
            "Overlap of masks",
            "Of two objects of one concept whose masks overlap more than this (intersection over union, 0 to 1) only \
             the better stays. 0: both stay, -1: as the model recommends",
            AS_RECOMMENDED..=1.0,
            AS_RECOMMENDED,
        ),
        number(
            "mask-clip-to-box",
            "Clip masks to boxes",
            "Masks are cleared outside their object's box, grown on each side by this part of its size (0.1: a tenth). \
             0: not cleared, -1: as the model recommends",
            AS_RECOMMENDED..=10.0,
            AS_RECOMMENDED,
        ),
    ]
}

fn semantic_map_spec() -> ParamSpec {
    glib::ParamSpecBoolean::builder("semantic-map")
        .nick("Semantic maps")
        .blurb(
            "Attach for each concept a soft map of where it is, all its instances together, to the mask meta as well; \
             see docs/meta.md. Costs nothing when off",
        )
        .mutable_playing()
        .controllable()
        .build()
}

fn work_specs() -> [ParamSpec; 2] {
    [
        count(
            "inference-interval",
            "Frames for one pass",
            "The model looks at each Nth frame; those between carry its last objects with their age. 1: at every frame. \
             A new prompt is looked for at once",
            1..=i32::MAX as u32,
            1,
        ),
        count(
            "inference-size",
            "Size of the model's picture",
            "Side in pixels of the square that frames are scaled to for the model: smaller is faster and coarser. \
             It must be a multiple of the model's window (a WARNING tells which). 0: the model's own",
            0..=*SIDE_RANGE_IN_PIXELS.end(),
            0,
        ),
    ]
}

fn priority_spec() -> ParamSpec {
    glib::ParamSpecInt::builder("priority")
        .nick("Priority")
        .blurb(
            "Of elements that share an engine, those with the highest are looked at first; the others are passed over eight \
             times in a row at most. Equals take turns",
        )
        .mutable_playing()
        .controllable()
        .build()
}

fn batch_specs() -> [ParamSpec; 2] {
    [
        count(
            "batch-size",
            "Frames in one batch",
            "Frames of as many elements that share an engine, of equal priority and inference-size, may go through the \
             model's trunk together when they wait at the same time. Takes that many times the memory of a pass. 1: each \
             alone, 0: 4 for small models and on CUDA, otherwise 1",
            0..=MAX_BATCH_SIZE,
            BATCH_SIZE_OF_THE_MODEL,
        ),
        glib::ParamSpecUInt64::builder("batch-timeout")
            .nick("Wait for a batch")
            .blurb(
                "Nanoseconds that the engine may wait for others to fill this element's batch while it has nothing else \
                 to do. 0: a frame never waits for others",
            )
            .maximum(MAX_BATCH_TIMEOUT_NS)
            .mutable_playing()
            .controllable()
            .build(),
    ]
}

fn read_only_specs() -> [ParamSpec; 2] {
    [
        glib::ParamSpecString::builder("device-in-use")
            .nick("Device in use")
            .blurb("Where and in what precision the model runs, and why; NULL until it is loaded")
            .read_only()
            .build(),
        glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
            .nick("Statistics")
            .blurb(
                "frames-in, frames-out, inferred, failed, dropped, bare (frames since the start), objects (on the last \
                 frame looked at), queue-level (frames that wait), interval (frames for one pass, as load demands), \
                 latency-ms (as told), batch-mean (frames in one batch), and for each stage (pass, which is all of them and the wait for the engine, \
                 preprocess, vision, text, detector, masks, tracker, rules) its time in milliseconds: STAGE-ms-last, and \
                 STAGE-ms-mean over the last 64 passes; pass-ms-p50, -p95, -p99 of those, and the same of transit (from \
                 a frame's arrival to its leaving) over 128 frames. sa3track: also what it keeps \
                 (kept-objects, kept-counters, kept-bans, kept-frames for clicks, kept-bytes of all objects)",
            )
            .read_only()
            .build(),
    ]
}

pub(crate) fn number(name: &str, nick: &str, blurb: &str, range: RangeInclusive<f64>, default: f64) -> ParamSpec {
    glib::ParamSpecDouble::builder(name)
        .nick(nick)
        .blurb(blurb)
        .minimum(*range.start())
        .maximum(*range.end())
        .default_value(default)
        .mutable_playing()
        .controllable()
        .build()
}

pub(crate) fn count(name: &str, nick: &str, blurb: &str, range: RangeInclusive<u32>, default: u32) -> ParamSpec {
    glib::ParamSpecUInt::builder(name)
        .nick(nick)
        .blurb(blurb)
        .minimum(*range.start())
        .maximum(*range.end())
        .default_value(default)
        .mutable_playing()
        .controllable()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_read_and_defaults_are_the_specs() {
        let mut settings = Settings::default();
        for spec in own_specs().into_iter().filter(|spec| spec.flags().contains(glib::ParamFlags::WRITABLE)) {
            let value = settings.get(spec.name()).unwrap_or_else(|| panic!("{} cannot be read", spec.name()));
            let default = spec.default_value();
            assert_eq!(format!("{value:?}"), format!("{default:?}"), "{}", spec.name());
        }
        for (name, value) in [("threshold", 0.3), ("mask-nms-iou", 0.0), ("mask-clip-to-box", 0.1)] {
            settings.set(name, &value.to_value()).unwrap();
            assert_eq!(settings.get(name).unwrap().get::<f64>().unwrap(), value);
        }
        settings.set("threshold", &(-0.5).to_value()).unwrap();
        assert_eq!(settings.get("threshold").unwrap().get::<f64>().unwrap(), AS_RECOMMENDED);
    }

    #[test]
    fn a_change_shows_in_the_pointer_and_a_repetition_does_not() {
        let mut settings = Settings::default();
        settings.set("prompt", &"red car; dog".to_value()).unwrap();
        let seen = settings.tuning.request.clone();
        assert_eq!(seen.prompts.len(), 2);
        settings.set("prompt", &"red car; dog".to_value()).unwrap();
        assert!(Arc::ptr_eq(&seen, &settings.tuning.request));
        settings.set("max-objects", &3u32.to_value()).unwrap();
        assert!(!Arc::ptr_eq(&seen, &settings.tuning.request));
        assert_eq!((settings.tuning.request.max_objects, settings.tuning.request.prompts.len()), (3, 2));
        settings.set("prompt", &None::<String>.to_value()).unwrap();
        assert!(settings.tuning.request.prompts.is_empty());
    }
}
