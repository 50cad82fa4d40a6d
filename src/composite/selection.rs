//! Which objects are meant: by label, id, phrase, score and state.
//!
//! ```text
//! dog; red car              objects with one of these labels
//! #7                        the object with id 7
//! person & score>=0.6       both
//! prompt=0; state=tracked   the first phrase's objects, and all that are tracked
//! ```

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::objects::{Object, ObjectState};

const REMEDY: &str = "Write labels, #ID, prompt=N, score>=X or state=new|tracked|propagated|held|lost; & between those that \
                      all have to hold, ; between alternatives";

/// Alternatives; none means all objects.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Selection {
    alternatives: Vec<Conditions>,
}

/// Conditions that all have to hold.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Conditions(Vec<Condition>);

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    Label(Arc<str>),
    Id(u64),
    /// Position of the phrase, from 0.
    Prompt(u32),
    /// At least this.
    Score(f32),
    State(ObjectState),
}

impl Selection {
    /// Reads alternatives with `;` between them.
    ///
    /// # Errors
    /// [`Error::Setting`] of `property` with the part that cannot be read.
    pub fn parse(property: &'static str, text: &str) -> Result<Self> {
        let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
        Ok(Self { alternatives: parts.map(|part| Conditions::parse(property, part)).collect::<Result<_>>()? })
    }

    /// True when `object` is meant.
    pub fn includes(&self, object: &Object) -> bool {
        self.alternatives.is_empty() || self.alternatives.iter().any(|conditions| conditions.hold(object))
    }
}

impl Conditions {
    /// Reads conditions with `&` between them.
    pub(super) fn parse(property: &'static str, text: &str) -> Result<Self> {
        let refused = |cause| Error::Setting { property, value: text.into(), cause, remedy: REMEDY.into() };
        let conditions = text.split('&').map(|part| Condition::parse(part.trim()).map_err(refused));
        Ok(Self(conditions.collect::<Result<_>>()?))
    }

    pub(super) fn hold(&self, object: &Object) -> bool {
        self.0.iter().all(|condition| condition.holds(object))
    }
}

impl Condition {
    fn parse(text: &str) -> std::result::Result<Self, String> {
        if text.is_empty() {
            return Err("there is nothing on one side of &".into());
        }
        if let Some(id) = text.strip_prefix('#') {
            return id.trim().parse().map(Self::Id).map_err(|_| format!("{text} is no id"));
        }
        let Some((name, value)) = text.split_once(">=").or_else(|| text.split_once('=')) else {
            return Ok(Self::Label(text.into()));
        };
        let value = value.trim();
        match name.trim() {
            "label" => Ok(Self::Label(value.into())),
            "id" => value.parse().map(Self::Id).map_err(|_| format!("{value} is no id")),
            "prompt" => value.parse().map(Self::Prompt).map_err(|_| format!("{value} is no position of a phrase")),
            "score" => match value.parse() {
                Ok(score) if (0.0..=1.0).contains(&score) => Ok(Self::Score(score)),
                _ => Err(format!("{value} is no score from 0 to 1")),
            },
            "state" => ObjectState::named(value).map(Self::State).ok_or_else(|| format!("{value} is no state")),
            other => Err(format!("{other} is nothing that objects have")),
        }
    }

    fn holds(&self, object: &Object) -> bool {
        match self {
            Self::Label(label) => object.label == *label,
            Self::Id(id) => object.id == Some(*id),
            Self::Prompt(index) => object.prompt_index == *index,
            Self::Score(least) => object.score >= *least,
            Self::State(state) => object.state == Some(*state),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::composite::tests::disc;

    fn dog() -> Object {
        let (id, state) = (Some(7), Some(ObjectState::Tracked));
        Object { id, state, prompt_index: 1, ..disc("dog", [0.5, 0.5], 0.2, 1.0) }
    }

    #[test]
    fn each_property_is_asked() {
        for (text, is_included) in [
            ("", true),
            (" ; ", true),
            ("dog", true),
            ("cat", false),
            ("cat; dog", true),
            ("label=dog", true),
            ("#7", true),
            ("# 8", false),
            ("id=7", true),
            ("prompt=1", true),
            ("prompt=0", false),
            ("score>=0.9", true),
            ("score>=0.91", false),
            ("state=tracked", true),
            ("state=held", false),
            ("dog & score>=0.5 & #7", true),
            ("dog & #8; cat", false),
            ("dog & #8; cat; prompt=1", true),
        ] {
            assert_eq!(Selection::parse("select", text).unwrap().includes(&dog()), is_included, "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_with_a_remedy() {
        for (text, cause) in [
            ("#dog", "#dog is no id"),
            ("dog & ", "nothing on one side"),
            ("score>=2", "2 is no score from 0 to 1"),
            ("score>=high", "high is no score"),
            ("state=gone", "gone is no state"),
            ("prompt=-1", "-1 is no position"),
            ("dog; size=3", "size is nothing"),
        ] {
            let error = Selection::parse("select", text).unwrap_err().to_string();
            assert!(error.contains("select=") && error.contains(cause) && error.contains("#ID"), "{error}");
        }
    }
}
