//! The junction of an analyser in every order that its threads can take, within a few preemptions: nobody waits for ever,
//! and a flush leaves nothing of what was before it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod flow;

fn main() {
    gst::init().expect("GStreamer starts");
    flow::run_models();
}
