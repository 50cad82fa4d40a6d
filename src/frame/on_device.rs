//! Any frame to 8-bit RGB where the model runs: the planes are uploaded as they are, half the bytes of RGB for most video,
//! and converted by the same arithmetic as on the host.

use tch::{Device, Kind, Tensor};

use super::rgb::{Coefficients, FRACTION_BITS, TEN_BITS, bit_depth};
use super::{Frame, PixelFormat, YuvRange};

/// `staging` is kept between frames.
///
/// # Shapes
/// → [1, 3, H, W] u8 on `device`, equal to [`to_rgb`](super::rgb::to_rgb).
pub fn to_rgb(frame: &Frame<'_>, staging: &mut Vec<u8>, device: Device) -> Tensor {
    let planes = upload(frame, staging, device);
    let picture = match frame.format.rgb_offsets() {
        Some((pixel_bytes, offsets)) => Tensor::stack(&offsets.map(|offset| every(&planes[0], offset, pixel_bytes)), 0),
        None if frame.format == PixelFormat::Gray8 => {
            spread_gray(&planes[0], frame.colorimetry.range).unsqueeze(0).repeat([3, 1, 1])
        }
        None => convert(&samples(frame, &planes), &Coefficients::new(frame.colorimetry, bit_depth(frame.format))),
    };
    picture.unsqueeze(0)
}

/// # Shapes
/// → each plane's [rows, bytes of a row] u8, without padding.
fn upload(frame: &Frame<'_>, staging: &mut Vec<u8>, device: Device) -> Vec<Tensor> {
    let mut plane = |index: usize| {
        let (row_bytes, rows) = frame.format.plane_extent(index, frame.width, frame.height);
        staging.clear();
        (0..rows).for_each(|row| staging.extend_from_slice(frame.row(index, row)));
        Tensor::from_data_size(staging, &[rows as i64, row_bytes as i64], Kind::Uint8).to_device(device)
    };
    (0..frame.format.plane_count()).map(&mut plane).collect()
}

/// Y, U and V, each [H, W], in 32 bits.
fn samples(frame: &Frame<'_>, planes: &[Tensor]) -> [Tensor; 3] {
    use PixelFormat as F;
    let parts = match frame.format {
        F::Yuy2 => [every(&planes[0], 0, 2), every(&planes[0], 1, 4), every(&planes[0], 3, 4)],
        F::Uyvy => [every(&planes[0], 1, 2), every(&planes[0], 0, 4), every(&planes[0], 2, 4)],
        F::Nv12 => [planes[0].shallow_clone(), every(&planes[1], 0, 2), every(&planes[1], 1, 2)],
        F::Nv21 => [planes[0].shallow_clone(), every(&planes[1], 1, 2), every(&planes[1], 0, 2)],
        F::P010Le => [words(&planes[0], 0, 1, 6), words(&planes[1], 0, 2, 6), words(&planes[1], 1, 2, 6)],
        F::I42010Le => [words(&planes[0], 0, 1, 0), words(&planes[1], 0, 1, 0), words(&planes[2], 0, 1, 0)],
        F::Yv12 => [&planes[0], &planes[2], &planes[1]].map(Tensor::shallow_clone),
        _ => [&planes[0], &planes[1], &planes[2]].map(Tensor::shallow_clone),
    };
    let size = [i64::from(frame.height), i64::from(frame.width)];
    parts.map(|part| enlarged(&part.to_kind(Kind::Int), size))
}

/// Every `step`th byte of each row from `first` on.
fn every(plane: &Tensor, first: usize, step: usize) -> Tensor {
    plane.slice(1, first as i64, None, step as i64)
}

/// Every `step`th little-endian word of each row from the word `first` on, shifted right, ten bits of it.
fn words(plane: &Tensor, first: usize, step: usize, shift: i64) -> Tensor {
    let byte = |offset: usize| every(plane, 2 * first + offset, 2 * step).to_kind(Kind::Int);
    (byte(0) + byte(1) * 256).bitwise_right_shift_tensor_scalar(shift).bitwise_and(i64::from(TEN_BITS))
}

/// Chroma repeated, and what is beyond an odd size cut off.
fn enlarged(part: &Tensor, size: [i64; 2]) -> Tensor {
    let along = |part: Tensor, dim: i64| {
        let wanted = size[dim as usize];
        let times = (wanted as u64).div_ceil(part.size()[dim as usize] as u64) as i64;
        if times == 1 {
            part.narrow(dim, 0, wanted)
        } else {
            part.repeat_interleave_self_int(times, dim, None).narrow(dim, 0, wanted)
        }
    };
    along(along(part.shallow_clone(), 0), 1)
}

/// # Shapes
/// [H, W] of Y, U and V → [3, H, W] u8.
fn convert([y, u, v]: &[Tensor; 3], coefficients: &Coefficients) -> Tensor {
    let half = 1i64 << (FRACTION_BITS - 1);
    let luma = (y - i64::from(coefficients.luma_offset)) * i64::from(coefficients.luma) + half;
    let (u, v) = (u - i64::from(coefficients.chroma_offset), v - i64::from(coefficients.chroma_offset));
    let red = &luma + &v * i64::from(coefficients.red_from_v);
    let green = &luma + &u * i64::from(coefficients.green_from_u) + &v * i64::from(coefficients.green_from_v);
    let blue = &luma + &u * i64::from(coefficients.blue_from_u);
    let level = Tensor::stack(&[red, green, blue], 0).bitwise_right_shift_tensor_scalar(i64::from(FRACTION_BITS));
    level.clamp(0, 255).to_kind(Kind::Uint8)
}

fn spread_gray(luma: &Tensor, range: YuvRange) -> Tensor {
    match range {
        YuvRange::Full => luma.shallow_clone(),
        YuvRange::Limited => {
            let scaled = (luma.to_kind(Kind::Int) - 16) * 255 + 109;
            scaled.divide_scalar_mode(219, "floor").clamp(0, 255).to_kind(Kind::Uint8)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Colorimetry, Plane, YuvMatrix, rgb};

    /// Random bytes, with padding behind each row.
    fn planes(format: PixelFormat, width: u32, height: u32) -> Vec<(Vec<u8>, usize)> {
        let mut state = 12345u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let mut plane = |index| {
            let (row_bytes, rows) = format.plane_extent(index, width, height);
            let stride = row_bytes + 5;
            ((0..stride * rows).map(|_| random()).collect(), stride)
        };
        (0..format.plane_count()).map(&mut plane).collect()
    }

    #[test]
    fn every_format_is_converted_as_on_the_host() {
        let mut colorimetries = Vec::new();
        for matrix in [YuvMatrix::Bt601, YuvMatrix::Bt709, YuvMatrix::Bt2020] {
            colorimetries.extend([YuvRange::Limited, YuvRange::Full].map(|range| Colorimetry { matrix, range }));
        }
        let (mut staging, mut expected) = (Vec::new(), Vec::new());
        for format in PixelFormat::ALL {
            for (width, height) in [(8, 6), (7, 5), (1, 1)] {
                for colorimetry in &colorimetries {
                    let owned = planes(format, width, height);
                    let planes = owned.iter().map(|(bytes, stride)| Plane { bytes, stride: *stride }).collect();
                    let frame = Frame::new(format, (width, height), *colorimetry, planes).unwrap();
                    rgb::to_rgb(&frame, &mut expected);
                    let ours = to_rgb(&frame, &mut staging, Device::Cpu);
                    assert_eq!(ours.size(), [1, 3, i64::from(height), i64::from(width)]);
                    let packed = ours.permute([0, 2, 3, 1]).contiguous().view(-1);
                    let packed = Vec::<u8>::try_from(packed).unwrap();
                    assert_eq!(packed, expected, "{format:?} {width}x{height} {colorimetry:?}");
                }
            }
        }
    }
}
