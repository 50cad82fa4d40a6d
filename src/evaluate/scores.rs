//! All measures of a unit, and of many.

use serde::Serialize;

use super::concept::ConceptSums;
use super::hota::HotaSums;
use super::identity::{ClearSums, IdentitySums};
use super::region::ShapeSums;
use super::unit::Unit;

/// What adds up over units.
#[derive(Debug, Clone, Default)]
pub struct Sums {
    shapes: ShapeSums,
    hota: HotaSums,
    identity: IdentitySums,
    clear: ClearSums,
    videos: ConceptSums,
    frames: ConceptSums,
}

/// The measures, 0 to 1 except for counts, MOTA (which can be negative) and IL_MCC (-1 to 1).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scores {
    /// Mean of J and F.
    pub j_and_f: Option<f64>,
    /// Region similarity; none without a true track.
    pub j: Option<f64>,
    /// Contour accuracy; none without a true track.
    pub f: Option<f64>,
    /// Higher order tracking accuracy.
    pub hota: f64,
    /// Its detection accuracy.
    pub det_a: f64,
    /// Its association accuracy.
    pub ass_a: f64,
    /// Its localisation accuracy.
    pub loc_a: f64,
    /// F1 of ids.
    pub idf1: f64,
    /// How often a true track's id changes.
    pub id_switches: u64,
    /// How often a true track is there again after it was away.
    pub returns: u64,
    /// Those that have their id again.
    pub kept_returns: u64,
    /// Multiple object tracking accuracy.
    pub mota: f64,
    /// cgF1 where a pair is a phrase and a whole video; none without positive and negative pairs.
    pub cg_f1_videos: Option<f64>,
    /// Its pmF1.
    pub pm_f1_videos: Option<f64>,
    /// Its IL_MCC.
    pub il_mcc_videos: Option<f64>,
    /// cgF1 where a pair is a phrase and one frame.
    pub cg_f1_frames: Option<f64>,
    /// Its pmF1.
    pub pm_f1_frames: Option<f64>,
    /// Its IL_MCC.
    pub il_mcc_frames: Option<f64>,
    /// True tracks.
    pub true_tracks: u64,
    /// True masks.
    pub true_masks: u64,
    /// Found masks.
    pub found_masks: u64,
}

impl Sums {
    /// Judges one unit.
    pub fn of(unit: &Unit) -> Self {
        let overlaps = unit.overlaps();
        let mut frames = ConceptSums::default();
        overlaps.iter().for_each(|overlap| frames.add(&ConceptSums::of(&overlap.ious())));
        Self {
            shapes: ShapeSums::of(unit, &overlaps),
            hota: HotaSums::of(unit, &overlaps),
            identity: IdentitySums::of(unit, &overlaps),
            clear: ClearSums::of(unit, &overlaps),
            videos: ConceptSums::of(&unit.track_ious(&overlaps)),
            frames,
        }
    }

    /// Judges many units as one.
    pub fn of_all<'a>(units: impl IntoIterator<Item = &'a Unit>) -> Self {
        let mut all = Self::default();
        units.into_iter().for_each(|unit| all.add(&Self::of(unit)));
        all
    }

    /// Takes another unit in.
    pub fn add(&mut self, other: &Self) {
        self.shapes.add(&other.shapes);
        self.hota.add(&other.hota);
        self.identity.add(&other.identity);
        self.clear.add(&other.clear);
        self.videos.add(&other.videos);
        self.frames.add(&other.frames);
    }

    /// What comes of it.
    pub fn scores(&self) -> Scores {
        let (hota, clear) = (self.hota.scores(), &self.clear);
        let (j, f) = (self.shapes.region_similarity(), self.shapes.contour_accuracy());
        Scores {
            j_and_f: j.zip(f).map(|(j, f)| 0.5 * (j + f)),
            j,
            f,
            hota: hota.hota,
            det_a: hota.det_a,
            ass_a: hota.ass_a,
            loc_a: hota.loc_a,
            idf1: self.identity.idf1(),
            id_switches: clear.id_switches as u64,
            returns: clear.returns as u64,
            kept_returns: clear.kept_returns as u64,
            mota: clear.mota(),
            cg_f1_videos: self.videos.cg_f1(),
            pm_f1_videos: self.videos.positive_micro_f1(),
            il_mcc_videos: self.videos.image_level_mcc(),
            cg_f1_frames: self.frames.cg_f1(),
            pm_f1_frames: self.frames.positive_micro_f1(),
            il_mcc_frames: self.frames.image_level_mcc(),
            true_tracks: self.shapes.tracks as u64,
            true_masks: (clear.true_positives + clear.misses) as u64,
            found_masks: (clear.true_positives + clear.false_positives) as u64,
        }
    }
}
