//! Frames that come faster than the engine looks: each policy, and that nothing is lost unsaid.

use gst::prelude::*;
use gstsa3::meta::MaskMeta;

use crate::rig::{BusyEngine, Rig, frame};

/// Frames pushed at an engine that is busy with something else.
const PUSHED: u64 = 8;

/// PTS in milliseconds of what comes out when `PUSHED` frames came in while the engine was busy, whether each was looked
/// at, and the QOS messages.
fn shed(name: &str, properties: &str) -> (Vec<(u64, bool)>, usize) {
    let model = format!("test:name=shed-{name}");
    let busy = BusyEngine::of(&model);
    let mut rig = Rig::new(&format!("model={model} prompt=dog max-queue=3 {properties}"));
    rig.wait_until("the engine is there", |rig| rig.element.property::<Option<String>>("device-in-use").is_some());
    rig.harness.push(frame(0)).unwrap();
    rig.wait_until("the first frame is in work", |rig| rig.stat::<u32>("queue-level") == 0);
    for number in 1..PUSHED {
        rig.harness.push(frame(40 * number)).unwrap();
    }
    assert!(busy.is_busy());
    drop(busy);
    assert!(rig.harness.push_event(gst::event::Eos::new()));
    rig.wait_until("the end is out", |rig| {
        rig.element.static_pad("src").unwrap().sticky_event::<gst::event::Eos>(0).is_some()
    });
    let out = std::iter::from_fn(|| rig.harness.try_pull());
    let out: Vec<_> = out.map(|frame| (frame.pts().unwrap().mseconds(), MaskMeta::read(&frame).is_some())).collect();
    let (dropped, left) = (rig.stat::<u64>("dropped"), rig.stat::<u64>("frames-out"));
    assert_eq!((dropped + left, left), (PUSHED, out.len() as u64), "none is lost unsaid");
    let told = rig.messages(gst::MessageType::Qos).len();
    assert_eq!(told as u64, dropped);
    (out, told)
}

#[test]
fn a_live_stream_drops_the_oldest_and_says_so() {
    let (out, told) = shed("auto", "late-policy=auto");
    assert_eq!(out, [(0, true), (200, true), (240, true), (280, true)]);
    assert_eq!(told, 4);
}

#[test]
fn drop_newest_keeps_what_waits() {
    assert_eq!(shed("newest", "late-policy=drop-newest").0, [(0, true), (40, true), (80, true), (120, true)]);
}

#[test]
fn pass_bare_loses_nothing() {
    let model = "test:name=shed-bare";
    let busy = BusyEngine::of(model);
    let mut rig = Rig::new(&format!("model={model} prompt=dog max-queue=3 late-policy=pass-bare"));
    rig.wait_until("the engine is there", |rig| rig.element.property::<Option<String>>("device-in-use").is_some());
    rig.harness.push(frame(0)).unwrap();
    rig.wait_until("the first frame is in work", |rig| rig.stat::<u32>("queue-level") == 0);
    let sink = rig.element.static_pad("sink").unwrap();
    let feeding = std::thread::spawn(move || {
        assert!((1..PUSHED).map(|number| sink.chain(frame(40 * number))).all(|flow| flow.is_ok()));
    });
    rig.wait_until("the queue is full", |rig| rig.stat::<u32>("queue-level") == 3);
    assert!(busy.is_busy());
    drop(busy);
    feeding.join().unwrap();
    let out: Vec<_> = (0..PUSHED).map(|_| rig.harness.pull().unwrap()).collect();
    let order: Vec<_> = out.iter().map(|frame| frame.pts().unwrap().mseconds()).collect();
    assert_eq!(order, (0..PUSHED).map(|number| 40 * number).collect::<Vec<_>>());
    let bare = out.iter().filter(|frame| MaskMeta::read(frame).is_none()).count() as u64;
    assert!(bare > 0 && bare < PUSHED, "{bare} left bare");
    assert_eq!((rig.stat::<u64>("bare"), rig.stat::<u64>("dropped")), (bare, 0));
}

#[test]
fn block_makes_upstream_wait() {
    let mut rig = Rig::new("model=test:frame-ms=5 prompt=dog late-policy=block max-queue=1");
    let sink = rig.element.static_pad("sink").unwrap();
    let feeding = std::thread::spawn(move || {
        assert!((0..PUSHED).map(|number| sink.chain(frame(40 * number))).all(|flow| flow.is_ok()));
    });
    for number in 0..PUSHED {
        let out = rig.harness.pull().unwrap();
        assert_eq!(out.pts().unwrap().mseconds(), 40 * number);
        assert!(MaskMeta::read(&out).is_some());
    }
    feeding.join().unwrap();
    assert_eq!(rig.stat::<u64>("dropped"), 0);
}

#[test]
fn a_file_loses_nothing_by_itself() {
    let mut rig = Rig::bare("model=test:frame-ms=5 prompt=dog max-queue=1 late-policy=auto");
    rig.harness.set_live(false);
    rig.harness.set_src_caps_str(crate::rig::CAPS);
    let sink = rig.element.static_pad("sink").unwrap();
    let feeding = std::thread::spawn(move || {
        assert!((0..PUSHED).map(|number| sink.chain(frame(40 * number))).all(|flow| flow.is_ok()));
    });
    assert!((0..PUSHED).all(|number| rig.harness.pull().unwrap().pts().unwrap().mseconds() == 40 * number));
    feeding.join().unwrap();
}

#[test]
fn skip_looks_at_frames_that_nobody_waits_behind() {
    let (out, _) = shed("skip", "sync-mode=skip late-policy=drop-oldest");
    assert_eq!(out.len(), 4);
    assert_eq!(out.last(), Some(&(280, true)), "nothing waits behind the last");
    assert!(out.iter().any(|(_, is_looked_at)| !is_looked_at), "{out:?}");
}

#[test]
fn a_frame_that_is_too_late_is_dropped_with_its_lateness() {
    let mut rig = Rig::bare("model=test prompt=dog max-lateness=100000000 late-policy=auto");
    rig.harness.use_testclock();
    rig.harness.set_src_caps_str(crate::rig::CAPS);
    rig.harness.set_time(gst::ClockTime::from_seconds(10)).unwrap();
    rig.harness.push(frame(9950)).unwrap();
    assert_eq!(rig.harness.pull().unwrap().pts().unwrap().mseconds(), 9950, "fifty milliseconds may be");
    rig.harness.push(frame(9000)).unwrap();
    rig.wait_until("it was dropped", |rig| rig.stat::<u64>("dropped") == 1);
    let messages = rig.messages(gst::MessageType::Qos);
    let gst::MessageView::Qos(qos) = messages[0].view() else { panic!("{messages:?}") };
    assert_eq!(qos.values().0, 1_000_000_000, "a second late");
    let (live, .., timestamp, _) = qos.get();
    assert!(live && timestamp == Some(gst::ClockTime::from_mseconds(9000)));
    rig.element.set_property_from_str("late-policy", "pass-bare");
    rig.harness.push(frame(9000)).unwrap();
    assert!(MaskMeta::read(&rig.harness.pull().unwrap()).is_none());
    rig.element.set_property_from_str("late-policy", "block");
    rig.harness.push(frame(9000)).unwrap();
    assert!(MaskMeta::read(&rig.harness.pull().unwrap()).is_some());
}

#[test]
fn an_adaptive_stream_looks_at_fewer_frames_before_it_drops_any() {
    let mut rig = Rig::new("model=test:frame-ms=100 prompt=dog late-policy=auto adaptive=true");
    let ages = (0..40).map(|number| MaskMeta::read(&rig.through(40 * number)).unwrap().age_in_frames);
    // One by one: nothing waits, so nothing is dropped, and the pace follows from the times alone.
    let ages: Vec<_> = ages.collect();
    assert!(ages[12..].contains(&0) && ages[12..].iter().any(|age| *age >= 2), "{ages:?}");
    // On a busy machine a look takes longer still.
    assert!(rig.stat::<u32>("interval") >= 3 && rig.stat::<u64>("dropped") == 0);
    rig.element.set_property("adaptive", false);
    assert_eq!(rig.stat::<u32>("interval"), 1);
    assert!((40..43).all(|number| MaskMeta::read(&rig.through(40 * number)).unwrap().age_in_frames == 0));
}

#[test]
fn lateness_downstream_raises_the_interval() {
    let mut rig = Rig::new("model=test prompt=dog late-policy=auto adaptive=true");
    rig.through(0);
    let late = |diff| gst::event::Qos::new(gst::QOSType::Underflow, 1.5, diff, gst::ClockTime::SECOND);
    rig.harness.push_upstream_event(late(-1000));
    assert_eq!(rig.stat::<u32>("interval"), 1, "in time");
    rig.harness.push_upstream_event(late(40_000_000));
    assert_eq!(rig.stat::<u32>("interval"), 2);
}
