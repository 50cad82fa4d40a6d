//! Where prompts come from: properties and what the action signals added, joined into one list; and beside them what is
//! pointed at.
//!
//! Each source is checked as it is set. What does not fit is refused whole, and everything stays as it was.

mod file;
mod specs;
mod structure;
mod things;

use std::sync::Arc;
use std::time::Instant;

use glib::Value;
use glib::prelude::*;
use sa3::prompt::{BOX_GRAMMAR, Marks, PointedThing, Prompt, prompts_from_box_text, with_known_exemplars};
use sa3::{Error, Result};

pub(super) use file::{Reading, Watch};
pub(crate) use specs::points_spec;
pub(super) use specs::specs;
pub(super) use structure::{box_from_structure, fields_from_structure};
use things::Things;
pub(crate) use things::are_same;

/// The properties that prompts come from; `points` is not every element's.
pub(super) const PROPERTIES: [&str; 6] = ["prompt", "prompts", "boxes", "exclude", "prompts-file", "points"];

/// What the user asked for, as written, and the prompts that it means.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    prompt: Texts,
    prompts: gst::Array,
    of_array: Vec<Prompt>,
    boxes: Texts,
    exclude: Texts,
    file: Watch,
    of_file: Vec<Prompt>,
    added: Vec<(u32, Prompt)>,
    things: Things,
    last_id: u32,
}

/// A text property.
#[derive(Debug, Clone, Default)]
struct Texts {
    text: String,
    prompts: Vec<Prompt>,
}

impl Sources {
    /// Sets the property `name`, which is one of [`PROPERTIES`].
    ///
    /// # Errors
    /// [`Error::Setting`] with the grammar of the property; nothing has changed then.
    pub(super) fn set(&mut self, name: &str, value: &Value) -> Result<()> {
        let text = || value.get::<Option<String>>().ok().flatten().unwrap_or_default();
        let mut changed = self.clone();
        match name {
            "prompt" => changed.prompt = Texts { prompts: Prompt::list_from_text(&text()), text: text() },
            "exclude" => changed.exclude = Texts { prompts: excluded(&text()), text: text() },
            "boxes" => changed.boxes = boxes(text())?,
            "prompts" => {
                let array = value.get::<gst::Array>().unwrap_or_default();
                changed.of_array = structure::prompts_from_array(&array)?;
                changed.prompts = array;
            }
            "prompts-file" => {
                changed.file = Watch::of(text());
                if !changed.file.is_on() {
                    changed.of_file.clear();
                }
            }
            "points" => changed.things.set(text())?,
            _ => return Ok(()),
        }
        changed.list().map_err(|error| refused(name_of(name), &text(), &error, "Give fewer"))?;
        *self = changed;
        Ok(())
    }

    /// The value of the property `name`, if it is one of [`PROPERTIES`].
    pub(super) fn get(&self, name: &str) -> Option<Value> {
        Some(match name {
            "prompt" => self.prompt.text.to_value(),
            "prompts" => self.prompts.to_value(),
            "boxes" => self.boxes.text.to_value(),
            "exclude" => self.exclude.text.to_value(),
            "prompts-file" => self.file.path().to_value(),
            "points" => self.things.text().to_value(),
            _ => return None,
        })
    }

    /// All of them as one list.
    ///
    /// # Errors
    /// [`Error::Prompt`] when there are too many.
    pub(super) fn list(&self) -> Result<Vec<Prompt>> {
        let added = self.added.iter().map(|(_, prompt)| prompt);
        let sources = [&self.prompt.prompts, &self.of_array, &self.of_file, &self.boxes.prompts, &self.exclude.prompts];
        Prompt::joined(sources.into_iter().flatten().chain(added).cloned().collect())
    }

    /// Adds a prompt; its id is above 0.
    ///
    /// # Errors
    /// [`Error::Prompt`] when there are too many.
    pub(super) fn add(&mut self, prompt: Prompt) -> Result<u32> {
        let id = self.next_id();
        self.added.push((id, prompt));
        if let Err(error) = self.list() {
            self.added.pop();
            return Err(error);
        }
        self.last_id = id;
        Ok(id)
    }

    /// Adds exemplars to the prompt that was added with `id`.
    ///
    /// # Errors
    /// [`Error::Prompt`] when there is no such prompt, or too many boxes.
    pub(super) fn extend(&mut self, id: u32, exemplars: Prompt) -> Result<()> {
        let before = self.added.clone();
        let Some((_, prompt)) = self.added.iter_mut().find(|(known, _)| *known == id) else {
            let cause = "nothing was added with this id; ids are what add-text and add-box return".into();
            return Err(Error::Prompt { prompt: format!("id {id}"), cause });
        };
        prompt.exemplars.extend(exemplars.exemplars);
        self.list().map(|_| ()).inspect_err(|_| self.added = before)
    }

    /// Above 0; used up once it is kept as the last.
    fn next_id(&self) -> u32 {
        self.last_id.wrapping_add(1).max(1)
    }

    /// Everything that is pointed at.
    pub(super) fn things(&self) -> Vec<Arc<PointedThing>> {
        self.things.list()
    }

    /// Lets `mark` say something of the thing with this id; 0 begins one. Returns its id.
    ///
    /// # Errors
    /// [`Error::Prompt`] for an id that is none, and where the marks say nothing; nothing has changed then.
    pub(crate) fn mark_thing(&mut self, id: u64, mark: impl FnOnce(&mut Marks)) -> Result<u32> {
        if id != 0 {
            return self.things.change(id, |marks, label| {
                mark(marks);
                label.into()
            });
        }
        let (id, mut marks) = (self.next_id(), Marks::default());
        mark(&mut marks);
        self.things.begin(id, marks)?;
        self.last_id = id;
        Ok(id)
    }

    /// Calls the thing with this id something else.
    ///
    /// # Errors
    /// [`Error::Prompt`] for an id that is none.
    pub(crate) fn name_thing(&mut self, id: u64, label: &str) -> Result<u32> {
        self.things.change(id, |_, _| label.into())
    }

    /// Takes away everything that is pointed at; ids are not used again.
    pub(crate) fn clear_things(&mut self) {
        self.things = Things::default();
    }

    /// Takes away what was added with `id`; true when there was such a prompt or thing.
    pub(super) fn remove(&mut self, id: u32) -> bool {
        let count = self.added.len();
        self.added.retain(|(known, _)| *known != id);
        self.added.len() < count || self.things.remove(id)
    }

    /// Takes away everything; ids are not used again.
    pub(super) fn reset(&mut self) {
        *self = Self { last_id: self.last_id, ..Self::default() };
    }

    /// Lets exemplars be taken from the next frame anew.
    pub(super) fn renew_exemplars(&mut self) {
        let lists = [&mut self.of_array, &mut self.of_file, &mut self.boxes.prompts];
        let added = self.added.iter_mut().map(|(_, prompt)| prompt);
        for prompt in lists.into_iter().flatten().chain(added) {
            prompt.exemplars = prompt.exemplars.iter().map(|set| set.renewed()).collect();
        }
    }

    /// What to look at when the prompts file is due to be looked at again.
    pub(super) fn file_to_look_at(&mut self, now: Instant) -> Option<Watch> {
        self.file.is_due(now).then(|| self.file.clone())
    }

    /// Takes in what was read of the file. Exemplars that it had before stay what they are.
    ///
    /// # Errors
    /// What is wrong with the file; its prompts before stay then.
    pub(super) fn take_reading(&mut self, reading: Reading) -> Result<()> {
        let Some(prompts) = self.file.take(reading)? else {
            return Ok(());
        };
        let before = std::mem::take(&mut self.of_file);
        self.of_file = with_known_exemplars(prompts, &before);
        self.list().map(|_| ()).inspect_err(|_| self.of_file = before)
    }
}

fn excluded(text: &str) -> Vec<Prompt> {
    let prompts = Prompt::list_from_text(text).into_iter();
    prompts.map(|prompt| Prompt { is_excluded: true, ..prompt }).collect()
}

fn boxes(text: String) -> Result<Texts> {
    let prompts = prompts_from_box_text(&text).map_err(|error| refused("boxes", &text, &error, BOX_GRAMMAR))?;
    Ok(Texts { prompts, text })
}

/// The name as errors keep it.
fn name_of(name: &str) -> &'static str {
    PROPERTIES.into_iter().find(|known| *known == name).unwrap_or("prompt")
}

/// The error of a property, with its grammar.
pub(super) fn refused(property: &'static str, value: &str, error: &Error, remedy: &str) -> Error {
    let cause = match error {
        Error::Prompt { prompt, cause } => format!("\"{prompt}\": {cause}"),
        other => other.to_string(),
    };
    Error::Setting {
        property,
        value: value.chars().take(200).collect(),
        cause,
        remedy: format!("{remedy}. The prompts before stay in use"),
    }
}

/// The phrases of the wanted, or of the excluded, as the `prompt` property would have them.
pub(super) fn in_words(prompts: &[Prompt], is_excluded: bool) -> String {
    let texts = prompts.iter().filter(|prompt| prompt.is_excluded == is_excluded).map(|prompt| &*prompt.text);
    texts.collect::<Vec<_>>().join("; ")
}

/// What is asked for, in words; another one whenever it changes.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(super) prompt: String,
    pub(super) exclude: String,
    pub(super) points: String,
}

impl Asked {
    pub(super) fn of(prompts: &[Prompt], things: &[Arc<PointedThing>]) -> Arc<Self> {
        let [prompt, exclude] = [false, true].map(|is_excluded| in_words(prompts, is_excluded));
        Arc::new(Self { prompt, exclude, points: things::names(things) })
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.prompt.is_empty() && self.exclude.is_empty() && self.points.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(sources: &mut Sources, name: &str, text: &str) -> Result<()> {
        sources.set(name, &text.to_value())
    }

    #[test]
    fn sources_add_up() {
        gst::init().unwrap();
        let mut sources = Sources::default();
        set(&mut sources, "prompt", "red car; dog").unwrap();
        set(&mut sources, "boxes", "dog: 0,0,1,1; : 0,0,0.5,0.5").unwrap();
        set(&mut sources, "exclude", "toy").unwrap();
        sources.set("prompts", &gst::Array::new(["cat", "dog"]).to_value()).unwrap();
        let id = sources.add(Prompt::from_text("bird").unwrap()).unwrap();
        let list = sources.list().unwrap();
        assert_eq!(
            (in_words(&list, false).as_str(), in_words(&list, true).as_str()),
            ("red car; dog; cat; visual; bird", "toy")
        );
        assert_eq!(list[1].exemplars.len(), 1);
        assert!(sources.remove(id) && !sources.remove(id));
        sources.reset();
        assert!(sources.list().unwrap().is_empty());
        assert!(sources.add(Prompt::from_text("bird").unwrap()).unwrap() > id);
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        gst::init().unwrap();
        let mut sources = Sources::default();
        set(&mut sources, "boxes", "dog: 0,0,1,1").unwrap();
        let error = set(&mut sources, "boxes", "dog: 40,40,20,20").unwrap_err().to_string();
        assert!(error.starts_with("boxes=\"dog: 40,40,20,20\"") && error.contains("unit=pixels"), "{error}");
        assert!(error.contains("x,y,width,height") && error.contains("stay in use"), "{error}");
        let many = (0..65).map(|number| number.to_string()).collect::<Vec<_>>().join(";");
        assert!(set(&mut sources, "exclude", &many).unwrap_err().to_string().contains("64 are possible"));
        assert_eq!(sources.get("exclude").unwrap().get::<String>().unwrap(), "");
        assert_eq!(sources.get("boxes").unwrap().get::<String>().unwrap(), "dog: 0,0,1,1");
        assert_eq!(sources.list().unwrap().len(), 1);
        assert!(sources.extend(7, Prompt::from_text("dog").unwrap()).unwrap_err().to_string().contains("id 7"));
    }

    #[test]
    fn renewed_exemplars_are_others_that_say_the_same() {
        let mut sources = Sources::default();
        set(&mut sources, "boxes", "dog: 0,0,1,1").unwrap();
        let before = sources.list().unwrap();
        assert_eq!(before, sources.list().unwrap());
        sources.renew_exemplars();
        let after = sources.list().unwrap();
        assert!(before != after && before[0].exemplars[0].says_the_same_as(&after[0].exemplars[0]));
    }
}
