//! Soft discs that drift over the frame: objects whose number, area and place are known.

use sa3::boxes::BoxXyxy;
use sa3::objects::{Mask, Object, Objects};

/// Width and height of a frame, in pixels.
pub type Size = (u32, u32);

/// The released model's grid.
const MASK_SIDE: u32 = 288;
const COVERED_PART: f32 = 0.33;
const ASPECT: f32 = 16.0 / 9.0;
/// So many steps, and the discs are where they were.
const STEPS: usize = 4;
/// Of the frame's width; six pixels at 1080p.
const STEP: f32 = 6.0 / 1920.0;
const LABELS: [&str; 5] = ["dog", "cat", "red car", "person", "bicycle"];

/// A disc that is round on a 16:9 frame; normalised, the radius by the frame's width.
pub struct Disc {
    cx: f32,
    cy: f32,
    radius: f32,
}

impl Disc {
    /// `count` of them on a lattice without touching, together a third of the frame; `step` steps from where they began.
    pub fn lattice(count: usize, step: usize) -> Vec<Self> {
        let columns = (count as f32 * ASPECT).sqrt().round() as usize;
        let rows = count.div_ceil(columns);
        let radius = (COVERED_PART / count as f32 / std::f32::consts::PI / ASPECT).sqrt();
        let middle = |index: usize, of: usize| (index as f32 + 0.5) / of as f32;
        let cx = |index: usize| middle(index % columns, columns) + step as f32 * STEP;
        (0..count).map(|index| Self { cx: cx(index), cy: middle(index / columns, rows), radius }).collect()
    }

    /// How much of a cell at this place is the disc's, 0 to 1; soft over a cell of a grid of `side` cells.
    pub fn part_at(&self, x: f32, y: f32, side: f32) -> f32 {
        let outside = (x - self.cx).hypot((y - self.cy) / ASPECT) - self.radius;
        1.0 / (1.0 + (2.0 * side * outside).exp())
    }

    fn mask(&self) -> Option<Mask> {
        let at = |n: u32| (n as f32 + 0.5) / MASK_SIDE as f32;
        let value = |cell: u32| {
            (255.0 * self.part_at(at(cell % MASK_SIDE), at(cell / MASK_SIDE), MASK_SIDE as f32)).round() as u8
        };
        Mask::new(MASK_SIDE, MASK_SIDE, (0..MASK_SIDE * MASK_SIDE).map(value).collect::<Vec<_>>())
    }

    fn object(&self, index: usize) -> Option<Object> {
        let (rx, ry) = (self.radius, self.radius * ASPECT);
        Some(Object {
            id: Some(index as u64 + 1),
            label: LABELS[index % LABELS.len()].into(),
            prompt_index: (index % LABELS.len()) as u32,
            score: 0.9,
            box_in_frame: BoxXyxy { x0: self.cx - rx, y0: self.cy - ry, x1: self.cx + rx, y1: self.cy + ry },
            mask: self.mask()?,
            state: None,
            first_seen_ns: None,
            last_seen_ns: None,
        })
    }
}

/// The same discs at each of a few steps, made beforehand: every frame has masks of its own, as from an engine.
pub struct Drift(Vec<Objects>);

impl Drift {
    pub fn new(count: usize, (frame_width, frame_height): Size) -> Self {
        let items = |step: usize| {
            Disc::lattice(count, step).iter().enumerate().filter_map(|(index, disc)| disc.object(index)).collect()
        };
        let objects = |step| Objects { frame_width, frame_height, items: items(step), ..Objects::default() };
        Self((0..STEPS).map(objects).collect())
    }

    /// What is on the `frame`th frame.
    pub fn at(&self, frame: usize) -> &Objects {
        &self.0[frame % self.0.len()]
    }
}
