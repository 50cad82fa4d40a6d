//! What becomes of a frame when there is no time to look at it, and telling so: a QOS message for each drop, an ELEMENT
//! message and a WARNING when it begins.

use std::time::{Duration, Instant};

use gst::prelude::*;
use gst::subclass::prelude::*;

use super::frame_time::{frame_duration, running_time, stream_time};
use super::junction::{Arrived, Shedding};
use super::overload::Turn;
use super::telling::post_structure;
use super::timing::{SyncMode, UntilLoaded};
use super::{Analyser, Flow};

/// What to do with a frame whose turn has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Look,
    /// It leaves without objects.
    Bare,
    Drop,
}

/// Who has time for `frame`?
pub(super) fn fate_of<A: Analyser>(imp: &A, frame: &Arrived) -> Fate {
    let flow = imp.flow();
    let (timing, is_live) = (flow.timing().clone(), flow.is_live());
    if flow.junction.is_loading() {
        match timing.until_loaded(is_live) {
            UntilLoaded::PassBare => return Fate::Bare,
            UntilLoaded::Drop => return Fate::Drop,
            UntilLoaded::Auto | UntilLoaded::Wait => {}
        }
    }
    let shedding = timing.queue_limit(is_live).shedding;
    let is_late =
        || timing.max_lateness().is_some_and(|most| lateness(imp, &frame.buffer).is_some_and(|late| late > most));
    if frame.is_bare || (timing.sync_mode == SyncMode::Skip && flow.junction.waiting_frames() > 0) {
        return Fate::Bare;
    }
    match shedding {
        Shedding::Block => Fate::Look,
        Shedding::PassBare if is_late() => Fate::Bare,
        Shedding::DropOldest | Shedding::DropNewest if is_late() => Fate::Drop,
        _ => Fate::Look,
    }
}

/// How long ago the frame should have been at the sink; `None` when it is in time, or nobody has a clock.
fn lateness<A: Analyser>(imp: &A, buffer: &gst::BufferRef) -> Option<Duration> {
    let flow = imp.flow();
    let due = running_time(&flow.src_pad, buffer.pts())? + flow.pipeline_latency();
    let late = imp.obj().current_running_time()?.checked_sub(due)?;
    Some(late.into())
}

/// A frame leaves without objects for want of time or of a model.
pub(super) fn note_bare<A: Analyser>(imp: &A) {
    let is_overload = !imp.flow().junction.is_loading();
    imp.flow().stats().bare += 1;
    if is_overload {
        note_shed(imp);
    }
}

/// A frame goes no further.
pub(super) fn note_dropped<A: Analyser>(imp: &A, buffer: &gst::BufferRef) {
    let flow = imp.flow();
    let load = share_of_time(flow.mean_pass(), flow);
    let (frames_out, dropped) = {
        let mut stats = flow.stats();
        stats.dropped += 1;
        (stats.frames_out, stats.dropped)
    };
    let late_ns = lateness(imp, buffer).map_or(0, |late| i64::try_from(late.as_nanos()).unwrap_or(i64::MAX));
    let message = gst::message::Qos::builder(flow.is_live())
        .src(&*imp.obj())
        .running_time(running_time(&flow.sink_pad, buffer.pts()))
        .stream_time(stream_time(&flow.sink_pad, buffer.pts()))
        .timestamp(buffer.pts())
        .duration(buffer.duration())
        .values(late_ns, load, QUALITY)
        .stats(gst::format::Buffers::from_u64(frames_out), gst::format::Buffers::from_u64(dropped));
    // A bus that flushes takes no message; there is nobody left to tell.
    let _ = imp.obj().post_message(message.build());
    if !flow.junction.is_loading() {
        note_shed(imp);
    }
}

/// Full quality: frames that are looked at are looked at wholly.
const QUALITY: i32 = 1_000_000;

/// The time of a pass as a share of a frame's; 1 while that is unknown.
fn share_of_time(pass: Duration, flow: &Flow) -> f64 {
    let frame = Duration::from(frame_duration(&flow.src_pad));
    if frame.is_zero() { 1.0 } else { pass.as_secs_f64() / frame.as_secs_f64() }
}

fn note_shed<A: Analyser>(imp: &A) {
    let turn = imp.flow().overload().note_shed(Instant::now());
    turn.into_iter().for_each(|turn| tell(imp, turn));
}

/// A frame was looked at and left.
pub(super) fn note_through<A: Analyser>(imp: &A) {
    let turn = imp.flow().overload().note_through(Instant::now());
    turn.into_iter().for_each(|turn| tell(imp, turn));
}

fn tell<A: Analyser>(imp: &A, turn: Turn) {
    let flow = imp.flow();
    let pass = flow.mean_pass();
    let policy = flow.timing().queue_limit(flow.is_live()).shedding;
    let (in_ms, frame) = (|time: Duration| time.as_secs_f64() * 1000.0, Duration::from(frame_duration(&flow.src_pad)));
    let structure = gst::Structure::builder("sa3-overload")
        .field("state", if turn == Turn::Begins { "begins" } else { "ends" })
        .field("late-policy", name_of(policy))
        .field("pass-ms", in_ms(pass))
        .field("frame-ms", in_ms(frame))
        .field("shed", if let Turn::Ends { shed } = turn { shed } else { 1 });
    post_structure(&*imp.obj(), structure.build());
    if turn == Turn::Begins {
        gst::element_imp_warning!(
            imp,
            gst::StreamError::Failed,
            (
                "Frames come each {:.0} ms and a look takes {:.0} ms, so some {} (late-policy={}). To look at fewer: \
                 adaptive=true or a larger inference-interval; to look faster: a smaller inference-size; to show all at \
                 once with older masks: sync-mode=latest",
                in_ms(frame),
                in_ms(pass),
                if policy == Shedding::PassBare { "leave without objects" } else { "are dropped" },
                name_of(policy)
            )
        );
    }
}

fn name_of(shedding: Shedding) -> &'static str {
    match shedding {
        Shedding::Block => "block",
        Shedding::DropOldest => "drop-oldest",
        Shedding::DropNewest => "drop-newest",
        Shedding::PassBare => "pass-bare",
    }
}
