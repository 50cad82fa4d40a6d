//! "This very thing": points, a box and a mask on one thing of the picture, checked on construction.

use std::sync::Arc;

use super::{BoxUnit, GivenBox};
use crate::error::{Error, Result};
use crate::objects::{MASK_INSIDE, Mask};

/// Things in one request.
pub const MAX_THINGS: usize = 64;
/// Points of one thing; a box counts as two.
pub const MAX_MARKS: usize = 16;
/// What a thing without a name is called.
pub const NAMELESS_THING: &str = "object";

/// A point as users write it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GivenPoint {
    /// From the left.
    pub x: f32,
    /// From the top.
    pub y: f32,
    /// True for "this", false for "not this".
    pub is_positive: bool,
}

/// All that is said of one thing. It lies at the same place of every frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Marks {
    /// What the numbers of points and box count.
    pub unit: BoxUnit,
    /// On the thing, or beside it.
    pub points: Vec<GivenPoint>,
    /// Around the thing.
    pub given_box: Option<GivenBox>,
    /// Roughly the thing, of any size, stretched over the frame.
    pub mask: Option<Mask>,
}

/// Exactly one thing that somebody points at; exemplar boxes mean all that look alike.
#[derive(Debug, Clone, PartialEq)]
pub struct PointedThing {
    label: Arc<str>,
    marks: Marks,
}

impl PointedThing {
    /// A thing; one without a name is called [`NAMELESS_THING`].
    ///
    /// # Errors
    /// [`Error::Prompt`] where nothing says what is meant, for too many points, and for numbers outside the range of
    /// their unit.
    pub fn new(label: &str, marks: Marks) -> Result<Arc<Self>> {
        let label = Some(label.trim()).filter(|label| !label.is_empty()).unwrap_or(NAMELESS_THING);
        marks.check().map_err(|(prompt, cause)| Error::Prompt { prompt: prompt.unwrap_or(label.into()), cause })?;
        Ok(Arc::new(Self { label: label.into(), marks }))
    }

    /// What it is called.
    pub fn label(&self) -> &Arc<str> {
        &self.label
    }

    /// All that is said of it.
    pub fn marks(&self) -> &Marks {
        &self.marks
    }
}

impl Marks {
    /// What is wrong, and with which mark.
    fn check(&self) -> std::result::Result<(), (Option<String>, String)> {
        self.points.iter().try_for_each(|point| point.check(self.unit))?;
        if let Some(given) = &self.given_box {
            let negative = "a box lies around the thing; only points can be negative";
            let mistake = given.mistake(self.unit).or((!given.is_positive).then(|| negative.into()));
            mistake.map_or(Ok(()), |cause| Err((Some(given.to_string()), cause)))?;
        }
        if self.mask.as_ref().is_some_and(|mask| mask.bytes().iter().all(|value| *value < MASK_INSIDE)) {
            return Err((None, format!("its mask is empty; values of {MASK_INSIDE} and more are inside")));
        }
        let count = self.points.len() + 2 * usize::from(self.given_box.is_some());
        if count > MAX_MARKS {
            return Err((None, format!("it has {count} points (a box counts as two), {MAX_MARKS} are possible")));
        }
        let is_meant = self.given_box.is_some() || self.mask.is_some() || self.points.iter().any(|p| p.is_positive);
        if !is_meant {
            return Err((None, "nothing says what is meant; give a point without a minus, a box or a mask".into()));
        }
        Ok(())
    }
}

impl GivenPoint {
    fn check(&self, unit: BoxUnit) -> std::result::Result<(), (Option<String>, String)> {
        if unit.allows(&[self.x, self.y]) {
            return Ok(());
        }
        Err((Some(self.to_string()), format!("x and y are {}", unit.legal_numbers())))
    }
}

impl std::fmt::Display for GivenPoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{},{}", if self.is_positive { "" } else { "-" }, self.x, self.y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(x: f32, y: f32, is_positive: bool) -> GivenPoint {
        GivenPoint { x, y, is_positive }
    }

    fn refused(marks: Marks) -> String {
        PointedThing::new("dog", marks).unwrap_err().to_string()
    }

    fn of_points(points: &[GivenPoint]) -> Marks {
        Marks { points: points.to_vec(), ..Marks::default() }
    }

    #[test]
    fn something_must_say_what_is_meant() {
        assert!(refused(Marks::default()).contains("without a minus"));
        assert!(refused(of_points(&[point(0.5, 0.5, false)])).contains("\"dog\""));
        assert!(PointedThing::new("dog", of_points(&[point(0.5, 0.5, true), point(0.6, 0.5, false)])).is_ok());
        let mask = |value| Marks { mask: Mask::new(2, 1, vec![0, value]), ..Marks::default() };
        assert!(PointedThing::new("dog", mask(128)).is_ok());
        assert!(refused(mask(127)).contains("128"));
        assert_eq!(&**PointedThing::new("  ", mask(128)).unwrap().label(), "object");
    }

    #[test]
    fn numbers_outside_their_range_name_the_mark_and_the_remedy() {
        let error = refused(of_points(&[point(0.5, 0.5, true), point(40.0, 0.5, false)]));
        assert!(error.contains("-40,0.5") && error.contains("from 0 to 1"), "{error}");
        assert!(refused(of_points(&[point(f32::NAN, 0.5, true)])).contains("from 0 to 1"));
        let pixels = Marks { unit: BoxUnit::Pixels, ..of_points(&[point(40.0, 70000.0, true)]) };
        assert!(refused(pixels).contains("65536"));
        let given = GivenBox { x: 0.1, y: 0.1, width: 0.5, height: 0.5, is_positive: false };
        assert!(refused(Marks { given_box: Some(given), ..Marks::default() }).contains("only points"));
        let flat = GivenBox { width: 0.0, is_positive: true, ..given };
        assert!(refused(Marks { given_box: Some(flat), ..Marks::default() }).contains("above 0"));
    }

    #[test]
    fn points_are_bounded_and_a_box_counts_as_two() {
        let many = |count| of_points(&vec![point(0.5, 0.5, true); count]);
        assert!(PointedThing::new("dog", many(MAX_MARKS)).is_ok());
        assert!(refused(many(MAX_MARKS + 1)).contains("17 points"));
        let given_box = Some(GivenBox { x: 0.1, y: 0.1, width: 0.5, height: 0.5, is_positive: true });
        assert!(PointedThing::new("dog", Marks { given_box, ..many(MAX_MARKS - 2) }).is_ok());
        assert!(refused(Marks { given_box, ..many(MAX_MARKS - 1) }).contains("17 points"));
    }
}
