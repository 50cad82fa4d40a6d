//! Discs that a detector finds and a tracker follows, without weights: what the artificial engine and the session's tests
//! run on. Where the discs are is a function of the frame's number and the phrase.

use crate::boxes::BoxXyxy;
use crate::engine::SegmentRequest;
use crate::error::Result;
use crate::session::{
    Clicks, Detected, Found, Giver, MaskLogits, MemorySettings, NO_OBJECT_LOGIT, Propagated, TrackingModel,
};

/// Rows, and columns, of the masks unless a frame says otherwise.
pub(crate) const SIDE: usize = 72;
/// How soft a disc's edge is; trained models make masks about this soft.
const EDGE_LOG_ODDS_PER_CELL: f32 = 2.0;
/// Logit of a mask without object, as the tracker writes it.
const ABSENT_LOGIT: f32 = -1024.0;
pub(crate) const SURE_LOGIT: f32 = 6.0;
const THRESHOLD: f32 = 0.5;
/// Radius of what a click finds where there is no disc.
const RADIUS_OF_CLICKS: f32 = 0.05;

/// One disc on one frame. Places are in parts of the frame's sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Disc {
    /// The same on every frame; tells the discs of one phrase apart.
    pub thing: u64,
    pub x: f32,
    pub y: f32,
    pub radius: f32,
    /// Score of its detection.
    pub score: f32,
    /// False when the detector misses it on this frame.
    pub is_detected: bool,
    /// False when the tracker does not see it on this frame.
    pub is_seen: bool,
}

impl Disc {
    pub(crate) fn at(thing: u64, x: f32, y: f32) -> Self {
        Self { thing, x, y, radius: 0.08, score: 0.9, is_detected: true, is_seen: true }
    }

    fn contains(&self, x: f32, y: f32) -> bool {
        (x - self.x).hypot(y - self.y) <= self.radius
    }

    fn bounds(&self) -> BoxXyxy {
        let Self { x, y, radius, .. } = *self;
        BoxXyxy { x0: x - radius, y0: y - radius, x1: x + radius, y1: y + radius }
    }

    pub(crate) fn logits(&self, side: usize) -> MaskLogits {
        let values: Vec<f32> = (0..side * side)
            .map(|cell| {
                let [x, y] = [cell % side, cell / side].map(|index| (index as f32 + 0.5) / side as f32);
                let outside_in_cells = ((x - self.x).hypot(y - self.y) - self.radius) * side as f32;
                (-EDGE_LOG_ODDS_PER_CELL * outside_in_cells).max(NO_OBJECT_LOGIT)
            })
            .collect();
        MaskLogits::new(side, values).unwrap_or_else(|| MaskLogits::blank(side, NO_OBJECT_LOGIT))
    }
}

/// What somebody points at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PointedAt {
    /// One of the discs, by its position.
    Disc(usize),
    /// A place where there is no disc, and what is seen there.
    Place(MaskLogits),
}

/// What clicks mean among discs. A disc with a negative point beside the positive one is not meant.
pub(crate) fn pointed_at(discs: &[Disc], clicks: &Clicks, side: usize) -> PointedAt {
    let (x, y, radius, avoided) = match clicks.box_in_frame {
        Some(given) => {
            let radius = 0.5 * (given.x1 - given.x0).min(given.y1 - given.y0);
            (0.5 * (given.x0 + given.x1), 0.5 * (given.y0 + given.y1), radius, None)
        }
        None => {
            let positive = clicks.points.iter().rev().find(|point| point.is_positive);
            let avoided = positive.and(clicks.points.iter().find(|point| !point.is_positive));
            let (x, y) = positive.or(clicks.points.last()).map_or((0.5, 0.5), |point| (point.x, point.y));
            (x, y, RADIUS_OF_CLICKS, avoided)
        }
    };
    let is_avoided = |disc: &Disc| avoided.is_some_and(|point| disc.contains(point.x, point.y));
    let hit = discs.iter().position(|disc| disc.contains(x, y) && !is_avoided(disc));
    hit.map_or_else(|| PointedAt::Place(Disc { radius, ..Disc::at(0, x, y) }.logits(side)), PointedAt::Disc)
}

/// What a mask means among discs: the one that it overlaps most, if it does so well.
pub(crate) fn under(discs: &[Disc], mask: &MaskLogits) -> PointedAt {
    let overlap = |disc: &Disc| {
        let logits = disc.logits(mask.side());
        let (mut both, mut either) = (0u32, 0u32);
        for (a, b) in logits.values().iter().zip(mask.values()) {
            both += u32::from(*a > 0.0 && *b > 0.0);
            either += u32::from(*a > 0.0 || *b > 0.0);
        }
        both as f32 / either.max(1) as f32
    };
    let best = discs.iter().map(overlap).enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
    match best {
        Some((index, overlap)) if overlap > 0.3 => PointedAt::Disc(index),
        _ => PointedAt::Place(mask.clone()),
    }
}

/// The discs of a phrase on a frame.
pub(crate) type Scenery = Box<dyn Fn(i64, &str) -> Vec<Disc> + Send>;

/// A detector and tracker of discs.
pub(crate) struct DiscModel {
    scenery: Scenery,
    follows: bool,
    /// Memories that took in a frame, over all frames.
    pub(crate) remembered: usize,
    /// Memories that were refreshed by a detection.
    pub(crate) reconditioned: usize,
}

/// A frame, as this model sees it.
#[derive(Debug, Clone)]
pub(crate) struct DiscFrame {
    pub number: i64,
    pub side: usize,
    /// The phrases that there are discs of.
    pub phrases: Vec<String>,
}

/// What is followed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Followed {
    /// A disc of a phrase.
    Disc(String, u64),
    /// A place where there was no disc.
    Still(MaskLogits),
}

impl DiscModel {
    pub(crate) fn new(follows: bool, scenery: Scenery) -> Self {
        Self { scenery, follows, remembered: 0, reconditioned: 0 }
    }

    fn all(&self, frame: &DiscFrame) -> Vec<(String, Disc)> {
        let of_phrase = |phrase: &String| {
            let discs = (self.scenery)(frame.number, phrase);
            discs.into_iter().map(|disc| (phrase.clone(), disc)).collect::<Vec<_>>()
        };
        frame.phrases.iter().flat_map(of_phrase).collect()
    }

    fn state(&self, frame: &DiscFrame, followed: &Followed) -> Propagated {
        let mask = match followed {
            Followed::Still(mask) => Some(mask.clone()),
            Followed::Disc(phrase, thing) => {
                let discs = (self.scenery)(frame.number, phrase);
                let disc = discs.into_iter().find(|disc| disc.thing == *thing && disc.is_seen);
                disc.map(|disc| disc.logits(frame.side)).filter(|mask| mask.values().iter().any(|&logit| logit > 0.0))
            }
        };
        match mask {
            Some(mask) => Propagated { mask, score_logit: SURE_LOGIT },
            None => {
                let mask = MaskLogits::new(frame.side, vec![ABSENT_LOGIT; frame.side * frame.side]);
                Propagated {
                    mask: mask.unwrap_or_else(|| MaskLogits::blank(frame.side, NO_OBJECT_LOGIT)),
                    score_logit: -SURE_LOGIT,
                }
            }
        }
    }

    /// What is followed where somebody points, as `find` finds it among the discs of the frame.
    fn followed(&self, frame: &DiscFrame, find: impl FnOnce(&[Disc]) -> PointedAt) -> Followed {
        let (mut phrases, discs): (Vec<_>, Vec<_>) = self.all(frame).into_iter().unzip();
        match find(&discs) {
            PointedAt::Disc(index) => Followed::Disc(phrases.swap_remove(index), discs[index].thing),
            PointedAt::Place(mask) => Followed::Still(mask),
        }
    }

    fn clicked(&self, frame: &DiscFrame, clicks: &Clicks) -> Followed {
        self.followed(frame, |discs| pointed_at(discs, clicks, frame.side))
    }

    fn under(&self, frame: &DiscFrame, mask: &MaskLogits) -> Followed {
        self.followed(frame, |discs| under(discs, mask))
    }
}

impl TrackingModel for DiscModel {
    type Features = DiscFrame;
    type Memory = Followed;

    fn follows(&self) -> bool {
        self.follows
    }

    fn mask_side(&self, frame: &DiscFrame) -> usize {
        frame.side
    }

    fn detect(&mut self, frame: &DiscFrame, request: &SegmentRequest) -> Result<Detected> {
        let mut found = Vec::new();
        for (prompt_index, prompt) in request.prompts.iter().enumerate() {
            let threshold = prompt.threshold.or(request.threshold).unwrap_or(THRESHOLD);
            let discs = (self.scenery)(frame.number, &prompt.text);
            for disc in discs.into_iter().filter(|disc| disc.is_detected && disc.score > threshold) {
                let mask = disc.logits(frame.side);
                if mask.values().iter().any(|&logit| logit > 0.0) {
                    found.push(Found { prompt_index, score: disc.score, box_in_frame: disc.bounds(), mask });
                }
            }
        }
        Ok(Detected { found, semantic_maps: Vec::new() })
    }

    fn propagate(
        &mut self,
        frame: &DiscFrame,
        memories: &mut [&mut Followed],
        _settings: &MemorySettings,
        _number: i64,
    ) -> Result<Vec<Propagated>> {
        Ok(memories.iter().map(|followed| self.state(frame, followed)).collect())
    }

    fn click(
        &mut self,
        frame: &DiscFrame,
        memory: Option<&mut Followed>,
        clicks: &Clicks,
        _settings: &MemorySettings,
        _number: i64,
    ) -> Result<(Option<Followed>, Propagated)> {
        let followed = self.clicked(frame, clicks);
        let state = self.state(frame, &followed);
        match memory {
            Some(memory) => {
                *memory = followed;
                Ok((None, state))
            }
            None => Ok((Some(followed), state)),
        }
    }

    fn recondition(
        &mut self,
        frame: &DiscFrame,
        memory: &mut Followed,
        mask: &MaskLogits,
        _giver: Giver,
        _number: i64,
    ) -> Result<()> {
        *memory = self.under(frame, mask);
        self.reconditioned += 1;
        Ok(())
    }

    fn remember(
        &mut self,
        _frame: &DiscFrame,
        memories: &mut [&mut Followed],
        _masks: &[MaskLogits],
        _is_present: &[bool],
        _number: i64,
    ) -> Result<()> {
        self.remembered += memories.len();
        Ok(())
    }

    fn start_from_masks(
        &mut self,
        frame: &DiscFrame,
        masks: &[MaskLogits],
        _giver: Giver,
        _number: i64,
    ) -> Result<Vec<Followed>> {
        Ok(masks.iter().map(|mask| self.under(frame, mask)).collect())
    }

    fn memory_bytes(&self, _memory: &Followed) -> usize {
        size_of::<Followed>()
    }
}
