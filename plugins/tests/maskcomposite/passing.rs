//! Buffers that pass, and what stays on those that are drawn on.

use gst_video::{VideoFormat, VideoInfo, VideoRegionOfInterestMeta};
use gstsa3::meta::MaskMeta;
use sa3::Objects;

use crate::rig::{GRAY, Rig, bytes, disc, frame, frame_with, info};

fn rgb() -> VideoInfo {
    info(VideoFormat::Rgb, 64, 48)
}

#[test]
fn with_nothing_to_do_the_same_buffer_leaves() {
    let info = rgb();
    let nobody = Objects { items: vec![], ..disc(&info) };
    let cases = [
        ("no meta", "", frame(&info)),
        ("no objects", "", frame_with(&info, &nobody)),
        ("invisible", "opacity=0", frame_with(&info, &disc(&info))),
        ("nothing selected", "select=cat", frame_with(&info, &disc(&info))),
    ];
    for (what, properties, buffer) in cases {
        let mut rig = Rig::open(properties, &info);
        // Somebody else holds it: drawing would have to copy it.
        let held = buffer.clone();
        let passed = rig.through(buffer);
        assert_eq!(passed.as_ptr(), held.as_ptr(), "{what}");
        assert_eq!((rig.stat::<u64>("passed"), rig.stat::<u64>("drawn")), (1, 0), "{what}");
    }
}

#[test]
fn frames_are_drawn_on_in_place_and_shared_ones_on_a_copy() {
    let info = rgb();
    let mut rig = Rig::open("", &info);
    let ours = frame_with(&info, &disc(&info));
    let memory = ours.peek_memory(0).as_ptr();
    assert_eq!(rig.through(ours).peek_memory(0).as_ptr(), memory);
    let shared = frame_with(&info, &disc(&info));
    let held = shared.clone();
    let drawn = rig.through(shared);
    assert!(bytes(&held).iter().all(|&v| v == GRAY));
    assert!(bytes(&drawn).iter().any(|&v| v != GRAY));
    assert_eq!((rig.stat::<u64>("frames-in"), rig.stat::<u64>("drawn"), rig.stat::<u32>("objects")), (2, 2, 1));
}

#[test]
fn times_flags_and_metas_stay() {
    let info = info(VideoFormat::Rgbx, 64, 48);
    let caps = info.to_caps().unwrap().to_string();
    for (properties, downstream) in [("", "video/x-raw"), ("mode=cutout", "video/x-raw,format=RGBA")] {
        let mut buffer = frame_with(&info, &disc(&info));
        let writable = buffer.get_mut().unwrap();
        writable.set_dts(gst::ClockTime::from_mseconds(30));
        writable.set_duration(gst::ClockTime::from_mseconds(20));
        writable.set_offset(7);
        writable.set_flags(gst::BufferFlags::DISCONT | gst::BufferFlags::MARKER);
        VideoRegionOfInterestMeta::add(writable, "dog", (1, 2, 3, 4));
        let reference = gst::Caps::new_empty_simple("timestamp/x-unix");
        gst::ReferenceTimestampMeta::add(writable, &reference, gst::ClockTime::SECOND, gst::ClockTime::NONE);
        // Shared, so that the copy's metas are looked at.
        let held = buffer.clone();
        let drawn = Rig::new(properties, &caps, downstream).through(buffer);
        assert_ne!(drawn.as_ptr(), held.as_ptr());
        assert_eq!((drawn.pts(), drawn.dts(), drawn.duration()), (held.pts(), held.dts(), held.duration()));
        assert_eq!(drawn.offset(), 7);
        assert!(drawn.flags().contains(gst::BufferFlags::DISCONT | gst::BufferFlags::MARKER));
        assert_eq!(drawn.meta::<VideoRegionOfInterestMeta>().unwrap().rect(), (1, 2, 3, 4));
        assert_eq!(drawn.meta::<gst::ReferenceTimestampMeta>().unwrap().timestamp(), gst::ClockTime::SECOND);
        assert_eq!(&*MaskMeta::read(&drawn).unwrap().objects.items[0].label, "dog", "{properties}");
    }
}

#[test]
fn masks_for_another_size_are_not_drawn_and_told_once() {
    let info = rgb();
    let other = Objects { frame_width: 1280, frame_height: 720, ..disc(&info) };
    let mut rig = Rig::open("", &info);
    for _ in 0..3 {
        let buffer = frame_with(&info, &other);
        let held = buffer.clone();
        assert_eq!(rig.through(buffer).as_ptr(), held.as_ptr());
    }
    let complaints = rig.complaints();
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    assert!(complaints[0].contains("1280x720") && complaints[0].contains("64x48"), "{complaints:?}");
    assert_eq!(rig.stat::<u64>("mismatched"), 3);
}

#[test]
fn a_frame_that_is_too_short_ends_with_a_reason() {
    let info = rgb();
    let mut rig = Rig::open("", &info);
    let mut buffer = frame_with(&info, &disc(&info));
    buffer.get_mut().unwrap().set_size(100);
    assert_eq!(rig.harness.push(buffer), Err(gst::FlowError::Error));
    let complaints = rig.complaints();
    assert!(complaints.len() == 1 && complaints[0].contains("64x48 needs"), "{complaints:?}");
}
