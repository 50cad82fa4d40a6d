//! Each effect in each format, compared with a plain one-sample-at-a-time reference.

use super::*;
use crate::composite::canvas::deep_shift;
use crate::composite::samples::components;
use crate::composite::style::{Edges, Region as Where};
use crate::composite::tests::{Picture, disc, objects};
use crate::frame::{Colorimetry, PixelFormat, YuvMatrix, YuvRange};
use crate::objects::Objects;

pub(super) const SIZE: (u32, u32) = (61, 37);

/// A component as a plain picture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plain {
    pub(super) values: Vec<Vec<u16>>,
    pub(super) pixels_per_sample: [usize; 2],
}

pub(super) fn noise(format: PixelFormat, size: (u32, u32)) -> Picture {
    let mut picture = Picture::new(format, size);
    let mut state = 1u32;
    for (plane, (bytes, stride)) in picture.planes.iter_mut().enumerate() {
        let (row_bytes, rows) = format.plane_extent(plane, size.0, size.1);
        for y in 0..rows {
            for byte in &mut bytes[y * *stride..][..row_bytes] {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = (state >> 24) as u8;
            }
            if let Some(shift) = deep_shift(format) {
                for word in bytes[y * *stride..][..row_bytes].as_chunks_mut::<2>().0 {
                    *word = ((u16::from_le_bytes(*word) & 1023) << shift).to_le_bytes();
                }
            }
        }
    }
    picture
}

pub(super) fn plain(picture: &Picture) -> Vec<Plain> {
    let of = |component: crate::composite::samples::Component| {
        let rows = (picture.size.1 as usize).div_ceil(component.pixels_per_sample[1]);
        let row = |y| {
            let mut values = vec![0; component.columns(picture.size.0)];
            component.read(picture.row(component.plane, y), &mut values);
            values
        };
        Plain { values: (0..rows).map(row).collect(), pixels_per_sample: component.pixels_per_sample }
    };
    components(picture.format).map(of).collect()
}

/// The region's alphas for each pixel.
pub(super) fn alphas(found: &Objects, style: &Style, (width, height): (u32, u32)) -> Vec<Vec<u8>> {
    let (mut region, mut canvas) = (Region::default(), Canvas::default());
    let territory = region.measure(found.into(), style, [width, height], 0.0);
    let row = |y: u32| {
        canvas.cover([width, height], &territory, y / 2 * 2);
        canvas.rows.row_mut((y % 2) as usize)[..width as usize].to_vec()
    };
    (0..height).map(row).collect()
}

/// The alpha of one sample: the rounded mean of its pixels; beyond the frame its border goes on.
pub(super) fn alpha_of(alphas: &[Vec<u8>], [columns, rows]: [usize; 2], x: usize, y: usize) -> u32 {
    let at = |x: usize, y: usize| u32::from(alphas[y.min(alphas.len() - 1)][x.min(alphas[0].len() - 1)]);
    let sum: u32 = (0..rows)
        .flat_map(|dy| (0..columns).map(move |dx| (dx, dy)))
        .map(|(dx, dy)| at(x * columns + dx, y * rows + dy))
        .sum();
    let count = (columns * rows) as u32;
    (sum + count / 2) / count
}

fn mixed(old: u16, new: u16, alpha: u32, opacity: u8) -> u16 {
    let alpha = (alpha * u32::from(opacity) + 127) / 255;
    ((u32::from(old) * (255 - alpha) + u32::from(new) * alpha + 127) / 255) as u16
}

/// What `effect` (component, old value, column, row) makes of the region.
pub(super) fn expected(
    before: &[Plain],
    alphas: &[Vec<u8>],
    opacity: u8,
    effect: impl Fn(usize, u16, usize, usize) -> u16,
) -> Vec<Plain> {
    let mut after = before.to_vec();
    for (index, plain) in after.iter_mut().enumerate() {
        let pixels = plain.pixels_per_sample;
        for (y, row) in plain.values.iter_mut().enumerate() {
            for (x, value) in row.iter_mut().enumerate() {
                *value = mixed(*value, effect(index, *value, x, y), alpha_of(alphas, pixels, x, y), opacity);
            }
        }
    }
    after
}

pub(super) fn soft_disc() -> Objects {
    objects(vec![disc("dog", [0.45, 0.5], 0.2, 61.0 / 37.0)])
}

/// Both regions of a style, in every format: format, style, picture before, its components, the region's alphas.
fn for_all(style: &Style, check: impl Fn(&Style, &Picture, &[Plain], &[Vec<u8>])) {
    let found = soft_disc();
    for region in [Where::Inside, Where::Outside] {
        let style = Style { region, edges: Edges { feather: 5.0, ..Edges::default() }, ..style.clone() };
        let alphas = alphas(&found, &style, SIZE);
        for format in PixelFormat::ALL {
            let mut picture = noise(format, SIZE);
            let before = plain(&picture);
            picture.draw(&found, &style);
            check(&style, &picture, &before, &alphas);
        }
    }
}

#[test]
fn fill_and_dim_are_exact_in_every_format() {
    let color = Rgb { r: 30, g: 160, b: 90 };
    for (mode, color, opacity) in
        [(Mode::Fill, color, 1.0), (Mode::Dim, Rgb::BLACK, 0.6), (Mode::Dim, Rgb::BLACK, 0.25)]
    {
        let style = Style { mode, fill_color: color, amount: Some(opacity), ..Style::default() };
        for_all(&style, |_, picture, before, alphas| {
            let ink = Ink::new(color, opacity, picture.format, picture.colorimetry);
            let expected = expected(before, alphas, ink.opacity, |component, _, _, _| ink.samples[component]);
            assert_eq!(plain(picture), expected, "{mode:?} {:?}", picture.format);
        });
    }
}

#[test]
fn desaturate_is_exact_in_every_format() {
    for_all(&Style { mode: Mode::Desaturate, amount: Some(0.8), ..Style::default() }, |_, picture, before, alphas| {
        let format = picture.format;
        let neutral = if deep_shift(format).is_some() { 512 } else { 128 };
        let grey = |x: usize, y: usize| {
            let [r, g, b] = [0, 1, 2].map(|component| u32::from(before[component].values[y][x]));
            ((13_933 * r + 46_871 * g + 4_732 * b + 32_768) / 65_536) as u16
        };
        let expected = expected(before, alphas, 204, |component, old, x, y| match component {
            _ if format.is_rgb() => grey(x, y),
            0 => old,
            _ => neutral,
        });
        assert_eq!(plain(picture), expected, "{format:?}");
    });
}

/// Mean over a square of pixels, each sample as the region covers it.
fn block_mean(plain: &Plain, alphas: &[Vec<u8>], block_size: usize, x: usize, y: usize) -> u16 {
    let [columns, rows] = plain.pixels_per_sample.map(|pixels| block_size / pixels);
    let (mut sum, mut weights) = (0u64, 0u64);
    for y in (y / rows * rows..(y / rows + 1) * rows).filter(|y| *y < plain.values.len()) {
        for x in (x / columns * columns..(x / columns + 1) * columns).filter(|x| *x < plain.values[0].len()) {
            let weight = u64::from(alpha_of(alphas, plain.pixels_per_sample, x, y) + 1);
            sum += weight * u64::from(plain.values[y][x]);
            weights += weight;
        }
    }
    (sum as f32 / weights as f32).round() as u16
}

#[test]
fn pixelate_is_exact_in_every_format() {
    for (asked, block_size) in [(2, 2), (7, 8), (200, 200)] {
        let style = Style { mode: Mode::Pixelate, block_size: Some(asked), ..Style::default() };
        for_all(&style, |_, picture, before, alphas| {
            let expected = expected(before, alphas, 255, |component, _, x, y| {
                block_mean(&before[component], alphas, block_size, x, y)
            });
            assert_eq!(plain(picture), expected, "{:?} blocks of {asked}", picture.format);
        });
    }
}

/// The standard deviation of the values of a component in the middle of the disc.
fn spread_in_disc(plain: &Plain) -> f64 {
    let [columns, rows] = plain.pixels_per_sample;
    let inside = plain.values[16 / rows..22 / rows].iter().flat_map(|row| &row[22 / columns..32 / columns]);
    let values: Vec<f64> = inside.map(|&value| f64::from(value)).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
}

#[test]
fn blur_smooths_the_region_of_every_format_and_nothing_else() {
    for radius in [1.0, 6.0, 20.0, 500.0] {
        let style = Style { mode: Mode::Blur, radius: Some(radius), ..Style::default() };
        for_all(&style, |style, picture, before, alphas| {
            let after = plain(picture);
            let unchanged = expected(before, alphas, 255, |_, old, _, _| old);
            for (component, (after, unchanged)) in after.iter().zip(&unchanged).enumerate() {
                let format = picture.format;
                for (y, row) in after.values.iter().enumerate() {
                    for (x, value) in row.iter().enumerate() {
                        let is_far = alpha_of(alphas, after.pixels_per_sample, x, y) == 0;
                        assert!(!is_far || *value == unchanged.values[y][x], "{format:?} {component}: {x},{y}");
                    }
                }
                let (was, is) = (spread_in_disc(&before[component]), spread_in_disc(after));
                let kept = if radius < 2.0 { 0.95 } else { 0.3 };
                let is_smooth = style.acts_outside() || is < kept * was;
                assert!(is_smooth, "{format:?} {component}, radius {radius}: {was} became {is}");
            }
        });
    }
}

/// Two colours, the object's and the rest's: blurring one of them brings nothing of the other into it.
#[test]
fn what_is_beside_the_region_does_not_bleed_into_it() {
    let found = soft_disc();
    for (region, radius, format) in [
        (Where::Outside, 12.0, PixelFormat::Nv12),
        (Where::Outside, 30.0, PixelFormat::Rgb),
        (Where::Inside, 12.0, PixelFormat::Yuy2),
    ] {
        let style = Style { mode: Mode::Blur, region, radius: Some(radius), ..Style::default() };
        let alphas = alphas(&found, &style, SIZE);
        let mut picture = Picture::new(format, SIZE);
        let mut before = plain(&picture);
        for (component, plain) in components(format).zip(&mut before) {
            let pixels = plain.pixels_per_sample;
            for (y, row) in plain.values.iter_mut().enumerate() {
                for (x, value) in row.iter_mut().enumerate() {
                    *value = if alpha_of(&alphas, pixels, x, y) >= 128 { 60 } else { 190 };
                }
                let (bytes, stride) = &mut picture.planes[component.plane];
                component.write(&mut bytes[y * *stride..], row);
            }
        }
        picture.draw(&found, &style);
        for (component, plain) in plain(&picture).iter().enumerate() {
            for (y, row) in plain.values.iter().enumerate() {
                for (x, value) in row.iter().enumerate() {
                    let alpha = alpha_of(&alphas, plain.pixels_per_sample, x, y);
                    assert!(alpha < 255 || value.abs_diff(60) <= 12, "{format:?} {component} at {x},{y}: {value}");
                }
            }
        }
    }
}

#[test]
fn a_picture_of_one_colour_keeps_it() {
    for size in [(1, 1), (2, 2), (3, 5), (61, 37), (640, 2)] {
        for format in PixelFormat::ALL {
            for radius in [2.0, 9.0, 70.0] {
                for style in [
                    Style { mode: Mode::Blur, radius: Some(radius), region: Where::Outside, ..Style::default() },
                    Style { mode: Mode::Pixelate, region: Where::Outside, ..Style::default() },
                ] {
                    let mut picture = Picture::new(format, size);
                    for component in components(format) {
                        let (bytes, stride) = &mut picture.planes[component.plane];
                        let (row_bytes, _) = format.plane_extent(component.plane, size.0, size.1);
                        let values = vec![100; component.columns(size.0)];
                        bytes.chunks_mut(*stride).for_each(|row| component.write(&mut row[..row_bytes], &values));
                    }
                    let before = plain(&picture);
                    picture.draw(&soft_disc(), &style);
                    assert_eq!(plain(&picture), before, "{format:?} {size:?} {radius} {:?}", style.mode);
                }
            }
        }
    }
}

#[test]
fn the_colorimetrys_range_decides_what_black_is() {
    for (range, black) in [(YuvRange::Limited, 16), (YuvRange::Full, 0)] {
        let mut picture = Picture::new(PixelFormat::Nv12, (16, 16));
        picture.colorimetry = Colorimetry { matrix: YuvMatrix::Bt709, range };
        let style = Style { mode: Mode::Dim, amount: Some(1.0), ..Style::default() };
        picture.draw(&Objects::default(), &style);
        assert_eq!((picture.row(0, 3)[3], picture.row(1, 3)[3]), (black, 128));
    }
}

#[test]
fn a_matte_is_exact_in_every_format_and_black_without_objects() {
    let style = Style { mode: Mode::Matte, ..Style::default() };
    for_all(&style, |_, picture, before, alphas| {
        let ink = |color| Ink::new(color, 1.0, picture.format, picture.colorimetry).samples;
        let (black, white) = (ink(Rgb::BLACK), ink(Rgb::WHITE));
        let mut blackened = before.to_vec();
        for (component, plain) in blackened.iter_mut().enumerate() {
            plain.values.iter_mut().flatten().for_each(|value| *value = black[component]);
        }
        let expected = expected(&blackened, alphas, 255, |component, _, _, _| white[component]);
        assert_eq!(plain(picture), expected, "{:?}", picture.format);
    });
    let mut picture = noise(PixelFormat::I420, SIZE);
    picture.draw(&Objects::default(), &style);
    assert!(
        plain(&picture).iter().zip([16, 128, 128]).all(|(plain, black)| plain
            .values
            .iter()
            .flatten()
            .all(|&v| v == black))
    );
}
