//! Several streams on one engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gst::prelude::*;
use gstsa3::meta::MaskMeta;

use crate::rig::{Rig, element_of};

fn rig(factory: &str, properties: &str) -> Rig {
    let mut rig = Rig::around(element_of(factory, properties));
    rig.harness.set_src_caps_str(crate::rig::CAPS);
    rig
}

/// Feeds frames and takes them out until it is told to stop.
fn feed(mut rig: Rig, label: &'static str, stop: &Arc<AtomicBool>) -> std::thread::JoinHandle<Rig> {
    let stop = stop.clone();
    std::thread::spawn(move || {
        for number in 0.. {
            if stop.load(Ordering::SeqCst) {
                break;
            }
            let attached = MaskMeta::read(&rig.through(40 * number)).unwrap();
            assert!(!attached.objects.items.is_empty());
            assert!(attached.objects.items.iter().all(|object| &*object.label == label), "another stream's objects");
        }
        rig
    })
}

#[test]
fn results_never_mix_and_turns_are_fair() {
    let model = "model=test:frame-ms=5,name=sharing";
    let stop = Arc::new(AtomicBool::new(false));
    let streams = [("sa3segment", "one"), ("sa3track", "two"), ("sa3track output-delay=0", "three")];
    let feeding: Vec<_> = streams
        .into_iter()
        .map(|(factory, label)| feed(rig(factory, &format!("{model} prompt={label}")), label, &stop))
        .collect();
    let mut own = rig("sa3segment", &format!("{model} prompt=four"));
    own.wait_until("the engine is there", |rig| rig.element.property::<Option<String>>("device-in-use").is_some());
    for number in 0..30 {
        let attached = MaskMeta::read(&own.through(40 * number)).unwrap();
        assert!(attached.objects.items.iter().all(|object| &*object.label == "four"));
    }
    stop.store(true, Ordering::SeqCst);
    for stream in feeding {
        let rig = stream.join().unwrap();
        let inferred = rig.stat::<u64>("inferred");
        assert!(inferred >= 20, "a stream was starved: {inferred} looks while another had 30");
    }
}

#[test]
fn branches_come_and_go_while_others_run() {
    crate::rig::init();
    let line = "videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=50/1 ! tee name=tee allow-not-linked=true \
                tee. ! sa3segment name=main model=test:frame-ms=1,name=branches prompt=one ! fakesink name=out sync=false";
    let pipeline = gst::parse::launch(line).unwrap().downcast::<gst::Pipeline>().unwrap();
    let main = pipeline.by_name("main").unwrap();
    let inferred = || main.property::<gst::Structure>("stats").get::<u64>("inferred").unwrap();
    let wait_beyond = |count: u64| {
        while inferred() <= count {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    };
    pipeline.set_state(gst::State::Playing).unwrap();
    wait_beyond(0);
    let tee = pipeline.by_name("tee").unwrap();
    for _ in 0..5 {
        let bin = gst::parse::bin_from_description(
            "queue ! sa3track model=test:frame-ms=1,name=branches prompt=two ! fakesink sync=false async=false",
            true,
        );
        let bin = bin.unwrap();
        pipeline.add(&bin).unwrap();
        bin.sync_state_with_parent().unwrap();
        let pad = tee.request_pad_simple("src_%u").unwrap();
        pad.link(&bin.static_pad("sink").unwrap()).unwrap();
        wait_beyond(inferred() + 3);
        let (told, heard) = std::sync::mpsc::channel();
        pad.add_probe(gst::PadProbeType::IDLE, move |pad, _| {
            if let Some(peer) = pad.peer() {
                pad.unlink(&peer).unwrap();
                told.send(()).unwrap();
            }
            gst::PadProbeReturn::Remove
        });
        heard.recv().unwrap();
        bin.set_state(gst::State::Null).unwrap();
        pipeline.remove(&bin).unwrap();
        tee.release_request_pad(&pad);
        wait_beyond(inferred() + 3);
    }
    let error = pipeline.bus().unwrap().pop_filtered(&[gst::MessageType::Error]);
    assert!(error.is_none(), "{error:?}");
    pipeline.set_state(gst::State::Null).unwrap();
}

#[test]
fn the_urgent_go_first() {
    let model = "test:frame-ms=50,name=urgent";
    let busy = crate::rig::BusyEngine::of(model);
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut rigs: Vec<_> = [("low", -1), ("middle", 0), ("high", 1)]
        .map(|(name, priority)| {
            let mut rig = rig("sa3segment", &format!("model={model} prompt={name} priority={priority}"));
            let order = order.clone();
            let pad = rig.element.static_pad("src").unwrap();
            pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
                order.lock().unwrap().push(name);
                gst::PadProbeReturn::Ok
            });
            rig.wait_until("the engine is there", |rig| {
                rig.element.property::<Option<String>>("device-in-use").is_some()
            });
            rig.harness.push(crate::rig::frame(0)).unwrap();
            rig.wait_until("it is in work", |rig| rig.stat::<u32>("queue-level") == 0);
            rig
        })
        .into();
    // In work means taken; the engine's queue has it a moment later.
    std::thread::sleep(std::time::Duration::from_millis(200));
    drop(busy);
    rigs.iter_mut().for_each(|rig| drop(rig.harness.pull().unwrap()));
    assert_eq!(*order.lock().unwrap(), ["high", "middle", "low"]);
}

#[test]
fn frames_that_wait_together_go_together_unless_an_element_wants_to_be_alone() {
    /// More than enough for frames to wait together once, however busy the machine is.
    const ROUNDS: u64 = 50;
    let model = "test:frame-ms=5,name=batches";
    let elements = [
        ("sa3segment", "prompt=one"),
        ("sa3track", "prompt=two output-delay=0"),
        ("sa3segment", "prompt=three batch-timeout=1000000"),
        ("sa3segment", "prompt=four batch-size=1"),
        ("sa3segment", "prompt=five inference-size=504"),
    ];
    let mut rigs = elements.map(|(factory, properties)| rig(factory, &format!("model={model} {properties}")));
    for round in 0..ROUNDS {
        let busy = crate::rig::BusyEngine::of(model);
        for rig in &mut rigs {
            rig.harness.push(crate::rig::frame(40 * round)).unwrap();
            rig.wait_until("it is in work", |rig| rig.stat::<u32>("queue-level") == 0);
        }
        // In work means taken; the engine's queue has it a moment later.
        std::thread::sleep(std::time::Duration::from_millis(20));
        drop(busy);
        let batches = rigs.each_mut().map(|rig| {
            let attached = MaskMeta::read(&rig.harness.pull().unwrap()).unwrap();
            assert_eq!(&*attached.objects.items[0].label, rig.element.property::<String>("prompt"));
            rig.stat::<f64>("batch-mean")
        });
        assert_eq!(batches[3..], [1.0, 1.0], "alone, and of another size");
        if batches[..3].iter().all(|mean| *mean > 1.0) {
            return;
        }
    }
    panic!("they never went together");
}
