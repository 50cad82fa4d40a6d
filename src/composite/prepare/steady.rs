//! Masks that do not tremble: what a mask was before stays in part where the picture did not change.
//!
//! The earlier mask is moved along with its object first, so that what moves is steadied too and leaves no trail. Where
//! the picture changed at a place all the same, the new mask alone counts.

use super::super::cells::{Cells, largest};
use super::guide::{COMPONENTS, Color, Guide};

/// At full strength this much of the earlier mask stays from frame to frame.
const MOST_KEPT: f32 = 0.9;
/// A change of one of the picture's components, 0..1, from which on nothing of the earlier mask stays.
const MUCH_CHANGE: f32 = 0.08;

/// The mask before and its way to where the object is now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Earlier<'a> {
    pub(super) values: &'a [u8],
    /// In parts of the frame.
    pub(super) moved_by: [f32; 2],
}

/// Writes `mask`, steadied by what was `earlier`, to `steadied`. `guides`: the picture now, and then.
///
/// `strength` is 0 (the new mask) to 1; `earlier` is on the same grid.
pub(super) fn steady(
    mask: Cells<'_>,
    earlier: Earlier<'_>,
    guides: [&Guide; 2],
    strength: f32,
    steadied: &mut Vec<u8>,
) {
    let size = [mask.width as usize, mask.height as usize];
    let step = [0, 1].map(|axis| (earlier.moved_by[axis].clamp(-1.0, 1.0) * size[axis] as f32).round() as isize);
    steadied.clear();
    steadied.extend_from_slice(mask.values);
    if guides[0].cells.len() != guides[1].cells.len() || guides[0].columns != guides[1].columns {
        return;
    }
    for y in 0..size[1] {
        let Some(from_y) = moved(y, step[1], size[1]) else { continue };
        let new = &mut steadied[y * size[0]..][..size[0]];
        let old = &earlier.values[from_y * size[0]..][..size[0]];
        // Far from both masks there is nothing to steady.
        if largest(new) == 0 && largest(old) == 0 {
            continue;
        }
        let now = guides[0].row_at(y, size[1]);
        let then = guides[1].row_at(from_y, size[1]);
        mix_row(new, old, [now, then], step[0], MOST_KEPT * strength);
    }
}

fn moved(index: usize, step: isize, count: usize) -> Option<usize> {
    index.checked_add_signed(-step).filter(|index| *index < count)
}

fn mix_row(new: &mut [u8], old: &[u8], [now, then]: [&[Color]; 2], step: isize, most_kept: f32) {
    let count = new.len();
    let color = |row: &[Color], x: usize| row[(2 * x + 1) * row.len() / (2 * count)];
    for (x, new) in new.iter_mut().enumerate() {
        let Some(from_x) = moved(x, step, count).filter(|from_x| *new != old[*from_x]) else { continue };
        let (now, then) = (color(now, x), color(then, from_x));
        let changes = (0..COMPONENTS).map(|index| (now[index] - then[index]).abs());
        let change = changes.fold(0.0, f32::max) / MUCH_CHANGE;
        let kept = most_kept * (1.0 - change * change).max(0.0);
        let (new_value, old_value) = (f32::from(*new), f32::from(old[from_x]));
        let mixed = new_value + kept * (old_value - new_value);
        // Towards the new value, so that it is reached.
        *new = if new_value > old_value { mixed.ceil() } else { mixed.floor() } as u8;
    }
}
