//! What of a picture is inside, row by row: between a mask on its coarse grid and everything that wants whole pixels.
//!
//! The cost of what is done here follows the length of the outline, not the number of pixels.

use std::ops::Range;

use crate::objects::Mask;
use crate::rle::Rle;

/// Spans of columns that are inside, for some rows of a picture; the other rows are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowSpans {
    width: u32,
    height: u32,
    first_row: u32,
    spans: Vec<Range<u32>>,
    row_ends: Vec<usize>,
}

impl RowSpans {
    /// Nothing inside a picture of `width` x `height` pixels; rows are pushed from `first_row` on.
    pub fn begin(&mut self, width: u32, height: u32, first_row: u32) {
        (self.width, self.height, self.first_row) = (width, height, first_row);
        self.spans.clear();
        self.row_ends.clear();
    }

    /// The next row: `add` writes its spans from left to right, inside the picture's width.
    pub fn push_row(&mut self, add: impl FnOnce(&mut RowWriter<'_>)) {
        let first = self.spans.len();
        add(&mut RowWriter { spans: &mut self.spans, first });
        self.row_ends.push(self.spans.len());
    }

    /// The cells of a mask at or above `inside_level`, as a picture of the mask's own size.
    pub fn load_grid(&mut self, mask: &Mask, inside_level: u8) {
        self.begin(mask.width, mask.height, 0);
        for row in mask.bytes().chunks_exact((mask.width as usize).max(1)) {
            self.push_row(|spans| spans.add_inside(row, inside_level.max(1), 0));
        }
    }

    /// Columns of the picture.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows of the picture.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The rows that were pushed, with their spans.
    pub fn rows(&self) -> impl Iterator<Item = (u32, &[Range<u32>])> {
        let starts = std::iter::once(0).chain(self.row_ends.iter().copied());
        let spans = starts.zip(&self.row_ends).map(|(start, &end)| &self.spans[start..end]);
        (self.first_row..).zip(spans)
    }

    /// Pixels inside.
    pub fn area(&self) -> u64 {
        self.spans.iter().map(|span| u64::from(span.end - span.start)).sum()
    }

    /// Columns and rows that hold all that is inside; `None` when nothing is.
    pub fn bounds(&self) -> Option<[Range<u32>; 2]> {
        let left = self.spans.iter().map(|span| span.start).min()?;
        let right = self.spans.iter().map(|span| span.end).max()?;
        let mut filled = self.rows().filter(|(_, spans)| !spans.is_empty()).map(|(y, _)| y);
        let top = filled.next()?;
        let bottom = filled.last().unwrap_or(top) + 1;
        Some([left..right, top..bottom])
    }

    /// The same as COCO's run lengths, which go down the columns.
    pub fn to_rle(&self) -> Rle {
        let mut crossings = Crossings::new(self.width);
        let mut above: &[Range<u32>] = &[];
        for (y, row) in self.rows() {
            crossings.note(y, above, row);
            above = row;
        }
        crossings.note(self.first_row + self.row_ends.len() as u32, above, &[]);
        Rle::from_crossings(self.width, self.height, &crossings.positions(self.height))
    }
}

/// Takes the spans of one row, from left to right.
#[derive(Debug)]
pub struct RowWriter<'a> {
    spans: &'a mut Vec<Range<u32>>,
    first: usize,
}

impl RowWriter<'_> {
    /// Appends a span, joined with the one before where they touch.
    pub fn add(&mut self, span: Range<u32>) {
        match self.spans[self.first..].last_mut() {
            Some(last) if last.end == span.start => last.end = span.end,
            _ if span.is_empty() => {}
            _ => self.spans.push(span),
        }
    }

    /// Appends the stretches of `values` at or above `inside_level`, which stand from column `left` on.
    pub fn add_inside(&mut self, values: &[u8], inside_level: u8, left: u32) {
        let mut x = 0;
        while let Some(start) = values[x..].iter().position(|&value| value >= inside_level).map(|step| x + step) {
            let length = values[start..].iter().position(|&value| value < inside_level);
            let end = length.map_or(values.len(), |length| start + length);
            self.add(left + start as u32..left + end as u32);
            x = end;
        }
    }
}

/// Pixel edges between inside and outside, going down the columns.
struct Crossings {
    /// Row, and columns that differ from the row above.
    changes: Vec<(u32, Range<u32>)>,
    /// For each column the difference of its number of crossings to the column before.
    steps: Vec<i32>,
}

impl Crossings {
    fn new(width: u32) -> Self {
        Self { changes: Vec::new(), steps: vec![0; width as usize + 1] }
    }

    /// Row `y` has other spans than the row above where exactly one of them is inside.
    fn note(&mut self, y: u32, above: &[Range<u32>], row: &[Range<u32>]) {
        let (mut above, mut row) = (edges(above).peekable(), edges(row).peekable());
        let mut start = None;
        loop {
            let edge = match (above.peek().copied(), row.peek().copied()) {
                (None, None) => return,
                (Some(upper), Some(lower)) if upper == lower => {
                    above.next();
                    row.next();
                    continue;
                }
                (Some(upper), lower) if lower.is_none_or(|lower| upper < lower) => {
                    above.next();
                    upper
                }
                (_, lower) => {
                    row.next();
                    lower.unwrap_or_default()
                }
            };
            match start.take() {
                None => start = Some(edge),
                Some(start) => {
                    self.steps[start as usize] += 1;
                    self.steps[edge as usize] -= 1;
                    self.changes.push((y, start..edge));
                }
            }
        }
    }

    /// Positions of all crossings, counted down the columns, in ascending order.
    fn positions(&self, height: u32) -> Vec<u32> {
        let mut next_of_column = Vec::with_capacity(self.steps.len());
        let (mut total, mut in_column) = (0usize, 0i32);
        for step in &self.steps {
            in_column += step;
            next_of_column.push(total);
            total += in_column as usize;
        }
        let mut positions = vec![0; total];
        for (y, columns) in &self.changes {
            for x in columns.clone() {
                let next = &mut next_of_column[x as usize];
                positions[*next] = x * height + y;
                *next += 1;
            }
        }
        positions
    }
}

fn edges(spans: &[Range<u32>]) -> impl Iterator<Item = u32> {
    spans.iter().flat_map(|span| [span.start, span.end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(rows: &[&str]) -> Mask {
        let values: Vec<u8> =
            rows.iter().flat_map(|row| row.bytes().map(|b| if b == b'#' { 200 } else { 9 })).collect();
        Mask::new(rows[0].len() as u32, rows.len() as u32, values).unwrap()
    }

    fn check(rows: &[&str]) {
        let mask = grid(rows);
        let mut spans = RowSpans::default();
        spans.load_grid(&mask, 128);
        let inside: Vec<bool> = mask.bytes().iter().map(|&value| value >= 128).collect();
        let expected = Rle::from_pixels(mask.width, mask.height, &inside);
        assert_eq!(spans.to_rle(), expected, "{rows:?}");
        assert_eq!(spans.area(), expected.area());
    }

    #[test]
    fn run_lengths_are_those_of_the_pixels() {
        check(&["...", "..."]);
        check(&["###", "###"]);
        check(&["##.", "#.."]);
        check(&["#.#", ".#.", "#.#"]);
        check(&["#..#", "#..#", "####", ".##."]);
        check(&["......", ".####.", ".#..#.", ".####.", "......"]);
    }

    #[test]
    fn run_lengths_of_noise_are_those_of_the_pixels() {
        let mut state = 1u32;
        for size in [(7usize, 5usize), (1, 9), (9, 1), (31, 17)] {
            let row = |state: &mut u32| -> String {
                let mut pixel = || {
                    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    if *state >> 31 == 1 { '#' } else { '.' }
                };
                (0..size.0).map(|_| pixel()).collect()
            };
            let rows: Vec<String> = (0..size.1).map(|_| row(&mut state)).collect();
            check(&rows.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }

    #[test]
    fn bounds_hold_what_is_inside() {
        let mut spans = RowSpans::default();
        spans.load_grid(&grid(&["....", ".##.", "...#", "...."]), 128);
        assert_eq!(spans.bounds(), Some([1..4, 1..3]));
        spans.load_grid(&grid(&["..", ".."]), 128);
        assert_eq!(spans.bounds(), None);
    }
}
