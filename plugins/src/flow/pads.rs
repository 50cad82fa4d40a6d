//! The pads' functions: what comes in at the sink pad, and what is asked at either.

use std::sync::atomic::Ordering;
use std::time::Instant;

use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_video::{VideoCropMeta, VideoInfo};

use super::frame_time::frame_duration;
use super::junction::Item;
use super::scarce::own_if_scarce;
use super::{Analyser, Flow, shedding, task};

/// The sink and the source pad of an analyser, from its class's templates.
pub(crate) fn build_pads<A: Analyser>(template: impl Fn(&str) -> Option<gst::PadTemplate>) -> (gst::Pad, gst::Pad) {
    let builder = |name| {
        let template = template(name).expect("an analyser registers the templates sink and src");
        // The core answers caps and allocation queries from the other side, within the template.
        gst::Pad::builder_from_template(&template).flags(gst::PadFlags::PROXY_CAPS | gst::PadFlags::PROXY_ALLOCATION)
    };
    let failed = || Err(gst::FlowError::Error);
    let sink = builder("sink")
        .chain_function(move |_, parent, buffer| A::catch_panic_pad_function(parent, failed, |imp| chain(imp, buffer)))
        .event_function(|pad, parent, event| {
            A::catch_panic_pad_function(parent, || false, |imp| sink_event(imp, pad, event))
        })
        .query_function(|pad, parent, query| {
            A::catch_panic_pad_function(parent, || false, |imp| sink_query(imp, pad, query))
        })
        .activatemode_function(|_, parent, _, is_active| {
            A::catch_panic_pad_function(parent, || Ok(()), |imp| activate_sink(imp, is_active))
        });
    let src = builder("src")
        .event_function(|pad, parent, event| {
            A::catch_panic_pad_function(parent, || false, |imp| src_event(imp, pad, event))
        })
        .query_function(|pad, parent, query| {
            A::catch_panic_pad_function(parent, || false, |imp| src_query(imp, pad, query))
        })
        .activatemode_function(|_, parent, _, is_active| {
            A::catch_panic_pad_function(parent, || Ok(()), |imp| activate_src(imp, is_active))
        });
    (sink.build(), src.build())
}

fn chain<A: Analyser>(imp: &A, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
    let flow = imp.flow();
    flow.stats().frames_in += 1;
    let limit = flow.timing().queue_limit(flow.is_live());
    let buffer = own_if_scarce(buffer, &flow.sink_pad, || held_frames(imp));
    for dropped in flow.junction.push_frame(buffer, limit)? {
        shedding::note_dropped(imp, &dropped);
    }
    Ok(gst::FlowSuccess::Ok)
}

fn src_event<A: Analyser>(imp: &A, pad: &gst::Pad, event: gst::Event) -> bool {
    let flow = imp.flow();
    match event.view() {
        gst::EventView::Latency(latency) => {
            flow.pipeline_latency_ns.store(latency.latency().nseconds(), Ordering::Relaxed);
        }
        gst::EventView::Qos(qos) if qos.diff() > 0 && qos.proportion() > 1.0 => {
            flow.pace().note_late_downstream(Instant::now());
        }
        _ if imp.takes_src_event(&event) => return true,
        _ => {}
    }
    gst::Pad::event_default(pad, Some(&*imp.obj()), event)
}

fn sink_event<A: Analyser>(imp: &A, pad: &gst::Pad, event: gst::Event) -> bool {
    let flow = imp.flow();
    match event.view() {
        gst::EventView::FlushStart(_) => {
            flow.junction.flush();
            let is_handled = flow.src_pad.push_event(event);
            flow.junction.wait_until_idle();
            is_handled
        }
        gst::EventView::FlushStop(_) => {
            keep_sticky_events(flow);
            imp.forget();
            let is_handled = flow.src_pad.push_event(event);
            flow.junction.open();
            is_handled
        }
        gst::EventView::Caps(caps) if !check_caps(imp, caps.caps()) => false,
        _ if event.is_serialized() => queue_event(imp, event),
        _ => gst::Pad::event_default(pad, Some(&*imp.obj()), event),
    }
}

/// A flush drops what waits, but the stream's start, caps and tags still hold: the pad sends them with the next frame.
fn keep_sticky_events(flow: &Flow) {
    let delayed = flow.delayed().clear();
    for item in delayed.into_iter().chain(flow.junction.clear()) {
        if let Item::Event(event) = item
            && event.is_sticky()
            && !matches!(event.type_(), gst::EventType::Segment | gst::EventType::Eos)
        {
            // Only a pad that is at its end refuses, and then there is no next frame.
            let _ = flow.src_pad.store_sticky_event(&event);
        }
    }
}

fn queue_event<A: Analyser>(imp: &A, event: gst::Event) -> bool {
    let (junction, kind) = (&imp.flow().junction, event.type_());
    if matches!(kind, gst::EventType::StreamStart | gst::EventType::Segment) {
        junction.revive_after_eos();
    }
    let is_queued = junction.push_event(event);
    if kind == gst::EventType::Eos && !is_queued {
        task::give_up_after(imp, junction.outcome());
    }
    is_queued
}

/// False, and an ERROR, for video that a model cannot look at.
fn check_caps<A: Analyser>(imp: &A, caps: &gst::CapsRef) -> bool {
    let Ok(info) = VideoInfo::from_caps(caps) else {
        return false;
    };
    imp.flow().progressive_only.takes(&*imp.obj(), &info)
}

fn sink_query<A: Analyser>(imp: &A, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
    // Downstream must have seen the caps and frames that came before the question.
    if query.is_serialized() && !imp.flow().junction.wait_until_through() {
        return false;
    }
    let is_answered = gst::Pad::query_default(pad, Some(&*imp.obj()), query);
    if let gst::QueryViewMut::Allocation(allocation) = query.view_mut()
        && is_answered
    {
        amend_allocation(allocation, held_frames(imp));
    }
    is_answered
}

/// Frames this element holds at most: those that wait, the one in work, and those held back.
fn held_frames<A: Analyser>(imp: &A) -> u32 {
    let flow = imp.flow();
    let waiting = flow.timing().queue_limit(flow.is_live()).frames as u32;
    waiting + 1 + flow.delay_in_frames(imp)
}

/// Downstream's offer, with room for the frames held here and without crop metas: masks lie over whole frames.
fn amend_allocation(allocation: &mut gst::query::Allocation, held_frames: u32) {
    let pools: Vec<_> = allocation.allocation_pools().collect();
    for (index, (pool, size, min, max)) in (0..).zip(pools) {
        let max = if max == 0 { 0 } else { max + held_frames };
        allocation.set_nth_allocation_pool(index, pool.as_ref(), size, min + held_frames, max);
    }
    while let Some(index) = allocation.find_allocation_meta::<VideoCropMeta>() {
        allocation.remove_nth_allocation_meta(index);
    }
}

fn src_query<A: Analyser>(imp: &A, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
    match query.view_mut() {
        gst::QueryViewMut::Latency(latency) => answer_latency(imp, latency),
        _ => gst::Pad::query_default(pad, Some(&*imp.obj()), query),
    }
}

/// Upstream's latency, and in a live pipeline the time within which nearly all frames leave and that of the frames held
/// back on top.
fn answer_latency<A: Analyser>(imp: &A, latency: &mut gst::query::Latency) -> bool {
    let flow = imp.flow();
    let mut upstream = gst::query::Latency::new();
    if !flow.sink_pad.peer_query(&mut upstream) {
        return false;
    }
    let (is_live, mut min, mut max) = upstream.result();
    if is_live {
        let (asked, expected) = (flow.timing().latency(), flow.expected_pass());
        let own = flow.stats().tell_latency(asked, expected);
        let own = gst::ClockTime::try_from(own).unwrap_or(gst::ClockTime::ZERO);
        let frame = frame_duration(&flow.src_pad);
        let held = own + frame * u64::from(flow.delay_in_frames(imp));
        min += held;
        max = max.map(|max| max + held + frame * u64::from(held_frames(imp)));
    }
    latency.set(is_live, min, max);
    true
}

fn activate_sink<A: Analyser>(imp: &A, is_active: bool) -> Result<(), gst::LoggableError> {
    if !is_active {
        imp.flow().junction.close();
    }
    Ok(())
}

fn activate_src<A: Analyser>(imp: &A, is_active: bool) -> Result<(), gst::LoggableError> {
    let flow = imp.flow();
    if is_active {
        flow.junction.open();
        return Ok(task::start(imp)?);
    }
    flow.junction.close();
    flow.src_pad.stop_task()?;
    let worker = flow.worker().take();
    if let Some(worker) = worker.filter(|worker| worker.thread().id() != std::thread::current().id()) {
        // A panic of the worker has been told as an ERROR.
        let _ = worker.join();
    }
    flow.delayed().clear();
    flow.junction.clear();
    Ok(())
}
