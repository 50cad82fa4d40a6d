//! `sa3-eval`, as a user sees it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

/// The program, in the checkout; it registers the elements itself, so GStreamer may find no other copy of them.
fn eval(arguments: &[&str]) -> Output {
    let checkout = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_sa3-eval"));
    program.current_dir(checkout).env("GST_PLUGIN_PATH", "").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn folders_give_a_table_and_the_same_as_json() {
    let data = "tests/judging/data/mots";
    let (truth, found) = (format!("--truth={data}/truth"), format!("--predictions={data}/found"));
    let table = text(&eval(&[&truth, &found]).stdout);
    let all = table.lines().find(|line| line.starts_with("all ")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&eval(&[&truth, &found, "--json"]).stdout).unwrap();
    let hota = report["all"]["hota"].as_f64().unwrap();
    assert!(all.contains(&format!(" {hota:.3} ")), "{hota}: {all}");
    assert_eq!(report["categories"].as_array().unwrap().len(), 2);
    assert!(table.contains("quiet: pedestrian") && table.contains("IL_MCC needs"), "{table}");
}

/// Both ways, and what was saved is judged like what was played.
#[test]
fn the_clip_is_judged_in_both_ways_and_can_be_saved() {
    let folder = std::env::temp_dir().join(format!("sa3-eval-{}", std::process::id()));
    let save = format!("--save={}", folder.display());
    let played = eval(&["--clip", "--frames=2", "--absent=banana", "--json", &save]);
    assert!(played.status.success(), "{}", text(&played.stderr));
    let ways: serde_json::Value = serde_json::from_slice(&played.stdout).unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    let truth = path("truth.json");
    for way in ["greedy-iou", "sa3track"] {
        let report = &ways[way];
        assert_eq!(report["units"].as_array().unwrap().len(), 7);
        assert_eq!(report["all"]["true_masks"], 10);
        assert!(report["all"]["j"].as_f64().unwrap() > 0.5, "{way}: {report}");
        let found = path(&format!("predictions-{way}.json"));
        let again = eval(&["--truth", &truth, "--predictions", &found, "--json"]);
        let again: serde_json::Value = serde_json::from_slice(&again.stdout).unwrap();
        assert_eq!(&again, report);
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A folder of clips, here of one; it names no absent phrases.
#[test]
fn clips_of_a_folder_are_judged_by_their_names() {
    let judged = eval(&["--clips=examples/media", "--frames=2", "--way=sa3track", "--json"]);
    assert!(judged.status.success(), "{}", text(&judged.stderr));
    let report = serde_json::from_slice::<serde_json::Value>(&judged.stdout).unwrap()["sa3track"].clone();
    let units = report["units"].as_array().unwrap();
    assert!(units.iter().all(|unit| unit["sequence"] == "clip") && units.len() == 6);
    assert_eq!((&report["all"]["true_masks"], &report["all"]["returns"]), (&10.into(), &0.into()));
}

/// Properties reach the element: of six things that are there, one at a time may be followed.
#[test]
fn properties_of_the_tracker_can_be_tried() {
    let tried = eval(&["--clip", "--frames=2", "--way=sa3track", "--properties=active-objects=1", "--json"]);
    assert!(tried.status.success(), "{}", text(&tried.stderr));
    let ways: serde_json::Value = serde_json::from_slice(&tried.stdout).unwrap();
    assert_eq!((&ways["sa3track"]["all"]["found_masks"], &ways["greedy-iou"]), (&2.into(), &serde_json::Value::Null));
}

#[test]
fn refusals_end_with_an_error() {
    for (arguments, cause) in [
        (&["--truth", "nowhere", "--predictions", "nowhere"][..], "error: nowhere: No such file"),
        (&["--truth", "docs", "--predictions", "docs"], "error: docs"),
        (&["--truth", "docs", "--predictions", "docs", "--threshold", "2"], "Legal are 0 to 1"),
        (&["--clip", "--model", "nowhere/at-all"], "nowhere/at-all"),
        (&["--clips", "examples/media/clip/masks"], "there is no clip"),
        (&["--truth", "docs", "--predictions", "docs", "--save", "out"], "--clip"),
        (&[], "--clip"),
    ] {
        let refused = eval(arguments);
        assert!(
            !refused.status.success() && text(&refused.stderr).contains(cause),
            "{arguments:?}: {}",
            text(&refused.stderr)
        );
    }
}
