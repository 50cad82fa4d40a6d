//! `sa3-soak`, as a user sees it: a short run.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

/// The program registers the elements itself, so GStreamer may find no other copy of them.
fn soak(model: &str, frames: u32, folder: &std::path::Path) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_sa3-soak"));
    program.env("GST_PLUGIN_PATH", "").args(["--model", model, &format!("--frames={frames}"), "--output-dir"]);
    program.arg(folder).output().unwrap()
}

#[test]
fn discs_come_and_go_and_all_is_written_down() {
    let folder = std::env::temp_dir().join(format!("sa3-soak-{}", std::process::id()));
    let run = soak("test", 300, &folder);
    let told = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{told}{}", String::from_utf8_lossy(&run.stderr));
    let table = std::fs::read_to_string(folder.join("soak.csv")).unwrap();
    let column = |name: &str| {
        let position = table.lines().next().unwrap().split(',').position(|title| title == name).unwrap();
        let values = table.lines().skip(1).map(|line| line.split(',').nth(position).unwrap().parse::<f64>().unwrap());
        values.collect::<Vec<_>>()
    };
    assert_eq!(column("frame"), [100.0, 200.0, 300.0]);
    assert!(column("objects").iter().all(|&objects| objects >= 6.0), "{table}");
    assert!(column("kept_objects").iter().all(|&kept| kept >= 6.0), "{table}");
    assert!(column("kept_bytes").iter().all(|&bytes| bytes > 10_000.0), "{table}");
    assert!(std::fs::read_to_string(folder.join("soak.svg")).unwrap().contains("<polyline"));
    // An edit of an object that has just left is a warning, and whether it comes so late is a matter of threads.
    assert!(told.contains(" 0 used twice; ") && told.contains("ok     memory after frame 1000"), "{told}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_failing_model_ends_the_run_with_its_cause() {
    let folder = std::env::temp_dir().join(format!("sa3-soak-failing-{}", std::process::id()));
    let run = soak("nowhere/at-all", 10, &folder);
    let told = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(!run.status.success() && told.contains("nowhere/at-all"), "{told}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_live_stream_loses_nothing_unsaid() {
    let folder = std::env::temp_dir().join(format!("sa3-soak-live-{}", std::process::id()));
    let mut program = Command::new(env!("CARGO_BIN_EXE_sa3-soak"));
    program.env("GST_PLUGIN_PATH", "").args(["--live", "--minutes=0.2", "--output-dir"]).arg(&folder);
    let run = program.output().unwrap();
    let told = String::from_utf8_lossy(&run.stdout).into_owned();
    // Whether frames are late is a matter of the machine, which a test must not judge.
    for fault in ["dropped and", "in, ", "out of order"] {
        let faults = told.lines().find(|line| line.starts_with("FAILS")).unwrap_or_default();
        assert!(!faults.contains(fault), "{told}");
    }
    assert!(told.contains("edits") && !told.contains(" 0 dropped"), "{told}{}", String::from_utf8_lossy(&run.stderr));
    let table = std::fs::read_to_string(folder.join("live.csv")).unwrap();
    assert!(table.lines().count() > 5, "{table}");
    assert!(std::fs::read_to_string(folder.join("live.svg")).unwrap().contains("<polyline"));
    std::fs::remove_dir_all(folder).unwrap();
}
