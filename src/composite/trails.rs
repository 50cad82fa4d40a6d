//! The ways that objects have come: a line for each id, that fades towards where it was first.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use super::coverage::alpha_at;
use crate::objects::Objects;

/// Longest trail in frames.
pub const MAX_TRAIL_IN_FRAMES: u32 = 300;
/// Most trails; further objects leave none.
const MAX_TRAILS: usize = 500;
/// An object that is this part of the frame away from where it was did not come that way.
const MAX_STEP_IN_FRAME: f32 = 0.25;
/// Steps shorter than this are one with the next: a line of many tiny parts looks the same and takes longer.
const MIN_STEP_IN_PIXELS: f32 = 2.0;

/// Where objects were, by id; frames since they were seen.
#[derive(Debug, Default)]
pub(super) struct Trails {
    ways: HashMap<u64, Way>,
    /// Points of the lines of this frame, in pixels, oldest first, with their alpha.
    points: Vec<([f32; 2], f32)>,
    frame_number: u64,
}

#[derive(Debug, Default)]
struct Way {
    /// Middles of the box in parts of the frame, and the frame's number.
    middles: VecDeque<([f32; 2], u64)>,
}

/// A line of the frame: its points, and half of its width in pixels.
#[derive(Debug, Clone)]
pub(super) struct Line {
    points: Range<usize>,
    half_width: f32,
}

impl Trails {
    /// Notes where the objects are; forgets what is more than `length` frames old.
    pub(super) fn note(&mut self, objects: &Objects, length: u32) {
        self.points.clear();
        let now = self.frame_number + 1;
        for object in &objects.items {
            let Some(id) = object.id else { continue };
            let in_frame = object.box_in_frame.clipped();
            let middle = [0.5 * (in_frame.x0 + in_frame.x1), 0.5 * (in_frame.y0 + in_frame.y1)];
            if length == 0 || !middle.iter().all(|at| at.is_finite()) {
                continue;
            }
            if self.ways.len() < MAX_TRAILS || self.ways.contains_key(&id) {
                self.ways.entry(id).or_default().add(middle, now);
            }
        }
        self.pass_over(length);
    }

    /// A frame that has gone by: forgets what is `length` frames old.
    pub(super) fn pass_over(&mut self, length: u32) {
        self.frame_number += 1;
        let oldest = self.frame_number.saturating_sub(u64::from(length));
        self.ways.retain(|_, way| {
            way.middles.retain(|(_, frame)| *frame > oldest);
            !way.middles.is_empty()
        });
    }

    /// The line of one object on a frame of this size; `None` while it has not moved.
    pub(super) fn line(&mut self, id: u64, [width, height]: [u32; 2], line_width: f32) -> Option<Line> {
        let way = self.ways.get(&id)?;
        let start = self.points.len();
        let count = way.middles.len().max(2) as f32;
        for (index, ([x, y], _)) in way.middles.iter().enumerate() {
            let at = [x * width as f32, y * height as f32];
            let is_last = index + 1 == way.middles.len();
            let step = self.points[start..].last().map(|([x, y], _)| (at[0] - x).hypot(at[1] - y));
            if is_last || step.is_none_or(|step| step >= MIN_STEP_IN_PIXELS) {
                self.points.push((at, (index + 1) as f32 / count));
            }
        }
        let points = start..self.points.len();
        (points.len() > 1).then_some(Line { points, half_width: 0.5 * line_width })
    }

    /// Columns and rows that a line may touch.
    pub(super) fn extent(&self, line: &Line, frame_size: [u32; 2]) -> [Range<u32>; 2] {
        [0, 1].map(|axis| {
            let along = || self.points[line.points.clone()].iter().map(|(at, _)| at[axis]);
            let margin = line.half_width + 1.0;
            let (first, last) = (along().fold(f32::MAX, f32::min) - margin, along().fold(f32::MIN, f32::max) + margin);
            let start = (first.max(0.0) as u32).min(frame_size[axis]);
            start..(last.max(0.0).ceil() as u32).clamp(start, frame_size[axis])
        })
    }

    /// Raises `alphas` (the whole pixel row `y`, from column 0) to what a line covers between `columns`.
    pub(super) fn cover_row(&self, line: &Line, y: u32, columns: &Range<u32>, alphas: &mut [u8]) {
        let center_y = y as f32 + 0.5;
        let reach = line.half_width + 0.5;
        for pair in self.points[line.points.clone()].windows(2) {
            let [([x0, y0], _), ([x1, y1], strength)] = [pair[0], pair[1]];
            if center_y < y0.min(y1) - reach || center_y > y0.max(y1) + reach {
                continue;
            }
            let first = ((x0.min(x1) - reach).max(0.0) as u32).clamp(columns.start, columns.end);
            let last = ((x0.max(x1) + reach).max(0.0).ceil() as u32).clamp(first, columns.end);
            for x in first..last {
                let distance = distance_to_segment([x as f32 + 0.5, center_y], [x0, y0], [x1, y1]);
                let alpha = (f32::from(alpha_at(line.half_width - distance)) * strength) as u8;
                let pixel = &mut alphas[x as usize];
                *pixel = alpha.max(*pixel);
            }
        }
    }
}

impl Way {
    fn add(&mut self, middle: [f32; 2], frame: u64) {
        let has_jumped = self.middles.back().is_some_and(|([x, y], _)| {
            (middle[0] - x).abs() > MAX_STEP_IN_FRAME || (middle[1] - y).abs() > MAX_STEP_IN_FRAME
        });
        if has_jumped {
            self.middles.clear();
        }
        self.middles.push_back((middle, frame));
        if self.middles.len() > MAX_TRAIL_IN_FRAMES as usize {
            self.middles.pop_front();
        }
    }
}

fn distance_to_segment(point: [f32; 2], from: [f32; 2], to: [f32; 2]) -> f32 {
    let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
    let squared = dx * dx + dy * dy;
    let part = match squared > 0.0 {
        true => (((point[0] - from[0]) * dx + (point[1] - from[1]) * dy) / squared).clamp(0.0, 1.0),
        false => 0.0,
    };
    (point[0] - from[0] - part * dx).hypot(point[1] - from[1] - part * dy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::composite::tests::{disc, objects};

    fn at(id: u64, x: f32) -> Objects {
        let mut dog = disc("dog", [x, 0.5], 0.1, 1.0);
        dog.id = Some(id);
        objects(vec![dog])
    }

    fn row(trails: &mut Trails, id: u64) -> Option<Vec<u8>> {
        let line = trails.line(id, [100, 100], 3.0)?;
        let mut alphas = vec![0; 128];
        trails.cover_row(&line, 49, &(0..100), &mut alphas);
        Some(alphas)
    }

    #[test]
    fn a_way_fades_towards_its_beginning() {
        let mut trails = Trails::default();
        (0..10).for_each(|n| trails.note(&at(1, 0.2 + 0.05 * n as f32), 60));
        let row = row(&mut trails, 1).unwrap();
        assert_eq!((row[15], row[70]), (0, 0), "before the way and behind it");
        assert!(row[23] > 0 && row[23] < row[42] && row[42] < row[62], "{row:?}");
    }

    #[test]
    fn ways_are_as_long_as_asked_and_are_forgotten() {
        let mut trails = Trails::default();
        (0..50).for_each(|n| trails.note(&at(1, 0.1 + 0.01 * n as f32), 10));
        assert_eq!(trails.ways[&1].middles.len(), 10);
        (0..9).for_each(|_| trails.note(&Objects::default(), 10));
        assert!(trails.ways.contains_key(&1));
        trails.note(&Objects::default(), 10);
        assert!(trails.ways.is_empty());
    }

    #[test]
    fn who_jumps_or_stands_still_has_no_way() {
        let mut trails = Trails::default();
        [0.1, 0.8].into_iter().for_each(|x| trails.note(&at(1, x), 60));
        assert!(row(&mut trails, 1).is_none());
        (0..5).for_each(|_| trails.note(&at(2, 0.5), 60));
        let line = row(&mut trails, 2);
        assert!(line.is_none_or(|row| row.iter().filter(|&&alpha| alpha > 0).count() <= 5));
    }

    #[test]
    fn there_are_never_more_than_the_most() {
        let mut trails = Trails::default();
        for id in 0..2 * MAX_TRAILS as u64 {
            trails.note(&at(id, 0.5), MAX_TRAIL_IN_FRAMES);
        }
        assert!(trails.ways.len() <= MAX_TRAILS);
    }
}
