//! A concept as named fields, which programs and files give.

use serde::Deserialize;

use super::box_text::{box_from_text, frames_from_name, unit_from_name};
use super::{ExemplarSet, GivenBox, Prompt};
use crate::error::{Error, Result};

/// The fields of one concept, before they are checked.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PromptFields {
    /// The phrase; may be missing where there are boxes.
    pub text: Option<String>,
    /// What its objects are called; the phrase when missing.
    pub label: Option<String>,
    /// Score that its objects must exceed, 0..1.
    pub threshold: Option<f64>,
    /// Best objects kept; 0: no cap.
    pub max_objects: Option<u32>,
    /// What it looks like.
    pub boxes: Option<BoxesField>,
    /// What it does not look like.
    pub negative_boxes: Option<BoxesField>,
    /// "frame" or "pixels".
    pub unit: Option<String>,
    /// "first-frame" or "each-frame".
    pub from: Option<String>,
    /// True for what is not wanted.
    pub exclude: bool,
}

/// Boxes as text ("0.1,0.2,0.3,0.4; -0.5,0.5,0.1,0.1") or as lists of numbers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum BoxesField {
    /// With ; between boxes, a minus before negative ones.
    Text(String),
    /// One box, or several of them in turn: x, y, width, height.
    Flat(Vec<f64>),
    /// Each box: x, y, width, height.
    Lists(Vec<Vec<f64>>),
}

/// The legal fields, for messages.
const FIELDS: &str = "text, label, threshold (0 to 1), max-objects, boxes, negative-boxes, unit (frame, pixels), from (first-frame, \
     each-frame), exclude";

impl PromptFields {
    /// True when `name` is a field.
    pub fn names(name: &str) -> bool {
        let names = ["text", "label", "threshold", "max-objects", "boxes", "negative-boxes", "unit", "from", "exclude"];
        names.contains(&name)
    }

    /// The error of a field that is none, or has a value of the wrong type.
    pub fn refused(field: &str) -> Error {
        Error::Prompt { prompt: field.into(), cause: format!("a concept has the fields {FIELDS}") }
    }

    /// The concept.
    ///
    /// # Errors
    /// [`Error::Prompt`] that names the field.
    pub fn to_prompt(&self) -> Result<Prompt> {
        let phrase = self.text.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let mut prompt = match (self.exemplar_boxes()?, phrase) {
            (boxes, _) if !boxes.is_empty() => Prompt::from_exemplars(phrase, self.exemplar_set(boxes)?)?,
            (_, Some(text)) => Prompt::from_text(text)?,
            _ => return Err(refuse("a concept", "it has neither text nor boxes")),
        };
        if let Some(threshold) = self.threshold
            && !(0.0..=1.0).contains(&threshold)
        {
            return Err(refuse(&prompt.text, &format!("threshold is {threshold}; it goes from 0 to 1")));
        }
        prompt.threshold = self.threshold.map(|threshold| threshold as f32);
        if let Some(label) = self.label.as_deref().map(str::trim).filter(|label| !label.is_empty()) {
            prompt.label = label.into();
        }
        prompt.max_objects = self.max_objects.unwrap_or(0) as usize;
        prompt.is_excluded = self.exclude;
        Ok(prompt)
    }

    fn exemplar_set(&self, boxes: Vec<GivenBox>) -> Result<std::sync::Arc<ExemplarSet>> {
        let refuse = |cause: String| refuse(self.text.as_deref().unwrap_or("exemplars"), &cause);
        let unit = self.unit.as_deref().map(unit_from_name).transpose().map_err(refuse)?;
        let frames = self.from.as_deref().map(frames_from_name).transpose().map_err(refuse)?;
        ExemplarSet::new(boxes, unit.unwrap_or_default(), frames.unwrap_or_default())
    }

    fn exemplar_boxes(&self) -> Result<Vec<GivenBox>> {
        let mut boxes = self.boxes.as_ref().map_or(Ok(Vec::new()), BoxesField::to_boxes)?;
        let negative = self.negative_boxes.as_ref().map_or(Ok(Vec::new()), BoxesField::to_boxes)?;
        boxes.extend(negative.into_iter().map(|given| GivenBox { is_positive: false, ..given }));
        Ok(boxes)
    }
}

impl BoxesField {
    fn to_boxes(&self) -> Result<Vec<GivenBox>> {
        let of_numbers = |numbers: &[f64]| match numbers.iter().map(|&number| number as f32).collect::<Vec<_>>()[..] {
            [x, y, width, height] => Ok(GivenBox { x, y, width, height, is_positive: true }),
            _ => Err(refuse(&format!("{numbers:?}"), "a box has four numbers: x, y, width, height")),
        };
        match self {
            Self::Text(text) => text
                .split(';')
                .filter(|item| !item.trim().is_empty())
                .map(|item| box_from_text(item).ok_or_else(|| refuse(item, "a box is x,y,width,height")))
                .collect(),
            Self::Flat(numbers) => numbers.chunks(4).map(of_numbers).collect(),
            Self::Lists(lists) => lists.iter().map(|numbers| of_numbers(numbers)).collect(),
        }
    }
}

fn refuse(prompt: &str, cause: &str) -> Error {
    Error::Prompt { prompt: prompt.into(), cause: cause.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::box_text;

    fn prompt(json: &str) -> Result<Prompt> {
        serde_json::from_str::<PromptFields>(json).unwrap().to_prompt()
    }

    #[test]
    fn every_field_counts() {
        let found = prompt(
            r#"{"text": " red car ", "label": "car", "threshold": 0.3, "max-objects": 2, "boxes": [[10, 20, 30, 40]],
                "negative-boxes": "50,60,7,8", "unit": "pixels", "from": "each-frame", "exclude": true}"#,
        )
        .unwrap();
        assert_eq!((&*found.text, &*found.label, found.threshold), ("red car", "car", Some(0.3)));
        assert_eq!((found.max_objects, found.is_excluded), (2, true));
        assert_eq!(box_text(&found.exemplars), "10,20,30,40; -50,60,7,8");
        assert_eq!(found.exemplars[0].on_frame(100, 100).unwrap()[0].box_in_frame.cx, 0.25);
    }

    #[test]
    fn boxes_are_text_a_list_or_lists() {
        for boxes in ["\"0,0,1,1; -0.5,0,0.5,1\"", "[0, 0, 1, 1]", "[[0, 0, 1, 1]]"] {
            let found = prompt(&format!("{{\"boxes\": {boxes}}}")).unwrap();
            assert!(found.is_wordless() && box_text(&found.exemplars).starts_with("0,0,1,1"), "{boxes}");
        }
    }

    #[test]
    fn wrong_fields_are_named() {
        for (json, cause) in [
            ("{}", "neither text nor boxes"),
            (r#"{"text": "dog", "threshold": 1.5}"#, "from 0 to 1"),
            (r#"{"boxes": [0.1, 0.2, 0.3]}"#, "four numbers"),
            (r#"{"boxes": "a box"}"#, "x,y,width,height"),
            (r#"{"boxes": [0, 0, 9, 9]}"#, "unit=pixels"),
            (r#"{"boxes": [0, 0, 1, 1], "unit": "px"}"#, "pixels"),
            (r#"{"negative-boxes": [0, 0, 1, 1]}"#, "positive box"),
        ] {
            let error = prompt(json).unwrap_err().to_string();
            assert!(error.contains(cause), "{json}: {error}");
        }
        assert!(serde_json::from_str::<PromptFields>(r#"{"txt": "dog"}"#).is_err());
        assert!(PromptFields::refused("txt").to_string().contains("max-objects"));
        assert!(PromptFields::names("max-objects") && !PromptFields::names("max_objects"));
    }
}
