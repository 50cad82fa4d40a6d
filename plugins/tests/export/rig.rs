//! An element between two pads of the test, with a bus to read; frames with masks.

use std::path::PathBuf;
use std::sync::Once;

use gst::prelude::*;
use gst_check::Harness;
use gstsa3::meta::MaskMeta;
use sa3::boxes::BoxXyxy;
use sa3::{Mask, Object, ObjectState, Objects};

const MASK_SIDE: u32 = 40;

/// Registers the elements of this library, once.
pub fn init() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        gst::init().unwrap();
        gstsa3::plugin_register_static().expect("the plugin registers; GST_PLUGIN_PATH must not lead to another one");
    });
}

/// A folder that goes with the test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sa3-elements-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub struct Rig {
    pub harness: Harness,
    pub element: gst::Element,
    bus: gst::Bus,
}

impl Rig {
    /// `launch` is an element with properties as gst-launch takes them; `caps` come in, `downstream` are taken.
    pub fn new(launch: &str, caps: &str, downstream: &str) -> Self {
        init();
        let (element, bus) = (gst::parse::launch(launch).unwrap(), gst::Bus::new());
        element.set_bus(Some(&bus));
        let mut harness = Harness::with_element(&element, Some("sink"), Some("src"));
        harness.set_caps_str(caps, downstream);
        Self { harness, element, bus }
    }

    pub fn through(&mut self, buffer: gst::Buffer) -> gst::Buffer {
        self.harness.push_and_pull(buffer).unwrap()
    }

    /// Texts of the WARNINGs and ERRORs since the last call.
    pub fn complaints(&self) -> Vec<String> {
        complaints(&self.bus)
    }

    pub fn caps_out(&self) -> gst::Structure {
        self.element.static_pad("src").unwrap().current_caps().unwrap().structure(0).unwrap().to_owned()
    }
}

/// Texts of the WARNINGs and ERRORs that wait on a bus.
pub fn complaints(bus: &gst::Bus) -> Vec<String> {
    let text_of = |message: gst::Message| match message.view() {
        gst::MessageView::Warning(warning) => Some(warning.error().message().to_string()),
        gst::MessageView::Error(error) => Some(error.error().message().to_string()),
        _ => None,
    };
    std::iter::from_fn(|| bus.pop()).filter_map(text_of).collect()
}

/// A soft disc; its radius is `radius` of the frame's width and of its height.
pub fn disc(id: Option<u64>, label: &str, prompt_index: u32, [cx, cy]: [f32; 2], radius: f32) -> Object {
    let value = |cell: u32| {
        let at = |n: u32, center: f32| (n as f32 + 0.5) / MASK_SIDE as f32 - center;
        let outside_in_cells = (at(cell % MASK_SIDE, cx).hypot(at(cell / MASK_SIDE, cy)) - radius) * MASK_SIDE as f32;
        (255.0 / (1.0 + (2.0 * outside_in_cells).exp())).round() as u8
    };
    Object {
        id,
        label: label.into(),
        prompt_index,
        score: 0.9,
        box_in_frame: BoxXyxy { x0: cx - radius, y0: cy - radius, x1: cx + radius, y1: cy + radius },
        mask: Mask::new(MASK_SIDE, MASK_SIDE, (0..MASK_SIDE * MASK_SIDE).map(value).collect::<Vec<_>>()).unwrap(),
        state: id.map(|_| ObjectState::Tracked),
        first_seen_ns: id.map(|_| 40_000_000),
        last_seen_ns: id.map(|_| 80_000_000),
    }
}

/// A dog on the left and a cat on the right.
pub fn dog_and_cat(frame_width: u32, frame_height: u32) -> Objects {
    let items = vec![disc(Some(300), "dog", 0, [0.25, 0.5], 0.15), disc(Some(4), "cat", 1, [0.75, 0.5], 0.15)];
    Objects { frame_width, frame_height, items, ..Objects::default() }
}

/// Frame `number` of a stream of 25 a second, without pixels: nobody looks at them.
pub fn frame(number: u64, objects: Option<&Objects>) -> gst::Buffer {
    let mut buffer = gst::Buffer::with_size(16).unwrap();
    let writable = buffer.get_mut().unwrap();
    let pts = gst::ClockTime::from_mseconds(40 * number);
    writable.set_pts(pts);
    writable.set_duration(gst::ClockTime::from_mseconds(40));
    if let Some(objects) = objects {
        MaskMeta::attach(writable, objects, Some(pts), 0);
    }
    buffer
}

pub fn caps(width: u32, height: u32) -> String {
    format!("video/x-raw,format=I420,width={width},height={height},framerate=25/1")
}

pub fn bytes(buffer: &gst::BufferRef) -> Vec<u8> {
    buffer.map_readable().unwrap().to_vec()
}

/// Gives a buffer to an appsrc.
pub fn push(source: &gst::Element, buffer: gst::Buffer) {
    assert_eq!(source.emit_by_name::<gst::FlowReturn>("push-buffer", &[&buffer]), gst::FlowReturn::Ok);
}

/// Ends the stream of an appsrc.
pub fn end_stream(source: &gst::Element) {
    assert_eq!(source.emit_by_name::<gst::FlowReturn>("end-of-stream", &[]), gst::FlowReturn::Ok);
}
