//! Pictures whose pixel values are labels: PNG, indexed or grey.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::unjudgeable::{Attempt, Unjudgeable};

const REMEDY: &str =
    "Save labels as an indexed or grey PNG with 8 bits or fewer, one value for each object, 0 for background";

/// The truth about one frame: a label for each pixel, 0 for background.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelPicture {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `width * height` labels, first row first.
    pub labels: Vec<u8>,
}

impl LabelPicture {
    /// Reads a PNG; colours of its palette mean nothing here.
    ///
    /// # Errors
    /// When the file cannot be read, is no PNG, or has colours instead of labels.
    pub fn read(path: &Path) -> Attempt<Self> {
        let failed = |error: &dyn std::fmt::Display| Unjudgeable::new(path, error, REMEDY);
        let file = File::open(path).map_err(|error| failed(&error))?;
        let mut decoder = png::Decoder::new(BufReader::new(file));
        decoder.set_transformations(png::Transformations::IDENTITY);
        let mut reader = decoder.read_info().map_err(|error| failed(&error))?;
        let mut bytes = vec![0; reader.output_buffer_size().ok_or_else(|| failed(&"the picture is too large"))?];
        let info = reader.next_frame(&mut bytes).map_err(|error| failed(&error))?;
        let bits = match (info.color_type, info.bit_depth) {
            (png::ColorType::Indexed | png::ColorType::Grayscale, depth) if depth != png::BitDepth::Sixteen => {
                depth as u8
            }
            (color, depth) => return Err(failed(&format!("the picture is {color:?} with {} bits", depth as u8))),
        };
        let rows = bytes.chunks_exact(info.line_size).take(info.height as usize);
        let labels = rows.flat_map(|row| unpacked(row, bits).take(info.width as usize)).collect();
        Ok(Self { width: info.width, height: info.height, labels })
    }

    /// Pixels with `label`.
    pub fn area(&self, label: u8) -> usize {
        self.labels.iter().filter(|&&found| found == label).count()
    }
}

/// Values of `bits` bits each, the highest bits first.
fn unpacked(row: &[u8], bits: u8) -> impl Iterator<Item = u8> {
    let mask = u8::MAX >> (8 - bits);
    row.iter().flat_map(move |&byte| (0..8 / bits).rev().map(move |place| byte >> (place * bits) & mask))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_values_share_a_byte() {
        assert_eq!(unpacked(&[0b1011_0001], 2).collect::<Vec<_>>(), [2, 3, 0, 1]);
        assert_eq!(unpacked(&[0b1011_0001], 1).collect::<Vec<_>>(), [1, 0, 1, 1, 0, 0, 0, 1]);
        assert_eq!(unpacked(&[7, 255], 8).collect::<Vec<_>>(), [7, 255]);
    }
}
