//! Truth and predictions side by side: units to judge.

use super::{Attempt, CategorisedTrack, Dataset, Sequence, Unjudgeable, UnjudgedRule};
use crate::evaluate::assignment::{Weights, best_pairs};
use crate::evaluate::unit::{FrameOverlap, Track, Unit};
use crate::rle::Rle;

/// IoU from which a found mask is that of a true object, so that it is counted also in a region to ignore.
const MATCH_IOU: f64 = 0.5;
/// A mask of which more than this part lies in a region to ignore is not counted.
const IGNORED_PART: f64 = 0.5;

/// What can be judged, and what cannot.
#[derive(Debug, Clone, Default)]
pub struct Paired {
    /// One for each sequence and category that was asked.
    pub units: Vec<Unit>,
    /// Found tracks of categories that were not asked; they are not judged.
    pub left_out: usize,
}

/// Splits sequences by category, and takes away what falls in unjudged places.
///
/// # Errors
/// When the truth has several categories and the predictions none.
pub fn pair(truth: &Dataset, found: &Dataset) -> Attempt<Paired> {
    let mut paired = Paired::default();
    for (of_truth, of_found) in truth.sequences.iter().zip(&found.sequences) {
        check_categories(of_truth, of_found)?;
        let is_asked = |track: &&CategorisedTrack| of_truth.asked.iter().any(|&asked| is_of(track, asked));
        paired.left_out += of_found.tracks.iter().filter(|track| !is_asked(track)).count();
        for &category in &of_truth.asked {
            let name = category.and_then(|id| truth.categories.get(&id).cloned()).unwrap_or_default();
            let mut unit = Unit {
                sequence: of_truth.name.clone(),
                category: name,
                frames: of_truth.frame_names.len(),
                truth: tracks_of(of_truth, category),
                found: tracks_of(of_found, category),
            };
            take_away(&mut unit, of_truth);
            paired.units.push(unit);
        }
    }
    Ok(paired)
}

/// A side without categories says nothing against any.
fn is_of(track: &CategorisedTrack, asked: Option<u64>) -> bool {
    asked.is_none() || track.category.is_none() || track.category == asked
}

fn tracks_of(sequence: &Sequence, category: Option<u64>) -> Vec<Track> {
    sequence.tracks.iter().filter(|track| is_of(track, category)).map(|track| track.track.clone()).collect()
}

fn check_categories(truth: &Sequence, found: &Sequence) -> Attempt<()> {
    if truth.asked.len() > 1 && found.tracks.iter().any(|track| track.category.is_none()) {
        let cause = format!("its masks have no categories, and the truth asks for {}", truth.asked.len());
        let remedy =
            "Give predictions as JSON (YouTube-VIS-like) or text (MOTS-like), which name the category of each track";
        return Err(Unjudgeable::new(&found.path, cause, remedy));
    }
    Ok(())
}

fn take_away(unit: &mut Unit, truth: &Sequence) {
    for (frame, place) in truth.unjudged.iter().enumerate() {
        let Some(place) = place else { continue };
        match truth.unjudged_rule {
            UnjudgedRule::Void => {
                for mask in unit.found.iter_mut().map(|track| &mut track.masks[frame]) {
                    *mask = mask.take().map(|mask| mask.without(place)).filter(|mask| mask.area() > 0);
                }
            }
            UnjudgedRule::Ignore => {
                for index in ignored(unit, frame, place) {
                    unit.found[index].masks[frame] = None;
                }
            }
        }
    }
    unit.found.retain(|track| track.masks.iter().any(Option::is_some));
}

/// Found tracks whose mask on a frame matches nothing and lies in a region to ignore.
fn ignored(unit: &Unit, frame: usize, place: &Rle) -> Vec<usize> {
    let truth: Vec<_> = unit.truth.iter().map(|track| track.masks[frame].as_ref()).collect();
    let found: Vec<_> = unit.found.iter().map(|track| track.masks[frame].as_ref()).collect();
    let overlap = FrameOverlap::new(&truth, &found);
    let ious = overlap.ious();
    // Below the threshold a pair is worth nothing, so that it never stands in the way of one above.
    let worth = Weights::new(ious.rows, ious.columns, |row, column| {
        let iou = ious.at(row, column);
        if iou < MATCH_IOU - f64::EPSILON { 0.0 } else { iou }
    });
    let pairs = best_pairs(&worth).into_iter().filter(|&(row, column)| worth.at(row, column) > 0.0);
    let matched: Vec<usize> = pairs.map(|(_, column)| overlap.found[column]).collect();
    let lies_there = |index: &usize| {
        found[*index]
            .is_some_and(|mask| mask.shared_area(place) as f64 / mask.area() as f64 > IGNORED_PART + f64::EPSILON)
    };
    let unmatched = overlap.found.iter().copied().filter(|index| !matched.contains(index));
    unmatched.filter(lies_there).collect()
}
