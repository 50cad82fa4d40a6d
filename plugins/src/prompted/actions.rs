//! The action signals: prompts that a program adds and takes away while the pipeline plays.

use glib::Value;
use glib::prelude::*;
use glib::subclass::Signal;
use glib::subclass::prelude::*;
use sa3::Result;

use super::Prompted;
use super::prompts::{PROPERTIES, box_from_structure, fields_from_structure};

/// What add-text and add-box return when they refuse.
const NO_ID: u32 = 0;

/// The signals that every element with prompts has.
pub(crate) fn signals<E: Prompted>() -> Vec<Signal> {
    let (text, fields, id) = (String::static_type(), gst::Structure::static_type(), u32::static_type());
    let action = |name| Signal::builder(name).run_last().action();
    vec![
        action("add-text")
            .param_types([text, fields])
            .return_type::<u32>()
            .class_handler(|values| Some(on_element(values, |imp: &E| add_text(imp, values)).to_value()))
            .build(),
        action("add-box")
            .param_types([fields])
            .return_type::<u32>()
            .class_handler(|values| Some(on_element(values, |imp: &E| add_box(imp, values)).to_value()))
            .build(),
        action("remove-prompt")
            .param_types([id])
            .return_type::<bool>()
            .class_handler(|values| Some(on_element(values, |imp: &E| remove_prompt(imp, values)).to_value()))
            .build(),
        action("reset")
            .class_handler(|values| {
                on_element(values, |imp: &E| reset(imp));
                None
            })
            .build(),
    ]
}

/// Calls `act` with the element that a signal belongs to.
pub(crate) fn on_element<E: Prompted, T>(values: &[Value], act: impl FnOnce(&E) -> T) -> T {
    let object = values[0].get::<E::Type>().expect("a signal's first value is the element that it belongs to");
    act(E::from_obj(&object))
}

/// One of a signal's values.
pub(crate) fn get<'v, T: glib::value::FromValue<'v> + Default>(values: &'v [Value], index: usize) -> T {
    values[index].get::<T>().unwrap_or_default()
}

/// The structure that a signal brings; an empty one for NULL.
pub(crate) fn structure(value: &Value) -> gst::Structure {
    value.get::<Option<gst::Structure>>().ok().flatten().unwrap_or_else(|| gst::Structure::new_empty("prompt"))
}

fn add_text<E: Prompted>(imp: &E, values: &[Value]) -> u32 {
    let text = values[1].get::<Option<String>>().ok().flatten().unwrap_or_default();
    let prompt = |options: gst::Structure| -> Result<_> {
        let mut fields = fields_from_structure(&options)?;
        fields.text = Some(text);
        fields.to_prompt()
    };
    let prompt = prompt(structure(&values[2]));
    imp.change_prompts(|sources| sources.add(prompt?)).unwrap_or(NO_ID)
}

fn add_box<E: Prompted>(imp: &E, values: &[Value]) -> u32 {
    let parsed = box_from_structure(&structure(&values[1]));
    let added = imp.change_prompts(|sources| {
        let (mut fields, id) = parsed?;
        let Some(id) = id else {
            return sources.add(fields.to_prompt()?);
        };
        // The prompt with this id has the words, so that a negative box alone says something.
        fields.text.get_or_insert_with(|| "exemplar".into());
        sources.extend(id, fields.to_prompt()?).map(|()| id)
    });
    added.unwrap_or(NO_ID)
}

fn remove_prompt<E: Prompted>(imp: &E, values: &[Value]) -> bool {
    let id = values[1].get().unwrap_or(NO_ID);
    imp.change_prompts(|sources| Ok(sources.remove(id))).unwrap_or(false)
}

fn reset<E: Prompted>(imp: &E) {
    imp.change_prompts(|sources| {
        sources.reset();
        Ok(())
    });
    imp.on_reset();
    // Not every element can be pointed with.
    for property in PROPERTIES.into_iter().filter(|property| imp.obj().has_property(property)) {
        imp.obj().notify(property);
    }
}
