//! Which masks count for a frame: its own, those of an earlier one, or none.

use std::fmt;

use sa3::Objects;

use super::NoMaskPolicy;
use crate::meta::AttachedObjects;

/// Shapes that differ by no more than this part count as the same.
const MAX_ASPECT_ERROR: f64 = 0.01;

/// What the user asked for frames without masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct MaskRules {
    pub(super) policy: NoMaskPolicy,
    /// Frames since the objects were found that masks count for; `None`: always.
    pub(super) max_age: Option<u32>,
}

/// Why a frame's own masks do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unusable {
    /// There are none.
    Missing,
    /// They were found on a frame too long ago.
    Old { age: u32 },
    /// They were made for a frame of another shape.
    Mismatched { masks: (u32, u32), frame: (u32, u32) },
}

/// What becomes of a frame.
#[derive(Debug)]
pub(super) enum Verdict {
    /// These objects are on it.
    Show(Objects),
    /// It passes as it came.
    Pass,
    /// Nothing of it is shown.
    Hide,
}

/// Remembers the last masks that counted.
#[derive(Debug, Default)]
pub(super) struct MaskKeeper {
    /// The objects and the frames since they were found.
    held: Option<(Objects, u32)>,
}

impl MaskKeeper {
    /// What becomes of a frame of `frame` pixels that came with `attached`, and why its own masks do not count.
    pub(super) fn judge(
        &mut self,
        attached: Option<AttachedObjects>,
        frame: (u32, u32),
        rules: MaskRules,
    ) -> (Verdict, Option<Unusable>) {
        let flaw = flaw_of(attached.as_ref(), frame, rules.max_age);
        if let (None, Some(AttachedObjects { objects, age_in_frames, .. })) = (flaw, attached) {
            self.held = (rules.policy == NoMaskPolicy::Hold).then(|| (objects.clone(), age_in_frames));
            return (Verdict::Show(objects), None);
        }
        let verdict = match rules.policy {
            NoMaskPolicy::Pass => Verdict::Pass,
            NoMaskPolicy::BackgroundOnly => Verdict::Show(Objects::default()),
            NoMaskPolicy::HideFrame => Verdict::Hide,
            NoMaskPolicy::Hold => self.hold(rules.max_age),
        };
        (verdict, flaw)
    }

    fn hold(&mut self, max_age: Option<u32>) -> Verdict {
        let Some((objects, age)) = &mut self.held else { return Verdict::Hide };
        *age = age.saturating_add(1);
        match max_age {
            Some(most) if *age > most => Verdict::Hide,
            _ => Verdict::Show(objects.clone()),
        }
    }
}

fn flaw_of(attached: Option<&AttachedObjects>, frame: (u32, u32), max_age: Option<u32>) -> Option<Unusable> {
    let Some(attached) = attached else { return Some(Unusable::Missing) };
    let masks = (attached.objects.frame_width, attached.objects.frame_height);
    if !is_same_shape(masks, frame) {
        return Some(Unusable::Mismatched { masks, frame });
    }
    let age = attached.age_in_frames;
    max_age.is_some_and(|most| age > most).then_some(Unusable::Old { age })
}

fn is_same_shape((mask_width, mask_height): (u32, u32), (width, height): (u32, u32)) -> bool {
    if (mask_width, mask_height) == (width, height) {
        return true;
    }
    let (ours, theirs) = (f64::from(width) * f64::from(mask_height), f64::from(mask_width) * f64::from(height));
    theirs > 0.0 && (ours / theirs - 1.0).abs() <= MAX_ASPECT_ERROR
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str(
                "Frames carry no masks, and no-mask-policy decides what is shown of them; put sa3segment or sa3track with a \
                 prompt before maskcomposite",
            ),
            Self::Old { age } => write!(
                f,
                "Masks were found {age} frames ago, more than max-mask-age allows, and no-mask-policy decides what is shown; \
                 raise max-mask-age, or look at more frames (inference-interval, sync-mode)"
            ),
            Self::Mismatched { masks, frame } => write!(
                f,
                "The masks were made for frames of {}x{}, but the frames are {}x{}, another shape, so they do not count and \
                 no-mask-policy decides what is shown; put maskcomposite directly behind sa3segment",
                masks.0, masks.1, frame.0, frame.1
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: (u32, u32) = (64, 48);

    fn attached((frame_width, frame_height): (u32, u32), age_in_frames: u32) -> Option<AttachedObjects> {
        let objects = Objects { frame_width, frame_height, ..Objects::default() };
        Some(AttachedObjects { objects, source_pts: None, age_in_frames })
    }

    fn rules(policy: NoMaskPolicy, max_age: Option<u32>) -> MaskRules {
        MaskRules { policy, max_age }
    }

    fn shows((verdict, _): (Verdict, Option<Unusable>)) -> char {
        match verdict {
            Verdict::Show(objects) if objects.frame_width > 0 => 's',
            Verdict::Show(_) => 'b',
            Verdict::Pass => 'p',
            Verdict::Hide => 'h',
        }
    }

    #[test]
    fn fresh_masks_of_the_same_shape_are_shown_under_every_policy() {
        use NoMaskPolicy::{BackgroundOnly, HideFrame, Hold, Pass};
        for policy in [Pass, Hold, BackgroundOnly, HideFrame] {
            for size in [FRAME, (1280, 960), (641, 480)] {
                let judged = MaskKeeper::default().judge(attached(size, 3), FRAME, rules(policy, Some(3)));
                assert_eq!((judged.1, shows(judged)), (None, 's'), "{policy:?} {size:?}");
            }
        }
    }

    #[test]
    fn each_policy_has_its_own_answer_to_each_flaw() {
        for (policy, expected) in [
            (NoMaskPolicy::Pass, 'p'),
            (NoMaskPolicy::Hold, 'h'),
            (NoMaskPolicy::BackgroundOnly, 'b'),
            (NoMaskPolicy::HideFrame, 'h'),
        ] {
            let cases = [
                (None, Unusable::Missing),
                (attached(FRAME, 4), Unusable::Old { age: 4 }),
                (attached((64, 47), 0), Unusable::Mismatched { masks: (64, 47), frame: FRAME }),
                (attached((0, 0), 0), Unusable::Mismatched { masks: (0, 0), frame: FRAME }),
            ];
            for (attached, flaw) in cases {
                let judged = MaskKeeper::default().judge(attached, FRAME, rules(policy, Some(3)));
                assert_eq!((judged.1, shows(judged)), (Some(flaw), expected), "{policy:?}");
            }
        }
    }

    #[test]
    fn held_masks_age_and_then_the_frame_is_hidden() {
        let mut keeper = MaskKeeper::default();
        let rules = rules(NoMaskPolicy::Hold, Some(3));
        let frames = [attached(FRAME, 1), None, None, None, attached(FRAME, 0), None];
        let shown: String = frames.into_iter().map(|attached| shows(keeper.judge(attached, FRAME, rules))).collect();
        assert_eq!(shown, "ssshss");
        let forever = MaskRules { max_age: None, ..rules };
        assert!((0..100).all(|_| shows(keeper.judge(None, FRAME, forever)) == 's'));
    }
}
