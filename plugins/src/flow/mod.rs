//! What the analysers share: frames and events go in at the sink pad, wait in one queue, and leave in the same order
//! from a task of the source pad, each frame with what the engine found on it.
//!
//! ```text
//! upstream's thread          source pad's task                      engine's thread
//! chain, serialized    →     take → wait for the engine      →      forward pass
//! events: at most            → wait for the answer           ←      answer
//! max-queue frames wait      → attach → push downstream
//! ```
//!
//! What happens to frames that come faster than the engine looks is [`shedding`]'s matter, and with `sync-mode=latest` the
//! task waits for nothing: [`latest`].
//!
//! Everybody waits at one place, the [`junction`], where flushing and state changes come first: nobody who wants to stop
//! ever waits for a forward pass. An abandoned pass ends by itself, and its answer is dropped. Pixels and caps are never
//! changed, and pixels are never copied.

mod delay;
mod frame_time;
mod junction;
mod latest;
mod load;
mod overload;
mod pace;
mod pads;
mod pass;
mod scarce;
mod shedding;
mod stats;
mod sync;
mod task;
mod telling;
pub(crate) mod timing;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_video::VideoInfo;
use sa3::{EngineSettings, SharedEngine};

use delay::DelayLine;
pub(crate) use frame_time::{running_time, stream_time};
use junction::Junction;
use latest::NewestFound;
use overload::Overload;
use pace::Pace;
pub(crate) use pads::build_pads;
pub(crate) use pass::OnAnswer;
pub(crate) use stats::Stats;
pub(crate) use telling::{post_latency, post_structure};
use timing::Timing;

use crate::analytics;
use crate::found::{Beside, Found, attach};
use crate::lock::locked;
use crate::progressive::ProgressiveOnly;
pub use timing::{DEFAULT_MAX_QUEUE, LatePolicy, LoadMode, SyncMode, UntilLoaded};

/// What an element does with its frames; the rest is the flow's.
///
/// The element has a property `device-in-use`, which is notified when the engine is there.
pub(crate) trait Analyser: ElementImpl + ObjectSubclass<Type: Send + Sync> {
    fn flow(&self) -> &Flow;

    /// The engine that the properties ask for.
    fn engine_settings(&self) -> sa3::Result<EngineSettings>;

    /// One frame, on the task's thread; what it returns is pushed downstream.
    fn process(&self, buffer: gst::Buffer, info: &VideoInfo) -> Result<gst::Buffer, gst::FlowError>;

    /// Forget earlier frames: a flush, a new stream or new caps.
    fn forget(&self);

    /// Another stream begins.
    fn begin_stream(&self) {}

    /// A segment begins; upstream can be asked about it.
    fn begin_segment(&self) {}

    /// Frames that are held back after [`Analyser::process`], as later frames may tell something of them.
    fn output_delay_in_frames(&self) -> u32 {
        0
    }

    /// A frame goes by that nobody looks at.
    fn pass_unlooked(&self, buffer: gst::Buffer) -> gst::Buffer {
        buffer
    }

    /// What still has to be done to a processed frame when it leaves.
    fn release(&self, buffer: gst::Buffer) -> gst::Buffer {
        buffer
    }

    /// An event from downstream; true when it goes no further.
    fn takes_src_event(&self, _event: &gst::Event) -> bool {
        false
    }
}

/// The state of one element's flow.
pub(crate) struct Flow {
    pub(crate) sink_pad: gst::Pad,
    pub(crate) src_pad: gst::Pad,
    junction: Arc<Junction>,
    delayed: Mutex<DelayLine>,
    stats: Mutex<Stats>,
    timing: Mutex<Timing>,
    pace: Mutex<Pace>,
    overload: Mutex<Overload>,
    worker: Mutex<Option<JoinHandle<()>>>,
    newest_found: Mutex<Option<NewestFound>>,
    frames: AtomicU64,
    progressive_only: ProgressiveOnly,
    is_live: AtomicBool,
    /// The property `analytics-meta`.
    writes_analytics: AtomicBool,
    /// What the pipeline's sinks wait, in nanoseconds.
    pipeline_latency_ns: AtomicU64,
    stats_told_at: Mutex<Option<Instant>>,
}

/// No lock that is given out here is ever held while anything is waited for.
impl Flow {
    /// Around the pads that [`build_pads`] made.
    pub(crate) fn new((sink_pad, src_pad): (gst::Pad, gst::Pad)) -> Self {
        Self {
            sink_pad,
            src_pad,
            junction: Arc::new(Junction::new()),
            delayed: Mutex::default(),
            stats: Mutex::default(),
            timing: Mutex::default(),
            pace: Mutex::default(),
            overload: Mutex::default(),
            worker: Mutex::default(),
            newest_found: Mutex::default(),
            frames: AtomicU64::new(0),
            progressive_only: ProgressiveOnly::default(),
            is_live: AtomicBool::new(false),
            writes_analytics: AtomicBool::new(true),
            pipeline_latency_ns: AtomicU64::new(0),
            stats_told_at: Mutex::default(),
        }
    }

    /// What a pass took while the model warmed up: all that is known before the first frame. Zero without a model.
    fn expected_pass(&self) -> Duration {
        self.engine().map_or(Duration::ZERO, |engine| engine.info().expected_pass)
    }

    /// Mean time of the last passes.
    fn mean_pass(&self) -> Duration {
        let expected = self.expected_pass();
        self.stats().mean_pass(expected)
    }

    /// Counters and times.
    pub(crate) fn stats(&self) -> MutexGuard<'_, Stats> {
        locked(&self.stats)
    }

    /// What the property `stats` shows.
    pub(crate) fn stats_structure(&self) -> gst::Structure {
        let interval = self.interval(1);
        let (waiting_frames, expected_pass) = (self.junction.waiting_frames(), self.expected_pass());
        let mut stats = self.stats();
        stats.interval = interval;
        stats.to_structure(waiting_frames, expected_pass)
    }

    /// The properties about time.
    pub(crate) fn timing(&self) -> MutexGuard<'_, Timing> {
        locked(&self.timing)
    }

    fn delayed(&self) -> MutexGuard<'_, DelayLine> {
        locked(&self.delayed)
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        locked(&self.pace)
    }

    fn overload(&self) -> MutexGuard<'_, Overload> {
        locked(&self.overload)
    }

    fn worker(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        locked(&self.worker)
    }

    fn newest_found(&self) -> MutexGuard<'_, Option<NewestFound>> {
        locked(&self.newest_found)
    }

    /// Frames for one pass: what the user asked for, or more where the load demands it.
    pub(crate) fn interval(&self, asked: u32) -> u32 {
        let adapts = self.timing().is_adaptive && self.is_live();
        if adapts { asked.max(self.pace().interval(Instant::now())) } else { asked }
    }

    /// Frames that are held back after they were looked at.
    fn delay_in_frames<A: Analyser>(&self, imp: &A) -> u32 {
        if self.timing().sync_mode == SyncMode::Latest { 0 } else { imp.output_delay_in_frames() }
    }

    /// Sets the property `name` to a value that its spec allows; false when it is none of the flow's.
    pub(crate) fn set(&self, name: &str, value: &glib::Value) -> bool {
        if name != analytics::PROPERTY {
            return self.timing().set(name, value);
        }
        self.writes_analytics.store(value.get().unwrap_or(true), Ordering::Relaxed);
        true
    }

    /// The value of the property `name`; `None` when it is none of the flow's.
    pub(crate) fn get(&self, name: &str) -> Option<glib::Value> {
        if name != analytics::PROPERTY {
            return self.timing().get(name);
        }
        Some(self.writes_analytics.load(Ordering::Relaxed).to_value())
    }

    /// Puts objects on a frame, in all the forms that the properties ask for.
    pub(crate) fn attach(&self, buffer: &mut gst::Buffer, found: &Found) {
        attach(buffer, found, Beside { regions: true, analytics: self.writes_analytics.load(Ordering::Relaxed) });
    }

    /// The number of the next frame.
    fn count_frame(&self) -> u64 {
        self.frames.fetch_add(1, Ordering::Relaxed)
    }

    /// True when upstream was live when the segment began.
    pub(crate) fn is_live(&self) -> bool {
        self.is_live.load(Ordering::Relaxed)
    }

    /// Asks upstream; it is not live while nobody answers.
    fn note_liveness(&self) {
        let mut query = gst::query::Latency::new();
        let is_live = self.sink_pad.peer_query(&mut query) && query.result().0;
        self.is_live.store(is_live, Ordering::Relaxed);
    }

    fn pipeline_latency(&self) -> gst::ClockTime {
        gst::ClockTime::from_nseconds(self.pipeline_latency_ns.load(Ordering::Relaxed))
    }

    /// True once in each `stats-interval`.
    fn are_stats_due(&self) -> bool {
        let Some(interval) = self.timing().stats_interval() else {
            return false;
        };
        let (now, mut told_at) = (Instant::now(), locked(&self.stats_told_at));
        let is_due = told_at.is_none_or(|told_at| now.duration_since(told_at) >= interval);
        if is_due {
            *told_at = Some(now);
        }
        is_due
    }

    /// Nothing of an earlier run counts.
    fn begin_run(&self) {
        *self.stats() = Stats::default();
        *self.pace() = Pace::default();
        *self.overload() = Overload::default();
        self.newest_found().take();
        locked(&self.stats_told_at).take();
    }

    /// The engine, once it is loaded.
    pub(crate) fn engine(&self) -> Option<SharedEngine> {
        self.junction.engine()
    }

    /// Waits for the engine, no longer than the stream flows.
    pub(crate) fn wait_for_engine(&self) -> Result<SharedEngine, gst::FlowError> {
        Ok(self.junction.wait_for_engine()?)
    }
}

/// The flow's part of a state change; call it instead of the parent's method.
pub(crate) fn change_state<A: Analyser>(
    imp: &A,
    transition: gst::StateChange,
) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
    match transition {
        gst::StateChange::NullToReady => load::begin_with_state(imp)?,
        gst::StateChange::ReadyToPaused => {
            // The properties may have changed in READY.
            load::begin_with_state(imp)?;
            imp.flow().begin_run();
            imp.flow().progressive_only.forget();
            imp.forget();
        }
        _ => {}
    }
    let outcome = imp.parent_change_state(transition);
    match transition {
        gst::StateChange::PausedToReady => imp.flow().junction.forget_failed_load(),
        gst::StateChange::ReadyToNull => load::cancel(imp),
        _ => {}
    }
    outcome
}
