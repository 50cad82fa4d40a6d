//! The text of a prompts file: a phrase a line, an object of fields where a phrase does not say enough.

use super::{Prompt, PromptFields};
use crate::error::{Error, Result};

/// The grammar in one sentence, for messages.
pub const FILE_GRAMMAR: &str = "A prompts file has one concept a line: a phrase, or a JSON object such as {\"text\": \
                                \"red car\", \"threshold\": 0.4}; or it is one JSON list of both. Empty lines and lines \
                                that begin with # do not count";

/// An element of a JSON list.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Item {
    Text(String),
    // Kept as a value, because an untagged enum would hide what is wrong with the fields.
    Fields(serde_json::Value),
}

/// Every concept of the file.
///
/// # Errors
/// [`Error::Prompt`] that names the line, or the entry of the list.
pub fn prompts_from_file_text(text: &str) -> Result<Vec<Prompt>> {
    // Editors on Windows begin a file with this mark.
    let text = text.trim_start_matches('\u{feff}');
    let prompts = if text.trim_start().starts_with('[') { from_list(text) } else { from_lines(text) }?;
    Prompt::joined(prompts)
}

fn from_lines(text: &str) -> Result<Vec<Prompt>> {
    let mut prompts = Vec::new();
    for (index, line) in text.lines().map(str::trim).enumerate() {
        if line.starts_with('{') {
            let parsed = serde_json::from_str(line).map_err(|cause| refused(line, cause.to_string()));
            prompts.push(parsed.and_then(from_fields).map_err(|error| at(&format!("line {}", index + 1), &error))?);
        } else if !line.starts_with('#') {
            prompts.extend(Prompt::list_from_text(line));
        }
    }
    Ok(prompts)
}

fn from_list(text: &str) -> Result<Vec<Prompt>> {
    let items: Vec<Item> = serde_json::from_str(text).map_err(|cause| refused("the list", cause.to_string()))?;
    let prompt = |(index, item)| {
        let prompt = match item {
            Item::Text(text) => Prompt::from_text(&text),
            Item::Fields(value) => from_fields(value),
        };
        prompt.map_err(|error| at(&format!("entry {} of the list", index + 1), &error))
    };
    items.into_iter().enumerate().map(prompt).collect()
}

fn from_fields(value: serde_json::Value) -> Result<Prompt> {
    let fields: PromptFields =
        serde_json::from_value(value.clone()).map_err(|cause| refused(&value.to_string(), cause.to_string()))?;
    fields.to_prompt()
}

fn refused(prompt: &str, cause: String) -> Error {
    Error::Prompt { prompt: prompt.chars().take(80).collect(), cause }
}

fn at(place: &str, error: &Error) -> Error {
    match error {
        Error::Prompt { prompt, cause } => Error::Prompt { prompt: prompt.clone(), cause: format!("{place}: {cause}") },
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        prompts_from_file_text(text).unwrap().iter().map(|prompt| prompt.text.to_string()).collect()
    }

    #[test]
    fn lines_and_lists_say_the_same() {
        let lines = "\u{feff}# what to find\nred car; dog\r\n\n  {\"text\": \"cat\", \"threshold\": 0.2}\n";
        assert_eq!(texts(lines), ["red car", "dog", "cat"]);
        assert_eq!(texts(" [\"red car\", {\"text\": \"cat\"},\n\"red car\"]"), ["red car", "cat"]);
        assert!(texts("").is_empty() && texts("[]").is_empty());
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, place) in [
            ("dog\n{\"text\": 3}", "line 2"),
            ("dog\n\n{\"tekst\": \"a\"}", "line 3"),
            ("{\"text\": \"a\"", "line 1"),
            ("[\"a\", {\"threshold\": 0.1}]", "entry 2"),
            ("[\"a\", \" \"]", "entry 2"),
            ("[\"a\", 3]", "entry 2"),
            ("[\"a\"", "the list"),
        ] {
            let error = prompts_from_file_text(text).unwrap_err().to_string();
            assert!(error.contains(place), "{text}: {error}");
        }
    }

    /// Numbers that look random and are the same in every run.
    fn scramble(state: &mut u64) -> usize {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) as usize
    }

    #[test]
    fn no_text_is_a_panic_and_what_is_taken_is_legal() {
        let pieces = [
            "red car",
            ":",
            ";",
            ",",
            "-",
            "+",
            "0.1",
            "0.5,0.5,0.1,0.1",
            "1e39",
            "nan",
            "unit=",
            "pixels",
            "from=",
            "\n",
            "each-frame",
            "{",
            "}",
            "[",
            "]",
            "\"text\"",
            "\"boxes\"",
            "\"dog\"",
            "[0,0,1,1]",
            "null",
            "ž",
            "\u{0}",
            "#",
        ];
        let mut state = 7;
        let mut taken = 0;
        for _ in 0..20_000 {
            let count = 1 + scramble(&mut state) % 9;
            let text: String = (0..count).map(|_| pieces[scramble(&mut state) % pieces.len()]).collect();
            for prompts in
                [crate::prompt::prompts_from_box_text(&text), prompts_from_file_text(&text)].into_iter().flatten()
            {
                taken += usize::from(!prompts.is_empty());
                let sets = prompts.iter().flat_map(|prompt| &prompt.exemplars);
                let legal = sets.flat_map(|set| set.boxes()).all(|b| b.width > 0.0 && b.x.is_finite() && b.y >= 0.0);
                assert!(legal && prompts.iter().all(|prompt| !prompt.text.trim().is_empty()), "{text}");
            }
        }
        assert!(taken > 1000, "{taken}");
    }
}
