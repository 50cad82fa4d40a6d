//! What the engine found, checked for sense.

use sa3::engine::StageTimes;
use sa3::prompt::Prompt;
use sa3::{Engine, Object, SegmentRequest};

use crate::pictures::Case;

/// Boxes may reach a little beyond the frame; far beyond, they are nonsense.
const BOX_RANGE: std::ops::RangeInclusive<f32> = -1.0..=2.0;

/// The answer to a case.
pub struct Seen {
    /// What was asked.
    pub case: Case,
    /// What was found, best first, without any post-processing.
    pub objects: Vec<Object>,
    /// Where the time went.
    pub times: StageTimes,
}

impl Seen {
    /// Runs the engine on a case.
    pub fn take(engine: &Engine, case: &Case, threshold: f32) -> Result<Self, String> {
        let request = SegmentRequest {
            prompts: Prompt::list_from_text(&case.prompt),
            threshold: Some(threshold),
            mask_nms_iou: Some(0.0),
            mask_clip_to_box_margin: Some(0.0),
            ..SegmentRequest::default()
        };
        let found = engine.segment(case.pixels()?, request).map_err(|error| error.to_string())?;
        let objects = found.objects.items;
        if let Some(object) = objects.iter().find(|object| !is_sensible(object)) {
            return Err(format!(
                "{}, \"{}\": an object has score {} and box {:?}, which no sound model gives",
                case.picture, case.prompt, object.score, object.box_in_frame
            ));
        }
        Ok(Self { case: case.clone(), objects, times: found.times })
    }

    /// For the table.
    pub fn line(&self) -> String {
        let Case { picture, prompt } = &self.case;
        let best = self.objects.first().map_or_else(String::new, |object| {
            let b = object.box_in_frame;
            format!("{:>6.3}  {:.3} {:.3} {:.3} {:.3}", object.score, b.x0, b.y0, b.x1, b.y1)
        });
        format!("{picture:<14} {prompt:<18} {:>7} {best}", self.objects.len())
    }
}

/// NaN is in no range.
fn is_sensible(object: &Object) -> bool {
    let b = object.box_in_frame;
    (0.0..=1.0).contains(&object.score) && [b.x0, b.y0, b.x1, b.y1].iter().all(|side| BOX_RANGE.contains(side))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sa3::Mask;
    use sa3::boxes::BoxXyxy;

    #[test]
    fn nonsense_is_told_from_sense() {
        let object = |score: f32, right: f32| Object {
            id: None,
            label: "x".into(),
            prompt_index: 0,
            score,
            box_in_frame: BoxXyxy { x0: -0.1, y0: 0.0, x1: right, y1: 1.0 },
            mask: Mask::new(1, 1, [0]).unwrap(),
            state: None,
            first_seen_ns: None,
            last_seen_ns: None,
        };
        assert!(is_sensible(&object(0.5, 1.1)));
        for (score, right) in [(f32::NAN, 1.0), (0.5, f32::NAN), (1.5, 1.0), (0.5, 3.0), (0.5, f32::INFINITY)] {
            assert!(!is_sensible(&object(score, right)), "{score} {right}");
        }
    }
}
