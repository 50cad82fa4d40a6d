//! Pixels and caps pass unchanged, in every format, at odd sizes and strides, and without a copy.

use gst::prelude::*;
use gst_video::{VideoFormat, VideoFrameFlags, VideoInfo, VideoMeta, VideoRegionOfInterestMeta};
use gstsa3::meta::MaskMeta;

use crate::rig::{Rig, element};

const SIZES: [(u32, u32); 3] = [(16, 16), (17, 19), (64, 48)];

fn formats() -> Vec<VideoFormat> {
    let template = element("").pad_template("sink").unwrap();
    let caps = template.caps();
    let formats = caps.structure(0).unwrap().get::<gst::List>("format").unwrap();
    formats.iter().map(|name| VideoFormat::from_string(name.get::<&str>().unwrap())).collect()
}

fn noise(size: usize) -> Vec<u8> {
    (0..size as u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// Memory by memory: mapping a buffer of several as one would merge them.
fn bytes_of(buffer: &gst::BufferRef) -> Vec<u8> {
    buffer.iter_memories().flat_map(|memory| memory.map_readable().unwrap().to_vec()).collect()
}

/// Pushes `buffer` and checks that what comes out is the same memory with the same bytes, and has objects.
fn assert_unchanged(rig: &mut Rig, buffer: gst::Buffer, info: &VideoInfo) {
    let what = format!("{} {}x{}", info.format(), info.width(), info.height());
    let memories: Vec<_> = buffer.iter_memories().map(|memory| memory.as_ptr()).collect();
    let bytes = bytes_of(&buffer);
    let out = rig.harness.push_and_pull(buffer).unwrap();
    assert_eq!(out.iter_memories().map(|memory| memory.as_ptr()).collect::<Vec<_>>(), memories, "{what}: same memory");
    assert!(bytes_of(&out) == bytes, "{what}: same bytes");
    let objects = MaskMeta::read(&out).unwrap_or_else(|| panic!("{what}: {:?}", rig.warnings())).objects;
    assert_eq!((objects.frame_width, objects.frame_height), (info.width(), info.height()), "{what}");
    assert_eq!(objects.items.len(), 1, "{what}");
    assert_eq!(out.iter_meta::<VideoRegionOfInterestMeta>().count(), 1, "{what}");
}

#[test]
fn every_format_passes_unchanged_at_odd_sizes() {
    assert_eq!(formats().len(), 21);
    for format in formats() {
        for (width, height) in SIZES {
            let mut rig = Rig::bare("model=test prompt=dog");
            let info = VideoInfo::builder(format, width, height).fps(25).build().unwrap();
            rig.harness.set_src_caps(info.to_caps().unwrap());
            let caps = rig.harness.sinkpad().unwrap();
            assert_unchanged(&mut rig, gst::Buffer::from_mut_slice(noise(info.size())), &info);
            assert_eq!(VideoInfo::from_caps(&caps.current_caps().unwrap()).unwrap(), info);
        }
    }
}

#[test]
fn strides_of_a_video_meta_are_followed_also_over_several_memories() {
    let (width, height, stride) = (17, 19, 37);
    for format in [VideoFormat::Gray8, VideoFormat::I420, VideoFormat::Nv12] {
        let mut rig = Rig::bare("model=test prompt=dog");
        let info = VideoInfo::builder(format, width, height).fps(25).build().unwrap();
        rig.harness.set_src_caps(info.to_caps().unwrap());
        let mut buffer = gst::Buffer::new();
        let plane_bytes = stride * height as usize;
        let offsets: Vec<_> = (0..info.n_planes() as usize).map(|plane| plane * plane_bytes + 3).collect();
        let writable = buffer.get_mut().unwrap();
        for plane in 0..info.n_planes() {
            // Each plane in a memory of its own; three bytes ahead of the first.
            let extra = if plane == 0 { 3 } else { 0 };
            writable.append_memory(gst::Memory::from_mut_slice(noise(plane_bytes + extra)));
        }
        let strides = vec![stride as i32; offsets.len()];
        VideoMeta::add_full(writable, VideoFrameFlags::empty(), format, width, height, &offsets, &strides).unwrap();
        assert_unchanged(&mut rig, buffer, &info);
    }
}

#[test]
fn a_frame_of_8k_passes() {
    let mut rig = Rig::bare("model=test prompt=dog");
    let info = VideoInfo::builder(VideoFormat::Nv12, 7680, 4320).fps(25).build().unwrap();
    rig.harness.set_src_caps(info.to_caps().unwrap());
    assert_unchanged(&mut rig, gst::Buffer::from_mut_slice(vec![77; info.size()]), &info);
}

#[test]
fn a_still_picture_passes() {
    let mut rig = Rig::bare("model=test prompt=dog");
    let info = VideoInfo::builder(VideoFormat::Rgb, 32, 32).fps(gst::Fraction::new(0, 1)).build().unwrap();
    rig.harness.set_src_caps(info.to_caps().unwrap());
    assert_unchanged(&mut rig, gst::Buffer::from_mut_slice(noise(info.size())), &info);
}

#[test]
fn a_shared_buffer_gets_no_objects_for_its_other_owners() {
    let mut rig = Rig::new("model=test prompt=dog");
    let shared = crate::rig::frame(0);
    let out = rig.harness.push_and_pull(shared.clone()).unwrap();
    assert!(MaskMeta::read(&shared).is_none() && MaskMeta::read(&out).is_some());
    assert_eq!(shared.peek_memory(0).as_ptr(), out.peek_memory(0).as_ptr());
}

#[test]
fn a_buffer_that_is_too_short_passes_bare_with_a_warning() {
    let mut rig = Rig::new("model=test prompt=dog");
    let out = rig.harness.push_and_pull(gst::Buffer::from_mut_slice(vec![0u8; 100])).unwrap();
    assert!(MaskMeta::read(&out).is_none() && out.size() == 100);
    let warnings = rig.warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("needs 512 bytes"), "{warnings:?}");
}
