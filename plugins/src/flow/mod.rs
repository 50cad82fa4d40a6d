//! What the analysers share: frames and events go in at the sink pad, wait in one queue, and leave in the same order
//! from a task of the source pad, each frame with what the engine found on it.
//!
//! ```text
//! upstream's thread          source pad's task                      engine's thread
//! chain, serialized    →     take → wait for the engine      →      forward pass
//! events: at most            → wait for the answer           ←      answer
//! 3 frames wait              → attach → push downstream
//! ```
//!
//! Everybody waits at one place, the [`junction`], where flushing and state changes come first: nobody who wants to stop
//! ever waits for a forward pass. An abandoned pass ends by itself, and its answer is dropped. Pixels and caps are never
//! changed, and pixels are never copied.

mod delay;
mod junction;
mod load;
mod pads;
mod pass;
mod stats;
mod task;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_video::VideoInfo;
use sa3::{EngineSettings, SharedEngine};

use delay::DelayLine;
use junction::Junction;
pub use junction::MAX_WAITING_FRAMES;
pub(crate) use pads::build_pads;
pub(crate) use pass::OnAnswer;
pub(crate) use stats::Stats;

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

    /// A stream begins; upstream can be asked about it.
    fn begin(&self) {}

    /// Frames that are held back after [`Analyser::process`], as later frames may tell something of them.
    fn output_delay_in_frames(&self) -> u32 {
        0
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
    has_refused_caps: AtomicBool,
}

impl Flow {
    /// Around the pads that [`build_pads`] made.
    pub(crate) fn new((sink_pad, src_pad): (gst::Pad, gst::Pad)) -> Self {
        Self {
            sink_pad,
            src_pad,
            junction: Arc::new(Junction::new()),
            delayed: Mutex::default(),
            stats: Mutex::default(),
            has_refused_caps: AtomicBool::new(false),
        }
    }

    /// Counters and times; the lock is never held while anything is waited for.
    pub(crate) fn stats(&self) -> MutexGuard<'_, Stats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock is never held while anything is waited for.
    fn delayed(&self) -> MutexGuard<'_, DelayLine> {
        self.delayed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frames in the queue.
    pub(crate) fn waiting_frames(&self) -> usize {
        self.junction.waiting_frames()
    }

    /// True when upstream is live; false while nobody answers.
    pub(crate) fn is_live(&self) -> bool {
        let mut query = gst::query::Latency::new();
        self.sink_pad.peer_query(&mut query) && query.result().0
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
        gst::StateChange::NullToReady => load::begin(imp)?,
        gst::StateChange::ReadyToPaused => {
            // The properties may have changed in READY.
            load::begin(imp)?;
            *imp.flow().stats() = Stats::default();
            imp.flow().has_refused_caps.store(false, Ordering::Relaxed);
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
