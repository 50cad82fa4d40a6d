//! "This very thing": what a request points at becomes one object each, whatever model looks.
//!
//! Thresholds, caps, overlaps and excluded concepts are about what is found; a thing that is pointed at is none of their
//! business. Marks that lie outside the frame are left out and told. A thing that the tracker does not see (its object
//! score is 0 or below), or whose mask has no inside, becomes no object. Masks lose small holes and sprinkles, as those of
//! a session do.

use super::SegmentRequest;
use crate::error::Result;
use crate::objects::{Mask, Object};
use crate::prompt::{GivenPoint, PointedThing};
use crate::session::{
    BinaryMask, ClickPoint, Clicks, FrameShape, MaskLogits, Notice, SessionConfig, given_mask, tight_box, usable_box,
    usable_points, without_holes_and_sprinkles,
};
use crate::tracker::TrackedMask;

/// The frame that things are pointed at on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) shape: FrameShape,
    /// Rows, and columns, of its masks.
    pub(super) side: usize,
}

/// What is said of one thing, as a model reads it on the frame at hand.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pointed {
    pub(super) clicks: Clicks,
    pub(super) mask: Option<MaskLogits>,
}

/// An object for each of the request's things that is there, in their order, and what was ignored.
///
/// `look`: what the tracker makes of one thing; `None` where the model has no tracker.
pub(super) fn objects_pointed_at(
    request: &SegmentRequest,
    place: Place,
    look: Option<impl FnMut(&Pointed) -> Result<TrackedMask>>,
) -> Result<(Vec<Object>, Vec<Notice>)> {
    let (mut objects, mut notices) = (Vec::new(), Vec::new());
    if request.things.is_empty() {
        return Ok((objects, notices));
    }
    let Some(mut look) = look else {
        return Ok((objects, vec![Notice::NeedsTracker { edit: "points" }]));
    };
    for (index, thing) in request.things.iter().enumerate() {
        let mut of_thing = Vec::new();
        if let Some(pointed) = pointed_at(thing, place, &mut of_thing) {
            let prompt_index = (request.prompts.len() + index) as u32;
            objects.extend(object(look(&pointed)?, thing, place, prompt_index));
        }
        let about = |notice| Notice::OfThing { label: thing.label().clone(), notice: Box::new(notice) };
        notices.extend(of_thing.into_iter().map(about));
    }
    Ok((objects, notices))
}

/// Both together, best score first.
pub(super) fn merged(mut found: Vec<Object>, pointed_at: Vec<Object>) -> Vec<Object> {
    if pointed_at.is_empty() {
        return found;
    }
    found.extend(pointed_at);
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found
}

/// `None`, with notices, where nothing is left that says what is meant.
fn pointed_at(thing: &PointedThing, place: Place, notices: &mut Vec<Notice>) -> Option<Pointed> {
    let (marks, FrameShape { width, height }) = (thing.marks(), place.shape);
    let (across, down) = marks.unit.of_frame(width, height);
    let click =
        |point: &GivenPoint| ClickPoint { x: point.x / across, y: point.y / down, is_positive: point.is_positive };
    let points: Vec<_> = marks.points.iter().map(click).collect();
    let points = usable_points(&points, place.side, notices);
    let box_in_frame = marks.given_box.and_then(|given| {
        let usable = usable_box(&given.on_frame(marks.unit, width, height));
        notices.extend(usable.is_none().then_some(Notice::BoxOutside));
        usable
    });
    let mask = marks.mask.as_ref().and_then(|mask| {
        let usable = given_mask(mask, place.side);
        notices.extend(usable.is_none().then_some(Notice::EmptyMask));
        usable
    });
    let is_meant = box_in_frame.is_some() || mask.is_some() || points.iter().any(|point| point.is_positive);
    if !is_meant {
        notices.push(Notice::NothingPositive);
    }
    is_meant.then_some(Pointed { clicks: Clicks { points, box_in_frame }, mask })
}

fn object(seen: TrackedMask, thing: &PointedThing, place: Place, prompt_index: u32) -> Option<Object> {
    if seen.object_score_logit <= 0.0 {
        return None;
    }
    let (width, height) = (place.shape.width, place.shape.height);
    let cleaned = without_holes_and_sprinkles(&seen.mask, SessionConfig::default().hole_area);
    let box_in_frame = tight_box(&cleaned, &BinaryMask::from_logits(&cleaned), width, height)?;
    let side = cleaned.side() as u32;
    Some(Object {
        id: None,
        label: thing.label().clone(),
        prompt_index,
        score: seen.expected_iou.clamp(0.0, 1.0),
        box_in_frame,
        mask: Mask::new(side, side, cleaned.probabilities())?,
        state: None,
        first_seen_ns: None,
        last_seen_ns: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::{Prompt, things_from_text};

    const PLACE: Place = Place { shape: FrameShape { width: 100, height: 50 }, side: 10 };

    fn request(points: &str) -> SegmentRequest {
        SegmentRequest {
            prompts: Prompt::list_from_text("dog; cat"),
            things: things_from_text(points).unwrap(),
            ..SegmentRequest::default()
        }
    }

    /// A tracker that sees the left half, this surely.
    fn left_half(object_score_logit: f32) -> TrackedMask {
        let values: Vec<f32> = (0..100).map(|cell| if cell % 10 < 5 { 4.0 } else { -4.0 }).collect();
        TrackedMask { mask: MaskLogits::new(10, values).unwrap(), object_score_logit, expected_iou: 0.75 }
    }

    /// What a tracker was asked, the objects, and the notices as text.
    fn asked(points: &str, seen: &TrackedMask) -> (Vec<Pointed>, Vec<Object>, Vec<String>) {
        let mut asked = Vec::new();
        let look = |pointed: &Pointed| {
            asked.push(pointed.clone());
            Ok(seen.clone())
        };
        let (objects, notices) = objects_pointed_at(&request(points), PLACE, Some(look)).unwrap();
        (asked, objects, notices.iter().map(Notice::to_string).collect())
    }

    #[test]
    fn each_thing_is_an_object_behind_the_phrases() {
        let (asked, objects, notices) = asked("a: 0.2,0.5; -0.9,0.5; unit=pixels; b: 50,20,50,10", &left_half(2.0));
        assert!(notices.is_empty(), "{notices:?}");
        let found: Vec<_> = objects.iter().map(|object| (&*object.label, object.prompt_index, object.score)).collect();
        assert_eq!(found, [("a", 2, 0.75), ("b", 3, 0.75)]);
        let (first, boxed) = (&objects[0], objects[0].box_in_frame);
        assert!(boxed.x0 == 0.0 && (boxed.x1 - 0.49).abs() < 0.02 && boxed.y0 == 0.0 && boxed.y1 > 0.9, "{boxed:?}");
        assert!(first.id.is_none() && first.mask.bytes()[..2] == [250, 250] && first.mask.bytes()[9] == 5);
        let whether: Vec<_> = asked[0].clicks.points.iter().map(|point| (point.x, point.is_positive)).collect();
        assert_eq!(whether, [(0.2, true), (0.9, false)]);
        let given = asked[1].clicks.box_in_frame.unwrap();
        assert_eq!([given.x0, given.y0, given.x1, given.y1], [0.5, 0.4, 1.0, 0.6]);
    }

    #[test]
    fn what_the_tracker_does_not_see_is_no_object() {
        assert!(asked("0.2,0.5", &left_half(0.0)).1.is_empty());
        let empty = TrackedMask { mask: MaskLogits::blank(10, -1.0), ..left_half(3.0) };
        assert!(asked("0.2,0.5", &empty).1.is_empty());
    }

    #[test]
    fn a_speck_far_away_is_no_part_of_it() {
        let mut seen = left_half(2.0);
        let mut values = seen.mask.values().to_vec();
        values[9] = 4.0;
        seen.mask = seen.mask.with_values(values);
        let boxed = asked("0.2,0.5", &seen).1[0].box_in_frame;
        assert!((boxed.x1 - 0.49).abs() < 0.02, "{boxed:?}");
    }

    #[test]
    fn marks_outside_the_frame_are_left_out_and_told_with_their_thing() {
        let text = "unit=pixels; a: 20,20; 300,20; b: 300,20; -10,10; c: 200,0,10,10; 5,5";
        let (asked, objects, notices) = asked(text, &left_half(2.0));
        assert_eq!((asked.len(), objects.len()), (2, 2), "nothing says any more what b is");
        assert_eq!((asked[0].clicks.points.len(), asked[1].clicks.box_in_frame), (1, None));
        let told = ["thing \"a\": point 3,0.4", "thing \"b\": point 3,0.4", "thing \"b\": click", "thing \"c\": box"];
        assert_eq!(notices.len(), told.len(), "{notices:?}");
        assert!(notices.iter().zip(told).all(|(notice, told)| notice.starts_with(told)), "{notices:?}");
    }

    #[test]
    fn without_a_tracker_one_notice_says_what_to_do() {
        let none = None::<fn(&Pointed) -> Result<TrackedMask>>;
        let (objects, notices) = objects_pointed_at(&request("0.2,0.5; : 0.3,0.3"), PLACE, none).unwrap();
        assert!(objects.is_empty() && notices == [Notice::NeedsTracker { edit: "points" }]);
        assert!(objects_pointed_at(&request(""), PLACE, none).unwrap().1.is_empty(), "nobody asked");
    }

    #[test]
    fn the_best_come_first() {
        let (_, pointed, _) = asked("0.2,0.5", &left_half(2.0));
        let found = |score| Object { score, label: "dog".into(), ..pointed[0].clone() };
        let all = merged(vec![found(0.9), found(0.6)], pointed.clone());
        assert_eq!(all.iter().map(|object| object.score).collect::<Vec<_>>(), [0.9, 0.75, 0.6]);
    }
}
