//! Properties that a controller drives: each frame gets the values of its own time.

use gst::prelude::*;

/// Takes the values of bound controls at `stream_time`; `None`, where frames have no times, leaves them as they are.
pub(crate) fn sync(element: &impl IsA<gst::Object>, stream_time: impl FnOnce() -> Option<gst::ClockTime>) {
    if element.has_active_control_bindings()
        && let Some(time) = stream_time()
        && let Err(cause) = element.sync_values(time)
    {
        gst::log!(
            gst::CAT_DEFAULT,
            obj = element.upcast_ref::<gst::Object>(),
            "no controlled values at {time}: {cause}"
        );
    }
}
