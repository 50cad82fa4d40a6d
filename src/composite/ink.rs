//! A colour in the samples of a format.

use super::style::Rgb;
use crate::frame::{Colorimetry, PixelFormat, YuvMatrix, YuvRange};

/// A colour ready to be blended: three samples in the format's own terms (R'G'B' or Y'CbCr) and depth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ink {
    /// Red, green, blue or Y', Cb, Cr; 8 bits, or 10 for the deep formats.
    pub(super) samples: [u16; 3],
    /// 0 (invisible) to 255 (solid).
    pub(super) opacity: u8,
}

impl Ink {
    /// `color` at `opacity` 0..1 for a format and its colorimetry.
    pub(super) fn new(color: Rgb, opacity: f32, format: PixelFormat, colorimetry: Colorimetry) -> Self {
        let samples = match format.is_rgb() {
            true => [color.r, color.g, color.b].map(u16::from),
            false => yuv_of(color, bits_of(format), colorimetry),
        };
        Self { samples, opacity: (255.0 * opacity.clamp(0.0, 1.0)).round() as u8 }
    }
}

/// Bits of a sample.
pub(super) fn bits_of(format: PixelFormat) -> u32 {
    if matches!(format, PixelFormat::P010Le | PixelFormat::I42010Le) { 10 } else { 8 }
}

fn yuv_of(color: Rgb, bits: u32, colorimetry: Colorimetry) -> [u16; 3] {
    let [r, g, b] = [color.r, color.g, color.b].map(|v| f32::from(v) / 255.0);
    let (kr, kb) = match colorimetry.matrix {
        YuvMatrix::Bt601 => (0.299, 0.114),
        YuvMatrix::Bt709 => (0.2126, 0.0722),
        YuvMatrix::Bt2020 => (0.2627, 0.0593),
        YuvMatrix::Smpte240m => (0.212, 0.087),
        YuvMatrix::Fcc => (0.30, 0.11),
    };
    let y = kr * r + (1.0 - kr - kb) * g + kb * b;
    let (cb, cr) = ((b - y) / (2.0 * (1.0 - kb)), (r - y) / (2.0 * (1.0 - kr)));
    let unit = f32::from(1u16 << (bits - 8));
    let most = 256.0 * unit - 1.0;
    let (offset, luma_span, chroma_span) = match colorimetry.range {
        YuvRange::Limited => (16.0 * unit, 219.0 * unit, 224.0 * unit),
        YuvRange::Full => (0.0, most, most),
    };
    let code = |v: f32| v.round().clamp(0.0, most) as u16;
    [code(offset + luma_span * y), code(128.0 * unit + chroma_span * cb), code(128.0 * unit + chroma_span * cr)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: Rgb = Rgb { r: 255, g: 0, b: 0 };

    fn samples(color: Rgb, format: PixelFormat, matrix: YuvMatrix, range: YuvRange) -> [u16; 3] {
        Ink::new(color, 1.0, format, Colorimetry { matrix, range }).samples
    }

    #[test]
    fn red_in_the_standards_numbers() {
        use PixelFormat::{I420, P010Le, Rgb as RgbFormat};
        assert_eq!(samples(RED, RgbFormat, YuvMatrix::Bt601, YuvRange::Limited), [255, 0, 0]);
        assert_eq!(samples(RED, I420, YuvMatrix::Bt601, YuvRange::Limited), [81, 90, 240]);
        assert_eq!(samples(RED, I420, YuvMatrix::Bt709, YuvRange::Limited), [63, 102, 240]);
        assert_eq!(samples(RED, I420, YuvMatrix::Bt601, YuvRange::Full), [76, 85, 255]);
        assert_eq!(samples(RED, P010Le, YuvMatrix::Bt709, YuvRange::Limited), [250, 409, 960]);
    }

    #[test]
    fn black_is_the_ranges_black() {
        assert_eq!(samples(Rgb::BLACK, PixelFormat::Nv12, YuvMatrix::Bt709, YuvRange::Limited), [16, 128, 128]);
        assert_eq!(samples(Rgb::BLACK, PixelFormat::Nv12, YuvMatrix::Bt709, YuvRange::Full), [0, 128, 128]);
    }
}
