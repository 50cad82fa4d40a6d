//! Which objects are drawn and how single ones differ, through the element and while frames flow.

use gst::prelude::*;
use gst_video::VideoFormat;
use sa3::{ObjectState, Objects};

use crate::rig::{GRAY, Rig, disc, frame_with, info, rows};

const PLAIN: &str = "labels=false outline-width=0 opacity=1 color-by=single color=0xffffffff";

/// Luma in the middle of the disc.
fn middle(rig: &mut Rig, objects: &Objects) -> u8 {
    let info = info(VideoFormat::Gray8, 64, 48);
    rows(&rig.through(frame_with(&info, objects)), &info, 0)[24][32]
}

fn tracked_disc() -> Objects {
    let mut found = disc(&info(VideoFormat::Gray8, 64, 48));
    found.items[0].state = Some(ObjectState::Tracked);
    found
}

#[test]
fn selections_of_every_kind_decide_what_is_drawn() {
    let mut rig = Rig::open(PLAIN, &info(VideoFormat::Gray8, 64, 48));
    for (select, is_drawn) in [
        ("dog", true),
        ("cat", false),
        ("#4", true),
        ("#5", false),
        ("prompt=0", true),
        ("score>=0.95", false),
        ("state=tracked", true),
        ("state=held", false),
        ("dog & #4 & score>=0.5", true),
        ("cat; #4", true),
        ("", true),
    ] {
        rig.element.set_property("select", select);
        assert_eq!(middle(&mut rig, &tracked_disc()) == 255, is_drawn, "{select}");
    }
    assert!(rig.complaints().is_empty());
}

#[test]
fn styles_differ_by_label_and_id_while_frames_flow() {
    let mut rig = Rig::open(PLAIN, &info(VideoFormat::Gray8, 64, 48));
    for (styles, expected) in [
        ("", 255),
        ("dog: color=#000000", 0),
        ("cat: color=#000000", 255),
        ("dog: color=#000000; #4: opacity=0", GRAY),
        ("#4: opacity=0; dog: opacity=1", 255),
    ] {
        rig.element.set_property("styles", styles);
        assert_eq!(middle(&mut rig, &tracked_disc()), expected, "{styles}");
    }
}

#[test]
fn a_text_that_cannot_be_read_is_a_warning_and_changes_nothing() {
    let mut rig =
        Rig::open(&format!("{PLAIN} select=dog styles=\"dog: color=#000000\""), &info(VideoFormat::Gray8, 64, 48));
    for (name, bad, cause) in [("select", "#four", "#four is no id"), ("styles", "dog: size=4", "size is nothing")] {
        rig.element.set_property(name, bad);
        let complaints = rig.complaints().concat();
        assert!(complaints.contains(cause) && complaints.contains("stays"), "{complaints}");
        assert_eq!(middle(&mut rig, &tracked_disc()), 0);
    }
}

#[test]
fn trails_show_the_way_and_go_with_the_property() {
    let info = info(VideoFormat::Gray8, 64, 48);
    let mut rig = Rig::open(&format!("{PLAIN} opacity=0.5 trails=50"), &info);
    let left_of_the_disc = |rig: &mut Rig| {
        let mut drawn = Vec::new();
        for step in 0..6 {
            let mut found = tracked_disc();
            let in_frame = &mut found.items[0].box_in_frame;
            (in_frame.x0, in_frame.x1) =
                (in_frame.x0 - 0.4 + 0.08 * step as f32, in_frame.x1 - 0.4 + 0.08 * step as f32);
            drawn = rows(&rig.through(frame_with(&info, &found)), &info, 0);
        }
        drawn[24][10..15].iter().filter(|&&luma| luma != GRAY).count()
    };
    assert_eq!(left_of_the_disc(&mut rig), 5);
    rig.element.set_property("trails", 0u32);
    assert_eq!(left_of_the_disc(&mut rig), 0);
}
