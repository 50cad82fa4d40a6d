//! Translation between GStreamer and the element's parts; no logic of its own.

use std::sync::{Arc, LazyLock, Mutex};

use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_video::VideoInfo;
use sa3::prompt::PointedThing;
use sa3::session::Notice;
use sa3::{EngineSettings, Segmentation};

use super::actions;
use super::told::Told;
use crate::flow::{self, Analyser, Flow};
use crate::lock::locked;
use crate::pads;
use crate::prompted::settings::specs;
use crate::prompted::{self, Plan, Prompted, Prompting, Tuning, points_spec};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("sa3segment", gst::DebugColorFlags::empty(), Some("Text-prompted segmentation"))
});

pub struct Sa3Segment {
    flow: Flow,
    prompting: Prompting,
    told: Mutex<Told>,
}

impl Sa3Segment {
    fn look(&self, mut buffer: gst::Buffer, info: &VideoInfo, tuning: &Tuning) -> Result<gst::Buffer, gst::FlowError> {
        let engine = self.flow.wait_for_engine()?;
        let request = self.usable_request(&tuning.request, &engine, (info.width(), info.height()));
        let things = request.things.clone();
        let submit = |source, on_answer: flow::OnAnswer<Segmentation>| {
            engine.submit(source, request, |answer| on_answer.give(answer))
        };
        match self.flow.ask((&buffer, info), submit, |segmentation: &Segmentation| segmentation.times)? {
            Ok(Segmentation { objects, notices, .. }) => {
                gst::log!(CAT, imp = self, "frame at {}: {} objects", buffer.pts().display(), objects.items.len());
                self.flow.stats().objects = objects.items.len() as u32;
                let found = self.prompting.found(objects, buffer.pts());
                self.flow.attach(&mut buffer, &found);
                self.tell_notices(&things, notices);
                self.tell_new_prompt(&tuning.asked, buffer.pts());
            }
            Err(error) => self.handle_failure(&error, buffer.pts())?,
        }
        Ok(buffer)
    }

    /// Says what was ignored of the things that are pointed at.
    fn tell_notices(&self, things: &[Arc<PointedThing>], notices: Vec<Notice>) {
        let news = locked(&self.told).news(things, notices);
        for notice in news {
            gst::element_imp_warning!(self, gst::LibraryError::Settings, ("{notice}"));
        }
    }
}

impl Prompted for Sa3Segment {
    fn prompting(&self) -> &Prompting {
        &self.prompting
    }

    fn category() -> gst::DebugCategory {
        *CAT
    }
}

impl Analyser for Sa3Segment {
    fn flow(&self) -> &Flow {
        &self.flow
    }

    fn engine_settings(&self) -> sa3::Result<EngineSettings> {
        self.prompting.engine_settings()
    }

    fn process(&self, mut buffer: gst::Buffer, info: &VideoInfo) -> Result<gst::Buffer, gst::FlowError> {
        let tuning = self.tuning_at(buffer.pts());
        match self.prompting.plan(&tuning, false) {
            Plan::Look => return self.look(buffer, info, &tuning),
            Plan::Carry(found) => self.flow.attach(&mut buffer, &found),
            Plan::PassBare { is_first } => self.pass_bare(is_first, &tuning, buffer.pts()),
        }
        Ok(buffer)
    }

    fn forget(&self) {
        self.prompting.forget();
    }
}

#[glib::object_subclass]
impl ObjectSubclass for Sa3Segment {
    const NAME: &'static str = "GstSa3Segment";
    type Type = super::Sa3Segment;
    type ParentType = gst::Element;

    fn with_class(class: &Self::Class) -> Self {
        let flow = Flow::new(flow::build_pads::<Self>(|name| class.pad_template(name)));
        Self { flow, prompting: Prompting::default(), told: Mutex::default() }
    }
}

impl ObjectImpl for Sa3Segment {
    fn properties() -> &'static [glib::ParamSpec] {
        static SPECS: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
            let mut specs = specs();
            specs.push(points_spec());
            specs
        });
        &SPECS
    }

    fn signals() -> &'static [glib::subclass::Signal] {
        actions::signals()
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        self.set_prompted(value, pspec);
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        self.prompted_property(pspec)
    }

    fn constructed(&self) {
        self.parent_constructed();
        pads::add_always(&*self.obj(), [&self.flow.sink_pad, &self.flow.src_pad]);
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
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(prompted::pad_templates);
        &TEMPLATES
    }

    fn change_state(&self, transition: gst::StateChange) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        self.before_state_change(transition);
        flow::change_state(self, transition)
    }
}
