//! Masks that are refined and steadied, objects that fade, and masks that are too old in time.

use std::sync::{Arc, Mutex};

use gst::prelude::*;
use gst_video::{VideoFormat, VideoInfo};
use gstsa3::meta::MaskMeta;
use sa3::Objects;

use crate::rig::{GRAY, Rig, bytes, disc, frame, info, rows};

fn luma() -> VideoInfo {
    info(VideoFormat::Gray8, 160, 120)
}

/// A frame of this time on which `objects` were found at `found_ms`.
fn frame_at(info: &VideoInfo, ms: u64, objects: &Objects, found_ms: u64) -> gst::Buffer {
    let mut buffer = frame(info);
    let writable = buffer.get_mut().unwrap();
    writable.set_pts(gst::ClockTime::from_mseconds(ms));
    MaskMeta::attach(writable, objects, Some(gst::ClockTime::from_mseconds(found_ms)), 0);
    buffer
}

fn nobody(info: &VideoInfo) -> Objects {
    Objects { items: vec![], ..disc(info) }
}

fn middle(buffer: &gst::BufferRef, info: &VideoInfo) -> u8 {
    rows(buffer, info, 0)[60][80]
}

/// White pixels in the middle row.
fn bright(buffer: &gst::BufferRef, info: &VideoInfo) -> usize {
    rows(buffer, info, 0)[60].iter().filter(|value| **value >= 128).count()
}

/// A frame that is bright between two columns.
fn band(info: &VideoInfo, columns: std::ops::Range<usize>) -> gst::Buffer {
    let row: Vec<u8> = (0..160).map(|x| if columns.contains(&x) { 210 } else { 50 }).collect();
    let mut buffer = gst::Buffer::from_mut_slice(row.repeat(120));
    let writable = buffer.get_mut().unwrap();
    writable.set_pts(gst::ClockTime::ZERO);
    MaskMeta::attach(writable, &disc(info), gst::ClockTime::NONE, 0);
    buffer
}

#[test]
fn refined_masks_and_their_key_follow_the_picture() {
    let info = luma();
    // The disc ends at columns 40 and 120, the band a little inside of it.
    let rough = bright(&Rig::open("mode=matte", &info).through(band(&info, 44..116)), &info);
    assert!(rough.abs_diff(80) <= 2, "{rough}");
    let refined = bright(&Rig::open("mode=matte refine=1", &info).through(band(&info, 44..116)), &info);
    assert!(refined.abs_diff(72) <= 2, "{refined}");
    let mut rig = Rig::open("mode=key-fill refine=1 key-range=full", &info);
    let key_pad = rig.element.request_pad_simple("key_src").unwrap();
    let keys = Arc::<Mutex<Vec<gst::Buffer>>>::default();
    let taken = keys.clone();
    key_pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        taken.lock().unwrap().extend(info.buffer().cloned());
        gst::PadProbeReturn::Ok
    });
    let fill = rig.through(band(&info, 44..116));
    let key = keys.lock().unwrap()[0].clone();
    assert!(bright(&key, &info).abs_diff(refined) <= 1, "{}", bright(&key, &info));
    assert_eq!(rows(&fill, &info, 0)[60][80], 210, "straight colours stay");
}

#[test]
fn objects_fade_by_the_frames_times() {
    let info = luma();
    let mut rig = Rig::open("mode=fill region=outside fill-color=0xff000000 fade=100", &info);
    let (here, gone) = (disc(&info), nobody(&info));
    let frames = [(0, &gone), (50, &here), (100, &here), (150, &gone), (200, &gone), (250, &gone)];
    let seen: Vec<u8> =
        frames.into_iter().map(|(ms, objects)| middle(&rig.through(frame_at(&info, ms, objects, ms)), &info)).collect();
    assert_eq!(seen, [0, GRAY / 2, GRAY, GRAY / 2, 0, 0]);
    let mut rig = Rig::open("mode=fill region=inside fill-color=0xff000000 fade=100", &info);
    let seen: Vec<u8> = [(0, &gone), (50, &here), (100, &gone), (150, &gone)]
        .into_iter()
        .map(|(ms, objects)| middle(&rig.through(frame_at(&info, ms, objects, ms)), &info))
        .collect();
    assert_eq!(seen, [GRAY, 0, GRAY / 2, GRAY], "what hides comes at once");
}

#[test]
fn a_seek_begins_anew() {
    let info = luma();
    let mut rig = Rig::open("mode=fill region=outside fill-color=0xff000000 fade=100 temporal-smoothing=1", &info);
    let here = disc(&info);
    rig.through(frame_at(&info, 5000, &nobody(&info), 5000));
    assert_eq!(middle(&rig.through(frame_at(&info, 1000, &here, 1000)), &info), GRAY, "at once where times jump");
}

#[test]
fn trembling_masks_are_steadied() {
    let info = luma();
    let width_of = |properties: &str| {
        let mut rig = Rig::open(properties, &info);
        let widths: Vec<usize> = (0..12)
            .map(|number| {
                let mut objects = disc(&info);
                if number % 2 == 1 {
                    let smaller: Vec<u8> =
                        objects.items[0].mask.bytes().iter().map(|value| value.saturating_sub(110)).collect();
                    objects.items[0].mask = sa3::Mask::new(40, 40, smaller).unwrap();
                }
                bright(&rig.through(frame_at(&info, 40 * number, &objects, 40 * number)), &info)
            })
            .collect();
        widths[6..].iter().max().unwrap() - widths[6..].iter().min().unwrap()
    };
    let (rough, steadied) = (width_of("mode=matte"), width_of("mode=matte temporal-smoothing=1"));
    assert!(rough >= 3 && steadied * 3 <= rough, "{rough} and {steadied}");
}

#[test]
fn masks_that_are_too_old_in_time_do_not_count() {
    let info = luma();
    let mut rig = Rig::open("mode=fill no-mask-policy=hide-frame max-mask-age-ms=100", &info);
    let here = disc(&info);
    let frames = [frame_at(&info, 200, &here, 100), frame_at(&info, 240, &here, 100), frame_at(&info, 280, &here, 280)];
    let seen: Vec<_> = frames.into_iter().map(|buffer| bytes(&rig.through(buffer))[0]).collect();
    assert_eq!(seen, [GRAY, 0, GRAY]);
    let complaints = rig.complaints();
    assert!(complaints.len() == 1 && complaints[0].contains("140 ms") && complaints[0].contains("max-mask-age-ms"));
    assert_eq!((rig.stat::<u64>("hidden"), rig.stat::<u64>("without-masks")), (1, 1));
}
