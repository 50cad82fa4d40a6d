//! Things that are pointed at, as text that can be typed: `dog: 0.4,0.5; -0.6,0.2; cat: 0.1,0.1,0.3,0.4`.
//!
//! ```text
//! text  = item { ";" item }
//! item  = unit | [ name ":" ] mark
//! unit  = "unit=frame" | "unit=pixels"
//! mark  = [ "+" | "-" ] x "," y | x "," y "," width "," height
//! ```
//!
//! Two numbers are a point, four a box. Every name begins a thing of its own (a lone colon one without a name), and the
//! marks up to the next name are all on it. A minus marks a point that is *not* on the thing. A unit holds for the
//! things that begin after it.

use std::sync::Arc;

use super::box_text::{box_from_text, unit_from_name};
use super::thing::{GivenPoint, MAX_THINGS, Marks, PointedThing};
use super::{BoxUnit, GivenBox};
use crate::error::{Error, Result};

/// The grammar in one sentence, for messages.
pub const THING_GRAMMAR: &str = "Write points=\"dog: 0.4,0.5; -0.6,0.2; cat: 0.1,0.1,0.3,0.4\": a name and a colon (or \
                                 a lone colon) begin a thing; then x,y for a point, with a minus before one that is not \
                                 on it, or x,y,width,height for a box around it, from 0 to 1, with ; between; \
                                 unit=pixels; holds for the things after it";

/// A mark of the text.
enum Mark {
    Point(GivenPoint),
    Box(GivenBox),
}

/// The things of a text, in its order.
///
/// # Errors
/// [`Error::Prompt`] that names the item.
pub fn things_from_text(text: &str) -> Result<Vec<Arc<PointedThing>>> {
    let mut things: Vec<(&str, Marks)> = Vec::new();
    let (mut unit, mut is_between) = (BoxUnit::default(), true);
    for item in text.split(';').map(str::trim).filter(|item| !item.is_empty()) {
        if let Some(value) = item.strip_prefix("unit=") {
            unit = unit_from_name(value.trim()).map_err(|cause| refused(item, cause))?;
            is_between = true;
            continue;
        }
        let (name, numbers) = item.rsplit_once(':').map_or((None, item), |(name, rest)| (Some(name.trim()), rest));
        let mark = mark_from_text(numbers).ok_or_else(|| refused(item, "it is no point and no box".into()))?;
        let begins_after_unit = is_between && things.is_empty();
        if name.is_some() || begins_after_unit {
            things.push((name.unwrap_or_default(), Marks { unit, ..Marks::default() }));
        } else if is_between {
            let cause = "after a unit a thing begins; put its name and a colon, or a colon alone, before the numbers";
            return Err(refused(item, cause.into()));
        }
        is_between = false;
        if let Some((_, marks)) = things.last_mut() {
            marks.take(mark).map_err(|cause| refused(item, cause))?;
        }
    }
    check_thing_count(things.len())?;
    things.into_iter().map(|(name, marks)| PointedThing::new(name, marks)).collect()
}

/// Whether one request may have so many things.
///
/// # Errors
/// [`Error::Prompt`] for more than [`MAX_THINGS`].
pub fn check_thing_count(count: usize) -> Result<()> {
    if count <= MAX_THINGS {
        return Ok(());
    }
    Err(refused("points", format!("{count} things are pointed at, {MAX_THINGS} are possible")))
}

impl Marks {
    fn take(&mut self, mark: Mark) -> std::result::Result<(), String> {
        match mark {
            Mark::Point(point) => self.points.push(point),
            Mark::Box(_) if self.given_box.is_some() => {
                return Err("its thing has a box already; a name or a colon before the numbers begins another".into());
            }
            Mark::Box(given) => self.given_box = Some(given),
        }
        Ok(())
    }
}

fn mark_from_text(text: &str) -> Option<Mark> {
    if let Some(given) = box_from_text(text) {
        return Some(Mark::Box(given));
    }
    // A point is the corner of a box without a size.
    let GivenBox { x, y, is_positive, .. } = box_from_text(&format!("{text},0,0"))?;
    Some(Mark::Point(GivenPoint { x, y, is_positive }))
}

fn refused(item: &str, cause: String) -> Error {
    Error::Prompt { prompt: item.into(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names and marks as text.
    fn parsed(text: &str) -> Vec<(String, String)> {
        let as_text = |thing: &Arc<PointedThing>| {
            let marks = thing.marks();
            let points = marks.points.iter().map(GivenPoint::to_string);
            let all: Vec<_> = marks.given_box.iter().map(GivenBox::to_string).chain(points).collect();
            (thing.label().to_string(), all.join("; "))
        };
        things_from_text(text).unwrap().iter().map(as_text).collect()
    }

    fn pair(name: &str, marks: &str) -> (String, String) {
        (name.into(), marks.into())
    }

    #[test]
    fn a_name_begins_a_thing_and_marks_add_up() {
        assert_eq!(
            parsed(" dog: 0.4,0.5 ;-0.6,.2; cat:0.1,0.1,0.3,0.4; +0.2, 0.2;"),
            [pair("dog", "0.4,0.5; -0.6,0.2"), pair("cat", "0.1,0.1,0.3,0.4; 0.2,0.2")]
        );
        assert_eq!(parsed("dog: 0.1,0.1; dog: 0.9,0.9").len(), 2, "two dogs");
        assert_eq!(
            parsed("0.4,0.5; 0.5,0.5; : 0.1,0.1"),
            [pair("object", "0.4,0.5; 0.5,0.5"), pair("object", "0.1,0.1")]
        );
        assert_eq!(parsed("the 12:30 train: 0,1"), [pair("the 12:30 train", "0,1")]);
        assert!(parsed(" ; ").is_empty());
    }

    #[test]
    fn a_unit_holds_for_the_things_after_it() {
        let units = |text: &str| things_from_text(text).unwrap().iter().map(|t| t.marks().unit).collect::<Vec<_>>();
        assert_eq!(units("unit=pixels; 40,60; 41,60"), [BoxUnit::Pixels]);
        assert_eq!(
            units("dog: 0.5,0.5; unit=pixels; cat: 4,6; unit=frame; : 0,0"),
            [BoxUnit::Frame, BoxUnit::Pixels, BoxUnit::Frame]
        );
        let error = things_from_text("dog: 0.5,0.5; unit=pixels; 40,60").unwrap_err().to_string();
        assert!(error.contains("40,60") && error.contains("a thing begins"), "{error}");
    }

    #[test]
    fn what_is_no_mark_is_named() {
        for wrong in ["dog", "dog:", "dog: 0.1", "0.1,0.2,0.3", "0.1 0.2", "--0.1,0.2", "0.1,-0.2", "0,0,1,1,1", "a,b"]
        {
            let error = things_from_text(&format!("cat: 0,0; {wrong}")).unwrap_err().to_string();
            assert!(error.contains(wrong) && error.contains("no point and no box"), "{error}");
        }
        for (wrong, cause) in [
            ("unit=px; 0,0", "pixels"),
            ("40,40", "from 0 to 1"),
            ("dog: -0.1,0.1", "without a minus"),
            ("dog: -0.1,0.1,0.5,0.5", "only points"),
            ("dog: 0,0,1,1; 0,0,0.5,0.5", "a box already"),
        ] {
            let error = things_from_text(wrong).unwrap_err().to_string();
            assert!(error.contains(cause), "{wrong}: {error}");
        }
        assert!(things_from_text(&"a: 0,0;".repeat(65)).unwrap_err().to_string().contains("64 are possible"));
    }
}
