//! The contact sheet: a grid of annotated frames, evenly spread over the input.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

const COLUMNS: usize = 4;
const MOST_CELLS: usize = 12;
const GAP_IN_PIXELS: usize = 6;
const BACKGROUND: u8 = 24;

/// Frames of one size, packed RGB. Keeps at most twice the cells of the sheet: when there are more, every other one
/// goes and the distance between kept frames doubles.
pub struct Sheet {
    width: usize,
    height: usize,
    distance: u64,
    seen: u64,
    frames: Vec<Vec<u8>>,
}

impl Sheet {
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, distance: 1, seen: 0, frames: Vec::new() }
    }

    /// Looks at one frame: rows of `stride` bytes.
    pub fn add(&mut self, bytes: &[u8], stride: usize) {
        if self.seen.is_multiple_of(self.distance) {
            let rows = bytes.chunks(stride).take(self.height);
            self.frames.push(rows.flat_map(|row| row[..3 * self.width].iter().copied()).collect());
            if self.frames.len() > 2 * MOST_CELLS {
                let mut index = 0;
                self.frames.retain(|_| {
                    index += 1;
                    index % 2 == 1
                });
                self.distance *= 2;
            }
        }
        self.seen += 1;
    }

    /// Writes the sheet as PNG; nothing when there was no frame.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        let failed = |error: &dyn std::fmt::Display| format!("{} cannot be written: {error}", path.display());
        let cells = self.cells();
        if cells.is_empty() {
            return Ok(());
        }
        let columns = COLUMNS.min(cells.len());
        let rows = cells.len().div_ceil(columns);
        let width = columns * (self.width + GAP_IN_PIXELS) + GAP_IN_PIXELS;
        let height = rows * (self.height + GAP_IN_PIXELS) + GAP_IN_PIXELS;
        let mut picture = vec![BACKGROUND; 3 * width * height];
        for (index, cell) in cells.iter().enumerate() {
            let x = GAP_IN_PIXELS + (index % columns) * (self.width + GAP_IN_PIXELS);
            let y = GAP_IN_PIXELS + (index / columns) * (self.height + GAP_IN_PIXELS);
            for (row, pixels) in cell.chunks_exact(3 * self.width).enumerate() {
                picture[3 * ((y + row) * width + x)..][..3 * self.width].copy_from_slice(pixels);
            }
        }
        let file = File::create(path).map_err(|error| failed(&error))?;
        let mut encoder = png::Encoder::new(BufWriter::new(file), width as u32, height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().map_err(|error| failed(&error))?;
        writer.write_image_data(&picture).map_err(|error| failed(&error))
    }

    /// The kept frames that the sheet shows, evenly spread.
    fn cells(&self) -> Vec<&[u8]> {
        let count = self.frames.len().min(MOST_CELLS);
        (0..count).map(|index| &*self.frames[index * self.frames.len() / count]).collect()
    }
}
