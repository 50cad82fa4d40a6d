//! Golden sheets: every mode in every format, side by side.

use super::tests::{Picture, compare_with_golden, disc, objects};
use super::*;
use crate::frame::rgb::to_rgb;
use crate::frame::{Frame, PixelFormat, Plane};
use crate::objects::Object;
use ink::Ink;
use samples::components;

const TILE: (u32, u32) = (64, 36);

/// Bands and a bright spot, so that blur, blocks and colours are seen.
fn color_at(x: u32, y: u32) -> Rgb {
    let stripe = if (x / 8).is_multiple_of(2) { 40 } else { 0 };
    let spot = (x as i32 - 40).pow(2) + (y as i32 - 20).pow(2) < 30;
    match spot {
        true => Rgb { r: 250, g: 240, b: 60 },
        false => Rgb { r: 60 + 2 * stripe, g: (190 - y / 6 * 18) as u8 - stripe, b: 90 + stripe },
    }
}

/// The picture in a format, every sample that of its pixel or of the first of its pixels.
fn picture(format: PixelFormat) -> Picture {
    let mut picture = Picture::new(format, TILE);
    for (index, component) in components(format).enumerate() {
        let [columns, rows] = component.pixels_per_sample;
        for row in 0..TILE.1 as usize / rows {
            let sample = |column: usize| {
                let color = color_at((column * columns) as u32, (row * rows) as u32);
                Ink::new(color, 1.0, format, picture.colorimetry).samples[index]
            };
            let values: Vec<u16> = (0..component.columns(TILE.0)).map(sample).collect();
            let stride = picture.planes[component.plane].1;
            let bytes = format.plane_extent(component.plane, TILE.0, TILE.1).0;
            component.write(&mut picture.planes[component.plane].0[row * stride..][..bytes], &values);
        }
    }
    picture
}

fn rgb_of(picture: &Picture) -> Vec<u8> {
    let planes = picture.planes.iter().map(|(bytes, stride)| Plane { bytes, stride: *stride }).collect();
    let mut rgb = Vec::new();
    to_rgb(&Frame::new(picture.format, TILE, picture.colorimetry, planes).unwrap(), &mut rgb);
    rgb
}

fn style_of(mode: Mode) -> Style {
    let edges = Edges { feather: 3.0, ..Edges::default() };
    let fill_color = Rgb { r: 30, g: 60, b: 160 };
    let radius = matches!(mode, Mode::Blur | Mode::Glow).then_some(6.0);
    let block_size = Some(8);
    Style { mode, edges, labels: false, fill_color, radius, block_size, is_premultiplied: true, ..Style::default() }
}

fn drawn(mode: Mode, format: PixelFormat) -> Vec<u8> {
    let aspect = TILE.0 as f32 / TILE.1 as f32;
    let items = vec![
        disc("dog", [0.38, 0.5], 0.2, aspect),
        Object { prompt_index: 1, ..disc("red car", [0.75, 0.45], 0.12, aspect) },
    ];
    let mut picture = picture(format);
    picture.draw(&objects(items), &style_of(mode));
    rgb_of(&picture)
}

/// Rows of tiles, one pixel apart.
fn sheet(rows: &[Vec<Vec<u8>>]) -> ((u32, u32), Vec<u8>) {
    let (width, height) = (rows[0].len() as u32 * (TILE.0 + 1), rows.len() as u32 * (TILE.1 + 1));
    let mut pixels = vec![255; 3 * (width * height) as usize];
    for (row, tiles) in rows.iter().enumerate() {
        for (column, tile) in tiles.iter().enumerate() {
            for (y, line) in tile.chunks_exact(3 * TILE.0 as usize).enumerate() {
                let at = (row * (TILE.1 as usize + 1) + y) * width as usize + column * (TILE.0 as usize + 1);
                pixels[3 * at..][..line.len()].copy_from_slice(line);
            }
        }
    }
    ((width, height), pixels)
}

#[test]
fn golden_modes_in_every_format() {
    // A row for each format, a column for each mode. Cutouts have black where they are transparent.
    let row = |format: &PixelFormat| Mode::ALL.iter().map(|mode| drawn(*mode, *format)).collect();
    let rows: Vec<Vec<Vec<u8>>> = PixelFormat::ALL.iter().map(row).collect();
    let (size, pixels) = sheet(&rows);
    compare_with_golden("modes.png", size, 3, &pixels);
}
