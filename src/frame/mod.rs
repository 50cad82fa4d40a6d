//! A video frame as the engine sees it: borrowed planes, strides, a format and its colorimetry.
//!
//! First stage of the flow; [`preprocess`] turns it into the model's input.

mod format;
mod on_device;
pub mod preprocess;
pub mod rgb;

pub use format::{PixelFormat, YuvMatrix, YuvRange};
pub(crate) use rgb::TEN_BITS;

use crate::error::{Error, Result};

/// Smallest and largest side of a frame, in pixels.
pub const SIDE_RANGE_IN_PIXELS: std::ops::RangeInclusive<u32> = 1..=16_384;

/// One plane of a frame: rows of `stride` bytes.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    /// The plane's bytes, first row first.
    pub bytes: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
}

/// How Y'CbCr values mean RGB; ignored for RGB formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Colorimetry {
    /// Coefficients.
    pub matrix: YuvMatrix,
    /// Code range.
    pub range: YuvRange,
}

/// A borrowed frame. Construct with [`Frame::new`], which checks that the planes are large enough.
#[derive(Debug, Clone)]
pub struct Frame<'a> {
    /// Pixel layout.
    pub format: PixelFormat,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Meaning of Y'CbCr values.
    pub colorimetry: Colorimetry,
    planes: Vec<Plane<'a>>,
}

impl<'a> Frame<'a> {
    /// A frame over `planes`, in the format's own plane order.
    ///
    /// # Errors
    /// [`Error::Frame`] when the size is out of range or a plane is missing or too short.
    pub fn new(
        format: PixelFormat,
        (width, height): (u32, u32),
        colorimetry: Colorimetry,
        planes: Vec<Plane<'a>>,
    ) -> Result<Self> {
        if !SIDE_RANGE_IN_PIXELS.contains(&width) || !SIDE_RANGE_IN_PIXELS.contains(&height) {
            return Err(Error::Frame(format!(
                "{width}x{height} is outside {} to {} pixels a side",
                SIDE_RANGE_IN_PIXELS.start(),
                SIDE_RANGE_IN_PIXELS.end()
            )));
        }
        let expected = format.plane_count();
        if planes.len() != expected {
            return Err(Error::Frame(format!("{format:?} has {expected} planes, {} given", planes.len())));
        }
        for (index, plane) in planes.iter().enumerate() {
            let (row_bytes, rows) = format.plane_extent(index, width, height);
            let needed = plane.stride * rows.saturating_sub(1) + row_bytes;
            if plane.stride < row_bytes || plane.bytes.len() < needed {
                return Err(Error::Frame(format!(
                    "plane {index} of {format:?} {width}x{height} needs {needed} bytes in rows of at least {row_bytes}, \
                     got {} in rows of {}",
                    plane.bytes.len(),
                    plane.stride
                )));
            }
        }
        Ok(Self { format, width, height, colorimetry, planes })
    }

    /// The `index`th plane.
    pub fn plane(&self, index: usize) -> Plane<'a> {
        self.planes[index]
    }

    /// The bytes of one row of one plane, without padding.
    pub fn row(&self, plane_index: usize, row: usize) -> &'a [u8] {
        let plane = self.planes[plane_index];
        let (row_bytes, _) = self.format.plane_extent(plane_index, self.width, self.height);
        &plane.bytes[row * plane.stride..row * plane.stride + row_bytes]
    }
}

/// Something that owns pixels and can show them: what travels to the engine's thread.
pub trait FrameSource: Send {
    /// The frame, borrowed from the owner.
    ///
    /// # Errors
    /// [`Error::Frame`] when the pixels cannot be shown as a frame.
    fn frame(&self) -> Result<Frame<'_>>;

    /// Tells, also after the pixels are given back, whether anybody still waits for what is found; `None`: always.
    fn wanted(&self) -> Option<Wanted> {
        None
    }
}

/// False once nobody waits for an answer any more.
pub type Wanted = Box<dyn Fn() -> bool + Send>;

/// A frame that owns packed RGB pixels, for pictures and tests.
#[derive(Debug, Clone)]
pub struct RgbPicture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `3 * width * height` bytes.
    pub rgb: Vec<u8>,
}

impl FrameSource for RgbPicture {
    fn frame(&self) -> Result<Frame<'_>> {
        let plane = Plane { bytes: &self.rgb, stride: 3 * self.width as usize };
        Frame::new(PixelFormat::Rgb, (self.width, self.height), Colorimetry::default(), vec![plane])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_plane_is_refused_with_numbers() {
        let bytes = [0u8; 11];
        let plane = Plane { bytes: &bytes, stride: 6 };
        let error = Frame::new(PixelFormat::Rgb, (2, 2), Colorimetry::default(), vec![plane]).unwrap_err();
        assert!(error.to_string().contains("needs 12 bytes"), "{error}");
    }

    #[test]
    fn odd_sizes_round_chroma_up() {
        let luma = [0u8; 15];
        let chroma = [0u8; 6];
        let planes = vec![
            Plane { bytes: &luma, stride: 5 },
            Plane { bytes: &chroma, stride: 3 },
            Plane { bytes: &chroma, stride: 3 },
        ];
        let frame = Frame::new(PixelFormat::I420, (5, 3), Colorimetry::default(), planes).unwrap();
        assert_eq!(frame.row(1, 1).len(), 3);
    }

    #[test]
    fn sizes_out_of_range_name_the_range() {
        let error = Frame::new(PixelFormat::Gray8, (0, 4), Colorimetry::default(), vec![]).unwrap_err();
        assert!(error.to_string().contains("1 to 16384"), "{error}");
    }
}
