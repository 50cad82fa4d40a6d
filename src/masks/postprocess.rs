//! Which queries are objects, and what their masks look like. Plain numbers, no tensors.

use crate::boxes::BoxXyxy;

/// A query that scored high enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Position of its prompt in the request.
    pub prompt_index: usize,
    /// Position among that prompt's queries.
    pub query_index: usize,
    /// sigmoid(logit) · sigmoid(presence).
    pub score: f32,
    /// Normalised to the frame.
    pub box_in_frame: BoxXyxy,
}

/// What to keep of the candidates' masks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Selection {
    /// Mask values at or above this are inside.
    pub inside_level: u8,
    /// Overlap of two masks of one prompt above which the worse goes; 0: off.
    pub mask_nms_iou: f32,
    /// Masks are cleared outside their box grown by this part of its size; 0: off.
    pub clip_to_box_margin: f32,
    /// Best objects kept; 0: all.
    pub max_objects: usize,
}

/// Candidates with a score strictly above `threshold`, best first within each prompt.
///
/// `scores` and `boxes` hold `query_count` entries for each prompt in turn.
pub fn candidates(scores: &[f32], boxes: &[BoxXyxy], query_count: usize, threshold: f32) -> Vec<Candidate> {
    let mut kept: Vec<Candidate> = scores
        .iter()
        .zip(boxes)
        .enumerate()
        .filter(|(_, (score, _))| **score > threshold)
        .map(|(index, (&score, &box_in_frame))| Candidate {
            prompt_index: index / query_count,
            query_index: index % query_count,
            score,
            box_in_frame,
        })
        .collect();
    kept.sort_by(|a, b| a.prompt_index.cmp(&b.prompt_index).then(b.score.total_cmp(&a.score)));
    kept
}

/// Clips masks, drops the worse of overlapping ones, sorts by score over all prompts and cuts to the cap.
///
/// `masks` are square, `side` values a row, in the order of `candidates` (best first within each prompt).
pub fn select(
    candidates: Vec<Candidate>,
    mut masks: Vec<Vec<u8>>,
    side: usize,
    wanted: Selection,
) -> Vec<(Candidate, Vec<u8>)> {
    if wanted.clip_to_box_margin > 0.0 {
        for (candidate, mask) in candidates.iter().zip(&mut masks) {
            clear_outside(mask, side, candidate.box_in_frame.grown(wanted.clip_to_box_margin), 0);
        }
    }
    let mut kept: Vec<(Candidate, Vec<u8>)> = Vec::new();
    for (candidate, mask) in candidates.into_iter().zip(masks) {
        let is_repeated = wanted.mask_nms_iou > 0.0
            && kept.iter().any(|(better, of_better)| {
                better.prompt_index == candidate.prompt_index
                    && mask_iou(of_better, &mask, wanted.inside_level) > wanted.mask_nms_iou
            });
        if !is_repeated {
            kept.push((candidate, mask));
        }
    }
    kept.sort_by(|(a, _), (b, _)| b.score.total_cmp(&a.score));
    if wanted.max_objects > 0 {
        kept.truncate(wanted.max_objects);
    }
    kept
}

/// Writes `nothing` into every cell whose centre is outside `keep`, which is normalised to the mask's frame.
pub fn clear_outside<T: Copy>(mask: &mut [T], side: usize, keep: BoxXyxy, nothing: T) {
    let centre = |index: usize| (index as f32 + 0.5) / side as f32;
    for (row, values) in mask.chunks_mut(side).enumerate() {
        let is_row_kept = (keep.y0..=keep.y1).contains(&centre(row));
        for (column, value) in values.iter_mut().enumerate() {
            if !is_row_kept || !(keep.x0..=keep.x1).contains(&centre(column)) {
                *value = nothing;
            }
        }
    }
}

/// Intersection over union of two masks' insides, 0 when both are empty.
fn mask_iou(a: &[u8], b: &[u8], inside_level: u8) -> f32 {
    let (mut both, mut either) = (0u32, 0u32);
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (a >= inside_level, b >= inside_level);
        both += u32::from(a && b);
        either += u32::from(a || b);
    }
    if either > 0 { both as f32 / either as f32 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: BoxXyxy = BoxXyxy { x0: 0.0, y0: 0.0, x1: 1.0, y1: 1.0 };
    const PLAIN: Selection =
        Selection { inside_level: 128, mask_nms_iou: 0.0, clip_to_box_margin: 0.0, max_objects: 0 };

    fn candidate(prompt_index: usize, score: f32) -> Candidate {
        Candidate { prompt_index, query_index: 0, score, box_in_frame: WHOLE }
    }

    #[test]
    fn the_threshold_is_strict_and_order_is_by_prompt_then_score() {
        let kept = candidates(&[0.5, 0.6, 0.9, 0.2], &[WHOLE; 4], 2, 0.5);
        let found: Vec<_> = kept.iter().map(|c| (c.prompt_index, c.query_index)).collect();
        assert_eq!(found, [(0, 1), (1, 0)]);
        let kept = candidates(&[0.6, 0.7], &[WHOLE; 2], 2, 0.5);
        assert_eq!(kept[0].query_index, 1);
    }

    #[test]
    fn overlaps_go_within_a_prompt_only() {
        let masks = vec![vec![255; 4], vec![255, 255, 255, 0], vec![255; 4]];
        let given = vec![candidate(0, 0.9), candidate(0, 0.8), candidate(1, 0.7)];
        let kept = select(given.clone(), masks.clone(), 2, Selection { mask_nms_iou: 0.6, ..PLAIN });
        assert_eq!(kept.iter().map(|(c, _)| c.score).collect::<Vec<_>>(), [0.9, 0.7]);
        assert_eq!(select(given.clone(), masks.clone(), 2, Selection { mask_nms_iou: 0.75, ..PLAIN }).len(), 3);
        assert_eq!(select(given, masks, 2, PLAIN).len(), 3);
    }

    #[test]
    fn clipping_clears_cells_outside_the_grown_box() {
        let left = Candidate { box_in_frame: BoxXyxy { x0: 0.0, y0: 0.0, x1: 0.2, y1: 1.0 }, ..candidate(0, 0.9) };
        let kept = select(vec![left], vec![vec![200; 16]], 4, Selection { clip_to_box_margin: 0.1, ..PLAIN });
        assert_eq!(kept[0].1[..4], [200, 0, 0, 0]);
    }

    #[test]
    fn the_cap_keeps_the_best_of_all_prompts() {
        let given = vec![candidate(0, 0.6), candidate(1, 0.9), candidate(2, 0.8)];
        let kept = select(given, vec![vec![0; 1]; 3], 1, Selection { max_objects: 2, ..PLAIN });
        assert_eq!(kept.iter().map(|(c, _)| c.prompt_index).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn empty_masks_do_not_overlap() {
        assert_eq!(mask_iou(&[0, 10], &[0, 10], 128), 0.0);
    }
}
