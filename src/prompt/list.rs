//! Prompts from several sources as one list: what is said twice of a phrase is one concept.

use super::{MAX_BOXES, MAX_PROMPTS, Prompt};
use crate::error::{Error, Result};

impl Prompt {
    /// One list in the order of first mention, excluded concepts last.
    ///
    /// Prompts with the same phrase become one: exemplars add up, and of label, threshold and cap the first that is
    /// given holds. Exemplars without words stay concepts of their own.
    ///
    /// # Errors
    /// [`Error::Prompt`] for more than [`MAX_PROMPTS`] concepts or [`MAX_BOXES`] boxes of one.
    pub fn joined(prompts: Vec<Self>) -> Result<Vec<Self>> {
        let mut list: Vec<Self> = Vec::new();
        for prompt in prompts {
            match list.iter_mut().find(|known| known.is_same_concept_as(&prompt)) {
                Some(known) => known.take_in(prompt),
                None => list.push(prompt),
            }
        }
        if list.len() > MAX_PROMPTS {
            let cause = format!("{} concepts were given, {MAX_PROMPTS} are possible", list.len());
            return Err(Error::Prompt { prompt: list[MAX_PROMPTS].text.to_string(), cause });
        }
        for prompt in &list {
            let count: usize = prompt.exemplars.iter().map(|set| set.boxes().len()).sum();
            if count > MAX_BOXES {
                let cause = format!("it has {count} exemplar boxes, {MAX_BOXES} are possible");
                return Err(Error::Prompt { prompt: prompt.text.to_string(), cause });
            }
        }
        list.sort_by_key(|prompt| prompt.is_excluded);
        Ok(list)
    }

    fn is_same_concept_as(&self, other: &Self) -> bool {
        (&self.text, self.is_excluded) == (&other.text, other.is_excluded)
            && !self.is_wordless()
            && !other.is_wordless()
    }

    fn take_in(&mut self, other: Self) {
        if self.label == self.text {
            self.label = other.label;
        }
        self.threshold = self.threshold.or(other.threshold);
        if self.max_objects == 0 {
            self.max_objects = other.max_objects;
        }
        self.exemplars.extend(other.exemplars);
    }
}

/// Where a prompt says what one of `known` says, it takes over that one's exemplars: what the model kept of them stays
/// in use, although the text that names them was read again.
pub fn with_known_exemplars(mut prompts: Vec<Prompt>, known: &[Prompt]) -> Vec<Prompt> {
    for prompt in &mut prompts {
        let of_same_name = known.iter().filter(|before| before.text == prompt.text);
        let candidates: Vec<_> = of_same_name.flat_map(|before| &before.exemplars).collect();
        for set in &mut prompt.exemplars {
            if let Some(same) = candidates.iter().find(|before| before.says_the_same_as(set)) {
                *set = (*same).clone();
            }
        }
    }
    prompts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::prompts_from_box_text;

    fn boxes(text: &str) -> Vec<Prompt> {
        prompts_from_box_text(text).unwrap()
    }

    #[test]
    fn one_phrase_is_one_concept_and_excluded_ones_come_last() {
        let mut prompts = Prompt::list_from_text("crowd; red car; dog");
        prompts[0].is_excluded = true;
        prompts.extend(boxes("red car: 0,0,1,1; cat: 0,0,1,1; : 0,0,1,1"));
        prompts.extend(boxes("0.5,0.5,0.1,0.1"));
        prompts.push(Prompt { threshold: Some(0.3), label: "car".into(), ..Prompt::from_text("red car").unwrap() });
        let list = Prompt::joined(prompts).unwrap();
        let texts: Vec<_> = list.iter().map(|prompt| &*prompt.text).collect();
        assert_eq!(texts, ["red car", "dog", "cat", "visual", "visual", "crowd"]);
        assert_eq!((&*list[0].label, list[0].threshold, list[0].exemplars.len()), ("car", Some(0.3), 1));
        assert!(list[5].is_excluded);
    }

    #[test]
    fn lists_and_boxes_without_end_are_refused() {
        let many = (0..=MAX_PROMPTS).map(|number| Prompt::from_text(&number.to_string()).unwrap()).collect();
        assert!(Prompt::joined(many).unwrap_err().to_string().contains("64 are possible"));
        let often = (0..=MAX_BOXES).flat_map(|_| boxes("dog: 0,0,1,1")).collect();
        assert!(Prompt::joined(often).unwrap_err().to_string().contains("33 exemplar boxes"));
    }

    #[test]
    fn what_is_said_again_keeps_its_exemplars() {
        let before = boxes("dog: 0,0,1,1; cat: 0,0,0.5,1");
        let again = with_known_exemplars(boxes("dog: 0,0,1,1; cat: 0,0,0.25,1"), &before);
        assert_eq!(again[0], before[0]);
        assert_ne!(again[1], before[1]);
    }
}
