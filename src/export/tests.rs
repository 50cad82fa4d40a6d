//! Files of every format, written and read back.

use std::path::{Path, PathBuf};

use super::*;
use crate::boxes::BoxXyxy;
use crate::error::Error;
use crate::evaluate::ground_truth::{Dataset, read_truth};
use crate::objects::{Mask, Object, ObjectState, Objects, SemanticMap};
use crate::rle::Rle;

/// A folder that goes with the test.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sa3-export-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A soft disc on a grid of 40 x 40.
fn disc(id: Option<u64>, label: &str, prompt_index: u32, [cx, cy]: [f32; 2], radius: f32) -> Object {
    let value = |cell: u32| {
        let at = |n: u32, center: f32| (n as f32 + 0.5) / 40.0 - center;
        let outside_in_cells = (at(cell % 40, cx).hypot(at(cell / 40, cy)) - radius) * 40.0;
        (255.0 / (1.0 + (2.0 * outside_in_cells).exp())).round() as u8
    };
    Object {
        id,
        label: label.into(),
        prompt_index,
        score: 0.9,
        box_in_frame: BoxXyxy { x0: cx - radius, y0: cy - radius, x1: cx + radius, y1: cy + radius },
        mask: Mask::new(40, 40, (0..1600).map(value).collect::<Vec<_>>()).unwrap(),
        state: id.map(|_| ObjectState::Tracked),
        first_seen_ns: id.map(|_| 40_000_000),
        last_seen_ns: id.map(|_| 80_000_000),
    }
}

const SIZE: (u32, u32) = (160, 90);

/// Two objects that move and do not touch; the second comes on the second frame.
fn scene(frame: u64) -> Objects {
    let step = frame as f32 * 0.02;
    let mut items = vec![disc(Some(3), "dog", 0, [0.25 + step, 0.5], 0.15)];
    if frame > 0 {
        items.push(disc(Some(7), "red car", 1, [0.75, 0.5 + step], 0.1));
    }
    Objects { frame_width: SIZE.0, frame_height: SIZE.1, items, ..Objects::default() }
}

fn shot(frame: u64, objects: Option<&Objects>) -> Shot<'_> {
    let pts = Some(frame * 40_000_000);
    Shot { frame, pts, duration: Some(40_000_000), size: SIZE, objects, source_pts: pts, age: 0 }
}

pub(super) fn of(format: Format) -> Options {
    Options { format, ..Options::default() }
}

pub(super) fn export(path: &Path, options: &Options, frames: &[Option<Objects>]) {
    let (mut exporter, mut shaper) = (Exporter::create(path, options).unwrap(), Shaper::default());
    for (frame, objects) in (0..).zip(frames) {
        exporter.write(&shaper.shape(shot(frame, objects.as_ref()), options)).unwrap();
    }
    exporter.finish().unwrap();
}

pub(super) fn scenes() -> Vec<Option<Objects>> {
    (0..4).map(|frame| Some(scene(frame))).collect()
}

/// The masks as the exporter sees them, track by track.
fn expected_tracks() -> Vec<Vec<Option<Rle>>> {
    let mut shaper = Shaper::default();
    let mut tracks = vec![Vec::new(), Vec::new()];
    for frame in 0..4 {
        let objects = scene(frame);
        let shaped = shaper.shape(shot(frame, Some(&objects)), &Options::default());
        for (index, track) in tracks.iter_mut().enumerate() {
            track.push(shaped.shapes.get(index).and_then(|shape| shape.rle.clone()));
        }
    }
    tracks
}

fn tracks_of(dataset: &Dataset) -> Vec<Vec<Option<Rle>>> {
    dataset.sequences[0].tracks.iter().map(|track| track.track.masks.clone()).collect()
}

#[test]
fn tracks_of_mots_davis_and_youtube_vis_are_read_back_equal() {
    let folder = Folder::new("tracks");
    std::fs::create_dir(folder.file("mots")).unwrap();
    for (format, file, place) in [
        (Format::Mots, "mots/clip.txt", "mots"),
        (Format::Davis, "davis", "davis"),
        (Format::YoutubeVis, "clip.json", "clip.json"),
    ] {
        export(&folder.file(file), &of(format), &scenes());
        let truth = read_truth(&folder.file(place)).unwrap();
        assert_eq!(tracks_of(&truth), expected_tracks(), "{format:?}");
        let ids: Vec<u64> = truth.sequences[0].tracks.iter().map(|track| track.track.id).collect();
        assert_eq!(ids, if format == Format::YoutubeVis { [1, 2] } else { [3, 7] }, "{format:?}");
    }
    let youtube = read_truth(&folder.file("clip.json")).unwrap();
    assert_eq!(youtube.categories.values().collect::<Vec<_>>(), ["dog", "red car"]);
    assert_eq!(folder.names(), ["clip.json", "davis", "mots"], "nothing else is left");
}

#[test]
fn mots_masks_do_not_overlap() {
    let folder = Folder::new("overlap");
    let mut objects = scene(1);
    objects.items[1] = disc(Some(7), "red car", 1, [0.3, 0.5], 0.2);
    export(&folder.file("clip.txt"), &of(Format::Mots), &[Some(objects)]);
    let truth = read_truth(&folder.0).unwrap();
    let [first, second] = [0, 1].map(|n| truth.sequences[0].tracks[n].track.masks[0].clone().unwrap());
    assert_eq!(first.shared_area(&second), 0);
    assert_eq!(Some(first), expected_first(1), "the better score is whole");
}

fn expected_first(frame: usize) -> Option<Rle> {
    expected_tracks()[0][frame].clone()
}

#[test]
fn a_coco_document_names_images_annotations_and_categories() {
    let folder = Folder::new("coco");
    let mut frames = scenes();
    frames.push(None);
    export(&folder.file("clip.json"), &of(Format::Coco), &frames);
    let text = std::fs::read_to_string(folder.file("clip.json")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let counts = ["images", "annotations", "categories"].map(|name| document[name].as_array().unwrap().len());
    assert_eq!(counts, [5, 7, 2]);
    let last = &document["annotations"][6];
    assert_eq!(
        [&last["image_id"], &last["category_id"], &last["track_id"], &last["state"]],
        [&4.into(), &2.into(), &7.into(), &serde_json::Value::from("tracked")]
    );
    let mask = expected_tracks()[1][3].clone().unwrap();
    assert_eq!(last["segmentation"]["counts"], mask.to_text());
    assert_eq!(last["area"], mask.area());
    assert_eq!(document["images"][3]["pts"], 120_000_000);
    assert_eq!(folder.names(), ["clip.json"]);
}

#[test]
fn a_document_is_whole_from_the_beginning_on() {
    let folder = Folder::new("begin");
    for (format, name) in [(Format::Coco, "coco.json"), (Format::YoutubeVis, "youtube.json")] {
        let mut exporter = Exporter::create(&folder.file(name), &of(format)).unwrap();
        let read = || -> serde_json::Value {
            serde_json::from_str(&std::fs::read_to_string(folder.file(name)).unwrap()).unwrap()
        };
        assert_eq!(read()["annotations"], serde_json::json!([]), "{name}");
        let objects = scene(1);
        let mut shaper = Shaper::default();
        exporter.write(&shaper.shape(shot(0, Some(&objects)), &of(format))).unwrap();
        // Nothing is written any more: the thread alone brings the document up to date.
        while read()["annotations"].as_array().unwrap().len() < 2 {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

#[test]
fn lines_give_the_objects_back() {
    let folder = Folder::new("lines");
    let mut frames = scenes();
    frames.push(None);
    frames.push(Some(Objects { items: vec![], ..scene(0) }));
    for (coordinates, mask_size) in [(Coordinates::Pixels, MaskSize::Frame), (Coordinates::Normalised, MaskSize::Grid)]
    {
        let options = Options { coordinates, mask_size, soft_masks: true, ..Options::default() };
        export(&folder.file("clip.jsonl"), &options, &frames);
        let mut reader = Reader::open(&folder.file("clip.jsonl")).unwrap();
        for (number, objects) in (1..).zip(&frames) {
            let (line, record) = reader.next_record().unwrap().unwrap();
            assert_eq!((line, record.frame, record.pts), (number, number - 1, Some((number - 1) * 40_000_000)));
            let found = record.objects().unwrap();
            assert_eq!(found.is_some(), objects.is_some());
            let (Some(found), Some(objects)) = (found, objects) else { continue };
            assert_eq!(found.items.len(), objects.items.len());
            for (found, object) in found.items.iter().zip(&objects.items) {
                assert_eq!((&found.mask, found.id, &found.label), (&object.mask, object.id, &object.label));
                assert_eq!((found.state, found.score), (object.state, object.score));
                assert_eq!((found.first_seen_ns, found.last_seen_ns), (object.first_seen_ns, object.last_seen_ns));
                assert!(found.box_in_frame.iou(&object.box_in_frame) > 0.999);
            }
        }
        assert!(reader.next_record().unwrap().is_none());
    }
}

/// The masks of one object written in some form and read back.
fn back(options: Options) -> Mask {
    let objects = scene(0);
    let line = json_line(&Shaper::default().shape(shot(0, Some(&objects)), &options), &options);
    let record: Record = serde_json::from_str(&line).unwrap();
    record.objects().unwrap().unwrap().items[0].mask.clone()
}

#[test]
fn masks_come_from_what_was_written() {
    let frame = expected_first(0).unwrap();
    let rle = back(Options::default());
    assert_eq!((rle.width, rle.height, rle.bytes()), (160, 90, &frame.to_levels()[..]));
    let grid = back(Options { mask_size: MaskSize::Grid, ..Options::default() });
    let inside: Vec<u8> = scene(0).items[0].mask.bytes().iter().map(|&v| if v >= 128 { 255 } else { 0 }).collect();
    assert_eq!((grid.width, grid.bytes()), (40, &inside[..]));
    for coordinates in [Coordinates::Pixels, Coordinates::Normalised] {
        let polygon = Options { segmentation: SegmentationKind::Polygon, coordinates, ..Options::default() };
        assert_eq!(back(polygon).bytes(), rle.bytes(), "{coordinates:?}");
    }
    let none = back(Options { segmentation: SegmentationKind::None, ..Options::default() });
    let filled = none.bytes().iter().filter(|&&value| value > 0).count() as f64;
    assert!((filled / (0.09 * 160.0 * 90.0) - 1.0).abs() < 0.05, "the box: {filled}");
}

/// The first frame of the scene with a map for each of two concepts, the second without a cell.
fn with_maps() -> Objects {
    let map = |label: &str, prompt_index, map| SemanticMap { label: label.into(), prompt_index, presence: 0.25, map };
    let grid = Mask::new(5, 4, (0..20).map(|cell| cell * 13).collect::<Vec<u8>>()).unwrap();
    let semantic_maps = vec![map("dog", 0, grid), map("cat", 1, Mask::new(0, 0, vec![]).unwrap())];
    Objects { semantic_maps, ..scene(0) }
}

#[test]
fn semantic_maps_are_written_beside_the_objects_and_read_back() {
    let objects = with_maps();
    let back = |options: Options| {
        let line = json_line(&Shaper::default().shape(shot(0, Some(&objects)), &options), &options);
        let record: Record = serde_json::from_str(&line).unwrap();
        let found = record.objects().unwrap().unwrap();
        assert_eq!(found.items.len(), 1);
        found.semantic_maps
    };
    let soft = back(Options { soft_masks: true, ..Options::default() });
    assert_eq!(soft.len(), 1, "a map without a cell is none");
    assert_eq!((&soft[0].map, &*soft[0].label, soft[0].presence), (&objects.semantic_maps[0].map, "dog", 0.25));
    let hard: Vec<u8> = (0..20).map(|cell| if cell * 13 >= 128 { 255 } else { 0 }).collect();
    for segmentation in [SegmentationKind::Rle, SegmentationKind::Polygon] {
        let maps = back(Options { segmentation, ..Options::default() });
        assert_eq!((maps[0].map.width, maps[0].map.bytes()), (5, &hard[..]));
    }
    assert!(back(Options { segmentation: SegmentationKind::None, ..Options::default() }).is_empty());
    let options = Options::default();
    let line = json_line(&Shaper::default().shape(shot(0, Some(&scene(0))), &options), &options);
    assert!(!line.contains("semantic_maps"), "{line}");
}

#[test]
fn strange_labels_and_boxes_and_many_objects_are_written_whole() {
    let folder = Folder::new("strange");
    let labels = ["a\u{1}\n\"b\"\t,", "🐶 dög", &"x".repeat(10_000)];
    let mut objects = scene(0);
    objects.items =
        (0..500).map(|n| disc(Some(n + 1), labels[n as usize % 3], n as u32 % 3, [0.5, 0.5], 0.1)).collect();
    objects.items[0].box_in_frame = BoxXyxy { x0: 0.5, y0: 0.5, x1: 0.5, y1: 0.5 };
    objects.items[1].box_in_frame.x0 = f32::NAN;
    objects.items[2].score = f32::NAN;
    objects.items[3].mask = Mask::new(40, 40, vec![0; 1600]).unwrap();
    objects.items[4].mask = Mask::new(0, 0, vec![]).unwrap();
    for format in [Format::JsonLines, Format::Coco, Format::YoutubeVis, Format::Mots, Format::Davis, Format::Csv] {
        export(&folder.file(format.nick()), &of(format), &[Some(objects.clone())]);
    }
    let mut reader = Reader::open(&folder.file("jsonl")).unwrap();
    let found = reader.next_record().unwrap().unwrap().1;
    let error = found.objects().err();
    assert!(error.is_none(), "{error:?}");
    let items = found.objects().unwrap().unwrap().items;
    assert_eq!(items.len(), 500);
    assert!(items.iter().zip(&objects.items).all(|(found, object)| found.label == object.label));
    let csv = std::fs::read_to_string(folder.file("csv")).unwrap();
    assert!(csv.contains("\"a\u{1}\n\"\"b\"\"\t,\""));
    let coco: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(folder.file("coco")).unwrap()).unwrap();
    assert_eq!(coco["categories"][2]["name"], "x".repeat(10_000));
}

#[test]
fn places_that_cannot_be_written_are_refused_with_the_way_out() {
    let folder = Folder::new("places");
    for format in [Format::JsonLines, Format::Coco, Format::YoutubeVis, Format::Mots, Format::Csv] {
        let refusal = |path: &Path| match Exporter::create(path, &of(format)) {
            Err(error @ Error::File { .. }) => error.to_string(),
            other => panic!("{format:?}: {:?}", other.err()),
        };
        assert!(refusal(&folder.0).contains("It is a folder"), "{}", refusal(&folder.0));
        let missing = folder.file("no/such/file");
        let text = refusal(&missing);
        assert!(text.contains("Make the folder") && text.contains("no/such"), "{text}");
        assert_eq!(folder.names(), [""; 0], "{format:?}");
    }
    let davis = |path: &Path| Exporter::create(path, &of(Format::Davis)).err().unwrap().to_string();
    assert!(davis(&folder.file("no/such")).contains("Make the folder"));
    assert!(davis(Path::new("/dev/null")).contains("It has to be a folder"), "{}", davis(Path::new("/dev/null")));
}

#[test]
fn a_full_disk_is_told_as_such() {
    let objects = scene(1);
    for format in [Format::JsonLines, Format::Mots] {
        let mut exporter = Exporter::create(Path::new("/dev/full"), &of(format)).unwrap();
        let error = exporter.write(&Shaper::default().shape(shot(0, Some(&objects)), &of(format))).unwrap_err();
        let is_full = matches!(error, Error::File { access: crate::error::FileAccess::WriteFull, .. });
        assert!(is_full && error.to_string().contains("Free space"), "{error}");
    }
    let error = Exporter::create(Path::new("/dev/full"), &of(Format::Csv)).err().unwrap();
    assert!(error.to_string().contains("/dev/full"), "{error}");
}

#[test]
fn lines_that_are_no_records_are_named() {
    let folder = Folder::new("malformed");
    export(&folder.file("good"), &Options::default(), &scenes()[..1]);
    let good = std::fs::read_to_string(folder.file("good")).unwrap();
    let cause = |text: String| {
        std::fs::write(folder.file("bad"), text).unwrap();
        let mut reader = Reader::open(&folder.file("bad")).unwrap();
        let mut seen = 0;
        loop {
            match reader.next_record() {
                Ok(Some((line, record))) => match record.objects() {
                    Ok(_) => seen += 1,
                    Err(cause) => return reader.refusal(line, &cause).to_string(),
                },
                Ok(None) => return format!("{seen} frames"),
                Err(error) => return error.to_string(),
            }
        }
    };
    assert_eq!(cause(format!("{good}\n{good}")), "2 frames");
    assert_eq!(cause(format!("{good}{}", &good[..50])), "1 frames", "a process was killed");
    let broken = cause(format!("{good}{{\"frame\": x}}\n"));
    assert!(broken.contains("line 2: column 11") && broken.contains("format=jsonl"), "{broken}");
    let text = cause(good.replacen("\"counts\":\"", "\"counts\":\"!", 1));
    assert!(text.contains("line 1: object 1 has the character '!'"), "{text}");
    let huge = cause(good.replacen("\"size\":[90,160]", "\"size\":[16384,16384]", 1));
    assert!(huge.contains("legal are 1 to 1048576"), "{huge}");
    let many = format!(
        "\"objects\":[{}",
        "{\"label\":\"a\",\"score\":1,\"bbox\":[0,0,1,1],\"segmentation\":[[0,0,9,9,0,9]]},".repeat(9)
    );
    let frame_of_sea = good.replacen("\"width\":160,\"height\":90", "\"width\":16384,\"height\":16384", 1);
    let all = cause(frame_of_sea.replacen("\"objects\":[", &many, 1));
    assert!(all.contains("cells, where a frame has at most 2147483648; write mask-size=grid"), "{all}");
    let score = cause(good.replacen("\"score\":0.9", "\"score\":1e300", 1));
    assert!(score.contains("line 1: object 1 has a box or a score that is no finite number"), "{score}");
    let map = "\"semantic_maps\":[{\"label\":\"dog\",\"presence\":1,\"segmentation\":{\"size\":[1,1],\"counts\":\"!\"}}],\"frame\"";
    let map = cause(good.replacen("\"frame\"", map, 1));
    assert!(map.contains("line 1: semantic map 1 has the character '!'"), "{map}");
    let side = cause(good.replacen("\"width\":160", "\"width\":0", 1));
    assert!(side.contains("a frame of 0x90"), "{side}");
    assert!(cause(String::from("\u{fffd}\0\n")).contains("line 1"));
    let folder_error = Reader::open(&folder.0).unwrap_err().to_string();
    assert!(folder_error.contains("it is a folder"), "{folder_error}");
}

#[test]
fn objects_without_ids_are_numbered_where_a_format_needs_it() {
    let folder = Folder::new("numbers");
    let mut objects = scene(1);
    objects.items.iter_mut().for_each(|object| object.id = None);
    export(&folder.file("clip.txt"), &of(Format::Mots), &[Some(objects)]);
    let truth = read_truth(&folder.0).unwrap();
    assert_eq!(truth.sequences[0].tracks.iter().map(|track| track.track.id).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_replay_finds_the_line_of_a_frame_forwards_and_after_a_step_back() {
    let folder = Folder::new("replay");
    let mut frames = scenes();
    frames[2] = None;
    export(&folder.file("a"), &Options::default(), &frames);
    let mut replay = Replay::open(&folder.file("a")).unwrap();
    let mut count = |key| replay.find(key).unwrap().map(|found| found.objects.items.len());
    let at = |ms: u64| Key::Pts(ms * 1_000_000, Some(40_000_000));
    assert_eq!(
        [0, 43, 80, 118, 200, 40, 0].map(|ms| count(at(ms))),
        [Some(1), Some(2), None, Some(2), None, Some(2), Some(1)]
    );
    assert_eq!([0, 3, 4, 1].map(|frame| count(Key::Frame(frame))), [Some(1), Some(2), None, Some(2)]);
    assert_eq!(count(Key::Pts(39_500_000, None)), Some(2), "within a millisecond");
    assert_eq!(count(Key::Pts(35_000_000, None)), None);
}
