//! The action signals that edit objects; those that edit prompts are every element's with prompts.

use std::sync::LazyLock;

use glib::Value;
use glib::subclass::Signal;
use gst::prelude::*;
use sa3::boxes::BoxXyxy;
use sa3::session::{ClickPoint, Edit, SavedSession};

use super::events;
use super::imp::Sa3Track;
use crate::prompted::actions::{self as prompted, get, on_element};
use crate::prompted::given_mask::mask_of_sample;

/// The id that begins an object.
const NEW_OBJECT: u64 = 0;

/// All signals of the element.
pub(super) fn signals() -> &'static [Signal] {
    static SIGNALS: LazyLock<Vec<Signal>> = LazyLock::new(|| {
        let (id, number, flag) = (u64::static_type(), f64::static_type(), bool::static_type());
        let text = String::static_type();
        let mut signals = prompted::signals::<Sa3Track>();
        signals.extend(events::signals());
        signals.extend([
            edit("click", &[id, number, number, flag], click),
            edit("draw-box", &[id, number, number, number, number], draw_box),
            edit("give-mask", &[id, gst::Sample::static_type()], give_mask),
            edit("remove-object", &[id, flag], |values| {
                Ok(Edit::RemoveObject { object_id: get(values, 1), bans: get(values, 2) })
            }),
            edit("lock-object", &[id, flag], |values| {
                Ok(Edit::Lock { object_id: get(values, 1), is_locked: get(values, 2) })
            }),
            edit("rename-object", &[id, text], |values| {
                let label = values[2].get::<Option<String>>().ok().flatten().unwrap_or_default();
                Ok(Edit::Rename { object_id: get(values, 1), label: label.into() })
            }),
            edit("clear-bans", &[], |_| Ok(Edit::ClearBans)),
            edit("scene-cut", &[], |_| Ok(Edit::SceneCut)),
            edit("load-session", &[text], |values| {
                let text = values[1].get::<Option<String>>().ok().flatten().unwrap_or_default();
                Ok(Edit::Restore(Box::new(SavedSession::from_json(&text)?)))
            }),
            Signal::builder("save-session")
                .return_type::<Option<String>>()
                .run_last()
                .action()
                .class_handler(|values| Some(on_element(values, Sa3Track::saved_session).to_value()))
                .build(),
        ]);
        signals
    });
    &SIGNALS
}

/// An action signal that makes an edit; it returns whether the edit is in line.
fn edit(name: &str, types: &[glib::Type], make: fn(&[Value]) -> sa3::Result<Edit>) -> Signal {
    Signal::builder(name)
        .param_types(types.iter().copied())
        .return_type::<bool>()
        .run_last()
        .action()
        .class_handler(move |values| Some(on_element(values, |imp: &Sa3Track| imp.take_edit(make(values))).to_value()))
        .build()
}

fn object_of(values: &[Value]) -> Option<u64> {
    let id: u64 = get(values, 1);
    (id != NEW_OBJECT).then_some(id)
}

fn click(values: &[Value]) -> sa3::Result<Edit> {
    let [x, y] = [2, 3].map(|index| get::<f64>(values, index) as f32);
    let point = ClickPoint { x, y, is_positive: get(values, 4) };
    Ok(Edit::Click { object_id: object_of(values), points: vec![point], at_ns: None, label: None })
}

fn draw_box(values: &[Value]) -> sa3::Result<Edit> {
    let [x, y, width, height] = [2, 3, 4, 5].map(|index| get::<f64>(values, index) as f32);
    let box_in_frame = BoxXyxy { x0: x, y0: y, x1: x + width, y1: y + height };
    Ok(Edit::Box { object_id: object_of(values), box_in_frame, at_ns: None, label: None })
}

fn give_mask(values: &[Value]) -> sa3::Result<Edit> {
    let mask = mask_of_sample(&values[2])?;
    Ok(Edit::Mask { object_id: object_of(values), mask, label: None })
}
