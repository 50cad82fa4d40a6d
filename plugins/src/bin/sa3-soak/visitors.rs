//! What happens to a stream that runs for long: phrases come and go, users click, rename and remove.

use gst::prelude::*;

/// Frames from one change of the phrases to the next.
const FRAMES_PER_PHRASE: u64 = 400;
/// Frames from one round of edits to the next.
const FRAMES_PER_EDIT: u64 = 250;

/// Who does it.
pub struct Visitors {
    phrases: Vec<String>,
    /// The artificial model takes any word and any click.
    is_artificial: bool,
}

impl Visitors {
    pub fn new(phrases: Vec<String>, is_artificial: bool) -> Self {
        Self { phrases, is_artificial }
    }

    /// The prompt from a frame on: all phrases but one, and with the artificial model one that was never asked before.
    pub fn prompt(&self, frame: u64) -> String {
        let round = frame / FRAMES_PER_PHRASE;
        let left_out = (round % self.phrases.len().max(1) as u64) as usize;
        let present = self.phrases.iter().enumerate().filter(|(index, _)| *index != left_out);
        let visitor = self.is_artificial.then(|| format!("visitor {round}"));
        present.map(|(_, phrase)| phrase.clone()).chain(visitor).collect::<Vec<_>>().join("; ")
    }

    /// Does what is due at a frame; `newest` is the id that appeared last.
    pub fn visit(&self, element: &gst::Element, frame: u64, newest: u64) {
        if frame.is_multiple_of(FRAMES_PER_PHRASE) {
            element.set_property("prompt", self.prompt(frame));
        }
        if !self.is_artificial || !frame.is_multiple_of(FRAMES_PER_EDIT) {
            return;
        }
        match frame / FRAMES_PER_EDIT % 4 {
            0 => drop(element.emit_by_name::<bool>("click", &[&0u64, &0.5f64, &0.95f64, &true])),
            1 => drop(element.emit_by_name::<bool>("rename-object", &[&newest, &format!("number {frame}")])),
            2 => drop(element.emit_by_name::<bool>("remove-object", &[&newest, &true])),
            _ => drop(element.emit_by_name::<bool>("scene-cut", &[])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_phrase_is_left_out_in_its_turn() {
        let phrases = || ["one", "two", "three"].map(String::from).to_vec();
        let trained = Visitors::new(phrases(), false);
        assert_eq!(
            [0, 399, 400, 1200].map(|frame| trained.prompt(frame)),
            ["two; three", "two; three", "one; three", "two; three"]
        );
        let artificial = Visitors::new(phrases(), true);
        assert_eq!(artificial.prompt(1200), "two; three; visitor 3");
    }
}
