//! What a live pipeline is told.

use gst::prelude::*;

use crate::rig::{Rig, frame};

fn latency_in_ms(rig: &Rig) -> u64 {
    let mut query = gst::query::Latency::new();
    assert!(rig.element.static_pad("src").unwrap().query(&mut query));
    let (is_live, least, _) = query.result();
    assert!(is_live);
    least.mseconds()
}

fn is_loaded(rig: &Rig) -> bool {
    rig.element.property::<Option<String>>("device-in-use").is_some()
}

#[test]
fn before_the_first_frame_it_is_the_warm_ups() {
    let rig = Rig::new("model=test:frame-ms=70 prompt=dog");
    rig.wait_until("the engine is there", is_loaded);
    assert_eq!(latency_in_ms(&rig), 70);
}

#[test]
fn afterwards_it_is_what_nearly_all_frames_take_and_a_change_is_told() {
    let mut rig = Rig::new("model=test:frame-ms=30 prompt=dog");
    rig.wait_until("the engine is there", is_loaded);
    rig.element.set_property("latency", 500u32);
    assert_eq!(latency_in_ms(&rig), 500, "as it was asked for");
    rig.element.set_property("latency", 0u32);
    rig.messages(gst::MessageType::Latency);
    for number in 0..20 {
        rig.through(40 * number);
    }
    assert_eq!(rig.messages(gst::MessageType::Latency).len(), 1, "once, not at each frame");
    let told = latency_in_ms(&rig);
    assert!((30..500).contains(&told), "{told} ms");
}

#[test]
fn asking_for_a_latency_is_told_to_the_pipeline() {
    let rig = Rig::new("model=test prompt=dog");
    rig.messages(gst::MessageType::Latency);
    rig.element.set_property("latency", 80u32);
    assert_eq!(rig.messages(gst::MessageType::Latency).len(), 1);
    assert_eq!(latency_in_ms(&rig), 80);
}

#[test]
fn frames_that_wait_are_asked_of_upstreams_pool() {
    let mut rig = Rig::new("model=test prompt=dog max-queue=5");
    rig.harness.push(frame(0)).unwrap();
    rig.harness.pull().unwrap();
    let pool = gst::BufferPool::new();
    let caps: gst::Caps = crate::rig::CAPS.parse().unwrap();
    rig.harness.add_propose_allocation_meta(gst_video::VideoMeta::meta_api(), None);
    let mut query = gst::query::Allocation::new(Some(&caps), false);
    query.add_allocation_pool(Some(&pool), 512, 1, 2);
    assert!(rig.element.static_pad("sink").unwrap().query(&mut query));
    let offered: Vec<_> = query.allocation_pools().map(|(_, _, min, max)| (min, max)).collect();
    assert!(offered.contains(&(1 + 6, 2 + 6)), "five that wait and one in work: {offered:?}");
}
