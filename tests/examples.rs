//! The examples do what they say.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// An example that cargo built beside this test.
fn example(name: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let path: PathBuf = test.parent().and_then(|deps| deps.parent()).unwrap().join("examples").join(name);
    assert!(path.exists(), "{} is missing: `cargo test` builds it, `cargo test --test` does not", path.display());
    let mut command = Command::new(path);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

#[test]
fn a_picture_is_segmented_and_its_masks_are_written() {
    let folder = std::env::temp_dir().join(format!("sa3-examples-{}", std::process::id()));
    let output = example("segment_picture")
        .args(["tests/parity/pictures/scene_02.png", "cyan bar; magenta object; umbrella"])
        .arg(&folder)
        .output()
        .unwrap();
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(table.contains("cyan bar") && table.contains("magenta object") && !table.contains("umbrella"), "{table}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), table.lines().count() - 1);
    std::fs::remove_dir_all(folder).unwrap();
}

fn walk(arguments: &[&str]) -> String {
    let output = example("track_session").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Lines below a title of `track_session`.
fn step<'a>(told: &'a str, title: &str) -> Vec<&'a str> {
    let below = told.lines().skip_while(|line| *line != title).skip(1);
    below.take_while(|line| line.starts_with(' ')).collect()
}

#[test]
fn a_session_is_walked_through() {
    let told = walk(&[]);
    let last = |title| *step(&told, title).last().unwrap_or_else(|| panic!("no {title} in\n{told}"));
    let is_on = |title, object: &str| last(title).contains(object);
    assert!(is_on("add a prompt", "1 vehicle (tracked)") && is_on("add a prompt", "2 vehicle (tracked)"), "{told}");
    assert!(is_on("click", "3 clicked") && is_on("refine", "3 clicked") && !is_on("remove", "3 clicked"), "{told}");
    assert!(is_on("remove", "1 vehicle") && is_on("remove", "2 vehicle"), "{told}");
    assert!(!is_on("reset", " 1 vehicle") && is_on("reset", "7 vehicle"), "ids go on:\n{told}");
    assert!(is_on("load", " 1 vehicle") && is_on("load", "2 vehicle"), "ids come back:\n{told}");
    assert_eq!(step(&told, "backward").len(), 4, "{told}");
    assert!(told.ends_with("closed\n"), "{told}");
}

#[test]
fn a_session_on_the_bundled_model_is_walked_through() {
    let told = walk(&["nano", "vehicle"]);
    let count = |title, part| step(&told, title).iter().filter(|line| line.contains(part)).count();
    assert_eq!(count("add a prompt", "1 vehicle"), 4, "{told}");
    assert!(count("load", " 1 vehicle") > 0 && told.ends_with("closed\n"), "{told}");
}

#[test]
fn phrases_typed_while_a_pipeline_plays_take_effect() {
    let mut child = example("live_prompt")
        .args(["videotestsrc pattern=smpte is-live=true ! video/x-raw,width=320,height=240", "fakesink", "yellow bar"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut typed = child.stdin.take().unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut seen = Vec::new();
    for line in lines.map_while(Result::ok) {
        let is_first = |found: &str| line.starts_with(found) && !seen.iter().any(|l: &String| l.starts_with(found));
        if is_first("yellow bar") {
            writeln!(typed, "red bar").unwrap();
        } else if is_first("red bar") {
            writeln!(typed, "quit").unwrap();
        }
        seen.push(line);
    }
    assert!(child.wait().unwrap().success());
    assert!(seen.iter().any(|line| line.starts_with("red bar")), "{seen:?}");
}
