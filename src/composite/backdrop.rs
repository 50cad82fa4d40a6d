//! The picture that takes a region's place: its samples in the frame's own layout.

use super::canvas::Source;
use super::passes::Pass;
use super::planes::{FrameMut, PlaneMut};
use crate::frame::{Colorimetry, Frame, PixelFormat};

/// A picture of a frame's format and size, kept until another one takes its place.
///
/// Whoever has the picture brings it to the frame's size, format and colorimetry first; one of another format or size does
/// not count ([`Backdrop::fits`]).
#[derive(Debug, Default)]
pub struct Backdrop {
    layout: Option<(PixelFormat, u32, u32, Colorimetry)>,
    planes: Vec<Rows>,
    /// Counts pictures, so that what was made of one is known to be old.
    pub(super) generation: u64,
}

#[derive(Debug, Default)]
struct Rows {
    bytes: Vec<u8>,
    row_bytes: usize,
}

impl Backdrop {
    /// Takes over a copy of `picture`; memory of the one before is used again.
    pub fn take(&mut self, picture: &Frame<'_>) {
        let (format, width, height) = (picture.format, picture.width, picture.height);
        self.layout = Some((format, width, height, picture.colorimetry));
        self.planes.resize_with(format.plane_count(), Rows::default);
        for (index, plane) in self.planes.iter_mut().enumerate() {
            let (row_bytes, rows) = format.plane_extent(index, width, height);
            plane.row_bytes = row_bytes;
            plane.bytes.clear();
            (0..rows).for_each(|row| plane.bytes.extend_from_slice(picture.row(index, row)));
        }
        self.generation += 1;
    }

    /// True when its samples can stand in `frame`.
    pub fn fits(&self, frame: &FrameMut<'_>) -> bool {
        self.layout.is_some_and(|(format, width, height, _)| {
            (format, width, height) == (frame.format, frame.width, frame.height)
        })
    }

    /// The picture as a frame; `None` while there is none.
    pub(super) fn frame(&mut self) -> Option<FrameMut<'_>> {
        let (format, width, height, colorimetry) = self.layout?;
        let planes = self.planes.iter_mut().map(|plane| PlaneMut { bytes: &mut plane.bytes, stride: plane.row_bytes });
        FrameMut::new(format, (width, height), colorimetry, planes.collect()).ok()
    }
}

impl Source for Backdrop {
    fn row(&mut self, pass: &Pass, plane_row: usize, _: &[u8]) -> &[u8] {
        let plane = &self.planes[pass.plane];
        &plane.bytes[plane_row * plane.row_bytes..][..plane.row_bytes]
    }
}
