//! A frame that may be drawn on: borrowed mutable planes.
//!
//! Comes from whoever owns the pixels (a mapped buffer, a test); [`super::Compositor`] draws on it.

use crate::error::{Error, Result};
use crate::frame::{Colorimetry, Frame, PixelFormat, Plane};

/// One plane of a frame: rows of `stride` bytes.
#[derive(Debug)]
pub struct PlaneMut<'a> {
    /// The plane's bytes, first row first.
    pub bytes: &'a mut [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
}

/// A frame whose pixels may be changed. Construct with [`FrameMut::new`], which checks that the planes are large enough.
#[derive(Debug)]
pub struct FrameMut<'a> {
    /// Pixel layout.
    pub format: PixelFormat,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Meaning of Y'CbCr values.
    pub colorimetry: Colorimetry,
    /// When it is shown, on the stream's own clock; `None` where frames have no times.
    pub time_ns: Option<u64>,
    planes: Vec<PlaneMut<'a>>,
    /// Of each plane the bytes of a row without padding.
    row_bytes: [usize; MAX_PLANES],
}

/// Three, and alpha.
const MAX_PLANES: usize = 4;

impl<'a> FrameMut<'a> {
    /// A frame over `planes`, in the format's own plane order.
    ///
    /// # Errors
    /// [`Error::Frame`] when the size is out of range or a plane is missing or too short.
    pub fn new(
        format: PixelFormat,
        (width, height): (u32, u32),
        colorimetry: Colorimetry,
        planes: Vec<PlaneMut<'a>>,
    ) -> Result<Self> {
        let as_read = planes.iter().map(|plane| Plane { bytes: plane.bytes, stride: plane.stride }).collect();
        Frame::new(format, (width, height), colorimetry, as_read)?;
        let count = format.plane_count();
        let row_bytes = std::array::from_fn(|index| match index < count {
            true => format.plane_extent(index, width, height).0,
            false => PixelFormat::Gray8.plane_extent(0, width, height).0,
        });
        Ok(Self { format, width, height, colorimetry, time_ns: None, planes, row_bytes })
    }

    /// Adds a full-size 8-bit alpha plane, as A420 has it behind the planes of I420.
    ///
    /// # Errors
    /// [`Error::Frame`] when the plane is too short.
    pub fn with_alpha_plane(mut self, plane: PlaneMut<'a>) -> Result<Self> {
        let as_read = Plane { bytes: plane.bytes, stride: plane.stride };
        Frame::new(PixelFormat::Gray8, (self.width, self.height), self.colorimetry, vec![as_read])
            .map_err(|cause| Error::Frame(format!("alpha plane: {cause}")))?;
        self.planes.push(plane);
        Ok(self)
    }

    /// Tells when the frame is shown; objects fade by it.
    pub fn at(self, time_ns: Option<u64>) -> Self {
        Self { time_ns, ..self }
    }

    /// True when there is an alpha plane behind the format's own.
    pub fn has_alpha_plane(&self) -> bool {
        self.planes.len() > self.format.plane_count()
    }

    /// The bytes of one row of one plane, without padding; the alpha plane comes after the format's own.
    pub(super) fn row_mut(&mut self, plane_index: usize, row: usize) -> &mut [u8] {
        let plane = &mut self.planes[plane_index];
        &mut plane.bytes[row * plane.stride..][..self.row_bytes[plane_index]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_alpha_plane_is_refused_with_numbers() {
        let mut gray = [0u8; 6];
        let mut alpha = [0u8; 5];
        let planes = vec![PlaneMut { bytes: &mut gray, stride: 3 }];
        let frame = FrameMut::new(PixelFormat::Gray8, (3, 2), Colorimetry::default(), planes).unwrap();
        let error = frame.with_alpha_plane(PlaneMut { bytes: &mut alpha, stride: 3 }).unwrap_err().to_string();
        assert!(error.contains("alpha plane") && error.contains("needs 6 bytes"), "{error}");
    }

    #[test]
    fn rows_skip_the_padding() {
        let mut bytes: Vec<u8> = (0..8).collect();
        let planes = vec![PlaneMut { bytes: &mut bytes, stride: 4 }];
        let mut frame = FrameMut::new(PixelFormat::Gray8, (3, 2), Colorimetry::default(), planes).unwrap();
        assert_eq!(frame.row_mut(0, 1), [4, 5, 6]);
    }
}
