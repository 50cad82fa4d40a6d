//! Frames that are held back leave in order, with everything between them, and say nothing that proved false.

use gst::prelude::*;

use crate::rig::{self, record_output};
use crate::stage::{Stage, ids_of};

#[test]
fn frames_wait_and_events_keep_their_place() {
    let mut stage = Stage::new("delay", "prompt=dog output-delay=3");
    let output = record_output(stage.element());
    for _ in 0..3 {
        stage.push();
    }
    stage.rig.harness.push_event(gst::event::CustomDownstream::new(gst::Structure::new_empty("here")));
    stage.push();
    stage.rig.harness.push_event(gst::event::Eos::new());
    stage.rig.wait_until("EOS is through", |_| output.lock().unwrap().iter().any(|what| what == "eos"));
    let output = output.lock().unwrap();
    let frames_on: Vec<_> = output.iter().skip_while(|what| *what != "0").cloned().collect();
    assert_eq!(frames_on, ["0", "40", "80", "custom-downstream", "120", "eos"]);
}

#[test]
fn what_probation_removes_was_never_shown() {
    // A ghost on the third frame is the third object, and nothing confirms it.
    let properties = "prompt=dog probation=4 probation-unmatched=2 output-delay=5";
    let mut stage = Stage::new("ghosts,ghost-at=2", properties);
    let mut shown = Vec::new();
    for _ in 0..5 {
        stage.push();
    }
    for _ in 0..12 {
        stage.push();
        shown.extend(ids_of(&stage.pull()));
    }
    let events = stage.events();
    shown.sort_unstable();
    shown.dedup();
    assert!(!shown.contains(&3), "{shown:?}");
    assert!(events.iter().all(|(_, id)| *id != 3), "{events:?}");
}

#[test]
fn the_same_ghost_is_seen_without_delay() {
    let mut stage = Stage::new("seen,ghost-at=2", "prompt=dog probation=4 probation-unmatched=2");
    let mut shown: Vec<u64> = (0..12).flat_map(|_| stage.ids()).collect();
    shown.sort_unstable();
    shown.dedup();
    assert!(shown.contains(&3));
    assert!(stage.events().contains(&("removed".into(), 3)));
}

#[test]
fn a_file_is_held_back_and_a_live_source_is_not() {
    let element = rig::element_of("sa3track", "");
    assert_eq!(element.property::<i32>("output-delay"), -1);
    let run = |live: &str| {
        let line = format!(
            "videotestsrc {live} num-buffers=20 ! video/x-raw,format=GRAY8,width=32,height=16,framerate=50/1 ! \
             sa3track model=test:name=held prompt=dog until-loaded=wait name=track ! fakesink sync=false name=out"
        );
        let pipeline = gst::parse::launch(&line).unwrap().downcast::<gst::Pipeline>().unwrap();
        let (track, out) = (pipeline.by_name("track").unwrap(), pipeline.by_name("out").unwrap());
        let most_held = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
        let (seen, weak) = (most_held.clone(), track.downgrade());
        out.static_pad("sink").unwrap().add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            let stats: gst::Structure = weak.upgrade().unwrap().property("stats");
            let held = stats.get::<u64>("inferred").unwrap() - stats.get::<u64>("frames-out").unwrap();
            seen.fetch_max(held, std::sync::atomic::Ordering::SeqCst);
            gst::PadProbeReturn::Ok
        });
        pipeline.set_state(gst::State::Playing).unwrap();
        let bus = pipeline.bus().unwrap();
        let end =
            bus.timed_pop_filtered(gst::ClockTime::from_seconds(60), &[gst::MessageType::Eos, gst::MessageType::Error]);
        assert_eq!(end.unwrap().type_(), gst::MessageType::Eos);
        let mut query = gst::query::Latency::new();
        assert!(pipeline.query(&mut query));
        pipeline.set_state(gst::State::Null).unwrap();
        most_held.load(std::sync::atomic::Ordering::SeqCst)
    };
    assert_eq!(run(""), 15, "14 wait, one is on its way");
    assert_eq!(run("is-live=true"), 1);
}
