//! Frames that are held here, of an upstream that has few.

use gst::prelude::*;

use crate::rig::{BusyEngine, FRAME_BYTES, Rig, element_of};

/// A pool that gives so many frames and no more.
fn pool(most: u32) -> gst::BufferPool {
    let pool = gst::BufferPool::new();
    let mut config = pool.config();
    config.set_params(None, FRAME_BYTES as u32, 0, most);
    pool.set_config(config).unwrap();
    pool.set_active(true).unwrap();
    pool
}

/// A frame, if upstream has one left.
fn acquired(pool: &gst::BufferPool, number: u64) -> Option<gst::Buffer> {
    let at_once = gst::BufferPoolAcquireParams::with_flags(gst::BufferPoolAcquireFlags::DONTWAIT);
    let mut buffer = pool.acquire_buffer(Some(&at_once)).ok()?;
    buffer.get_mut()?.set_pts(gst::ClockTime::from_mseconds(40 * number));
    Some(buffer)
}

#[test]
fn an_upstream_with_few_frames_gets_them_back() {
    let model = "test:name=holding";
    let busy = BusyEngine::of(model);
    let mut rig = Rig::around(element_of("sa3track", &format!("model={model} prompt=dog max-queue=3 output-delay=4")));
    rig.harness.set_src_caps_str(crate::rig::CAPS);
    let few = pool(2);
    for number in 0..3 {
        let frame = acquired(&few, number).expect("upstream has no frame left");
        rig.harness.push(frame).unwrap();
    }
    assert!(busy.is_busy());
    drop(busy);
    for number in 3..12 {
        let frame = acquired(&few, number).expect("upstream has no frame left");
        rig.harness.push(frame).unwrap();
    }
    let out = rig.harness.pull().unwrap();
    assert_eq!(out.pts(), Some(gst::ClockTime::ZERO));
    assert!(gstsa3::meta::MaskMeta::read(&out).is_some());
}

#[test]
fn an_upstream_with_enough_frames_is_not_copied() {
    let mut rig = Rig::new("model=test prompt=dog max-queue=3");
    let enough = pool(6);
    let frame = acquired(&enough, 0).unwrap();
    let data = frame.map_readable().unwrap().as_ptr();
    let out = rig.harness.push_and_pull(frame).unwrap();
    assert_eq!(out.map_readable().unwrap().as_ptr(), data, "the same memory");
}
