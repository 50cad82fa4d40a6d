//! The action signals that point at things; those that edit prompts are every element's with prompts.
//!
//! They are called as `sa3track` calls its own, with which a thing is begun and corrected; what is said here holds for
//! every frame until it is taken back.

use std::sync::LazyLock;

use glib::Value;
use glib::prelude::*;
use glib::subclass::Signal;
use glib::subclass::prelude::*;
use sa3::Error;
use sa3::prompt::{GivenBox, GivenPoint, Marks};

use super::imp::Sa3Segment;
use crate::prompted::Prompted;
use crate::prompted::actions::{self as prompted, get, on_element};
use crate::prompted::given_mask::mask_of_sample;

/// What the signals return when they refuse.
const NO_ID: u32 = 0;
const REMEDY: &str = "Places are parts of the frame's width and height, 0 to 1; id 0 begins a thing, another one is what \
                      click, draw-box or give-mask returned. What was pointed at before stays in use";

/// Says something of a thing.
type Mark = Box<dyn FnOnce(&mut Marks)>;

/// All signals of the element.
pub(super) fn signals() -> &'static [Signal] {
    static SIGNALS: LazyLock<Vec<Signal>> = LazyLock::new(|| {
        let (id, number, flag) = (u64::static_type(), f64::static_type(), bool::static_type());
        let mut signals = prompted::signals::<Sa3Segment>();
        signals.extend([
            mark("click", &[id, number, number, flag], click),
            mark("draw-box", &[id, number, number, number, number], draw_box),
            mark("give-mask", &[id, gst::Sample::static_type()], give_mask),
            Signal::builder("rename-object")
                .param_types([id, String::static_type()])
                .return_type::<bool>()
                .run_last()
                .action()
                .class_handler(|values| Some(on_element(values, |imp| rename(imp, values)).to_value()))
                .build(),
            Signal::builder("clear-points")
                .run_last()
                .action()
                .class_handler(|values| {
                    on_element(values, clear);
                    None
                })
                .build(),
        ]);
        signals
    });
    &SIGNALS
}

/// An action signal that says something of a thing; it returns the thing's id.
fn mark(name: &'static str, types: &[glib::Type], read: fn(&[Value]) -> (String, sa3::Result<Mark>)) -> Signal {
    Signal::builder(name)
        .param_types(types.iter().copied())
        .return_type::<u32>()
        .run_last()
        .action()
        .class_handler(move |values| {
            let (said, mark) = read(values);
            let marked = on_element(values, |imp: &Sa3Segment| {
                imp.change_prompts(|sources| {
                    let marked = sources.mark_thing(get(values, 1), mark?);
                    marked.map_err(|error| refused(name, &said, error))
                })
            });
            Some(marked.unwrap_or(NO_ID).to_value())
        })
        .build()
}

fn refused(signal: &'static str, said: &str, error: Error) -> Error {
    match error {
        Error::Prompt { prompt, cause } => Error::Setting {
            property: signal,
            value: said.into(),
            cause: format!("\"{prompt}\": {cause}"),
            remedy: REMEDY.into(),
        },
        other => other,
    }
}

fn click(values: &[Value]) -> (String, sa3::Result<Mark>) {
    let [x, y] = [2, 3].map(|index| get::<f64>(values, index) as f32);
    let point = GivenPoint { x, y, is_positive: get(values, 4) };
    (point.to_string(), Ok(Box::new(move |marks| marks.points.push(point))))
}

fn draw_box(values: &[Value]) -> (String, sa3::Result<Mark>) {
    let [x, y, width, height] = [2, 3, 4, 5].map(|index| get::<f64>(values, index) as f32);
    let given = GivenBox { x, y, width, height, is_positive: true };
    (given.to_string(), Ok(Box::new(move |marks| marks.given_box = Some(given))))
}

fn give_mask(values: &[Value]) -> (String, sa3::Result<Mark>) {
    let mark = mask_of_sample(&values[2]).map(|mask| -> Mark { Box::new(move |marks| marks.mask = Some(mask)) });
    ("a sample".into(), mark)
}

fn rename(imp: &Sa3Segment, values: &[Value]) -> bool {
    let label = values[2].get::<Option<String>>().ok().flatten().unwrap_or_default();
    let renamed = imp.change_prompts(|sources| {
        sources.name_thing(get(values, 1), &label).map_err(|error| refused("rename-object", &label, error))
    });
    renamed.is_some()
}

fn clear(imp: &Sa3Segment) {
    imp.change_prompts(|sources| {
        sources.clear_things();
        Ok(())
    });
    imp.obj().notify("points");
}
