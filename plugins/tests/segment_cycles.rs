//! Going up to PLAYING and back to NULL again and again leaves nothing behind.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use gst::prelude::*;

const WARM_UP_CYCLES: usize = 60;
const MEASURED_CYCLES: usize = 1000;
/// One leaked event or buffer is half a KiB, a thread or an engine many. The noise over all cycles is 200 KiB.
const MAX_GROWTH_IN_KIB_PER_CYCLE: f64 = 0.5;

fn memory_in_use_in_kib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

fn thread_count() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

fn cycle(pipeline: &gst::Pipeline) {
    pipeline.set_state(gst::State::Playing).unwrap();
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &kinds).unwrap();
    assert_eq!(message.type_(), gst::MessageType::Eos, "{message:?}");
    pipeline.set_state(gst::State::Null).unwrap();
}

#[test]
fn cycles_leave_no_memory_and_no_thread() {
    gst::init().unwrap();
    gstsa3::plugin_register_static().unwrap();
    for properties in ["sync-mode=exact", "sync-mode=latest", "sync-mode=skip late-policy=pass-bare"] {
        cycles_of(properties);
    }
}

fn cycles_of(properties: &str) {
    let line = format!(
        "videotestsrc num-buffers=3 ! video/x-raw,format=GRAY8,width=64,height=64 ! \
         sa3segment model=test prompt=\"dog; cat\" {properties} ! fakesink sync=false"
    );
    let pipeline = gst::parse::launch(&line).unwrap().downcast::<gst::Pipeline>().unwrap();
    (0..WARM_UP_CYCLES).for_each(|_| cycle(&pipeline));
    let (memory_before, threads_before) = (memory_in_use_in_kib(), thread_count());
    (0..MEASURED_CYCLES).for_each(|_| cycle(&pipeline));
    let growth = (memory_in_use_in_kib() - memory_before) / MEASURED_CYCLES as f64;
    assert!(growth < MAX_GROWTH_IN_KIB_PER_CYCLE, "{properties}: {growth} KiB a cycle");
    // An engine's thread may still be on its way out.
    assert!(thread_count() <= threads_before + 4, "{} threads, {threads_before} before", thread_count());
}
