//! The repository speaks of itself alone: nothing of the machine that it was written on, and no package host.

use super::tree;
use crate::checkout::Checkout;
use crate::failure::{Failure, Outcome};

/// Written in two parts, so that this list does not find itself.
const WORDS: [&str; 9] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/tmp", "/wt"),
    concat!("/tmp", "/tfenv"),
    concat!(".lib", "rary/"),
    concat!("../sha", "red/"),
    concat!("pypi", ".org"),
    concat!("crates", ".io/api"),
    concat!("deb.deb", "ian.org"),
];

pub(super) fn check(checkout: &Checkout) -> Outcome<()> {
    let mut found = Vec::new();
    for path in tree::files(checkout)? {
        let text = tree::text(checkout, &path).unwrap_or_default();
        found.extend(words_in(&text).map(|(line, word)| format!("{}:{line} says {word}", path.display())));
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(Failure::new(found.join("; "))
        .remedy("say it without the machine: a path in the checkout, a variable, a package's name"))
}

/// Numbers of the lines with a word of the list, and the word.
fn words_in(text: &str) -> impl Iterator<Item = (usize, &'static str)> {
    text.lines().enumerate().flat_map(|(index, line)| {
        let lower = line.to_ascii_lowercase();
        WORDS.into_iter().filter(move |word| lower.contains(word)).map(move |word| (index + 1, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_with_their_line() {
        let text = format!("fine\nfrom https://{}/simple\nfine", WORDS[6].to_uppercase());
        assert_eq!(words_in(&text).collect::<Vec<_>>(), [(2, WORDS[6])]);
    }

    #[test]
    fn ordinary_text_passes() {
        let text = "a work of art; the library; registry+https://github.com/rust-lang/crates.io-index; $HOME/.cache";
        assert_eq!(words_in(text).count(), 0);
    }
}
