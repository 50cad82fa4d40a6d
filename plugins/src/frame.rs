//! GStreamer's frames as the engine's: formats, colorimetry, and buffers that travel to the engine without a copy.

use gst::memory::{MappedMemory, Readable};
use gst_video::{VideoColorMatrix, VideoColorRange, VideoFormat, VideoInfo, VideoMeta};
use sa3::frame::{Colorimetry, Frame, FrameSource, PixelFormat, Plane, YuvMatrix, YuvRange};
use sa3::{Error, Result};

/// GStreamer's name of a pixel format.
pub(crate) fn video_format(format: PixelFormat) -> VideoFormat {
    match format {
        PixelFormat::Rgb => VideoFormat::Rgb,
        PixelFormat::Bgr => VideoFormat::Bgr,
        PixelFormat::Rgbx => VideoFormat::Rgbx,
        PixelFormat::Xrgb => VideoFormat::Xrgb,
        PixelFormat::Bgrx => VideoFormat::Bgrx,
        PixelFormat::Xbgr => VideoFormat::Xbgr,
        PixelFormat::Rgba => VideoFormat::Rgba,
        PixelFormat::Argb => VideoFormat::Argb,
        PixelFormat::Bgra => VideoFormat::Bgra,
        PixelFormat::Abgr => VideoFormat::Abgr,
        PixelFormat::I420 => VideoFormat::I420,
        PixelFormat::Yv12 => VideoFormat::Yv12,
        PixelFormat::Nv12 => VideoFormat::Nv12,
        PixelFormat::Nv21 => VideoFormat::Nv21,
        PixelFormat::Yuy2 => VideoFormat::Yuy2,
        PixelFormat::Uyvy => VideoFormat::Uyvy,
        PixelFormat::Y42b => VideoFormat::Y42b,
        PixelFormat::Y444 => VideoFormat::Y444,
        PixelFormat::Gray8 => VideoFormat::Gray8,
        PixelFormat::P010Le => VideoFormat::P01010le,
        PixelFormat::I42010Le => VideoFormat::I42010le,
    }
}

/// The engine's name of a format, if it takes it.
pub(crate) fn pixel_format(format: VideoFormat) -> Option<PixelFormat> {
    PixelFormat::ALL.into_iter().find(|&candidate| video_format(candidate) == format)
}

/// What Y'CbCr values mean on a stream.
pub(crate) fn colorimetry(info: &VideoInfo) -> Colorimetry {
    let matrix = match info.colorimetry().matrix() {
        VideoColorMatrix::Bt709 => YuvMatrix::Bt709,
        VideoColorMatrix::Bt2020 => YuvMatrix::Bt2020,
        VideoColorMatrix::Smpte240m => YuvMatrix::Smpte240m,
        VideoColorMatrix::Fcc => YuvMatrix::Fcc,
        // Caps without colorimetry already got GStreamer's default for their size; what is left is plain or unknown.
        _ => YuvMatrix::Bt601,
    };
    let range = match info.colorimetry().range() {
        VideoColorRange::Range0_255 => YuvRange::Full,
        _ => YuvRange::Limited,
    };
    Colorimetry { matrix, range }
}

/// A buffer that is mapped for reading until the engine has seen it.
///
/// It keeps the buffer itself, so that a pool does not hand its memory to somebody else meanwhile.
pub(crate) struct MappedFrame {
    memories: Vec<MappedMemory<Readable>>,
    planes: Vec<PlaneAt>,
    format: PixelFormat,
    size: (u32, u32),
    colorimetry: Colorimetry,
    _buffer: gst::Buffer,
}

/// Where a plane begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlaneAt {
    pub(crate) memory_index: usize,
    pub(crate) offset_in_memory: usize,
    pub(crate) stride: usize,
}

impl MappedFrame {
    /// Maps `buffer`, whose layout is its own video meta's or, without one, that of `info`.
    ///
    /// # Errors
    /// [`Error::Frame`] when the memory cannot be mapped or is laid out in a way that the engine does not read.
    pub(crate) fn new(buffer: gst::Buffer, info: &VideoInfo) -> Result<Self> {
        let layout = Layout::of(&buffer, info);
        let format = pixel_format(layout.format)
            .ok_or_else(|| Error::Frame(format!("{} is not a format of the engine", layout.format)))?;
        let memories = map_all(&buffer)?;
        let memory_sizes: Vec<_> = memories.iter().map(|memory| memory.as_slice().len()).collect();
        let plane_at = |index| layout.plane_at(index, &memory_sizes);
        let planes = (0..format.plane_count()).map(plane_at).collect::<Result<_>>()?;
        Ok(Self { memories, planes, format, size: layout.size, colorimetry: colorimetry(info), _buffer: buffer })
    }
}

impl FrameSource for MappedFrame {
    fn frame(&self) -> Result<Frame<'_>> {
        let planes = self.planes.iter().map(|plane| Plane {
            bytes: &self.memories[plane.memory_index].as_slice()[plane.offset_in_memory..],
            stride: plane.stride,
        });
        Frame::new(self.format, self.size, self.colorimetry, planes.collect())
    }
}

/// Maps each memory on its own: mapping a buffer of several as one would copy them.
fn map_all(buffer: &gst::BufferRef) -> Result<Vec<MappedMemory<Readable>>> {
    buffer
        .iter_memories_owned()
        .map(|memory| {
            memory
                .into_mapped_memory_readable()
                .map_err(|_| Error::Frame("its memory cannot be mapped for reading by the CPU".into()))
        })
        .collect()
}

/// Size, offsets and strides of one buffer.
pub(crate) struct Layout {
    pub(crate) format: VideoFormat,
    pub(crate) size: (u32, u32),
    pub(crate) offsets: Vec<usize>,
    pub(crate) strides: Vec<i32>,
}

impl Layout {
    /// That of the buffer's video meta or, without one, of `info`.
    pub(crate) fn of(buffer: &gst::BufferRef, info: &VideoInfo) -> Self {
        if let Some(meta) = buffer.meta::<VideoMeta>() {
            return Self {
                format: meta.format(),
                size: (meta.width(), meta.height()),
                offsets: meta.offset().to_vec(),
                strides: meta.stride().to_vec(),
            };
        }
        Self {
            format: info.format(),
            size: (info.width(), info.height()),
            offsets: info.offset().to_vec(),
            strides: info.stride().to_vec(),
        }
    }

    /// Finds a plane in a buffer whose memories have these sizes.
    pub(crate) fn plane_at(&self, index: usize, memory_sizes: &[usize]) -> Result<PlaneAt> {
        let missing = || Error::Frame(format!("plane {index} of {} lies outside the buffer", self.format));
        let (mut offset, stride) = (*self.offsets.get(index).ok_or_else(missing)?, self.strides.get(index).copied());
        let stride = usize::try_from(stride.unwrap_or(0)).map_err(|_| {
            Error::Frame("its rows run from bottom to top, use videoconvert before this element".into())
        })?;
        for (memory_index, &length) in memory_sizes.iter().enumerate() {
            if offset < length {
                return Ok(PlaneAt { memory_index, offset_in_memory: offset, stride });
            }
            offset -= length;
        }
        Err(missing())
    }
}

/// Width and height of the frames, also of video in memories that this process cannot see.
pub(crate) fn frame_size(caps: &gst::CapsRef) -> Option<(u32, u32)> {
    let structure = caps.structure(0)?;
    let side = |name| structure.get::<i32>(name).ok().and_then(|side| u32::try_from(side).ok());
    Some((side("width")?, side("height")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gst_video::{VideoFrameFlags, VideoMeta};

    #[test]
    fn every_format_has_a_name_of_its_own() {
        for format in PixelFormat::ALL {
            assert_eq!(pixel_format(video_format(format)), Some(format));
        }
        assert_eq!(pixel_format(VideoFormat::A420), None);
    }

    #[test]
    fn colorimetry_comes_from_the_caps() {
        gst::init().unwrap();
        let of = |caps: &str| colorimetry(&VideoInfo::from_caps(&caps.parse::<gst::Caps>().unwrap()).unwrap());
        let hd = of("video/x-raw,format=NV12,width=1280,height=720,colorimetry=bt709");
        assert_eq!(hd, Colorimetry { matrix: YuvMatrix::Bt709, range: YuvRange::Limited });
        let jpeg = of("video/x-raw,format=I420,width=64,height=64,colorimetry=1:4:0:0");
        assert_eq!(jpeg, Colorimetry { matrix: YuvMatrix::Bt601, range: YuvRange::Full });
        let unsaid = of("video/x-raw,format=I420,width=1920,height=1080");
        assert_eq!(unsaid.matrix, YuvMatrix::Bt709, "GStreamer's default for the size");
    }

    /// An I420 frame of 5x3 whose planes stand in two memories, with strides of 7 and 4.
    fn scattered_frame() -> (gst::Buffer, VideoInfo) {
        gst::init().unwrap();
        let info = VideoInfo::builder(VideoFormat::I420, 5, 3).build().unwrap();
        let mut buffer = gst::Buffer::new();
        let writable = buffer.get_mut().unwrap();
        writable.append_memory(gst::Memory::from_slice((0..2 + 19).collect::<Vec<u8>>()));
        writable.append_memory(gst::Memory::from_slice((100..116).collect::<Vec<u8>>()));
        let (offsets, strides) = ([2, 21, 29], [7, 4, 4]);
        VideoMeta::add_full(writable, VideoFrameFlags::empty(), VideoFormat::I420, 5, 3, &offsets, &strides).unwrap();
        (buffer, info)
    }

    #[test]
    fn rows_are_found_over_strides_and_memories() {
        let (buffer, info) = scattered_frame();
        let mapped = MappedFrame::new(buffer, &info).unwrap();
        let frame = mapped.frame().unwrap();
        assert_eq!(frame.row(0, 0), [2, 3, 4, 5, 6]);
        assert_eq!(frame.row(0, 2), [16, 17, 18, 19, 20], "the last row ends with its memory");
        assert_eq!((frame.row(1, 1), frame.row(2, 1)), (&[104, 105, 106][..], &[112, 113, 114][..]));
    }

    #[test]
    fn planes_beyond_the_buffer_and_rows_from_below_are_refused() {
        let (mut buffer, info) = scattered_frame();
        let writable = buffer.get_mut().unwrap();
        writable.remove_memory(1);
        let refusal = MappedFrame::new(buffer.clone(), &info).err().unwrap().to_string();
        assert!(refusal.contains("plane 1 of I420 lies outside"), "{refusal}");
        let mut flipped = gst::Buffer::with_size(64).unwrap();
        let writable = flipped.get_mut().unwrap();
        VideoMeta::add_full(writable, VideoFrameFlags::empty(), VideoFormat::Gray8, 5, 3, &[16], &[-8]).unwrap();
        let refusal = MappedFrame::new(flipped, &info).err().unwrap().to_string();
        assert!(refusal.contains("bottom to top"), "{refusal}");
    }
}
