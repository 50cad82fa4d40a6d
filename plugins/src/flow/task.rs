//! The source pad's task: takes items from the queue in order and brings them downstream.

use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_video::VideoInfo;

use super::frame_time::frame_duration;
use super::junction::{Arrived, Failure, Item};
use super::shedding::{self, Fate};
use super::telling::{post_latency, post_structure};
use super::timing::SyncMode;
use super::{Analyser, latest, load};

/// Starts the task. It ends when the junction is closed; in a flush, and after downstream failed, it rests there.
pub(super) fn start<A: Analyser>(imp: &A) -> Result<(), glib::BoolError> {
    let element = imp.obj().downgrade();
    let mut caps_in_use = None;
    imp.flow().src_pad.start_task(move || {
        let Some(element) = element.upgrade() else {
            return;
        };
        let imp = A::from_obj(&element);
        let may_go_on = gst::panic_to_error!(imp, false, { iterate(imp, &mut caps_in_use) });
        if !may_go_on {
            // It fails only where there is no task, and then there is nothing to pause.
            let _ = imp.flow().src_pad.pause_task();
        }
    })
}

/// The caps that frames are read with, and what they say.
type CapsInUse = Option<(gst::Caps, VideoInfo)>;

/// Brings one item downstream; false when there is no more to come.
fn iterate<A: Analyser>(imp: &A, caps_in_use: &mut CapsInUse) -> bool {
    let junction = &imp.flow().junction;
    let Some((item, ticket)) = junction.take() else {
        return false;
    };
    let outcome = match item {
        Item::Event(event) => take_event(imp, event),
        Item::Frame(frame) => take_frame(imp, frame, caps_in_use),
    };
    junction.done(ticket, outcome);
    if junction.holds_eos() {
        give_up_after(imp, junction.outcome());
    }
    true
}

fn take_event<A: Analyser>(imp: &A, event: gst::Event) -> Result<(), Failure> {
    use gst::EventType::{Caps, Eos, Segment, SegmentDone, StreamStart};
    let kind = event.type_();
    // What comes next belongs to another stretch of video, or does not come at all.
    if matches!(kind, StreamStart | Caps | Segment | SegmentDone | Eos) {
        push_all_held(imp)?;
    }
    if matches!(kind, StreamStart | Caps) {
        latest::stop(imp).map_err(untold)?;
        imp.forget();
    }
    match kind {
        StreamStart => imp.begin_stream(),
        Segment => {
            imp.flow().note_liveness();
            imp.begin_segment();
        }
        _ => {}
    }
    imp.flow().delayed().push(Item::Event(event));
    push_what_may_leave(imp)
}

fn untold(flow: gst::FlowError) -> Failure {
    Failure { flow, is_told: false }
}

fn take_frame<A: Analyser>(imp: &A, mut frame: Arrived, caps_in_use: &mut CapsInUse) -> Result<(), Failure> {
    let flow = imp.flow();
    if flow.junction.is_without_engine() {
        load::begin(imp).map_err(|_| Failure { flow: gst::FlowError::Error, is_told: true })?;
    }
    let info = info_in_use(&flow.src_pad, caps_in_use).map_err(untold)?;
    if flow.timing().sync_mode == SyncMode::Latest {
        return latest::pass(imp, frame, info);
    }
    latest::stop(imp).map_err(untold)?;
    match shedding::fate_of(imp, &frame) {
        Fate::Drop => {
            shedding::note_dropped(imp, &frame.buffer);
            return Ok(());
        }
        Fate::Bare => {
            frame.buffer = imp.pass_unlooked(frame.buffer);
            shedding::note_bare(imp);
        }
        Fate::Look => {
            frame.buffer = imp.process(frame.buffer, info).map_err(|flow| Failure { flow, is_told: true })?;
            shedding::note_through(imp);
            flow.stats().note_transit(frame.at.elapsed());
        }
    }
    note_frame(imp);
    flow.delayed().push(Item::Frame(frame));
    push_what_may_leave(imp)
}

/// What follows from the times of frames: the pace, the latency and the statistics that are told.
fn note_frame<A: Analyser>(imp: &A) {
    let flow = imp.flow();
    let pass = flow.mean_pass();
    flow.pace().note(pass, frame_duration(&flow.src_pad).into());
    let expected_pass = flow.expected_pass();
    let has_latency_moved = flow.stats().has_latency_moved(expected_pass);
    if has_latency_moved {
        post_latency(&*imp.obj());
    }
    if flow.are_stats_due() {
        post_structure(&*imp.obj(), flow.stats_structure());
    }
}

/// Lets go of everything that is held back.
pub(super) fn push_all_held<A: Analyser>(imp: &A) -> Result<(), Failure> {
    while let Some(item) = { imp.flow().delayed().drain_one() } {
        push_item(imp, item)?;
    }
    Ok(())
}

fn push_what_may_leave<A: Analyser>(imp: &A) -> Result<(), Failure> {
    let delay = imp.flow().delay_in_frames(imp) as usize;
    while let Some(item) = { imp.flow().delayed().pop(delay) } {
        push_item(imp, item)?;
    }
    Ok(())
}

fn push_item<A: Analyser>(imp: &A, item: Item) -> Result<(), Failure> {
    match item {
        // A refused event shows with the next frame, as frames carry an error that says why.
        Item::Event(event) => drop(imp.flow().src_pad.push_event(event)),
        Item::Frame(frame) => push(imp, imp.release(frame.buffer))?,
    }
    Ok(())
}

/// Sends on a frame that nothing has to be done to any more.
pub(super) fn push_at_once<A: Analyser>(imp: &A, frame: Arrived) -> Result<(), Failure> {
    imp.flow().stats().note_transit(frame.at.elapsed());
    note_frame(imp);
    push(imp, frame.buffer)
}

fn push<A: Analyser>(imp: &A, buffer: gst::Buffer) -> Result<(), Failure> {
    imp.flow().src_pad.push(buffer).map_err(untold)?;
    imp.flow().stats().frames_out += 1;
    Ok(())
}

/// The caps of the source pad stand where the frames are: they are set by the event that came in order.
fn info_in_use<'a>(pad: &gst::Pad, caps_in_use: &'a mut CapsInUse) -> Result<&'a VideoInfo, gst::FlowError> {
    let caps = pad.current_caps().ok_or(gst::FlowError::NotNegotiated)?;
    if caps_in_use.as_ref().is_none_or(|(known, _)| *known != caps) {
        let info = VideoInfo::from_caps(&caps).map_err(|_| gst::FlowError::NotNegotiated)?;
        *caps_in_use = Some((caps, info));
    }
    caps_in_use.as_ref().map(|(_, info)| info).ok_or(gst::FlowError::NotNegotiated)
}

/// Upstream has sent everything and will not see that downstream failed or wants no more, so the element ends the
/// stream, and says why when it was a failure.
pub(super) fn give_up_after<A: Analyser>(imp: &A, outcome: Result<(), Failure>) {
    let Err(Failure { flow, is_told: false }) = outcome else {
        return;
    };
    match flow {
        gst::FlowError::Flushing => return,
        // Downstream has had enough: an encoder of a single picture, for one. It still waits for the event.
        gst::FlowError::Eos => {}
        _ => gst::element_imp_error!(
            imp,
            gst::StreamError::Failed,
            ("The stream stopped before its last frame was through: {flow}"),
            ["flow {flow:?}"]
        ),
    }
    imp.flow().src_pad.push_event(gst::event::Eos::new());
}
