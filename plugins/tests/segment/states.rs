//! States: nothing waits for a forward pass, engines are shared and given back.

use gst::prelude::*;
use gstsa3::meta::MaskMeta;

use crate::rig::{BusyEngine, Rig, element, frame};

#[test]
fn the_way_to_ready_does_not_wait_for_the_pass() {
    let engine = BusyEngine::of("test:name=to-ready");
    let mut rig = Rig::new("model=test:name=to-ready prompt=dog");
    rig.harness.push(frame(0)).unwrap();
    rig.wait_until("the frame is in work", |rig| rig.stat::<u32>("queue-level") == 0);
    rig.element.set_state(gst::State::Ready).unwrap();
    assert_eq!(rig.element.current_state(), gst::State::Ready);
    assert!(engine.is_busy(), "the state change waited for the engine");
    rig.element.set_state(gst::State::Null).unwrap();
    assert!(engine.is_busy(), "giving the engine back waited for it");
    assert!(rig.harness.try_pull().is_none());
}

#[test]
fn a_slow_pass_in_progress_is_left_behind() {
    let mut rig = Rig::new("model=test:frame-ms=3000,name=left-behind prompt=dog");
    rig.harness.push(frame(0)).unwrap();
    rig.wait_until("the frame is in work", |rig| rig.stat::<u32>("queue-level") == 0);
    rig.element.set_state(gst::State::Ready).unwrap();
    assert_eq!(rig.stat::<u64>("inferred"), 0, "the state change waited for the answer");
}

#[test]
fn the_way_to_ready_frees_an_upstream_that_is_blocked() {
    let mut rig = Rig::new("model=test:load-ms=100000,name=blocked prompt=dog");
    let pad = rig.harness.srcpad().unwrap();
    // One frame waits for the model, three behind it, and the fifth for a place.
    let upstream = std::thread::spawn(move || (0..5).find_map(|number| pad.push(frame(number)).err()));
    rig.wait_until("the queue is full", |rig| rig.stat::<u64>("frames-in") == 5 && rig.stat::<u32>("queue-level") == 3);
    rig.element.set_state(gst::State::Ready).unwrap();
    assert_eq!(upstream.join().unwrap(), Some(gst::FlowError::Flushing));
    rig.element.set_state(gst::State::Null).unwrap();
    rig.harness.set_drop_buffers(true);
    let progress = rig.messages(gst::MessageType::Progress);
    let gst::MessageView::Progress(last) = progress.last().unwrap().view() else { panic!() };
    assert_eq!(last.type_(), gst::ProgressType::Canceled, "the load that was given up is told");
}

#[test]
fn statistics_and_device_are_read_while_the_engine_works() {
    let engine = BusyEngine::of("test:name=stats");
    let mut rig = Rig::new("model=test:name=stats prompt=dog");
    rig.harness.push(frame(0)).unwrap();
    rig.harness.push(frame(40)).unwrap();
    rig.wait_until("the first frame is in work", |rig| rig.stat::<u32>("queue-level") == 1);
    assert_eq!((rig.stat::<u64>("frames-in"), rig.stat::<u64>("frames-out")), (2, 0));
    rig.wait_until("the model is loaded", |rig| rig.element.property::<Option<String>>("device-in-use").is_some());
    let device: Option<String> = rig.element.property("device-in-use");
    assert_eq!(device.as_deref(), Some("cpu (artificial engine), fp32"));
    assert!(engine.is_busy(), "reading waited for the engine");
}

#[test]
fn elements_with_the_same_settings_share_an_engine_and_give_it_back() {
    let model = "test:name=shared";
    let mut first = Rig::new(&format!("model={model} prompt=dog"));
    let mut second = Rig::new(&format!("model={model} prompt=dog"));
    let left = |buffer: &gst::BufferRef| MaskMeta::read(buffer).unwrap().objects.items[0].box_in_frame.x0;
    // The artificial engine's disc moves with each frame it sees, whoever sent it.
    let at = [left(&first.through(0)), left(&second.through(0)), left(&first.through(40))];
    assert!(at[0] < at[1] && at[1] < at[2], "{at:?}");
    drop((first, second));
    let mut third = Rig::new(&format!("model={model} prompt=dog"));
    assert_eq!(left(&third.through(0)), at[0], "a fresh engine: the old one went with its last element");
}

#[test]
fn a_model_chosen_in_ready_is_loaded() {
    let mut rig = Rig::new("model=test:fail-load=true prompt=dog");
    assert!(rig.error().contains("fail-load"));
    rig.element.set_state(gst::State::Ready).unwrap();
    rig.element.set_property("model", "test:name=chosen");
    rig.element.set_state(gst::State::Playing).unwrap();
    rig.harness.set_src_caps_str(crate::rig::CAPS);
    assert!(MaskMeta::read(&rig.through(0)).is_some());
}

#[test]
fn objects_of_the_run_before_are_forgotten() {
    let mut rig = Rig::new("model=test prompt=dog inference-interval=1000");
    assert_eq!(MaskMeta::read(&rig.through(0)).unwrap().age_in_frames, 0);
    assert_eq!(MaskMeta::read(&rig.through(40)).unwrap().age_in_frames, 1);
    rig.element.set_state(gst::State::Ready).unwrap();
    rig.element.set_state(gst::State::Playing).unwrap();
    rig.harness.set_src_caps_str(crate::rig::CAPS);
    assert_eq!(MaskMeta::read(&rig.through(0)).unwrap().age_in_frames, 0);
    assert_eq!(rig.stat::<u64>("frames-in"), 1);
}

#[test]
fn an_element_may_go_away_while_it_loads() {
    let element = element("model=test:load-ms=300,name=gone");
    let weak = element.downgrade();
    element.set_state(gst::State::Ready).unwrap();
    element.set_state(gst::State::Null).unwrap();
    drop(element);
    assert!(weak.upgrade().is_none(), "the loader does not keep it");
}
