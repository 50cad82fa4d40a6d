//! DAVIS: a folder with an indexed PNG for each frame, whose values are ids.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use super::failure::{cannot_open, cannot_write};
use super::shape::Shaped;
use super::spool::beside;
use crate::error::Result;
use crate::rle::Rle;

/// Values that stand for objects: 0 is background, 255 void.
const VALUES: u64 = 254;

/// A folder that is written.
#[derive(Debug)]
pub(super) struct Pictures {
    folder: PathBuf,
    palette: Vec<u8>,
}

/// The value of an id: `1 + (id - 1) mod 254`.
fn value_of(id: u64) -> u8 {
    (1 + id.wrapping_sub(1) % VALUES) as u8
}

impl Pictures {
    /// Makes the folder where it is not there; pictures in it are replaced one by one.
    pub(super) fn create(folder: &Path) -> Result<Self> {
        if !folder.is_dir() {
            std::fs::create_dir(folder).map_err(|error| cannot_open(folder, &error))?;
        }
        let trial = folder.join("writable.new");
        let tried = File::create(&trial).and_then(|_| std::fs::remove_file(&trial));
        tried.map_err(|error| cannot_open(folder, &error))?;
        Ok(Self { folder: folder.into(), palette: palette() })
    }

    /// Writes the picture of a frame; it gets its name when it is whole.
    pub(super) fn write(&self, shaped: &Shaped<'_>) -> Result<()> {
        let (size, values) = paint(shaped);
        let path = self.folder.join(format!("{:05}.png", shaped.shot.frame));
        let new = beside(&path, "new");
        let written = self.encode(&new, size, &values).and_then(|()| std::fs::rename(&new, &path));
        written.map_err(|error| {
            let _ = std::fs::remove_file(&new);
            cannot_write(&path, &error)
        })
    }

    fn encode(&self, path: &Path, (width, height): (u32, u32), values: &[u8]) -> io::Result<()> {
        let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), width, height);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_palette(&self.palette[..]);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header().map_err(io_error)?;
        writer.write_image_data(values).map_err(io_error)?;
        writer.finish().map_err(io_error)
    }
}

/// The system's own error where there is one: its kind tells a full disk.
fn io_error(error: png::EncodingError) -> io::Error {
    match error {
        png::EncodingError::IoError(error) => error,
        other => io::Error::other(other),
    }
}

/// The values of a frame, first row first; the best score lies on top. Without objects as large as the frame.
fn paint(shaped: &Shaped<'_>) -> ((u32, u32), Vec<u8>) {
    let first = shaped.shapes.iter().find_map(|shape| shape.rle.as_ref());
    let (width, height) = first.map_or(shaped.shot.size, |rle| (rle.width(), rle.height()));
    let mut values = vec![0; width as usize * height as usize];
    let drawn: Vec<(u64, &Rle)> =
        shaped.numbered().filter_map(|(id, _, shape)| Some((id, shape.rle.as_ref()?))).collect();
    for (id, rle) in drawn.into_iter().rev().filter(|(_, rle)| (rle.width(), rle.height()) == (width, height)) {
        let value = value_of(id);
        for position in rle.spans().flat_map(|(first, end)| first as usize..end as usize) {
            values[position % height as usize * width as usize + position / height as usize] = value;
        }
    }
    ((width, height), values)
}

/// The colours that DAVIS and PASCAL VOC give to numbers: bits 0, 1, 2 of a number are the highest of red, green, blue.
fn palette() -> Vec<u8> {
    let channel = |number: u32, channel: u32| {
        (0..3).fold(0u8, |value, step| {
            let bit = number >> (3 * step + channel) & 1;
            value | (bit << (7 - step)) as u8
        })
    };
    (0..256).flat_map(|number| [0, 1, 2].map(|which| channel(number, which))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_colours_of_davis() {
        let palette = palette();
        let color = |number: usize| &palette[3 * number..][..3];
        assert_eq!([color(0), color(1), color(2), color(3)], [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]);
        assert_eq!([color(8), color(22), color(255)], [[64, 0, 0], [0, 192, 128], [224, 224, 192]]);
    }

    #[test]
    fn ids_beyond_the_values_begin_again() {
        assert_eq!([1, 254, 255, 508, 509].map(value_of), [1, 254, 1, 254, 1]);
    }
}
