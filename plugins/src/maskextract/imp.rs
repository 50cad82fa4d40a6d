//! Translation between GStreamer and the engine's extractor; no logic of its own.

use std::sync::{LazyLock, Mutex};

use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::prelude::*;
use gst_video::prelude::*;
use gst_video::{VideoFormat, VideoFrameRef, VideoInfo};
use sa3::Objects;
use sa3::extract::{Depth, Extractor, GrayMut};

use super::Size;
use super::settings::{Settings, specs};
use crate::controls;
use crate::lock::locked;
use crate::meta::MaskMeta;
use crate::progressive::ProgressiveOnly;

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("maskextract", gst::DebugColorFlags::empty(), Some("Masks as grey video"))
});

/// Size of the grid until a mask has told it: that of the released model.
const GRID_UNTIL_KNOWN: (u32, u32) = (288, 288);

#[derive(Default)]
struct State {
    out_info: Option<VideoInfo>,
    extractor: Extractor,
}

#[derive(Default)]
pub struct MaskExtract {
    /// Before `grid` and `settings` where several are taken.
    state: Mutex<State>,
    /// Size of the last mask.
    grid: Mutex<Option<(u32, u32)>>,
    settings: Mutex<Settings>,
    progressive_only: ProgressiveOnly,
}

impl MaskExtract {
    /// Width and height of the pictures, where they are not those of the frames.
    fn grid_size(&self) -> Option<(u32, u32)> {
        let is_grid = locked(&self.settings).size == Size::Grid;
        is_grid.then(|| locked(&self.grid).unwrap_or(GRID_UNTIL_KNOWN))
    }

    /// Notes the size of the masks; pictures of another size need caps of their own.
    fn note_grid(&self, objects: &Objects) {
        let Some(mask) = objects.items.first().map(|object| &object.mask) else { return };
        let known = locked(&self.grid).replace((mask.width, mask.height));
        if known != Some((mask.width, mask.height)) && locked(&self.settings).size == Size::Grid {
            self.obj().reconfigure_src();
        }
    }
}

/// `caps` of one side as those of the other.
fn across(caps: &gst::CapsRef, formats: Option<[VideoFormat; 2]>, is_size_free: bool) -> gst::Caps {
    let mut across = gst::Caps::new_empty();
    for structure in caps.iter() {
        let mut structure = structure.to_owned();
        structure.remove_fields(["format", "colorimetry", "chroma-site", "drm-format", "texture-target"]);
        if is_size_free {
            structure.remove_fields(["width", "height", "pixel-aspect-ratio"]);
        }
        let caps = across.make_mut();
        match formats {
            Some(formats) => {
                structure.set("format", gst::List::new(formats.iter().map(|format| format.to_str())));
                caps.append_structure(structure);
            }
            None => caps.append_structure_full(structure, Some(gst::CapsFeatures::new_any())),
        }
    }
    across
}

#[glib::object_subclass]
impl ObjectSubclass for MaskExtract {
    const NAME: &'static str = "GstMaskExtract";
    type Type = super::MaskExtract;
    type ParentType = gst_base::BaseTransform;
}

impl ObjectImpl for MaskExtract {
    fn properties() -> &'static [glib::ParamSpec] {
        specs()
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        locked(&self.settings).set(pspec.name(), value);
        if pspec.name() == "size" {
            self.obj().reconfigure_src();
        }
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        locked(&self.settings).get(pspec.name()).unwrap_or_else(|| pspec.default_value().clone())
    }
}

impl GstObjectImpl for MaskExtract {}

impl ElementImpl for MaskExtract {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Mask extractor",
                "Filter/Converter/Video",
                "Makes grey video of the masks that frames carry",
                "The sa3 developers",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let sides = 1..=*sa3::frame::SIDE_RANGE_IN_PIXELS.end() as i32;
            let any = gst::Caps::builder("video/x-raw").any_features().build();
            let gray = gst_video::VideoCapsBuilder::new()
                .format_list([VideoFormat::Gray8, VideoFormat::Gray16Le])
                .width_range(sides.clone())
                .height_range(sides)
                .build();
            [("sink", gst::PadDirection::Sink, any), ("src", gst::PadDirection::Src, gray)]
                .into_iter()
                .map(|(name, direction, caps)| {
                    gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &caps)
                        .expect("name, direction and caps are valid")
                })
                .collect()
        });
        &TEMPLATES
    }
}

impl BaseTransformImpl for MaskExtract {
    const MODE: gst_base::subclass::BaseTransformMode = gst_base::subclass::BaseTransformMode::NeverInPlace;
    const PASSTHROUGH_ON_SAME_CAPS: bool = false;
    const TRANSFORM_IP_ON_PASSTHROUGH: bool = false;

    fn transform_caps(
        &self,
        direction: gst::PadDirection,
        caps: &gst::Caps,
        filter: Option<&gst::Caps>,
    ) -> Option<gst::Caps> {
        let is_size_free = locked(&self.settings).size == Size::Grid;
        let across = match direction {
            gst::PadDirection::Sink => across(caps, Some([VideoFormat::Gray8, VideoFormat::Gray16Le]), is_size_free),
            _ => across(caps, None, is_size_free),
        };
        Some(match filter {
            Some(filter) => filter.intersect_with_mode(&across, gst::CapsIntersectMode::First),
            None => across,
        })
    }

    /// The grid is stretched over the frame: its cells get the shape that makes it so.
    fn fixate_caps(&self, direction: gst::PadDirection, caps: &gst::Caps, mut other: gst::Caps) -> gst::Caps {
        let frame = VideoInfo::from_caps(caps).ok();
        if let (gst::PadDirection::Sink, Some((width, height)), Some(frame)) = (direction, self.grid_size(), frame) {
            let cell = frame.par() * gst::Fraction::new(frame.width() as i32, width as i32)
                / gst::Fraction::new(frame.height() as i32, height as i32);
            other.truncate();
            if let Some(structure) = other.make_mut().structure_mut(0) {
                structure.set("width", width as i32);
                structure.set("height", height as i32);
                structure.set("pixel-aspect-ratio", cell);
            }
        }
        self.parent_fixate_caps(direction, caps, other)
    }

    fn set_caps(&self, incaps: &gst::Caps, outcaps: &gst::Caps) -> Result<(), gst::LoggableError> {
        let refused = |_| gst::loggable_error!(CAT, "{incaps} or {outcaps} are no video caps");
        let in_info = VideoInfo::from_caps(incaps).map_err(refused)?;
        if !self.progressive_only.takes(&*self.obj(), &in_info) {
            return Err(gst::loggable_error!(CAT, "interlaced video"));
        }
        locked(&self.state).out_info = Some(VideoInfo::from_caps(outcaps).map_err(refused)?);
        Ok(())
    }

    fn unit_size(&self, caps: &gst::Caps) -> Option<usize> {
        VideoInfo::from_caps(caps).ok().map(|info| info.size())
    }

    /// Frames in other memories have no size that could be told.
    fn transform_size(
        &self,
        _direction: gst::PadDirection,
        _caps: &gst::Caps,
        _size: usize,
        othercaps: &gst::Caps,
    ) -> Option<usize> {
        self.unit_size(othercaps)
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        *locked(&self.state) = State::default();
        *locked(&self.grid) = None;
        self.progressive_only.forget();
        Ok(())
    }

    /// Before the base class agrees on caps for the buffer.
    fn submit_input_buffer(&self, is_discont: bool, inbuf: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let segment = self.obj().segment();
        controls::sync(&*self.obj(), || segment.downcast_ref::<gst::ClockTime>()?.to_stream_time(inbuf.pts()));
        if let Some(attached) = MaskMeta::read(&inbuf) {
            self.note_grid(&attached.objects);
        }
        self.parent_submit_input_buffer(is_discont, inbuf)
    }

    fn transform(&self, inbuf: &gst::Buffer, outbuf: &mut gst::BufferRef) -> Result<gst::FlowSuccess, gst::FlowError> {
        let wish = locked(&self.settings).wish.clone();
        let mut state = locked(&self.state);
        let State { out_info: Some(info), extractor } = &mut *state else {
            return Err(gst::FlowError::NotNegotiated);
        };
        let objects = MaskMeta::read(inbuf).map(|attached| attached.objects).unwrap_or_default();
        let Ok(mut frame) = VideoFrameRef::from_buffer_ref_writable(outbuf, info) else {
            drop(state);
            gst::element_imp_error!(
                self,
                gst::ResourceError::Write,
                ("The memory that downstream gave for a grey picture cannot be written by the CPU; put videoconvert, or \
                  an upload element, behind maskextract")
            );
            return Err(gst::FlowError::Error);
        };
        let (width, height, stride) = (frame.width(), frame.height(), frame.plane_stride()[0]);
        let depth = if info.format() == VideoFormat::Gray8 { Depth::Eight } else { Depth::SixteenLe };
        let (Ok(bytes), Ok(stride)) = (frame.plane_data_mut(0), usize::try_from(stride)) else {
            return Err(gst::FlowError::NotSupported);
        };
        extractor.extract(&objects, &wish, &mut GrayMut { bytes, stride, width, height, depth });
        Ok(gst::FlowSuccess::Ok)
    }
}
