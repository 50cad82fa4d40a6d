//! One component of a picture, such as Cb, row by row as plain numbers, wherever the format keeps it.

use super::canvas::deep_shift;
use super::passes::{Grid, Pass, Slot, color_passes};
use super::vectors::vectorized;
use crate::frame::{PixelFormat, TEN_BITS};

/// Where a component's samples stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Component {
    pub(super) plane: usize,
    /// Of the passes that paint the format the one that paints this component.
    pub(super) pass_index: usize,
    /// Position of the first sample in a row and from one to the next, counted in samples.
    offset: usize,
    step: usize,
    /// Columns and rows of the frame for each of its own.
    pub(super) pixels_per_sample: [usize; 2],
    deep_shift: Option<u32>,
}

/// The components of a format in the order of its inks: red, green, blue or Y', Cb, Cr.
pub(super) fn components(format: PixelFormat) -> impl Iterator<Item = Component> {
    (0..3).filter_map(move |index| component(format, index))
}

fn component(format: PixelFormat, index: usize) -> Option<Component> {
    color_passes(format).iter().enumerate().find_map(|(pass_index, pass)| {
        let count = pass.slots[0].len();
        let offset = pass.slots.iter().copied().flatten().position(|slot| *slot == Slot::Ink(index))?;
        let (step, pixels_per_sample) = match pass.grid {
            Grid::Full => (count, [1, 1]),
            Grid::HalfColumns => (count, [2, 1]),
            Grid::HalfColumnsTwice => (2 * count, [2, 1]),
            Grid::HalfBoth => (count, [2, 2]),
        };
        Some(Component {
            plane: pass.plane,
            pass_index,
            offset,
            step,
            pixels_per_sample,
            deep_shift: deep_shift(format),
        })
    })
}

impl Component {
    /// The grid of alphas that has one for each sample.
    pub(super) fn grid(&self) -> Grid {
        match self.pixels_per_sample {
            [1, _] => Grid::Full,
            [_, 1] => Grid::HalfColumns,
            _ => Grid::HalfBoth,
        }
    }

    /// True when `pass`, one of the format's, paints this component.
    pub(super) fn is_painted_by(&self, pass: &Pass) -> bool {
        // Packed formats have a pass for luma and one for chroma on one plane.
        self.plane == pass.plane && (pass.grid == Grid::Full) == (self.pixels_per_sample[0] == 1)
    }

    /// Its samples in a row of a frame `frame_width` wide.
    pub(super) fn columns(&self, frame_width: u32) -> usize {
        (frame_width as usize).div_ceil(self.pixels_per_sample[0])
    }

    /// Reads the component's samples of `row`, a row of its plane, into `values`.
    pub(super) fn read(&self, row: &[u8], values: &mut [u16]) {
        read(self, row, values);
    }

    /// Writes `values` to where the component stands in `row`.
    pub(super) fn write(&self, row: &mut [u8], values: &[u16]) {
        write(self, row, values);
    }
}

vectorized! {
    fn read(component: &Component, row: &[u8], values: &mut [u16]) {
        let bytes = &row[component.offset..];
        match (component.deep_shift, component.step) {
            (Some(shift), _) => {
                let words = row.as_chunks::<2>().0[component.offset..].iter().step_by(component.step);
                values.iter_mut().zip(words).for_each(|(value, word)| *value = u16::from_le_bytes(*word) >> shift & TEN_BITS);
            }
            (None, 1) => values.iter_mut().zip(bytes).for_each(|(value, byte)| *value = u16::from(*byte)),
            (None, 2) => read_each::<2>(bytes, values),
            (None, 3) => read_each::<3>(bytes, values),
            (None, 4) => read_each::<4>(bytes, values),
            (None, step) => {
                let bytes = bytes.iter().step_by(step);
                values.iter_mut().zip(bytes).for_each(|(value, byte)| *value = u16::from(*byte));
            }
        }
    }
}

/// Reads the first of each `STEP` bytes.
#[inline(always)]
fn read_each<const STEP: usize>(bytes: &[u8], values: &mut [u16]) {
    let (whole, rest) = bytes.as_chunks::<STEP>();
    values.iter_mut().zip(whole).for_each(|(value, bytes)| *value = u16::from(bytes[0]));
    if let (Some(value), Some(byte)) = (values.get_mut(whole.len()), rest.first()) {
        *value = u16::from(*byte);
    }
}

vectorized! {
    fn write(component: &Component, row: &mut [u8], values: &[u16]) {
        match (component.deep_shift, component.step) {
            (Some(shift), step) => {
                let words = row.as_chunks_mut::<2>().0[component.offset..].iter_mut().step_by(step);
                words.zip(values).for_each(|(word, value)| *word = (*value << shift).to_le_bytes());
            }
            (None, 1) => row.iter_mut().zip(values).for_each(|(byte, value)| *byte = *value as u8),
            (None, 2) => write_each::<2>(&mut row[component.offset..], values),
            (None, 3) => write_each::<3>(&mut row[component.offset..], values),
            (None, 4) => write_each::<4>(&mut row[component.offset..], values),
            (None, step) => {
                let bytes = row[component.offset..].iter_mut().step_by(step);
                bytes.zip(values).for_each(|(byte, value)| *byte = *value as u8);
            }
        }
    }
}

/// Writes the first of each `STEP` bytes.
#[inline(always)]
fn write_each<const STEP: usize>(bytes: &mut [u8], values: &[u16]) {
    let (whole, rest) = bytes.as_chunks_mut::<STEP>();
    let count = whole.len();
    whole.iter_mut().zip(values).for_each(|(bytes, value)| bytes[0] = *value as u8);
    if let (Some(byte), Some(value)) = (rest.first_mut(), values.get(count)) {
        *byte = *value as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_components_do_not_overlap() {
        for format in PixelFormat::ALL {
            let mut written = Vec::new();
            let plane_bytes = |plane: usize| format.plane_extent(plane, 7, 4).0;
            let mut rows: Vec<Vec<u8>> = (0..format.plane_count()).map(|plane| vec![0; plane_bytes(plane)]).collect();
            for (index, component) in components(format).enumerate() {
                let values: Vec<u16> = (0..component.columns(7)).map(|x| (50 * index + x + 1) as u16).collect();
                component.write(&mut rows[component.plane], &values);
                written.push((component, values));
            }
            assert_eq!(written.len(), if format == PixelFormat::Gray8 { 1 } else { 3 }, "{format:?}");
            for (component, values) in written {
                let mut read = vec![0; values.len()];
                component.read(&rows[component.plane], &mut read);
                let painters = color_passes(format).iter().filter(|pass| component.is_painted_by(pass));
                assert_eq!(painters.collect::<Vec<_>>(), [&color_passes(format)[component.pass_index]]);
                assert_eq!(read, values, "{format:?} {component:?}");
            }
        }
    }
}
