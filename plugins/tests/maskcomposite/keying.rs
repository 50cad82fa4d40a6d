//! Fill and key: two streams of one picture, frame by frame.

use gst::prelude::*;
use gst_check::Harness;
use gst_video::{VideoFormat, VideoInfo};

use crate::rig::{GRAY, Rig, bytes, disc, frame, frame_with, info, rows};

/// The element with harnesses at the pads for keyers.
struct Keyer {
    rig: Rig,
    fill: Harness,
    key: Harness,
}

fn nv12() -> VideoInfo {
    info(VideoFormat::Nv12, 64, 48)
}

impl Keyer {
    fn new(properties: &str) -> Self {
        let rig = Rig::open(properties, &nv12());
        let fill = Harness::with_element(&rig.element, None, Some("fill_src"));
        let key = Harness::with_element(&rig.element, None, Some("key_src"));
        Self { rig, fill, key }
    }

    /// What leaves at `src`, `fill_src` and `key_src`.
    fn through(&mut self, buffer: gst::Buffer) -> [gst::Buffer; 3] {
        let src = self.rig.through(buffer);
        [src, self.fill.pull().unwrap(), self.key.pull().unwrap()]
    }
}

fn luma(buffer: &gst::BufferRef, y: usize, x: usize) -> u8 {
    rows(buffer, &nv12(), 0)[y][x]
}

#[test]
fn fill_and_key_have_the_frames_timestamps_and_fit_together() {
    for (properties, outside, [black, white]) in [
        ("mode=key-fill", GRAY, [0, 255]),
        ("mode=key-fill alpha-mode=premultiplied", 16, [0, 255]),
        ("mode=key-fill key-range=limited", GRAY, [16, 235]),
        ("preset=broadcast-key", 16, [16, 235]),
    ] {
        let mut keyer = Keyer::new(properties);
        let frame = frame_with(&nv12(), &disc(&nv12()));
        let expected = (frame.pts(), frame.duration());
        let [src, fill, key] = keyer.through(frame);
        assert_eq!([&src, &fill, &key].map(|buffer| (buffer.pts(), buffer.duration())), [expected; 3], "{properties}");
        assert_eq!(bytes(&src), bytes(&fill), "{properties}");
        assert_eq!([luma(&fill, 24, 32), luma(&fill, 0, 0)], [GRAY, outside], "{properties}");
        let key = bytes(&key);
        assert_eq!([key[24 * 64 + 32], key[0]], [white, black], "{properties}");
        let caps = keyer.rig.element.static_pad("key_src").unwrap().current_caps().unwrap();
        let key_info = VideoInfo::from_caps(&caps).unwrap();
        assert_eq!((key_info.format(), key_info.width(), key_info.fps()), (VideoFormat::Gray8, 64, nv12().fps()));
        let range = key_info.colorimetry().range() == gst_video::VideoColorRange::Range0_255;
        assert_eq!(range, white == 255, "{properties}");
    }
}

#[test]
fn the_keys_range_changes_between_frames() {
    let mut keyer = Keyer::new("mode=key-fill");
    for (range, white) in [("full", 255), ("limited", 235), ("full", 255)] {
        keyer.rig.element.set_property_from_str("key-range", range);
        let [_, _, key] = keyer.through(frame_with(&nv12(), &disc(&nv12())));
        assert_eq!(bytes(&key)[24 * 64 + 32], white);
    }
}

#[test]
fn the_policy_for_frames_without_masks_is_the_keys_too() {
    for (policy, expected) in [("pass", 255), ("background-only", 0), ("hide-frame", 0), ("hold", 255)] {
        let mut keyer = Keyer::new(&format!("mode=key-fill no-mask-policy={policy}"));
        keyer.through(frame_with(&nv12(), &disc(&nv12())));
        let [_, _, key] = keyer.through(frame(&nv12()));
        assert_eq!(bytes(&key)[24 * 64 + 32], expected, "{policy}");
    }
}

#[test]
fn pads_may_come_and_go_while_frames_flow() {
    let mut rig = Rig::open("mode=key-fill", &nv12());
    for _ in 0..3 {
        rig.through(frame_with(&nv12(), &disc(&nv12())));
        let mut key = Harness::with_element(&rig.element, None, Some("key_src"));
        rig.through(frame_with(&nv12(), &disc(&nv12())));
        key.pull().unwrap();
        let told: Vec<_> = std::iter::from_fn(|| key.try_pull_event()).map(|event| event.type_()).collect();
        assert_eq!(told[..3], [gst::EventType::StreamStart, gst::EventType::Caps, gst::EventType::Segment], "{told:?}");
        let template = rig.element.pad_template("key_src").unwrap();
        assert!(rig.element.request_pad(&template, None, None).is_none(), "there is one only");
        // The harness releases its pad.
        drop(key);
        assert!(rig.element.static_pad("key_src").is_none());
    }
}

/// `src` may be left open where fill and key are taken.
#[test]
fn a_keyers_pipeline_runs_with_src_open() {
    let frames = crate::pipelines::run(
        "videotestsrc num-buffers=3 ! video/x-raw,format=UYVY,width=64,height=48 ! sa3segment model=test prompt=dog ! \
         maskcomposite name=m preset=broadcast-key  m.fill_src ! queue ! fakesink  m.key_src ! queue ! fakesink name=last",
    );
    assert_eq!(frames.len(), 3);
    assert!(frames.iter().all(|(caps, key)| {
        caps.structure(0).unwrap().get::<&str>("format") == Ok("GRAY8") && key.contains(&235) && key.contains(&16)
    }));
}
