//! The text of a label: a pattern with placeholders, filled from an object.

use std::fmt::Write;

use crate::objects::Object;

/// Longer texts are cut here and end in an ellipsis; what does not fit the frame is cut again when it is drawn.
const MAX_LABEL_CHARS: usize = 64;

/// A pattern such as `{label} {score}`.
///
/// Placeholders: `{label}`, `{score}` (0.93), `{percent}` (93%), `{id}`, `{prompt}` (position in the request, from 0).
/// Anything else in braces stays as it is written. A placeholder without a value, such as the id of an object that has
/// none, leaves no gap behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelFormat {
    pattern: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Label,
    Score,
    Percent,
    Id,
    Prompt,
}

impl Piece {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "label" => Self::Label,
            "score" => Self::Score,
            "percent" => Self::Percent,
            "id" => Self::Id,
            "prompt" => Self::Prompt,
            _ => return None,
        })
    }

    fn append(&self, object: &Object, text: &mut String) {
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Text(fixed) => text.write_str(fixed),
            Self::Label => text.write_str(&object.label),
            Self::Score => write!(text, "{:.2}", object.score),
            Self::Percent => write!(text, "{:.0}%", 100.0 * object.score),
            Self::Id => object.id.map_or(Ok(()), |id| write!(text, "{id}")),
            Self::Prompt => write!(text, "{}", object.prompt_index),
        };
    }
}

impl Default for LabelFormat {
    fn default() -> Self {
        Self::parse("{label} {score}")
    }
}

impl LabelFormat {
    /// Reads a pattern; every text is one.
    pub fn parse(pattern: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = pattern;
        while let Some(open) = rest.find('{') {
            let (before, from_brace) = rest.split_at(open);
            push_text(&mut pieces, before);
            let placeholder =
                from_brace[1..].split_once('}').and_then(|(name, after)| Some((Piece::named(name)?, after)));
            rest = match placeholder {
                Some((piece, after)) => {
                    pieces.push(piece);
                    after
                }
                None => {
                    push_text(&mut pieces, "{");
                    &from_brace[1..]
                }
            };
        }
        push_text(&mut pieces, rest);
        Self { pattern: pattern.into(), pieces }
    }

    /// The pattern as it was written.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The text for `object`: one line without control characters, single spaces, at most 64 characters.
    pub(super) fn fill(&self, object: &Object, text: &mut String) {
        text.clear();
        for piece in &self.pieces {
            piece.append(object, text);
        }
        tidy(text);
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Text(last)) => last.push_str(text),
        _ => pieces.push(Piece::Text(text.into())),
    }
}

fn tidy(text: &mut String) {
    let is_gap = |c: char| c.is_whitespace() || c.is_control();
    let mut is_after_gap = true;
    let (mut kept_chars, mut was_cut) = (0, false);
    text.retain(|c| {
        let is_wanted = !(is_gap(c) && is_after_gap);
        let keep = is_wanted && kept_chars < MAX_LABEL_CHARS;
        is_after_gap = is_gap(c);
        kept_chars += usize::from(keep);
        was_cut |= is_wanted && !keep;
        keep
    });
    if text.contains(|c: char| is_gap(c) && c != ' ') {
        *text = text.replace(is_gap, " ");
    }
    text.truncate(text.trim_end().len());
    if was_cut {
        text.pop();
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::BoxXyxy;
    use crate::objects::Mask;

    fn filled(pattern: &str, label: &str, id: Option<u64>) -> String {
        let object = Object {
            id,
            label: label.into(),
            prompt_index: 2,
            score: 0.934,
            box_in_frame: BoxXyxy::default(),
            mask: Mask::new(1, 1, [0]).unwrap(),
            state: None,
            first_seen_ns: None,
            last_seen_ns: None,
        };
        let mut text = String::new();
        LabelFormat::parse(pattern).fill(&object, &mut text);
        text
    }

    #[test]
    fn placeholders_are_filled_and_others_stay() {
        assert_eq!(filled("{label} {score}", "dog", None), "dog 0.93");
        assert_eq!(filled("#{id} {percent} {prompt} {nose} {", "dog", Some(7)), "#7 93% 2 {nose} {");
        assert_eq!(filled("{{label}}", "dog", None), "{dog}");
    }

    #[test]
    fn a_missing_id_leaves_no_gap() {
        assert_eq!(filled("{id} {label} {id}", "dog", None), "dog");
        assert_eq!(filled("{label}  {id}  {score}", "dog", None), "dog 0.93");
    }

    #[test]
    fn labels_are_one_short_line() {
        assert_eq!(filled("{label}", "a\n\u{7}b\tc", None), "a b c");
        let long = filled("{label}", &"x".repeat(10_000), None);
        assert_eq!(long.chars().count(), MAX_LABEL_CHARS);
        assert!(long.ends_with('…'));
        assert_eq!(filled("{label}", &"x".repeat(MAX_LABEL_CHARS), None), "x".repeat(MAX_LABEL_CHARS));
    }
}
