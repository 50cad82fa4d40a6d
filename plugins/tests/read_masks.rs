//! The examples in C and Python read what the plugin wrote, and the C header tells the truth. Both have what a user has: the
//! plugin library is found by GStreamer's own scanner.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::Command;

const PIPELINE: &str = "videotestsrc num-buffers=2 ! video/x-raw,format=I420,width=320,height=240,framerate=25/1 ! \
                        sa3segment model=test prompt=\"red car; dog\" inference-interval=2 mask-threshold=0.6 \
                        semantic-map=true ! \
                        videoscale ! video/x-raw,width=160,height=120";
/// Inside a disc of radius 0.15 on a grid of 72x72, at the level of 0.6. The red car lies on top of the dog.
const OUTPUT: &str = "\
version 3 frame 160x120 level 153 age AGE source 0 objects 2
red car prompt 0 id 1:1 score 0.95 box 0.05 0.10 0.35 0.40 mask 72x72 inside INSIDE
  region of red car at 8,12 size 48x36
  1302 of 19200 pixels are 1
dog prompt 1 id 1:2 score 0.94 box 0.05 0.35 0.35 0.65 mask 72x72 inside INSIDE
  region of dog at 8,42 size 48x36
  1214 of 19200 pixels are 2
map of red car prompt 0 presence 0.95 72x72 inside HALF
map of dog prompt 1 presence 0.94 72x72 inside HALF
";
const TRACKED: &str = "videotestsrc num-buffers=2 ! video/x-raw,format=I420,width=320,height=240,framerate=25/1 ! \
                       sa3track model=test prompt=dog";
/// Debian's own Python, for which Debian has the bindings of GStreamer.
const PYTHON: &str = "/usr/bin/python3";

/// As the example's first lines have them.
const LIBRARIES: [&str; 3] = ["gstreamer-1.0", "gstreamer-video-1.0", "gstreamer-app-1.0"];

/// A folder that holds the plugin library and nothing else.
fn plugin_folder(scratch: &Path) -> PathBuf {
    let folder = scratch.join("plugins");
    let library = std::env::current_exe().unwrap().with_file_name("libgstsa3.so");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(&library, folder.join("libgstsa3.so"))
        .unwrap_or_else(|cause| panic!("{}: {cause}", library.display()));
    folder
}

fn compile(scratch: &Path) -> PathBuf {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/read_masks.c");
    let include = concat!("-I", env!("CARGO_MANIFEST_DIR"), "/include");
    let flags = run(Command::new("pkg-config").args(["--cflags", "--libs"]).args(LIBRARIES));
    let program = scratch.join("read_masks");
    let mut compiler = Command::new("cc");
    compiler.args(["-std=gnu11", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", include, source, "-o"]);
    run(compiler.arg(&program).args(flags.split_whitespace()));
    program
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|cause| panic!("{command:?}: {cause}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A scratch folder, and a program that finds the plugin. Each test has a folder of its own.
fn with_plugin(scratch: &str, program: impl FnOnce(&Path) -> Command) -> Command {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join(scratch);
    let folder = plugin_folder(&scratch);
    let mut program = program(&scratch);
    program.env("GST_PLUGIN_PATH", folder).env("GST_REGISTRY", scratch.join("registry.bin"));
    program
}

fn c_program(scratch: &str) -> Command {
    with_plugin(scratch, |scratch| Command::new(compile(scratch)))
}

fn python_example(scratch: &str, name: &str) -> Command {
    with_plugin(scratch, |_| {
        let mut python = Command::new(PYTHON);
        python.arg(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples")).join(name));
        python
    })
}

fn last_number(line: &str) -> u32 {
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_c_program_reads_what_the_plugin_wrote() {
    let printed = run(c_program("c_header").arg(PIPELINE));
    let lines: Vec<_> = printed.lines().collect();
    let (inside, half) = (last_number(lines[1]), last_number(lines[7]));
    let disc = std::f64::consts::PI * (0.15_f64 * 72.0).powi(2);
    for cells in [inside, half] {
        assert!((f64::from(cells) / disc - 1.0).abs() < 0.05, "{cells} cells inside, a disc has {disc}");
    }
    let frame = OUTPUT.replace("INSIDE", &inside.to_string()).replace("HALF", &half.to_string());
    assert_eq!(printed, frame.replace("AGE", "0") + &frame.replace("AGE", "1"));
}

/// New on the first frame, tracked on the second.
#[test]
fn a_c_program_reads_how_objects_are_followed() {
    let printed = run(c_program("c_header_track").arg(TRACKED));
    let states: Vec<_> = printed.lines().filter(|line| line.starts_with("  state")).collect();
    let (new, tracked) = ("  state 1 seen 0 to 0", "  state 2 seen 0 to 40000000");
    assert_eq!(states, [new, new, tracked, tracked], "{printed}");
}

/// An example that waits for frames ends with the pipeline's own words when none comes.
#[test]
fn examples_end_with_the_error() {
    for mut program in [c_program("c_error"), python_example("py_error", "read_masks.py")] {
        let output = program.arg("videotestsrc ! sa3segment model=/nowhere prompt=dog").output().unwrap();
        assert!(!output.status.success());
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains("model \"/nowhere\" was not found"), "{told}");
    }
}

/// Python sees the same objects, masks and regions as C does.
#[test]
fn a_python_program_reads_what_the_c_program_reads() {
    let c = run(c_program("c_beside_python").arg(TRACKED));
    let python = run(python_example("py_masks", "read_masks.py").arg(TRACKED));
    let numbers = |text: &str, begin: &str, from: &str, to: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.starts_with(begin));
        lines.map(|line| line.split(from).nth(1).unwrap().split(to).next().unwrap().trim().to_owned()).collect()
    };
    let cells = numbers(&c, "dog", " inside ", "\n");
    assert_eq!(cells.len(), 4, "{c}");
    assert_eq!(cells, numbers(&python, "dog", ":", "cells"), "{python}");
    assert_eq!(numbers(&c, "dog", " id 1:", " "), numbers(&python, "dog", " id ", " "));
    assert_eq!(numbers(&c, "dog", " score ", " "), numbers(&python, "dog", " score ", ":"));
    assert_eq!(numbers(&c, "  region", " at ", "\n"), numbers(&python, "  region", " at ", "\n"));
    let pixels: Vec<_> = c.lines().filter_map(|line| line.trim().split_once(" of 76800 pixels are ")).collect();
    let of_python: Vec<_> =
        python.lines().filter_map(|line| line.split_once("cells, ")?.1.split_once(" pixels are ")).collect();
    assert_eq!(pixels, of_python, "{python}");
}

/// The program itself compares each mask with its area, and the times of lines and frames.
#[test]
fn a_python_program_reads_json_beside_the_frames() {
    let printed = run(python_example("py_json", "read_json.py").arg(TRACKED));
    assert_eq!(printed.lines().filter(|line| line.starts_with("frame 1: dog ")).count(), 2, "{printed}");
}
