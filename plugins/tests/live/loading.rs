//! Before the model is there.

use gst::prelude::*;
use gstsa3::meta::MaskMeta;

use crate::rig::{Rig, element, frame};

/// Longer than any test lasts.
const FOREVER: &str = "load-ms=100000";

#[test]
fn a_live_stream_passes_bare_until_the_model_is_there() {
    let mut rig = Rig::new(&format!("model=test:{FOREVER},name=bare prompt=dog until-loaded=auto late-policy=auto"));
    for number in 0..10 {
        assert!(MaskMeta::read(&rig.through(40 * number)).is_none());
    }
    assert_eq!((rig.stat::<u64>("bare"), rig.stat::<u64>("dropped")), (10, 0));
    let overload = rig.messages(gst::MessageType::Element);
    assert!(overload.is_empty() && rig.warnings().is_empty(), "loading is no overload: {overload:?}");
}

#[test]
fn those_who_hide_people_can_drop_or_wait() {
    let mut rig = Rig::new(&format!("model=test:{FOREVER},name=drop prompt=dog until-loaded=drop"));
    for number in 0..5 {
        rig.harness.push(frame(40 * number)).unwrap();
    }
    rig.wait_until("they are dropped", |rig| rig.stat::<u64>("dropped") == 5);
    assert_eq!(rig.messages(gst::MessageType::Qos).len(), 5);
    let mut rig = Rig::new("model=test:load-ms=200,name=wait prompt=dog until-loaded=wait");
    assert!(MaskMeta::read(&rig.through(0)).is_some());
}

#[test]
fn objects_come_with_the_first_frame_after_the_load() {
    let mut rig = Rig::new("model=test:load-ms=200,name=first prompt=dog until-loaded=auto");
    let mut number = 0;
    while MaskMeta::read(&rig.through(40 * number)).is_none() {
        number += 1;
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(rig.element.property::<Option<String>>("device-in-use").is_some());
}

#[test]
fn blocking_is_loaded_when_the_state_is_reached() {
    let blocking = element("model=test:load-ms=100,name=blocking prompt=dog load-mode=blocking");
    blocking.set_state(gst::State::Ready).unwrap();
    assert!(blocking.property::<Option<String>>("device-in-use").is_some());
    blocking.set_state(gst::State::Null).unwrap();
    let failing = element("model=test:fail-load=true,name=blocking prompt=dog load-mode=blocking");
    let bus = gst::Bus::new();
    failing.set_bus(Some(&bus));
    assert!(failing.set_state(gst::State::Ready).is_err());
    let error = bus.pop_filtered(&[gst::MessageType::Error]).expect("an ERROR");
    assert!(format!("{error:?}").contains("fail-load"), "{error:?}");
    failing.set_state(gst::State::Null).unwrap();
}

#[test]
fn lazy_loads_with_the_first_frame() {
    let mut rig = Rig::new("model=test:name=lazy prompt=dog load-mode=lazy until-loaded=wait");
    assert!(rig.messages(gst::MessageType::Progress).is_empty());
    assert!(rig.element.property::<Option<String>>("device-in-use").is_none());
    assert!(MaskMeta::read(&rig.through(0)).is_some());
    assert!(!rig.messages(gst::MessageType::Progress).is_empty());
}
