//! Exemplar boxes: as the user gives them, and as the model reads them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::boxes::{BoxCxcywh, BoxXyxy};
use crate::error::{Error, Result};

/// Boxes of one concept.
pub const MAX_BOXES: usize = 32;
/// Largest coordinate of a box in pixels.
pub const MAX_PIXEL: f32 = 65_536.0;

/// "Find things like this" (or unlike this), normalised to the frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExemplarBox {
    /// Centre and size, 0..1 of the frame.
    pub box_in_frame: BoxCxcywh,
    /// True for "like this", false for "not like this".
    pub is_positive: bool,
}

/// A box as users write it and as GStreamer's regions of interest have it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GivenBox {
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
    /// True for "like this", false for "not like this".
    pub is_positive: bool,
}

/// What the numbers of a box count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BoxUnit {
    /// Parts of the frame's width and height, 0..1.
    #[default]
    Frame,
    /// Pixels of the frame at hand.
    Pixels,
}

/// Which frames the boxes lie on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExemplarFrames {
    /// The first frame that is looked at with them; what they show there is kept for the frames that follow.
    #[default]
    First,
    /// Every frame, at the same place.
    Each,
}

/// Boxes that were given together.
///
/// A set is one of its kind: what the model kept of it is found by its identity, so a set made anew from the same boxes
/// is taken from the next frame anew.
#[derive(Debug)]
pub struct ExemplarSet {
    identity: u64,
    boxes: Vec<GivenBox>,
    unit: BoxUnit,
    frames: ExemplarFrames,
}

impl PartialEq for ExemplarSet {
    fn eq(&self, other: &Self) -> bool {
        self.identity == other.identity
    }
}

impl ExemplarSet {
    /// A new set of boxes.
    ///
    /// # Errors
    /// [`Error::Prompt`] for no box or too many, and for numbers outside the range of their unit.
    pub fn new(boxes: Vec<GivenBox>, unit: BoxUnit, frames: ExemplarFrames) -> Result<Arc<Self>> {
        if boxes.is_empty() || boxes.len() > MAX_BOXES {
            return Err(refused(
                "exemplars",
                format!("{} boxes were given, 1 to {MAX_BOXES} are possible", boxes.len()),
            ));
        }
        boxes.iter().try_for_each(|given| given.check(unit))?;
        Ok(Self::unchecked(boxes, unit, frames))
    }

    fn unchecked(boxes: Vec<GivenBox>, unit: BoxUnit, frames: ExemplarFrames) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Arc::new(Self { identity: NEXT.fetch_add(1, Ordering::Relaxed), boxes, unit, frames })
    }

    /// The same boxes, to be taken from the next frame anew.
    pub fn renewed(&self) -> Arc<Self> {
        Self::unchecked(self.boxes.clone(), self.unit, self.frames)
    }

    /// What tells this set from every other of the process.
    pub fn identity(&self) -> u64 {
        self.identity
    }

    /// The boxes as they were given.
    pub fn boxes(&self) -> &[GivenBox] {
        &self.boxes
    }

    /// Which frames the boxes lie on.
    pub fn frames(&self) -> ExemplarFrames {
        self.frames
    }

    /// True when the other set says the same, whenever it was made.
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        (&self.boxes, self.unit, self.frames) == (&other.boxes, other.unit, other.frames)
    }

    /// The boxes on a frame of a size in pixels; what reaches beyond it is cut off.
    ///
    /// # Errors
    /// [`Error::Prompt`] when a box lies outside the frame.
    pub fn on_frame(&self, frame_width: u32, frame_height: u32) -> Result<Vec<ExemplarBox>> {
        let normalised = |given: &GivenBox| {
            let box_in_frame = given.on_frame(self.unit, frame_width, frame_height).clipped();
            if box_in_frame.area() > 0.0 {
                return Ok(ExemplarBox { box_in_frame: box_in_frame.into(), is_positive: given.is_positive });
            }
            let cause = format!(
                "the box lies outside the frame of {frame_width}x{frame_height} pixels; give it inside, or as parts of \
                 the frame from 0 to 1"
            );
            Err(refused(&given.to_string(), cause))
        };
        self.boxes.iter().map(normalised).collect()
    }
}

impl BoxUnit {
    /// Whether all of these can be coordinates or sizes.
    pub(super) fn allows(self, numbers: &[f32]) -> bool {
        let largest = if self == Self::Frame { 1.0 } else { MAX_PIXEL };
        numbers.iter().all(|number| (0.0..=largest).contains(number))
    }

    /// The legal range, as the end of a sentence.
    pub(super) fn legal_numbers(self) -> &'static str {
        match self {
            Self::Frame => "parts of the frame from 0 to 1",
            Self::Pixels => "pixels of the frame from 0 to 65536",
        }
    }

    /// What numbers of this unit are divided by, across and down, to become parts of a frame.
    pub(crate) fn of_frame(self, frame_width: u32, frame_height: u32) -> (f32, f32) {
        match self {
            Self::Frame => (1.0, 1.0),
            Self::Pixels => (frame_width.max(1) as f32, frame_height.max(1) as f32),
        }
    }
}

impl GivenBox {
    /// In parts of a frame of a size in pixels; it may reach beyond.
    pub(crate) fn on_frame(&self, unit: BoxUnit, frame_width: u32, frame_height: u32) -> BoxXyxy {
        let (width, height) = unit.of_frame(frame_width, frame_height);
        let (x0, y0) = (self.x / width, self.y / height);
        let (x1, y1) = ((self.x + self.width) / width, (self.y + self.height) / height);
        BoxXyxy { x0, y0, x1, y1 }
    }

    fn check(&self, unit: BoxUnit) -> Result<()> {
        let remedy = if unit == BoxUnit::Frame { "; for pixels say unit=pixels" } else { "" };
        match self.mistake(unit) {
            Some(cause) if !unit.allows(&self.numbers()) => Err(refused(&self.to_string(), cause + remedy)),
            Some(cause) => Err(refused(&self.to_string(), cause)),
            None => Ok(()),
        }
    }

    /// What is wrong with it, and the legal range.
    pub(super) fn mistake(&self, unit: BoxUnit) -> Option<String> {
        if !unit.allows(&self.numbers()) {
            return Some(format!("x, y, width and height are {}", unit.legal_numbers()));
        }
        (self.width <= 0.0 || self.height <= 0.0).then(|| "width and height must be above 0".into())
    }

    fn numbers(&self) -> [f32; 4] {
        [self.x, self.y, self.width, self.height]
    }
}

impl std::fmt::Display for GivenBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.is_positive { "" } else { "-" };
        write!(f, "{sign}{},{},{},{}", self.x, self.y, self.width, self.height)
    }
}

fn refused(prompt: &str, cause: String) -> Error {
    Error::Prompt { prompt: prompt.into(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(x: f32, y: f32, width: f32, height: f32) -> GivenBox {
        GivenBox { x, y, width, height, is_positive: true }
    }

    fn set(given: GivenBox, unit: BoxUnit) -> Result<Arc<ExemplarSet>> {
        ExemplarSet::new(vec![given], unit, ExemplarFrames::First)
    }

    #[test]
    fn pixels_follow_the_frame_and_parts_do_not() {
        let box_of = |set: &ExemplarSet, width, height| set.on_frame(width, height).unwrap()[0].box_in_frame;
        let pixels = set(given(8.0, 16.0, 16.0, 32.0), BoxUnit::Pixels).unwrap();
        assert_eq!(box_of(&pixels, 64, 64), BoxCxcywh { cx: 0.25, cy: 0.5, w: 0.25, h: 0.5 });
        assert_eq!(box_of(&pixels, 128, 256), BoxCxcywh { cx: 0.125, cy: 0.125, w: 0.125, h: 0.125 });
        let parts = set(given(0.5, 0.5, 0.25, 0.5), BoxUnit::Frame).unwrap();
        assert_eq!(box_of(&parts, 7, 9), BoxCxcywh { cx: 0.625, cy: 0.75, w: 0.25, h: 0.5 });
    }

    #[test]
    fn boxes_are_cut_at_the_frame_and_refused_outside() {
        let crossing = set(given(0.75, 0.0, 0.5, 1.0), BoxUnit::Frame).unwrap();
        assert_eq!(crossing.on_frame(8, 8).unwrap()[0].box_in_frame, BoxCxcywh { cx: 0.875, cy: 0.5, w: 0.25, h: 1.0 });
        let far = set(given(700.0, 0.0, 10.0, 10.0), BoxUnit::Pixels).unwrap();
        let error = far.on_frame(640, 360).unwrap_err().to_string();
        assert!(error.contains("700,0,10,10") && error.contains("640x360"), "{error}");
    }

    #[test]
    fn numbers_outside_the_unit_name_the_remedy() {
        let error = |given, unit| set(given, unit).unwrap_err().to_string();
        assert!(error(given(120.0, 40.0, 60.0, 60.0), BoxUnit::Frame).contains("unit=pixels"));
        assert!(error(given(0.1, 0.1, 0.0, 0.1), BoxUnit::Frame).contains("above 0"));
        assert!(error(given(f32::NAN, 0.1, 0.1, 0.1), BoxUnit::Frame).contains("from 0 to 1"));
        assert!(error(given(-1.0, 0.1, 9.0, 9.0), BoxUnit::Pixels).contains("65536"));
        assert!(ExemplarSet::new(vec![], BoxUnit::Frame, ExemplarFrames::First).is_err());
        let many = vec![given(0.1, 0.1, 0.1, 0.1); MAX_BOXES + 1];
        assert!(ExemplarSet::new(many, BoxUnit::Frame, ExemplarFrames::First).is_err());
    }

    #[test]
    fn a_renewed_set_says_the_same_and_is_another() {
        let first = set(given(0.1, 0.1, 0.1, 0.1), BoxUnit::Frame).unwrap();
        let second = first.renewed();
        assert!(first.says_the_same_as(&second) && *first != *second);
    }
}
