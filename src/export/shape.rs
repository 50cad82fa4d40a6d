//! The masks of a frame in the form in which they are written.

use super::options::{MaskSize, Options, SegmentationKind};
use super::polygon::{Point, outlines};
use super::soft_mask::SoftMask;
use crate::composite::Raster;
use crate::objects::{Object, Objects};
use crate::rle::Rle;
use crate::row_spans::RowSpans;

/// A frame and what was found on it.
#[derive(Debug, Clone)]
pub struct Shot<'a> {
    /// Number of the frame in its stream, from 0.
    pub frame: u64,
    /// Presentation time in nanoseconds.
    pub pts: Option<u64>,
    /// Duration in nanoseconds.
    pub duration: Option<u64>,
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// What was found; `None` when nobody looked.
    pub objects: Option<&'a Objects>,
    /// Time of the frame that it was found on.
    pub source_pts: Option<u64>,
    /// Frames since then.
    pub age: u32,
}

/// An object's mask as it is written.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// Run lengths.
    pub rle: Option<Rle>,
    /// Outer outlines, in pixels of the frame.
    pub polygons: Option<Vec<Vec<Point>>>,
    /// Pixels inside, of the size that masks are written in.
    pub area: u64,
    /// The mask itself.
    pub(super) soft: Option<SoftMask>,
}

/// A frame with its objects' shapes, in the order of the objects.
#[derive(Debug, Clone)]
pub struct Shaped<'a> {
    /// The frame.
    pub shot: Shot<'a>,
    /// For each object its shape.
    pub shapes: Vec<Shape>,
}

impl<'a> Shaped<'a> {
    /// The objects with their shapes; none when nobody looked.
    pub fn items(&self) -> impl Iterator<Item = (&'a Object, &Shape)> {
        self.shot.objects.map(|objects| &objects.items[..]).unwrap_or_default().iter().zip(&self.shapes)
    }

    /// The same with an id for each object: its own, or its position on the frame from 1.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (u64, &'a Object, &Shape)> {
        (1..).zip(self.items()).map(|(place, (object, shape))| (object.id.unwrap_or(place), object, shape))
    }
}

/// Makes shapes, frame after frame; keeps its memory.
#[derive(Debug, Default)]
pub struct Shaper {
    raster: Raster,
    spans: RowSpans,
}

impl Shaper {
    /// The shapes of what was found on a frame.
    pub fn shape<'a>(&mut self, shot: Shot<'a>, options: &Options) -> Shaped<'a> {
        let (objects, size) = (shot.objects, shot.size);
        let items = objects.map(|objects| &objects.items[..]).unwrap_or_default();
        let inside_level = objects.map_or(0, |objects| objects.inside_level);
        let shapes = items.iter().map(|object| self.shape_one(object, inside_level, size, options)).collect();
        Shaped { shot, shapes }
    }

    fn shape_one(&mut self, object: &Object, inside_level: u8, size: (u32, u32), options: &Options) -> Shape {
        let mask = &object.mask;
        let is_grid = options.mask_size == MaskSize::Grid || (mask.width, mask.height) == size;
        if is_grid {
            self.spans.load_grid(mask, inside_level);
        } else if self.raster.load(mask, inside_level, size) {
            self.raster.spans(&mut self.spans);
        } else {
            self.spans.begin(size.0, size.1, 0);
        }
        let has_pixels = self.spans.width() > 0 && self.spans.height() > 0;
        Shape {
            rle: (options.segmentation == SegmentationKind::Rle && has_pixels).then(|| self.spans.to_rle()),
            polygons: (options.segmentation == SegmentationKind::Polygon).then(|| self.polygons(size, options)),
            area: self.spans.area(),
            soft: if options.soft_masks { SoftMask::new(mask) } else { None },
        }
    }

    fn polygons(&self, (width, height): (u32, u32), options: &Options) -> Vec<Vec<Point>> {
        let [across, down] = [
            f64::from(width) / f64::from(self.spans.width().max(1)),
            f64::from(height) / f64::from(self.spans.height().max(1)),
        ];
        let tolerance_in_cells = options.tolerance / across.max(down).max(f64::MIN_POSITIVE);
        let mut outlines = outlines(&self.spans, tolerance_in_cells);
        outlines.iter_mut().flatten().for_each(|[x, y]| (*x, *y) = (*x * across, *y * down));
        outlines
    }
}
