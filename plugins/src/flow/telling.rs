//! What is posted on the bus. A bus that flushes takes no message; there is nobody left to tell.

use gst::prelude::*;

/// Asks the pipeline to ask for latencies again.
pub(crate) fn post_latency(element: &impl IsA<gst::Element>) {
    let _ = element.post_message(gst::message::Latency::builder().src(element.upcast_ref::<gst::Element>()).build());
}

/// Posts an ELEMENT message.
pub(crate) fn post_structure(element: &impl IsA<gst::Element>, structure: gst::Structure) {
    let _ = element
        .post_message(gst::message::Element::builder(structure).src(element.upcast_ref::<gst::Element>()).build());
}
