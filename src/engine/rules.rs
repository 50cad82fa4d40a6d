//! What the user's prompts say about objects once their masks are there: exclusion and caps.

use super::SegmentRequest;
use crate::masks::Candidate;
use crate::objects::Object;
use crate::prompt::Prompt;

/// An object goes when excluded objects together cover more than this part of its mask.
pub const EXCLUDED_SHARE: f32 = 0.5;

/// The lowest score that any of the prompts accepts.
pub(super) fn lowest_threshold(prompts: &[Prompt], threshold: f32) -> f32 {
    prompts.iter().map(|prompt| prompt.threshold.unwrap_or(threshold)).fold(f32::INFINITY, f32::min)
}

/// Drops what its own prompt does not accept.
pub(super) fn keep_above_thresholds(candidates: &mut Vec<Candidate>, prompts: &[Prompt], threshold: f32) {
    candidates.retain(|candidate| candidate.score > prompts[candidate.prompt_index].threshold.unwrap_or(threshold));
}

/// True when objects beyond the request's cap can still matter.
pub(super) fn need_every_object(prompts: &[Prompt]) -> bool {
    prompts.iter().any(|prompt| prompt.is_excluded || prompt.max_objects > 0)
}

/// Takes away the excluded concepts' objects and what they cover, then applies the caps. `objects` are best first.
pub(super) fn apply(objects: Vec<Object>, request: &SegmentRequest, inside_level: u8) -> Vec<Object> {
    let prompt_of = |object: &Object| &request.prompts[object.prompt_index as usize];
    let (excluded, mut kept): (Vec<_>, Vec<_>) = objects.into_iter().partition(|object| prompt_of(object).is_excluded);
    let covered = union(&excluded, inside_level);
    kept.retain(|object| share_inside(object, &covered, inside_level) <= EXCLUDED_SHARE);
    let mut counts = vec![0usize; request.prompts.len()];
    kept.retain(|object| {
        let count = &mut counts[object.prompt_index as usize];
        *count += 1;
        let cap = prompt_of(object).max_objects;
        cap == 0 || *count <= cap
    });
    if request.max_objects > 0 {
        kept.truncate(request.max_objects);
    }
    kept
}

/// Cells inside any of the objects; empty when there are none. Masks of one pass have one size.
fn union(objects: &[Object], inside_level: u8) -> Vec<bool> {
    let mut covered = vec![false; objects.first().map_or(0, |object| object.mask.bytes().len())];
    for object in objects {
        for (covered, &value) in covered.iter_mut().zip(object.mask.bytes()) {
            *covered |= value >= inside_level;
        }
    }
    covered
}

/// The part of an object's inside that is covered; 0 for an object without inside.
fn share_inside(object: &Object, covered: &[bool], inside_level: u8) -> f32 {
    if covered.is_empty() {
        return 0.0;
    }
    let (mut inside, mut both) = (0u32, 0u32);
    for (&value, &covered) in object.mask.bytes().iter().zip(covered) {
        let is_inside = value >= inside_level;
        inside += u32::from(is_inside);
        both += u32::from(is_inside && covered);
    }
    if inside > 0 { both as f32 / inside as f32 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::BoxXyxy;
    use crate::objects::Mask;

    fn object(prompt_index: u32, score: f32, mask: [u8; 4]) -> Object {
        Object {
            id: None,
            label: "".into(),
            prompt_index,
            score,
            box_in_frame: BoxXyxy::default(),
            mask: Mask::new(2, 2, mask).unwrap(),
            state: None,
            first_seen_ns: None,
            last_seen_ns: None,
        }
    }

    fn request(caps: &[usize], max_objects: usize) -> SegmentRequest {
        let prompt = |(index, &max_objects): (usize, &usize)| Prompt {
            max_objects,
            is_excluded: index == 2,
            ..Prompt::from_text(&index.to_string()).unwrap()
        };
        SegmentRequest { prompts: caps.iter().enumerate().map(prompt).collect(), max_objects, ..Default::default() }
    }

    fn scores(objects: Vec<Object>, request: &SegmentRequest) -> Vec<f32> {
        apply(objects, request, 128).iter().map(|object| object.score).collect()
    }

    #[test]
    fn what_is_covered_by_more_than_half_goes_and_a_part_stays() {
        let objects = vec![
            object(0, 0.9, [255, 255, 0, 0]),
            object(0, 0.8, [255, 255, 255, 0]),
            object(1, 0.7, [0, 0, 0, 0]),
            object(2, 0.6, [255, 100, 0, 0]),
            object(2, 0.5, [0, 0, 128, 0]),
        ];
        assert_eq!(scores(objects, &request(&[0, 0, 0], 0)), [0.9, 0.7], "two thirds of 0.8 are covered, half of 0.9");
    }

    #[test]
    fn caps_count_what_is_left() {
        let many = || (0..6).map(|index| object(index % 2, 0.9 - 0.1 * index as f32, [255; 4])).collect::<Vec<_>>();
        assert_eq!(scores(many(), &request(&[1, 0], 0)).len(), 4);
        assert_eq!(scores(many(), &request(&[1, 0], 2)).len(), 2);
        let mut covered = vec![object(0, 0.9, [255, 0, 0, 0]), object(0, 0.8, [0, 0, 0, 255])];
        covered.push(object(2, 0.1, [255, 0, 0, 0]));
        assert_eq!(scores(covered, &request(&[1, 0, 0], 0)), [0.8]);
    }

    #[test]
    fn thresholds_are_each_prompts_own() {
        let mut prompts = Prompt::list_from_text("a; b");
        prompts[1].threshold = Some(0.2);
        assert_eq!(lowest_threshold(&prompts, 0.5), 0.2);
        let candidate =
            |prompt_index, score| Candidate { prompt_index, query_index: 0, score, box_in_frame: BoxXyxy::default() };
        let mut found = vec![candidate(0, 0.5), candidate(0, 0.6), candidate(1, 0.3), candidate(1, 0.2)];
        keep_above_thresholds(&mut found, &prompts, 0.5);
        assert_eq!(found.iter().map(|candidate| candidate.score).collect::<Vec<_>>(), [0.6, 0.3]);
        assert!(!need_every_object(&prompts));
    }
}
