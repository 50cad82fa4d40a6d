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
    /// The same as a time between the two frames; `None`: always.
    pub(super) max_age_in_time: Option<gst::ClockTime>,
}

/// A frame, and what came with it.
#[derive(Debug)]
pub(super) struct Came {
    pub(super) attached: Option<AttachedObjects>,
    /// Width and height of the frame in pixels.
    pub(super) size: (u32, u32),
    pub(super) pts: Option<gst::ClockTime>,
}

/// Why a frame's own masks do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unusable {
    /// There are none.
    Missing,
    /// They were found on a frame too long ago.
    Old { age: u32 },
    /// They were found on a frame too long ago in time.
    Late { age: gst::ClockTime },
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
    held: Option<AttachedObjects>,
}

impl MaskKeeper {
    /// What becomes of a frame, and why its own masks do not count.
    pub(super) fn judge(&mut self, came: Came, rules: MaskRules) -> (Verdict, Option<Unusable>) {
        let flaw = flaw_of(&came, rules);
        if let (None, Some(attached)) = (flaw, came.attached) {
            let objects = attached.objects.clone();
            self.held = (rules.policy == NoMaskPolicy::Hold).then_some(attached);
            return (Verdict::Show(objects), None);
        }
        let verdict = match rules.policy {
            NoMaskPolicy::Pass => Verdict::Pass,
            NoMaskPolicy::BackgroundOnly => Verdict::Show(Objects::default()),
            NoMaskPolicy::HideFrame => Verdict::Hide,
            NoMaskPolicy::Hold => self.hold(came.pts, rules),
        };
        (verdict, flaw)
    }

    fn hold(&mut self, pts: Option<gst::ClockTime>, rules: MaskRules) -> Verdict {
        let Some(held) = &mut self.held else { return Verdict::Hide };
        held.age_in_frames = held.age_in_frames.saturating_add(1);
        match too_old(held, pts, rules) {
            Some(_) => Verdict::Hide,
            None => Verdict::Show(held.objects.clone()),
        }
    }
}

fn flaw_of(came: &Came, rules: MaskRules) -> Option<Unusable> {
    let Some(attached) = &came.attached else { return Some(Unusable::Missing) };
    let masks = (attached.objects.frame_width, attached.objects.frame_height);
    if !is_same_shape(masks, came.size) {
        return Some(Unusable::Mismatched { masks, frame: came.size });
    }
    too_old(attached, came.pts, rules)
}

/// Frames and masks without times have no age in time.
fn too_old(attached: &AttachedObjects, pts: Option<gst::ClockTime>, rules: MaskRules) -> Option<Unusable> {
    let age = attached.age_in_frames;
    if rules.max_age.is_some_and(|most| age > most) {
        return Some(Unusable::Old { age });
    }
    let age = pts.zip(attached.source_pts).and_then(|(now, found)| now.checked_sub(found))?;
    rules.max_age_in_time.is_some_and(|most| age > most).then_some(Unusable::Late { age })
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
            Self::Late { age } => write!(
                f,
                "Masks were found {} ms ago, more than max-mask-age-ms allows, and no-mask-policy decides what is shown; raise \
                 max-mask-age-ms, or look at more frames (inference-interval, sync-mode)",
                age.mseconds()
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

    fn came(attached: Option<AttachedObjects>) -> Came {
        Came { attached, size: FRAME, pts: None }
    }

    fn rules(policy: NoMaskPolicy, max_age: Option<u32>) -> MaskRules {
        MaskRules { policy, max_age, max_age_in_time: None }
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
                let judged = MaskKeeper::default().judge(came(attached(size, 3)), rules(policy, Some(3)));
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
                let judged = MaskKeeper::default().judge(came(attached), rules(policy, Some(3)));
                assert_eq!((judged.1, shows(judged)), (Some(flaw), expected), "{policy:?}");
            }
        }
    }

    #[test]
    fn held_masks_age_and_then_the_frame_is_hidden() {
        let mut keeper = MaskKeeper::default();
        let rules = rules(NoMaskPolicy::Hold, Some(3));
        let frames = [attached(FRAME, 1), None, None, None, attached(FRAME, 0), None];
        let shown: String = frames.into_iter().map(|attached| shows(keeper.judge(came(attached), rules))).collect();
        assert_eq!(shown, "ssshss");
        let forever = MaskRules { max_age: None, ..rules };
        assert!((0..100).all(|_| shows(keeper.judge(came(None), forever)) == 's'));
    }

    #[test]
    fn masks_age_in_time_where_frames_have_times() {
        let at = gst::ClockTime::from_mseconds;
        let found_at = |ms| attached(FRAME, 0).map(|attached| AttachedObjects { source_pts: Some(at(ms)), ..attached });
        let most = |policy| MaskRules { max_age_in_time: Some(at(100)), ..rules(policy, None) };
        let judged = |found: Option<AttachedObjects>, pts| {
            MaskKeeper::default().judge(Came { pts, ..came(found) }, most(NoMaskPolicy::HideFrame)).1
        };
        assert_eq!(judged(found_at(400), Some(at(500))), None);
        assert_eq!(judged(found_at(400), Some(at(501))), Some(Unusable::Late { age: at(101) }));
        assert_eq!(judged(found_at(400), Some(at(300))), None, "found later");
        assert_eq!((judged(found_at(400), None), judged(attached(FRAME, 9), Some(at(900)))), (None, None), "no times");
        let mut keeper = MaskKeeper::default();
        let frames = [(found_at(0), 0), (None, 40), (None, 100), (None, 140)];
        let shown: String = frames
            .into_iter()
            .map(|(attached, ms)| Came { pts: Some(at(ms)), ..came(attached) })
            .map(|came| shows(keeper.judge(came, most(NoMaskPolicy::Hold))))
            .collect();
        assert_eq!(shown, "sssh");
    }
}
