//! Translation between GStreamer and the element's parts; no logic of its own.

use std::sync::{Arc, LazyLock, Mutex};

use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_video::prelude::*;
use gst_video::{VideoFormat, VideoFrameRef, VideoInfo};
use sa3::Objects;
use sa3::export::{Found, objects_of_picture};

use super::pictures::{Picture, Pictures};
use super::settings::{Settings, specs};
use super::source::{Source, attach, objects_of_regions};
use crate::error::post_error;
use crate::flow::running_time;
use crate::found::Beside;
use crate::frame::frame_size;
use crate::lock::locked;
use crate::pads;

static CAT: LazyLock<gst::DebugCategory> =
    LazyLock::new(|| gst::DebugCategory::new("maskattach", gst::DebugColorFlags::empty(), Some("Masks put on video")));

pub struct MaskAttach {
    sink_pad: gst::Pad,
    src_pad: gst::Pad,
    mask_pad: Mutex<Option<gst::Pad>>,
    mask_info: Mutex<Option<VideoInfo>>,
    pictures: Pictures,
    /// Before `settings` where both are taken; none is held while anything is pushed or posted.
    source: Mutex<Source>,
    settings: Mutex<Settings>,
    /// Width and height of the frames, which the caps tell.
    size: Mutex<Option<(u32, u32)>>,
}

impl MaskAttach {
    fn chain(&self, pad: &gst::Pad, mut buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let Some(size) = *locked(&self.size) else { return Err(gst::FlowError::NotNegotiated) };
        let settings = locked(&self.settings).clone();
        let beside = Beside { regions: true, analytics: settings.analytics };
        if locked(&self.source).has_file() {
            let found = locked(&self.source).find(&buffer, &settings);
            let found = found.map_err(|error| {
                post_error(&*self.obj(), &error);
                gst::FlowError::Error
            })?;
            if let Some(found) = found {
                attach(&mut buffer, found, size, beside);
            }
        } else if locked(&self.mask_pad).is_some() {
            if let Some(objects) = self.picture_of(pad, &buffer)? {
                attach(&mut buffer, found_now((*objects).clone()), size, beside);
            }
        } else if settings.regions
            && let Some(objects) = objects_of_regions(&buffer, size)
        {
            attach(&mut buffer, found_now(objects), size, Beside { regions: false, ..beside });
        }
        self.src_pad.push(buffer)
    }

    fn picture_of(&self, pad: &gst::Pad, buffer: &gst::BufferRef) -> Result<Option<Arc<Objects>>, gst::FlowError> {
        match running_time(pad, buffer.pts()) {
            Some(time) => self.pictures.at(time),
            None => Ok(None),
        }
    }

    fn mask_chain(&self, pad: &gst::Pad, buffer: &gst::BufferRef) -> Result<gst::FlowSuccess, gst::FlowError> {
        let Some(info) = locked(&self.mask_info).clone() else { return Err(gst::FlowError::NotNegotiated) };
        let Some(start) = running_time(pad, buffer.pts()) else { return Ok(gst::FlowSuccess::Ok) };
        let Some(values) = samples(buffer, &info) else {
            gst::element_imp_error!(
                self,
                gst::StreamError::Format,
                ("A grey picture on the pad mask cannot be read by the CPU; put videoconvert before it")
            );
            return Err(gst::FlowError::Error);
        };
        let (kind, label) = {
            let settings = locked(&self.settings);
            (settings.values.into(), settings.label.clone())
        };
        let objects = Arc::new(objects_of_picture(values, (info.width(), info.height()), kind, &label));
        let end = buffer.duration().map(|duration| start + duration);
        self.pictures.put(Picture { start, end, objects })?;
        Ok(gst::FlowSuccess::Ok)
    }

    fn sink_event(&self, pad: &gst::Pad, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::Caps(caps) => *locked(&self.size) = frame_size(caps.caps()),
            gst::EventView::FlushStart(_) => self.pictures.flush_video(true),
            gst::EventView::FlushStop(_) => self.pictures.flush_video(false),
            gst::EventView::Eos(_) => self.pictures.end_video(),
            _ => {}
        }
        gst::Pad::event_default(pad, Some(&*self.obj()), event)
    }

    /// Nothing of the mask branch goes downstream.
    fn mask_event(&self, event: &gst::Event) -> bool {
        match event.view() {
            gst::EventView::Caps(caps) => {
                *locked(&self.mask_info) = VideoInfo::from_caps(caps.caps()).ok();
                return locked(&self.mask_info).is_some();
            }
            gst::EventView::FlushStart(_) => self.pictures.flush_masks(true),
            gst::EventView::FlushStop(_) => self.pictures.flush_masks(false),
            gst::EventView::Eos(_) => self.pictures.end_masks(),
            _ => {}
        }
        true
    }

    fn sink_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        match query.type_() {
            gst::QueryType::Caps | gst::QueryType::AcceptCaps | gst::QueryType::Allocation => {
                self.src_pad.peer_query(query)
            }
            _ => gst::Pad::query_default(pad, Some(&*self.obj()), query),
        }
    }

    /// Caps are those of the video branch alone.
    fn src_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        match query.type_() {
            gst::QueryType::Caps | gst::QueryType::AcceptCaps => self.sink_pad.peer_query(query),
            _ => gst::Pad::query_default(pad, Some(&*self.obj()), query),
        }
    }

    fn start(&self) -> Result<(), gst::StateChangeError> {
        self.pictures.begin();
        let settings = locked(&self.settings).clone();
        match Source::start(&settings) {
            Ok(source) => *locked(&self.source) = source,
            Err(error) => {
                post_error(&*self.obj(), &error);
                return Err(gst::StateChangeError);
            }
        }
        if settings.location().is_none() && !settings.regions && locked(&self.mask_pad).is_none() {
            gst::element_imp_warning!(
                self,
                gst::ResourceError::Settings,
                ("There is nothing to attach: set location to a file that maskexport format=jsonl wrote, link the pad mask \
                  to GRAY8 video, or set regions=true")
            );
        }
        Ok(())
    }
}

fn found_now(objects: Objects) -> Found {
    Found { objects, source_pts: None, age: 0 }
}

/// The samples of a GRAY8 picture without padding, first row first.
fn samples(buffer: &gst::BufferRef, info: &VideoInfo) -> Option<Vec<u8>> {
    let frame = VideoFrameRef::from_buffer_ref_readable(buffer, info).ok()?;
    let stride = usize::try_from(frame.plane_stride()[0]).ok()?;
    let rows = frame.plane_data(0).ok()?.chunks(stride).take(info.height() as usize);
    let samples: Vec<u8> = rows.flat_map(|row| row.iter().take(info.width() as usize).copied()).collect();
    (samples.len() == info.width() as usize * info.height() as usize).then_some(samples)
}

#[glib::object_subclass]
impl ObjectSubclass for MaskAttach {
    const NAME: &'static str = "GstMaskAttach";
    type Type = super::MaskAttach;
    type ParentType = gst::Element;

    fn with_class(class: &Self::Class) -> Self {
        let template = |name| class.pad_template(name).expect("the class registers the templates sink and src");
        let flags = gst::PadFlags::PROXY_CAPS | gst::PadFlags::PROXY_ALLOCATION;
        let sink_pad = gst::Pad::builder_from_template(&template("sink"))
            .chain_function(|pad, parent, buffer| {
                Self::catch_panic_pad_function(parent, || Err(gst::FlowError::Error), |imp| imp.chain(pad, buffer))
            })
            .event_function(|pad, parent, event| {
                Self::catch_panic_pad_function(parent, || false, |imp| imp.sink_event(pad, event))
            })
            .query_function(|pad, parent, query| {
                Self::catch_panic_pad_function(parent, || false, |imp| imp.sink_query(pad, query))
            })
            .flags(flags)
            .build();
        let src_pad = gst::Pad::builder_from_template(&template("src"))
            .query_function(|pad, parent, query| {
                Self::catch_panic_pad_function(parent, || false, |imp| imp.src_query(pad, query))
            })
            .flags(flags)
            .build();
        Self {
            sink_pad,
            src_pad,
            mask_pad: Mutex::default(),
            mask_info: Mutex::default(),
            pictures: Pictures::default(),
            source: Mutex::default(),
            settings: Mutex::default(),
            size: Mutex::default(),
        }
    }
}

impl ObjectImpl for MaskAttach {
    fn properties() -> &'static [glib::ParamSpec] {
        specs()
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        locked(&self.settings).set(pspec.name(), value);
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        locked(&self.settings).get(pspec.name()).unwrap_or_else(|| pspec.default_value().clone())
    }

    fn constructed(&self) {
        self.parent_constructed();
        pads::add_always(&*self.obj(), [&self.sink_pad, &self.src_pad]);
    }
}

impl GstObjectImpl for MaskAttach {}

impl ElementImpl for MaskAttach {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Mask attacher",
                "Filter/Video",
                "Puts masks of a file, of grey video or of regions of interest on frames",
                "The sa3 developers",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let video = gst::Caps::builder("video/x-raw").any_features().build();
            let sides = 1..=*sa3::frame::SIDE_RANGE_IN_PIXELS.end() as i32;
            let gray = gst_video::VideoCapsBuilder::new()
                .format(VideoFormat::Gray8)
                .width_range(sides.clone())
                .height_range(sides)
                .build();
            pads::templates(&[
                ("sink", gst::PadDirection::Sink, gst::PadPresence::Always, &video),
                ("src", gst::PadDirection::Src, gst::PadPresence::Always, &video),
                ("mask", gst::PadDirection::Sink, gst::PadPresence::Request, &gray),
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
            let mut slot = locked(&self.mask_pad);
            if slot.is_some() {
                gst::warning!(CAT, imp = self, "there is one pad mask only");
                return None;
            }
            let pad = gst::Pad::builder_from_template(template)
                .name("mask")
                .chain_function(|pad, parent, buffer| {
                    let failed = || Err(gst::FlowError::Error);
                    Self::catch_panic_pad_function(parent, failed, |imp| imp.mask_chain(pad, &buffer))
                })
                .event_function(|_, parent, event| {
                    Self::catch_panic_pad_function(parent, || false, |imp| imp.mask_event(&event))
                })
                .build();
            slot.insert(pad).clone()
        };
        pads::activate_where_running(&*self.obj(), &pad);
        self.obj().add_pad(&pad).ok()?;
        Some(pad)
    }

    fn release_pad(&self, pad: &gst::Pad) {
        *locked(&self.mask_pad) = None;
        // A frame may wait for a picture that never comes.
        self.pictures.flush_masks(true);
        pads::release(&*self.obj(), pad);
        self.pictures.flush_masks(false);
    }

    fn change_state(&self, transition: gst::StateChange) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        match transition {
            gst::StateChange::ReadyToPaused => self.start()?,
            // Before the pads stop, which waits for their threads.
            gst::StateChange::PausedToReady => self.pictures.close(),
            _ => {}
        }
        let changed = self.parent_change_state(transition);
        if transition == gst::StateChange::PausedToReady {
            *locked(&self.source) = Source::default();
            *locked(&self.size) = None;
        }
        changed
    }
}
