//! Translation between GStreamer and the element's recorder; no logic of its own.

use std::sync::{LazyLock, Mutex};

use gst::prelude::*;
use gst::subclass::prelude::*;

use super::recorder::{Notice, Recorder};
use super::settings::{Settings, specs};
use crate::error::{post_error, post_warning};
use crate::flow::stream_time;
use crate::frame::frame_size;
use crate::lock::locked;
use crate::{controls, pads};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("maskexport", gst::DebugColorFlags::empty(), Some("Masks written to files"))
});

/// Caps of the pad `meta`.
const JSON: &str = "application/x-json";

pub struct MaskExport {
    sink_pad: gst::Pad,
    src_pad: gst::Pad,
    meta_pad: Mutex<Option<gst::Pad>>,
    /// Before `settings` where both are taken; none is held while anything is pushed or posted.
    recorder: Mutex<Recorder>,
    settings: Mutex<Settings>,
    /// Width and height of the frames, which the caps tell.
    size: Mutex<Option<(u32, u32)>>,
}

impl MaskExport {
    fn chain(&self, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        controls::sync(&*self.obj(), || stream_time(&self.sink_pad, buffer.pts()));
        let size = *locked(&self.size);
        let meta_pad = locked(&self.meta_pad).clone();
        let settings = locked(&self.settings).clone();
        let recorded = match size {
            Some(size) => locked(&self.recorder).record(&buffer, size, &settings, meta_pad.is_some()),
            None => return Err(gst::FlowError::NotNegotiated),
        };
        let recorded = recorded.map_err(|error| {
            post_error(&*self.obj(), &error);
            gst::FlowError::Error
        })?;
        match recorded.notice {
            Some(Notice::Stopped(error)) => {
                let text = format!("{error}. The video goes on, and nothing more is written");
                post_warning(&*self.obj(), &error, &text);
            }
            Some(Notice::NoIds(format)) => gst::element_imp_warning!(
                self,
                gst::LibraryError::Settings,
                ("format={format} is made of tracks, and the objects have no ids, as sa3segment gives none: they are \
                     numbered by their place on the frame; use sa3track instead")
            ),
            None => {}
        }
        if let (Some(pad), Some(line)) = (meta_pad, recorded.line) {
            self.push_line(&pad, &buffer, line)?;
        }
        self.src_pad.push(buffer)
    }

    /// Only a broken branch ends the stream; one that is not linked or has ended does not.
    fn push_line(&self, pad: &gst::Pad, frame: &gst::BufferRef, mut line: String) -> Result<(), gst::FlowError> {
        line.push('\n');
        let mut buffer = gst::Buffer::from_slice(line.into_bytes());
        if let Some(writable) = buffer.get_mut() {
            writable.set_pts(frame.pts());
            writable.set_dts(frame.dts());
            writable.set_duration(frame.duration());
        }
        match pad.push(buffer) {
            Err(failure @ (gst::FlowError::Error | gst::FlowError::NotNegotiated)) => Err(failure),
            _ => Ok(()),
        }
    }

    fn sink_event(&self, pad: &gst::Pad, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::Caps(caps) => {
                *locked(&self.size) = frame_size(caps.caps());
                // The pad meta has caps of its own.
                self.src_pad.push_event(event)
            }
            gst::EventView::StreamStart(_) => {
                let is_taken = gst::Pad::event_default(pad, Some(&*self.obj()), event);
                if let Some(pad) = locked(&self.meta_pad).clone() {
                    pad.push_event(gst::event::Caps::new(&gst::Caps::new_empty_simple(JSON)));
                }
                is_taken
            }
            gst::EventView::Eos(_) => {
                let completed = locked(&self.recorder).complete();
                if let Err(error) = completed {
                    post_error(&*self.obj(), &error);
                }
                gst::Pad::event_default(pad, Some(&*self.obj()), event)
            }
            _ => gst::Pad::event_default(pad, Some(&*self.obj()), event),
        }
    }

    /// What a pad that comes in the middle of a stream has missed.
    fn catch_up(&self, pad: &gst::Pad) {
        let Some(start) = self.sink_pad.sticky_event::<gst::event::StreamStart>(0) else { return };
        pad.push_event(start);
        pad.push_event(gst::event::Caps::new(&gst::Caps::new_empty_simple(JSON)));
        if let Some(segment) = self.sink_pad.sticky_event::<gst::event::Segment>(0) {
            pad.push_event(segment);
        }
    }

    fn start(&self) -> Result<(), gst::StateChangeError> {
        let settings = locked(&self.settings).clone();
        match Recorder::start(&settings) {
            Ok(recorder) => *locked(&self.recorder) = recorder,
            Err(error) => {
                post_error(&*self.obj(), &error);
                return Err(gst::StateChangeError);
            }
        }
        if settings.location().is_none() && locked(&self.meta_pad).is_none() {
            gst::element_imp_warning!(
                self,
                gst::ResourceError::Settings,
                ("Nothing is written: set location to a file (location=masks.jsonl), or link the pad meta")
            );
        }
        Ok(())
    }

    fn stop(&self) {
        let finished = locked(&self.recorder).finish();
        *locked(&self.size) = None;
        if let Err(error) = finished {
            post_error(&*self.obj(), &error);
        }
    }
}

#[glib::object_subclass]
impl ObjectSubclass for MaskExport {
    const NAME: &'static str = "GstMaskExport";
    type Type = super::MaskExport;
    type ParentType = gst::Element;

    fn with_class(class: &Self::Class) -> Self {
        let template = |name| class.pad_template(name).expect("the class registers the templates sink and src");
        let flags = gst::PadFlags::PROXY_CAPS | gst::PadFlags::PROXY_ALLOCATION;
        let sink_pad = gst::Pad::builder_from_template(&template("sink"))
            .chain_function(|_, parent, buffer| {
                Self::catch_panic_pad_function(parent, || Err(gst::FlowError::Error), |imp| imp.chain(buffer))
            })
            .event_function(|pad, parent, event| {
                Self::catch_panic_pad_function(parent, || false, |imp| imp.sink_event(pad, event))
            })
            .query_function(|pad, parent, query| {
                Self::catch_panic_pad_function(parent, || false, |imp| imp.sink_query(pad, query))
            })
            .flags(flags)
            .build();
        let src_pad = gst::Pad::builder_from_template(&template("src")).flags(flags).build();
        Self {
            sink_pad,
            src_pad,
            meta_pad: Mutex::default(),
            recorder: Mutex::default(),
            settings: Mutex::default(),
            size: Mutex::default(),
        }
    }
}

impl MaskExport {
    /// Caps and memory are those of the video branch alone.
    fn sink_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        match query.type_() {
            gst::QueryType::Caps | gst::QueryType::AcceptCaps | gst::QueryType::Allocation => {
                self.src_pad.peer_query(query)
            }
            _ => gst::Pad::query_default(pad, Some(&*self.obj()), query),
        }
    }
}

impl ObjectImpl for MaskExport {
    fn properties() -> &'static [glib::ParamSpec] {
        specs()
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        locked(&self.settings).set(pspec.name(), value);
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        if pspec.name() == "stats" {
            let recorder = locked(&self.recorder);
            return gst::Structure::builder("maskexport-stats")
                .field("frames-in", recorder.frames_in())
                .field("frames-written", recorder.frames_written)
                .field("objects-written", recorder.objects_written)
                .build()
                .to_value();
        }
        locked(&self.settings).get(pspec.name()).unwrap_or_else(|| pspec.default_value().clone())
    }

    fn constructed(&self) {
        self.parent_constructed();
        pads::add_always(&*self.obj(), [&self.sink_pad, &self.src_pad]);
    }
}

impl GstObjectImpl for MaskExport {}

impl ElementImpl for MaskExport {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Mask exporter",
                "Filter/Video",
                "Writes the objects that frames carry to a file, and lets the video pass",
                "The sa3 developers",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let video = gst::Caps::builder("video/x-raw").any_features().build();
            let json = gst::Caps::new_empty_simple(JSON);
            pads::templates(&[
                ("sink", gst::PadDirection::Sink, gst::PadPresence::Always, &video),
                ("src", gst::PadDirection::Src, gst::PadPresence::Always, &video),
                ("meta", gst::PadDirection::Src, gst::PadPresence::Request, &json),
            ])
        });
        &TEMPLATES
    }

    fn request_new_pad(
        &self,
        template: &gst::PadTemplate,
        _name: Option<&str>,
        _caps: Option<&gst::Caps>,
    ) -> Option<gst::Pad> {
        let pad = {
            let mut slot = locked(&self.meta_pad);
            if slot.is_some() {
                gst::warning!(CAT, imp = self, "there is one pad meta only; put a tee behind it");
                return None;
            }
            slot.insert(gst::Pad::builder_from_template(template).name("meta").build()).clone()
        };
        pads::activate_where_running(&*self.obj(), &pad);
        self.catch_up(&pad);
        self.obj().add_pad(&pad).ok()?;
        Some(pad)
    }

    fn release_pad(&self, pad: &gst::Pad) {
        *locked(&self.meta_pad) = None;
        pads::release(&*self.obj(), pad);
    }

    fn change_state(&self, transition: gst::StateChange) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        if transition == gst::StateChange::ReadyToPaused {
            self.start()?;
        }
        let changed = self.parent_change_state(transition);
        if transition == gst::StateChange::PausedToReady {
            self.stop();
        }
        changed
    }
}
