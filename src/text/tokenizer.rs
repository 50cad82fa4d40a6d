//! CLIP's byte-pair tokenizer, read from the model's tokenizer.json.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, Result};
use crate::prompt::{PromptNotice, has_non_latin_letters};

/// Token ids of one phrase with start and end token, at most as many as the text encoder has positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// Start token, content, end token.
    pub ids: Vec<i64>,
    /// Content tokens before any were cut.
    pub content_count: usize,
    /// The part of the phrase that was cut.
    pub dropped: String,
}

/// The vocabulary and its merges.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    max_content: usize,
}

impl Tokenizer {
    /// Reads a tokenizer.json for a text encoder with `max_positions` positions.
    ///
    /// # Errors
    /// [`Error::ModelFile`] when it is not a tokenizer.
    pub fn from_json(json: &[u8], max_positions: i64) -> Result<Self> {
        let unusable = |cause: tokenizers::Error| Error::ModelFile {
            path: "tokenizer.json".into(),
            cause: format!("it cannot be used: {cause}"),
            remedy: "Copy the tokenizer.json that belongs to the model".into(),
        };
        let mut inner = surviving(|| tokenizers::Tokenizer::from_bytes(json)).map_err(unusable)?;
        // Phrases keep their own length here: padding tells the model nothing, and what is cut must be known.
        inner.with_padding(None).with_truncation(None).map_err(unusable)?;
        Ok(Self { inner, max_content: (max_positions - 2).max(1) as usize })
    }

    /// Tokens that there are, special ones included.
    pub fn vocabulary_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// Tokens of a phrase; white space is collapsed, too long a phrase is cut before the end token.
    ///
    /// # Errors
    /// [`Error::Prompt`] when the phrase cannot be encoded.
    pub fn encode(&self, phrase: &str) -> Result<Tokens> {
        let encoding = surviving(|| self.inner.encode(phrase, true)).map_err(|cause| Error::Prompt {
            prompt: phrase.into(),
            cause: format!("it cannot be tokenised: {cause}"),
        })?;
        let mut ids: Vec<i64> = encoding.get_ids().iter().map(|&id| i64::from(id)).collect();
        let content_count = ids.len().saturating_sub(2);
        let mut dropped = String::new();
        if content_count > self.max_content {
            let cut = encoding.get_offsets().get(1 + self.max_content).map_or(phrase.len(), |offset| offset.0);
            dropped = phrase.get(cut..).unwrap_or_default().trim().to_string();
            ids.drain(1 + self.max_content..=content_count);
        }
        Ok(Tokens { ids, content_count, dropped })
    }

    /// What the user should know about a phrase.
    pub fn notices(&self, phrase: &str) -> Vec<PromptNotice> {
        let mut notices = Vec::new();
        if has_non_latin_letters(phrase) {
            notices.push(PromptNotice::NotLatin { text: phrase.into() });
        }
        if let Ok(tokens) = self.encode(phrase)
            && tokens.content_count > self.max_content
        {
            notices.push(PromptNotice::TooLong {
                text: phrase.into(),
                token_count: tokens.content_count,
                dropped: tokens.dropped,
            });
        }
        notices
    }
}

/// The library takes its own files for granted: what is missing in a damaged one can make it panic, also when the file
/// was read without complaint.
fn surviving<T>(work: impl FnOnce() -> tokenizers::Result<T>) -> tokenizers::Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("parts of it contradict each other".into()))
}

#[cfg(test)]
#[cfg(feature = "bundled")]
mod tests {
    use super::*;

    fn tokenizer() -> Tokenizer {
        Tokenizer::from_json(crate::weights::bundled().unwrap().tokenizer, 32).unwrap()
    }

    #[test]
    fn known_phrases_have_known_ids() {
        let tokenizer = tokenizer();
        assert_eq!(tokenizer.encode("visual").unwrap().ids, [49406, 7195, 49407]);
        assert_eq!(tokenizer.encode(" A  red car ").unwrap().ids, [49406, 320, 736, 1615, 49407]);
    }

    #[test]
    fn long_phrases_keep_thirty_tokens_and_name_the_rest() {
        let phrase = vec!["dog"; 33].join(" ");
        let tokens = tokenizer().encode(&phrase).unwrap();
        assert_eq!((tokens.ids.len(), tokens.content_count), (32, 33));
        assert_eq!((tokens.ids[31], tokens.dropped.as_str()), (49407, "dog dog dog"));
        assert_eq!(tokenizer().notices(&phrase).len(), 1);
        assert!(tokenizer().notices("a red car").is_empty());
    }
}
