//! What the caller wants written.

use crate::error::{Error, Result};

/// A format of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// A JSON object on each line, one for each frame.
    #[default]
    JsonLines,
    /// One COCO document: images, annotations, categories.
    Coco,
    /// One YouTube-VIS document: a video, tracks, categories.
    YoutubeVis,
    /// MOTS text: a line for each mask.
    Mots,
    /// DAVIS: a folder with an indexed PNG for each frame.
    Davis,
    /// Comma-separated values: a line for each object.
    Csv,
}

/// How a mask is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SegmentationKind {
    /// COCO's compressed run lengths.
    #[default]
    Rle,
    /// Outlines.
    Polygon,
    /// Not at all.
    None,
}

/// What boxes and polygons are measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Coordinates {
    /// Pixels of the frame.
    #[default]
    Pixels,
    /// Parts of the frame's width and height.
    Normalised,
}

/// The size of the picture that run lengths describe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MaskSize {
    /// The frame.
    #[default]
    Frame,
    /// The mask's own grid.
    Grid,
}

/// What the caller wants written.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Options {
    /// The format.
    pub format: Format,
    /// How masks are written.
    pub segmentation: SegmentationKind,
    /// Pixels by which the outline of a polygon may be off.
    pub tolerance: f64,
    /// What boxes and polygons are measured in.
    pub coordinates: Coordinates,
    /// The size of masks.
    pub mask_size: MaskSize,
    /// Adds the soft masks themselves.
    pub soft_masks: bool,
}

impl Options {
    /// Refuses what the format cannot hold.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub fn check(&self) -> Result<()> {
        let refused = |property, value: &str, cause: String, remedy: &str| {
            Err(Error::Setting { property, value: value.into(), cause, remedy: remedy.into() })
        };
        let format = self.format.nick();
        let (is_lines, is_csv) = (self.format == Format::JsonLines, self.format == Format::Csv);
        if self.soft_masks && !is_lines {
            let remedy = "Use format=jsonl, or soft-masks=false";
            return refused("soft-masks", "true", format!("format={format} has no place for them"), remedy);
        }
        if self.coordinates == Coordinates::Normalised && !is_lines && !is_csv {
            let remedy = "Use coordinates=pixels, or format=jsonl or csv";
            return refused("coordinates", "normalised", format!("format={format} is made of pixels"), remedy);
        }
        let is_masks_only = matches!(self.format, Format::Mots | Format::Davis | Format::YoutubeVis);
        if is_masks_only && self.segmentation != SegmentationKind::Rle {
            let value = if self.segmentation == SegmentationKind::Polygon { "polygon" } else { "none" };
            let remedy = "Use segmentation=rle, or format=jsonl, coco or csv";
            return refused("segmentation", value, format!("format={format} is made of whole masks"), remedy);
        }
        Ok(())
    }
}

impl Format {
    /// The name that users write.
    pub fn nick(self) -> &'static str {
        match self {
            Self::JsonLines => "jsonl",
            Self::Coco => "coco",
            Self::YoutubeVis => "youtube-vis",
            Self::Mots => "mots",
            Self::Davis => "davis",
            Self::Csv => "csv",
        }
    }

    /// True where an object without an id cannot be held, so that it gets a number.
    pub fn needs_ids(self) -> bool {
        matches!(self, Self::YoutubeVis | Self::Mots | Self::Davis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_format_cannot_hold_is_refused_with_the_way_out() {
        let text = |options: Options| options.check().err().map(|error| error.to_string()).unwrap_or_default();
        let of = |format| Options { format, ..Options::default() };
        assert_eq!(text(of(Format::Mots)), "");
        assert!(text(Options { soft_masks: true, ..of(Format::Coco) }).contains("soft-masks=\"true\""));
        assert!(text(Options { coordinates: Coordinates::Normalised, ..of(Format::Coco) }).contains("jsonl or csv"));
        let polygons = Options { segmentation: SegmentationKind::Polygon, ..of(Format::Davis) };
        assert!(text(polygons).contains("segmentation=\"polygon\"") && text(polygons).contains("format=davis"));
        assert_eq!(text(Options { segmentation: SegmentationKind::Polygon, ..of(Format::Coco) }), "");
    }
}
