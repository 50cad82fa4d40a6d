//! What the user asks for: phrases, exemplar boxes and things that are pointed at, checked on construction.

mod box_text;
mod exemplars;
mod fields;
mod file_text;
mod geometry_encoder;
mod list;
mod thing;
mod thing_text;

use std::sync::Arc;

use crate::error::{Error, Result};

pub use box_text::{BOX_GRAMMAR, box_text, prompts_from_box_text};
pub use exemplars::{BoxUnit, ExemplarBox, ExemplarFrames, ExemplarSet, GivenBox, MAX_BOXES, MAX_PIXEL};
pub use fields::{BoxesField, PromptFields};
pub use file_text::{FILE_GRAMMAR, prompts_from_file_text};
pub use geometry_encoder::GeometryEncoder;
pub use list::with_known_exemplars;
pub use thing::{GivenPoint, MAX_MARKS, MAX_THINGS, Marks, NAMELESS_THING, PointedThing};
pub use thing_text::{THING_GRAMMAR, check_thing_count, things_from_text};

/// Characters that separate concepts in the text of a `prompt` property.
pub const CONCEPT_SEPARATOR: char = ';';
/// The text a prompt of boxes alone is given, as the model was trained.
pub const TEXT_OF_BOX_PROMPTS: &str = "visual";
/// Tokens of a phrase that the model can read, without start and end token.
pub const MAX_CONTENT_TOKENS: usize = 30;
/// Concepts in one request.
pub const MAX_PROMPTS: usize = 64;

/// One concept.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// The phrase given to the text encoder.
    pub text: Arc<str>,
    /// What the objects are called.
    pub label: Arc<str>,
    /// What it looks like, and what not; sets that were given at different times.
    pub exemplars: Vec<Arc<ExemplarSet>>,
    /// Objects need a score strictly above this, 0..1; `None`: the request's.
    pub threshold: Option<f32>,
    /// Best objects kept of this concept; 0: no cap of its own.
    pub max_objects: usize,
    /// True for what is not wanted: its objects are not reported, and objects that they cover are taken away.
    pub is_excluded: bool,
}

impl Prompt {
    fn named(text: &str) -> Self {
        Self {
            text: text.into(),
            label: text.into(),
            exemplars: Vec::new(),
            threshold: None,
            max_objects: 0,
            is_excluded: false,
        }
    }

    /// A phrase.
    ///
    /// # Errors
    /// [`Error::Prompt`] when nothing but white space is left.
    pub fn from_text(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::Prompt { prompt: text.into(), cause: "a phrase needs at least one character".into() });
        }
        Ok(Self::named(text))
    }

    /// Exemplar boxes, with or without a phrase.
    ///
    /// # Errors
    /// [`Error::Prompt`] for negative boxes alone without a phrase: nothing would say what to find.
    pub fn from_exemplars(text: Option<&str>, exemplars: Arc<ExemplarSet>) -> Result<Self> {
        let phrase = text.map(str::trim).filter(|text| !text.is_empty());
        if phrase.is_none() && !exemplars.boxes().iter().any(|given| given.is_positive) {
            let cause = "boxes without a phrase need at least one positive box (without a minus)".into();
            return Err(Error::Prompt { prompt: box_text(&[exemplars]), cause });
        }
        Ok(Self { exemplars: vec![exemplars], ..Self::named(phrase.unwrap_or(TEXT_OF_BOX_PROMPTS)) })
    }

    /// True for exemplars without words.
    pub fn is_wordless(&self) -> bool {
        &*self.text == TEXT_OF_BOX_PROMPTS && !self.exemplars.is_empty()
    }

    /// Every non-empty phrase of a `;` separated list, repeated ones once.
    pub fn list_from_text(text: &str) -> Vec<Self> {
        let mut prompts: Vec<Self> = Vec::new();
        for prompt in text.split(CONCEPT_SEPARATOR).filter_map(|phrase| Self::from_text(phrase).ok()) {
            if !prompts.contains(&prompt) {
                prompts.push(prompt);
            }
        }
        prompts
    }
}

/// Something the user should be told about a phrase that is used all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptNotice {
    /// The phrase has more tokens than the model reads.
    TooLong {
        /// The phrase.
        text: String,
        /// Its number of tokens.
        token_count: usize,
        /// The words that are not read.
        dropped: String,
    },
    /// The phrase has letters outside the Latin script.
    NotLatin {
        /// The phrase.
        text: String,
    },
}

impl std::fmt::Display for PromptNotice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLong { text, token_count, dropped } => write!(
                f,
                "prompt \"{text}\" has {token_count} tokens, the model reads {MAX_CONTENT_TOKENS}; not read: \"{dropped}\""
            ),
            Self::NotLatin { text } => write!(
                f,
                "prompt \"{text}\" has letters outside the Latin script; the model's vocabulary is English, use English words"
            ),
        }
    }
}

/// True when some letter of `text` is outside the Latin script (up to Latin Extended-B, and Latin Extended Additional).
pub fn has_non_latin_letters(text: &str) -> bool {
    text.chars().any(|c| c.is_alphabetic() && !matches!(c, '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_drop_blanks_and_repeats() {
        let texts: Vec<_> =
            Prompt::list_from_text(" red car ;; dog;red car; ").iter().map(|p| p.text.clone()).collect();
        assert_eq!(texts, ["red car".into(), Arc::<str>::from("dog")]);
        assert!(Prompt::list_from_text(" ; ").is_empty());
    }

    #[test]
    fn scripts_are_told_apart() {
        assert!(!has_non_latin_letters("Café №5, señor ½"));
        assert!(has_non_latin_letters("собака"));
        assert!(has_non_latin_letters("犬"));
    }
}
