//! What was found, as text and pictures outside of the pipeline, and back. Knows no GStreamer and no torch.
//!
//! From a frame to a file:
//!
//! 1. [`Options`]: what the caller wants written
//! 2. [`Shaper`]: the masks of a frame as run lengths, polygons or soft grids; [`Shot`] in, [`Shaped`] out
//! 3. [`json_line`], and behind [`Exporter`] `csv`, `mots`, `davis`, `coco`, `youtube_vis`: one file for each format
//! 4. `line_file`, `spool`, `document`: files that are whole at any moment, however the process ends
//!
//! and back: [`Reader`] reads the lines that [`json_line`] made, [`Record::objects`] makes objects of one, [`Replay`] finds
//! the line of a frame. [`objects_of_picture`] makes objects of a grey picture.

mod categories;
mod coco;
mod csv;
mod davis;
mod document;
mod exporter;
mod failure;
#[cfg(test)]
mod golden;
mod line_file;
mod mots;
mod options;
mod picture;
mod polygon;
mod read;
mod record;
mod replay;
mod semantic;
mod shape;
mod soft_mask;
mod spool;
#[cfg(test)]
mod tests;
mod youtube_vis;

pub use exporter::Exporter;
pub use options::{Coordinates, Format, MaskSize, Options, SegmentationKind};
pub use picture::{Samples, objects_of_picture};
pub use read::{Reader, box_mask};
pub use record::{Record, json_line};
pub use replay::{Found, Key, Replay};
pub use shape::{Shape, Shaped, Shaper, Shot};
