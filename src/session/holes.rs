//! Small holes are filled and sprinkles removed, on the logits of the mask grid.

use std::ops::Range;

use super::model::MaskLogits;

/// What a filled cell becomes.
const FILLED_LOGIT: f32 = 0.1;
/// What a removed cell becomes.
const REMOVED_LOGIT: f32 = -0.1;

/// Fills background pieces of at most `max_area` cells, then removes foreground pieces of at most
/// `min(max_area, foreground / 2)` cells. Pieces hang together over corners too. 0 changes nothing.
pub fn without_holes_and_sprinkles(mask: &MaskLogits, max_area: u32) -> MaskLogits {
    if max_area == 0 {
        return mask.clone();
    }
    let holes = Pieces::of(mask.values(), mask.side(), |logit| logit <= 0.0);
    let mut filled = mask.values().to_vec();
    let holes_changed = holes.set(&mut filled, max_area as usize, FILLED_LOGIT);
    let sprinkles = Pieces::of(&filled, mask.side(), |logit| logit > 0.0);
    let foreground: usize = sprinkles.runs.iter().map(Range::len).sum();
    let sprinkles_changed = sprinkles.set(&mut filled, (max_area as usize).min(foreground / 2), REMOVED_LOGIT);
    if holes_changed || sprinkles_changed { mask.with_values(filled) } else { mask.clone() }
}

/// Connected pieces, as runs of cells in one row; each run knows the piece it belongs to.
struct Pieces {
    runs: Vec<Range<usize>>,
    /// A run of the same piece, at last one that names itself.
    parents: Vec<usize>,
}

impl Pieces {
    fn of(values: &[f32], side: usize, is_member: impl Fn(f32) -> bool) -> Self {
        let mut pieces = Self { runs: Vec::new(), parents: Vec::new() };
        let mut above = 0..0;
        for row in 0..side {
            let first = pieces.runs.len();
            pieces.add_runs(values, row * side..(row + 1) * side, &is_member);
            let here = first..pieces.runs.len();
            pieces.join_rows(above, here.clone(), side);
            above = here;
        }
        pieces
    }

    fn add_runs(&mut self, values: &[f32], row: Range<usize>, is_member: &impl Fn(f32) -> bool) {
        let mut begin = None;
        for cell in row.clone() {
            match (is_member(values[cell]), begin) {
                (true, None) => begin = Some(cell),
                (false, Some(first)) => {
                    self.add(first..cell);
                    begin = None;
                }
                _ => {}
            }
        }
        if let Some(first) = begin {
            self.add(first..row.end);
        }
    }

    fn add(&mut self, run: Range<usize>) {
        self.parents.push(self.runs.len());
        self.runs.push(run);
    }

    /// Joins runs of neighbouring rows that touch, over corners too.
    fn join_rows(&mut self, above: Range<usize>, here: Range<usize>, side: usize) {
        let mut upper = above.start;
        for lower in here {
            let run = self.runs[lower].clone();
            while upper < above.end && self.runs[upper].end + side < run.start {
                upper += 1;
            }
            let mut touching = upper;
            while touching < above.end && self.runs[touching].start + side <= run.end {
                self.join(touching, lower);
                touching += 1;
            }
        }
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parents[a.max(b)] = a.min(b);
    }

    fn root(&mut self, mut run: usize) -> usize {
        while self.parents[run] != run {
            self.parents[run] = self.parents[self.parents[run]];
            run = self.parents[run];
        }
        run
    }

    /// Sets every cell of the pieces with at most `max_area` cells; true when there was one.
    fn set(mut self, values: &mut [f32], max_area: usize, logit: f32) -> bool {
        let roots: Vec<usize> = (0..self.runs.len()).map(|run| self.root(run)).collect();
        let mut areas = vec![0; self.runs.len()];
        for (run, &root) in self.runs.iter().zip(&roots) {
            areas[root] += run.len();
        }
        let mut is_changed = false;
        for (run, root) in self.runs.into_iter().zip(roots).filter(|(_, root)| areas[*root] <= max_area) {
            debug_assert!(areas[root] > 0);
            values[run].fill(logit);
            is_changed = true;
        }
        is_changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mask of rows: `#` is 2, `.` is -3.
    fn mask(rows: &[&str]) -> MaskLogits {
        let values: Vec<f32> = rows.concat().chars().map(|c| if c == '#' { 2.0 } else { -3.0 }).collect();
        MaskLogits::new(rows.len(), values).unwrap()
    }

    /// `#` inside as it was, `+` filled, `-` removed, `.` outside as it was.
    fn picture(mask: &MaskLogits) -> Vec<String> {
        let sign = |&value: &f32| match value {
            FILLED_LOGIT => '+',
            REMOVED_LOGIT => '-',
            value if value > 0.0 => '#',
            _ => '.',
        };
        mask.values().chunks(mask.side()).map(|row| row.iter().map(sign).collect()).collect()
    }

    #[test]
    fn a_hole_is_filled_up_to_its_area() {
        let ring = mask(&["......", ".####.", ".#..#.", ".####.", "......", "......"]);
        let filled = picture(&without_holes_and_sprinkles(&ring, 2));
        assert_eq!(filled, ["......", ".####.", ".#++#.", ".####.", "......", "......"]);
        assert_eq!(without_holes_and_sprinkles(&ring, 1), ring);
        assert_eq!(without_holes_and_sprinkles(&ring, 0), ring);
    }

    #[test]
    fn corners_connect_the_background_too() {
        let open = mask(&["......", ".####.", ".#.##.", ".##.#.", ".###..", "......"]);
        assert_eq!(without_holes_and_sprinkles(&open, 2), open);
    }

    #[test]
    fn corners_connect_the_foreground() {
        let diagonal = mask(&["#.....", ".#....", "..#...", "...###", "...###", "......"]);
        assert_eq!(without_holes_and_sprinkles(&diagonal, 3), diagonal);
        let apart = mask(&["#.....", ".#....", "......", "...###", "...###", "......"]);
        let cleaned = picture(&without_holes_and_sprinkles(&apart, 3));
        assert_eq!(cleaned, ["-.....", ".-....", "......", "...###", "...###", "......"]);
    }

    #[test]
    fn a_sprinkle_goes_up_to_half_of_the_object_only() {
        let tiny = mask(&["##....", "......", "......", "......", "....##", "......"]);
        assert_eq!(picture(&without_holes_and_sprinkles(&tiny, 16))[0], "--....", "2 of 4 is half");
        let single = mask(&["###...", "......", "......", "......", "....##", "......"]);
        let cleaned = picture(&without_holes_and_sprinkles(&single, 16));
        assert_eq!((cleaned[0].as_str(), cleaned[4].as_str()), ("###...", "....--"));
        let alone = mask(&["......", ".#....", "......", "......", "......", "......"]);
        assert_eq!(without_holes_and_sprinkles(&alone, 16), alone);
    }

    #[test]
    fn sprinkles_are_looked_for_after_holes_were_filled() {
        // The ring with its filled hole has 9 cells, so 4 may go; unfilled it has 8.
        let ring =
            mask(&["###.....", "#.#.....", "###.....", "........", "......#.", "......##", "......#.", "........"]);
        let cleaned = picture(&without_holes_and_sprinkles(&ring, 16));
        assert_eq!((cleaned[1].as_str(), cleaned[5].as_str()), ("#+#.....", "......--"));
    }

    #[test]
    fn pieces_that_meet_late_are_one() {
        let fork = mask(&["#....#", "#....#", "#....#", "#....#", "######", "......"]);
        assert_eq!(without_holes_and_sprinkles(&fork, 4), fork);
        let zigzag = mask(&["#.#.#.", ".#.#.#", "......", "######", "######", "######"]);
        assert_eq!(picture(&without_holes_and_sprinkles(&zigzag, 5))[0], "#.#.#.", "six cells hang together");
        assert_eq!(picture(&without_holes_and_sprinkles(&zigzag, 6))[0], "-.-.-.");
    }
}
