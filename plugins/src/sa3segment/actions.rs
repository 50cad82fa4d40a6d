//! The action signals: prompts that a program adds and takes away while the pipeline plays.

use std::sync::LazyLock;

use glib::Value;
use glib::prelude::*;
use glib::subclass::Signal;
use glib::subclass::prelude::*;
use sa3::Result;

use super::prompts::{PROPERTIES, box_from_structure, fields_from_structure};

/// What add-text and add-box return when they refuse.
const NO_ID: u32 = 0;

/// All signals of the element.
pub(super) fn signals() -> &'static [Signal] {
    static SIGNALS: LazyLock<Vec<Signal>> = LazyLock::new(|| {
        let (text, fields, id) = (String::static_type(), gst::Structure::static_type(), u32::static_type());
        vec![
            Signal::builder("add-text")
                .param_types([text, fields])
                .return_type::<u32>()
                .run_last()
                .action()
                .class_handler(|values| Some(add_text(values).to_value()))
                .build(),
            Signal::builder("add-box")
                .param_types([fields])
                .return_type::<u32>()
                .run_last()
                .action()
                .class_handler(|values| Some(add_box(values).to_value()))
                .build(),
            Signal::builder("remove-prompt")
                .param_types([id])
                .return_type::<bool>()
                .run_last()
                .action()
                .class_handler(|values| Some(remove_prompt(values).to_value()))
                .build(),
            Signal::builder("reset")
                .run_last()
                .action()
                .class_handler(|values| {
                    reset(values);
                    None
                })
                .build(),
        ]
    });
    &SIGNALS
}

fn element(values: &[Value]) -> super::Sa3Segment {
    values[0].get().expect("a signal's first value is the element that it belongs to")
}

fn structure(value: &Value) -> gst::Structure {
    value.get::<Option<gst::Structure>>().ok().flatten().unwrap_or_else(|| gst::Structure::new_empty("prompt"))
}

fn add_text(values: &[Value]) -> u32 {
    let text = values[1].get::<Option<String>>().ok().flatten().unwrap_or_default();
    let prompt = |options: gst::Structure| -> Result<_> {
        let mut fields = fields_from_structure(&options)?;
        fields.text = Some(text);
        fields.to_prompt()
    };
    let prompt = prompt(structure(&values[2]));
    element(values).imp().change_prompts(|sources| sources.add(prompt?)).unwrap_or(NO_ID)
}

fn add_box(values: &[Value]) -> u32 {
    let parsed = box_from_structure(&structure(&values[1]));
    let added = element(values).imp().change_prompts(|sources| {
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

fn remove_prompt(values: &[Value]) -> bool {
    let id = values[1].get().unwrap_or(NO_ID);
    element(values).imp().change_prompts(|sources| Ok(sources.remove(id))).unwrap_or(false)
}

fn reset(values: &[Value]) {
    let element = element(values);
    element.imp().change_prompts(|sources| {
        sources.reset();
        Ok(())
    });
    for property in PROPERTIES {
        element.notify(property);
    }
}
