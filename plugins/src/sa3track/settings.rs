//! The properties that `sa3track` has beside those of every element with prompts: the rules of following.

use std::sync::{Arc, LazyLock};

use glib::prelude::*;
use glib::{ParamSpec, Value};
use gst::prelude::GstParamSpecBuilderExt;
use sa3::session::{DetectPolicy, MAX_ACTIVE_OBJECTS, MAX_CLICK_FRAMES, Reacquire, SessionConfig, Trust};

use super::rules::{Rule, rules};
use crate::prompted::settings as prompted;

/// Frames held back where `output-delay` is left to the element and upstream is not live: one less than probation.
pub(super) const FILE_DELAY_IN_FRAMES: u32 = 14;
const AUTO_DELAY: i32 = -1;
/// Frames that may be held back; a second and more of video.
const MAX_DELAY_IN_FRAMES: i32 = 120;

/// The `detect-policy` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstSa3DetectPolicy")]
#[repr(i32)]
pub enum DetectPolicyProperty {
    /// On every frame.
    #[default]
    #[enum_value(name = "On every frame", nick = "every-frame")]
    EveryFrame,
    /// On each frame of `detect-interval`.
    #[enum_value(name = "On each frame of detect-interval", nick = "interval")]
    Interval,
    /// When something is missing.
    #[enum_value(name = "When a phrase has no object or an object is lost, once in detect-interval", nick = "on-loss")]
    OnLoss,
    /// Until something was found.
    #[enum_value(name = "Until something was found, and when the prompts change", nick = "first-only")]
    FirstOnly,
}

/// The `reacquire` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstSa3Reacquire")]
#[repr(i32)]
pub enum ReacquireProperty {
    /// No lost object.
    #[enum_value(name = "None: what comes back is a new object", nick = "off")]
    Off,
    /// Those without a memory.
    #[default]
    #[enum_value(name = "Those that no tracker's memory follows", nick = "auto")]
    Auto,
    /// All that are near.
    #[enum_value(name = "All that were lost nearby", nick = "nearby")]
    Nearby,
}

/// The `trust` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstSa3Trust")]
#[repr(i32)]
pub enum TrustProperty {
    /// Whom the model recommends.
    #[default]
    #[enum_value(name = "Whom the model recommends, otherwise the tracker", nick = "auto")]
    Auto,
    /// The tracker.
    #[enum_value(name = "The tracker: detections confirm objects and refresh what it remembers", nick = "tracker")]
    Tracker,
    /// The detector.
    #[enum_value(name = "The detector: the tracker bridges what it misses, up to hold-detections", nick = "detector")]
    Detector,
}

/// The `id-policy` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstSa3IdPolicy")]
#[repr(i32)]
pub enum IdPolicy {
    /// Ids go on.
    #[default]
    #[enum_value(name = "Ids go on over flushes and streams, none is used twice", nick = "continue")]
    Continue,
    /// Ids begin again.
    #[enum_value(name = "Ids begin at 1 with each new stream", nick = "per-stream")]
    PerStream,
}

/// What the user asked for beyond prompts.
#[derive(Debug, Clone)]
pub(super) struct TrackSettings {
    /// As the user set it.
    asked: SessionConfig,
    /// The same with limits that follow others brought within them; another one whenever something changes.
    pub(super) config: Arc<SessionConfig>,
    output_delay: i32,
    pub(super) id_policy: IdPolicy,
    pub(super) click_to_track: bool,
}

impl Default for TrackSettings {
    fn default() -> Self {
        Self {
            asked: SessionConfig::default(),
            config: Arc::default(),
            output_delay: AUTO_DELAY,
            id_policy: IdPolicy::default(),
            click_to_track: false,
        }
    }
}

impl TrackSettings {
    /// Sets the property `name` to a value that its spec allows; false when it is none of these.
    pub(super) fn set(&mut self, name: &str, value: &Value) -> bool {
        match name {
            "output-delay" => self.output_delay = value.get().unwrap_or(AUTO_DELAY),
            "id-policy" => self.id_policy = value.get().unwrap_or_default(),
            "click-to-track" => self.click_to_track = value.get().unwrap_or_default(),
            _ => return self.set_rule(name, value),
        }
        true
    }

    fn set_rule(&mut self, name: &str, value: &Value) -> bool {
        let asked = &mut self.asked;
        match name {
            "detect-policy" => {
                asked.detect_policy = match value.get().unwrap_or_default() {
                    DetectPolicyProperty::EveryFrame => DetectPolicy::EveryFrame,
                    DetectPolicyProperty::Interval => DetectPolicy::Interval,
                    DetectPolicyProperty::OnLoss => DetectPolicy::OnLoss,
                    DetectPolicyProperty::FirstOnly => DetectPolicy::FirstOnly,
                }
            }
            "reacquire" => {
                asked.reacquire = match value.get().unwrap_or_default() {
                    ReacquireProperty::Off => Reacquire::Off,
                    ReacquireProperty::Auto => Reacquire::Auto,
                    ReacquireProperty::Nearby => Reacquire::Nearby,
                }
            }
            "trust" => {
                asked.trust = match value.get().unwrap_or_default() {
                    TrustProperty::Auto => None,
                    TrustProperty::Tracker => Some(Trust::Tracker),
                    TrustProperty::Detector => Some(Trust::Detector),
                }
            }
            "max-lost" => asked.max_lost_ns = value.get().unwrap_or_default(),
            "max-lost-frames" => asked.max_lost_frames = value.get().unwrap_or_default(),
            "max-gap" => asked.max_gap_ns = value.get().unwrap_or_default(),
            _ => {
                let Some(rule) = rules().iter().find(|rule| rule.name == name) else {
                    return false;
                };
                rule.set(asked, value);
            }
        }
        self.config = Arc::new(consistent(self.asked.clone()));
        true
    }

    /// The value of the property `name`; `None` when it is none of these.
    pub(super) fn get(&self, name: &str) -> Option<Value> {
        Some(match name {
            "output-delay" => self.output_delay.to_value(),
            "id-policy" => self.id_policy.to_value(),
            "click-to-track" => self.click_to_track.to_value(),
            "detect-policy" => match self.asked.detect_policy {
                DetectPolicy::EveryFrame => DetectPolicyProperty::EveryFrame,
                DetectPolicy::Interval => DetectPolicyProperty::Interval,
                DetectPolicy::OnLoss => DetectPolicyProperty::OnLoss,
                DetectPolicy::FirstOnly => DetectPolicyProperty::FirstOnly,
            }
            .to_value(),
            "reacquire" => match self.asked.reacquire {
                Reacquire::Off => ReacquireProperty::Off,
                Reacquire::Auto => ReacquireProperty::Auto,
                Reacquire::Nearby => ReacquireProperty::Nearby,
            }
            .to_value(),
            "trust" => match self.asked.trust {
                None => TrustProperty::Auto,
                Some(Trust::Tracker) => TrustProperty::Tracker,
                Some(Trust::Detector) => TrustProperty::Detector,
            }
            .to_value(),
            "max-lost" => self.asked.max_lost_ns.to_value(),
            "max-lost-frames" => self.asked.max_lost_frames.to_value(),
            "max-gap" => self.asked.max_gap_ns.to_value(),
            _ => return rules().iter().find(|rule| rule.name == name).map(|rule| rule.get(&self.asked)),
        })
    }

    /// Frames to hold back.
    pub(super) fn delay_in_frames(&self, is_live: bool) -> u32 {
        match u32::try_from(self.output_delay) {
            Ok(frames) => frames,
            Err(_) if is_live => 0,
            Err(_) => FILE_DELAY_IN_FRAMES,
        }
    }
}

/// Limits within limits, so that properties may be set in any order.
fn consistent(mut config: SessionConfig) -> SessionConfig {
    config.probation_unmatched = config.probation_unmatched.min(config.probation_frames);
    config.probation_duplicates = config.probation_duplicates.min(config.probation_frames);
    config.keep_alive_min = config.keep_alive_min.min(config.keep_alive_max);
    config
}

/// All properties: those of every element with prompts, then these.
pub(super) fn specs() -> &'static [ParamSpec] {
    static SPECS: LazyLock<Vec<ParamSpec>> = LazyLock::new(|| {
        let mut specs = prompted::specs();
        specs.extend(policy_specs());
        specs.extend(time_specs());
        specs.extend(rules().iter().map(Rule::spec));
        specs
    });
    &SPECS
}

fn policy_specs() -> [ParamSpec; 6] {
    [
        glib::ParamSpecEnum::builder::<DetectPolicyProperty>("detect-policy")
            .nick("When to detect")
            .blurb(
                "On which frames the detector looks; on the others the tracker follows alone, or masks are held where there \
                 is none. on-loss and first-only need tracker weights",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecEnum::builder::<ReacquireProperty>("reacquire")
            .nick("Give ids back")
            .blurb("Which lost objects get their id back when something like them is detected near where they were")
            .mutable_playing()
            .build(),
        glib::ParamSpecEnum::builder::<TrustProperty>("trust")
            .nick("Whom to believe")
            .blurb(
                "Who is believed where detector and tracker both see an object: a small model's tracker is often the worse of \
                 the two. What is begun by clicks, boxes and masks is followed by the tracker in any case",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecEnum::builder::<IdPolicy>("id-policy")
            .nick("Ids of a new stream")
            .blurb("Whether ids begin again with a new stream (STREAM_START) or go on; within a stream none is used twice")
            .mutable_playing()
            .build(),
        glib::ParamSpecBoolean::builder("click-to-track")
            .nick("Clicks follow")
            .blurb(
                "Clicks in the window of a sink follow what is clicked: left on it, right where it is not, a drag draws a \
                 box, the key c lets go. Needs a model with tracker weights",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecInt::builder("output-delay")
            .nick("Frames held back")
            .blurb(
                "Frames held back, so that objects that turn out not to be there are hidden from their first frame on. \
                 -1: 14, which hides all that probation removes, and 0 where upstream is live. Adds to the latency",
            )
            .minimum(AUTO_DELAY)
            .maximum(MAX_DELAY_IN_FRAMES)
            .default_value(AUTO_DELAY)
            .mutable_playing()
            .build(),
    ]
}

fn time_specs() -> [ParamSpec; 3] {
    let default = SessionConfig::default();
    let time = |name: &str, nick: &str, blurb: &str, default| {
        glib::ParamSpecUInt64::builder(name).nick(nick).blurb(blurb).default_value(default).mutable_playing().build()
    };
    [
        time(
            "max-lost",
            "Longest absence",
            "An object that is not seen for longer (nanoseconds) is removed, and comes back as a new one. 0: never",
            default.max_lost_ns,
        ),
        time(
            "max-lost-frames",
            "Longest absence in frames",
            "The same in frames, for video whose frames have no times. 0: never",
            default.max_lost_frames,
        ),
        time(
            "max-gap",
            "Longest gap",
            "A longer time (nanoseconds) between two frames counts as a scene cut: objects are removed. 0: never",
            default.max_gap_ns,
        ),
    ]
}

/// Bounds that the specs of [`rules`] name.
pub(super) const ACTIVE_OBJECTS: std::ops::RangeInclusive<u32> = 1..=MAX_ACTIVE_OBJECTS as u32;
/// As above.
pub(super) const CLICK_FRAMES: std::ops::RangeInclusive<u32> = 0..=MAX_CLICK_FRAMES as u32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_read_and_defaults_are_the_engines() {
        gst::init().unwrap();
        let mut settings = TrackSettings::default();
        let own = specs().iter().filter(|spec| settings.get(spec.name()).is_some()).cloned().collect::<Vec<_>>();
        assert!(own.len() > 40, "{}", own.len());
        for spec in &own {
            let value = settings.get(spec.name()).unwrap();
            assert_eq!(format!("{value:?}"), format!("{:?}", spec.default_value()), "{}", spec.name());
            assert!(settings.set(spec.name(), &value), "{}", spec.name());
        }
        assert_eq!(*settings.config, SessionConfig::default());
        assert!(settings.set("match-iou", &0.25f64.to_value()) && settings.config.match_iou == 0.25);
        assert!(!settings.set("prompt", &"dog".to_value()));
    }

    #[test]
    fn limits_stay_within_limits_in_any_order() {
        let mut settings = TrackSettings::default();
        assert!(settings.set("probation", &4u32.to_value()));
        settings.config.validate().unwrap();
        assert_eq!(settings.config.probation_unmatched, 4);
        assert!(settings.set("probation", &30u32.to_value()));
        assert_eq!(settings.config.probation_unmatched, 8, "what was asked for is not forgotten");
    }

    #[test]
    fn only_files_are_held_back_by_themselves() {
        let mut settings = TrackSettings::default();
        assert_eq!([true, false].map(|is_live| settings.delay_in_frames(is_live)), [0, FILE_DELAY_IN_FRAMES]);
        assert!(settings.set("output-delay", &3i32.to_value()));
        assert_eq!([true, false].map(|is_live| settings.delay_in_frames(is_live)), [3, 3]);
    }
}
