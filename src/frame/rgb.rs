//! Any frame to packed 8-bit RGB, at its own size.

use super::{Colorimetry, Frame, PixelFormat, YuvMatrix, YuvRange};

/// What a word of ten bits may hold; the others are no part of the sample.
pub(crate) const TEN_BITS: u16 = 0x3ff;
/// Bits after the point in the conversion's coefficients.
pub(super) const FRACTION_BITS: i32 = 16;

/// Fills `rgb` with `3 * width * height` bytes, row by row.
pub fn to_rgb(frame: &Frame<'_>, rgb: &mut Vec<u8>) {
    let (width, height) = (frame.width as usize, frame.height as usize);
    rgb.resize(3 * width * height, 0);
    let rows = rgb.chunks_exact_mut(3 * width).enumerate();
    match frame.format.rgb_offsets() {
        Some((pixel_bytes, offsets)) => {
            rows.for_each(|(row, out)| pick_rgb(frame.row(0, row), pixel_bytes, offsets, out));
        }
        None if frame.format == PixelFormat::Gray8 => {
            let is_full = frame.colorimetry.range == YuvRange::Full;
            rows.for_each(|(row, out)| spread_gray(frame.row(0, row), is_full, out));
        }
        None => {
            let coefficients = Coefficients::new(frame.colorimetry, bit_depth(frame.format));
            let mut scratch = YuvRow::new(width);
            rows.for_each(|(row, out)| {
                scratch.read(frame, row);
                coefficients.convert(&scratch, out);
            });
        }
    }
}

fn pick_rgb(row: &[u8], pixel_bytes: usize, [r, g, b]: [usize; 3], out: &mut [u8]) {
    for (pixel, out) in row.chunks_exact(pixel_bytes).zip(out.chunks_exact_mut(3)) {
        out.copy_from_slice(&[pixel[r], pixel[g], pixel[b]]);
    }
}

fn spread_gray(row: &[u8], is_full: bool, out: &mut [u8]) {
    for (&luma, out) in row.iter().zip(out.chunks_exact_mut(3)) {
        let level = if is_full { luma } else { limited_to_full(luma) };
        out.fill(level);
    }
}

fn limited_to_full(luma: u8) -> u8 {
    (((i32::from(luma) - 16) * 255 + 109) / 219).clamp(0, 255) as u8
}

/// Bits of a sample.
pub(super) fn bit_depth(format: PixelFormat) -> i32 {
    if matches!(format, PixelFormat::P010Le | PixelFormat::I42010Le) { 10 } else { 8 }
}

/// One row of samples at full width, chroma repeated.
struct YuvRow {
    y: Vec<u16>,
    u: Vec<u16>,
    v: Vec<u16>,
}

impl YuvRow {
    fn new(width: usize) -> Self {
        Self { y: vec![0; width], u: vec![0; width], v: vec![0; width] }
    }

    fn read(&mut self, frame: &Frame<'_>, row: usize) {
        use PixelFormat as F;
        let half = row / 2;
        let (y, u, v) = (&mut self.y[..], &mut self.u[..], &mut self.v[..]);
        match frame.format {
            F::Yuy2 => return packed(frame.row(0, row), [0, 1, 3], y, u, v),
            F::Uyvy => return packed(frame.row(0, row), [1, 0, 2], y, u, v),
            F::P010Le => {
                words(frame.row(0, row), 1, 6, y);
                words(frame.row(1, half), 2, 6, u);
                words(&frame.row(1, half)[2..], 2, 6, v);
                return spread(u, v);
            }
            F::I42010Le => {
                words(frame.row(0, row), 1, 0, y);
                words(frame.row(1, half), 1, 0, u);
                words(frame.row(2, half), 1, 0, v);
                return spread(u, v);
            }
            _ => bytes(frame.row(0, row), 1, y),
        }
        match frame.format {
            F::Y444 => {
                bytes(frame.row(1, row), 1, u);
                return bytes(frame.row(2, row), 1, v);
            }
            F::Yv12 => {
                bytes(frame.row(2, half), 1, u);
                bytes(frame.row(1, half), 1, v);
            }
            F::Nv12 => {
                bytes(frame.row(1, half), 2, u);
                bytes(&frame.row(1, half)[1..], 2, v);
            }
            F::Nv21 => {
                bytes(&frame.row(1, half)[1..], 2, u);
                bytes(frame.row(1, half), 2, v);
            }
            F::Y42b => {
                bytes(frame.row(1, row), 1, u);
                bytes(frame.row(2, row), 1, v);
            }
            _ => {
                bytes(frame.row(1, half), 1, u);
                bytes(frame.row(2, half), 1, v);
            }
        }
        spread(u, v);
    }
}

/// Every `step`th byte, as many as there are.
fn bytes(row: &[u8], step: usize, out: &mut [u16]) {
    for (&value, out) in row.iter().step_by(step).zip(out) {
        *out = u16::from(value);
    }
}

/// Every `step`th little-endian word, shifted right; ten bits of it, whatever stands above them.
fn words(row: &[u8], step: usize, shift: u32, out: &mut [u16]) {
    for (word, out) in row.chunks_exact(2).step_by(step).zip(out) {
        *out = (u16::from_le_bytes([word[0], word[1]]) >> shift) & TEN_BITS;
    }
}

/// Two luma samples share each chroma pair; `offsets` are those of the first luma sample, U and V in four bytes.
fn packed(row: &[u8], [luma, blue, red]: [usize; 3], y: &mut [u16], u: &mut [u16], v: &mut [u16]) {
    for (index, y) in y.iter_mut().enumerate() {
        let pair = &row[4 * (index / 2)..][..4];
        *y = u16::from(pair[luma + 2 * (index % 2)]);
        u[index] = u16::from(pair[blue]);
        v[index] = u16::from(pair[red]);
    }
}

/// Turns a half row of chroma at the start into a full row, each value twice.
fn spread(u: &mut [u16], v: &mut [u16]) {
    for index in (1..u.len()).rev() {
        u[index] = u[index / 2];
        v[index] = v[index / 2];
    }
}

/// Y'CbCr to R'G'B' in fixed point, 8-bit out.
pub(super) struct Coefficients {
    pub(super) luma: i32,
    pub(super) luma_offset: i32,
    pub(super) chroma_offset: i32,
    pub(super) red_from_v: i32,
    pub(super) green_from_u: i32,
    pub(super) green_from_v: i32,
    pub(super) blue_from_u: i32,
}

impl Coefficients {
    pub(super) fn new(colorimetry: Colorimetry, bit_depth: i32) -> Self {
        let (kr, kb) = match colorimetry.matrix {
            YuvMatrix::Bt601 => (0.299, 0.114),
            YuvMatrix::Bt709 => (0.2126, 0.0722),
            YuvMatrix::Bt2020 => (0.2627, 0.0593),
            YuvMatrix::Smpte240m => (0.212, 0.087),
            YuvMatrix::Fcc => (0.30, 0.11),
        };
        let kg = 1.0 - kr - kb;
        let step = f64::from(1 << (bit_depth - 8));
        let full_codes = f64::from((1 << bit_depth) - 1);
        let (luma_offset, luma_codes, chroma_codes) = match colorimetry.range {
            YuvRange::Limited => (16.0 * step, 219.0 * step, 224.0 * step),
            YuvRange::Full => (0.0, full_codes, full_codes),
        };
        let fixed = |value: f64| (value * f64::from(1 << FRACTION_BITS)).round() as i32;
        let chroma = 255.0 / chroma_codes;
        Self {
            luma: fixed(255.0 / luma_codes),
            luma_offset: luma_offset as i32,
            chroma_offset: (128.0 * step) as i32,
            red_from_v: fixed(2.0 * (1.0 - kr) * chroma),
            green_from_u: fixed(-2.0 * kb * (1.0 - kb) / kg * chroma),
            green_from_v: fixed(-2.0 * kr * (1.0 - kr) / kg * chroma),
            blue_from_u: fixed(2.0 * (1.0 - kb) * chroma),
        }
    }

    fn convert(&self, row: &YuvRow, out: &mut [u8]) {
        let half = 1 << (FRACTION_BITS - 1);
        let level = |sum: i32| (sum >> FRACTION_BITS).clamp(0, 255) as u8;
        for (((&y, &u), &v), out) in row.y.iter().zip(&row.u).zip(&row.v).zip(out.chunks_exact_mut(3)) {
            let luma = (i32::from(y) - self.luma_offset) * self.luma + half;
            let (u, v) = (i32::from(u) - self.chroma_offset, i32::from(v) - self.chroma_offset);
            out[0] = level(luma + self.red_from_v * v);
            out[1] = level(luma + self.green_from_u * u + self.green_from_v * v);
            out[2] = level(luma + self.blue_from_u * u);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Plane;

    fn rgb(format: PixelFormat, size: (u32, u32), colorimetry: Colorimetry, planes: &[(&[u8], usize)]) -> Vec<u8> {
        let planes = planes.iter().map(|&(bytes, stride)| Plane { bytes, stride }).collect();
        let mut out = Vec::new();
        to_rgb(&Frame::new(format, size, colorimetry, planes).unwrap(), &mut out);
        out
    }

    #[test]
    fn byte_orders_give_the_same_picture() {
        let limited = Colorimetry::default();
        assert_eq!(rgb(PixelFormat::Rgb, (1, 1), limited, &[(&[1, 2, 3], 3)]), [1, 2, 3]);
        assert_eq!(rgb(PixelFormat::Bgr, (1, 1), limited, &[(&[3, 2, 1], 3)]), [1, 2, 3]);
        assert_eq!(rgb(PixelFormat::Xrgb, (1, 1), limited, &[(&[9, 1, 2, 3], 4)]), [1, 2, 3]);
        assert_eq!(rgb(PixelFormat::Abgr, (1, 1), limited, &[(&[9, 3, 2, 1], 4)]), [1, 2, 3]);
        assert_eq!(rgb(PixelFormat::Bgra, (1, 1), limited, &[(&[3, 2, 1, 9], 4)]), [1, 2, 3]);
    }

    #[test]
    fn pure_red_survives_every_matrix_and_range() {
        for (matrix, kr, kb) in
            [(YuvMatrix::Bt601, 0.299, 0.114), (YuvMatrix::Bt709, 0.2126, 0.0722), (YuvMatrix::Bt2020, 0.2627, 0.0593)]
        {
            for range in [YuvRange::Limited, YuvRange::Full] {
                let (y, u, v) = (kr, -0.5 * kr / (1.0 - kb), 0.5);
                let code =
                    |value: f64, offset: f64, codes: f64| (offset + value * codes).round().clamp(0.0, 255.0) as u8;
                let (y, u, v) = match range {
                    YuvRange::Limited => (code(y, 16.0, 219.0), code(u, 128.0, 224.0), code(v, 128.0, 224.0)),
                    YuvRange::Full => (code(y, 0.0, 255.0), code(u, 128.0, 255.0), code(v, 128.0, 255.0)),
                };
                let out =
                    rgb(PixelFormat::Y444, (1, 1), Colorimetry { matrix, range }, &[(&[y], 1), (&[u], 1), (&[v], 1)]);
                assert!(out[0] >= 252 && out[1] <= 3 && out[2] <= 3, "{matrix:?} {range:?} {out:?}");
            }
        }
    }

    #[test]
    fn subsampled_layouts_agree_at_odd_sizes() {
        let colorimetry = Colorimetry::default();
        let (y, u, v) = ([60u8, 70, 80, 90, 100, 110, 120, 130, 140], [90u8, 100, 110, 120], [130u8, 140, 150, 160]);
        let interleaved = |a: [u8; 4], b: [u8; 4]| [a[0], b[0], a[1], b[1], a[2], b[2], a[3], b[3]];
        let planar = rgb(PixelFormat::I420, (3, 3), colorimetry, &[(&y, 3), (&u, 2), (&v, 2)]);
        assert_eq!(rgb(PixelFormat::Yv12, (3, 3), colorimetry, &[(&y, 3), (&v, 2), (&u, 2)]), planar);
        assert_eq!(rgb(PixelFormat::Nv12, (3, 3), colorimetry, &[(&y, 3), (&interleaved(u, v), 4)]), planar);
        assert_eq!(rgb(PixelFormat::Nv21, (3, 3), colorimetry, &[(&y, 3), (&interleaved(v, u), 4)]), planar);
        let ten = |values: &[u8], shift: u32| -> Vec<u8> {
            values.iter().flat_map(|&v| ((u16::from(v) << 2) << shift).to_le_bytes()).collect()
        };
        let (y10, u10, v10) = (ten(&y, 0), ten(&u, 0), ten(&v, 0));
        let wide = rgb(PixelFormat::I42010Le, (3, 3), colorimetry, &[(&y10, 6), (&u10, 4), (&v10, 4)]);
        assert!(wide.iter().zip(&planar).all(|(a, b)| a.abs_diff(*b) <= 1));
        let (y16, uv16) = (ten(&y, 6), ten(&interleaved(u, v), 6));
        assert_eq!(rgb(PixelFormat::P010Le, (3, 3), colorimetry, &[(&y16, 6), (&uv16, 8)]), wide);
    }

    #[test]
    fn packed_pairs_share_chroma() {
        let colorimetry = Colorimetry::default();
        let planar =
            rgb(PixelFormat::Y42b, (3, 1), colorimetry, &[(&[50, 60, 70], 3), (&[90, 100], 2), (&[150, 160], 2)]);
        let yuy2 = [50u8, 90, 60, 150, 70, 100, 0, 160];
        assert_eq!(rgb(PixelFormat::Yuy2, (3, 1), colorimetry, &[(&yuy2, 8)]), planar);
        let uyvy = [90u8, 50, 150, 60, 100, 70, 160, 0];
        assert_eq!(rgb(PixelFormat::Uyvy, (3, 1), colorimetry, &[(&uyvy, 8)]), planar);
    }

    #[test]
    fn gray_spans_its_range() {
        let limited = rgb(PixelFormat::Gray8, (2, 1), Colorimetry::default(), &[(&[16, 235], 2)]);
        assert_eq!(limited, [0, 0, 0, 255, 255, 255]);
        let full = Colorimetry { range: YuvRange::Full, ..Colorimetry::default() };
        assert_eq!(rgb(PixelFormat::Gray8, (1, 1), full, &[(&[77], 1)]), [77, 77, 77]);
    }
}
