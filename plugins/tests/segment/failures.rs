//! What goes wrong is told with cause and remedy, and costs no frame unless the engine is gone.

use std::cell::RefCell;

use gst::prelude::*;
use gstsa3::meta::MaskMeta;

use crate::rig::{Rig, element, frame};

#[test]
fn a_frame_that_fails_passes_bare_and_the_next_does_not() {
    let mut rig = Rig::new("model=test:fail-at=1 prompt=dog");
    let has_objects: Vec<_> = (0..3).map(|number| MaskMeta::read(&rig.through(40 * number)).is_some()).collect();
    assert_eq!(has_objects, [true, false, true]);
    let warnings = rig.warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("fail-at=1"), "{warnings:?}");
    assert_eq!((rig.stat::<u64>("failed"), rig.stat::<u64>("inferred")), (1, 2));
}

#[test]
fn many_failures_are_told_by_the_hundred_and_no_frame_is_lost() {
    let mut rig = Rig::new("model=test:fail-every=1 prompt=dog");
    for number in 0..201 {
        assert!(MaskMeta::read(&rig.through(number)).is_none());
    }
    let warnings = rig.warnings();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings[0].contains("(1 failed") && warnings[2].contains("(200 failed"), "{warnings:?}");
    assert!(rig.errors().is_empty());
}

#[test]
fn frames_after_a_failed_one_do_not_carry_older_objects() {
    let mut rig = Rig::new("model=test:fail-at=1 prompt=dog inference-interval=2");
    let has_objects: Vec<_> = (0..4).map(|number| MaskMeta::read(&rig.through(40 * number)).is_some()).collect();
    assert_eq!(has_objects, [true, true, false, true]);
    assert_eq!(rig.stat::<u64>("inferred"), 2, "the frame after the failure was looked at");
}

#[test]
fn libtorchs_failure_ends_the_stream_with_its_words() {
    let mut rig = Rig::new("model=test:panic-at=1 prompt=dog");
    rig.through(0);
    rig.harness.push(frame(40)).unwrap();
    let error = rig.error();
    assert!(error.contains("libtorch failed in a forward pass") && error.contains("panic-at"), "{error}");
    let refused = (0..100).find_map(|number| rig.harness.push(frame(80 + number)).err());
    assert_eq!(refused, Some(gst::FlowError::Error));
    assert!(!rig.harness.push_event(gst::event::Eos::new()));
    assert!(rig.errors().is_empty(), "the cause was told, nothing vaguer follows");
}

#[test]
fn a_model_that_does_not_load_is_an_error_that_says_what_to_do() {
    let mut rig = Rig::new("model=/no/such/model prompt=dog");
    let error = rig.error();
    assert!(error.contains("/no/such/model") && error.contains("Use \"nano\""), "{error}");
    let refused = (0..100).find_map(|number| rig.harness.push(frame(number)).err());
    assert_eq!(refused, Some(gst::FlowError::Error));
    let kinds: Vec<_> = rig.messages(gst::MessageType::Progress).iter().map(progress_of).collect();
    assert_eq!(kinds.first().unwrap().0, gst::ProgressType::Start);
    assert_eq!(kinds.last().unwrap().0, gst::ProgressType::Error);
    assert!(rig.errors().is_empty(), "told once");
    rig.element.set_state(gst::State::Ready).unwrap();
    rig.element.set_state(gst::State::Playing).unwrap();
    assert!(rig.error().contains("/no/such/model"), "the next run tries again");
}

fn progress_of(message: &gst::Message) -> (gst::ProgressType, String) {
    let gst::MessageView::Progress(progress) = message.view() else {
        panic!("{message:?}");
    };
    let (kind, code, text) = progress.get();
    assert_eq!(code, "sa3-load");
    (kind, text.to_string())
}

#[test]
fn loading_is_told_from_start_to_end() {
    let mut rig = Rig::new("model=test:load-ms=50,name=progress prompt=dog");
    assert!(MaskMeta::read(&rig.through(0)).is_some(), "the first frame waits for the model");
    let seen = RefCell::new(Vec::new());
    rig.wait_until("the end of loading is told", |rig| {
        seen.borrow_mut().extend(rig.messages(gst::MessageType::Progress).iter().map(progress_of));
        seen.borrow().last().is_some_and(|(kind, _)| *kind == gst::ProgressType::Complete)
    });
    let seen = seen.into_inner();
    assert_eq!(seen[0].0, gst::ProgressType::Start);
    assert!(seen[1..seen.len() - 1].iter().all(|(kind, _)| *kind == gst::ProgressType::Continue), "{seen:?}");
    assert!(seen.last().unwrap().1.contains("cpu (artificial engine)"), "{seen:?}");
}

#[test]
fn a_wrong_device_is_refused_on_the_way_to_ready() {
    let (element, bus) = (element("model=test device=gpu"), gst::Bus::new());
    element.set_bus(Some(&bus));
    assert!(element.set_state(gst::State::Ready).is_err());
    let message = bus.pop_filtered(&[gst::MessageType::Error]).unwrap();
    assert!(format!("{message:?}").contains("cuda:N"), "{message:?}");
    element.set_property("device", "cpu");
    element.set_state(gst::State::Ready).unwrap();
    element.set_state(gst::State::Null).unwrap();
}

#[test]
fn interlaced_video_is_refused_once_with_a_remedy() {
    let mut rig = Rig::bare("model=test prompt=dog");
    let caps = format!("{},interlace-mode=interleaved", crate::rig::CAPS).parse::<gst::Caps>().unwrap();
    rig.harness.push_event(gst::event::StreamStart::new("interlaced"));
    rig.harness.push_event(gst::event::Caps::new(&caps));
    rig.harness.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
    for number in 0..2 {
        // The pad offers the caps again with each frame.
        assert_eq!(rig.harness.push(frame(number)), Err(gst::FlowError::NotNegotiated));
    }
    let errors = rig.errors();
    assert!(errors.len() == 1 && errors[0].contains("put deinterlace before"), "{errors:?}");
    // The same element takes progressive video afterwards.
    rig.harness.set_src_caps_str(crate::rig::CAPS);
    assert!(MaskMeta::read(&rig.through(0)).is_some());
}
