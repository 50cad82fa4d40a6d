//! What becomes of the objects before a mode looks at them: masks that hold still and follow the picture, and objects
//! that come and go softly.
//!
//! 1. `guide`: the picture in small cells
//! 2. `followed`: objects over time; who is here, who was, and how much of each is seen
//! 3. `steady`: a mask keeps a part of what it was (`temporal-smoothing`)
//! 4. `separation`, `guided`: its edges move to those of the picture (`refine`)

mod followed;
mod guide;
mod guided;
mod separation;
mod steady;
#[cfg(test)]
mod tests;

use std::ops::Deref;

use super::planes::FrameMut;
use super::style::Style;
use crate::objects::Objects;
use followed::{Followed, Tools};
use guide::Guide;
use guided::Guided;

/// Prepares the objects of one stream.
#[derive(Debug, Default)]
pub(super) struct Preparer {
    /// Of this frame and the one before.
    guides: [Guide; 2],
    guided: Guided,
    followed: Followed,
    shown: Objects,
    strengths: Vec<f32>,
}

/// Objects as the modes see them, and how much of each is seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    objects: &'a Objects,
    /// Empty: all of all.
    strengths: &'a [f32],
}

impl<'a> From<&'a Objects> for Shown<'a> {
    fn from(objects: &'a Objects) -> Self {
        Self { objects, strengths: &[] }
    }
}

impl Deref for Shown<'_> {
    type Target = Objects;

    fn deref(&self) -> &Objects {
        self.objects
    }
}

impl Shown<'_> {
    /// How much of the object `item` is seen, 0..1.
    pub(super) fn strength(&self, item: usize) -> f32 {
        self.strengths.get(item).copied().unwrap_or(1.0)
    }
}

impl Preparer {
    /// True when [`Preparer::prepare`] makes other objects of these: of such as are here, or were and still fade.
    pub(super) fn changes(&self, objects: &Objects, style: &Style) -> bool {
        style.prepares() && (!objects.items.is_empty() || !self.followed.is_empty())
    }

    /// The objects of `frame`, which is as it came, as they shall be drawn.
    pub(super) fn prepare<'a>(
        &'a mut self,
        frame: &mut FrameMut<'_>,
        objects: &'a Objects,
        style: &Style,
    ) -> Shown<'a> {
        if !style.prepares() {
            self.followed.forget();
            return objects.into();
        }
        if style.edges.refine > 0.0 || style.edges.temporal_smoothing > 0.0 {
            self.guides.swap(0, 1);
            self.guides[0].read(frame);
        }
        let Self { guides: [now, then], guided, followed, shown, strengths } = self;
        let Objects { frame_width, frame_height, inside_level, .. } = *objects;
        (shown.frame_width, shown.frame_height, shown.inside_level) = (frame_width, frame_height, inside_level);
        // Before masks are made, so that their memory is free.
        shown.items.clear();
        strengths.clear();
        let mut tools = Tools { guides: [now, then], guided, edges: style.edges, inside_level };
        followed.begin_frame(frame.time_ns, style);
        for object in objects.items.iter().filter(|object| style.selects(object)) {
            let (object, strength) = followed.see(object, &mut tools);
            shown.items.push(object);
            strengths.push(strength);
        }
        for (object, strength) in followed.end_frame() {
            shown.items.push(object);
            strengths.push(strength);
        }
        Shown { objects: shown, strengths }
    }

    /// What [`Preparer::prepare`] last made, of `objects` in `style`.
    pub(super) fn last<'a>(&'a self, objects: &'a Objects, style: &Style) -> Shown<'a> {
        match style.prepares() {
            true => Shown { objects: &self.shown, strengths: &self.strengths },
            false => objects.into(),
        }
    }
}
