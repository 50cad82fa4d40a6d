//! Pictures without colour: their brightness alone.

use super::super::blend::Brush;
use super::super::canvas::Source;
use super::super::passes::{Pass, Slot};
use crate::frame::PixelFormat;

/// Rec. 709 weights of red, green and blue, out of 65,536.
const WEIGHTS: [u32; 3] = [13_933, 46_871, 4_732];

/// Rows of an R'G'B' frame in grey.
#[derive(Debug, Default)]
pub(super) struct Greyed {
    bytes_per_pixel: usize,
    offsets: [usize; 3],
    row: Vec<u8>,
}

impl Greyed {
    /// Starts a frame of one of the R'G'B' formats.
    pub(super) fn begin(&mut self, format: PixelFormat) {
        (self.bytes_per_pixel, self.offsets) = format.rgb_offsets().unwrap_or((1, [0; 3]));
    }

    fn fill<const BYTES: usize>(&mut self, current: &[u8]) {
        let [r, g, b] = self.offsets;
        let pixels = current.as_chunks::<BYTES>().0.iter().zip(self.row.as_chunks_mut::<BYTES>().0);
        for (pixel, grey) in pixels {
            let sum = [r, g, b].iter().zip(WEIGHTS).map(|(&at, weight)| weight * u32::from(pixel[at])).sum::<u32>();
            *grey = [((sum + 32_768) >> 16) as u8; BYTES];
        }
    }
}

impl Source for Greyed {
    fn row(&mut self, _: &Pass, _: usize, current: &[u8]) -> &[u8] {
        self.row.resize(current.len(), 0);
        match self.bytes_per_pixel {
            3 => self.fill::<3>(current),
            4 => self.fill::<4>(current),
            _ => self.row.copy_from_slice(current),
        }
        &self.row
    }
}

/// Of the brushes of an ink without colour those that paint chroma.
pub(super) fn chroma_only(brushes: [Option<(Pass, Brush)>; 3]) -> [Option<(Pass, Brush)>; 3] {
    let is_chroma = |pass: &Pass| !pass.slots.iter().any(|slots| slots.contains(&Slot::Ink(0)));
    brushes.map(|brush| brush.filter(|(pass, _)| is_chroma(pass)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_keep_white_white() {
        assert_eq!(WEIGHTS.iter().sum::<u32>(), 65_536);
    }
}
