//! The junction of an analyser in every order that its threads can take, within a few preemptions: nobody waits for ever,
//! and a flush leaves nothing of what was before it.

mod flow;

fn main() {
    gst::init().expect("GStreamer starts");
    flow::run_models();
}
