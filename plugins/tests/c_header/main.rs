//! The C header tells the truth: a C program reads with it what the plugin wrote, and both are what a user has (the
//! plugin library is found by GStreamer's own scanner).

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::Command;

const PIPELINE: &str = "videotestsrc num-buffers=2 ! video/x-raw,format=I420,width=320,height=240,framerate=25/1 ! \
                        sa3segment model=test prompt=\"red car; dog\" inference-interval=2 mask-threshold=0.6 \
                        semantic-map=true ! \
                        videoscale ! video/x-raw,width=160,height=120 ! fakesink name=out";
/// Inside a disc of radius 0.15 on a grid of 72x72, at the level of 0.6.
const OUTPUT: &str = "\
version 3 frame 160x120 level 153 age 0 source 0 objects 2
red car prompt 0 id 1:1 score 0.95 box 0.05 0.10 0.35 0.40 mask 72x72 inside INSIDE
dog prompt 1 id 1:2 score 0.94 box 0.05 0.35 0.35 0.65 mask 72x72 inside INSIDE
map of red car prompt 0 presence 0.95 72x72 inside HALF
map of dog prompt 1 presence 0.94 72x72 inside HALF
version 3 frame 160x120 level 153 age 1 source 0 objects 2
red car prompt 0 id 1:1 score 0.95 box 0.05 0.10 0.35 0.40 mask 72x72 inside INSIDE
dog prompt 1 id 1:2 score 0.94 box 0.05 0.35 0.35 0.65 mask 72x72 inside INSIDE
map of red car prompt 0 presence 0.95 72x72 inside HALF
map of dog prompt 1 presence 0.94 72x72 inside HALF
";

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
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/c_header/read_masks.c");
    let include = concat!("-I", env!("CARGO_MANIFEST_DIR"), "/include");
    let flags = run(Command::new("pkg-config").args(["--cflags", "--libs", "gstreamer-1.0"]));
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

#[test]
fn a_c_program_reads_what_the_plugin_wrote() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c_header");
    let folder = plugin_folder(&scratch);
    let mut program = Command::new(compile(&scratch));
    program.arg(PIPELINE).env("GST_PLUGIN_PATH", folder).env("GST_REGISTRY", scratch.join("registry.bin"));
    let printed = run(&mut program);
    let inside: u32 = printed.lines().nth(1).and_then(|line| line.rsplit(' ').next()).unwrap().parse().unwrap();
    let disc = std::f64::consts::PI * (0.15_f64 * 72.0).powi(2);
    assert!((f64::from(inside) / disc - 1.0).abs() < 0.05, "{inside} cells inside, a disc has {disc}");
    let half = printed.lines().nth(3).and_then(|line| line.rsplit(' ').next()).unwrap();
    assert!((f64::from(half.parse::<u32>().unwrap()) / disc - 1.0).abs() < 0.05, "{half} cells of the map");
    let named = printed.replace(&format!("inside {inside}"), "inside INSIDE");
    assert_eq!(named.replace(&format!("inside {half}"), "inside HALF"), OUTPUT);
}
