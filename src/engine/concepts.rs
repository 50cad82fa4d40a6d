//! Exemplars to prompt tokens: what a box shows on the frame it is taken from is kept for the frames that follow.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use tch::Tensor;

use crate::error::Result;
use crate::prompt::{ExemplarFrames, ExemplarSet, GeometryEncoder, Prompt};
use crate::vision::VisionFeatures;

/// Exemplar sets whose tokens are kept; the oldest goes when another comes.
const MAX_KEPT_SETS: usize = 1024;

/// The picture that boxes are taken from.
#[derive(Clone, Copy)]
pub(super) struct Looked<'a> {
    pub(super) features: &'a VisionFeatures,
    pub(super) frame_width: u32,
    pub(super) frame_height: u32,
}

/// Tokens of exemplar sets, each kept as long as somebody asks for the set.
#[derive(Default)]
pub(super) struct KeptExemplars {
    by_identity: HashMap<u64, Kept>,
}

struct Kept {
    /// Dead when no prompt has the set any more.
    set: Weak<ExemplarSet>,
    tokens: SetTokens,
}

/// What the geometry encoder makes of one set.
struct SetTokens {
    /// [N, D].
    boxes: Tensor,
    /// [1, D]; one for all sets that were encoded together.
    class: Tensor,
}

impl SetTokens {
    fn share(&self) -> Self {
        Self { boxes: self.boxes.shallow_clone(), class: self.class.shallow_clone() }
    }
}

impl KeptExemplars {
    /// Tokens of the prompt's exemplars: boxes, then one class token. Sets that are new, or lie on every frame, are
    /// encoded together on the picture at hand, as the reference does it; of the others the kept tokens are taken.
    ///
    /// # Shapes
    /// N boxes → [N + 1, D].
    ///
    /// # Errors
    /// [`crate::Error::Prompt`] when a box that is needed lies outside the frame.
    pub(super) fn tokens(&mut self, encoder: &GeometryEncoder, looked: Looked<'_>, prompt: &Prompt) -> Result<Tensor> {
        let mut of_sets: Vec<Option<SetTokens>> = prompt.exemplars.iter().map(|set| self.kept(set)).collect();
        let is_fresh: Vec<bool> = of_sets.iter().map(Option::is_none).collect();
        let missing = prompt.exemplars.iter().zip(&is_fresh).filter(|(_, fresh)| **fresh).map(|(set, _)| set);
        let mut encoded = encode(encoder, looked, &missing.collect::<Vec<_>>())?.into_iter();
        for (set, tokens) in prompt.exemplars.iter().zip(&mut of_sets).filter(|(_, tokens)| tokens.is_none()) {
            *tokens = encoded.next();
            if let Some(tokens) = tokens.as_ref().filter(|_| set.frames() == ExemplarFrames::First) {
                self.keep(set, tokens.share());
            }
        }
        let of_sets: Vec<SetTokens> = of_sets.into_iter().flatten().collect();
        // The class token that has seen the most: that of the picture at hand, otherwise the latest.
        let latest = is_fresh.iter().rposition(|fresh| *fresh).unwrap_or(of_sets.len().saturating_sub(1));
        let class = of_sets.get(latest).map(|tokens| &tokens.class);
        Ok(Tensor::cat(&of_sets.iter().map(|tokens| &tokens.boxes).chain(class).collect::<Vec<_>>(), 0))
    }

    fn kept(&self, set: &Arc<ExemplarSet>) -> Option<SetTokens> {
        self.by_identity.get(&set.identity()).map(|kept| kept.tokens.share())
    }

    fn keep(&mut self, set: &Arc<ExemplarSet>, tokens: SetTokens) {
        self.by_identity.retain(|_, kept| kept.set.strong_count() > 0);
        if self.by_identity.len() >= MAX_KEPT_SETS
            && let Some(oldest) = self.by_identity.keys().copied().min()
        {
            self.by_identity.remove(&oldest);
        }
        self.by_identity.insert(set.identity(), Kept { set: Arc::downgrade(set), tokens });
    }
}

/// All sets in one call, so that their boxes see each other; one entry for each set.
fn encode(encoder: &GeometryEncoder, looked: Looked<'_>, sets: &[&Arc<ExemplarSet>]) -> Result<Vec<SetTokens>> {
    let (mut boxes, mut counts) = (Vec::new(), Vec::new());
    for set in sets {
        let of_set = set.on_frame(looked.frame_width, looked.frame_height)?;
        counts.push(of_set.len() as i64);
        boxes.extend(of_set);
    }
    if sets.is_empty() {
        return Ok(Vec::new());
    }
    let tokens = encoder.forward(looked.features, &boxes).get(0); // [N + 1, D]
    let class = tokens.narrow(0, boxes.len() as i64, 1);
    let mut first = 0;
    let of_set = |count: i64| {
        first += count;
        SetTokens { boxes: tokens.narrow(0, first - count, count), class: class.shallow_clone() }
    };
    Ok(counts.into_iter().map(of_set).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::{BoxUnit, GivenBox};

    fn set() -> Arc<ExemplarSet> {
        let whole = GivenBox { x: 0.0, y: 0.0, width: 1.0, height: 1.0, is_positive: true };
        ExemplarSet::new(vec![whole], BoxUnit::Frame, ExemplarFrames::First).unwrap()
    }

    fn tokens() -> SetTokens {
        let row = || Tensor::zeros([1, 2], (tch::Kind::Float, tch::Device::Cpu));
        SetTokens { boxes: row(), class: row() }
    }

    #[test]
    fn tokens_go_with_their_set_and_are_bounded() {
        let mut kept = KeptExemplars::default();
        let sets: Vec<_> = (0..=MAX_KEPT_SETS).map(|_| set()).collect();
        for set in &sets {
            kept.keep(set, tokens());
        }
        assert_eq!(kept.by_identity.len(), MAX_KEPT_SETS);
        assert!(kept.kept(&sets[0]).is_none() && kept.kept(&sets[1]).is_some(), "the oldest went");
        drop(sets);
        kept.keep(&set(), tokens());
        assert_eq!(kept.by_identity.len(), 1);
    }
}
