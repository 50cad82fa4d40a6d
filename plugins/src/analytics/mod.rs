//! The same objects as standard GstAnalytics metas, on GStreamer 1.24 and newer: what analytics elements of others read.
//!
//! ```text
//! GstAnalyticsRelationMeta
//!   for each object   detection (label, box, score) ── relates to ──▶ track (id, first and last seen), if it has an id
//!                          └───────── relates to ──▶ ┐
//!   1.26 and newer    segmentation (a grey picture, region n is object n) ── part by part ──▶ classes (labels, scores)
//! ```
//!
//! Where the library is missing nothing is written, and all else works as ever.

mod ffi;

use std::sync::{LazyLock, Once};

use glib::prelude::*;
use gst::BufferRef;
use gst::prelude::GstParamSpecBuilderExt;
use gst_video::{VideoFormat, VideoFrameFlags, VideoMeta};
use sa3::extract::{Content, Depth, Extractor, GrayMut, Wish};
use sa3::{Object, Objects};

use crate::roi;
use ffi::{Analytics, Part, Rectangle, Relation, Relations};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("sa3analytics", gst::DebugColorFlags::empty(), Some("GstAnalytics metas beside the masks"))
});

/// Objects of a frame that are written, those with the best scores: as many as a grey picture of 8 bits can tell apart.
/// The cost of the library's table of relations grows with the square of their number.
pub const MAX_OBJECTS: usize = 255;

/// The property of elements that write these metas.
pub(crate) const PROPERTY: &str = "analytics-meta";

/// The property, for an element's list, which may make it controllable.
pub(crate) fn spec() -> glib::ParamSpecBooleanBuilder<'static> {
    glib::ParamSpecBoolean::builder(PROPERTY)
        .nick("GstAnalytics metas")
        .blurb(
            "Write what is found as GstAnalytics metas too, on GStreamer 1.24 and newer: detections and tracks, from 1.26 on \
             segmentation. Without effect on older versions; see docs/meta.md",
        )
        .default_value(true)
        .mutable_playing()
}

/// The label of what is no object, in the list of classes.
const BACKGROUND: &str = "background";
/// The score of what has none.
const NO_SCORE: f32 = -1.0;

/// Room that the library takes for one part, and for each entry of a list, rounded up.
const BYTES_OF_PART: usize = 128;
const BYTES_OF_ENTRY: usize = 16;

/// An object that is written, and its box in whole pixels of the frame.
struct Listed<'a> {
    object: &'a Object,
    rectangle: Rectangle,
}

impl Listed<'_> {
    fn label(&self) -> glib::Quark {
        glib::Quark::from_str(roi::region_type(&self.object.label))
    }
}

/// The objects that are at least in part on the frame, the best score first.
fn listed(objects: &Objects) -> Vec<Listed<'_>> {
    let rectangle = |object: &Object| roi::pixels(object.box_in_frame, objects.frame_width, objects.frame_height);
    let on_frame = objects.items.iter().filter_map(|object| Some(Listed { object, rectangle: rectangle(object)? }));
    on_frame.take(MAX_OBJECTS).collect()
}

/// How many parts [`attach`] writes.
fn part_count(listed: &[Listed<'_>], with_segmentation: bool) -> usize {
    let tracks = listed.iter().filter(|listed| listed.object.id.is_some()).count();
    let segmentation_and_classes = if with_segmentation && !listed.is_empty() { 2 } else { 0 };
    listed.len() + tracks + segmentation_and_classes
}

/// The library; says once why there is none.
fn library() -> Option<&'static Analytics> {
    static TOLD: Once = Once::new();
    let found = ffi::analytics();
    TOLD.call_once(|| match found {
        Ok(analytics) if analytics.knows_segmentation() => gst::info!(CAT, "GstAnalytics metas are written"),
        Ok(_) => gst::info!(CAT, "GstAnalytics metas are written without segmentation, which needs GStreamer 1.26"),
        Err(cause) => gst::info!(CAT, "no GstAnalytics metas are written: {cause}; masks and regions are as ever"),
    });
    found.ok()
}

/// Adds the objects to the relation meta of `buffer`. A frame without objects has an empty one: somebody looked.
pub(crate) fn attach(buffer: &mut BufferRef, objects: &Objects) {
    let Some(analytics) = library() else { return };
    let listed = listed(objects);
    if listed.len() < objects.items.len() {
        let (written, all) = (listed.len(), objects.items.len());
        gst::log!(CAT, "{written} of {all} objects are written: {MAX_OBJECTS} at most, and none beside the frame");
    }
    let parts = part_count(&listed, analytics.knows_segmentation());
    let bytes = parts * BYTES_OF_PART + 2 * (listed.len() + 1) * BYTES_OF_ENTRY;
    let is_written = analytics
        .find_or_add(buffer, parts, bytes)
        .is_some_and(|mut relations| write(&mut relations, &listed, objects, analytics.knows_segmentation()).is_some());
    if !is_written {
        gst::warning!(CAT, "libgstanalytics has refused what was found on a frame");
    }
}

fn write(
    relations: &mut Relations<'_>,
    listed: &[Listed<'_>],
    objects: &Objects,
    with_segmentation: bool,
) -> Option<()> {
    let detections: Vec<Part> = listed.iter().map(|listed| write_object(relations, listed)).collect::<Option<_>>()?;
    if with_segmentation && !listed.is_empty() {
        let picture = region_picture(listed, objects)?;
        let regions: Vec<u32> = (0..=listed.len() as u32).collect();
        let regions = relations.add_regions(picture, &regions, (objects.frame_width, objects.frame_height))?;
        let of_objects = listed.iter().map(|listed| (listed.label(), listed.object.score));
        let classes: Vec<_> =
            std::iter::once((glib::Quark::from_str(BACKGROUND), NO_SCORE)).chain(of_objects).collect();
        let classes = relations.add_classes(&classes)?;
        relations.relate(regions, Relation::PartByPart, classes);
        for detection in detections {
            relations.relate(detection, Relation::RelateTo, regions);
        }
    }
    Some(())
}

fn write_object(relations: &mut Relations<'_>, listed: &Listed<'_>) -> Option<Part> {
    let object = listed.object;
    let detection = relations.add_detection(listed.label(), listed.rectangle, object.score)?;
    if let Some(id) = object.id {
        let time = |time_ns: Option<u64>| time_ns.map(gst::ClockTime::from_nseconds);
        let track = relations.add_track(id, time(object.first_seen_ns), time(object.last_seen_ns))?;
        relations.relate(detection, Relation::RelateTo, track);
    }
    Some(detection)
}

/// A grey picture on the grid of the masks (of the finest, should they differ): 0 for the background, n for the nth object.
fn region_picture(listed: &[Listed<'_>], objects: &Objects) -> Option<gst::Buffer> {
    let (width, height, bytes) = regions_on_grid(listed, objects)?;
    let mut picture = gst::Buffer::from_mut_slice(bytes);
    let flags = VideoFrameFlags::empty();
    VideoMeta::add(picture.get_mut()?, flags, VideoFormat::Gray8, width, height).ok()?;
    Some(picture)
}

fn regions_on_grid(listed: &[Listed<'_>], objects: &Objects) -> Option<(u32, u32, Vec<u8>)> {
    let sizes = listed.iter().map(|listed| (listed.object.mask.width, listed.object.mask.height));
    let (width, height) = sizes.max_by_key(|(width, height)| u64::from(*width) * u64::from(*height))?;
    // Without ids, samples are places in the list.
    let items = listed.iter().map(|listed| Object { id: None, ..listed.object.clone() }).collect();
    let objects = Objects { items, semantic_maps: Vec::new(), ..*objects };
    let stride = width as usize;
    let mut bytes = vec![0; stride * height as usize];
    let mut picture = GrayMut { bytes: &mut bytes, stride, width, height, depth: Depth::Eight };
    Extractor::default().extract(&objects, &Wish { content: Content::Ids, ..Wish::default() }, &mut picture);
    Some((width, height, bytes))
}

/// Takes away what [`attach`] added for `objects`, unless other elements have added to it: parts cannot be taken out.
pub(crate) fn detach(buffer: &mut BufferRef, objects: &Objects) {
    let Some(analytics) = ffi::analytics().ok() else { return };
    let is_ours = analytics.find(buffer).is_some_and(|relations| {
        let listed = listed(objects);
        let mut next = 0;
        let are_the_same = listed.iter().all(|listed| {
            let index = next;
            next += if listed.object.id.is_some() { 2 } else { 1 };
            relations.detected(index) == Some(listed.label())
        });
        are_the_same && relations.length() == part_count(&listed, analytics.knows_segmentation())
    });
    if is_ours {
        analytics.remove(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sa3::Mask;
    use sa3::boxes::BoxXyxy;

    /// An object that fills the left `columns` of its 8 x 4 grid.
    fn object(id: Option<u64>, columns: usize) -> Object {
        let values: Vec<u8> = (0..32).map(|cell| if cell % 8 < columns { 255 } else { 0 }).collect();
        Object {
            id,
            label: "dog".into(),
            prompt_index: 0,
            score: 0.5,
            box_in_frame: BoxXyxy { x0: 0.0, y0: 0.0, x1: columns as f32 / 8.0, y1: 1.0 },
            mask: Mask::new(8, 4, values).unwrap(),
            state: None,
            first_seen_ns: None,
            last_seen_ns: None,
        }
    }

    fn found(items: Vec<Object>) -> Objects {
        Objects { frame_width: 64, frame_height: 32, items, ..Objects::default() }
    }

    #[test]
    fn regions_are_places_and_the_best_score_lies_on_top() {
        let objects = found(vec![object(Some(70_000), 2), object(None, 5)]);
        let (width, height, bytes) = regions_on_grid(&listed(&objects), &objects).unwrap();
        assert_eq!((width, height), (8, 4));
        assert_eq!(bytes, [1, 1, 2, 2, 2, 0, 0, 0].repeat(4));
    }

    #[test]
    fn masks_of_several_sizes_share_the_finest_grid() {
        let coarse = Object { mask: Mask::new(1, 1, vec![255]).unwrap(), ..object(None, 8) };
        let objects = found(vec![object(None, 1), coarse]);
        let (width, height, bytes) = regions_on_grid(&listed(&objects), &objects).unwrap();
        assert_eq!((width, height), (8, 4));
        assert_eq!(bytes, [1, 2, 2, 2, 2, 2, 2, 2].repeat(4));
    }

    #[test]
    fn what_is_written_is_bounded() {
        let mut objects = found((0..500).map(|id| object((id % 2 == 0).then_some(id), 4)).collect());
        let beside = BoxXyxy { x0: 1.5, y0: 0.0, x1: 2.0, y1: 1.0 };
        objects.items[0].box_in_frame = beside;
        let listed = listed(&objects);
        assert_eq!(listed.len(), MAX_OBJECTS);
        assert_eq!(listed[0].object.id, None, "the first is not on the frame");
        assert_eq!(part_count(&listed, true), 255 + 127 + 2);
        let (_, _, bytes) = regions_on_grid(&listed, &objects).unwrap();
        assert_eq!(bytes[0], 1);
    }

    #[test]
    fn nothing_found_has_no_parts_and_no_picture() {
        let objects = found(Vec::new());
        assert_eq!(part_count(&listed(&objects), true), 0);
        assert!(regions_on_grid(&listed(&objects), &objects).is_none());
    }
}
