//! The modes that change a region, through the element: where they act, in which formats, and live.

use gst::prelude::*;
use gst_video::VideoFormat;
use sa3::composite::Mode;
use sa3::{Mask, Objects};

use crate::rig::{GRAY, Rig, bytes, disc, frame_with, info, rows, scattered_frame_with};

/// Luma or a colour's byte in the middle of the disc and in the corner of the frame.
fn middle_and_corner(properties: &str, format: VideoFormat) -> [u8; 2] {
    let info = info(format, 64, 48);
    let drawn = Rig::open(properties, &info).through(frame_with(&info, &disc(&info)));
    let rows = rows(&drawn, &info, 0);
    let pixel = rows[0].len() / 64;
    [rows[24][32 * pixel], rows[0][0]]
}

#[test]
fn each_mode_acts_where_its_users_expect_and_where_they_say() {
    let white = "fill-color=0xffffffff";
    for (properties, expected) in [
        (format!("mode=fill {white}"), [235, GRAY]),
        (format!("mode=fill region=inside {white}"), [235, GRAY]),
        (format!("mode=fill region=outside {white}"), [GRAY, 235]),
        ("mode=dim amount=1".into(), [GRAY, 16]),
        ("mode=dim amount=1 region=inside".into(), [16, GRAY]),
        ("mode=dim".into(), [GRAY, 50]),
        ("mode=matte".into(), [235, 16]),
        ("mode=matte region=outside".into(), [16, 235]),
        ("mode=cutout".into(), [GRAY, 16]),
        ("mode=cutout region=inside".into(), [16, GRAY]),
        ("mode=outline labels=false".into(), [GRAY, GRAY]),
        ("mode=blur".into(), [GRAY, GRAY]),
        ("mode=pixelate region=outside".into(), [GRAY, GRAY]),
    ] {
        assert_eq!(middle_and_corner(&properties, VideoFormat::Nv12), expected, "{properties}");
    }
}

/// What the element's pads take.
fn rig_formats() -> Vec<VideoFormat> {
    let caps = Rig::open("", &info(VideoFormat::Rgb, 8, 8)).element.static_pad("sink").unwrap().pad_template_caps();
    let list = caps.structure(0).unwrap().get::<gst::List>("format").unwrap();
    list.iter().map(|format| format.get::<&str>().unwrap().parse().unwrap()).collect()
}

/// The mode as gst-launch takes it.
fn nick(mode: Mode) -> String {
    let value = gstsa3::maskcomposite::Mode::from(mode).to_value();
    let (_, value) = glib::EnumValue::from_value(&value).unwrap();
    value.nick().into()
}

#[test]
fn every_mode_works_on_every_format_odd_sizes_and_scattered_planes() {
    for format in rig_formats() {
        for mode in Mode::ALL {
            let mode = nick(mode);
            for (width, height) in [(61, 37), (1, 1)] {
                let info = info(format, width, height);
                let mut rig = Rig::open(&format!("mode={mode} feather=4 grow=2 fill-holes=true min-area=0.001"), &info);
                let drawn = rig.through(scattered_frame_with(&info, &disc(&info)));
                assert!(drawn.size() >= info.size(), "{mode} {format}");
                assert!(rig.complaints().is_empty(), "{mode} {format}");
            }
        }
    }
}

#[test]
fn blur_and_blocks_change_a_picture_inside_and_leave_it_outside() {
    let info = info(VideoFormat::Nv12, 64, 48);
    for properties in ["mode=blur radius=20", "mode=pixelate block-size=8"] {
        let mut stripes = frame_with(&info, &disc(&info));
        {
            let mut map = stripes.get_mut().unwrap().map_writable().unwrap();
            map[..64 * 48]
                .iter_mut()
                .enumerate()
                .for_each(|(index, luma)| *luma = if index % 2 == 0 { 50 } else { 150 });
        }
        let drawn = rows(&Rig::open(properties, &info).through(stripes), &info, 0);
        assert!(drawn[24][28..36].iter().all(|luma| luma.abs_diff(100) <= 2), "{properties}: {:?}", &drawn[24][28..36]);
        assert_eq!(drawn[2][..4], [50, 150, 50, 150], "{properties}");
    }
}

#[test]
fn edges_apply_to_overlay_and_cutout_too() {
    let info = info(VideoFormat::Gray8, 64, 48);
    let painted = |properties: &str, is_painted: fn(u8) -> bool| {
        let drawn = Rig::open(properties, &info).through(frame_with(&info, &disc(&info)));
        bytes(&drawn).iter().filter(|&&luma| is_painted(luma)).count()
    };
    for (mode, is_object) in [
        ("mode=overlay labels=false outline-width=0", (|luma| luma != GRAY) as fn(u8) -> bool),
        ("mode=cutout", |luma| luma == GRAY),
        ("mode=fill", |luma| luma != GRAY),
        ("mode=matte", |luma| luma >= 128),
    ] {
        let plain = painted(mode, is_object);
        assert!(painted(&format!("{mode} grow=6"), is_object) > plain + 300, "{mode}");
        assert!(painted(&format!("{mode} grow=-6"), is_object) + 300 < plain, "{mode}");
        assert_eq!(painted(&format!("{mode} min-area=0.9"), is_object), 0, "{mode}");
    }
    let soft = |properties: &str| painted(properties, |luma| luma > 16 && luma < 235);
    assert!(soft("mode=matte feather=12") > 3 * soft("mode=matte"));
}

#[test]
fn properties_change_between_frames_without_new_caps() {
    let info = info(VideoFormat::Nv12, 64, 48);
    let mut rig = Rig::open("mode=fill fill-color=0xffffffff", &info);
    let middle = |rig: &mut Rig| rows(&rig.through(frame_with(&info, &disc(&info))), &info, 0)[24][32];
    assert_eq!(middle(&mut rig), 235);
    rig.element.set_property_from_str("region", "outside");
    assert_eq!(middle(&mut rig), GRAY);
    for mode in ["blur", "pixelate", "desaturate", "matte"] {
        rig.element.set_property_from_str("mode", mode);
        middle(&mut rig);
        assert_eq!(rig.format_out(), "NV12", "{mode}");
    }
}

#[test]
fn five_hundred_strange_objects_are_survived_in_every_mode() {
    let info = info(VideoFormat::I420, 97, 55);
    let model = disc(&info).items[0].clone();
    let labels = ["a\n\u{7}b", "\u{1f415}\u{1f408}", &"x".repeat(10_000), ""];
    let mut items = vec![model.clone(); 500];
    for (index, object) in items.iter_mut().enumerate() {
        object.label = labels[index % labels.len()].into();
        let side = index as f32 / 500.0;
        (object.box_in_frame.x0, object.box_in_frame.x1) = (side, side);
        if index % 5 == 0 {
            object.mask = Mask::new(1 + index as u32 % 7, 1, vec![255; 1 + index % 7]).unwrap();
        }
    }
    let objects = Objects { items, ..disc(&info) };
    for mode in Mode::ALL {
        let mut rig = Rig::open(&format!("boxes=true mode={}", nick(mode)), &info);
        assert!(rig.through(frame_with(&info, &objects)).size() >= info.size(), "{mode:?}");
        assert!(rig.complaints().is_empty(), "{mode:?}");
    }
}
