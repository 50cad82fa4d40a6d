//! The mask meta on its way through other people's elements.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gst::prelude::*;
use gstsa3::meta::MaskMeta;
use sa3::boxes::BoxXyxy;
use sa3::{Mask, Object, ObjectState, Objects, SemanticMap};

const CAPS: &str = "video/x-raw,format=I420,width=64,height=48,framerate=25/1";
const FRAME_BYTES: usize = 64 * 48 * 3 / 2;
const BOX: BoxXyxy = BoxXyxy { x0: 0.25, y0: 0.5, x1: 0.75, y1: 1.0 };

/// Mask bytes that count how often they are freed.
struct Counted(Vec<u8>, Arc<AtomicUsize>);

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

fn objects(freed: &Arc<AtomicUsize>) -> Objects {
    let object = |id, label: &str| Object {
        id,
        label: label.into(),
        prompt_index: 1,
        score: 0.75,
        box_in_frame: BOX,
        mask: Mask::new(3, 2, Counted(vec![0, 50, 100, 150, 200, 250], freed.clone())).unwrap(),
        state: id.map(|_| ObjectState::Held),
        first_seen_ns: id.map(|_| 5),
        last_seen_ns: id.map(|_| 6),
    };
    Objects {
        frame_width: 64,
        frame_height: 48,
        inside_level: 99,
        items: vec![object(Some(7 << 40), "red car"), object(None, "žába")],
        semantic_maps: Vec::new(),
    }
}

fn buffer_with_objects(objects: &Objects) -> gst::Buffer {
    gst::init().unwrap();
    let mut buffer = gst::Buffer::from_mut_slice(vec![128u8; FRAME_BYTES]);
    let writable = buffer.get_mut().unwrap();
    writable.set_pts(gst::ClockTime::from_mseconds(40));
    MaskMeta::attach(writable, objects, Some(gst::ClockTime::SECOND), 3);
    buffer
}

/// One buffer with two objects through `elements`; what comes out, and how many masks were freed when all was gone.
fn through(elements: &str, out_caps: Option<&str>) -> (Option<gstsa3::meta::AttachedObjects>, usize) {
    gst::init().unwrap();
    let freed = Arc::new(AtomicUsize::new(0));
    let attached = {
        let mut harness = gst_check::Harness::new_parse(elements);
        harness.set_src_caps_str(CAPS);
        if let Some(caps) = out_caps {
            harness.set_sink_caps_str(caps);
        }
        let input = buffer_with_objects(&objects(&freed));
        let output = harness.push_and_pull(input).unwrap();
        MaskMeta::read(&output)
    };
    let kept = attached.is_some();
    drop(attached.clone());
    assert!(!kept || freed.load(Ordering::SeqCst) == 0, "freed while somebody reads");
    (attached, freed.load(Ordering::SeqCst))
}

#[test]
fn what_is_attached_is_read_again() {
    let freed = Arc::default();
    let given = objects(&freed);
    let buffer = buffer_with_objects(&given);
    let read = MaskMeta::read(&buffer).unwrap();
    assert_eq!((read.source_pts, read.age_in_frames), (Some(gst::ClockTime::SECOND), 3));
    assert_eq!((read.objects.frame_width, read.objects.frame_height, read.objects.inside_level), (64, 48, 99));
    for (read, given) in read.objects.items.iter().zip(&given.items) {
        assert_eq!((read.id, &read.label, read.prompt_index), (given.id, &given.label, given.prompt_index));
        assert_eq!((read.score, read.box_in_frame), (given.score, given.box_in_frame));
        assert_eq!((read.mask.width, read.mask.height), (3, 2));
        let seen = |object: &Object| (object.state, object.first_seen_ns, object.last_seen_ns);
        assert_eq!(seen(read), seen(given));
        assert_eq!(read.mask.bytes().as_ptr(), given.mask.bytes().as_ptr(), "masks are shared, not copied");
    }
    assert_eq!(read.objects.items.len(), 2);
}

#[test]
fn semantic_maps_travel_with_the_objects() {
    let freed: Arc<AtomicUsize> = Arc::default();
    let map = Mask::new(2, 1, Counted(vec![10, 240], freed.clone())).unwrap();
    let map = SemanticMap { label: "žába".into(), prompt_index: 1, presence: 0.25, map };
    let buffer = buffer_with_objects(&Objects { semantic_maps: vec![map], ..objects(&Arc::default()) });
    let mut harness = gst_check::Harness::new_parse("videoscale");
    harness.set_src_caps_str(CAPS);
    harness.set_sink_caps_str("video/x-raw,format=I420,width=160,height=120,framerate=25/1");
    let read = MaskMeta::read(&harness.push_and_pull(buffer).unwrap()).unwrap().objects;
    let found = &read.semantic_maps[0];
    assert_eq!((&*found.label, found.prompt_index, found.presence), ("žába", 1, 0.25));
    assert_eq!((found.map.width, found.map.height, found.map.bytes()), (2, 1, [10, 240].as_slice()));
    assert_eq!((read.semantic_maps.len(), read.items.len(), freed.load(Ordering::SeqCst)), (1, 2, 0));
    drop((read, harness));
    assert_eq!(freed.load(Ordering::SeqCst), 1);
}

#[test]
fn masks_are_freed_once_and_only_with_the_last_copy() {
    let freed = Arc::default();
    let buffer = buffer_with_objects(&objects(&freed));
    let shallow = buffer.copy();
    let deep = buffer.copy_deep().unwrap();
    drop(buffer);
    let read = MaskMeta::read(&deep).unwrap();
    drop((shallow, deep));
    assert_eq!(read.objects.items[1].mask.bytes()[5], 250);
    assert_eq!(freed.load(Ordering::SeqCst), 0);
    drop(read);
    assert_eq!(freed.load(Ordering::SeqCst), 2);
}

#[test]
fn a_later_result_replaces_an_earlier_one() {
    let freed = Arc::default();
    let mut buffer = buffer_with_objects(&objects(&freed));
    let writable = buffer.get_mut().unwrap();
    MaskMeta::attach(writable, &Objects { frame_width: 64, ..Objects::default() }, None, 0);
    assert_eq!(freed.load(Ordering::SeqCst), 2);
    let read = MaskMeta::read(writable).unwrap();
    assert!(read.objects.items.is_empty() && read.source_pts.is_none());
    assert!(MaskMeta::remove(writable) && !MaskMeta::remove(writable));
    assert!(MaskMeta::read(writable).is_none());
}

#[test]
fn a_part_of_a_buffer_is_not_the_frame() {
    let freed = Arc::default();
    let buffer = buffer_with_objects(&objects(&freed));
    assert!(MaskMeta::read(&buffer.copy_region(gst::BufferCopyFlags::all(), ..64).unwrap()).is_none());
    assert!(MaskMeta::read(&buffer.copy_region(gst::BufferCopyFlags::all(), ..).unwrap()).is_some());
}

#[test]
fn a_pool_takes_the_meta_off_before_reuse() {
    gst::init().unwrap();
    let pool = gst::BufferPool::new();
    let mut config = pool.config();
    config.set_params(None, FRAME_BYTES as u32, 1, 1);
    pool.set_config(config).unwrap();
    pool.set_active(true).unwrap();
    let freed: Arc<AtomicUsize> = Arc::default();
    for round in 0..3 {
        let mut buffer = pool.acquire_buffer(None).unwrap();
        assert!(MaskMeta::read(&buffer).is_none());
        MaskMeta::attach(buffer.get_mut().unwrap(), &objects(&freed), None, 0);
        assert_eq!(freed.load(Ordering::SeqCst), 2 * round);
    }
    assert_eq!(freed.load(Ordering::SeqCst), 6);
    pool.set_active(false).unwrap();
}

#[test]
fn elements_that_leave_the_picture_alone_keep_it() {
    for elements in ["queue", "identity", "tee ! queue", "videobalance saturation=0.5"] {
        let (attached, freed) = through(elements, None);
        let attached = attached.unwrap_or_else(|| panic!("{elements} lost the meta"));
        assert_eq!((attached.objects.frame_width, attached.objects.frame_height), (64, 48), "{elements}");
        assert_eq!((attached.objects.items.len(), freed), (2, 0), "{elements}");
    }
}

#[test]
fn conversion_keeps_it_and_scaling_changes_the_frame_size_only() {
    let rgb = "video/x-raw,format=RGB,width=64,height=48,framerate=25/1";
    let (converted, _) = through("videoconvert", Some(rgb));
    assert_eq!(converted.unwrap().objects.frame_width, 64);
    let large = "video/x-raw,format=I420,width=160,height=120,framerate=25/1";
    let (scaled, _) = through("videoscale", Some(large));
    let scaled = scaled.unwrap();
    assert_eq!((scaled.objects.frame_width, scaled.objects.frame_height), (160, 120));
    assert_eq!((scaled.age_in_frames, scaled.source_pts), (3, Some(gst::ClockTime::SECOND)));
    assert_eq!(scaled.objects.items[0].box_in_frame, BOX);
    assert_eq!(scaled.objects.items[0].mask.bytes(), [0, 50, 100, 150, 200, 250]);
}

#[test]
fn elements_that_move_the_picture_drop_it() {
    for elements in
        ["videocrop left=8", "videoflip video-direction=90r", "videoflip video-direction=horiz", "videobox left=4"]
    {
        let (attached, freed) = through(elements, None);
        assert!(attached.is_none(), "{elements} would misplace the masks");
        assert_eq!(freed, 2, "{elements}");
    }
}

/// The types of the metas on the first buffer of a pipeline, those of one type as one.
fn meta_names(pipeline: &str) -> Vec<String> {
    static REGISTERED: std::sync::Once = std::sync::Once::new();
    gst::init().unwrap();
    REGISTERED.call_once(|| gstsa3::plugin_register_static().unwrap());
    let source = "videotestsrc num-buffers=1 ! video/x-raw,format=RGB,width=64,height=48";
    let pipeline =
        gst::parse::launch(&format!("{source} ! {pipeline} ! fakesink name=out enable-last-sample=true")).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let ends = [gst::MessageType::Eos, gst::MessageType::Error];
    let end = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &ends).unwrap();
    assert_eq!(end.type_(), gst::MessageType::Eos, "{end:?}");
    let out = pipeline.downcast_ref::<gst::Bin>().unwrap().by_name("out").unwrap();
    let sample = out.property::<gst::Sample>("last-sample");
    pipeline.set_state(gst::State::Null).unwrap();
    let metas = sample.buffer().unwrap().iter_meta::<gst::Meta>();
    let mut names: Vec<_> = metas.map(|meta| meta.api().name().to_string()).collect();
    names.retain(|name| name != "GstVideoMetaAPI");
    names.dedup();
    names
}

/// Where GStreamer has no GstAnalytics the elements do without; where it has, the property decides.
#[test]
fn analytics_metas_are_written_where_gstreamer_has_them() {
    for element in ["sa3segment model=test prompt=dog", "sa3track model=test prompt=dog"] {
        let mut expected = vec!["GstSa3MaskMetaAPI", "GstVideoRegionOfInterestMetaAPI"];
        assert_eq!(meta_names(&format!("{element} analytics-meta=false")), expected);
        if gst::version() >= (1, 24, 0, 0) {
            expected.push("GstAnalyticsRelationMetaAPI");
        }
        assert_eq!(meta_names(element), expected, "{element}");
    }
}
