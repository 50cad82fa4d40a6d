//! Masks without specks and holes: what [`Edges`] asks for on the mask's own grid, before an edge is drawn through it.

use std::ops::Range;

use super::cells::Cells;
use super::style::Edges;

/// Cleans masks; kept from frame to frame so that its memory is used again.
#[derive(Debug, Default)]
pub(super) struct Cleaner {
    values: Vec<u8>,
    is_seen: Vec<bool>,
    /// Cells of the connected part that is being walked, in the order they were found.
    part: Vec<u32>,
}

/// The smallest window that holds every cell inside.
#[derive(Debug, Clone, PartialEq)]
struct Window {
    columns: Range<usize>,
    rows: Range<usize>,
}

impl Cleaner {
    /// `cells` without parts that are too small and without holes, as far as `edges` asks for it.
    ///
    /// Holes are filled first, so that a ring counts with all that it encloses. The time follows the size of the window
    /// around what is inside.
    pub(super) fn clean<'a>(&'a mut self, cells: Cells<'a>, inside_level: u8, edges: &Edges) -> Cells<'a> {
        let inside_level = inside_level.max(1);
        let fewest_cells = (edges.min_area * cells.width as f32 * cells.height as f32).ceil() as usize;
        if !edges.fill_holes && fewest_cells <= 1 {
            return cells;
        }
        let Some([columns, rows]) = cells.inside_extent(inside_level) else { return cells };
        let window = Window { columns, rows };
        self.values.clear();
        self.values.extend_from_slice(cells.values);
        let width = cells.width as usize;
        if edges.fill_holes {
            self.fill_holes(width, &window, inside_level);
        }
        if fewest_cells > 1 {
            self.remove_specks(width, &window, inside_level, fewest_cells);
        }
        Cells { values: &self.values, ..cells }
    }

    /// Fills what is outside and not connected, side by side, with the window's border.
    fn fill_holes(&mut self, width: usize, window: &Window, inside_level: u8) {
        self.forget();
        let (last_x, last_y) = (window.columns.end - 1, window.rows.end - 1);
        for y in window.rows.clone() {
            for x in window.columns.clone() {
                let is_border = x == window.columns.start || x == last_x || y == window.rows.start || y == last_y;
                if is_border && !self.is_seen[y * width + x] && self.values[y * width + x] < inside_level {
                    self.walk(width, window, y * width + x, false, |value| value < inside_level);
                }
            }
        }
        for y in window.rows.clone() {
            for index in y * width + window.columns.start..y * width + window.columns.end {
                if !self.is_seen[index] && self.values[index] < inside_level {
                    self.values[index] = u8::MAX;
                }
            }
        }
    }

    /// Empties the parts that have fewer cells; cells that touch at a corner are one part.
    fn remove_specks(&mut self, width: usize, window: &Window, inside_level: u8, fewest_cells: usize) {
        self.forget();
        for y in window.rows.clone() {
            for index in y * width + window.columns.start..y * width + window.columns.end {
                if self.is_seen[index] || self.values[index] < inside_level {
                    continue;
                }
                self.walk(width, window, index, true, |value| value >= inside_level);
                if self.part.len() < fewest_cells {
                    self.part.iter().for_each(|&cell| self.values[cell as usize] = 0);
                }
            }
        }
    }

    fn forget(&mut self) {
        self.is_seen.clear();
        self.is_seen.resize(self.values.len(), false);
    }

    /// Finds the part around the cell `start` whose values `belongs` accepts.
    fn walk(&mut self, width: usize, window: &Window, start: usize, by_corners: bool, belongs: impl Fn(u8) -> bool) {
        let Self { values, is_seen, part } = self;
        part.clear();
        part.push(start as u32);
        is_seen[start] = true;
        let mut next = 0;
        while let Some(&cell) = part.get(next) {
            next += 1;
            let (x, y) = (cell as usize % width, cell as usize / width);
            let near = |at: usize, range: &Range<usize>| at.max(range.start + 1) - 1..(at + 2).min(range.end);
            for near_y in near(y, &window.rows) {
                for near_x in near(x, &window.columns) {
                    let index = near_y * width + near_x;
                    let is_neighbour = by_corners || near_x == x || near_y == y;
                    if is_neighbour && !is_seen[index] && belongs(values[index]) {
                        is_seen[index] = true;
                        part.push(index as u32);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws a mask: `#` is inside.
    fn cleaned(picture: &[&str], edges: Edges) -> Vec<String> {
        let width = picture[0].len();
        let values: Vec<u8> = picture.concat().bytes().map(|cell| if cell == b'#' { 200 } else { 40 }).collect();
        let cells = Cells { width: width as u32, height: picture.len() as u32, values: &values };
        let mut cleaner = Cleaner::default();
        let cleaned = cleaner.clean(cells, 128, &edges);
        let drawn = |row: &[u8]| row.iter().map(|&value| if value >= 128 { '#' } else { '.' }).collect();
        cleaned.values.chunks(width).map(drawn).collect()
    }

    const RING_AND_SPECK: [&str; 6] = [
        "..........", //
        ".####...#.", //
        ".#..#.....", //
        ".#..#...#.", //
        ".####....#", //
        "..........",
    ];

    #[test]
    fn holes_are_filled_and_bays_are_not() {
        let fill = Edges { fill_holes: true, ..Edges::default() };
        let filled = cleaned(&RING_AND_SPECK, fill);
        assert_eq!(filled[2..4], [".####.....", ".####...#."]);
        let bay = ["#####", "#...#", "#.###", "#.###"];
        assert_eq!(cleaned(&bay, fill), bay, "open at the grid's border");
        let leak_at_a_corner = ["####.", "#..#.", "###.#", "..###"];
        assert_eq!(cleaned(&leak_at_a_corner, fill)[1], "####.", "corners do not let the outside in");
    }

    #[test]
    fn specks_go_and_parts_that_touch_at_corners_count_together() {
        let smaller_than = |cells: f32| Edges { min_area: cells / 60.0, ..Edges::default() };
        let without = cleaned(&RING_AND_SPECK, smaller_than(1.5));
        assert_eq!((without[1].as_str(), without[3].as_str()), (".####.....", ".#..#...#."));
        let without = cleaned(&RING_AND_SPECK, smaller_than(3.0));
        assert_eq!(without[3..5], [".#..#.....", ".####....."]);
        assert!(cleaned(&RING_AND_SPECK, smaller_than(13.0)).concat().bytes().all(|cell| cell == b'.'));
    }

    #[test]
    fn a_ring_counts_with_what_it_encloses() {
        let edges = Edges { fill_holes: true, min_area: 15.5 / 60.0, ..Edges::default() };
        assert_eq!(cleaned(&RING_AND_SPECK, edges)[2], ".####.....");
    }

    #[test]
    fn nothing_asked_for_copies_nothing() {
        let values = [200, 0, 0, 0];
        let cells = Cells { width: 2, height: 2, values: &values };
        let mut cleaner = Cleaner::default();
        assert_eq!(cleaner.clean(cells, 128, &Edges::default()).values.as_ptr(), values.as_ptr());
        assert!(cleaner.values.is_empty());
    }
}
