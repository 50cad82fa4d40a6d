//! The objects of a stream over time, for as long as something of them is seen.

use std::sync::Arc;

use super::super::cells::Cells;
use super::super::style::{Edges, Style};
use super::guide::Guide;
use super::guided::Guided;
use super::steady::{Earlier, steady};
use crate::boxes::BoxXyxy;
use crate::objects::{Mask, Object};

/// Most objects that are followed; what comes beyond is drawn as it came.
const MAX_FOLLOWED: usize = 500;
/// Objects without an id are the same when their boxes overlap by this much.
const SAME_IOU: f32 = 0.3;

/// Who is here and who was.
#[derive(Debug, Default)]
pub(super) struct Followed {
    tracks: Vec<Track>,
    time_ns: Option<u64>,
    /// How much of an object comes or goes with this frame, 0..1.
    step: f32,
    comes_at_once: bool,
    fades: bool,
}

/// What masks are made with.
pub(super) struct Tools<'a> {
    /// Of this frame and the one before.
    pub(super) guides: [&'a Guide; 2],
    pub(super) guided: &'a mut Guided,
    pub(super) edges: Edges,
    pub(super) inside_level: u8,
}

/// One object, and the memory of its masks.
#[derive(Debug)]
struct Track {
    /// As it was drawn last.
    object: Object,
    strength: f32,
    is_here: bool,
    /// The mask on its own grid, steadied: now, and on the frame before.
    steadied: [Arc<Vec<u8>>; 2],
    /// Grid of the latter and the box that belonged to it.
    earlier: Option<([u32; 2], BoxXyxy)>,
    refined: Arc<Vec<u8>>,
}

impl Followed {
    pub(super) fn is_empty(&self) -> bool {
        self.tracks.is_empty()
    }

    pub(super) fn forget(&mut self) {
        self.tracks.clear();
        self.time_ns = None;
    }

    /// Begins a frame of this time. Without times, and where they jump, nothing fades.
    pub(super) fn begin_frame(&mut self, time_ns: Option<u64>, style: &Style) {
        let passed_ns = time_ns.zip(self.time_ns).and_then(|(now, then)| now.checked_sub(then));
        let fade_ns = 1e6 * style.fade_ms;
        self.fades = fade_ns > 0.0;
        self.step = passed_ns.filter(|_| self.fades).map_or(1.0, |passed_ns| (passed_ns as f32 / fade_ns).min(1.0));
        self.comes_at_once = style.acts_on_objects();
        self.time_ns = time_ns;
        self.tracks.iter_mut().for_each(|track| track.is_here = false);
    }

    /// Takes an object of the frame; returns it as it shall be drawn, and how much of it.
    pub(super) fn see(&mut self, object: &Object, tools: &mut Tools<'_>) -> (Object, f32) {
        let Some(index) = self.track_of(object) else { return (object.clone(), 1.0) };
        let track = &mut self.tracks[index];
        track.is_here = true;
        track.strength = if self.comes_at_once { 1.0 } else { (track.strength + self.step).min(1.0) };
        track.take(object, tools);
        (track.object.clone(), track.strength)
    }

    /// Who is not here any more but still seen; forgets the others.
    pub(super) fn end_frame(&mut self) -> impl Iterator<Item = (Object, f32)> {
        let (step, fades) = (self.step, self.fades);
        self.tracks.retain_mut(|track| {
            if !track.is_here {
                track.strength -= step;
                // What it was like before says nothing of when it comes again.
                track.earlier = None;
            }
            track.is_here || (fades && track.strength > 0.0)
        });
        self.tracks.iter().filter(|track| !track.is_here).map(|track| (track.object.clone(), track.strength))
    }

    /// The track of an object; a new one where there is none, `None` where there are too many.
    fn track_of(&mut self, object: &Object) -> Option<usize> {
        let known = match object.id {
            Some(_) => self.tracks.iter().position(|track| !track.is_here && track.object.id == object.id),
            None => self.closest(object),
        };
        if known.is_none() && self.tracks.len() < MAX_FOLLOWED {
            self.tracks.push(Track::new(object));
            return Some(self.tracks.len() - 1);
        }
        known
    }

    /// Of those without an id that the same phrase found the one whose box overlaps most.
    fn closest(&self, object: &Object) -> Option<usize> {
        let overlap = |track: &Track| track.object.box_in_frame.iou(&object.box_in_frame);
        let is_like = |track: &Track| {
            !track.is_here && track.object.id.is_none() && track.object.prompt_index == object.prompt_index
        };
        let similar = self.tracks.iter().enumerate().filter(|(_, track)| is_like(track));
        let overlaps = similar.map(|(index, track)| (index, overlap(track))).filter(|(_, iou)| *iou >= SAME_IOU);
        overlaps.max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(index, _)| index)
    }
}

impl Track {
    fn new(object: &Object) -> Self {
        Self {
            object: object.clone(),
            strength: 0.0,
            is_here: true,
            steadied: Default::default(),
            earlier: None,
            refined: Arc::default(),
        }
    }

    /// The object as it is now, with its mask steadied and refined.
    fn take(&mut self, object: &Object, tools: &mut Tools<'_>) {
        // Lets the masks' memory go, so that it can be used again.
        self.object = object.clone();
        let Edges { refine, temporal_smoothing, .. } = tools.edges;
        let (width, height) = (object.mask.width, object.mask.height);
        if temporal_smoothing > 0.0 {
            self.steady(object, tools.guides, temporal_smoothing);
            self.object.mask = Mask { width, height, values: self.steadied[0].clone() };
        } else {
            self.earlier = None;
        }
        if refine > 0.0 {
            let cells = Cells { width, height, values: self.object.mask.bytes() };
            let guide = tools.guides[0];
            tools.guided.refine(cells, tools.inside_level, guide, refine, Arc::make_mut(&mut self.refined));
            let (width, height) = (guide.columns as u32, guide.rows as u32);
            self.object.mask = Mask { width, height, values: self.refined.clone() };
        }
    }

    fn steady(&mut self, object: &Object, guides: [&Guide; 2], strength: f32) {
        self.steadied.swap(0, 1);
        let [now, then] = &mut self.steadied;
        let steadied = Arc::make_mut(now);
        let grid = [object.mask.width, object.mask.height];
        match self.earlier.filter(|(earlier_grid, _)| *earlier_grid == grid) {
            Some((_, box_then)) => {
                let earlier = Earlier { values: then, moved_by: way(&box_then, &object.box_in_frame) };
                steady((&object.mask).into(), earlier, guides, strength, steadied);
            }
            None => {
                steadied.clear();
                steadied.extend_from_slice(object.mask.bytes());
            }
        }
        self.earlier = Some((grid, object.box_in_frame));
    }
}

/// From the middle of one box to that of another.
fn way(from: &BoxXyxy, to: &BoxXyxy) -> [f32; 2] {
    [0.5 * (to.x0 + to.x1 - from.x0 - from.x1), 0.5 * (to.y0 + to.y1 - from.y0 - from.y1)]
}
