//! Where a mode acts: the union of all masks as one shape, or all that is outside of it.
//!
//! Masks are united on their own grid, before an edge is drawn: the cost follows the grid and not the pixels times the
//! objects, and objects that touch have no seam between them.

use std::ops::Range;

use super::cells::Cells;
use super::clean::Cleaner;
use super::coverage::Part;
use super::distance::Distances;
use super::field::Field;
use super::prepare::Shown;
use super::style::Style;

/// The masks of one frame as one shape; kept from frame to frame so that its memory is used again.
#[derive(Debug, Default)]
pub(super) struct Region {
    cleaner: Cleaner,
    unions: Vec<Union>,
    field: Field,
    shapes: Vec<SeenShape>,
}

/// A shape, and how much of it is seen.
#[derive(Debug, Default)]
pub(super) struct SeenShape {
    pub(super) distances: Distances,
    /// 255 unless it comes or goes.
    pub(super) strength: u8,
}

/// The masks of one grid size of which as much is seen, their largest value in each cell.
#[derive(Debug, Default)]
struct Union {
    width: u32,
    height: u32,
    strength: u8,
    values: Vec<u8>,
}

/// What a mode acts on, in pixels.
#[derive(Debug, Clone)]
pub(super) struct Territory<'a> {
    pub(super) shapes: &'a [SeenShape],
    pub(super) part: Part,
    /// All but the masks.
    pub(super) is_outside: bool,
    /// Rows that have any of it.
    pub(super) rows: Range<u32>,
    frame_height: u32,
}

impl Region {
    /// Unites the masks of the objects that `style` selects and measures the result.
    ///
    /// The territory's masks are grown by `margin` pixels more than the style asks for.
    pub(super) fn measure(
        &mut self,
        objects: Shown<'_>,
        style: &Style,
        frame_size: [u32; 2],
        margin: f32,
    ) -> Territory<'_> {
        let part = Part::Inside { grown_by: style.edges.grow, ramp: style.edges.feather.max(1.0) };
        let reach = part.reach() + margin;
        let union_count = self.unite(objects, style);
        let mut used = 0;
        for union in &self.unions[..union_count] {
            let cells = Cells { width: union.width, height: union.height, values: &union.values };
            if !self.field.sample(cells, objects.inside_level, frame_size, reach) {
                continue;
            }
            if self.shapes.len() == used {
                self.shapes.push(SeenShape::default());
            }
            let shape = &mut self.shapes[used];
            shape.distances.measure(&self.field, reach);
            shape.strength = union.strength;
            used += 1;
        }
        Territory::new(&self.shapes[..used], part, style.acts_outside(), frame_size)
    }

    /// Unites masks of one grid size and strength each; returns how many there are.
    fn unite(&mut self, objects: Shown<'_>, style: &Style) -> usize {
        let mut used = 0;
        for (item, object) in objects.items.iter().enumerate().filter(|(_, object)| style.selects(object)) {
            let strength = (255.0 * objects.strength(item)).round() as u8;
            let cells = self.cleaner.clean((&object.mask).into(), objects.inside_level, &style.edges);
            let kind = (cells.width, cells.height, strength);
            let is_same = |union: &Union| (union.width, union.height, union.strength) == kind;
            if let Some(union) = self.unions[..used].iter_mut().find(|union| is_same(union)) {
                union.values.iter_mut().zip(cells.values).for_each(|(most, value)| *most = (*most).max(*value));
                continue;
            }
            if self.unions.len() == used {
                self.unions.push(Union::default());
            }
            let union = &mut self.unions[used];
            (union.width, union.height, union.strength) = kind;
            union.values.clear();
            union.values.extend_from_slice(cells.values);
            used += 1;
        }
        used
    }
}

impl<'a> Territory<'a> {
    fn new(shapes: &'a [SeenShape], part: Part, is_outside: bool, [width, height]: [u32; 2]) -> Self {
        let extent = |shape: &SeenShape| shape.distances.extent([width, height])[1].clone();
        let extents = || shapes.iter().map(extent).filter(|rows| !rows.is_empty());
        let rows = match is_outside {
            true => 0..height,
            false => {
                let start = extents().map(|rows| rows.start).min().unwrap_or(0);
                start / 2 * 2..extents().map(|rows| rows.end).max().unwrap_or(0)
            }
        };
        Self { shapes, part, is_outside, rows, frame_height: height }
    }

    /// All of a frame.
    pub(super) fn everything(frame_height: u32) -> Self {
        let part = Part::Inside { grown_by: 0.0, ramp: 1.0 };
        Self { shapes: &[], part, is_outside: true, rows: 0..frame_height, frame_height }
    }

    /// What stays where this goes, `margin` pixels further away from it.
    pub(super) fn complement(&self, margin: f32) -> Self {
        Self { is_outside: !self.is_outside, rows: 0..self.frame_height, ..self.grown(margin) }
    }

    /// The same, `margin` pixels larger.
    pub(super) fn grown(&self, margin: f32) -> Self {
        self.with_margin(if self.is_outside { -margin } else { margin })
    }

    /// The same with an edge that fades over `width` pixels of what is beyond it.
    pub(super) fn reaching(&self, width: f32) -> Self {
        let mut reaching = self.grown(0.5 * width);
        if let Part::Inside { ramp, .. } = &mut reaching.part {
            *ramp = ramp.max(width);
        }
        reaching
    }

    /// The same with masks that are `margin` pixels larger.
    pub(super) fn with_margin(&self, margin: f32) -> Self {
        let part = match self.part {
            Part::Inside { grown_by, ramp } => Part::Inside { grown_by: grown_by + margin, ramp },
            part => part,
        };
        Self { part, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::BoxXyxy;
    use crate::composite::canvas::Canvas;
    use crate::objects::{Mask, Object, Objects};

    fn object(side: u32, inside: impl Fn(u32, u32) -> bool) -> Object {
        let values = (0..side * side).map(|i| if inside(i % side, i / side) { 250u8 } else { 5 });
        Object {
            id: None,
            label: "dog".into(),
            prompt_index: 0,
            score: 0.9,
            box_in_frame: BoxXyxy::default(),
            mask: Mask::new(side, side, values.collect::<Vec<_>>()).unwrap(),
            state: None,
            first_seen_ns: None,
            last_seen_ns: None,
        }
    }

    /// Alphas of one row of a 64 x 64 frame.
    fn row(items: Vec<Object>, style: &Style, y: u32) -> Vec<u8> {
        let mut region = Region::default();
        let objects = Objects { items, ..Objects::default() };
        let territory = region.measure((&objects).into(), style, [64, 64], 0.0);
        let mut canvas = Canvas::default();
        canvas.cover([64, 64], &territory, y / 2 * 2);
        canvas.rows.row_mut((y % 2) as usize)[..64].to_vec()
    }

    fn inside() -> Style {
        Style { region: super::super::style::Region::Inside, ..Style::default() }
    }

    #[test]
    fn neighbours_have_no_seam() {
        let halves = vec![object(16, |x, _| x < 8), object(16, |x, _| x >= 8)];
        assert_eq!(row(halves, &inside(), 20), [255; 64]);
    }

    #[test]
    fn grids_of_any_size_are_united() {
        let halves = vec![object(16, |x, _| x < 8), object(32, |x, _| x >= 14), object(16, |_, y| y > 12)];
        assert_eq!(row(halves, &inside(), 20), [255; 64]);
    }

    #[test]
    fn the_outside_is_what_the_inside_is_not() {
        let items = || vec![object(16, |x, _| x < 8)];
        let outside = Style { region: super::super::style::Region::Outside, ..Style::default() };
        let (inner, outer) = (row(items(), &inside(), 9), row(items(), &outside, 9));
        assert!(inner.iter().zip(&outer).all(|(a, b)| a + b == 255) && inner[0] == 255 && outer[63] == 255);
    }

    #[test]
    fn edges_grow_clean_and_soften() {
        use super::super::style::Edges;
        let is_middle = |cell: u32| (7..9).contains(&cell);
        let count = |edges: Edges| {
            let items = vec![
                object(16, |x, y| (5..13).contains(&x) && y > 2 && !(is_middle(y) && is_middle(x - 1))),
                object(16, |x, y| (1..3).contains(&x) && is_middle(y)),
            ];
            row(items, &Style { edges, ..inside() }, 33).iter().filter(|&&alpha| alpha >= 128).count()
        };
        let plain = count(Edges::default());
        assert!(count(Edges { grow: 3.0, ..Edges::default() }) >= plain + 6);
        assert!(count(Edges { grow: -3.0, ..Edges::default() }) + 6 <= plain);
        assert!(count(Edges { fill_holes: true, ..Edges::default() }) >= plain + 2);
        assert!(count(Edges { min_area: 5.0 / 256.0, ..Edges::default() }) + 3 <= plain);
        assert_eq!(count(Edges { min_area: 1.0, ..Edges::default() }), 0);
        assert_eq!(count(Edges { grow: 200.0, ..Edges::default() }), 64);
        assert_eq!(count(Edges { grow: -200.0, ..Edges::default() }), 0);
    }
}
