//! What is attached to a frame: from a file, or from the regions on its buffer. Knows no pads.

use std::sync::Arc;

use gst::BufferRef;
use gst_video::VideoRegionOfInterestMeta;
use sa3::boxes::BoxXyxy;
use sa3::export::{Found, Key, Replay, box_mask};
use sa3::{Object, Objects, Result};

use super::Match;
use super::settings::Settings;
use crate::found::{self, Beside};

/// A file and the frames that came.
#[derive(Default)]
pub(super) struct Source {
    replay: Option<Replay>,
    next_frame: u64,
}

impl Source {
    /// Begins a stream.
    ///
    /// # Errors
    /// [`sa3::Error::File`].
    pub(super) fn start(settings: &Settings) -> Result<Self> {
        let replay = settings.location().map(|location| Replay::open(&location)).transpose()?;
        Ok(Self { replay, next_frame: 0 })
    }

    /// True when there is a file.
    pub(super) fn has_file(&self) -> bool {
        self.replay.is_some()
    }

    /// What the file says of a buffer.
    ///
    /// # Errors
    /// [`sa3::Error::File`] with the number of a line that cannot be used.
    pub(super) fn find(&mut self, buffer: &BufferRef, settings: &Settings) -> Result<Option<Found>> {
        let frame = self.next_frame;
        self.next_frame += 1;
        let duration = buffer.duration().map(gst::ClockTime::nseconds);
        let key = match settings.matching {
            Match::Frame => Some(Key::Frame(frame)),
            Match::Pts => buffer.pts().map(|pts| Key::Pts(pts.nseconds(), duration)),
        };
        match (&mut self.replay, key) {
            (Some(replay), Some(key)) => replay.find(key),
            _ => Ok(None),
        }
    }
}

/// Puts objects on a buffer whose frame has `size` pixels, in place of those of an earlier element.
pub(super) fn attach(buffer: &mut gst::Buffer, mut found: Found, size: (u32, u32), beside: Beside) {
    // Masks and boxes are parts of the frame, so that they fit a frame of any size.
    (found.objects.frame_width, found.objects.frame_height) = size;
    let source_pts = found.source_pts.map(gst::ClockTime::from_nseconds).or(buffer.pts());
    let objects = Arc::new(found.objects);
    found::attach(buffer, &found::Found { objects, source_pts, age_in_frames: found.age }, beside);
}

/// The regions on a buffer as objects; `None` when there are none.
pub(super) fn objects_of_regions(buffer: &BufferRef, (width, height): (u32, u32)) -> Option<Objects> {
    let object = |region: gst::MetaRef<'_, VideoRegionOfInterestMeta>| {
        let (x, y, w, h) = region.rect();
        let across = |at: u32| at as f32 / width.max(1) as f32;
        let down = |at: u32| at as f32 / height.max(1) as f32;
        let (right, bottom) = (x.saturating_add(w), y.saturating_add(h));
        let box_in_frame = BoxXyxy { x0: across(x), y0: down(y), x1: across(right), y1: down(bottom) };
        let confidence = region.params().find_map(|parameter| parameter.get::<f64>("confidence").ok());
        Object {
            id: u64::try_from(region.id()).ok().filter(|&id| id > 0),
            label: region.roi_type().into(),
            prompt_index: 0,
            score: confidence.map_or(1.0, |confidence| confidence as f32),
            box_in_frame,
            mask: box_mask(box_in_frame, width, height),
            state: None,
            first_seen_ns: None,
            last_seen_ns: None,
        }
    };
    let items: Vec<Object> = buffer.iter_meta::<VideoRegionOfInterestMeta>().map(object).collect();
    let objects = Objects { frame_width: width, frame_height: height, items, ..Objects::default() };
    (!objects.items.is_empty()).then_some(objects)
}
