//! What happened to objects, as messages and signals.

use glib::subclass::Signal;
use gst::prelude::*;
use sa3::boxes::BoxXyxy;
use sa3::session::{ObjectEvent, ObjectEventKind, RemovalCause};

use super::follower::Happened;

/// The signals, in the order of their events.
pub(super) fn signals() -> Vec<Signal> {
    use ObjectEventKind::{Appeared, Lost, Recovered, Removed};
    let types = [u64::static_type(), gst::Structure::static_type()];
    [Appeared, Lost, Recovered, Removed].map(|kind| Signal::builder(signal_of(kind)).param_types(types).build()).into()
}

/// The signal of an event.
pub(super) fn signal_of(kind: ObjectEventKind) -> &'static str {
    match kind {
        ObjectEventKind::Appeared => "object-appeared",
        ObjectEventKind::Lost => "object-lost",
        ObjectEventKind::Recovered => "object-recovered",
        ObjectEventKind::Removed => "object-removed",
    }
}

/// The structure of the message and the signal.
pub(super) fn structure_of(event: &ObjectEvent, happened: &Happened) -> gst::Structure {
    let builder = gst::Structure::builder("sa3-object")
        .field("event", signal_of(event.kind).trim_start_matches("object-"))
        .field("id", event.object_id)
        .field("label", &*event.label)
        .field("pts", happened.pts)
        .field_if_some("cause", event.cause.map(words_of));
    let object = happened.objects.items.iter().find(|object| object.id == Some(event.object_id));
    let Some(object) = object else {
        return builder.build();
    };
    let BoxXyxy { x0, y0, x1, y1 } = object.box_in_frame;
    let place = [("x", x0), ("y", y0), ("width", x1 - x0), ("height", y1 - y0)];
    let builder = builder.field("score", f64::from(object.score));
    place.into_iter().fold(builder, |builder, (name, value)| builder.field(name, f64::from(value))).build()
}

fn words_of(cause: RemovalCause) -> &'static str {
    match cause {
        RemovalCause::Unconfirmed => "unconfirmed",
        RemovalCause::Double => "double",
        RemovalCause::LostTooLong => "lost-too-long",
        RemovalCause::UnmatchedTooLong => "unmatched-too-long",
        RemovalCause::User => "user",
        RemovalCause::PhraseGone => "phrase-gone",
        RemovalCause::Cleared => "cleared",
    }
}
