//! The same objects as standard GstVideoRegionOfInterestMeta, one for each: every existing consumer reads those.
//!
//! Boxes only, in whole pixels. The masks travel in [`crate::meta`].

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex};

use crate::lock::locked;
use gst::BufferRef;
use gst_video::VideoRegionOfInterestMeta;
use sa3::boxes::BoxXyxy;
use sa3::{Object, Objects};

/// Labels that become a region's type in one process. GLib never frees such a name, and prompts may be without end.
pub const MAX_INTERNED_LABELS: usize = 1024;
/// The type of regions whose label came too late to be interned.
pub const LABEL_BEYOND_LIMIT: &str = "object";

static INTERNED: LazyLock<Mutex<HashSet<Arc<str>>>> = LazyLock::new(Mutex::default);

/// Adds a region for each object that is at least in part on the frame.
pub fn attach(buffer: &mut BufferRef, objects: &Objects) {
    for object in &objects.items {
        if let Some(rectangle) = pixels(object.box_in_frame, objects.frame_width, objects.frame_height) {
            let mut region = VideoRegionOfInterestMeta::add(buffer, region_type(&object.label), rectangle);
            region.set_id(region_id(object));
        }
    }
}

/// Takes away the regions that [`attach`] added for `objects`; those of other elements stay.
pub(crate) fn detach(buffer: &mut BufferRef, objects: &Objects) {
    let is_ours = |region: &VideoRegionOfInterestMeta| {
        objects.items.iter().any(|object| {
            region.id() == region_id(object)
                && pixels(object.box_in_frame, objects.frame_width, objects.frame_height) == Some(region.rect())
        })
    };
    buffer.foreach_meta_mut(|mut meta| {
        let is_gone = meta.downcast_ref::<VideoRegionOfInterestMeta>().is_some_and(|region| is_ours(region));
        let action = if is_gone {
            gst::buffer::BufferMetaForeachAction::Remove
        } else {
            gst::buffer::BufferMetaForeachAction::Keep
        };
        std::ops::ControlFlow::Continue(action)
    });
}

/// x, y, width and height in whole pixels of the part on the frame, at least one pixel; `None` when there is no such part.
pub(crate) fn pixels(box_in_frame: BoxXyxy, frame_width: u32, frame_height: u32) -> Option<(u32, u32, u32, u32)> {
    let BoxXyxy { x0, y0, x1, y1 } = box_in_frame.clipped();
    if !(x1 > x0 && y1 > y0) || frame_width == 0 || frame_height == 0 {
        return None;
    }
    let (left, width) = extent(x0, x1, frame_width);
    let (top, height) = extent(y0, y1, frame_height);
    Some((left, top, width, height))
}

/// First pixel and number of pixels of `from..to` (0..1) on a side of `side` pixels.
fn extent(from: f32, to: f32, side: u32) -> (u32, u32) {
    let [from, to] = [from, to].map(|edge| (f64::from(edge) * f64::from(side)).round() as u32);
    let first = from.min(side - 1);
    (first, (to - first).max(1))
}

/// Low 31 bits of the object's id; 0 for an object without one.
fn region_id(object: &Object) -> i32 {
    (object.id.unwrap_or(0) & 0x7fff_ffff) as i32
}

/// What a label is called where names are never freed: itself, or [`LABEL_BEYOND_LIMIT`].
pub(crate) fn region_type(label: &Arc<str>) -> &str {
    let mut interned = locked(&INTERNED);
    if interned.contains(label) {
        return label;
    }
    if interned.len() >= MAX_INTERNED_LABELS {
        return LABEL_BEYOND_LIMIT;
    }
    interned.insert(label.clone());
    label
}

#[cfg(test)]
mod tests {
    use super::*;
    use sa3::Mask;

    fn object(label: &str, id: Option<u64>, box_in_frame: BoxXyxy) -> Object {
        let mask = Mask::new(1, 1, vec![255]).unwrap();
        Object {
            id,
            label: label.into(),
            prompt_index: 0,
            score: 0.9,
            box_in_frame,
            mask,
            state: None,
            first_seen_ns: None,
            last_seen_ns: None,
        }
    }

    #[test]
    fn boxes_become_whole_pixels_inside_the_frame() {
        let middle = BoxXyxy { x0: 0.25, y0: 0.26, x1: 0.5, y1: 0.51 };
        assert_eq!(pixels(middle, 100, 100), Some((25, 26, 25, 25)));
        let beyond = BoxXyxy { x0: -0.5, y0: 0.5, x1: 0.101, y1: 1.5 };
        assert_eq!(pixels(beyond, 100, 50), Some((0, 25, 10, 25)));
        let speck = BoxXyxy { x0: 0.999, y0: 0.999, x1: 1.0, y1: 1.0 };
        assert_eq!(pixels(speck, 100, 100), Some((99, 99, 1, 1)));
        let outside = BoxXyxy { x0: 1.1, y0: 0.0, x1: 1.2, y1: 1.0 };
        assert_eq!(pixels(outside, 100, 100), None);
        let nonsense = BoxXyxy { x0: f32::NAN, y0: 0.0, x1: f32::NAN, y1: 1.0 };
        assert_eq!(pixels(nonsense, 100, 100), None);
    }

    #[test]
    fn labels_beyond_the_limit_are_objects() {
        gst::init().unwrap();
        let whole = BoxXyxy { x0: 0.0, y0: 0.0, x1: 1.0, y1: 1.0 };
        let type_of = |label: &str| {
            let objects = Objects {
                frame_width: 8,
                frame_height: 8,
                items: vec![object(label, Some(0x1_8000_0007), whole)],
                ..Objects::default()
            };
            let mut buffer = gst::Buffer::new();
            attach(buffer.get_mut().unwrap(), &objects);
            let region = buffer.meta::<VideoRegionOfInterestMeta>().unwrap();
            assert_eq!((region.id(), region.rect()), (7, (0, 0, 8, 8)));
            region.roi_type().to_string()
        };
        assert_eq!(type_of("first"), "first");
        for number in 0..MAX_INTERNED_LABELS {
            type_of(&format!("label {number}"));
        }
        assert_eq!(type_of("one too many"), LABEL_BEYOND_LIMIT);
        assert_eq!(type_of("first"), "first");
    }
}
