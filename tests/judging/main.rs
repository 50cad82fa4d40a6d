//! Our judgement of `data/` beside what TrackEval and pycocotools say about the same files; `generate.py` wrote both.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sa3::evaluate::ground_truth::{Paired, pair, read_predictions, read_truth, write_youtube_vis};
use sa3::evaluate::{Rle, Scores, Sums, Unit};
use serde::Deserialize;

/// Both sides count in 64-bit floats and differ in the order of their sums.
const TOLERANCE: f64 = 1e-9;

#[derive(Deserialize)]
struct Expected {
    davis: BTreeMap<String, Measures>,
    mots: BTreeMap<String, Measures>,
    youtube_vis: BTreeMap<String, Measures>,
    run_lengths: Vec<RunLengths>,
}

#[derive(Deserialize)]
struct Measures {
    hota: f64,
    det_a: f64,
    ass_a: f64,
    loc_a: f64,
    idf1: f64,
    id_switches: u64,
    mota: f64,
    true_masks: u64,
    found_masks: u64,
    j_and_f: Option<f64>,
    j: Option<f64>,
    f: Option<f64>,
}

#[derive(Deserialize)]
struct RunLengths {
    width: u32,
    height: u32,
    texts: [String; 2],
    runs: [Vec<u32>; 2],
    areas: [u64; 2],
    iou: f64,
    union: String,
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judging/data")
}

fn expected() -> Expected {
    serde_json::from_str(&std::fs::read_to_string(data().join("expected.json")).unwrap()).unwrap()
}

fn paired(truth: &Path, found: &Path) -> Paired {
    let truth = read_truth(truth).unwrap();
    pair(&truth, &read_predictions(found, &truth, 0.5).unwrap()).unwrap()
}

fn paired_in(layout: &str) -> Paired {
    paired(&data().join(layout).join("truth"), &data().join(layout).join("found"))
}

/// Each unit alone, and all of them together.
fn compare(units: &[Unit], expected: &BTreeMap<String, Measures>) {
    assert_eq!(units.len() + 1, expected.len());
    for unit in units {
        let category = if unit.category.is_empty() { "general" } else { &unit.category };
        let name = format!("{}/{category}", unit.sequence);
        compare_scores(&name, &Sums::of(unit).scores(), &expected[&name]);
    }
    compare_scores("all", &Sums::of_all(units).scores(), &expected["all"]);
}

fn compare_scores(name: &str, ours: &Scores, theirs: &Measures) {
    let counts = (ours.id_switches, ours.true_masks, ours.found_masks);
    assert_eq!(counts, (theirs.id_switches, theirs.true_masks, theirs.found_masks), "{name}: switches, masks");
    let nothing_there = ours.true_masks + ours.found_masks == 0;
    let measures = [
        ("HOTA", Some(ours.hota), Some(theirs.hota)),
        ("DetA", Some(ours.det_a), Some(theirs.det_a)),
        ("AssA", Some(ours.ass_a), Some(theirs.ass_a)),
        ("LocA", Some(ours.loc_a), Some(if nothing_there { 1.0 } else { theirs.loc_a })),
        ("IDF1", Some(ours.idf1), Some(theirs.idf1)),
        ("MOTA", Some(ours.mota), Some(theirs.mota)),
        ("J", ours.j, theirs.j),
        ("F", ours.f, theirs.f),
        ("J&F", ours.j_and_f, theirs.j_and_f),
    ];
    for (measure, ours, theirs) in measures {
        assert_eq!(ours.is_some(), theirs.is_some(), "{name}: {measure}");
        let (ours, theirs) = (ours.unwrap_or_default(), theirs.unwrap_or_default());
        assert!((ours - theirs).abs() < TOLERANCE, "{name}: {measure} is {ours}, and TrackEval says {theirs}");
    }
}

#[test]
fn davis_like_folders_are_judged_as_trackeval_does() {
    compare(&paired_in("davis").units, &expected().davis);
}

#[test]
fn mots_like_files_are_judged_as_trackeval_does() {
    compare(&paired_in("mots").units, &expected().mots);
}

#[test]
fn youtube_vis_like_files_are_judged_as_trackeval_does() {
    let paired = paired_in("youtube_vis");
    assert_eq!(paired.left_out, 0);
    compare(&paired.units, &expected().youtube_vis);
}

#[test]
fn run_lengths_are_those_of_pycocotools() {
    for case in expected().run_lengths {
        let (width, height) = (case.width, case.height);
        let masks: Vec<_> = case.texts.iter().map(|text| Rle::from_text(width, height, text).unwrap()).collect();
        for (mask, (text, (runs, area))) in masks.iter().zip(case.texts.iter().zip(case.runs.iter().zip(case.areas))) {
            assert_eq!(mask.to_text(), *text);
            assert_eq!(*mask, Rle::from_runs(width, height, runs.iter().copied()).unwrap());
            assert_eq!(*mask, Rle::from_pixels(width, height, &mask.to_pixels()));
            assert_eq!(mask.area(), area);
        }
        assert!((masks[0].iou(&masks[1]) - case.iou).abs() < 1e-15, "{width}x{height}");
        assert_eq!(masks[0].with(&masks[1]).to_text(), case.union);
    }
}

/// What was read from one layout and written in another is judged alike.
#[test]
fn layouts_can_be_mixed() {
    let truth_folder = data().join("davis/truth");
    let mut truth = read_truth(&truth_folder).unwrap();
    let found = read_predictions(&data().join("davis/found"), &truth, 0.5).unwrap();
    let file = tempfile("mixed.json");
    write_youtube_vis(&file, &found).unwrap();
    let again = read_predictions(&file, &truth, 0.5).unwrap();
    std::fs::remove_file(&file).unwrap();
    compare(&pair(&truth, &again).unwrap().units, &expected().davis);
    truth.sequences.truncate(1);
    let alone = read_predictions(&data().join("davis/found/crowded"), &truth, 0.5).unwrap();
    assert_eq!(alone.sequences.len(), 1);
}

/// The list of what was asked makes the difference between "found nothing" and "was not looked for".
#[test]
fn what_was_asked_is_what_is_judged() {
    let text = std::fs::read_to_string(data().join("youtube_vis/truth/truth.json")).unwrap();
    let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
    document["video_np_pairs"] =
        serde_json::json!([{"video_id": 1, "category_id": 3}, {"video_id": 2, "category_id": 9}]);
    let file = tempfile("asked.json");
    std::fs::write(&file, document.to_string()).unwrap();
    let paired = paired(&file, &data().join("youtube_vis/found"));
    std::fs::remove_file(&file).unwrap();
    let asked: Vec<_> = paired.units.iter().map(|unit| (&*unit.sequence, &*unit.category)).collect();
    assert_eq!(asked, [("quiet", "fish"), ("crowded", "boat")]);
    let scores = Sums::of_all(&paired.units).scores();
    assert_eq!((scores.il_mcc_videos, scores.cg_f1_videos), (Some(1.0), scores.pm_f1_videos));
    assert!(paired.left_out > 0);
}

#[test]
fn a_score_below_the_least_is_left_out() {
    let truth = read_truth(&data().join("youtube_vis/truth")).unwrap();
    let count = |least| {
        let found = read_predictions(&data().join("youtube_vis/found"), &truth, least).unwrap();
        found.sequences.iter().map(|sequence| sequence.tracks.len()).sum::<usize>()
    };
    assert!(count(0.5) > count(0.6) && count(0.6) > 0);
    assert_eq!(count(1.1), 0);
}

#[test]
fn refusals_name_the_file_and_the_remedy() {
    let folder = tempfile("refused");
    std::fs::create_dir_all(folder.join("quiet")).unwrap();
    let truth = read_truth(&data().join("davis/truth")).unwrap();
    let refusal = |path: &Path| read_predictions(path, &truth, 0.5).unwrap_err().to_string();

    assert!(refusal(&folder.join("nowhere")).contains("nowhere: No such file"), "{}", refusal(&folder.join("nowhere")));
    assert!(refusal(&folder).contains("crowded: there is no such folder"), "{}", refusal(&folder));

    let mots = folder.join("mots");
    std::fs::create_dir_all(&mots).unwrap();
    for (text, cause) in [
        ("1 2 3 4", "line 1: it has 4 fields"),
        ("1 2 2 120 160 !", "line 1: the character '!'"),
        (
            &format!("99 2 2 120 160 {}", Rle::empty(160, 120).to_text()),
            "line 1: frame 99 is not in the sequence \"crowded\"",
        ),
        ("\n1 2 2 3 2 6", "line 2: the mask is 2x3, and the sequence \"crowded\" 160x120"),
        ("1 x 2 3 2 6", "\"x\" is not a number"),
    ] {
        std::fs::write(mots.join("crowded.txt"), text).unwrap();
        let refusal = refusal(&mots);
        assert!(refusal.contains("crowded.txt") && refusal.contains(cause), "{text}: {refusal}");
    }

    let json = folder.join("found.json");
    for (text, cause) in [
        ("[]", "the truth has another layout"),
        ("{", "EOF"),
        (r#"{"videos": [], "annotations": [{"video_id": 4, "category_id": 1, "segmentations": []}]}"#, "video_id 4"),
    ] {
        std::fs::write(&json, text).unwrap();
        let refusal = refusal(&json);
        assert!(refusal.contains("found.json") && refusal.contains(cause), "{text}: {refusal}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn pictures_must_be_labels_and_complete() {
    let folder = tempfile("pictures");
    std::fs::create_dir_all(&folder).unwrap();
    let mut truth = read_truth(&data().join("davis/truth")).unwrap();
    truth.sequences.retain(|sequence| sequence.name == "quiet");
    for entry in std::fs::read_dir(data().join("davis/found/quiet")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    let refusal = || read_predictions(&folder, &truth, 0.5).unwrap_err().to_string();
    std::fs::rename(folder.join("00004.png"), folder.join("name.png")).unwrap();
    assert!(refusal().contains("name.png: the truth has no frame of that name"), "{}", refusal());
    std::fs::remove_file(folder.join("name.png")).unwrap();
    assert!(refusal().contains("there is no 00004.png"), "{}", refusal());
    let colours = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/pictures/scene_00.png");
    std::fs::copy(colours, folder.join("00004.png")).unwrap();
    assert!(refusal().contains("00004.png: the picture is Rgb"), "{}", refusal());
    std::fs::write(folder.join("00004.png"), "no picture").unwrap();
    assert!(refusal().contains("00004.png"), "{}", refusal());
    std::fs::remove_dir_all(&folder).unwrap();
}

fn tempfile(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("sa3-judging-{}-{name}", std::process::id()))
}
