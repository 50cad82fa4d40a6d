//! Translation between GStreamer and the element's parts; no logic of its own.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_video::VideoInfo;
use sa3::engine::TrackSession;
use sa3::session::{Edit, SessionConfig, TrackRequest, Tracking};
use sa3::{EngineSettings, SharedEngine};

use super::clicks::Pointer;
use super::follower::Follower;
use super::settings::{IdPolicy, TrackSettings, specs};
use super::{actions, events};
use crate::flow::{self, Analyser, Flow, OnAnswer, post_latency, post_structure};
use crate::found::Found;
use crate::lock::locked;
use crate::meta::MaskMeta;
use crate::pads;
use crate::prompted::{self, Plan, Prompted, Prompting, Tuning};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("sa3track", gst::DebugColorFlags::empty(), Some("Text-prompted tracking"))
});

/// Longest wait for a session that is saved, in case the engine is busy with other streams.
const SAVE_TIMEOUT: Duration = Duration::from_secs(10);

pub struct Sa3Track {
    flow: Flow,
    prompting: Prompting,
    settings: Mutex<TrackSettings>,
    follower: Mutex<Follower>,
    pointer: Mutex<Pointer>,
    /// The stream's session, and the engine that it lives on.
    session: Mutex<Option<(SharedEngine, Arc<TrackSession>)>>,
    /// Frames held back in this stream.
    delay_in_frames: AtomicU32,
}

impl Sa3Track {
    /// The session on `engine`, begun where there is none.
    fn session(&self, engine: &SharedEngine) -> Arc<TrackSession> {
        let mut session = locked(&self.session);
        if let Some((known, session)) = session.as_ref()
            && known.is_same(engine)
        {
            return session.clone();
        }
        let opened = Arc::new(engine.open_session());
        *session = Some((engine.clone(), opened.clone()));
        drop(session);
        self.tell_how_objects_are_followed(engine);
        opened
    }

    fn tell_how_objects_are_followed(&self, engine: &SharedEngine) {
        if engine.info().follows {
            return;
        }
        gst::element_imp_info!(
            self,
            gst::LibraryError::Settings,
            (
                "Model {} has no tracker weights: objects are followed by detection and association alone, and clicks and \
                 boxes begin none",
                engine.info().model
            )
        );
    }

    fn look(&self, mut buffer: gst::Buffer, info: &VideoInfo, tuning: &Tuning) -> Result<gst::Buffer, gst::FlowError> {
        let engine = self.flow.wait_for_engine()?;
        let (session, request) = (self.session(&engine), self.request(&buffer, info, tuning, &engine));
        let submit = |source, on_answer: OnAnswer<Tracking>| {
            session.submit(source, request, |answer| on_answer.give(answer));
        };
        let pts = buffer.pts();
        match self.flow.ask((&buffer, info), submit, |tracking: &Tracking| tracking.times)? {
            Ok(tracking) => {
                self.tell_notices(&tracking);
                self.note_counts(&tracking);
                let objects = locked(&self.follower).followed(&tracking, pts);
                let found = self.prompting.found((*objects).clone(), pts);
                self.flow.attach(&mut buffer, &found);
                self.tell_new_prompt(&tuning.asked, pts);
            }
            Err(error) => {
                locked(&self.follower).passed(None, pts);
                self.handle_failure(&error, pts)?;
            }
        }
        Ok(buffer)
    }

    fn request(
        &self,
        buffer: &gst::Buffer,
        info: &VideoInfo,
        tuning: &Tuning,
        engine: &SharedEngine,
    ) -> Arc<TrackRequest> {
        let segment = self.usable_request(&tuning.request, engine, (info.width(), info.height()));
        let config = locked(&self.settings).config.clone();
        let session = match segment.mask_nms_iou {
            None => config,
            detection_nms_iou => Arc::new(SessionConfig { detection_nms_iou, ..(*config).clone() }),
        };
        let (edits, ignored) = locked(&self.follower).take_edits();
        if ignored > 0 {
            self.warn_of(&format!("{ignored} edits were ignored: too many came before one frame"));
        }
        let time_ns = buffer.pts().map(gst::ClockTime::nseconds);
        Arc::new(TrackRequest { segment, session, edits, time_ns })
    }

    fn note_counts(&self, tracking: &Tracking) {
        let mut stats = self.flow.stats();
        stats.objects = tracking.objects.items.len() as u32;
        stats.kept = Some(tracking.kept);
    }

    fn tell_notices(&self, tracking: &Tracking) {
        for notice in &tracking.notices {
            self.warn_of(&notice.to_string());
        }
    }

    fn warn_of(&self, text: &str) {
        gst::element_imp_warning!(self, gst::LibraryError::Settings, ("{text}"));
    }

    /// Puts an edit in line for the next frame; false, and a WARNING, for one that is no edit.
    pub(super) fn take_edit(&self, edit: sa3::Result<Edit>) -> bool {
        edit.inspect_err(|error| self.warn(error)).map(|edit| locked(&self.follower).push(edit)).is_ok()
    }

    /// What the session can save of itself.
    pub(super) fn saved_session(&self) -> Option<String> {
        let session = locked(&self.session).as_ref().map(|(_, session)| session.clone())?;
        let (sender, receiver) = sync_channel(1);
        // The receiver is gone only when the wait below was too long.
        session.save(move |answer| drop(sender.send(answer)));
        match receiver.recv_timeout(SAVE_TIMEOUT) {
            Ok(Ok(saved)) => Some(saved.to_json()),
            Ok(Err(error)) => {
                self.warn(&error);
                None
            }
            Err(_) => {
                self.warn_of("The session was not saved: the engine was busy for too long");
                None
            }
        }
    }

    /// Drops all objects before the next frame; a session that has not begun has none.
    fn reset_session(&self, restarts_ids: bool) {
        let has_begun = locked(&self.session).is_some();
        if has_begun {
            locked(&self.follower).push(Edit::Reset { restarts_ids });
        }
    }

    /// Tells what happened on a frame that leaves.
    fn tell_events(&self, happened: &super::follower::Happened) {
        for event in &happened.events {
            let structure = events::structure_of(event, happened);
            self.obj().emit_by_name::<()>(events::signal_of(event.kind), &[&event.object_id, &structure]);
            post_structure(&*self.obj(), structure);
        }
    }
}

impl Prompted for Sa3Track {
    fn prompting(&self) -> &Prompting {
        &self.prompting
    }

    fn category() -> gst::DebugCategory {
        *CAT
    }

    fn on_reset(&self) {
        locked(&self.follower).push(Edit::Reset { restarts_ids: false });
    }
}

impl Analyser for Sa3Track {
    fn flow(&self) -> &Flow {
        &self.flow
    }

    fn engine_settings(&self) -> sa3::Result<EngineSettings> {
        self.prompting.engine_settings()
    }

    fn process(&self, mut buffer: gst::Buffer, info: &VideoInfo) -> Result<gst::Buffer, gst::FlowError> {
        let (tuning, pts) = (self.tuning_at(buffer.pts()), buffer.pts());
        let (has_edits, has_objects) = {
            let follower = locked(&self.follower);
            (follower.has_edits(), follower.has_objects())
        };
        match self.prompting.plan(&tuning, has_edits || has_objects) {
            Plan::Look => return self.look(buffer, info, &tuning),
            Plan::Carry(_) if has_edits => return self.look(buffer, info, &tuning),
            Plan::Carry(found) => {
                self.flow.attach(&mut buffer, &found);
                locked(&self.follower).passed(Some(found.objects.clone()), pts);
            }
            Plan::PassBare { is_first } => {
                self.pass_bare(is_first, &tuning, pts);
                locked(&self.follower).passed(None, pts);
            }
        }
        Ok(buffer)
    }

    fn forget(&self) {
        self.prompting.forget();
        locked(&self.follower).forget_frames();
        self.reset_session(false);
    }

    fn begin_stream(&self) {
        let restarts_ids = locked(&self.settings).id_policy == IdPolicy::PerStream;
        self.reset_session(restarts_ids);
    }

    fn begin_segment(&self) {
        let delay = locked(&self.settings).delay_in_frames(self.flow.is_live());
        self.delay_in_frames.store(delay, Ordering::Relaxed);
    }

    fn output_delay_in_frames(&self) -> u32 {
        self.delay_in_frames.load(Ordering::Relaxed)
    }

    fn pass_unlooked(&self, buffer: gst::Buffer) -> gst::Buffer {
        locked(&self.follower).passed(None, buffer.pts());
        buffer
    }

    fn release(&self, mut buffer: gst::Buffer) -> gst::Buffer {
        let left = locked(&self.follower).leave();
        let Some((happened, is_changed)) = left else {
            return buffer;
        };
        if is_changed && let Some(attached) = MaskMeta::read(&buffer) {
            let (objects, age_in_frames) = (happened.objects.clone(), attached.age_in_frames);
            self.flow.attach(&mut buffer, &Found { objects, source_pts: attached.source_pts, age_in_frames });
        }
        self.tell_events(&happened);
        buffer
    }

    fn takes_src_event(&self, event: &gst::Event) -> bool {
        let gst::EventView::Navigation(navigation) = event.view() else {
            return false;
        };
        let frame_size = self.flow.src_pad.current_caps().and_then(|caps| VideoInfo::from_caps(&caps).ok());
        let (Some(info), Some(structure)) = (frame_size, navigation.structure()) else {
            return false;
        };
        if !locked(&self.settings).click_to_track {
            return false;
        }
        let gesture = locked(&self.pointer).read(structure, (info.width(), info.height()));
        locked(&self.follower).gesture(gesture)
    }
}

#[glib::object_subclass]
impl ObjectSubclass for Sa3Track {
    const NAME: &'static str = "GstSa3Track";
    type Type = super::Sa3Track;
    type ParentType = gst::Element;

    fn with_class(class: &Self::Class) -> Self {
        Self {
            flow: Flow::new(flow::build_pads::<Self>(|name| class.pad_template(name))),
            prompting: Prompting::default(),
            settings: Mutex::default(),
            follower: Mutex::default(),
            pointer: Mutex::default(),
            session: Mutex::default(),
            delay_in_frames: AtomicU32::new(0),
        }
    }
}

impl ObjectImpl for Sa3Track {
    fn properties() -> &'static [glib::ParamSpec] {
        specs()
    }

    fn signals() -> &'static [glib::subclass::Signal] {
        actions::signals()
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        let is_ours = locked(&self.settings).set(pspec.name(), value);
        if !is_ours {
            self.set_prompted(value, pspec);
        } else if pspec.name() == "output-delay" {
            self.begin_segment();
            post_latency(&*self.obj());
        }
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        let own = locked(&self.settings).get(pspec.name());
        own.unwrap_or_else(|| self.prompted_property(pspec))
    }

    fn constructed(&self) {
        self.parent_constructed();
        pads::add_always(&*self.obj(), [&self.flow.sink_pad, &self.flow.src_pad]);
    }
}

impl GstObjectImpl for Sa3Track {}

impl ElementImpl for Sa3Track {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "SAM 3 tracker",
                "Filter/Analyzer/Video",
                "Finds the objects that a text prompt names, follows them with ids that stay, and attaches their masks",
                "The sa3 developers",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(prompted::pad_templates);
        &TEMPLATES
    }

    fn change_state(&self, transition: gst::StateChange) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        self.before_state_change(transition);
        let outcome = flow::change_state(self, transition);
        if transition == gst::StateChange::PausedToReady {
            // The engine frees the stream's memory; the model stays.
            *locked(&self.session) = None;
            *locked(&self.follower) = Follower::default();
        }
        outcome
    }
}
