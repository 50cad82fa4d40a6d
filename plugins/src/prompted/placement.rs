//! Which exemplar boxes lie on the frames at hand; those that do not are told and left out.

use std::collections::HashMap;

use sa3::Error;
use sa3::prompt::{ExemplarFrames, ExemplarSet, Prompt};

/// What is known of the sets of the prompts in use, by their identity.
#[derive(Default)]
pub(super) struct Placement {
    is_placed: HashMap<u64, bool>,
}

impl Placement {
    /// The prompts without the boxes that lie outside a frame of this size, or `None` when all are inside; and the errors
    /// of those that were inside before, or are new.
    ///
    /// Boxes that are taken from the first frame stay in place from there on, whatever size later frames have.
    pub(super) fn place(&mut self, prompts: &[Prompt], frame_size: (u32, u32)) -> (Option<Vec<Prompt>>, Vec<Error>) {
        let known = std::mem::take(&mut self.is_placed);
        let mut errors = Vec::new();
        for set in prompts.iter().flat_map(|prompt| &prompt.exemplars) {
            let before = known.get(&set.identity()).copied();
            let is_taken = before == Some(true) && set.frames() == ExemplarFrames::First;
            let outcome = if is_taken { Ok(()) } else { set.on_frame(frame_size.0, frame_size.1).map(|_| ()) };
            let is_placed = outcome.is_ok();
            errors.extend(outcome.err().filter(|_| before != Some(false)));
            self.is_placed.insert(set.identity(), is_placed);
        }
        if self.is_placed.values().all(|is_placed| *is_placed) {
            return (None, errors);
        }
        (Some(prompts.iter().filter_map(|prompt| self.without_misplaced(prompt)).collect()), errors)
    }

    /// `None` for a prompt without words that has no box left that says what to find.
    fn without_misplaced(&self, prompt: &Prompt) -> Option<Prompt> {
        let mut placed = prompt.clone();
        placed.exemplars.retain(|set| self.is_placed.get(&set.identity()) == Some(&true));
        let has_positive = |set: &ExemplarSet| set.boxes().iter().any(|given| given.is_positive);
        let says_something = !prompt.is_wordless() || placed.exemplars.iter().any(|set| has_positive(set));
        says_something.then_some(placed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sa3::prompt::prompts_from_box_text;

    #[test]
    fn boxes_outside_the_frame_are_told_once_and_left_out() {
        let text = "unit=pixels; dog: 300,0,20,20; : 300,0,20,20; from=each-frame; cat: 300,0,20,20";
        let prompts = prompts_from_box_text(text).unwrap();
        let mut placement = Placement::default();
        let mut outcome = |frame_size| {
            let (placed, errors) = placement.place(&prompts, frame_size);
            let counts = placed.map(|placed| placed.iter().map(|prompt| prompt.exemplars.len()).collect::<Vec<_>>());
            (counts, errors.len())
        };
        assert_eq!(outcome((200, 100)), (Some(vec![0, 0]), 3), "dog and cat keep their words");
        assert_eq!(outcome((100, 100)), (Some(vec![0, 0]), 0));
        assert_eq!(outcome((640, 360)), (None, 0));
        assert_eq!(outcome((200, 100)), (Some(vec![1, 1, 0]), 1), "only what lies on each frame can be lost");
        let (placed, errors) = Placement::default().place(&prompts, (640, 360));
        assert!(placed.is_none() && errors.is_empty());
    }
}
