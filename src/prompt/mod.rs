//! What the user asks for: phrases and exemplar boxes, checked on construction.

mod geometry_encoder;

use std::sync::Arc;

use crate::boxes::BoxCxcywh;
use crate::error::{Error, Result};

pub use geometry_encoder::GeometryEncoder;

/// Characters that separate concepts in the text of a `prompt` property.
pub const CONCEPT_SEPARATOR: char = ';';
/// The text a prompt of boxes alone is given, as the model was trained.
pub const TEXT_OF_BOX_PROMPTS: &str = "visual";
/// Tokens of a phrase that the model can read, without start and end token.
pub const MAX_CONTENT_TOKENS: usize = 30;
/// Phrases in one request.
pub const MAX_PROMPTS: usize = 64;

/// "Find things like this" (or unlike this), normalised to the frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExemplarBox {
    /// Centre and size, 0..1 of the frame.
    pub box_in_frame: BoxCxcywh,
    /// True for "like this", false for "not like this".
    pub is_positive: bool,
}

/// One concept.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// The phrase given to the text encoder.
    pub text: Arc<str>,
    /// What the objects are called.
    pub label: Arc<str>,
    /// Exemplars on the same frame.
    pub boxes: Vec<ExemplarBox>,
}

impl Prompt {
    /// A phrase.
    ///
    /// # Errors
    /// [`Error::Prompt`] when nothing but white space is left.
    pub fn from_text(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::Prompt { prompt: text.into(), cause: "a phrase needs at least one character".into() });
        }
        Ok(Self { text: text.into(), label: text.into(), boxes: Vec::new() })
    }

    /// Exemplar boxes, with or without a phrase.
    ///
    /// # Errors
    /// [`Error::Prompt`] when there is no box, or a box leaves 0..1 or has no area.
    pub fn from_boxes(text: Option<&str>, boxes: Vec<ExemplarBox>) -> Result<Self> {
        let text = text.map(str::trim).filter(|t| !t.is_empty()).unwrap_or(TEXT_OF_BOX_PROMPTS);
        let refuse = |cause: String| Err(Error::Prompt { prompt: text.into(), cause });
        if boxes.is_empty() {
            return refuse("an exemplar prompt needs at least one box".into());
        }
        for exemplar in &boxes {
            let BoxCxcywh { cx, cy, w, h } = exemplar.box_in_frame;
            let is_inside = [cx, cy, w, h].iter().all(|v| (0.0..=1.0).contains(v));
            if !is_inside || w <= 0.0 || h <= 0.0 {
                return refuse(format!("box cx={cx} cy={cy} w={w} h={h} must lie within 0..1 and have an area"));
            }
        }
        Ok(Self { text: text.into(), label: text.into(), boxes })
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
    fn boxes_outside_the_frame_are_refused() {
        let outside = ExemplarBox { box_in_frame: BoxCxcywh { cx: 1.2, cy: 0.5, w: 0.1, h: 0.1 }, is_positive: true };
        assert!(Prompt::from_boxes(None, vec![outside]).unwrap_err().to_string().contains("within 0..1"));
        assert!(Prompt::from_boxes(Some("dog"), vec![]).is_err());
    }

    #[test]
    fn scripts_are_told_apart() {
        assert!(!has_non_latin_letters("Café №5, señor ½"));
        assert!(has_non_latin_letters("собака"));
        assert!(has_non_latin_letters("犬"));
    }
}
