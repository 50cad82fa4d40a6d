//! Buffers as frames that can be drawn on, and buffers whose format gains alpha.

use gst::memory::{MemoryMap, Writable};
use gst_video::{VideoFormat, VideoFrameFlags, VideoInfo, VideoMeta};
use sa3::composite::{FrameMut, PlaneMut};
use sa3::{Error, Result};

use super::formats::engine_format;
use crate::frame::{Layout, PlaneAt, colorimetry};

/// Calls `draw` with the frame in `buffer`, whose layout is its own video meta's or, without one, that of `info`.
///
/// Memory that is shared or read-only is copied first.
///
/// # Errors
/// [`Error::Frame`] when the memory cannot be mapped or is laid out in a way that cannot be drawn on.
pub(super) fn draw_on<T>(
    buffer: &mut gst::BufferRef,
    info: &VideoInfo,
    draw: impl FnOnce(&mut FrameMut<'_>) -> T,
) -> Result<T> {
    let layout = Layout::of(buffer, info);
    let (format, has_alpha_plane) = engine_format(layout.format)
        .ok_or_else(|| Error::Frame(format!("{} is not a format that can be drawn on", layout.format)))?;
    own_memories(buffer)?;
    let time_ns = buffer.pts().map(gst::ClockTime::nseconds);
    let mut memories = map_all(buffer)?;
    let memory_sizes: Vec<_> = memories.iter().map(|memory| memory.as_slice().len()).collect();
    let plane_count = format.plane_count() + usize::from(has_alpha_plane);
    let places = (0..plane_count).map(|index| layout.plane_at(index, &memory_sizes)).collect::<Result<Vec<_>>>()?;
    let mut planes = split(&mut memories, &places);
    let alpha_plane = has_alpha_plane.then(|| planes.pop()).flatten();
    let mut frame = FrameMut::new(format, layout.size, colorimetry(info), planes)?.at(time_ns);
    if let Some(plane) = alpha_plane {
        frame = frame.with_alpha_plane(plane)?;
    }
    Ok(draw(&mut frame))
}

/// A buffer of the same pixels and metas in `out_info`'s format, which is `in_info`'s with alpha. A plane of alpha is
/// opaque; alpha between the colours is what the padding was.
///
/// # Errors
/// [`Error::Frame`] when the parts cannot be put together.
pub(super) fn gain_alpha(buffer: &gst::BufferRef, in_info: &VideoInfo, out_info: &VideoInfo) -> Result<gst::Buffer> {
    let failed = |cause: glib::BoolError| Error::Frame(format!("alpha cannot be added to it: {cause}"));
    let mut layout = Layout::of(buffer, in_info);
    // A new buffer over the same memory: a pool's own buffer would not let go of the meta that tells the old format.
    let mut out = buffer.copy_region(gst::BUFFER_COPY_ALL, ..).map_err(failed)?;
    let writable = out.make_mut();
    while let Some(meta) = writable.meta_mut::<VideoMeta>() {
        meta.remove().map_err(failed)?;
    }
    if out_info.format() == VideoFormat::A420 {
        append_alpha_plane(writable, &mut layout, out_info)?;
    }
    let (width, height) = layout.size;
    let (offsets, strides) = (&layout.offsets, &layout.strides);
    let flags = VideoFrameFlags::empty();
    VideoMeta::add_full(writable, flags, out_info.format(), width, height, offsets, strides).map_err(failed)?;
    Ok(out)
}

/// The alpha plane begins where A420 has it, when the buffer is laid out as I420 is by default, and else at the end.
fn append_alpha_plane(buffer: &mut gst::BufferRef, layout: &mut Layout, out_info: &VideoInfo) -> Result<()> {
    let usual_offset = out_info.offset()[3];
    if layout.offsets[..] == out_info.offset()[..3] && buffer.size() >= usual_offset {
        buffer.set_size(usual_offset);
    }
    let plane_bytes = out_info.size() - usual_offset;
    let memory = gst::Memory::from_mut_slice(vec![u8::MAX; plane_bytes]);
    layout.offsets.push(buffer.size());
    layout.strides.push(out_info.stride()[3]);
    buffer.append_memory(memory);
    Ok(())
}

/// Copies what others hold too, or may not be written.
fn own_memories(buffer: &mut gst::BufferRef) -> Result<()> {
    for index in 0..buffer.n_memory() {
        let is_ours = buffer.peek_memory_mut(index).is_ok_and(|memory| memory.map_writable().is_ok());
        if !is_ours {
            let memory = buffer.memory(index).ok_or_else(|| Error::Frame("its memory is gone".into()))?;
            memory.map_readable().map_err(|_| Error::Frame("its memory cannot be mapped by the CPU".into()))?;
            buffer.replace_memory(index, memory.copy_range(..));
        }
    }
    Ok(())
}

/// Maps each memory on its own: mapping a buffer of several as one would copy them.
fn map_all(buffer: &mut gst::BufferRef) -> Result<Vec<MemoryMap<'_, Writable>>> {
    let refused = |cause: glib::BoolError| Error::Frame(format!("its memory cannot be written: {cause}"));
    buffer.iter_memories_mut().map_err(refused)?.map(|memory| memory.map_writable().map_err(refused)).collect()
}

/// The planes' bytes, each to the start of the next plane in the same memory.
fn split<'a>(memories: &'a mut [MemoryMap<'_, Writable>], places: &[PlaneAt]) -> Vec<PlaneMut<'a>> {
    let mut rests: Vec<(usize, &'a mut [u8])> = memories.iter_mut().map(|memory| (0, memory.as_mut_slice())).collect();
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by_key(|&plane| std::cmp::Reverse(places[plane].offset_in_memory));
    let mut planes: Vec<(usize, PlaneMut<'a>)> = Vec::with_capacity(places.len());
    // From the last plane to the first: each takes what is left behind its start.
    for plane in order {
        let PlaneAt { memory_index, offset_in_memory, stride } = places[plane];
        let (_, rest) = &mut rests[memory_index];
        let whole = std::mem::take(rest);
        let (before, bytes) = whole.split_at_mut(offset_in_memory.min(whole.len()));
        *rest = before;
        planes.push((plane, PlaneMut { bytes, stride }));
    }
    planes.sort_by_key(|(plane, _)| *plane);
    planes.into_iter().map(|(_, plane)| plane).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(format: VideoFormat) -> VideoInfo {
        gst::init().unwrap();
        VideoInfo::builder(format, 6, 4).build().unwrap()
    }

    fn frame_of(info: &VideoInfo) -> gst::Buffer {
        gst::Buffer::from_mut_slice((0..info.size()).map(|n| n as u8).collect::<Vec<_>>())
    }

    fn bytes(buffer: &gst::BufferRef) -> Vec<u8> {
        buffer.map_readable().unwrap().to_vec()
    }

    /// A buffer over the memory of another one that is gone.
    fn released_copy(info: &VideoInfo) -> gst::Buffer {
        frame_of(info).copy_region(gst::BUFFER_COPY_ALL, ..).unwrap()
    }

    #[test]
    fn shared_and_read_only_memory_is_copied_and_ours_is_not() {
        let info = info(VideoFormat::Gray8);
        for (mut buffer, expect_copy) in [
            (frame_of(&info), false),
            (released_copy(&info), false),
            (gst::Buffer::from_slice(vec![0u8; info.size()]), true),
        ] {
            let before = buffer.peek_memory(0).as_ptr();
            draw_on(buffer.get_mut().unwrap(), &info, |frame| assert_eq!((frame.width, frame.height), (6, 4))).unwrap();
            assert_eq!(buffer.peek_memory(0).as_ptr() != before, expect_copy);
        }
        let kept = frame_of(&info);
        let mut shared = kept.copy_region(gst::BUFFER_COPY_ALL, ..).unwrap();
        let before = shared.peek_memory(0).as_ptr();
        draw_on(shared.get_mut().unwrap(), &info, |_| ()).unwrap();
        assert_ne!(shared.peek_memory(0).as_ptr(), before);
        assert_eq!(bytes(&kept), bytes(&shared));
    }

    #[test]
    fn planes_in_one_memory_do_not_overlap() {
        let info = info(VideoFormat::Yv12);
        let places: Vec<_> =
            (0..3).map(|n| Layout::of(&frame_of(&info), &info).plane_at(n, &[info.size()]).unwrap()).collect();
        let mut buffer = frame_of(&info);
        let mut memories = map_all(buffer.get_mut().unwrap()).unwrap();
        let planes = split(&mut memories, &places);
        let starts: Vec<_> = planes.iter().map(|plane| usize::from(plane.bytes[0])).collect();
        assert_eq!(starts, info.offset());
        assert_eq!(planes.iter().map(|plane| plane.bytes.len()).sum::<usize>(), info.size());
    }

    #[test]
    fn a_frame_that_is_too_short_is_refused() {
        let info = info(VideoFormat::I420);
        let mut buffer = gst::Buffer::with_size(info.size() - 8).unwrap();
        let error = draw_on(buffer.get_mut().unwrap(), &info, |_| ()).unwrap_err().to_string();
        assert!(error.contains("plane 2"), "{error}");
    }

    #[test]
    fn a420_is_i420_and_one_memory_more() {
        let (in_info, out_info) = (info(VideoFormat::I420), info(VideoFormat::A420));
        let buffer = frame_of(&in_info);
        let mut out = gain_alpha(&buffer, &in_info, &out_info).unwrap();
        let meta = out.meta::<VideoMeta>().unwrap();
        assert_eq!((meta.format(), meta.offset()), (VideoFormat::A420, out_info.offset()));
        assert_eq!((out.size(), out.n_memory()), (out_info.size(), 2));
        assert_eq!(out.peek_memory(0).as_ptr(), buffer.peek_memory(0).as_ptr());
        drop(buffer);
        draw_on(out.make_mut(), &out_info, |frame| assert!(frame.has_alpha_plane())).unwrap();
    }

    #[test]
    fn alpha_orders_only_change_their_name() {
        let (in_info, out_info) = (info(VideoFormat::Xrgb), info(VideoFormat::Argb));
        let mut buffer = frame_of(&in_info);
        let (offsets, strides) = (in_info.offset(), in_info.stride());
        let flags = VideoFrameFlags::empty();
        VideoMeta::add_full(buffer.make_mut(), flags, VideoFormat::Xrgb, 6, 4, offsets, strides).unwrap();
        let out = gain_alpha(&buffer, &in_info, &out_info).unwrap();
        assert_eq!(out.iter_meta::<VideoMeta>().map(|meta| meta.format()).collect::<Vec<_>>(), [VideoFormat::Argb]);
        assert_eq!(bytes(&out), bytes(&buffer));
    }
}
