//! Exemplar boxes as text that can be typed: `red car: 0.1,0.2,0.3,0.4; -0.5,0.5,0.1,0.1; unit=pixels; dog: 40,60,80,80`.
//!
//! ```text
//! text   = item { ";" item }
//! item   = option | [ phrase ":" ] box
//! option = "unit=frame" | "unit=pixels" | "from=first-frame" | "from=each-frame"
//! box    = [ "+" | "-" ] x "," y "," width "," height
//! ```
//!
//! A phrase holds for the boxes that follow it, up to the next phrase; boxes before any phrase, or after an empty one
//! (`: 0.1,…`), are a concept without words. A minus marks what is *not* meant. An option holds for the boxes that follow.

use std::sync::Arc;

use super::{BoxUnit, ExemplarFrames, ExemplarSet, GivenBox, Prompt};
use crate::error::{Error, Result};

/// The grammar in one sentence, for messages.
pub const BOX_GRAMMAR: &str = "Write boxes=\"red car: 0.1,0.2,0.3,0.4; -0.5,0.5,0.1,0.1\": a phrase and a colon (or \
                               none), then x,y,width,height from 0 to 1 with ; between boxes, a minus before what is not \
                               meant; unit=pixels; and from=each-frame; hold for the boxes after them";

/// Boxes of one phrase while they are gathered.
struct Group {
    phrase: String,
    unit: BoxUnit,
    frames: ExemplarFrames,
    boxes: Vec<GivenBox>,
}

/// One prompt for each phrase, in the order of the text.
///
/// # Errors
/// [`Error::Prompt`] that names the item and the grammar.
pub fn prompts_from_box_text(text: &str) -> Result<Vec<Prompt>> {
    let mut groups: Vec<Group> = Vec::new();
    let (mut phrase, mut unit, mut frames) = (String::new(), BoxUnit::default(), ExemplarFrames::default());
    for item in text.split(';').map(str::trim).filter(|item| !item.is_empty()) {
        if let Some(value) = item.strip_prefix("unit=") {
            unit = unit_from_name(value.trim()).map_err(|cause| refused(item, cause))?;
            continue;
        }
        if let Some(value) = item.strip_prefix("from=") {
            frames = frames_from_name(value.trim()).map_err(|cause| refused(item, cause))?;
            continue;
        }
        let numbers = match item.rsplit_once(':') {
            Some((name, numbers)) => {
                phrase = name.trim().into();
                numbers
            }
            None => item,
        };
        let given = box_from_text(numbers).ok_or_else(|| refused(item, "it is no box".into()))?;
        match groups.iter_mut().find(|group| (&group.phrase, group.unit, group.frames) == (&phrase, unit, frames)) {
            Some(group) => group.boxes.push(given),
            None => groups.push(Group { phrase: phrase.clone(), unit, frames, boxes: vec![given] }),
        }
    }
    Prompt::joined(groups.into_iter().map(Group::into_prompt).collect::<Result<_>>()?)
}

impl Group {
    fn into_prompt(self) -> Result<Prompt> {
        Prompt::from_exemplars(Some(&self.phrase), ExemplarSet::new(self.boxes, self.unit, self.frames)?)
    }
}

/// `x,y,width,height`, with a sign before it or not.
pub(super) fn box_from_text(text: &str) -> Option<GivenBox> {
    let text = text.trim();
    let (numbers, is_positive) = match text.strip_prefix('-') {
        Some(rest) => (rest, false),
        None => (text.strip_prefix('+').unwrap_or(text), true),
    };
    // The one sign belongs to the box.
    let number = |text: &str| text.starts_with(|c: char| c == '.' || c.is_ascii_digit()).then(|| text.parse().ok())?;
    let numbers: Vec<f32> = numbers.split(',').map(|text| number(text.trim())).collect::<Option<_>>()?;
    let [x, y, width, height] = *numbers.as_slice() else {
        return None;
    };
    Some(GivenBox { x, y, width, height, is_positive })
}

/// The `unit` of boxes.
pub(super) fn unit_from_name(name: &str) -> std::result::Result<BoxUnit, String> {
    match name {
        "frame" => Ok(BoxUnit::Frame),
        "pixels" => Ok(BoxUnit::Pixels),
        _ => Err("unit is frame (0 to 1 of its sides) or pixels".into()),
    }
}

/// The frames that boxes are taken `from`.
pub(super) fn frames_from_name(name: &str) -> std::result::Result<ExemplarFrames, String> {
    match name {
        "first-frame" => Ok(ExemplarFrames::First),
        "each-frame" => Ok(ExemplarFrames::Each),
        _ => Err("from is first-frame (kept from there on) or each-frame".into()),
    }
}

fn refused(item: &str, cause: String) -> Error {
    Error::Prompt { prompt: item.into(), cause }
}

/// Sets as text of this grammar, for messages and logs.
pub fn box_text(sets: &[Arc<ExemplarSet>]) -> String {
    let boxes = sets.iter().flat_map(|set| set.boxes()).map(GivenBox::to_string);
    boxes.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Vec<(String, String)> {
        let prompts = prompts_from_box_text(text).unwrap();
        prompts.iter().map(|prompt| (prompt.text.to_string(), box_text(&prompt.exemplars))).collect()
    }

    fn pair(text: &str, boxes: &str) -> (String, String) {
        (text.into(), boxes.into())
    }

    #[test]
    fn a_phrase_holds_until_the_next() {
        assert_eq!(
            parsed(" red car: 0.1,0.2, 0.3,0.4 ; -0.5,0.5,0.1,0.1; dog:+0.2,0.2,0.1,0.1;"),
            [pair("red car", "0.1,0.2,0.3,0.4; -0.5,0.5,0.1,0.1"), pair("dog", "0.2,0.2,0.1,0.1")]
        );
        assert_eq!(parsed("0.1,0.2,0.3,0.4"), [pair("visual", "0.1,0.2,0.3,0.4")]);
        assert_eq!(parsed("the 12:30 train: 0,0,1,1; : .5,.5,.1,1e-1").len(), 2);
        assert!(parsed(" ; ").is_empty());
    }

    #[test]
    fn options_hold_for_what_follows() {
        let prompts = prompts_from_box_text("car: 0,0,1,1; unit=pixels; from=each-frame; 40,60,20,20").unwrap();
        assert_eq!((prompts.len(), prompts[0].exemplars.len()), (1, 2));
        assert_eq!(prompts[0].exemplars[0].frames(), ExemplarFrames::First);
        assert_eq!(prompts[0].exemplars[1].frames(), ExemplarFrames::Each);
        let on_frame = prompts[0].exemplars[1].on_frame(400, 200).unwrap();
        assert_eq!(on_frame[0].box_in_frame.cx, 0.125);
    }

    #[test]
    fn what_is_no_box_is_named() {
        for wrong in
            ["red car", "dog: 0.1,0.2,0.3", "0.1,0.2,0.3,0.4,0.5", "--0.1,0.2,0.3,0.4", "0.1 0.2 0.3 0.4", "car:"]
        {
            let error = prompts_from_box_text(&format!("0,0,1,1; {wrong}")).unwrap_err().to_string();
            assert!(error.contains(wrong) && error.contains("no box"), "{error}");
        }
        for (wrong, legal) in [("unit=px", "pixels"), ("from=last", "each-frame"), ("40,40,20,20", "unit=pixels")] {
            let error = prompts_from_box_text(wrong).unwrap_err().to_string();
            assert!(error.contains(legal), "{error}");
        }
    }

    #[test]
    fn only_negative_boxes_need_a_phrase() {
        assert!(prompts_from_box_text("-0.1,0.1,0.1,0.1").unwrap_err().to_string().contains("positive"));
        assert_eq!(parsed("dog: -0.1,0.1,0.1,0.1"), [pair("dog", "-0.1,0.1,0.1,0.1")]);
    }
}
