//! Blocks of one colour each: the mean of what they hold of the region.

use super::super::canvas::Source;
use super::super::passes::{Grid, Pass};
use super::shrink::Shrunk;
use crate::composite::samples::Component;

/// A frame in blocks; rows are made once for each row of blocks.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    block_size: usize,
    columns: usize,
    frame_width: u32,
    components: [Option<Component>; 3],
    /// Means, each component on a plane of its own.
    planes: [Vec<u16>; 3],
    values: Vec<u16>,
    plane_rows: [PlaneRow; 3],
}

/// The last row that was made for a pass.
#[derive(Debug, Default)]
struct PlaneRow {
    block_row: usize,
    /// All components of the row are there; only then it may be used again.
    is_whole: bool,
    bytes: Vec<u8>,
}

impl Blocks {
    /// Takes the means of the cells of `shrunk`.
    pub(super) fn take(&mut self, shrunk: &Shrunk) {
        (self.block_size, self.columns, self.frame_width) = (shrunk.cell_size, shrunk.columns, shrunk.frame_width);
        self.plane_rows.iter_mut().for_each(|row| row.is_whole = false);
        for (index, component) in shrunk.lanes.components.iter().enumerate() {
            self.components[index] = component.map(|(component, _)| component);
            let Some((_, [lane, weights])) = component else { continue };
            self.planes[index].clear();
            for row in shrunk.sums.chunks_exact(shrunk.row_length()) {
                let cells = shrunk.cells_of(row, *lane).iter().zip(shrunk.cells_of(row, *weights));
                self.planes[index].extend(cells.map(|(sum, weight)| (sum / weight).round() as u16));
            }
        }
    }
}

impl Source for Blocks {
    fn row(&mut self, pass: &Pass, plane_row: usize, current: &[u8]) -> &[u8] {
        let Self { components, planes, values, plane_rows, .. } = self;
        let is_full = pass.grid == Grid::Full;
        // Packed formats have a pass for luma and one for chroma on one plane.
        let made = &mut plane_rows[if is_full { pass.plane } else { pass.plane.max(1) }];
        made.bytes.resize(current.len(), 0);
        for (component, plane) in components.iter().zip(planes) {
            let Some(component) = component.filter(|component| component.is_painted_by(pass)) else { continue };
            let [block_columns, block_rows] = component.pixels_per_sample.map(|pixels| self.block_size / pixels);
            let block_row = plane_row / block_rows;
            if made.is_whole && made.block_row == block_row {
                break;
            }
            (made.block_row, made.is_whole) = (block_row, false);
            let blocks = &plane[block_row * self.columns..][..self.columns];
            values.resize(component.columns(self.frame_width), 0);
            values.chunks_mut(block_columns).zip(blocks).for_each(|(values, block)| values.fill(*block));
            component.write(&mut made.bytes, values);
        }
        made.is_whole = true;
        &made.bytes
    }
}
