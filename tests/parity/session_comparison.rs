//! One frame of a session beside the reference's.

use std::collections::BTreeMap;

use sa3::objects::MASK_INSIDE;
use sa3::session::{MaskLogits, Tracking};
use tch::{Kind, Tensor};

use crate::fixtures::Data;
use crate::session_recorder::Recording;
use crate::sessions::OracleRow;
use crate::tracker_sequences::{SCORE_MAX_ABS, UNDECIDED};

const SCORE_OF_DETECTION_MAX_ABS: f32 = 1e-4;
const LEAST_IOU: f64 = 0.999;

/// Masks of all frames, read one after the other.
pub struct OracleMasks {
    shown: Rows,
    detected: Rows,
}

struct Rows {
    cells: Vec<Vec<bool>>,
    next: usize,
}

impl Rows {
    fn take(&mut self, count: usize) -> Vec<Vec<bool>> {
        self.next += count;
        self.cells[self.next - count..self.next].to_vec()
    }
}

impl OracleMasks {
    pub fn new(data: &Data) -> Self {
        let rows = |name: &str| {
            let packed: &Tensor = data.get(name).unwrap();
            let bytes = Vec::<u8>::try_from(packed.to_kind(Kind::Uint8).reshape([-1])).unwrap();
            let bits =
                |row: &[u8]| row.iter().flat_map(|byte| (0..8).map(move |bit| byte >> (7 - bit) & 1 == 1)).collect();
            Rows { cells: bytes.chunks_exact(packed.size()[1] as usize).map(bits).collect(), next: 0 }
        };
        Self { shown: rows("shown"), detected: rows("detected") }
    }
}

/// Overlap of a mask of ours with one of theirs, but for cells where rounding decides.
fn iou(ours: &MaskLogits, theirs: &[bool]) -> f64 {
    let decided = || ours.values().iter().zip(theirs).filter(|(logit, _)| logit.abs() > UNDECIDED);
    let both = decided().filter(|(logit, inside)| **logit > 0.0 && **inside).count();
    let either = decided().filter(|(logit, inside)| **logit > 0.0 || **inside).count();
    if either == 0 { 1.0 } else { both as f64 / either as f64 }
}

/// Our ids begin at 1.
fn ours_of(ids: &[u64]) -> Vec<u64> {
    ids.iter().map(|id| id + 1).collect()
}

fn sorted(ids: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let mut ids: Vec<u64> = ids.into_iter().collect();
    ids.sort_unstable();
    ids
}

fn unequal<T: PartialEq + std::fmt::Debug>(what: &str, ours: T, theirs: T) -> Option<String> {
    (ours != theirs).then(|| format!("{what}: {ours:?}, the reference has {theirs:?}"))
}

/// The first thing that differs.
pub fn difference(row: &OracleRow, masks: &mut OracleMasks, ours: &Tracking, asked: &Recording) -> Option<String> {
    let detected = masks.detected.take(row.detections.len());
    let shown: BTreeMap<u64, Vec<bool>> =
        ours_of(&row.masks).into_iter().zip(masks.shown.take(row.masks.len())).collect();
    detections(row, &detected, asked)
        .or_else(|| tracks(row, asked))
        .or_else(|| ids(row, ours, asked))
        .or_else(|| remembered(row, &shown, asked))
        .or_else(|| output(row, &shown, ours))
}

/// Ours are those before overlap suppression: theirs must be among them, in that order.
fn detections(row: &OracleRow, masks: &[Vec<bool>], asked: &Recording) -> Option<String> {
    let mut found = asked.detected.found.iter();
    row.detections.iter().zip(masks).enumerate().find_map(|(index, (theirs, mask))| {
        let is_it = found.any(|ours| {
            let is_score = (ours.score - theirs.score).abs() < SCORE_OF_DETECTION_MAX_ABS;
            ours.prompt_index == theirs.phrase && is_score && iou(&ours.mask, mask) > LEAST_IOU
        });
        (!is_it).then(|| format!("detection {index} of the reference is not there"))
    })
}

fn tracks(row: &OracleRow, asked: &Recording) -> Option<String> {
    let followed: Vec<u64> = asked.propagated.iter().map(|(id, _)| *id).collect();
    let theirs: Vec<u64> = row.tracked.iter().map(|track| track.id + 1).collect();
    unequal("followed", followed, theirs).or_else(|| {
        asked.propagated.iter().zip(&row.tracked).find_map(|((id, ours), theirs)| {
            let is_off = (ours.score_logit - theirs.logit).abs() >= SCORE_MAX_ABS;
            is_off.then(|| format!("score of {id}: {}, the reference has {}", ours.score_logit, theirs.logit))
        })
    })
}

fn ids(row: &OracleRow, ours: &Tracking, asked: &Recording) -> Option<String> {
    let born: Vec<u64> = asked.born.iter().map(|(id, _)| *id).collect();
    unequal("born", born, ours_of(&row.born))
        .or_else(|| {
            unequal("reconditioned", sorted(asked.reconditioned.iter().copied()), sorted(ours_of(&row.reconditioned)))
        })
        .or_else(|| unequal("removed", sorted(ours.removed_ids.iter().copied()), sorted(ours_of(&row.removed))))
        .or_else(|| unequal("objects that are kept", ours.kept.tracks, row.alive.len()))
}

/// What memories are made of: whole masks, or nothing.
fn remembered(row: &OracleRow, shown: &BTreeMap<u64, Vec<bool>>, asked: &Recording) -> Option<String> {
    let is_empty = |id: &u64| !shown[id].contains(&true);
    let visible = ours_of(&row.suppressed_masks).into_iter().find(|id| !is_empty(id));
    assert_eq!(visible, None, "the reference shows what it has suppressed");
    let absent = asked.remembered.iter().filter(|(_, _, is_present)| !is_present).map(|(id, ..)| *id);
    let tracked = row.tracked.iter().map(|track| track.id + 1);
    let theirs = tracked.filter(|id| is_empty(id) || row.shrunk.contains(&(id - 1)));
    unequal("remembered as absent", sorted(absent), sorted(theirs)).or_else(|| {
        asked.remembered.iter().filter(|(_, _, is_present)| *is_present).find_map(|(id, mask, _)| {
            let overlap = iou(mask, &shown[id]);
            (overlap <= LEAST_IOU).then(|| format!("masks of {id} overlap by {overlap}"))
        })
    })
}

/// Every cell of the reference's masks is shown, as one object's; only masks that are nowhere are not.
fn output(row: &OracleRow, shown: &BTreeMap<u64, Vec<bool>>, ours: &Tracking) -> Option<String> {
    let alive: Vec<(u64, u32)> = ours_of(&row.alive).into_iter().zip(row.phrases.iter().copied()).collect();
    let visible = alive.iter().filter(|(id, _)| shown[id].contains(&true));
    let objects: BTreeMap<u64, _> = ours.objects.items.iter().map(|object| (object.id.unwrap(), object)).collect();
    let phrases: Vec<(u64, u32)> = objects.iter().map(|(id, object)| (*id, object.prompt_index)).collect();
    let births = ours_of(&row.born).into_iter().zip(&row.birth_scores);
    unequal("shown with phrases", phrases, visible.copied().collect())
        .or_else(|| {
            births.into_iter().find_map(|(id, score)| {
                let own = objects.get(&id)?.score;
                ((own - score).abs() >= SCORE_OF_DETECTION_MAX_ABS).then(|| format!("score of the new {id}: {own}"))
            })
        })
        .or_else(|| {
            sorted(alive.iter().map(|(_, phrase)| u64::from(*phrase))).into_iter().find_map(|phrase| {
                let of_phrase: Vec<u64> =
                    alive.iter().filter(|(_, of)| u64::from(*of) == phrase).map(|(id, _)| *id).collect();
                misplaced_cells(&of_phrase, shown, &objects)
            })
        })
}

fn misplaced_cells(
    of_phrase: &[u64],
    shown: &BTreeMap<u64, Vec<bool>>,
    objects: &BTreeMap<u64, &sa3::Object>,
) -> Option<String> {
    let is_shown =
        |id: &u64, cell: usize| objects.get(id).is_some_and(|object| object.mask.bytes()[cell] >= MASK_INSIDE);
    let wrong = |cell: &usize| {
        let is_there = of_phrase.iter().any(|id| shown[id][*cell]);
        let owners: Vec<&u64> = of_phrase.iter().filter(|id| is_shown(id, *cell)).collect();
        owners.len() != usize::from(is_there) || owners.iter().any(|id| !shown[id][*cell])
    };
    let wrong: Vec<usize> = (0..shown[of_phrase.first()?].len()).filter(wrong).collect();
    (!wrong.is_empty()).then(|| format!("cells {wrong:?} of {of_phrase:?} are shown as somebody else's or nobody's"))
}
