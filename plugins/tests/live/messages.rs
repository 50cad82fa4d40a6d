//! What is said on the bus.

use crate::rig::{BusyEngine, Rig, frame};

fn named(rig: &Rig, name: &str) -> Vec<gst::Structure> {
    let messages = rig.messages(gst::MessageType::Element);
    let structures = messages.iter().filter_map(|message| message.structure().map(|found| found.to_owned()));
    structures.filter(|structure| structure.name() == name).collect()
}

#[test]
fn an_overload_is_told_once_with_its_remedy() {
    let model = "test:frame-ms=1,name=overload";
    let busy = BusyEngine::of(model);
    let mut rig = Rig::new(&format!("model={model} prompt=dog late-policy=auto"));
    rig.wait_until("the engine is there", |rig| {
        gst::prelude::ObjectExt::property::<Option<String>>(&rig.element, "device-in-use").is_some()
    });
    for number in 0..30 {
        rig.harness.push(frame(40 * number)).unwrap();
    }
    rig.wait_until("some were dropped", |rig| rig.stat::<u64>("dropped") > 10);
    drop(busy);
    let told = named(&rig, "sa3-overload");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].get::<&str>("state").unwrap(), "begins");
    assert_eq!(told[0].get::<&str>("late-policy").unwrap(), "drop-oldest");
    assert_eq!(told[0].get::<f64>("frame-ms").unwrap(), 40.0);
    let warnings = rig.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    for part in ["each 40 ms", "adaptive=true", "inference-interval", "inference-size", "sync-mode=latest"] {
        assert!(warnings[0].contains(part), "{part} is not in {warnings:?}");
    }
}

#[test]
fn statistics_are_told_at_their_interval() {
    let mut rig = Rig::new("model=test prompt=dog stats-interval=1");
    for number in 0..5 {
        rig.through(40 * number);
    }
    let told = named(&rig, "sa3-stats");
    assert!(told.len() >= 4, "{told:?}");
    assert!(told.last().unwrap().get::<u64>("inferred").unwrap() >= 4);
    gst::prelude::ObjectExt::set_property(&rig.element, "stats-interval", 0u64);
    rig.through(1000);
    assert!(named(&rig, "sa3-stats").is_empty());
}
