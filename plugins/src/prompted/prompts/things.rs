//! What is pointed at: the property `points`, and what action signals add and correct.

use std::sync::Arc;

use sa3::prompt::{Marks, NAMELESS_THING, PointedThing, THING_GRAMMAR, check_thing_count, things_from_text};
use sa3::{Error, Result};

use super::refused;

/// Everything that is pointed at.
#[derive(Debug, Clone, Default)]
pub(super) struct Things {
    text: String,
    of_text: Vec<Arc<PointedThing>>,
    added: Vec<(u32, Arc<PointedThing>)>,
}

impl Things {
    /// Sets the property.
    ///
    /// # Errors
    /// [`Error::Setting`] with its grammar; nothing has changed then.
    pub(super) fn set(&mut self, text: String) -> Result<()> {
        let of_text = things_from_text(&text).and_then(|things| {
            check_thing_count(things.len() + self.added.len())?;
            Ok(things)
        });
        self.of_text = of_text.map_err(|error| refused("points", &text, &error, THING_GRAMMAR))?;
        self.text = text;
        Ok(())
    }

    /// The property.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// All of them, those of the property first.
    pub(super) fn list(&self) -> Vec<Arc<PointedThing>> {
        self.of_text.iter().chain(self.added.iter().map(|(_, thing)| thing)).cloned().collect()
    }

    /// Begins a thing, which gets this id.
    ///
    /// # Errors
    /// [`Error::Prompt`] where the marks say nothing, or there are too many things.
    pub(super) fn begin(&mut self, id: u32, marks: Marks) -> Result<()> {
        check_thing_count(self.of_text.len() + self.added.len() + 1)?;
        self.added.push((id, PointedThing::new(NAMELESS_THING, marks)?));
        Ok(())
    }

    /// Lets `change` say more of the thing with this id, and gives it the name that `change` returns.
    ///
    /// # Errors
    /// [`Error::Prompt`] for an id that is none, and where the marks say nothing; nothing has changed then.
    pub(super) fn change(&mut self, id: u64, change: impl FnOnce(&mut Marks, &str) -> String) -> Result<u32> {
        let Some((known, thing)) = self.added.iter_mut().find(|(known, _)| u64::from(*known) == id) else {
            let cause = "no thing was begun with this id, or it is gone; ids are what click, draw-box and give-mask \
                         return, and 0 begins a thing"
                .into();
            return Err(Error::Prompt { prompt: format!("id {id}"), cause });
        };
        let mut marks = thing.marks().clone();
        let label = change(&mut marks, thing.label());
        *thing = PointedThing::new(&label, marks)?;
        Ok(*known)
    }

    /// Takes away the thing with this id; true when there was one.
    pub(super) fn remove(&mut self, id: u32) -> bool {
        let count = self.added.len();
        self.added.retain(|(known, _)| *known != id);
        self.added.len() < count
    }
}

/// Whether both lists are the very same things.
pub(crate) fn are_same(a: &[Arc<PointedThing>], b: &[Arc<PointedThing>]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| Arc::ptr_eq(a, b))
}

/// The names of things, as `sa3-prompt` tells them.
pub(super) fn names(things: &[Arc<PointedThing>]) -> String {
    things.iter().map(|thing| &**thing.label()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use sa3::prompt::{GivenPoint, MAX_THINGS};

    fn click(x: f32, is_positive: bool) -> Marks {
        Marks { points: vec![GivenPoint { x, y: 0.5, is_positive }], ..Marks::default() }
    }

    #[test]
    fn property_and_signals_add_up() {
        let mut things = Things::default();
        things.set("dog: 0.1,0.1".into()).unwrap();
        things.begin(7, click(0.5, true)).unwrap();
        let before = things.list();
        assert_eq!(names(&before), "dog; object");
        things
            .change(7, |marks, _| {
                marks.points.push(GivenPoint { x: 0.9, y: 0.5, is_positive: false });
                "cat".into()
            })
            .unwrap();
        let after = things.list();
        assert_eq!((names(&after).as_str(), after[1].marks().points.len()), ("dog; cat", 2));
        assert!(Arc::ptr_eq(&before[0], &after[0]) && !are_same(&before, &after), "the dog stays as it was");
        assert!(things.remove(7) && !things.remove(7) && things.text() == "dog: 0.1,0.1");
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let mut things = Things::default();
        things.begin(1, click(0.5, true)).unwrap();
        let before = things.list();
        assert!(things.begin(2, click(0.5, false)).unwrap_err().to_string().contains("without a minus"));
        let far = |marks: &mut Marks, label: &str| {
            marks.points.extend(click(40.0, true).points);
            label.to_string()
        };
        assert!(things.change(1, far).unwrap_err().to_string().contains("40,0.5"));
        let unknown = things.change(5, |_, label| label.into()).unwrap_err().to_string();
        assert!(unknown.contains("id 5") && unknown.contains("0 begins"), "{unknown}");
        let error = things.set("0.1,0.2,0.3".into()).unwrap_err().to_string();
        assert!(error.contains("points=\"0.1,0.2,0.3\"") && error.contains("x,y,width,height"), "{error}");
        let most = "a: 0,0;".repeat(MAX_THINGS);
        assert!(things.set(most).unwrap_err().to_string().contains("65 things"), "with the one that was clicked");
        assert!(are_same(&before, &things.list()) && things.text().is_empty());
    }
}
