//! The action signals that edit objects; those that edit prompts are every element's with prompts.

use std::sync::LazyLock;

use glib::Value;
use glib::subclass::Signal;
use gst::prelude::*;
use sa3::Mask;
use sa3::boxes::BoxXyxy;
use sa3::session::{ClickPoint, Edit, SavedSession};

use super::events;
use super::imp::Sa3Track;
use crate::prompted::actions::{self as prompted, on_element};

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

fn get<'v, T: glib::value::FromValue<'v> + Default>(values: &'v [Value], index: usize) -> T {
    values[index].get::<T>().unwrap_or_default()
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
    let refused = |cause: &str| sa3::Error::Setting {
        property: "give-mask",
        value: "a sample".into(),
        cause: cause.into(),
        remedy: "Give a GstSample of one frame, video/x-raw,format=GRAY8; 128 and more is inside".into(),
    };
    let sample = values[2].get::<Option<gst::Sample>>().ok().flatten().ok_or_else(|| refused("there is none"))?;
    let caps = sample.caps().ok_or_else(|| refused("it has no caps"))?;
    let info = gst_video::VideoInfo::from_caps(caps).map_err(|_| refused("its caps are no video"))?;
    if info.format() != gst_video::VideoFormat::Gray8 {
        return Err(refused("its format is not GRAY8"));
    }
    let buffer = sample.buffer_owned().ok_or_else(|| refused("it has no buffer"))?;
    use gst_video::VideoFrameExt;
    let frame = gst_video::VideoFrame::from_buffer_readable(buffer, &info).map_err(|_| refused("it cannot be read"))?;
    let (width, stride) = (info.width() as usize, frame.plane_stride()[0] as usize);
    let plane = frame.plane_data(0).map_err(|_| refused("it cannot be read"))?;
    let rows = plane.chunks(stride).take(info.height() as usize);
    let values_of_mask: Vec<u8> = rows.flat_map(|row| &row[..width.min(row.len())]).copied().collect();
    let mask = Mask::new(info.width(), info.height(), values_of_mask).ok_or_else(|| refused("it is cut short"))?;
    Ok(Edit::Mask { object_id: object_of(values), mask, label: None })
}
