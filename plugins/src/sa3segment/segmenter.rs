//! What happens to one frame: which request it is looked at with, or whose objects it carries.
//!
//! Plain state without threads. The element asks [`Segmenter::plan`] before a frame and tells the outcome after it.

use std::collections::HashSet;
use std::sync::Arc;

use sa3::prompt::PromptNotice;
use sa3::{Engine, Error, Objects, SegmentRequest};

use super::settings::Tuning;

/// After the first failure, each failure of this number is told.
const FAILURES_PER_WARNING: u64 = 100;
/// Phrases whose notices are remembered, so that each is told once.
const MAX_NOTICED_PHRASES: usize = 4096;

/// What to do with a frame.
pub(super) enum Plan {
    /// There is nothing to find.
    PassBare { is_first: bool },
    /// Let the engine look.
    Look,
    /// Put the last objects on it.
    Carry(Found),
}

/// Objects, and the frame they were found on.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) objects: Arc<Objects>,
    pub(super) source_pts: Option<gst::ClockTime>,
    pub(super) age_in_frames: u32,
}

/// Something to tell the user.
#[derive(Debug)]
pub(super) enum Notice {
    /// The size is not used, and why.
    InferenceSize(Error),
    Phrase(PromptNotice),
}

#[derive(Default)]
pub(super) struct Segmenter {
    found: Option<Found>,
    /// The prompt of the last frame looked at.
    prompt_in_use: Option<Arc<str>>,
    is_bare: bool,
    checked: Option<Checked>,
    noticed_phrases: HashSet<Arc<str>>,
    failures: u64,
}

/// A request as the user made it, and as the engine can take it.
struct Checked {
    asked: Arc<SegmentRequest>,
    usable: Arc<SegmentRequest>,
}

impl Segmenter {
    /// Forgets earlier frames; what the user has been told stays told.
    pub(super) fn forget(&mut self) {
        self.found = None;
    }

    pub(super) fn plan(&mut self, tuning: &Tuning) -> Plan {
        if tuning.request.prompts.is_empty() {
            self.found = None;
            return Plan::PassBare { is_first: !std::mem::replace(&mut self.is_bare, true) };
        }
        self.is_bare = false;
        let is_same_prompt = self.prompt_in_use.as_deref() == Some(&*tuning.prompt);
        match &mut self.found {
            Some(found) if is_same_prompt && found.age_in_frames + 1 < tuning.inference_interval => {
                found.age_in_frames += 1;
                Plan::Carry(found.clone())
            }
            _ => Plan::Look,
        }
    }

    /// The request as `engine` can take it, with what the user should be told about it, once per change.
    pub(super) fn usable_request(
        &mut self,
        asked: &Arc<SegmentRequest>,
        engine: &Engine,
    ) -> (Arc<SegmentRequest>, Vec<Notice>) {
        if let Some(checked) = self.checked.as_ref().filter(|checked| Arc::ptr_eq(&checked.asked, asked)) {
            return (checked.usable.clone(), Vec::new());
        }
        let mut notices = self.phrase_notices(asked, engine);
        let usable = match engine.check_inference_size(asked.inference_size) {
            Ok(()) => asked.clone(),
            Err(error) => {
                if self.checked.as_ref().is_none_or(|before| before.asked.inference_size != asked.inference_size) {
                    notices.push(Notice::InferenceSize(error));
                }
                Arc::new(SegmentRequest { inference_size: 0, ..(**asked).clone() })
            }
        };
        self.checked = Some(Checked { asked: asked.clone(), usable: usable.clone() });
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

    /// The prompt, when it differs from that of the frame before.
    pub(super) fn new_prompt(&mut self, prompt: &Arc<str>) -> Option<Arc<str>> {
        let was_in_use = self.prompt_in_use.replace(prompt.clone());
        // Nothing before nothing is no news.
        let before = was_in_use.as_deref().unwrap_or_default();
        (before != &**prompt).then(|| prompt.clone())
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
        Tuning { prompt: prompt.into(), request: Arc::new(request), inference_interval }
    }

    /// The ages of the objects that frames carry; `None` where the engine would look.
    fn ages(segmenter: &mut Segmenter, tuning: &Tuning, frames: usize) -> Vec<Option<u32>> {
        let mut age = || match segmenter.plan(tuning) {
            Plan::Carry(found) => Some(found.age_in_frames),
            Plan::Look => {
                segmenter.new_prompt(&tuning.prompt);
                segmenter.found(Objects::default(), None);
                None
            }
            Plan::PassBare { .. } => panic!("there is a prompt"),
        };
        (0..frames).map(|_| age()).collect()
    }

    #[test]
    fn each_nth_frame_is_looked_at_and_a_new_prompt_at_once() {
        let mut segmenter = Segmenter::default();
        let dog = tuning("dog", 3);
        assert_eq!(ages(&mut segmenter, &dog, 5), [None, Some(1), Some(2), None, Some(1)]);
        assert_eq!(ages(&mut segmenter, &tuning("cat", 3), 2), [None, Some(1)]);
        segmenter.forget();
        assert_eq!(ages(&mut segmenter, &tuning("cat", 3), 1), [None]);
        segmenter.failed();
        assert_eq!(ages(&mut segmenter, &tuning("cat", 3), 1), [None]);
    }

    #[test]
    fn an_empty_prompt_is_told_once_until_there_is_one() {
        let mut segmenter = Segmenter::default();
        let mut is_told = |text| matches!(segmenter.plan(&tuning(text, 1)), Plan::PassBare { is_first: true });
        assert_eq!([is_told(""), is_told(" ; "), is_told("dog"), is_told("")], [true, false, false, true]);
    }

    #[test]
    fn failures_are_told_first_and_then_by_the_hundred() {
        let mut segmenter = Segmenter::default();
        let told: Vec<_> = (0..250).filter_map(|_| segmenter.failed()).collect();
        assert_eq!(told, [1, 100, 200]);
    }

    #[test]
    fn an_illegal_size_is_told_once_and_replaced() {
        let settings = EngineSettings { model: "test:name=segmenter".into(), ..EngineSettings::default() };
        let engine = Engine::load(&settings, &mut |_| {}).unwrap();
        let mut segmenter = Segmenter::default();
        let asked = Arc::new(SegmentRequest { inference_size: 100, ..(*tuning("собака", 1).request).clone() });
        let (usable, notices) = segmenter.usable_request(&asked, &engine);
        assert_eq!((usable.inference_size, notices.len()), (0, 2), "{notices:?}");
        assert!(segmenter.usable_request(&asked, &engine).1.is_empty());
        let changed = Arc::new(SegmentRequest { max_objects: 1, ..(*asked).clone() });
        let (usable, notices) = segmenter.usable_request(&changed, &engine);
        assert_eq!((usable.inference_size, usable.max_objects, notices.len()), (0, 1, 0));
    }
}
