//! What happens to one frame: which request it is looked at with, or whose objects it carries.
//!
//! Plain state without threads. The element asks [`Planner::plan`] before a frame and tells the outcome after it.

use std::collections::HashSet;
use std::sync::Arc;

use sa3::prompt::PromptNotice;
use sa3::{Engine, Error, Objects, SegmentRequest};

use super::placement::Placement;
use super::prompts::Asked;
use super::settings::Tuning;
use crate::found::Found;

/// After the first failure, each failure of this number is told.
const FAILURES_PER_WARNING: u64 = 100;
/// Phrases whose notices are remembered, so that each is told once.
const MAX_NOTICED_PHRASES: usize = 4096;

/// What to do with a frame.
pub(crate) enum Plan {
    /// There is nothing to find.
    PassBare { is_first: bool },
    /// Let the engine look.
    Look,
    /// Put the last objects on it.
    Carry(Found),
}

/// Something to tell the user.
#[derive(Debug)]
pub(super) enum Notice {
    /// What is not used, and why: a size, or exemplar boxes.
    Unusable(Error),
    Phrase(PromptNotice),
}

#[derive(Default)]
pub(super) struct Planner {
    found: Option<Found>,
    /// What the last frame was looked at for.
    asked_before: Option<Arc<Asked>>,
    is_bare: bool,
    checked: Option<Checked>,
    placement: Placement,
    noticed_phrases: HashSet<Arc<str>>,
    failures: u64,
}

/// A request as the user made it, and as the engine can take it.
struct Checked {
    asked: Arc<SegmentRequest>,
    frame_size: (u32, u32),
    usable: Arc<SegmentRequest>,
}

impl Planner {
    /// Forgets earlier frames; what the user has been told stays told.
    pub(super) fn forget(&mut self) {
        self.found = None;
    }

    /// `is_busy`: there is something to do without prompts.
    pub(super) fn plan(&mut self, tuning: &Tuning, is_busy: bool) -> Plan {
        let is_asked = |request: &SegmentRequest| {
            !request.things.is_empty() || request.prompts.iter().any(|prompt| !prompt.is_excluded)
        };
        if !is_busy && !is_asked(&tuning.request) {
            self.found = None;
            return Plan::PassBare { is_first: !std::mem::replace(&mut self.is_bare, true) };
        }
        self.is_bare = false;
        let is_same_prompt = self.asked_before.as_ref().is_some_and(|before| Arc::ptr_eq(before, &tuning.asked));
        match &mut self.found {
            Some(found) if is_same_prompt && found.age_in_frames + 1 < tuning.inference_interval => {
                found.age_in_frames += 1;
                Plan::Carry(found.clone())
            }
            _ => Plan::Look,
        }
    }

    /// The request as `engine` can take it for a frame of a size, with what the user should be told about it, once per
    /// change.
    pub(super) fn usable_request(
        &mut self,
        asked: &Arc<SegmentRequest>,
        engine: &Engine,
        frame_size: (u32, u32),
    ) -> (Arc<SegmentRequest>, Vec<Notice>) {
        let is_known = |checked: &&Checked| Arc::ptr_eq(&checked.asked, asked) && checked.frame_size == frame_size;
        if let Some(checked) = self.checked.as_ref().filter(is_known) {
            return (checked.usable.clone(), Vec::new());
        }
        let mut notices = self.phrase_notices(asked, engine);
        let (placed, misplaced) = self.placement.place(&asked.prompts, frame_size);
        notices.extend(misplaced.into_iter().map(Notice::Unusable));
        let size_before = self.checked.as_ref().map(|before| before.asked.inference_size);
        let size_error = engine.check_inference_size(asked.inference_size).err();
        let inference_size = if size_error.is_none() { asked.inference_size } else { 0 };
        let is_news = size_before != Some(asked.inference_size);
        notices.extend(size_error.filter(|_| is_news).map(Notice::Unusable));
        let usable = if placed.is_none() && inference_size == asked.inference_size {
            asked.clone()
        } else {
            let prompts = placed.unwrap_or_else(|| asked.prompts.clone());
            Arc::new(SegmentRequest { prompts, inference_size, ..(**asked).clone() })
        };
        self.checked = Some(Checked { asked: asked.clone(), frame_size, usable: usable.clone() });
        (usable, notices)
    }

    fn phrase_notices(&mut self, asked: &SegmentRequest, engine: &Engine) -> Vec<Notice> {
        if self.noticed_phrases.len() > MAX_NOTICED_PHRASES {
            self.noticed_phrases.clear();
        }
        let texts = asked.prompts.iter().map(|prompt| &prompt.text);
        let new: Vec<_> = texts.filter(|text| self.noticed_phrases.insert((*text).clone())).collect();
        new.into_iter().flat_map(|text| engine.phrase_notices(text)).map(Notice::Phrase).collect()
    }

    /// Remembers what was found for the frames that follow.
    pub(super) fn found(&mut self, objects: Objects, source_pts: Option<gst::ClockTime>) -> Found {
        let found = Found { objects: Arc::new(objects), source_pts, age_in_frames: 0 };
        self.found = Some(found.clone());
        found
    }

    /// What is asked for, when it differs from that of the frame before.
    pub(super) fn newly_asked(&mut self, asked: &Arc<Asked>) -> Option<Arc<Asked>> {
        let before = self.asked_before.replace(asked.clone());
        // Nothing before nothing is no news.
        let is_same = before.map_or(asked.is_nothing(), |before| {
            Arc::ptr_eq(&before, asked) || (before.is_nothing() && asked.is_nothing())
        });
        (!is_same).then(|| asked.clone())
    }

    /// Notes that a frame failed; the number of failures, when it is time to tell the user.
    pub(super) fn failed(&mut self) -> Option<u64> {
        self.found = None;
        self.failures += 1;
        (self.failures == 1 || self.failures.is_multiple_of(FAILURES_PER_WARNING)).then_some(self.failures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sa3::EngineSettings;
    use sa3::prompt::Prompt;

    fn tuning(prompt: &str, inference_interval: u32) -> Tuning {
        let request = SegmentRequest { prompts: Prompt::list_from_text(prompt), ..SegmentRequest::default() };
        Tuning { asked: Asked::of(&request.prompts, &request.things), request: Arc::new(request), inference_interval }
    }

    /// The ages of the objects that frames carry; `None` where the engine would look.
    fn ages(planner: &mut Planner, tuning: &Tuning, frames: usize) -> Vec<Option<u32>> {
        let mut age = || match planner.plan(tuning, false) {
            Plan::Carry(found) => Some(found.age_in_frames),
            Plan::Look => {
                planner.newly_asked(&tuning.asked);
                planner.found(Objects::default(), None);
                None
            }
            Plan::PassBare { .. } => panic!("there is a prompt"),
        };
        (0..frames).map(|_| age()).collect()
    }

    #[test]
    fn each_nth_frame_is_looked_at_and_a_new_prompt_at_once() {
        let mut planner = Planner::default();
        let dog = tuning("dog", 3);
        assert_eq!(ages(&mut planner, &dog, 5), [None, Some(1), Some(2), None, Some(1)]);
        assert_eq!(ages(&mut planner, &tuning("cat", 3), 2), [None, Some(1)]);
        planner.forget();
        assert_eq!(ages(&mut planner, &tuning("cat", 3), 1), [None]);
        planner.failed();
        assert_eq!(ages(&mut planner, &tuning("cat", 3), 1), [None]);
    }

    #[test]
    fn an_empty_prompt_is_told_once_until_there_is_one() {
        let mut planner = Planner::default();
        let mut is_told = |text| matches!(planner.plan(&tuning(text, 1), false), Plan::PassBare { is_first: true });
        assert_eq!([is_told(""), is_told(" ; "), is_told("dog"), is_told("")], [true, false, false, true]);
    }

    #[test]
    fn failures_are_told_first_and_then_by_the_hundred() {
        let mut planner = Planner::default();
        let told: Vec<_> = (0..250).filter_map(|_| planner.failed()).collect();
        assert_eq!(told, [1, 100, 200]);
    }

    #[test]
    fn an_illegal_size_is_told_once_and_replaced() {
        let settings = EngineSettings { model: "test:name=planner".into(), ..EngineSettings::default() };
        let engine = Engine::load(&settings, &mut |_| {}).unwrap();
        let mut planner = Planner::default();
        let asked = Arc::new(SegmentRequest { inference_size: 100, ..(*tuning("собака", 1).request).clone() });
        let (usable, notices) = planner.usable_request(&asked, &engine, (64, 48));
        assert_eq!((usable.inference_size, notices.len()), (0, 2), "{notices:?}");
        assert!(planner.usable_request(&asked, &engine, (64, 48)).1.is_empty());
        let changed = Arc::new(SegmentRequest { max_objects: 1, ..(*asked).clone() });
        let (usable, notices) = planner.usable_request(&changed, &engine, (64, 48));
        assert_eq!((usable.inference_size, usable.max_objects, notices.len()), (0, 1, 0));
    }
}
