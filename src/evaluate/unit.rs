//! What is judged at a time: the true and the found tracks of one category on one sequence.

use super::assignment::Weights;
use crate::rle::Rle;

/// One object through time.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Its id in the file that it comes from.
    pub id: u64,
    /// A mask for each frame, `None` where the object is not to be seen; never an empty mask.
    pub masks: Vec<Option<Rle>>,
}

/// True and found tracks of one category on one sequence; all masks of one size, all tracks of `frames` masks.
#[derive(Debug, Clone, Default)]
pub struct Unit {
    /// The sequence's name.
    pub sequence: String,
    /// The category's name; empty where the truth has no categories.
    pub category: String,
    /// How many frames there are.
    pub frames: usize,
    /// What is there.
    pub truth: Vec<Track>,
    /// What was found.
    pub found: Vec<Track>,
}

/// How true and found masks of one frame overlap. Positions are those of the tracks that are on the frame.
#[derive(Debug, Clone)]
pub struct FrameOverlap {
    /// Which of the unit's true tracks are on the frame.
    pub truth: Vec<usize>,
    /// Which of the unit's found tracks are on the frame.
    pub found: Vec<usize>,
    truth_areas: Vec<u64>,
    found_areas: Vec<u64>,
    shared: Vec<u64>,
}

impl FrameOverlap {
    /// Overlaps of two sets of masks.
    pub fn new<'a>(truth: &[Option<&'a Rle>], found: &[Option<&'a Rle>]) -> Self {
        let (truth, truth_masks) = present(truth);
        let (found, found_masks) = present(found);
        let row = |mask: &'a Rle| found_masks.iter().map(move |other| mask.shared_area(other)).collect::<Vec<_>>();
        Self {
            shared: truth_masks.iter().flat_map(|mask| row(mask)).collect(),
            truth_areas: truth_masks.iter().map(|mask| mask.area()).collect(),
            found_areas: found_masks.iter().map(|mask| mask.area()).collect(),
            truth,
            found,
        }
    }

    /// IoU of each pair of positions: rows are true, columns found.
    pub fn ious(&self) -> Weights {
        Weights::new(self.truth.len(), self.found.len(), |row, column| {
            let (shared, either) = self.shared_and_either(row, column);
            if either > 0 { shared as f64 / either as f64 } else { 0.0 }
        })
    }

    fn shared_and_either(&self, row: usize, column: usize) -> (u64, u64) {
        let shared = self.shared[row * self.found.len() + column];
        (shared, self.truth_areas[row] + self.found_areas[column] - shared)
    }
}

fn present<'a>(masks: &[Option<&'a Rle>]) -> (Vec<usize>, Vec<&'a Rle>) {
    masks.iter().enumerate().filter_map(|(index, mask)| mask.map(|mask| (index, mask))).unzip()
}

impl Unit {
    /// The overlaps of every frame.
    pub fn overlaps(&self) -> Vec<FrameOverlap> {
        let overlap = |frame: usize| {
            let truth: Vec<_> = self.truth.iter().map(|track| track.masks[frame].as_ref()).collect();
            let found: Vec<_> = self.found.iter().map(|track| track.masks[frame].as_ref()).collect();
            FrameOverlap::new(&truth, &found)
        };
        (0..self.frames).map(overlap).collect()
    }

    /// IoU of whole tracks: what pairs share on all frames, over what either has on all frames.
    pub fn track_ious(&self, overlaps: &[FrameOverlap]) -> Weights {
        let area = |track: &Track| track.masks.iter().flatten().map(Rle::area).sum::<u64>();
        let truth_areas: Vec<u64> = self.truth.iter().map(area).collect();
        let found_areas: Vec<u64> = self.found.iter().map(area).collect();
        let mut shared = Weights::new(self.truth.len(), self.found.len(), |_, _| 0.0);
        for overlap in overlaps {
            for (row, &truth) in overlap.truth.iter().enumerate() {
                for (column, &found) in overlap.found.iter().enumerate() {
                    shared.add(truth, found, overlap.shared_and_either(row, column).0 as f64);
                }
            }
        }
        Weights::new(self.truth.len(), self.found.len(), |row, column| {
            let both = shared.at(row, column);
            both / ((truth_areas[row] + found_areas[column]) as f64 - both).max(1.0)
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A track on a picture of 10x1: the columns that are inside, or nothing, for each frame.
    pub(crate) fn track(id: u64, frames: &[Option<std::ops::Range<usize>>]) -> Track {
        let mask = |columns: &std::ops::Range<usize>| {
            Rle::from_pixels(10, 1, &(0..10).map(|column| columns.contains(&column)).collect::<Vec<_>>())
        };
        Track { id, masks: frames.iter().map(|columns| columns.as_ref().map(mask)).collect() }
    }

    pub(crate) fn unit(truth: Vec<Track>, found: Vec<Track>) -> Unit {
        let frames = truth.iter().chain(&found).map(|track| track.masks.len()).max().unwrap_or(0);
        Unit { frames, truth, found, ..Unit::default() }
    }

    #[test]
    fn overlaps_are_of_what_is_on_the_frame() {
        let unit = unit(
            vec![track(1, &[None, Some(0..4)]), track(2, &[Some(5..10), Some(6..10)])],
            vec![track(9, &[Some(5..7), Some(2..8)])],
        );
        let overlaps = unit.overlaps();
        assert_eq!((&*overlaps[0].truth, &*overlaps[0].found), (&[1][..], &[0][..]));
        assert_eq!(overlaps[0].ious().at(0, 0), 0.4);
        assert_eq!(overlaps[1].ious(), Weights::new(2, 1, |_, _| 0.25));
        let whole = unit.track_ious(&overlaps);
        assert_eq!((whole.at(0, 0), whole.at(1, 0)), (2.0 / 10.0, 4.0 / 13.0));
    }
}
