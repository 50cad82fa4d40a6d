//! Which phrase is which from frame to frame, while the list of the request changes.

use std::sync::Arc;

use super::group::Group;
use crate::prompt::{MAX_PROMPTS, Prompt};

/// What makes a phrase the same one on the next frame: its text, and for exemplars without words the first set.
///
/// Label, threshold, caps and further exemplars may change without any track being lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concept {
    /// The phrase as the model reads it.
    pub text: Arc<str>,
    wordless: Option<u64>,
}

impl Concept {
    /// Of a prompt.
    pub fn of(prompt: &Prompt) -> Self {
        let first = prompt.exemplars.first().filter(|_| prompt.is_wordless());
        Self { text: prompt.text.clone(), wordless: first.map(|set| set.identity()) }
    }

    /// Of a phrase with words.
    pub fn of_text(text: &str) -> Self {
        Self { text: text.into(), wordless: None }
    }

    /// True when another process would know the phrase by its text.
    pub fn has_words(&self) -> bool {
        self.wordless.is_none()
    }
}

/// The phrases of a request that objects can have.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Phrases {
    /// By position in the request; `None` for excluded ones.
    concepts: Vec<Option<Concept>>,
}

impl Phrases {
    /// Of a list, of which at most [`MAX_PROMPTS`] are read.
    pub fn of(prompts: &[Prompt]) -> Self {
        let concept = |prompt: &Prompt| (!prompt.is_excluded).then(|| Concept::of(prompt));
        Self { concepts: prompts.iter().take(MAX_PROMPTS).map(concept).collect() }
    }

    /// The group of a concept: the first position that it has in the request.
    pub fn group_of(&self, concept: &Concept) -> Group {
        self.concepts.iter().position(|known| known.as_ref() == Some(concept))
    }

    /// Concept and group of the phrase at a position; `None` for excluded ones and beyond the end.
    pub fn at(&self, prompt_index: usize) -> Option<(&Concept, usize)> {
        let concept = self.concepts.get(prompt_index)?.as_ref()?;
        self.group_of(concept).map(|group| (concept, group))
    }

    /// Number of phrases that objects can have, said twice or not.
    pub fn groups(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.concepts.len()).filter(|&index| self.at(index).is_some_and(|(_, group)| group == index))
    }

    /// True when there is nothing to find.
    pub fn is_empty(&self) -> bool {
        self.concepts.iter().all(Option::is_none)
    }

    /// True for a phrase that is asked for.
    pub fn contains(&self, concept: &Concept) -> bool {
        self.group_of(concept).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::prompts_from_box_text;

    #[test]
    fn a_phrase_is_the_same_wherever_it_stands_and_whatever_it_is_called() {
        let before = Phrases::of(&Prompt::list_from_text("dog; cat"));
        let mut prompts = Prompt::list_from_text("bird; cat");
        prompts[1].label = "tiger".into();
        prompts[1].threshold = Some(0.9);
        let after = Phrases::of(&prompts);
        let (cat, _) = before.at(1).unwrap();
        assert_eq!((before.group_of(cat), after.group_of(cat)), (Some(1), Some(1)));
        assert!(!after.contains(before.at(0).unwrap().0));
    }

    #[test]
    fn what_is_said_twice_is_one_group_and_excluded_ones_are_none() {
        let mut prompts = Prompt::list_from_text("dog; cat");
        prompts.push(prompts[0].clone());
        prompts[1].is_excluded = true;
        let phrases = Phrases::of(&prompts);
        assert_eq!(phrases.at(2).map(|(_, group)| group), Some(0));
        assert!(phrases.at(1).is_none() && phrases.at(9).is_none());
        assert_eq!(phrases.groups().collect::<Vec<_>>(), [0]);
        prompts[0].is_excluded = true;
        assert!(Phrases::of(&prompts[..2]).is_empty());
    }

    #[test]
    fn exemplars_without_words_are_told_apart_by_their_first_set() {
        let first = prompts_from_box_text("0,0,0.5,0.5").unwrap();
        let second = prompts_from_box_text("0,0,0.5,0.5").unwrap();
        assert_ne!(Concept::of(&first[0]), Concept::of(&second[0]));
        let more = Prompt {
            exemplars: [first[0].exemplars.clone(), second[0].exemplars.clone()].concat(),
            ..first[0].clone()
        };
        assert_eq!(Concept::of(&first[0]), Concept::of(&more));
        assert!(!Concept::of(&more).has_words());
    }

    #[test]
    fn a_list_without_end_is_cut() {
        let prompts: Vec<_> = (0..500).map(|number| Prompt::from_text(&number.to_string()).unwrap()).collect();
        assert_eq!(Phrases::of(&prompts).groups().count(), MAX_PROMPTS);
    }
}
