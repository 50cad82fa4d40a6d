//! Frames without masks that count, and masks for another size.

use gst::prelude::*;
use gst_video::{VideoFormat, VideoInfo};
use gstsa3::meta::MaskMeta;
use sa3::Objects;

use crate::rig::{GRAY, Rig, bytes, disc, frame, frame_with, info, rows};

fn luma() -> VideoInfo {
    info(VideoFormat::Gray8, 64, 48)
}

fn frame_of_age(info: &VideoInfo, age: u32) -> gst::Buffer {
    let mut buffer = frame(info);
    let pts = buffer.pts();
    MaskMeta::attach(buffer.get_mut().unwrap(), &disc(info), pts, age);
    buffer
}

/// Luma of all codes, so that black is 0: the middle of the disc and the corner of the frame.
fn seen(buffer: &gst::BufferRef, info: &VideoInfo) -> [u8; 2] {
    let rows = rows(buffer, info, 0);
    [rows[24][32], rows[0][0]]
}

#[test]
fn each_policy_answers_a_frame_without_masks() {
    let info = luma();
    for (policy, expected) in
        [("pass", [GRAY, GRAY]), ("background-only", [255, 255]), ("hide-frame", [0, 0]), ("hold", [0, 0])]
    {
        let properties = format!("mode=fill region=outside fill-color=0xffffffff no-mask-policy={policy}");
        let mut rig = Rig::open(&properties, &info);
        let drawn = rig.through(frame(&info));
        assert_eq!(seen(&drawn, &info), expected, "{policy}");
        rig.through(frame(&info));
        let complaints = rig.complaints();
        assert!(complaints.len() == 1 && complaints[0].contains("no-mask-policy"), "{policy}: {complaints:?}");
        assert_eq!(rig.stat::<u64>("without-masks"), 2);
        let hidden = if ["hide-frame", "hold"].contains(&policy) { 2 } else { 0 };
        assert_eq!(rig.stat::<u64>("hidden"), hidden, "{policy}");
        assert_eq!(seen(&rig.through(frame_with(&info, &disc(&info))), &info), [GRAY, 255], "{policy}");
    }
}

#[test]
fn the_privacy_preset_fails_closed() {
    let info = luma();
    let mut rig = Rig::open("preset=privacy", &info);
    assert_eq!(seen(&rig.through(frame_of_age(&info, 5)), &info), [0, GRAY]);
    assert_eq!(bytes(&rig.through(frame_of_age(&info, 6))), vec![0; info.size()], "too old");
    assert_eq!(bytes(&rig.through(frame(&info))), vec![0; info.size()], "nobody looked");
    let nobody = Objects { items: vec![], ..disc(&info) };
    assert_eq!(bytes(&rig.through(frame_with(&info, &nobody))), vec![GRAY; info.size()], "nothing there to hide");
    let other_shape = Objects { frame_width: 64, frame_height: 64, ..disc(&info) };
    assert_eq!(bytes(&rig.through(frame_with(&info, &other_shape))), vec![0; info.size()], "another shape");
    assert_eq!(rig.complaints().len(), 3);
}

#[test]
fn a_hidden_frame_is_transparent_in_cutouts() {
    let info = info(VideoFormat::Rgba, 64, 48);
    let drawn = Rig::open("mode=cutout no-mask-policy=hide-frame", &info).through(frame(&info));
    assert_eq!(bytes(&drawn), vec![0; info.size()]);
}

#[test]
fn held_masks_cover_gaps_up_to_their_age() {
    let info = luma();
    let mut rig = Rig::open("mode=fill no-mask-policy=hold max-mask-age=2", &info);
    let frames = [frame_of_age(&info, 0), frame(&info), frame(&info), frame(&info), frame_of_age(&info, 2)];
    let seen: Vec<_> = frames.into_iter().map(|buffer| seen(&rig.through(buffer), &info)).collect();
    assert_eq!(seen, [[0, GRAY], [0, GRAY], [0, GRAY], [0, 0], [0, GRAY]]);
}

#[test]
fn masks_for_another_size_of_the_same_shape_are_scaled() {
    let info = luma();
    for (frame_width, frame_height) in [(1280, 960), (645, 480), (4, 3)] {
        let other = Objects { frame_width, frame_height, ..disc(&info) };
        let mut rig = Rig::open("mode=fill", &info);
        assert_eq!(seen(&rig.through(frame_with(&info, &other)), &info), [0, GRAY]);
        assert!(rig.complaints().is_empty() && rig.stat::<u64>("mismatched") == 0);
    }
}

#[test]
fn presets_change_the_properties_that_they_name_and_tell_so() {
    let mut rig = Rig::open("", &luma());
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let into = told.clone();
    rig.element.connect_notify(None, move |_, spec| into.lock().unwrap().push(spec.name().to_string()));
    rig.element.set_property_from_str("preset", "privacy");
    assert!(told.lock().unwrap().iter().any(|name| name == "no-mask-policy"));
    assert_eq!((rig.element.property::<f64>("grow"), rig.element.property::<i32>("max-mask-age")), (12.0, 5));
    rig.element.set_property("grow", 2.0);
    assert_eq!(rig.element.property::<f64>("grow"), 2.0);
    rig.element.set_property_from_str("preset", "presenter");
    assert_eq!((rig.element.property::<f64>("grow"), rig.element.property::<i32>("max-mask-age")), (4.0, -1));
    rig.through(frame(&luma()));
}
