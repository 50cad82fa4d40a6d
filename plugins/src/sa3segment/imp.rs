//! Translation between GStreamer and the element's parts; no logic of its own.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_video::VideoInfo;
use sa3::frame::PixelFormat;
use sa3::{EngineSettings, Error, SegmentRequest, Segmentation, SharedEngine};

use super::actions;
use super::prompts::{Asked, Sources};
use super::segmenter::{Found, Notice, Plan, Segmenter};
use super::settings::{Settings, Tuning, specs};
use crate::error::{is_fatal, post_error, post_warning};
use crate::flow::{self, Analyser, Flow};
use crate::frame::video_format;
use crate::meta::MaskMeta;
use crate::roi;

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("sa3segment", gst::DebugColorFlags::empty(), Some("Text-prompted segmentation"))
});

/// Mistakes that are remembered until there is a bus.
const MAX_UNTOLD: usize = 16;
/// Smallest side of a frame in pixels.
const MIN_SIDE_IN_PIXELS: i32 = 16;

pub struct Sa3Segment {
    flow: Flow,
    /// Before `settings` where both are taken; neither is held while anything is waited for.
    segmenter: Mutex<Segmenter>,
    settings: Mutex<Settings>,
    /// Refused before the element had a bus, as in a launch line; told on the way to READY.
    untold: Mutex<Vec<Error>>,
}

impl Sa3Segment {
    fn segmenter(&self) -> MutexGuard<'_, Segmenter> {
        self.segmenter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The properties as they are for the frame at `pts`, bound controls included.
    fn tuning_at(&self, pts: Option<gst::ClockTime>) -> Tuning {
        if self.obj().has_active_control_bindings()
            && let Some(time) = self.stream_time(pts)
            && let Err(cause) = self.obj().sync_values(time)
        {
            gst::log!(CAT, imp = self, "no controlled values at {time}: {cause}");
        }
        self.settings().tuning.clone()
    }

    fn stream_time(&self, pts: Option<gst::ClockTime>) -> Option<gst::ClockTime> {
        let event = self.flow.src_pad.sticky_event::<gst::event::Segment>(0)?;
        event.segment().downcast_ref::<gst::ClockTime>()?.to_stream_time(pts)
    }

    fn look(&self, mut buffer: gst::Buffer, info: &VideoInfo, tuning: &Tuning) -> Result<gst::Buffer, gst::FlowError> {
        let engine = self.flow.wait_for_engine()?;
        let request = self.usable_request(&tuning.request, &engine, (info.width(), info.height()));
        match self.flow.segment(&engine, (&buffer, info), request)? {
            Ok(Segmentation { objects, .. }) => {
                gst::log!(CAT, imp = self, "frame at {}: {} objects", buffer.pts().display(), objects.items.len());
                self.flow.stats().objects = objects.items.len() as u32;
                let found = self.segmenter().found(objects, buffer.pts());
                attach(&mut buffer, &found);
                self.tell_new_prompt(&tuning.asked, buffer.pts());
            }
            Err(error) => self.handle_failure(&error, buffer.pts())?,
        }
        Ok(buffer)
    }

    fn usable_request(
        &self,
        asked: &Arc<SegmentRequest>,
        engine: &SharedEngine,
        frame_size: (u32, u32),
    ) -> Arc<SegmentRequest> {
        let (usable, notices) = self.segmenter().usable_request(asked, engine, frame_size);
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
        self.flow.stats().failed += 1;
        if is_fatal(error) {
            post_error(&*self.obj(), error);
            return Err(gst::FlowError::Error);
        }
        gst::debug!(CAT, imp = self, "frame at {} failed: {error}", pts.display());
        let told_failures = self.segmenter().failed();
        if let Some(failures) = told_failures {
            let text =
                format!("The frame at {} passes without objects: {error} ({failures} failed so far)", pts.display());
            post_warning(&*self.obj(), error, &text);
        }
        Ok(())
    }

    fn tell_new_prompt(&self, asked: &Arc<Asked>, first_pts: Option<gst::ClockTime>) {
        let Some(asked) = self.segmenter().newly_asked(asked) else {
            return;
        };
        let fields = gst::Structure::builder("sa3-prompt")
            .field("prompt", &asked.prompt)
            .field("exclude", &asked.exclude)
            .field("first-pts", first_pts);
        let message = gst::message::Element::builder(fields.build()).src(&*self.obj());
        // A bus that flushes takes no message; there is nobody left to tell.
        let _ = self.obj().post_message(message.build());
    }

    /// Changes the prompts; what is refused is told, and nothing has changed then.
    pub(super) fn change_prompts<T>(&self, change: impl FnOnce(&mut Sources) -> sa3::Result<T>) -> Option<T> {
        let outcome = self.settings().change_prompts(change);
        outcome.inspect_err(|error| self.warn(error)).ok()
    }

    fn warn(&self, error: &Error) {
        if self.obj().bus().is_some() {
            post_warning(&*self.obj(), error, &error.to_string());
            return;
        }
        let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        if untold.len() < MAX_UNTOLD {
            untold.push(error.clone());
        }
    }

    fn tell_untold(&self) {
        let untold = std::mem::take(&mut *self.untold.lock().unwrap_or_else(PoisonError::into_inner));
        untold.iter().for_each(|error| self.warn(error));
    }

    /// Reads the prompts file when it has changed. No lock is held while the file system works.
    fn look_at_prompts_file(&self) {
        let due = self.settings().file_to_look_at(Instant::now());
        if let Some(reading) = due.and_then(|watch| watch.look()) {
            self.change_prompts(|sources| sources.take_reading(reading));
        }
    }
}

/// Puts the objects on the frame. Only the buffer's metadata is copied where somebody shares it, never its pixels.
fn attach(buffer: &mut gst::Buffer, found: &Found) {
    let buffer = buffer.make_mut();
    MaskMeta::attach(buffer, &found.objects, found.source_pts, found.age_in_frames);
    roi::attach(buffer, &found.objects);
}

impl Analyser for Sa3Segment {
    fn flow(&self) -> &Flow {
        &self.flow
    }

    fn engine_settings(&self) -> sa3::Result<EngineSettings> {
        self.settings().engine.to_settings()
    }

    fn process(&self, mut buffer: gst::Buffer, info: &VideoInfo) -> Result<gst::Buffer, gst::FlowError> {
        self.look_at_prompts_file();
        let tuning = self.tuning_at(buffer.pts());
        let plan = self.segmenter().plan(&tuning);
        match plan {
            Plan::Look => return self.look(buffer, info, &tuning),
            Plan::Carry(found) => attach(&mut buffer, &found),
            Plan::PassBare { is_first } => {
                if is_first {
                    gst::element_imp_warning!(
                        self,
                        gst::LibraryError::Settings,
                        ("There is no prompt, so frames pass without objects; set prompt=\"what to find\"")
                    );
                }
                self.tell_new_prompt(&tuning.asked, buffer.pts());
            }
        }
        Ok(buffer)
    }

    fn forget(&self) {
        self.segmenter().forget();
    }
}

#[glib::object_subclass]
impl ObjectSubclass for Sa3Segment {
    const NAME: &'static str = "GstSa3Segment";
    type Type = super::Sa3Segment;
    type ParentType = gst::Element;

    fn with_class(class: &Self::Class) -> Self {
        let flow = Flow::new(flow::build_pads::<Self>(|name| class.pad_template(name)));
        Self { flow, segmenter: Mutex::default(), settings: Mutex::default(), untold: Mutex::default() }
    }
}

impl ObjectImpl for Sa3Segment {
    fn properties() -> &'static [glib::ParamSpec] {
        specs()
    }

    fn signals() -> &'static [glib::subclass::Signal] {
        actions::signals()
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        let outcome = self.settings().set(pspec.name(), value);
        if let Err(error) = outcome {
            self.warn(&error);
        }
        let is_too_late =
            !pspec.flags().contains(gst::PARAM_FLAG_MUTABLE_PLAYING) && self.obj().current_state() > gst::State::Ready;
        if is_too_late {
            gst::warning!(CAT, imp = self, "{} takes effect after the next return to READY", pspec.name());
        }
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        match pspec.name() {
            "stats" => self.flow.stats().to_structure(self.flow.waiting_frames()).to_value(),
            "device-in-use" => self
                .flow
                .engine()
                .map(|engine| format!("{}, {}", engine.info().device_in_use, engine.info().precision_in_use))
                .to_value(),
            name => self.settings().get(name).unwrap_or_else(|| pspec.default_value().clone()),
        }
    }

    fn constructed(&self) {
        self.parent_constructed();
        for pad in [&self.flow.sink_pad, &self.flow.src_pad] {
            self.obj().add_pad(pad).expect("a new element has no pad of this name");
        }
    }
}

impl GstObjectImpl for Sa3Segment {}

impl ElementImpl for Sa3Segment {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "SAM 3 segmenter",
                "Filter/Analyzer/Video",
                "Finds the objects that a text prompt names on each frame, and attaches their masks and boxes",
                "The sa3 developers",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let caps = gst_video::VideoCapsBuilder::new()
                .format_list(PixelFormat::ALL.map(video_format))
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
        });
        &TEMPLATES
    }

    fn change_state(&self, transition: gst::StateChange) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        self.tell_untold();
        if transition == gst::StateChange::ReadyToPaused {
            // Exemplars belong to the run: what they showed in the one before may have been another video.
            self.change_prompts(|sources| {
                sources.renew_exemplars();
                Ok(())
            });
        }
        flow::change_state(self, transition)
    }
}
