//! `maskexport`: writes what buffers carry to a file, or hands it out as JSON, and lets the video pass.
//!
//! ```text
//! gst-launch-1.0 filesrc location=in.mp4 ! decodebin ! videoconvert ! sa3track prompt="dog" ! \
//!     maskexport location=dogs.jsonl ! fakesink
//! gst-launch-1.0 videotestsrc ! sa3track model=test prompt="dog" ! maskexport name=e ! queue ! autovideosink \
//!     e.meta ! queue ! fdsink
//! ```
//!
//! Put it behind `sa3segment` or `sa3track`, before elements that crop or flip: they drop the masks. Buffers pass
//! untouched, in any format and memory. The formats are shown in `docs/exporting.md`.
//!
//! # Files
//!
//! Lines (`jsonl`, `csv`, `mots`) are in the file as soon as their frame has passed; a process that is killed cuts off the
//! last one at most. Pictures (`davis`) get their name when they are whole. Documents (`coco`, `youtube-vis`) are replaced
//! as a whole about every second, and are complete at end of stream and in READY; what is not in them yet waits in files
//! `*.part` beside them, not in memory.
//!
//! # The pad `meta`
//!
//! A request pad that gives the line of each written frame as `application/x-json`, with the frame's times. It needs no
//! `location`. Put a queue behind it, and one behind `src`, as with a tee.
//!
//! # Messages
//!
//! | message | when |
//! | --- | --- |
//! | ERROR | at READY to PAUSED: a place that cannot be written, properties that contradict each other |
//! | ERROR, or WARNING with `on-write-error=warn` | writing fails, as when the disk is full; with the WARNING video goes on, and nothing more is written |
//! | ERROR | the size of frames changes where a format has only one |
//! | WARNING | once: neither `location` nor a pad `meta`; objects without ids where the format needs them |

mod imp;
mod recorder;
mod settings;

use glib::prelude::*;
use sa3::export;

/// The `format` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstMaskExportFormat")]
#[repr(i32)]
pub enum Format {
    /// Lines of JSON.
    #[default]
    #[enum_value(name = "A JSON object on each line, one for each frame", nick = "jsonl")]
    JsonLines,
    /// COCO.
    #[enum_value(name = "One COCO document: images, annotations, categories", nick = "coco")]
    Coco,
    /// YouTube-VIS.
    #[enum_value(name = "One YouTube-VIS (COCO video) document: a video, tracks, categories", nick = "youtube-vis")]
    YoutubeVis,
    /// MOTS.
    #[enum_value(name = "MOTS text: a line for each mask", nick = "mots")]
    Mots,
    /// DAVIS.
    #[enum_value(
        name = "DAVIS: location is a folder, with an indexed PNG for each frame whose values are ids",
        nick = "davis"
    )]
    Davis,
    /// CSV.
    #[enum_value(name = "Comma-separated values: a line for each object", nick = "csv")]
    Csv,
}

impl From<Format> for export::Format {
    fn from(value: Format) -> Self {
        match value {
            Format::JsonLines => Self::JsonLines,
            Format::Coco => Self::Coco,
            Format::YoutubeVis => Self::YoutubeVis,
            Format::Mots => Self::Mots,
            Format::Davis => Self::Davis,
            Format::Csv => Self::Csv,
        }
    }
}

/// The `segmentation` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstMaskExportSegmentation")]
#[repr(i32)]
pub enum Segmentation {
    /// Run lengths.
    #[default]
    #[enum_value(name = "COCO's compressed run lengths, as pycocotools has them", nick = "rle")]
    Rle,
    /// Polygons.
    #[enum_value(name = "Outer outlines as polygons; holes are left out", nick = "polygon")]
    Polygon,
    /// None.
    #[enum_value(name = "No masks: boxes, labels and scores alone", nick = "none")]
    None,
}

impl From<Segmentation> for export::SegmentationKind {
    fn from(value: Segmentation) -> Self {
        match value {
            Segmentation::Rle => Self::Rle,
            Segmentation::Polygon => Self::Polygon,
            Segmentation::None => Self::None,
        }
    }
}

/// The `coordinates` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstMaskExportCoordinates")]
#[repr(i32)]
pub enum Coordinates {
    /// Pixels.
    #[default]
    #[enum_value(name = "Pixels of the frame", nick = "pixels")]
    Pixels,
    /// Parts of the frame.
    #[enum_value(name = "0 to 1 of the frame's width and height", nick = "normalised")]
    Normalised,
}

impl From<Coordinates> for export::Coordinates {
    fn from(value: Coordinates) -> Self {
        match value {
            Coordinates::Pixels => Self::Pixels,
            Coordinates::Normalised => Self::Normalised,
        }
    }
}

/// The `mask-size` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstMaskExportMaskSize")]
#[repr(i32)]
pub enum MaskSize {
    /// Frame.
    #[default]
    #[enum_value(name = "As large as the frames, with the edges that maskcomposite draws", nick = "frame")]
    Frame,
    /// Grid.
    #[enum_value(name = "As large as the masks' own grid: smaller and faster, with coarse edges", nick = "grid")]
    Grid,
}

impl From<MaskSize> for export::MaskSize {
    fn from(value: MaskSize) -> Self {
        match value {
            MaskSize::Frame => Self::Frame,
            MaskSize::Grid => Self::Grid,
        }
    }
}

/// The `write` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstMaskExportWrite")]
#[repr(i32)]
pub enum Write {
    /// Each frame, or each Nth.
    #[default]
    #[enum_value(name = "Each frame, or with every=N each Nth", nick = "every")]
    Every,
    /// On change.
    #[enum_value(name = "Frames on which objects came, went or changed their label", nick = "change")]
    Change,
}

/// The `on-write-error` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstMaskExportOnWriteError")]
#[repr(i32)]
pub enum OnWriteError {
    /// The stream ends.
    #[default]
    #[enum_value(name = "An ERROR ends the stream", nick = "fail")]
    Fail,
    /// The stream goes on.
    #[enum_value(name = "A WARNING; video goes on, and nothing more is written", nick = "warn")]
    Warn,
}

glib::wrapper! {
    /// The element `maskexport`.
    pub struct MaskExport(ObjectSubclass<imp::MaskExport>) @extends gst::Element, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "maskexport", gst::Rank::NONE, MaskExport::static_type())
}
