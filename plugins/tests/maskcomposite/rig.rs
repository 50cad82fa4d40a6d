//! An element between two pads of the test, with a bus to read; frames with masks.

use std::sync::Once;

use gst::prelude::*;
use gst_check::Harness;
use gst_video::{VideoFormat, VideoFrameFlags, VideoInfo, VideoMeta};
use gstsa3::meta::MaskMeta;
use sa3::boxes::BoxXyxy;
use sa3::{Mask, Object, Objects};

/// Every sample of a frame.
pub const GRAY: u8 = 100;
/// What stands between rows and planes.
pub const PADDING: u8 = 0xa5;
const MASK_SIDE: u32 = 40;

/// Registers the elements of this library, once.
pub fn init() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        gst::init().unwrap();
        gstsa3::plugin_register_static().expect("the plugin registers; GST_PLUGIN_PATH must not lead to another one");
    });
}

pub struct Rig {
    pub harness: Harness,
    pub element: gst::Element,
    bus: gst::Bus,
}

impl Rig {
    /// With properties as gst-launch takes them; `downstream` are the caps that its end takes.
    pub fn new(properties: &str, caps: &str, downstream: &str) -> Self {
        init();
        let (element, bus) = (gst::parse::launch(&format!("maskcomposite {properties}")).unwrap(), gst::Bus::new());
        element.set_bus(Some(&bus));
        let mut harness = Harness::with_element(&element, Some("sink"), Some("src"));
        harness.set_caps_str(caps, downstream);
        Self { harness, element, bus }
    }

    /// Takes whatever comes out.
    pub fn open(properties: &str, info: &VideoInfo) -> Self {
        Self::new(properties, &info.to_caps().unwrap().to_string(), "video/x-raw")
    }

    pub fn through(&mut self, buffer: gst::Buffer) -> gst::Buffer {
        self.harness.push_and_pull(buffer).unwrap()
    }

    /// Texts of the WARNINGs and ERRORs since the last call.
    pub fn complaints(&self) -> Vec<String> {
        std::iter::from_fn(|| self.bus.pop()).filter_map(|message| text_of(&message)).collect()
    }

    pub fn stat<T: for<'a> glib::value::FromValue<'a> + 'static>(&self, name: &str) -> T {
        self.element.property::<gst::Structure>("stats").value(name).unwrap().get().unwrap()
    }

    pub fn format_out(&self) -> String {
        let caps = self.element.static_pad("src").unwrap().current_caps().unwrap();
        caps.structure(0).unwrap().get::<String>("format").unwrap()
    }
}

fn text_of(message: &gst::Message) -> Option<String> {
    match message.view() {
        gst::MessageView::Warning(warning) => Some(warning.error().message().to_string()),
        gst::MessageView::Error(error) => Some(error.error().message().to_string()),
        _ => None,
    }
}

pub fn info(format: VideoFormat, width: u32, height: u32) -> VideoInfo {
    init();
    VideoInfo::builder(format, width, height).fps(gst::Fraction::new(25, 1)).build().unwrap()
}

/// A disc in the middle of the frame; its radius is a quarter of the frame's width and of its height.
pub fn disc(info: &VideoInfo) -> Objects {
    let value = |cell: u32| {
        let at = |n: u32| (n as f32 + 0.5) / MASK_SIDE as f32 - 0.5;
        let outside_in_cells = (at(cell % MASK_SIDE).hypot(at(cell / MASK_SIDE)) - 0.25) * MASK_SIDE as f32;
        (255.0 / (1.0 + (2.0 * outside_in_cells).exp())).round() as u8
    };
    let object = Object {
        id: Some(4),
        label: "dog".into(),
        prompt_index: 0,
        score: 0.9,
        box_in_frame: BoxXyxy { x0: 0.25, y0: 0.25, x1: 0.75, y1: 0.75 },
        mask: Mask::new(MASK_SIDE, MASK_SIDE, (0..MASK_SIDE * MASK_SIDE).map(value).collect::<Vec<_>>()).unwrap(),
        state: None,
        first_seen_ns: None,
        last_seen_ns: None,
    };
    Objects { frame_width: info.width(), frame_height: info.height(), items: vec![object], ..Objects::default() }
}

/// A gray frame without masks.
pub fn frame(info: &VideoInfo) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_mut_slice(vec![GRAY; info.size()]);
    buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(40));
    buffer
}

/// A gray frame with `objects`.
pub fn frame_with(info: &VideoInfo, objects: &Objects) -> gst::Buffer {
    let mut buffer = frame(info);
    let pts = buffer.pts();
    MaskMeta::attach(buffer.get_mut().unwrap(), objects, pts, 0);
    buffer
}

/// A gray frame with padded rows, each plane in a memory of its own, described by a video meta.
pub fn scattered_frame_with(info: &VideoInfo, objects: &Objects) -> gst::Buffer {
    let mut buffer = gst::Buffer::new();
    let writable = buffer.get_mut().unwrap();
    let (mut offsets, mut strides) = (Vec::new(), Vec::new());
    for plane in 0..info.n_planes() as usize {
        let (row_bytes, rows) = plane_extent(info, plane);
        let stride = row_bytes + 7;
        offsets.push(writable.size() + 5);
        strides.push(stride as i32);
        let mut bytes = vec![PADDING; 5 + stride * rows];
        bytes[5..].chunks_mut(stride).for_each(|row| row[..row_bytes].fill(GRAY));
        writable.append_memory(gst::Memory::from_mut_slice(bytes));
    }
    let (format, width, height) = (info.format(), info.width(), info.height());
    VideoMeta::add_full(writable, VideoFrameFlags::empty(), format, width, height, &offsets, &strides).unwrap();
    MaskMeta::attach(writable, objects, None, 0);
    buffer
}

/// Bytes in a row and rows of a plane, without padding.
pub fn plane_extent(info: &VideoInfo, plane: usize) -> (usize, usize) {
    let format_info = info.format_info();
    let components = || (0..format_info.n_components()).filter(|&c| format_info.plane()[c as usize] == plane as u32);
    let first = components().next().unwrap();
    let width = format_info.scale_width(first as u8, info.width());
    let height = format_info.scale_height(first as u8, info.height());
    (width as usize * format_info.pixel_stride()[first as usize] as usize, height as usize)
}

/// The samples of one plane, row by row without padding.
pub fn rows(buffer: &gst::BufferRef, info: &VideoInfo, plane: usize) -> Vec<Vec<u8>> {
    let (row_bytes, row_count) = plane_extent(info, plane);
    let (offset, stride) = match buffer.meta::<VideoMeta>() {
        Some(meta) => (meta.offset()[plane], meta.stride()[plane]),
        None => (info.offset()[plane], info.stride()[plane]),
    };
    let bytes = bytes(buffer);
    (0..row_count).map(|y| bytes[offset + y * stride as usize..][..row_bytes].to_vec()).collect()
}

pub fn bytes(buffer: &gst::BufferRef) -> Vec<u8> {
    buffer.iter_memories().flat_map(|memory| memory.map_readable().unwrap().to_vec()).collect()
}
