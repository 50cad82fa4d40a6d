//! `maskexport`: files that are whole, the pad `meta`, and places that cannot be written.

use std::path::PathBuf;

use gst::prelude::*;
use sa3::export::{Reader, Record};

use crate::rig::{Folder, Rig, caps, complaints, disc, dog_and_cat, end_stream, frame, init, push};

/// Four frames with a dog, which a cat joins on the third, and one that nobody looked at.
fn play(launch: &str) -> Rig {
    let mut rig = Rig::new(launch, &caps(64, 48), "video/x-raw");
    let both = dog_and_cat(64, 48);
    let dog = sa3::Objects { items: both.items[..1].to_vec(), ..both.clone() };
    for (number, objects) in [Some(&dog), Some(&dog), Some(&both), Some(&both), None].into_iter().enumerate() {
        let buffer = frame(number as u64, objects);
        let address = buffer.as_ptr();
        assert_eq!(rig.through(buffer).as_ptr(), address, "buffers pass untouched");
    }
    rig
}

fn records(path: PathBuf) -> Vec<Record> {
    let mut reader = Reader::open(&path).unwrap();
    std::iter::from_fn(|| reader.next_record().unwrap()).map(|(_, record)| record).collect()
}

fn frames(path: PathBuf) -> Vec<u64> {
    records(path).iter().map(|record| record.frame).collect()
}

#[test]
fn each_frame_is_a_line_as_soon_as_it_has_passed() {
    let folder = Folder::new("lines");
    let rig = play(&format!("maskexport location={}", folder.file("a.jsonl").display()));
    let records = records(folder.file("a.jsonl"));
    assert_eq!(records.len(), 5, "neither EOS nor a change of state was needed");
    assert_eq!((records[3].pts, records[3].duration), (Some(120_000_000), Some(40_000_000)));
    let counts: Vec<_> =
        records.iter().map(|record| record.objects().unwrap().map(|objects| objects.items.len())).collect();
    assert_eq!(counts, [Some(1), Some(1), Some(2), Some(2), None]);
    let stats = rig.element.property::<gst::Structure>("stats");
    assert_eq!((stats.get("frames-in"), stats.get("objects-written")), (Ok(5u64), Ok(6u64)));
    assert!(rig.complaints().is_empty());
}

#[test]
fn each_nth_frame_or_changes_alone_are_written() {
    let folder = Folder::new("choice");
    let file = |name: &str| folder.file(name);
    play(&format!("maskexport every=2 location={}", file("nth").display()));
    assert_eq!(frames(file("nth")), [0, 2, 4]);
    play(&format!("maskexport write=change location={}", file("change").display()));
    assert_eq!(frames(file("change")), [0, 2, 4]);
}

#[test]
fn documents_are_complete_at_the_end_of_the_stream_and_in_null() {
    let folder = Folder::new("documents");
    for format in ["coco", "youtube-vis"] {
        let path = folder.file(format);
        let annotations = || {
            let text = std::fs::read_to_string(&path).unwrap();
            let document: serde_json::Value = serde_json::from_str(&text).unwrap();
            document["annotations"].as_array().unwrap().len()
        };
        let mut rig = play(&format!("maskexport format={format} location={}", path.display()));
        let expected = if format == "coco" { 6 } else { 2 };
        rig.harness.push_event(gst::event::Eos::new());
        assert_eq!(annotations(), expected, "at EOS, {format}");
        drop(rig);
        let rig = play(&format!("maskexport format={format} location={}", path.display()));
        rig.element.set_state(gst::State::Null).unwrap();
        assert_eq!(annotations(), expected, "in NULL, {format}");
        assert!(rig.complaints().is_empty());
    }
    assert_eq!(folder.names(), ["coco", "youtube-vis"], "no parts are left");
}

#[test]
fn the_pad_meta_gives_a_line_for_each_frame_with_its_times() {
    init();
    let pipeline = gst::parse::launch(
        "appsrc name=in format=time ! maskexport name=e ! fakesink async=false sync=false \
         e.meta ! fakesink name=out async=false sync=false signal-handoffs=true",
    )
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    let lines = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let (sink, kept) = (pipeline.by_name("out").unwrap(), lines.clone());
    sink.connect("handoff", false, move |values| {
        let buffer = values[1].get::<gst::Buffer>().unwrap();
        let text = String::from_utf8(buffer.map_readable().unwrap().to_vec()).unwrap();
        kept.lock().unwrap().push((buffer.pts(), text));
        None
    });
    let source = pipeline.by_name("in").unwrap();
    source.set_property("caps", caps(64, 48).parse::<gst::Caps>().unwrap());
    pipeline.set_state(gst::State::Playing).unwrap();
    for number in 0..3 {
        let buffer = frame(number, Some(&dog_and_cat(64, 48)));
        push(&source, buffer);
    }
    end_stream(&source);
    let bus = pipeline.bus().unwrap();
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error, gst::MessageType::Warning];
    let end = bus.timed_pop_filtered(gst::ClockTime::from_seconds(60), &kinds).unwrap();
    assert!(matches!(end.view(), gst::MessageView::Eos(_)), "{end:?}");
    let caps = sink.static_pad("sink").unwrap().current_caps().unwrap();
    assert_eq!(caps.structure(0).unwrap().name(), "application/x-json");
    pipeline.set_state(gst::State::Null).unwrap();
    let lines = lines.lock().unwrap();
    assert_eq!(lines.len(), 3);
    for (number, (pts, line)) in (0..).zip(lines.iter()) {
        assert_eq!(*pts, Some(gst::ClockTime::from_mseconds(40 * number)));
        let record: Record = serde_json::from_str(line.strip_suffix('\n').unwrap()).unwrap();
        assert_eq!((record.frame, record.objects().unwrap().unwrap().items.len()), (number, 2));
    }
}

/// What an element says when it is to go to PAUSED.
fn refusal(launch: &str) -> String {
    init();
    let (element, bus) = (gst::parse::launch(launch).unwrap(), gst::Bus::new());
    element.set_bus(Some(&bus));
    assert!(element.set_state(gst::State::Paused).is_err(), "{launch}");
    element.set_state(gst::State::Null).unwrap();
    complaints(&bus).join("\n")
}

#[test]
fn mistakes_are_errors_before_the_stream_begins() {
    let folder = Folder::new("mistakes");
    for format in ["jsonl", "coco", "youtube-vis", "mots", "csv"] {
        let text = refusal(&format!("maskexport format={format} location={}", folder.0.display()));
        assert!(text.contains("It is a folder"), "{text}");
        let text = refusal(&format!("maskexport format={format} location={}/no/such", folder.0.display()));
        assert!(text.contains("Make the folder"), "{text}");
    }
    let text = refusal("maskexport format=coco coordinates=normalised location=/dev/null");
    assert!(text.contains("coordinates=\"normalised\"") && text.contains("jsonl or csv"), "{text}");
}

#[test]
fn a_full_disk_ends_the_stream_or_the_file_as_declared() {
    let objects = dog_and_cat(64, 48);
    let mut rig = Rig::new("maskexport location=/dev/full", &caps(64, 48), "video/x-raw");
    assert_eq!(rig.harness.push(frame(0, Some(&objects))), Err(gst::FlowError::Error));
    let complaints = rig.complaints();
    assert!(complaints.len() == 1 && complaints[0].contains("Free space"), "{complaints:?}");
    let mut rig = Rig::new("maskexport on-write-error=warn location=/dev/full", &caps(64, 48), "video/x-raw");
    (0..3).for_each(|number| drop(rig.through(frame(number, Some(&objects)))));
    let complaints = rig.complaints();
    assert!(complaints.len() == 1 && complaints[0].contains("The video goes on"), "{complaints:?}");
}

#[test]
fn what_may_be_an_oversight_is_a_warning() {
    let folder = Folder::new("oversight");
    let mut rig = Rig::new("maskexport", &caps(64, 48), "video/x-raw");
    rig.through(frame(0, None));
    let complaints = rig.complaints();
    assert!(complaints.len() == 1 && complaints[0].contains("location=masks.jsonl"), "{complaints:?}");
    let location = folder.file("a.txt");
    let launch = format!("maskexport format=mots location={}", location.display());
    let mut rig = Rig::new(&launch, &caps(64, 48), "video/x-raw");
    let mut objects = dog_and_cat(64, 48);
    objects.items.push(disc(None, "bird", 2, [0.5, 0.1], 0.05));
    (0..3).for_each(|number| drop(rig.through(frame(number, Some(&objects)))));
    let complaints = rig.complaints();
    assert!(complaints.len() == 1 && complaints[0].contains("use sa3track"), "{complaints:?}");
}

#[test]
fn a_size_that_changes_is_held_where_the_format_can() {
    let folder = Folder::new("sizes");
    for (format, is_held) in [("jsonl", true), ("coco", true), ("davis", true), ("youtube-vis", false)] {
        let launch = format!("maskexport format={format} location={}", folder.file(format).display());
        let mut rig = Rig::new(&launch, &caps(64, 48), "video/x-raw");
        rig.through(frame(0, Some(&dog_and_cat(64, 48))));
        rig.harness.push_event(gst::event::Caps::new(&caps(128, 96).parse().unwrap()));
        let pushed = rig.harness.push(frame(1, Some(&dog_and_cat(128, 96))));
        assert_eq!(pushed.is_ok(), is_held, "{format}");
        let complaints = rig.complaints().join("\n");
        assert_eq!(complaints.contains("128x96") && complaints.contains("format=jsonl"), !is_held, "{complaints}");
    }
}
