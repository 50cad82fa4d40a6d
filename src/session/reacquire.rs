//! A missing object gives its id to a new detection near where it was.

use super::assignment::greedy_assignment;
use super::group::{Group, compete};
use crate::boxes::BoxXyxy;

/// Sizes of one thing do not differ by more than this factor from its last place to its next.
const LARGEST_CHANGE_OF_AREA: f32 = 3.0;
/// A box that comes so near to the frame's edge may be of a thing that is only partly in the frame.
const EDGE: f32 = 0.05;

/// A detection, or a missing object where it was last.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Its phrase.
    pub group: Group,
    /// Its box, normalised to the frame.
    pub box_in_frame: BoxXyxy,
}

/// Which detection is which missing object: pairs of positions, the nearest first, each once. Centres are at most
/// `max_distance` apart, in parts of the frame's diagonal.
pub fn found_again(detections: &[Place], missing: &[Place], max_distance: f32) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for (detection, here) in detections.iter().enumerate() {
        for (object, there) in missing.iter().enumerate() {
            let distance = distance(here.box_in_frame, there.box_in_frame);
            let is_alike = compete(here.group, there.group) && is_alike(here.box_in_frame, there.box_in_frame);
            if is_alike && distance <= max_distance {
                pairs.push((detection, object, -distance));
            }
        }
    }
    greedy_assignment(pairs, f32::NEG_INFINITY)
}

/// Of the centres, in parts of the frame's diagonal.
fn distance(a: BoxXyxy, b: BoxXyxy) -> f32 {
    let (dx, dy) = (a.x0 + a.x1 - b.x0 - b.x1, a.y0 + a.y1 - b.y0 - b.y1);
    0.5 * dx.hypot(dy) / std::f32::consts::SQRT_2
}

fn is_alike(a: BoxXyxy, b: BoxXyxy) -> bool {
    let (small, large) = if a.area() < b.area() { (a, b) } else { (b, a) };
    large.area() <= LARGEST_CHANGE_OF_AREA * small.area() || is_cut(small)
}

fn is_cut(in_frame: BoxXyxy) -> bool {
    let BoxXyxy { x0, y0, x1, y1 } = in_frame;
    x0.min(y0) <= EDGE || x1.max(y1) >= 1.0 - EDGE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(group: usize, x: f32, size: f32) -> Place {
        let half = 0.5 * size;
        let box_in_frame = BoxXyxy { x0: x - half, y0: 0.5 - half, x1: x + half, y1: 0.5 + half };
        Place { group: Some(group), box_in_frame }
    }

    #[test]
    fn the_nearest_is_found_first_and_each_once() {
        let missing = [place(0, 0.2, 0.1), place(0, 0.5, 0.1)];
        assert_eq!(found_again(&[place(0, 0.3, 0.1), place(0, 0.45, 0.1)], &missing, 0.5), [(1, 1), (0, 0)]);
        assert_eq!(found_again(&[place(0, 0.45, 0.1)], &missing, 0.5), [(0, 1)]);
    }

    #[test]
    fn the_frames_diagonal_measures_the_distance() {
        let corners = |x: f32| Place { group: None, box_in_frame: BoxXyxy { x0: x, y0: x, x1: x, y1: x } };
        assert!((distance(corners(0.0).box_in_frame, corners(1.0).box_in_frame) - 1.0).abs() < 1e-6);
        let missing = [place(0, 0.2, 0.1)];
        let at = |x| found_again(&[place(0, x, 0.1)], &missing, 0.1).len();
        assert_eq!((at(0.33), at(0.35)), (1, 0));
    }

    #[test]
    fn other_phrases_and_other_sizes_are_other_things() {
        let missing = [place(0, 0.2, 0.1)];
        assert!(found_again(&[place(1, 0.2, 0.1)], &missing, 0.5).is_empty());
        assert!(found_again(&[place(0, 0.2, 0.2)], &missing, 0.5).is_empty());
        assert_eq!(found_again(&[place(0, 0.2, 0.17)], &missing, 0.5).len(), 1);
    }

    #[test]
    fn what_comes_in_from_the_edge_may_be_smaller() {
        let missing = [place(0, 0.9, 0.2)];
        assert_eq!(found_again(&[place(0, 0.97, 0.04)], &missing, 0.5).len(), 1);
        assert!(found_again(&[place(0, 0.9, 0.04)], &missing, 0.5).is_empty());
        assert!(found_again(&[place(0, 0.9, 0.2)], &[place(0, 0.8, 0.04)], 0.5).is_empty());
    }
}
