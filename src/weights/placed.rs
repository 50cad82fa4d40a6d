//! One of our tensors in the files of a checkpoint: a view of one stored tensor, or the rows of several.

use std::collections::BTreeMap;

use tch::{Kind, Tensor};

use super::stored::{Cut, Stored};

/// Where a tensor's rows stand, by the number of their part; most tensors have one part.
#[derive(Debug, Default)]
pub(super) struct Placed {
    parts: BTreeMap<u8, Stored>,
}

impl Placed {
    /// False when there is such a part already, or one of another element type or width.
    pub(super) fn add(&mut self, cut: Cut, stored: Stored) -> bool {
        let number = match cut {
            Cut::Row(number) => number,
            _ => 0,
        };
        let fits = |other: &Stored| {
            matches!(cut, Cut::Row(_))
                && other.element == stored.element
                && other.shape.get(1..) == stored.shape.get(1..)
        };
        self.parts.values().all(fits) && self.parts.insert(number, stored).is_none()
    }

    /// That of all parts one after another.
    pub(super) fn shape(&self) -> Vec<i64> {
        let mut shapes = self.parts.values().map(|part| &part.shape);
        let mut shape = shapes.next().cloned().unwrap_or_default();
        for other in shapes {
            if let (Some(rows), Some(more)) = (shape.first_mut(), other.first()) {
                *rows += more;
            }
        }
        shape
    }

    /// `None` for elements that weights cannot be.
    pub(super) fn kind(&self) -> Option<Kind> {
        self.parts.values().next().and_then(|part| part.element.kind()).map(|(kind, _)| kind)
    }

    /// Each part, and the rows of `target` that it fills; `target` has the shape of all.
    pub(super) fn parts_of<'a>(&'a self, target: &Tensor) -> Vec<(&'a Stored, Tensor)> {
        if let [part] = self.parts.values().collect::<Vec<_>>()[..] {
            return vec![(part, target.shallow_clone())];
        }
        let mut first = 0;
        let rows = |part: &'a Stored| {
            let count = part.shape.first().copied().unwrap_or(1);
            first += count;
            (part, target.narrow(0, first - count, count))
        };
        self.parts.values().map(rows).collect()
    }
}
