//! `maskattach`: files, grey video and regions become masks again.

use gst::prelude::*;
use gst_video::VideoRegionOfInterestMeta;
use gstsa3::meta::MaskMeta;
use sa3::Objects;
use sa3::boxes::BoxXyxy;

use crate::rig::{Folder, Rig, bytes, caps, complaints, dog_and_cat, end_stream, frame, init, push};

const SIZE: (u32, u32) = (320, 180);

/// Writes a frame with a dog and a cat for each number; gives the launch line of an element that reads it.
fn exported(folder: &Folder, properties: &str, numbers: impl IntoIterator<Item = u64>) -> String {
    let path = folder.file("a.jsonl");
    let mut rig =
        Rig::new(&format!("maskexport location={} {properties}", path.display()), &caps(SIZE.0, SIZE.1), "video/x-raw");
    for number in numbers {
        rig.through(frame(number, Some(&dog_and_cat(SIZE.0, SIZE.1))));
    }
    format!("maskattach location={}", path.display())
}

fn attached(buffer: &gst::BufferRef) -> Option<Objects> {
    MaskMeta::read(buffer).map(|attached| attached.objects)
}

#[test]
fn a_file_gives_back_what_was_found() {
    let folder = Folder::new("back");
    let mut rig = Rig::new(&exported(&folder, "soft-masks=true", 0..3), &caps(SIZE.0, SIZE.1), "video/x-raw");
    let expected = dog_and_cat(SIZE.0, SIZE.1);
    for number in 0..3 {
        let buffer = rig.through(frame(number, None));
        let found = attached(&buffer).unwrap();
        assert_eq!((found.frame_width, found.frame_height), SIZE);
        for (found, object) in found.items.iter().zip(&expected.items) {
            assert_eq!((&found.mask, found.id, &found.label), (&object.mask, object.id, &object.label));
            assert_eq!(
                (found.state, found.prompt_index, found.score),
                (object.state, object.prompt_index, object.score)
            );
            assert_eq!((found.first_seen_ns, found.last_seen_ns), (object.first_seen_ns, object.last_seen_ns));
        }
        let regions: Vec<_> = buffer.iter_meta::<VideoRegionOfInterestMeta>().map(|region| region.id()).collect();
        assert_eq!(regions, [300, 4]);
    }
    assert!(attached(&rig.through(frame(3, None))).is_none(), "the file has no such frame");
    assert!(rig.complaints().is_empty());
}

#[test]
fn lines_are_matched_by_time_or_by_number() {
    let folder = Folder::new("match");
    let launch = exported(&folder, "", [2, 3]);
    let found = |properties: &str| {
        let mut rig = Rig::new(&format!("{launch} {properties}"), &caps(SIZE.0, SIZE.1), "video/x-raw");
        [0, 1, 2, 3].map(|number| attached(&rig.through(frame(number, None))).is_some())
    };
    assert_eq!(found(""), [false, false, true, true]);
    assert_eq!(found("match=frame"), [true, true, false, false]);
}

#[test]
fn masks_fit_frames_of_another_size_and_replace_those_before() {
    let folder = Folder::new("resized");
    let mut rig = Rig::new(&exported(&folder, "", [0]), &caps(640, 360), "video/x-raw");
    let mut before = dog_and_cat(640, 360);
    before.items.truncate(1);
    before.items[0].label = "wolf".into();
    let mut buffer = frame(0, Some(&before));
    gstsa3::roi::attach(buffer.get_mut().unwrap(), &before);
    let buffer = rig.through(buffer);
    let found = attached(&buffer).unwrap();
    assert_eq!((found.frame_width, found.frame_height, found.items.len()), (640, 360, 2));
    let labels: Vec<_> = buffer.iter_meta::<VideoRegionOfInterestMeta>().map(|region| region.roi_type()).collect();
    assert_eq!(labels, ["dog", "cat"], "regions of what was replaced are gone");
}

/// A gray frame as maskcomposite draws it.
fn drawn(objects: Option<&Objects>, launch: &str) -> Vec<u8> {
    init();
    let rgb = format!("video/x-raw,format=GRAY8,width={},height={},framerate=25/1", SIZE.0, SIZE.1);
    let mut buffer = gst::Buffer::from_mut_slice(vec![100u8; (SIZE.0 * SIZE.1) as usize]);
    buffer.get_mut().unwrap().set_pts(gst::ClockTime::ZERO);
    if let Some(objects) = objects {
        MaskMeta::attach(buffer.get_mut().unwrap(), objects, Some(gst::ClockTime::ZERO), 0);
    }
    if !launch.is_empty() {
        buffer = Rig::new(launch, &rgb, "video/x-raw").through(buffer);
    }
    let composite = "maskcomposite label-format=\"{label} {id} {score}\" boxes=true";
    bytes(&Rig::new(composite, &rgb, "video/x-raw").through(buffer))
}

#[test]
fn soft_masks_give_the_same_picture_and_run_lengths_nearly() {
    let folder = Folder::new("picture");
    let expected = drawn(Some(&dog_and_cat(SIZE.0, SIZE.1)), "");
    assert_ne!(expected, drawn(None, ""));
    let soft = exported(&folder, "soft-masks=true segmentation=none coordinates=normalised", [0]);
    assert_eq!(drawn(None, &soft), expected, "equal to the byte");
    let differing = |properties: &str| {
        let picture = drawn(None, &exported(&folder, properties, [0]));
        let strong = |(a, b): (&u8, &u8)| a.abs_diff(*b) > 64;
        (
            picture.iter().zip(&expected).filter(|(a, b)| a != b).count(),
            picture.iter().zip(&expected).filter(|pair| strong(*pair)).count(),
        )
    };
    let pixels = expected.len();
    let (frame_sized, grid_sized) = (differing(""), differing("mask-size=grid"));
    assert!(frame_sized.0 * 50 < pixels && frame_sized.1 * 200 < pixels, "run lengths of the frame: {frame_sized:?}");
    assert!(grid_sized.0 * 20 < pixels && grid_sized.1 * 50 < pixels, "run lengths of the grid: {grid_sized:?}");
    assert!(frame_sized.0 < grid_sized.0, "{frame_sized:?} {grid_sized:?}");
}

#[test]
fn lines_that_cannot_be_used_are_named_and_end_the_stream() {
    let folder = Folder::new("broken");
    let launch = exported(&folder, "", 0..2);
    let path = folder.file("a.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("\"frame\":1", "\"frame\":one", 1)).unwrap();
    let mut rig = Rig::new(&launch, &caps(SIZE.0, SIZE.1), "video/x-raw");
    assert_eq!(rig.harness.push(frame(0, None)), Err(gst::FlowError::Error));
    let complaints = rig.complaints();
    assert!(complaints.len() == 1 && complaints[0].contains("line 2"), "{complaints:?}");
}

#[test]
fn mistakes_are_told_before_the_stream_begins() {
    init();
    let folder = Folder::new("mistakes");
    let refusal = |location: &std::path::Path| {
        let (element, bus) =
            (gst::parse::launch(&format!("maskattach location={}", location.display())).unwrap(), gst::Bus::new());
        element.set_bus(Some(&bus));
        assert!(element.set_state(gst::State::Paused).is_err());
        element.set_state(gst::State::Null).unwrap();
        complaints(&bus).join("\n")
    };
    assert!(refusal(&folder.0).contains("it is a folder"));
    assert!(refusal(&folder.file("none")).contains("cannot be read"));
    let rig = Rig::new("maskattach", &caps(64, 48), "video/x-raw");
    assert!(rig.complaints()[0].contains("nothing to attach"));
}

#[test]
fn regions_of_interest_become_masks() {
    let mut rig = Rig::new("maskattach regions=true", &caps(64, 48), "video/x-raw");
    let mut buffer = frame(0, None);
    let mut region = VideoRegionOfInterestMeta::add(buffer.get_mut().unwrap(), "face", (16, 12, 32, 24));
    region.set_id(9);
    region.add_param(gst::Structure::builder("detection").field("confidence", 0.75).build());
    let found = attached(&rig.through(buffer)).unwrap();
    let object = &found.items[0];
    assert_eq!((&*object.label, object.id, object.score), ("face", Some(9), 0.75));
    assert_eq!(object.box_in_frame, BoxXyxy { x0: 0.25, y0: 0.25, x1: 0.75, y1: 0.75 });
    assert_eq!(object.mask.bytes().iter().filter(|&&value| value == 255).count(), 32 * 24);
    assert!(attached(&rig.through(frame(1, None))).is_none());
    let odd = {
        let mut buffer = frame(2, None);
        VideoRegionOfInterestMeta::add(buffer.get_mut().unwrap(), "edge", (60, 40, u32::MAX, 0));
        rig.through(buffer)
    };
    assert_eq!(attached(&odd).unwrap().items.len(), 1, "a region without an area does no harm");
}

/// Pictures of a branch of its own, and the frames that they meet.
#[test]
fn grey_video_is_matched_by_running_time() {
    init();
    let pipeline = gst::parse::launch(
        "appsrc name=video format=time ! maskattach name=a label=key ! fakesink name=out sync=false signal-handoffs=true \
         appsrc name=keys format=time ! a.mask",
    )
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = seen.clone();
    pipeline.by_name("out").unwrap().connect("handoff", false, move |values| {
        let buffer = values[1].get::<gst::Buffer>().unwrap();
        kept.lock().unwrap().push(attached(&buffer));
        None
    });
    let sources = ["video", "keys"].map(|name| pipeline.by_name(name).unwrap());
    sources[0].set_property("caps", caps(64, 48).parse::<gst::Caps>().unwrap());
    sources[1].set_property(
        "caps",
        "video/x-raw,format=GRAY8,width=32,height=24,framerate=25/1".parse::<gst::Caps>().unwrap(),
    );
    pipeline.set_state(gst::State::Playing).unwrap();
    for number in 0..40 {
        push(&sources[0], frame(number, None));
        // Each tenth picture is missing, and the first half of the others is inside.
        if number % 10 != 9 {
            let mut key = gst::Buffer::from_mut_slice([vec![255; 32 * 12], vec![0; 32 * 12]].concat());
            let writable = key.get_mut().unwrap();
            writable.set_pts(gst::ClockTime::from_mseconds(40 * number));
            writable.set_duration(gst::ClockTime::from_mseconds(40));
            push(&sources[1], key);
        }
    }
    sources.iter().for_each(end_stream);
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error, gst::MessageType::Warning];
    let end = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &kinds).unwrap();
    assert!(matches!(end.view(), gst::MessageView::Eos(_)), "{end:?}");
    pipeline.set_state(gst::State::Null).unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 40);
    for (number, objects) in seen.iter().enumerate() {
        assert_eq!(objects.is_some(), number % 10 != 9, "frame {number}");
        let Some(objects) = objects else { continue };
        assert_eq!((objects.frame_width, &*objects.items[0].label), (64, "key"));
        assert_eq!(objects.items[0].box_in_frame, BoxXyxy { x0: 0.0, y0: 0.0, x1: 1.0, y1: 0.5 });
    }
}

/// What `sa3segment semantic-map=true` finds travels through a file, too.
#[test]
fn semantic_maps_come_back() {
    let folder = Folder::new("maps");
    let mask = dog_and_cat(SIZE.0, SIZE.1).items[0].mask.clone();
    let map = sa3::SemanticMap { label: "dog".into(), prompt_index: 0, presence: 0.75, map: mask };
    let objects = Objects { semantic_maps: vec![map.clone()], ..dog_and_cat(SIZE.0, SIZE.1) };
    let path = folder.file("a.jsonl");
    let export = format!("maskexport location={} soft-masks=true", path.display());
    Rig::new(&export, &caps(SIZE.0, SIZE.1), "video/x-raw").through(frame(0, Some(&objects)));
    let mut rig = Rig::new(&format!("maskattach location={}", path.display()), &caps(SIZE.0, SIZE.1), "video/x-raw");
    let found = attached(&rig.through(frame(0, None))).unwrap();
    let maps: Vec<_> = found.semantic_maps.iter().map(|map| (&map.map, &map.label, map.presence)).collect();
    assert_eq!(maps, [(&map.map, &map.label, 0.75)]);
}
