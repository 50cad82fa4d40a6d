//! `maskextract`: samples, caps, and what does not fit.

use gst::prelude::*;
use gstsa3::meta::MaskMeta;

use crate::rig::{Rig, bytes, caps, dog_and_cat, end_stream, frame, init, push};

fn extracted(properties: &str, downstream: &str) -> Vec<u8> {
    let mut rig = Rig::new(&format!("maskextract {properties}"), &caps(64, 48), downstream);
    let picture = rig.through(frame(0, Some(&dog_and_cat(64, 48))));
    assert!(rig.complaints().is_empty());
    bytes(&picture)
}

/// In the middle of the dog, of the cat, and in a corner.
fn samples(properties: &str) -> [u8; 3] {
    let bytes = extracted(properties, "video/x-raw,format=GRAY8");
    assert_eq!(bytes.len(), 64 * 48);
    [24 * 64 + 16, 24 * 64 + 48, 0].map(|at| bytes[at])
}

#[test]
fn modes_have_their_samples() {
    assert_eq!(samples(""), [255, 255, 0]);
    assert_eq!(samples("mode=labels"), [1, 2, 0]);
    assert_eq!(samples("mode=ids"), [45, 4, 0]);
    assert_eq!(samples("mode=object"), [255, 0, 0]);
    assert_eq!(samples("mode=object label=cat"), [0, 255, 0]);
    assert_eq!(samples("object-id=4"), [0, 255, 0]);
    let wide = extracted("mode=ids", "video/x-raw,format=GRAY16_LE");
    assert_eq!(wide[2 * (24 * 64 + 16)..][..2], 300u16.to_le_bytes());
}

#[test]
fn hard_edges_are_black_and_white() {
    assert!(extracted("soft=false", "video/x-raw,format=GRAY8").iter().all(|&v| v == 0 || v == 255));
    assert!(extracted("", "video/x-raw,format=GRAY8").iter().any(|&v| v != 0 && v != 255));
}

#[test]
fn times_and_flags_stay_and_frames_without_masks_are_black() {
    let mut rig = Rig::new("maskextract", &caps(64, 48), "video/x-raw");
    let mut bare = frame(7, None);
    bare.get_mut().unwrap().set_flags(gst::BufferFlags::MARKER);
    let picture = rig.through(bare);
    assert_eq!(picture.pts(), Some(gst::ClockTime::from_mseconds(280)));
    assert_eq!(picture.duration(), Some(gst::ClockTime::from_mseconds(40)));
    assert!(picture.flags().contains(gst::BufferFlags::MARKER));
    assert_eq!(bytes(&picture), [0; 64 * 48]);
    let empty = sa3::Objects { items: vec![], ..dog_and_cat(64, 48) };
    assert_eq!(bytes(&rig.through(frame(8, Some(&empty)))), [0; 64 * 48]);
}

#[test]
fn the_grid_has_its_own_size_and_keeps_the_shape_of_the_picture() {
    let mut rig = Rig::new("maskextract size=grid", &caps(640, 480), "video/x-raw");
    let objects = dog_and_cat(640, 480);
    let picture = rig.through(frame(0, Some(&objects)));
    let out = rig.caps_out();
    assert_eq!((out.get::<i32>("width"), out.get::<i32>("height")), (Ok(40), Ok(40)));
    assert_eq!(out.get::<gst::Fraction>("pixel-aspect-ratio"), Ok(gst::Fraction::new(4, 3)));
    let values = bytes(&picture);
    assert_eq!(values[20 * 40 + 10], objects.items[0].mask.bytes()[20 * 40 + 10]);
    assert!(values.contains(&objects.items[0].mask.bytes()[20 * 40 + 4]), "soft values are those of the mask");
    rig.element.set_property_from_str("size", "frame");
    assert_eq!(rig.through(frame(1, Some(&objects))).size(), 640 * 480, "a change while playing");
}

#[test]
fn any_format_and_memory_come_in_and_sizes_may_change() {
    let mut rig = Rig::new(
        "maskextract",
        "video/x-raw(memory:GLMemory),format=RGBA,width=64,height=48,framerate=25/1",
        "video/x-raw",
    );
    assert_eq!(bytes(&rig.through(frame(0, Some(&dog_and_cat(64, 48)))))[24 * 64 + 16], 255);
    assert_eq!(rig.caps_out().get::<gst::Fraction>("framerate"), Ok(gst::Fraction::new(25, 1)));
    rig.harness.push_event(gst::event::Caps::new(&caps(128, 96).parse().unwrap()));
    let picture = rig.through(frame(1, Some(&dog_and_cat(128, 96))));
    assert_eq!((picture.size(), bytes(&picture)[48 * 128 + 32]), (128 * 96, 255));
}

#[test]
fn interlaced_video_is_refused_with_the_way_out() {
    let mut rig = Rig::new("maskextract", &caps(64, 48), "video/x-raw");
    let interlaced = format!("{},interlace-mode=interleaved", caps(64, 48)).parse().unwrap();
    rig.harness.push_event(gst::event::Caps::new(&interlaced));
    assert!(rig.harness.push(frame(0, None)).is_err());
    let complaints = rig.complaints();
    assert!(complaints.len() == 1 && complaints[0].contains("deinterlace"), "{complaints:?}");
}

/// The masks as the alpha of their own video, on both branches of a tee.
#[test]
fn alphacombine_takes_the_masks_as_alpha() {
    init();
    let pipeline = gst::parse::launch(
        "appsrc name=in format=time ! tee name=t ! queue ! alphacombine name=c ! fakesink name=out sync=false \
         signal-handoffs=true t. ! queue ! maskextract ! video/x-raw,colorimetry=bt601 ! c.alpha",
    )
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    let frames = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let (sink, kept) = (pipeline.by_name("out").unwrap(), frames.clone());
    sink.connect("handoff", false, move |values| {
        let buffer = values[1].get::<gst::Buffer>().unwrap();
        kept.lock().unwrap().push((buffer.pts(), bytes(&buffer)));
        None
    });
    let source = pipeline.by_name("in").unwrap();
    source.set_property("caps", caps(64, 48).parse::<gst::Caps>().unwrap());
    pipeline.set_state(gst::State::Playing).unwrap();
    for number in 0..3 {
        let mut buffer = gst::Buffer::from_mut_slice(vec![100u8; 64 * 48 * 3 / 2]);
        let writable = buffer.get_mut().unwrap();
        writable.set_pts(gst::ClockTime::from_mseconds(40 * number));
        MaskMeta::attach(writable, &dog_and_cat(64, 48), None, 0);
        push(&source, buffer);
    }
    end_stream(&source);
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error, gst::MessageType::Warning];
    let end = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &kinds).unwrap();
    assert!(matches!(end.view(), gst::MessageView::Eos(_)), "{end:?}");
    let caps = sink.static_pad("sink").unwrap().current_caps().unwrap();
    assert_eq!(caps.structure(0).unwrap().get::<&str>("format"), Ok("A420"));
    pipeline.set_state(gst::State::Null).unwrap();
    let frames = frames.lock().unwrap();
    assert_eq!(frames.iter().map(|(pts, _)| pts.unwrap().mseconds()).collect::<Vec<_>>(), [0, 40, 80]);
    for (_, samples) in frames.iter() {
        let alpha = &samples[64 * 48 * 3 / 2..];
        assert_eq!([24 * 64 + 16, 24 * 64 + 48, 0].map(|at| alpha[at]), [255, 255, 0]);
    }
}
