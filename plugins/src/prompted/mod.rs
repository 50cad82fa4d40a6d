//! What the elements share that look at frames for what a user names: properties, prompts, requests and warnings.
//!
//! An element with prompts is an [`Analyser`](crate::flow::Analyser) that keeps a [`Prompting`]; the rest is here.

pub(crate) mod actions;
pub(crate) mod given_mask;
mod placement;
mod planner;
mod prompts;
pub(crate) mod settings;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use gst::prelude::*;
use gst::subclass::prelude::*;
use sa3::{Engine, EngineSettings, Error, Objects, SegmentRequest};

use crate::controls;
use crate::error::{is_fatal, post_error, post_warning};
use crate::flow::{Analyser, post_latency, post_structure, stream_time};
use crate::found::Found;
use crate::lock::locked;
pub(crate) use planner::Plan;
use planner::{Notice, Planner};
use prompts::{Asked, Sources};
pub(crate) use prompts::{are_same, points_spec};
use settings::Settings;
pub(crate) use settings::Tuning;

/// Mistakes that are remembered until there is a bus.
const MAX_UNTOLD: usize = 16;

/// The state of one element with prompts.
#[derive(Default)]
pub(crate) struct Prompting {
    /// Before `settings` where both are taken; neither is held while anything is waited for.
    planner: Mutex<Planner>,
    settings: Mutex<Settings>,
    /// Refused before the element had a bus, as in a launch line; told on the way to READY.
    untold: Mutex<Vec<Error>>,
}

impl Prompting {
    fn planner(&self) -> MutexGuard<'_, Planner> {
        locked(&self.planner)
    }

    fn settings(&self) -> MutexGuard<'_, Settings> {
        locked(&self.settings)
    }

    /// The engine that the properties ask for.
    ///
    /// # Errors
    /// When `device` is not a device.
    pub(crate) fn engine_settings(&self) -> sa3::Result<EngineSettings> {
        self.settings().engine.to_settings()
    }

    /// Forgets earlier frames.
    pub(crate) fn forget(&self) {
        self.planner().forget();
    }

    /// What to do with the next frame. `is_busy`: there is something to do without prompts.
    pub(crate) fn plan(&self, tuning: &Tuning, is_busy: bool) -> Plan {
        self.planner().plan(tuning, is_busy)
    }

    /// Remembers what was found for the frames that follow.
    pub(crate) fn found(&self, objects: Objects, source_pts: Option<gst::ClockTime>) -> Found {
        self.planner().found(objects, source_pts)
    }

    /// The value of a property that can be set; `None` when it is none of these.
    pub(crate) fn property(&self, name: &str) -> Option<glib::Value> {
        self.settings().get(name)
    }
}

/// An element with prompts.
pub(crate) trait Prompted: Analyser<Type: IsA<gst::Element>> {
    fn prompting(&self) -> &Prompting;

    fn category() -> gst::DebugCategory;

    /// The action signal `reset` has taken all prompts away.
    fn on_reset(&self) {}

    /// Sets a property; what is refused is told, and nothing has changed then.
    fn set_prompted(&self, value: &glib::Value, pspec: &glib::ParamSpec) {
        let latency_before = self.flow().timing().latency();
        let is_of_flow = self.flow().set(pspec.name(), value);
        if latency_before != self.flow().timing().latency() {
            post_latency(&*self.obj());
        }
        if !is_of_flow && let Err(error) = { self.prompting().settings().set(pspec.name(), value) } {
            self.warn(&error);
        }
        let is_too_late =
            !pspec.flags().contains(gst::PARAM_FLAG_MUTABLE_PLAYING) && self.obj().current_state() > gst::State::Ready;
        if is_too_late {
            gst::warning!(Self::category(), imp = self, "{} takes effect after the next return to READY", pspec.name());
        }
    }

    /// The value of a property, those of the flow included.
    fn prompted_property(&self, pspec: &glib::ParamSpec) -> glib::Value {
        let flow = self.flow();
        match pspec.name() {
            "stats" => flow.stats_structure().to_value(),
            "device-in-use" => flow
                .engine()
                .map(|engine| format!("{}, {}", engine.info().device_in_use, engine.info().precision_in_use))
                .to_value(),
            name => flow
                .get(name)
                .or_else(|| self.prompting().property(name))
                .unwrap_or_else(|| pspec.default_value().clone()),
        }
    }

    /// What the next frame is looked at with: bound controls and a changed prompts file included.
    fn tuning_at(&self, pts: Option<gst::ClockTime>) -> Tuning {
        self.look_at_prompts_file();
        controls::sync(&*self.obj(), || stream_time(&self.flow().src_pad, pts));
        let tuning = self.prompting().settings().tuning.clone();
        Tuning { inference_interval: self.flow().interval(tuning.inference_interval), ..tuning }
    }

    /// The request as `engine` can take it; what it cannot is told.
    fn usable_request(&self, asked: &Arc<SegmentRequest>, engine: &Engine, size: (u32, u32)) -> Arc<SegmentRequest> {
        let (usable, notices) = self.prompting().planner().usable_request(asked, engine, size);
        for notice in notices {
            match notice {
                Notice::Unusable(error) => self.warn(&error),
                Notice::Phrase(notice) => gst::element_imp_warning!(self, gst::LibraryError::Settings, ("{notice}")),
            }
        }
        usable
    }

    /// A failed frame passes bare; only the end of the device or the engine ends the stream.
    fn handle_failure(&self, error: &Error, pts: Option<gst::ClockTime>) -> Result<(), gst::FlowError> {
        self.flow().stats().failed += 1;
        if is_fatal(error) {
            post_error(&*self.obj(), error);
            return Err(gst::FlowError::Error);
        }
        gst::debug!(Self::category(), imp = self, "frame at {} failed: {error}", pts.display());
        let told_failures = self.prompting().planner().failed();
        if let Some(failures) = told_failures {
            let text =
                format!("The frame at {} passes without objects: {error} ({failures} failed so far)", pts.display());
            post_warning(&*self.obj(), error, &text);
        }
        Ok(())
    }

    /// Says once that there is nothing to find.
    fn pass_bare(&self, is_first: bool, tuning: &Tuning, pts: Option<gst::ClockTime>) {
        if is_first {
            gst::element_imp_warning!(
                self,
                gst::LibraryError::Settings,
                ("There is no prompt, so frames pass without objects; set prompt=\"what to find\"")
            );
        }
        self.tell_new_prompt(&tuning.asked, pts);
    }

    fn tell_new_prompt(&self, asked: &Arc<Asked>, first_pts: Option<gst::ClockTime>) {
        let Some(asked) = self.prompting().planner().newly_asked(asked) else {
            return;
        };
        let fields = gst::Structure::builder("sa3-prompt")
            .field("prompt", &asked.prompt)
            .field("exclude", &asked.exclude)
            .field("points", &asked.points)
            .field("first-pts", first_pts);
        post_structure(&*self.obj(), fields.build());
    }

    /// Changes the prompts; what is refused is told, and nothing has changed then.
    fn change_prompts<T>(&self, change: impl FnOnce(&mut Sources) -> sa3::Result<T>) -> Option<T> {
        let outcome = self.prompting().settings().change_prompts(change);
        outcome.inspect_err(|error| self.warn(error)).ok()
    }

    fn warn(&self, error: &Error) {
        if self.obj().bus().is_some() {
            post_warning(&*self.obj(), error, &error.to_string());
            return;
        }
        let mut untold = locked(&self.prompting().untold);
        if untold.len() < MAX_UNTOLD {
            untold.push(error.clone());
        }
    }

    /// The prompts' part of a state change.
    fn before_state_change(&self, transition: gst::StateChange) {
        let untold = std::mem::take(&mut *locked(&self.prompting().untold));
        untold.iter().for_each(|error| self.warn(error));
        if transition == gst::StateChange::ReadyToPaused {
            // Exemplars belong to the run: what they showed in the one before may have been another video.
            self.change_prompts(|sources| {
                sources.renew_exemplars();
                Ok(())
            });
        }
    }

    /// Reads the prompts file when it has changed. No lock is held while the file system works.
    fn look_at_prompts_file(&self) {
        let due = self.prompting().settings().file_to_look_at(Instant::now());
        if let Some(reading) = due.and_then(|watch| watch.look()) {
            self.change_prompts(|sources| sources.take_reading(reading));
        }
    }
}

/// The pads of an element that looks at frames: the formats that the engine reads, on both sides.
pub(crate) fn pad_templates() -> Vec<gst::PadTemplate> {
    /// Smallest side of a frame in pixels.
    const MIN_SIDE_IN_PIXELS: i32 = 16;
    let caps = gst_video::VideoCapsBuilder::new()
        .format_list(sa3::frame::PixelFormat::ALL.map(crate::frame::video_format))
        .width_range(MIN_SIDE_IN_PIXELS..)
        .height_range(MIN_SIDE_IN_PIXELS..)
        .build();
    [("sink", gst::PadDirection::Sink), ("src", gst::PadDirection::Src)]
        .into_iter()
        .map(|(name, direction)| {
            gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &caps)
                .expect("name, direction and caps are valid")
        })
        .collect()
}
