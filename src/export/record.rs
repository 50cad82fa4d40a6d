//! What a line of JSON holds, written and read.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::options::{Coordinates, Options};
use super::polygon::{Point, filled};
use super::read::box_mask;
use super::semantic::MapRecord;
use super::shape::{Shape, Shaped};
use super::soft_mask::SoftMask;
use crate::boxes::BoxXyxy;
use crate::frame::SIDE_RANGE_IN_PIXELS;
use crate::objects::{MASK_INSIDE, Mask, Object, ObjectState, Objects};
use crate::rle::Rle;

/// Masks that are larger than their frame may have this many cells.
const GRID_CELLS_MAX: u64 = 1 << 20;
/// Objects of one frame that are read, and semantic maps.
const OBJECTS_MAX: usize = 10_000;
/// Cells that all masks of one frame have together: 1,000 objects of 1080p.
const CELLS_MAX: u64 = 1 << 31;
/// Cells of a mask that is made of a box, at most.
const BOX_CELLS_MAX: u64 = 1 << 18;

/// One frame.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// Number of the frame in its stream, from 0.
    pub frame: u64,
    /// Presentation time in nanoseconds.
    #[serde(default)]
    pub pts: Option<u64>,
    /// Duration in nanoseconds.
    #[serde(default)]
    pub duration: Option<u64>,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    #[serde(default)]
    source_pts: Option<u64>,
    #[serde(default)]
    age: u32,
    #[serde(default = "default_inside_level")]
    inside_level: u8,
    #[serde(default)]
    coordinates: Unit,
    /// `null` when nobody looked.
    #[serde(default)]
    objects: Option<Vec<ObjectRecord>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    semantic_maps: Vec<MapRecord>,
}

fn default_inside_level() -> u8 {
    MASK_INSIDE
}

/// [`Coordinates`] as they are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unit {
    #[default]
    Pixels,
    Normalised,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct ObjectRecord {
    #[serde(default)]
    id: Option<u64>,
    label: String,
    #[serde(default)]
    prompt_index: u32,
    score: f32,
    #[serde(default)]
    state: Option<State>,
    /// Left, top, width and height.
    bbox: [f64; 4],
    #[serde(default)]
    area: u64,
    #[serde(default)]
    first_seen: Option<u64>,
    #[serde(default)]
    last_seen: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    segmentation: Option<Segmentation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    soft_mask: Option<SoftMask>,
}

/// [`ObjectState`] as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    New,
    Tracked,
    Propagated,
    Held,
    Lost,
}

/// A mask as COCO has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Segmentation {
    /// Run lengths.
    Rle {
        /// Rows and columns.
        size: [u32; 2],
        /// Compressed.
        counts: String,
    },
    /// x and y in turn, for each outline.
    Polygons(Vec<Vec<f64>>),
}

impl Segmentation {
    /// With outlines multiplied by `scale`; `None` where masks are not written.
    pub(super) fn new(shape: &Shape, scale: Point) -> Option<Self> {
        if let Some(rle) = &shape.rle {
            return Some(Self::Rle { size: [rle.height(), rle.width()], counts: rle.to_text() });
        }
        let flat = |outline: &Vec<Point>| outline.iter().flat_map(|[x, y]| [x * scale[0], y * scale[1]]).collect();
        shape.polygons.as_ref().map(|outlines| Self::Polygons(outlines.iter().map(flat).collect()))
    }
}

/// A frame as one line of JSON, without the line's end.
pub fn json_line(shaped: &Shaped<'_>, options: &Options) -> String {
    // Plain data with text keys cannot fail to be written.
    serde_json::to_string(&Record::new(shaped, options)).unwrap_or_default()
}

/// Left, top, width and height, as they are written: pixels to the thousandth, parts of the frame exactly.
pub(super) fn bbox(object: &Object, size: (u32, u32), coordinates: Coordinates) -> [f64; 4] {
    let BoxXyxy { x0, y0, x1, y1 } = object.box_in_frame;
    let sides = [x0, y0, x1 - x0, y1 - y0].map(|side| if side.is_finite() { side } else { 0.0 });
    match coordinates {
        Coordinates::Normalised => sides.map(exact),
        Coordinates::Pixels => {
            let [width, height] = [f64::from(size.0), f64::from(size.1)];
            let scaled = [(sides[0], width), (sides[1], height), (sides[2], width), (sides[3], height)];
            scaled.map(|(side, scale)| (1e3 * f64::from(side) * scale).round() / 1e3)
        }
    }
}

/// The shortest number that is this one.
fn exact(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(f64::from(number))
}

/// What outlines in pixels are multiplied by.
pub(super) fn polygon_scale(size: (u32, u32), coordinates: Coordinates) -> Point {
    match coordinates {
        Coordinates::Pixels => [1.0, 1.0],
        Coordinates::Normalised => [1.0 / f64::from(size.0.max(1)), 1.0 / f64::from(size.1.max(1))],
    }
}

impl Record {
    fn new(shaped: &Shaped<'_>, options: &Options) -> Self {
        let shot = &shaped.shot;
        let scale = polygon_scale(shot.size, options.coordinates);
        let object = |(object, shape): (&Object, &Shape)| ObjectRecord {
            id: object.id,
            label: object.label.to_string(),
            prompt_index: object.prompt_index,
            score: if object.score.is_finite() { object.score } else { 0.0 },
            state: object.state.map(State::from),
            bbox: bbox(object, shot.size, options.coordinates),
            area: shape.area,
            first_seen: object.first_seen_ns,
            last_seen: object.last_seen_ns,
            segmentation: Segmentation::new(shape, scale),
            soft_mask: shape.soft.clone(),
        };
        Self {
            frame: shot.frame,
            pts: shot.pts,
            duration: shot.duration,
            width: shot.size.0,
            height: shot.size.1,
            source_pts: shot.source_pts,
            age: shot.age,
            inside_level: shot.objects.map_or(MASK_INSIDE, |objects| objects.inside_level),
            coordinates: match options.coordinates {
                Coordinates::Pixels => Unit::Pixels,
                Coordinates::Normalised => Unit::Normalised,
            },
            objects: shot.objects.is_some().then(|| shaped.items().map(object).collect()),
            semantic_maps: shot.objects.map_or(Vec::new(), |objects| {
                objects.semantic_maps.iter().map(|map| MapRecord::new(map, options)).collect()
            }),
        }
    }

    /// The objects of the frame; `None` when nobody looked. Masks come from soft masks, from run lengths, from polygons
    /// or, where none of them was written, from boxes.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence.
    pub fn objects(&self) -> Result<Option<Objects>, String> {
        let sides = [self.width, self.height];
        if !sides.iter().all(|side| SIDE_RANGE_IN_PIXELS.contains(side)) {
            return Err(format!("a frame of {}x{}, where sides have 1 to 16384 pixels", self.width, self.height));
        }
        let Some(records) = &self.objects else { return Ok(None) };
        for (things, count) in [("objects", records.len()), ("semantic maps", self.semantic_maps.len())] {
            if count > OBJECTS_MAX {
                return Err(format!("{count} {things}, where a frame has at most {OBJECTS_MAX}"));
            }
        }
        self.check_cells(records)?;
        let items = records
            .iter()
            .zip(1..)
            .map(|(record, number)| self.object(record).map_err(|cause| format!("object {number} has {cause}")));
        let maps = self.semantic_maps.iter().zip(1..);
        let maps =
            maps.map(|(record, number)| record.map().map_err(|cause| format!("semantic map {number} has {cause}")));
        Ok(Some(Objects {
            frame_width: self.width,
            frame_height: self.height,
            inside_level: self.inside_level,
            items: items.collect::<Result<_, _>>()?,
            semantic_maps: maps.filter_map(Result::transpose).collect::<Result<_, _>>()?,
        }))
    }

    /// Time of the frame that the objects were found on, in nanoseconds, and frames since then.
    pub fn source(&self) -> (Option<u64>, u32) {
        (self.source_pts, self.age)
    }

    fn object(&self, record: &ObjectRecord) -> Result<Object, String> {
        let [width, height] = match self.coordinates {
            Unit::Pixels => [f64::from(self.width), f64::from(self.height)],
            Unit::Normalised => [1.0, 1.0],
        };
        let [x, y, w, h] = record.bbox;
        let corners = [x / width, y / height, (x + w) / width, (y + h) / height].map(|corner| corner as f32);
        if !corners.iter().chain([&record.score]).all(|number| number.is_finite()) {
            return Err("a box or a score that is no finite number".into());
        }
        let [x0, y0, x1, y1] = corners;
        let box_in_frame = BoxXyxy { x0, y0, x1, y1 };
        Ok(Object {
            id: record.id,
            label: Arc::from(record.label.as_str()),
            prompt_index: record.prompt_index,
            score: record.score,
            box_in_frame,
            mask: self.mask(record, box_in_frame)?,
            state: record.state.map(ObjectState::from),
            first_seen_ns: record.first_seen,
            last_seen_ns: record.last_seen,
        })
    }

    fn mask(&self, record: &ObjectRecord, box_in_frame: BoxXyxy) -> Result<Mask, String> {
        if let Some(soft) = &record.soft_mask {
            return soft.mask();
        }
        match &record.segmentation {
            None => Ok(box_mask(box_in_frame, self.width, self.height)),
            Some(Segmentation::Rle { size, counts }) => {
                let rle = Rle::from_text(size[1], size[0], counts)?;
                Ok(mask_of(size[1], size[0], rle.to_levels()))
            }
            Some(Segmentation::Polygons(outlines)) => {
                let back = match self.coordinates {
                    Unit::Pixels => [1.0, 1.0],
                    Unit::Normalised => [f64::from(self.width), f64::from(self.height)],
                };
                let points = |flat: &Vec<f64>| flat.chunks_exact(2).map(|p| [p[0] * back[0], p[1] * back[1]]).collect();
                let outlines: Vec<Vec<Point>> = outlines.iter().map(points).collect();
                Ok(mask_of(self.width, self.height, filled(&outlines, self.width, self.height)))
            }
        }
    }

    /// A few bytes of text must not ask for much memory: neither one mask nor all together.
    fn check_cells(&self, records: &[ObjectRecord]) -> Result<(), String> {
        let mut all_cells = 0;
        for (record, number) in records.iter().zip(1..) {
            let size = match (&record.soft_mask, &record.segmentation) {
                (Some(soft), _) => Some(soft.size),
                (None, Some(Segmentation::Rle { size, .. })) => Some(*size),
                (None, Some(Segmentation::Polygons(_))) => Some([self.height, self.width]),
                (None, None) => None,
            };
            let cells = size.map_or(Ok(BOX_CELLS_MAX), |size| self.cells(size));
            all_cells += cells.map_err(|cause| format!("object {number} has {cause}"))?;
        }
        for (size, number) in self.semantic_maps.iter().map(MapRecord::size).zip(1..) {
            let cells = size.map_or(Ok(0), |size| self.cells(size));
            all_cells += cells.map_err(|cause| format!("semantic map {number} has {cause}"))?;
        }
        if all_cells > CELLS_MAX {
            return Err(format!(
                "masks of {all_cells} cells, where a frame has at most {CELLS_MAX}; write mask-size=grid"
            ));
        }
        Ok(())
    }

    fn cells(&self, [height, width]: [u32; 2]) -> Result<u64, String> {
        let cells = u64::from(width) * u64::from(height);
        let most = (u64::from(self.width) * u64::from(self.height)).max(GRID_CELLS_MAX);
        if cells == 0 || cells > most {
            return Err(format!("a mask of {width}x{height}; legal are 1 to {most} cells for this frame"));
        }
        Ok(cells)
    }
}

fn mask_of(width: u32, height: u32, values: Vec<u8>) -> Mask {
    Mask { width, height, values: Arc::new(values) }
}

impl From<ObjectState> for State {
    fn from(state: ObjectState) -> Self {
        match state {
            ObjectState::New => Self::New,
            ObjectState::Tracked => Self::Tracked,
            ObjectState::Propagated => Self::Propagated,
            ObjectState::Held => Self::Held,
            ObjectState::Lost => Self::Lost,
        }
    }
}

impl From<State> for ObjectState {
    fn from(state: State) -> Self {
        match state {
            State::New => Self::New,
            State::Tracked => Self::Tracked,
            State::Propagated => Self::Propagated,
            State::Held => Self::Held,
            State::Lost => Self::Lost,
        }
    }
}
