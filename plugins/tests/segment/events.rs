//! Order: events and frames leave as they came, a flush empties, the end drains.

use gst::prelude::*;
use gstsa3::flow::DEFAULT_MAX_QUEUE;
use gstsa3::meta::MaskMeta;

use crate::rig::{BusyEngine, FRAME_BYTES, Rig, frame, init, record_output};

/// Frames that fit without anybody taking one out: those that wait and the one in work.
const CAPACITY: u64 = DEFAULT_MAX_QUEUE as u64 + 1;

#[test]
fn events_keep_their_place_among_the_frames() {
    let mut rig = Rig::bare("model=test:frame-ms=20 prompt=dog");
    let out = record_output(&rig.element);
    rig.harness.set_src_caps_str(crate::rig::CAPS);
    rig.harness.push(frame(0)).unwrap();
    let second = gst::ClockTime::SECOND;
    assert!(rig.harness.push_event(gst::event::Gap::builder(second).build()));
    rig.harness.push(frame(40)).unwrap();
    let custom = gst::Structure::new_empty("marker");
    assert!(rig.harness.push_event(gst::event::CustomDownstream::new(custom)));
    rig.harness.push(frame(80)).unwrap();
    assert!(rig.harness.push_event(gst::event::Eos::new()));
    rig.wait_until("the end is out", |_| out.lock().unwrap().iter().any(|what| what == "eos"));
    let expected = ["stream-start", "caps", "segment", "0", "gap", "40", "custom-downstream", "80", "eos"];
    assert_eq!(*out.lock().unwrap(), expected);
}

#[test]
fn the_end_drains_what_waits() {
    let mut rig = Rig::new("model=test:frame-ms=50 prompt=dog");
    for number in 0..CAPACITY {
        rig.harness.push(frame(40 * number)).unwrap();
    }
    assert!(rig.harness.push_event(gst::event::Eos::new()));
    for number in 0..CAPACITY {
        let out = rig.harness.pull().unwrap();
        assert_eq!(out.pts().unwrap().mseconds(), 40 * number);
        assert!(MaskMeta::read(&out).is_some());
    }
    assert!(rig.harness.try_pull().is_none());
    assert_eq!(rig.harness.push(frame(1000)), Err(gst::FlowError::Eos));
}

#[test]
fn a_new_stream_after_the_end_flows() {
    let mut rig = Rig::new("model=test prompt=dog");
    rig.through(0);
    assert!(rig.harness.push_event(gst::event::Eos::new()));
    rig.wait_until("the end is out", |rig| rig.harness.events_received() >= 4);
    assert!(rig.harness.push_event(gst::event::StreamStart::new("again")));
    assert!(rig.harness.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new())));
    assert_eq!(rig.through(40).pts().unwrap().mseconds(), 40);
}

#[test]
fn caps_may_change_in_mid_stream() {
    let mut rig = Rig::new("model=test prompt=dog");
    let out = record_output(&rig.element);
    rig.harness.push(frame(0)).unwrap();
    rig.harness.push_event(gst::event::Caps::new(
        &gst::Caps::builder("video/x-raw")
            .field("format", "GRAY8")
            .field("width", 64)
            .field("height", 48)
            .field("framerate", gst::Fraction::new(25, 1))
            .build(),
    ));
    let mut large = gst::Buffer::with_size(64 * 48).unwrap();
    large.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(40));
    rig.harness.push(large).unwrap();
    let sizes = [(); 2].map(|()| {
        let objects = MaskMeta::read(&rig.harness.pull().unwrap()).unwrap().objects;
        (objects.frame_width, objects.frame_height)
    });
    assert_eq!(sizes, [(32, 16), (64, 48)]);
    let out = out.lock().unwrap();
    let order: Vec<_> = out.iter().skip_while(|what| *what != "0").collect();
    assert_eq!(order, ["0", "caps", "40"]);
}

#[test]
fn a_flush_does_not_wait_for_the_pass_and_empties_the_queue() {
    let engine = BusyEngine::of("test:name=flush");
    let mut rig = Rig::new("model=test:name=flush prompt=dog");
    let out = record_output(&rig.element);
    for number in 0..CAPACITY {
        rig.harness.push(frame(40 * number)).unwrap();
    }
    assert!(rig.harness.push_event(gst::event::FlushStart::new()));
    assert!(rig.harness.push_event(gst::event::FlushStop::new(true)));
    assert!(engine.is_busy(), "the flush waited for the engine");
    drop(engine);
    assert!(rig.harness.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new())));
    rig.harness.push(frame(4000)).unwrap();
    assert_eq!(rig.harness.pull().unwrap().pts().unwrap().mseconds(), 4000);
    let out = out.lock().unwrap();
    let order: Vec<_> = out.iter().skip_while(|what| *what != "flush-start").collect();
    assert_eq!(order, ["flush-start", "flush-stop", "segment", "4000"]);
    assert_eq!(rig.stat::<u64>("inferred"), 1);
}

#[test]
fn frames_that_a_flush_dropped_cost_no_pass() {
    let engine = BusyEngine::of("test:name=abandoned");
    let mut rig = Rig::new("model=test:name=abandoned prompt=dog");
    for number in 0..5 {
        rig.harness.push(frame(number)).unwrap();
        assert!(rig.harness.push_event(gst::event::FlushStart::new()));
        assert!(rig.harness.push_event(gst::event::FlushStop::new(true)));
        assert!(rig.harness.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new())));
    }
    drop(engine);
    let objects = MaskMeta::read(&rig.through(40)).unwrap().objects;
    let first_place = 0.2 - 0.15;
    assert!((objects.items[0].box_in_frame.x0 - first_place).abs() < 1e-6, "the disc moves with each pass");
}

#[test]
fn caps_that_waited_when_a_flush_came_still_hold() {
    let mut rig = Rig::bare("model=test:load-ms=500,name=sticky prompt=dog");
    rig.harness.set_src_caps_str(crate::rig::CAPS);
    rig.harness.push(frame(0)).unwrap();
    // The frame waits for the model, and these caps wait behind the frame.
    rig.harness.push_event(gst::event::Caps::new(
        &gst::Caps::builder("video/x-raw")
            .field("format", "GRAY8")
            .field("width", 16)
            .field("height", 32)
            .field("framerate", gst::Fraction::new(25, 1))
            .build(),
    ));
    rig.harness.push_event(gst::event::FlushStart::new());
    rig.harness.push_event(gst::event::FlushStop::new(true));
    rig.harness.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
    rig.harness.push(frame(40)).unwrap();
    let objects = MaskMeta::read(&rig.harness.pull().unwrap()).unwrap().objects;
    assert_eq!((objects.frame_width, objects.frame_height), (16, 32));
}

#[test]
fn downstreams_refusal_reaches_upstream() {
    let mut rig = Rig::new("model=test prompt=dog");
    let pad = rig.element.static_pad("src").unwrap();
    pad.add_probe(gst::PadProbeType::BUFFER, |_, info| {
        info.flow_res = Err(gst::FlowError::NotSupported);
        gst::PadProbeReturn::Handled
    });
    rig.harness.push(frame(0)).unwrap();
    let mut refusal = Ok(gst::FlowSuccess::Ok);
    for number in 1..100 {
        refusal = rig.harness.push(frame(number));
        if refusal.is_err() {
            break;
        }
    }
    assert_eq!(refusal, Err(gst::FlowError::NotSupported));
    assert!(!rig.harness.push_event(gst::event::Eos::new()));
    assert!(rig.error().contains("last frame"), "upstream is at its end and would not see it");
}

#[test]
fn serialized_queries_wait_for_the_frames_before_them() {
    let mut rig = Rig::new("model=test:frame-ms=100 prompt=dog");
    rig.harness.add_propose_allocation_meta(gst_video::VideoMeta::meta_api(), None);
    rig.harness.add_propose_allocation_meta(gst_video::VideoCropMeta::meta_api(), None);
    rig.harness.push(frame(0)).unwrap();
    let caps = crate::rig::CAPS.parse::<gst::Caps>().unwrap();
    let mut query = gst::query::Allocation::new(Some(&caps), true);
    query.add_allocation_pool(gst::BufferPool::NONE, FRAME_BYTES as u32, 2, 6);
    assert!(rig.harness.srcpad().unwrap().peer_query(&mut query));
    assert_eq!(rig.stat::<u64>("frames-out"), 1, "the frame went first");
    assert!(query.find_allocation_meta::<gst_video::VideoMeta>().is_some());
    assert!(query.find_allocation_meta::<gst_video::VideoCropMeta>().is_none(), "a crop would shift the masks");
    let pools: Vec<_> = query.allocation_pools().map(|(_, _, min, max)| (min, max)).collect();
    assert_eq!(pools, [(2 + CAPACITY as u32, 6 + CAPACITY as u32)], "room for the frames that are held");
}

#[test]
fn a_live_pipeline_is_told_the_time_of_a_pass_beyond_upstreams() {
    let mut rig = Rig::new("model=test:frame-ms=30 prompt=dog");
    let (upstream, pass) = (gst::ClockTime::from_mseconds(10), gst::ClockTime::from_mseconds(30));
    rig.harness.set_upstream_latency(upstream);
    rig.wait_until("the engine is there", |rig| rig.element.property::<Option<String>>("device-in-use").is_some());
    assert_eq!(rig.harness.query_latency(), Some(upstream + pass));
    rig.harness.set_live(false);
    assert_eq!(rig.harness.query_latency().unwrap_or_default(), upstream, "not live: as upstream");
}

#[test]
fn a_pipeline_can_be_sought() {
    init();
    let line = "videotestsrc num-buffers=200 ! video/x-raw,width=32,height=32,framerate=25/1 ! \
                sa3segment model=test:frame-ms=5 prompt=dog ! fakesink name=out sync=false";
    let pipeline = gst::parse::launch(line).unwrap().downcast::<gst::Pipeline>().unwrap();
    let out = pipeline.by_name("out").unwrap();
    let prerolled = |at: gst::ClockTime| {
        pipeline.state(gst::ClockTime::from_seconds(30)).0.unwrap();
        let sample: gst::Sample = out.property("last-sample");
        let buffer = sample.buffer().unwrap();
        assert_eq!(buffer.pts(), Some(at));
        assert!(MaskMeta::read(buffer).is_some());
    };
    pipeline.set_state(gst::State::Paused).unwrap();
    prerolled(gst::ClockTime::ZERO);
    for seconds in [3, 1] {
        let position = gst::ClockTime::from_seconds(seconds);
        pipeline.seek_simple(gst::SeekFlags::FLUSH, position).unwrap();
        prerolled(position);
    }
    pipeline.set_state(gst::State::Playing).unwrap();
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &kinds).unwrap();
    assert_eq!(message.type_(), gst::MessageType::Eos, "{message:?}");
    pipeline.set_state(gst::State::Null).unwrap();
}

#[test]
fn an_encoder_that_wants_one_picture_ends_the_stream() {
    init();
    let pipeline = gst::parse::launch(
        "videotestsrc num-buffers=20 ! video/x-raw,width=64,height=48 ! sa3segment model=test prompt=dog \
         ! maskcomposite ! videoconvert ! pngenc snapshot=true ! fakesink",
    )
    .unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let ends = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(30), &ends);
    pipeline.set_state(gst::State::Null).unwrap();
    assert_eq!(message.map(|message| message.type_()), Some(gst::MessageType::Eos));
}
