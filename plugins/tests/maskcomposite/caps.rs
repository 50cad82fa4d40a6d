//! Cutout's formats, and what is refused.

use gst::prelude::*;
use gst_video::VideoFormat;
use sa3::Objects;

use crate::rig::{GRAY, Rig, bytes, disc, frame, frame_with, info, rows};

fn caps_text(format: VideoFormat) -> String {
    info(format, 64, 48).to_caps().unwrap().to_string()
}

#[test]
fn cutout_makes_the_outside_transparent_where_downstream_takes_alpha() {
    use VideoFormat::{Abgr, Argb, Bgra, Bgrx, Rgba, Rgbx, Xbgr, Xrgb};
    for (format, alpha_format, offset) in [(Rgbx, Rgba, 3), (Bgrx, Bgra, 3), (Xrgb, Argb, 0), (Xbgr, Abgr, 0)] {
        let info = info(format, 64, 48);
        let mut rig = Rig::new("mode=cutout", &caps_text(format), "video/x-raw");
        let cut = bytes(&rig.through(frame_with(&info, &disc(&info))));
        assert_eq!(rig.format_out(), alpha_format.to_str().as_str());
        let pixel = |x: usize, y: usize| &cut[4 * (64 * y + x)..][..4];
        let (mut inside, mut near) = ([GRAY; 4], [GRAY; 4]);
        (inside[offset], near[offset]) = (255, 0);
        assert_eq!(pixel(32, 24), inside, "{format}");
        assert_eq!(pixel(2, 2), [0; 4], "{format}");
        assert_eq!(pixel(15, 24), near, "{format}: no dark fringe");
    }
}

#[test]
fn cutout_scales_the_alpha_that_came_in() {
    let info = info(VideoFormat::Rgba, 64, 48);
    let cut = bytes(&Rig::open("mode=cutout", &info).through(frame_with(&info, &disc(&info))));
    assert_eq!(cut[4 * (64 * 24 + 32)..][..4], [GRAY; 4]);
    assert_eq!(cut[..4], [0; 4]);
}

#[test]
fn cutout_paints_black_where_there_is_no_alpha() {
    for (format, black) in [
        (VideoFormat::Rgb, vec![0]),
        (VideoFormat::I420, vec![16, 128, 128]),
        (VideoFormat::Nv12, vec![16, 128]),
        (VideoFormat::Bgrx, vec![0]),
    ] {
        let info = info(format, 64, 48);
        let mut rig = Rig::new("mode=cutout", &caps_text(format), &caps_text(format));
        let cut = rig.through(frame_with(&info, &disc(&info)));
        assert_eq!(rig.format_out(), format.to_str().as_str());
        for (plane, black) in black.into_iter().enumerate() {
            let rows = rows(&cut, &info, plane);
            assert_eq!(rows[0][..3], [black; 3], "{format}");
            let middle = &rows[rows.len() / 2];
            assert_eq!(middle[middle.len() / 2], GRAY, "{format}");
        }
    }
}

#[test]
fn i420_gains_an_alpha_plane_without_copying_its_planes() {
    let info = info(VideoFormat::I420, 64, 48);
    let mut rig = Rig::new("mode=cutout", &caps_text(VideoFormat::I420), "video/x-raw,format=A420");
    let buffer = frame_with(&info, &disc(&info));
    let memory = buffer.peek_memory(0).as_ptr();
    let cut = rig.through(buffer);
    assert_eq!((cut.peek_memory(0).as_ptr(), cut.n_memory()), (memory, 2));
    let alpha = rows(&cut, &crate::rig::info(VideoFormat::A420, 64, 48), 3);
    assert_eq!((alpha[24][32], alpha[2][2]), (255, 0));
}

#[test]
fn cutout_without_objects_removes_everything_and_without_masks_says_so() {
    let info = info(VideoFormat::Rgb, 64, 48);
    let mut rig = Rig::open("mode=cutout", &info);
    let nobody = Objects { items: vec![], ..disc(&info) };
    assert_eq!(bytes(&rig.through(frame_with(&info, &nobody))), vec![0; info.size()]);
    assert!(rig.complaints().is_empty());
    for _ in 0..2 {
        assert_eq!(bytes(&rig.through(frame(&info))), vec![0; info.size()]);
    }
    let complaints = rig.complaints();
    assert!(complaints.len() == 1 && complaints[0].contains("sa3segment"), "{complaints:?}");
}

#[test]
fn a_live_change_of_mode_negotiates_anew_and_back() {
    let info = info(VideoFormat::Bgrx, 64, 48);
    let mut rig = Rig::open("", &info);
    rig.through(frame_with(&info, &disc(&info)));
    assert_eq!(rig.format_out(), "BGRx");
    rig.element.set_property_from_str("mode", "cutout");
    let cut = bytes(&rig.through(frame_with(&info, &disc(&info))));
    assert_eq!((rig.format_out().as_str(), &cut[..4]), ("BGRA", &[0; 4][..]));
    rig.element.set_property_from_str("mode", "overlay");
    let drawn = bytes(&rig.through(frame_with(&info, &disc(&info))));
    assert_eq!((rig.format_out().as_str(), &drawn[..4]), ("BGRx", &[GRAY; 4][..]));
}

#[test]
fn an_overlay_is_opaque_where_downstream_insists_on_alpha() {
    let info = info(VideoFormat::Rgbx, 64, 48);
    let mut rig = Rig::new("", &caps_text(VideoFormat::Rgbx), "video/x-raw,format=RGBA");
    for buffer in [frame_with(&info, &disc(&info)), frame(&info)] {
        let drawn = bytes(&rig.through(buffer));
        assert!(drawn.iter().skip(3).step_by(4).all(|&alpha| alpha == 255));
        assert_eq!(drawn[..3], [GRAY; 3]);
    }
}

#[test]
fn interlaced_video_is_refused_with_the_remedy() {
    let caps = "video/x-raw,format=RGB,width=64,height=48,framerate=25/1,interlace-mode=interleaved";
    let mut rig = Rig::new("", caps, "video/x-raw");
    for _ in 0..2 {
        let buffer = gst::Buffer::with_size(64 * 48 * 3).unwrap();
        assert_eq!(rig.harness.push(buffer), Err(gst::FlowError::NotNegotiated));
    }
    let complaints = rig.complaints();
    assert!(complaints.len() == 1 && complaints[0].contains("deinterlace"), "{complaints:?}");
}

#[test]
fn caps_may_change_in_mid_stream() {
    let mut rig = Rig::open("", &info(VideoFormat::Rgb, 64, 48));
    for (format, width) in [(VideoFormat::Rgb, 64), (VideoFormat::Nv12, 96), (VideoFormat::I420, 33)] {
        let info = info(format, width, 48);
        rig.harness.set_src_caps(info.to_caps().unwrap());
        let drawn = rig.through(frame_with(&info, &disc(&info)));
        assert_eq!((rig.format_out().as_str(), drawn.size()), (format.to_str().as_str(), info.size()));
        assert_ne!(bytes(&drawn), vec![GRAY; info.size()]);
    }
}
