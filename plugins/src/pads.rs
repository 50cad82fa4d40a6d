//! Pads of elements that make their own: templates, and pads that come and go while the element runs.

use gst::prelude::*;

/// Name, direction, presence and caps of a pad.
pub(crate) type Described<'a> = (&'a str, gst::PadDirection, gst::PadPresence, &'a gst::Caps);

/// A template for each.
pub(crate) fn templates(pads: &[Described<'_>]) -> Vec<gst::PadTemplate> {
    let template = |&(name, direction, presence, caps): &Described<'_>| {
        gst::PadTemplate::new(name, direction, presence, caps).expect("name, direction and caps are valid")
    };
    pads.iter().map(template).collect()
}

/// The pads that an element always has.
pub(crate) fn add_always(element: &impl IsA<gst::Element>, pads: [&gst::Pad; 2]) {
    for pad in pads {
        element.add_pad(pad).expect("a new element has no pad of this name");
    }
}

/// A requested pad takes part at once where the element runs. Before it is added.
pub(crate) fn activate_where_running(element: &impl IsA<gst::Element>, pad: &gst::Pad) {
    if element.current_state() > gst::State::Ready && pad.set_active(true).is_err() {
        gst::warning!(gst::CAT_DEFAULT, obj = pad, "it cannot be activated");
    }
}

/// A requested pad goes.
pub(crate) fn release(element: &impl IsA<gst::Element>, pad: &gst::Pad) {
    if let Err(cause) = pad.set_active(false).and_then(|()| element.remove_pad(pad)) {
        gst::warning!(
            gst::CAT_DEFAULT,
            obj = element.upcast_ref::<gst::Element>(),
            "{} was not released: {cause}",
            pad.name()
        );
    }
}
