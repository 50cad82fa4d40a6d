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

/// What was saved is judged like what was played.
#[test]
fn the_clip_is_judged_and_can_be_saved() {
    let folder = std::env::temp_dir().join(format!("sa3-eval-{}", std::process::id()));
    let save = format!("--save={}", folder.display());
    let played = eval(&["--clip", "--frames=2", "--absent=banana", "--json", &save]);
    assert!(played.status.success(), "{}", text(&played.stderr));
    let report: serde_json::Value = serde_json::from_slice(&played.stdout).unwrap();
    assert_eq!(report["units"].as_array().unwrap().len(), 7);
    assert_eq!(report["all"]["true_masks"], 10);
    assert!(report["all"]["j"].as_f64().unwrap() > 0.5, "{report}");
    let path = |name: &str| folder.join(name).display().to_string();
    let (truth, found) = (path("truth.json"), path("predictions.json"));
    let again = eval(&["--truth", &truth, "--predictions", &found, "--json"]);
    let again: serde_json::Value = serde_json::from_slice(&again.stdout).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(again, report);
}

#[test]
fn refusals_end_with_an_error() {
    for (arguments, cause) in [
        (&["--truth", "nowhere", "--predictions", "nowhere"][..], "error: nowhere: No such file"),
        (&["--truth", "docs", "--predictions", "docs"], "error: docs"),
        (&["--truth", "docs", "--predictions", "docs", "--threshold", "2"], "Legal are 0 to 1"),
        (&["--clip", "--model", "nowhere/at-all"], "nowhere/at-all"),
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
