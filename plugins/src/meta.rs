//! The native meta `GstSa3MaskMeta`: what was found on a frame travels with the frame's buffer.
//!
//! Stage "metadata" of the flow, after the engine and before everything that draws, cuts out or exports. Masks are not
//! copied: the meta holds buffers over the engine's own bytes, and reading maps them. Scaling the picture keeps the
//! meta, cropping and flipping drop it. `plugins/include/gstsa3maskmeta.h` is the description for C.

mod ffi;

use std::ffi::CString;
use std::sync::Arc;

use gst::BufferRef;
use gst::buffer::{MappedBuffer, Readable};
use sa3::boxes::BoxXyxy;
use sa3::objects::{ObjectState, SharedBytes};
use sa3::{Mask, Object, Objects, SemanticMap};

pub use ffi::MaskMeta;
use ffi::{Entry, Header, MapEntry};

/// What a buffer carries.
#[derive(Debug, Clone)]
pub struct AttachedObjects {
    /// The objects, with the size of the frame they are attached to.
    pub objects: Objects,
    /// PTS of the frame they were found on.
    pub source_pts: Option<gst::ClockTime>,
    /// Frames since the objects were found; 0 when they were found on this very frame.
    pub age_in_frames: u32,
}

impl MaskMeta {
    /// Puts `objects` on `buffer`, in place of what an earlier element put there.
    ///
    /// `source_pts` and `age_in_frames` tell on which frame they were found. No mask is copied.
    pub fn attach(buffer: &mut BufferRef, objects: &Objects, source_pts: Option<gst::ClockTime>, age_in_frames: u32) {
        Self::remove(buffer);
        let header = Header {
            frame_width: objects.frame_width,
            frame_height: objects.frame_height,
            inside_level: objects.inside_level,
            age_in_frames,
            source_pts,
        };
        let maps = objects.semantic_maps.iter().map(entry_from_map).collect();
        Self::add(buffer, header, objects.items.iter().map(entry_from_object).collect(), maps);
    }

    /// What `buffer` carries; `None` when nobody looked at it. No mask is copied.
    pub fn read(buffer: &BufferRef) -> Option<AttachedObjects> {
        let meta = buffer.meta::<Self>()?;
        let header = meta.header();
        let objects = Objects {
            frame_width: header.frame_width,
            frame_height: header.frame_height,
            inside_level: header.inside_level,
            items: meta.entries().iter().filter_map(object_from_entry).collect(),
            semantic_maps: meta.maps().iter().filter_map(map_from_entry).collect(),
        };
        Some(AttachedObjects { objects, source_pts: header.source_pts, age_in_frames: header.age_in_frames })
    }

    /// Takes the meta off `buffer`; true when there was one.
    pub fn remove(buffer: &mut BufferRef) -> bool {
        let mut was_there = false;
        while let Some(meta) = buffer.meta_mut::<Self>() {
            if meta.remove().is_err() {
                return was_there;
            }
            was_there = true;
        }
        was_there
    }
}

/// The engine's bytes, as the memory of a GstBuffer owns them.
struct MaskBytes(SharedBytes);

impl AsRef<[u8]> for MaskBytes {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

/// A mapped mask buffer, as a [`Mask`] owns it.
struct MappedMask(MappedBuffer<Readable>);

impl AsRef<[u8]> for MappedMask {
    fn as_ref(&self) -> &[u8] {
        self.0.as_slice()
    }
}

fn entry_from_object(object: &Object) -> Entry {
    let BoxXyxy { x0, y0, x1, y1 } = object.box_in_frame;
    Entry {
        id: object.id,
        prompt_index: object.prompt_index,
        label: c_label(&object.label),
        score: object.score,
        corners: [x0, y0, x1, y1],
        mask_width: object.mask.width,
        mask_height: object.mask.height,
        mask: gst::Buffer::from_slice(MaskBytes(object.mask.values.clone())),
        state: code_of(object.state),
        first_seen: object.first_seen_ns.map(gst::ClockTime::from_nseconds),
        last_seen: object.last_seen_ns.map(gst::ClockTime::from_nseconds),
    }
}

fn entry_from_map(map: &SemanticMap) -> MapEntry {
    MapEntry {
        label: c_label(&map.label),
        prompt_index: map.prompt_index,
        presence: map.presence,
        map_width: map.map.width,
        map_height: map.map.height,
        map: gst::Buffer::from_slice(MaskBytes(map.map.values.clone())),
    }
}

/// The states in the order of their codes, from 1; 0 stands for an object that is not followed.
const STATES: [ObjectState; 5] =
    [ObjectState::New, ObjectState::Tracked, ObjectState::Propagated, ObjectState::Held, ObjectState::Lost];

fn code_of(state: Option<ObjectState>) -> u32 {
    STATES.iter().position(|known| Some(*known) == state).map_or(0, |index| index as u32 + 1)
}

/// The label up to a NUL, which C could not see past.
fn c_label(label: &str) -> CString {
    CString::new(label.split('\0').next().unwrap_or_default()).unwrap_or_default()
}

/// `None` when the mask's memory cannot be mapped (the device that holds it is gone): such an object has no mask.
fn object_from_entry(entry: &Entry) -> Option<Object> {
    let [x0, y0, x1, y1] = entry.corners;
    let mapped = entry.mask.clone().into_mapped_buffer_readable().ok()?;
    Some(Object {
        id: entry.id,
        label: Arc::from(entry.label.to_string_lossy()),
        prompt_index: entry.prompt_index,
        score: entry.score,
        box_in_frame: BoxXyxy { x0, y0, x1, y1 },
        mask: Mask::new(entry.mask_width, entry.mask_height, MappedMask(mapped))?,
        state: STATES.get((entry.state as usize).wrapping_sub(1)).copied(),
        first_seen_ns: entry.first_seen.map(gst::ClockTime::nseconds),
        last_seen_ns: entry.last_seen.map(gst::ClockTime::nseconds),
    })
}

/// `None` as with objects.
fn map_from_entry(entry: &MapEntry) -> Option<SemanticMap> {
    let mapped = entry.map.clone().into_mapped_buffer_readable().ok()?;
    Some(SemanticMap {
        label: Arc::from(entry.label.to_string_lossy()),
        prompt_index: entry.prompt_index,
        presence: entry.presence,
        map: Mask::new(entry.map_width, entry.map_height, MappedMask(mapped))?,
    })
}
