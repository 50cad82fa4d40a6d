//! `sa3-verify`, the program behind `cargo xtask verify`: what it says, and how it ends.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

const NANO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/sa3-nano");

/// Whether it was content, and everything that it said. `peer` stands for the Python with transformers.
fn verify(arguments: &[&str], peer: &str) -> (bool, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_sa3-verify"));
    program.args(["--device=cpu", "--precision=fp32", "--pictures=1"]).args(arguments).env("SA3_PYTHON", peer);
    let output = program.output().unwrap();
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[track_caller]
fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
}

#[test]
fn the_bundled_model_is_sound_and_so_is_its_folder() {
    let (is_sound, text) = verify(&[], "");
    assert!(is_sound, "{text}");
    assert_says(&text, &["755 with 13.5 million", "load ", "fp32", "vehicle", "vision", "masks", "all numbers finite"]);
    assert_says(&text, &["not compared with transformers: set SA3_PYTHON"]);
    let (is_sound, text) = verify(&[NANO], "");
    assert!(is_sound && text.contains("models/sa3-nano/model.safetensors"), "{text}");
}

#[test]
fn the_verdict_of_the_comparison_is_the_verdict() {
    let (is_sound, text) = verify(&[], "true");
    assert!(is_sound && text.contains("the same with transformers"), "{text}");
    let (is_sound, text) = verify(&[], "false");
    assert!(!is_sound && text.contains("differ from those of transformers"), "{text}");
    let (is_sound, text) = verify(&[], "no-such-python");
    assert!(!is_sound && text.contains("SA3_PYTHON=no-such-python cannot be run"), "{text}");
}

#[test]
fn what_is_no_sound_model_is_told() {
    for (arguments, part) in [
        (&["--threshold=0.999"][..], "nothing was found in any picture at threshold 0.999"),
        (&["test:frame-ms=1"], "is no checkpoint"),
        (&["/no/such/model"], "/no/such/model"),
        (&["owner/name-that-nobody-has"], "cargo xtask fetch owner/name-that-nobody-has"),
    ] {
        let (is_sound, text) = verify(arguments, "");
        assert!(!is_sound);
        assert_says(&text, &["error: ", part]);
    }
}
