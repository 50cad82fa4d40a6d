//! `sync-mode=latest`: the stream waits for nothing, and masks say how old they are.

use gst::prelude::*;
use gstsa3::meta::{AttachedObjects, MaskMeta};

use crate::rig::{BusyEngine, Rig, element_of, frame, record_output};

fn read(frame: &gst::BufferRef) -> Option<AttachedObjects> {
    MaskMeta::read(frame)
}

/// From here on frames are [`large`].
fn large_caps() -> gst::Event {
    gst::event::Caps::new(&"video/x-raw,format=GRAY8,width=64,height=48,framerate=25/1".parse::<gst::Caps>().unwrap())
}

fn large(pts_ms: u64) -> gst::Buffer {
    let mut large = gst::Buffer::with_size(64 * 48).unwrap();
    large.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(pts_ms));
    large
}

#[test]
fn frames_leave_while_the_engine_hangs() {
    let model = "test:name=latest-hang";
    let busy = BusyEngine::of(model);
    let mut rig = Rig::new(&format!("model={model} prompt=dog sync-mode=latest"));
    for number in 0..20 {
        assert!(read(&rig.through(40 * number)).is_none(), "nothing was found yet");
    }
    assert!(busy.is_busy());
    rig.wait_until("all have left", |rig| rig.stat::<u64>("frames-out") == 20);
    assert_eq!(rig.stat::<u64>("dropped"), 0);
}

#[test]
fn masks_say_which_frame_they_are_of_and_how_long_ago_it_was() {
    for element in ["sa3segment", "sa3track"] {
        let mut rig = Rig::around(element_of(element, "model=test:frame-ms=20 prompt=dog sync-mode=latest"));
        rig.harness.set_src_caps_str(crate::rig::CAPS);
        let mut looked_at = Vec::new();
        let mut number = 0;
        while looked_at.len() < 3 {
            let out = rig.through(40 * number);
            if let Some(attached) = read(&out) {
                let source = attached.source_pts.unwrap().mseconds();
                assert!(!attached.objects.items.is_empty());
                assert_eq!(u64::from(attached.age_in_frames), number - source / 40, "{element}, frame {number}");
                if looked_at.last() != Some(&source) {
                    assert!(looked_at.last().is_none_or(|last| *last < source), "older masks after newer ones");
                    looked_at.push(source);
                }
            }
            number += 1;
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

#[test]
fn modes_change_in_mid_stream() {
    let mut rig = Rig::around(element_of("sa3track", "model=test:frame-ms=10 prompt=dog output-delay=2"));
    rig.harness.set_src_caps_str(crate::rig::CAPS);
    let out = record_output(&rig.element);
    for number in 0..5 {
        rig.harness.push(frame(40 * number)).unwrap();
        rig.wait_until("it was looked at", |rig| rig.stat::<u64>("inferred") == number + 1);
    }
    rig.element.set_property_from_str("sync-mode", "latest");
    for number in 5..10 {
        rig.harness.push(frame(40 * number)).unwrap();
        rig.wait_until("it left", |rig| rig.stat::<u64>("frames-out") == number + 1);
    }
    rig.element.set_property_from_str("sync-mode", "exact");
    for number in 10..20 {
        rig.harness.push(frame(40 * number)).unwrap();
        rig.wait_until("there is room", |rig| rig.stat::<u32>("queue-level") == 0);
    }
    assert!(rig.harness.push_event(gst::event::Eos::new()));
    rig.wait_until("the end is out", |_| out.lock().unwrap().iter().any(|what| what == "eos"));
    let order: Vec<u64> = out.lock().unwrap().iter().filter_map(|what| what.parse().ok()).collect();
    assert_eq!(order, (0..20).map(|number| 40 * number).collect::<Vec<_>>());
    let ages = std::iter::from_fn(|| rig.harness.try_pull()).map(|out| read(&out).map(|found| found.age_in_frames));
    let ages: Vec<_> = ages.collect();
    assert!(ages[..5].iter().chain(&ages[10..]).all(|age| *age == Some(0)), "exact is exact: {ages:?}");
}

#[test]
fn caps_change_events_and_the_end_keep_their_places() {
    let mut rig = Rig::bare("model=test:frame-ms=5 prompt=dog sync-mode=latest");
    let out = record_output(&rig.element);
    rig.harness.set_src_caps_str(crate::rig::CAPS);
    rig.harness.push(frame(0)).unwrap();
    assert!(rig.harness.push_event(gst::event::Gap::builder(gst::ClockTime::SECOND).build()));
    rig.harness.push_event(large_caps());
    for number in 1..40 {
        rig.harness.push(large(number)).unwrap();
        rig.wait_until("it left", |rig| rig.stat::<u64>("frames-out") == number + 1);
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(rig.harness.push_event(gst::event::Eos::new()));
    rig.wait_until("the end is out", |_| out.lock().unwrap().iter().any(|what| what == "eos"));
    let order = out.lock().unwrap().clone();
    assert_eq!(order[..7], ["stream-start", "caps", "segment", "0", "gap", "caps", "1"]);
    rig.harness.pull().unwrap();
    let sizes = std::iter::from_fn(|| rig.harness.try_pull()).filter_map(|out| read(&out));
    let sizes: Vec<_> = sizes.map(|found| (found.objects.frame_width, found.objects.frame_height)).collect();
    assert!(!sizes.is_empty() && sizes.iter().all(|size| *size == (64, 48)), "no masks of the former size: {sizes:?}");
}

#[test]
fn masks_of_the_former_size_never_reach_the_new_one() {
    let model = "test:frame-ms=50,name=latest-caps";
    let busy = BusyEngine::of(model);
    let mut rig = Rig::new(&format!("model={model} prompt=dog sync-mode=latest"));
    rig.through(0);
    // Long enough for the worker to have taken the frame, which hangs now.
    std::thread::sleep(std::time::Duration::from_millis(200));
    rig.harness.push_event(large_caps());
    rig.harness.push(large(1)).unwrap();
    assert!(busy.is_busy());
    drop(busy);
    let mut sizes = vec![read(&rig.harness.pull().unwrap())];
    for number in 2.. {
        sizes.push(read(&rig.harness.push_and_pull(large(number)).unwrap()));
        if sizes.iter().flatten().count() > 3 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let sizes: Vec<_> = sizes.iter().flatten().map(|found| found.objects.frame_width).collect();
    assert!(sizes.iter().all(|width| *width == 64), "{sizes:?}");
}

#[test]
fn a_flush_and_a_stop_wait_for_no_pass() {
    let model = "test:name=latest-stop";
    let busy = BusyEngine::of(model);
    let mut rig = Rig::new(&format!("model={model} prompt=dog sync-mode=latest"));
    rig.through(0);
    for number in 1..20 {
        assert!(rig.harness.push_event(gst::event::FlushStart::new()));
        assert!(rig.harness.push_event(gst::event::FlushStop::new(true)));
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        assert!(rig.harness.push_event(gst::event::Segment::new(&segment)));
        rig.through(40 * number);
    }
    for _ in 0..20 {
        rig.element.set_state(gst::State::Ready).unwrap();
        rig.element.set_state(gst::State::Playing).unwrap();
    }
    rig.element.set_state(gst::State::Null).unwrap();
    assert!(busy.is_busy());
}

#[test]
fn a_failing_frame_leaves_the_stream_alone() {
    let mut rig = Rig::new("model=test:fail-every=2 prompt=dog sync-mode=latest");
    for number in 0..30 {
        rig.through(40 * number);
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    rig.wait_until("one failed", |rig| rig.stat::<u64>("failed") > 0);
    assert_eq!(rig.stat::<u64>("frames-out"), 30);
}
