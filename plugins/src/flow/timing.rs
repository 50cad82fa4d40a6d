//! When frames leave, and what becomes of those that come faster than the engine: the properties, as the user set them.

use std::time::Duration;

use glib::prelude::*;
use glib::{ParamSpec, Value};
use gst::prelude::GstParamSpecBuilderExt;

use super::junction::{QueueLimit, Shedding};

/// Frames that may wait for the engine unless `max-queue` says otherwise.
pub const DEFAULT_MAX_QUEUE: u32 = 3;
/// The largest `max-queue`: two seconds of video at 30 frames per second.
const MOST_MAX_QUEUE: u32 = 60;
/// `max-lateness` where no frame is too late.
const NEVER_TOO_LATE: i64 = -1;
/// The largest `latency` in milliseconds.
const MOST_LATENCY_MS: u32 = 60_000;

/// The `sync-mode` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstSa3SyncMode")]
#[repr(i32)]
pub enum SyncMode {
    /// A frame leaves with its own masks.
    #[default]
    #[enum_value(name = "A frame waits for its own masks", nick = "exact")]
    Exact,
    /// A frame leaves at once.
    #[enum_value(name = "A frame leaves at once, with the newest masks and their age", nick = "latest")]
    Latest,
    /// A frame that others wait behind leaves bare.
    #[enum_value(
        name = "A frame waits for its own masks unless others wait behind it: then it leaves bare",
        nick = "skip"
    )]
    Skip,
}

/// The `late-policy` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstSa3LatePolicy")]
#[repr(i32)]
pub enum LatePolicy {
    /// As upstream is.
    #[default]
    #[enum_value(name = "drop-oldest when upstream is live, otherwise block", nick = "auto")]
    Auto,
    /// Nothing is lost.
    #[enum_value(name = "Upstream waits; nothing is lost", nick = "block")]
    Block,
    /// The oldest waiting frame is dropped.
    #[enum_value(name = "The oldest waiting frame is dropped", nick = "drop-oldest")]
    DropOldest,
    /// The new frame is dropped.
    #[enum_value(name = "The new frame is dropped", nick = "drop-newest")]
    DropNewest,
    /// The oldest waiting frame leaves bare.
    #[enum_value(name = "The oldest waiting frame leaves without objects; nothing is lost", nick = "pass-bare")]
    PassBare,
}

/// The `until-loaded` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstSa3UntilLoaded")]
#[repr(i32)]
pub enum UntilLoaded {
    /// As upstream is.
    #[default]
    #[enum_value(name = "pass-bare when upstream is live, otherwise wait", nick = "auto")]
    Auto,
    /// Frames wait.
    #[enum_value(name = "Frames wait for the model", nick = "wait")]
    Wait,
    /// Frames leave bare.
    #[enum_value(name = "Frames leave without objects", nick = "pass-bare")]
    PassBare,
    /// Frames are dropped.
    #[enum_value(name = "Frames are dropped", nick = "drop")]
    Drop,
}

/// The `load-mode` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstSa3LoadMode")]
#[repr(i32)]
pub enum LoadMode {
    /// While the pipeline starts.
    #[default]
    #[enum_value(name = "Begins on the way to READY and goes on in the background", nick = "background")]
    Background,
    /// Before the pipeline starts.
    #[enum_value(name = "The change to READY lasts until the model is loaded", nick = "blocking")]
    Blocking,
    /// With the first frame.
    #[enum_value(name = "Begins with the first frame, in the background", nick = "lazy")]
    Lazy,
}

/// What the user asked for.
#[derive(Debug, Clone)]
pub(crate) struct Timing {
    pub(super) sync_mode: SyncMode,
    late_policy: LatePolicy,
    max_queue: u32,
    max_lateness_ns: i64,
    latency_ms: u32,
    pub(super) is_adaptive: bool,
    until_loaded: UntilLoaded,
    pub(super) load_mode: LoadMode,
    stats_interval_ns: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            sync_mode: SyncMode::default(),
            late_policy: LatePolicy::default(),
            max_queue: DEFAULT_MAX_QUEUE,
            max_lateness_ns: NEVER_TOO_LATE,
            latency_ms: 0,
            is_adaptive: false,
            until_loaded: UntilLoaded::default(),
            load_mode: LoadMode::default(),
            stats_interval_ns: 0,
        }
    }
}

impl Timing {
    /// Sets the property `name` to a value that its spec allows; false when it is none of these.
    pub(crate) fn set(&mut self, name: &str, value: &Value) -> bool {
        match name {
            "sync-mode" => self.sync_mode = value.get().unwrap_or_default(),
            "late-policy" => self.late_policy = value.get().unwrap_or_default(),
            "max-queue" => self.max_queue = value.get().unwrap_or(DEFAULT_MAX_QUEUE),
            "max-lateness" => self.max_lateness_ns = value.get().unwrap_or(NEVER_TOO_LATE),
            "latency" => self.latency_ms = value.get().unwrap_or_default(),
            "adaptive" => self.is_adaptive = value.get().unwrap_or_default(),
            "until-loaded" => self.until_loaded = value.get().unwrap_or_default(),
            "load-mode" => self.load_mode = value.get().unwrap_or_default(),
            "stats-interval" => self.stats_interval_ns = value.get().unwrap_or_default(),
            _ => return false,
        }
        true
    }

    /// The value of the property `name`; `None` when it is none of these.
    pub(crate) fn get(&self, name: &str) -> Option<Value> {
        Some(match name {
            "sync-mode" => self.sync_mode.to_value(),
            "late-policy" => self.late_policy.to_value(),
            "max-queue" => self.max_queue.to_value(),
            "max-lateness" => self.max_lateness_ns.to_value(),
            "latency" => self.latency_ms.to_value(),
            "adaptive" => self.is_adaptive.to_value(),
            "until-loaded" => self.until_loaded.to_value(),
            "load-mode" => self.load_mode.to_value(),
            "stats-interval" => self.stats_interval_ns.to_value(),
            _ => return None,
        })
    }

    /// How many frames may wait, and what happens to one more.
    pub(super) fn queue_limit(&self, is_live: bool) -> QueueLimit {
        let shedding = match self.late_policy {
            LatePolicy::Auto if is_live => Shedding::DropOldest,
            LatePolicy::Auto | LatePolicy::Block => Shedding::Block,
            LatePolicy::DropOldest => Shedding::DropOldest,
            LatePolicy::DropNewest => Shedding::DropNewest,
            LatePolicy::PassBare => Shedding::PassBare,
        };
        QueueLimit { frames: self.max_queue as usize, shedding }
    }

    /// How late a frame may be before it is shed.
    pub(super) fn max_lateness(&self) -> Option<Duration> {
        u64::try_from(self.max_lateness_ns).ok().map(Duration::from_nanos)
    }

    /// The latency that was asked for instead of a measured one.
    pub(crate) fn latency(&self) -> Option<Duration> {
        (self.latency_ms > 0).then(|| Duration::from_millis(self.latency_ms.into()))
    }

    /// What becomes of frames before the model is there; never [`UntilLoaded::Auto`].
    pub(super) fn until_loaded(&self, is_live: bool) -> UntilLoaded {
        match self.until_loaded {
            UntilLoaded::Auto if is_live => UntilLoaded::PassBare,
            UntilLoaded::Auto => UntilLoaded::Wait,
            chosen => chosen,
        }
    }

    /// Time between two messages with statistics.
    pub(super) fn stats_interval(&self) -> Option<Duration> {
        (self.stats_interval_ns > 0).then(|| Duration::from_nanos(self.stats_interval_ns))
    }
}

/// The properties, for an element's list; each class needs its own.
pub(crate) fn specs() -> Vec<ParamSpec> {
    let mut specs = leaving_specs();
    specs.extend(shedding_specs());
    specs.extend(loading_specs());
    specs
}

fn leaving_specs() -> Vec<ParamSpec> {
    vec![
        glib::ParamSpecEnum::builder_with_default("sync-mode", SyncMode::default())
            .nick("When frames leave")
            .blurb(
                "exact: each with its own masks, later by the time of a pass, which the latency query tells. latest: at \
                 once, with masks of an earlier frame that trail what moves. skip: own masks or none",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecUInt::builder("latency")
            .nick("Latency")
            .blurb("Milliseconds that a live pipeline is told this element takes. 0: measured, 95 of 100 frames are in time")
            .maximum(MOST_LATENCY_MS)
            .mutable_playing()
            .controllable()
            .build(),
        glib::ParamSpecUInt64::builder("stats-interval")
            .nick("Statistics interval")
            .blurb("Nanoseconds between two ELEMENT messages sa3-stats with what the property stats shows. 0: none")
            .mutable_playing()
            .controllable()
            .build(),
    ]
}

fn shedding_specs() -> Vec<ParamSpec> {
    vec![
        glib::ParamSpecEnum::builder_with_default("late-policy", LatePolicy::default())
            .nick("When frames come too fast")
            .blurb("What happens when max-queue frames wait and one more comes. Each drop is told in a QOS message")
            .mutable_playing()
            .build(),
        glib::ParamSpecUInt::builder("max-queue")
            .nick("Longest queue")
            .blurb("Frames that may wait while the model works: fewer delay a stream less when it is too fast")
            .minimum(1)
            .maximum(MOST_MAX_QUEUE)
            .default_value(DEFAULT_MAX_QUEUE)
            .mutable_playing()
            .controllable()
            .build(),
        glib::ParamSpecInt64::builder("max-lateness")
            .nick("Largest lateness")
            .blurb(
                "Nanoseconds by which a frame may miss its time at this element before it is dropped (it leaves bare with \
                 late-policy=pass-bare; without effect with block). -1: no frame is too late",
            )
            .minimum(NEVER_TOO_LATE)
            .default_value(NEVER_TOO_LATE)
            .mutable_playing()
            .controllable()
            .build(),
        glib::ParamSpecBoolean::builder("adaptive")
            .nick("Raise the interval under load")
            .blurb(
                "In a live pipeline, look at fewer frames (as inference-interval does) before any is dropped: those \
                 between carry earlier masks with their age",
            )
            .mutable_playing()
            .controllable()
            .build(),
    ]
}

fn loading_specs() -> Vec<ParamSpec> {
    vec![
        glib::ParamSpecEnum::builder_with_default("load-mode", LoadMode::default())
            .nick("When the model is loaded")
            .blurb("Before the stream, beside its start, or with its first frame")
            .mutable_ready()
            .build(),
        glib::ParamSpecEnum::builder_with_default("until-loaded", UntilLoaded::default())
            .nick("Until the model is loaded")
            .blurb("What becomes of frames that come before the model is there. To hide people, use wait or drop")
            .mutable_playing()
            .build(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_read_and_defaults_are_the_specs() {
        let timing = Timing::default();
        for spec in specs() {
            let value = timing.get(spec.name()).unwrap_or_else(|| panic!("{} cannot be read", spec.name()));
            assert_eq!(format!("{value:?}"), format!("{:?}", spec.default_value()), "{}", spec.name());
            assert!(Timing::default().set(spec.name(), spec.default_value()));
        }
        assert!(!Timing::default().set("prompt", &"dog".to_value()) && timing.get("prompt").is_none());
    }

    #[test]
    fn what_is_left_to_the_element_follows_upstream() {
        let mut timing = Timing::default();
        let shedding = |timing: &Timing| [false, true].map(|is_live| timing.queue_limit(is_live).shedding);
        assert_eq!(shedding(&timing), [Shedding::Block, Shedding::DropOldest]);
        assert_eq!([false, true].map(|live| timing.until_loaded(live)), [UntilLoaded::Wait, UntilLoaded::PassBare]);
        timing.set("late-policy", &LatePolicy::PassBare.to_value());
        timing.set("until-loaded", &UntilLoaded::Drop.to_value());
        assert_eq!(shedding(&timing), [Shedding::PassBare; 2]);
        assert_eq!([false, true].map(|live| timing.until_loaded(live)), [UntilLoaded::Drop; 2]);
        assert_eq!((timing.max_lateness(), timing.latency(), timing.stats_interval()), (None, None, None));
        timing.set("max-lateness", &7i64.to_value());
        timing.set("latency", &7u32.to_value());
        assert_eq!(timing.max_lateness(), Some(Duration::from_nanos(7)));
        assert_eq!(timing.latency(), Some(Duration::from_millis(7)));
    }
}
