//! The examples in C and Python read what the plugin wrote, and the C header tells the truth. Both have what a user has: the
//! plugin library is found by GStreamer's own scanner.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

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

/// A module of a client that writes down what it is told, in place of a broker.
const STAND_INS: [(&str, &str); 3] = [
    ("paho/__init__.py", ""),
    ("paho/mqtt/__init__.py", ""),
    (
        "paho/mqtt/client.py",
        "class Told:\n    def wait_for_publish(self): pass\nclass Client:\n    def connect(self, host, port): print('to', host, port)\n    \
         def loop_start(self): pass\n    def publish(self, topic, payload, qos): print(topic, payload.decode(), qos); return Told()\n    \
         def disconnect(self): print('end')\n    def loop_stop(self): pass\n",
    ),
];
const KAFKA_STAND_IN: &str = "class KafkaProducer:\n    def __init__(self, bootstrap_servers): print('to', bootstrap_servers)\n    \
                              def send(self, topic, value): print(topic, value.decode())\n    def flush(self): print('flush')\n    \
                              def close(self): print('end')\n";

/// Gives `lines` to `examples/publish.py`, which finds nothing but the stand-ins of clients.
fn publish(scratch: &str, address: &str, lines: &str) -> Output {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(scratch);
    for (file, text) in STAND_INS.into_iter().chain([("kafka.py", KAFKA_STAND_IN)]) {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut python = Command::new(PYTHON);
    python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/publish.py")).arg(address).env("PYTHONPATH", folder);
    python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = python.spawn().unwrap();
    // A program that refuses its address reads nothing.
    let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
    child.wait_with_output().unwrap()
}

const LINES: &str = "{\"frame\":1}\n\nnot JSON\n[1]\n{\"frame\":2,\"objects\":null}\n{\"frame\":3";

#[test]
fn whole_lines_are_published_and_others_are_named() {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let printed = publish("publish", "-", LINES);
    assert!(printed.status.success());
    assert_eq!(text(&printed.stdout), "{\"frame\":1}\n{\"frame\":2,\"objects\":null}\n");
    let named = text(&printed.stderr);
    assert!(named.contains("line 3 is left out") && named.contains("line 4 is left out: it has no frame"), "{named}");
    let mqtt = publish("publish_mqtt", "mqtt://host/camera1/objects", LINES);
    let first = "to host 1883\ncamera1/objects {\"frame\":1} 1\n";
    assert_eq!(text(&mqtt.stdout), format!("{first}camera1/objects {{\"frame\":2,\"objects\":null}} 1\nend\n"));
    let kafka = publish("publish_kafka", "kafka://host:9/objects", LINES);
    let first = "to host:9\nobjects {\"frame\":1}\n";
    assert_eq!(text(&kafka.stdout), format!("{first}objects {{\"frame\":2,\"objects\":null}}\nflush\nend\n"));
    let refused = publish("publish_refused", "http://host/objects", LINES);
    assert!(!refused.status.success() && text(&refused.stderr).contains("expected mqtt://HOST:PORT/TOPIC"));
}

/// The documented line, with a printing end in place of a broker.
#[test]
fn a_pipeline_is_published() {
    let pipeline = "videotestsrc num-buffers=3 ! video/x-raw,width=320,height=240 ! sa3track model=test prompt=dog ! maskexport name=e \
                    segmentation=none ! queue ! fakesink e.meta ! queue ! fdsink";
    let publish = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/publish.py");
    let mut shell = with_plugin("publish_pipeline", |_| Command::new("bash"));
    let printed = run(shell.args(["-c", &format!("{PYTHON} {publish} - < <(gst-launch-1.0 -q {pipeline})")]));
    let frames: Vec<_> = printed.lines().filter_map(|line| line.split(',').next()).collect();
    assert_eq!(frames, ["{\"frame\":0", "{\"frame\":1", "{\"frame\":2"], "{printed}");
}

/// Each datagram is a whole record.
#[test]
fn a_pipeline_tells_over_udp() {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
    let port = socket.local_addr().unwrap().port();
    let pipeline = format!(
        "videotestsrc num-buffers=3 ! video/x-raw,width=320,height=240 ! sa3track model=test prompt=dog ! maskexport name=e \
         segmentation=none ! queue ! fakesink e.meta ! queue ! udpsink host=127.0.0.1 port={port}"
    );
    let mut launch = with_plugin("udp", |_| Command::new("gst-launch-1.0"));
    run(launch.arg("-q").args(pipeline.split(' ')));
    let mut datagram = [0; 1 << 16];
    for frame in 0..3 {
        let length = socket.recv(&mut datagram).unwrap();
        let record: serde_json::Value = serde_json::from_slice(&datagram[..length]).unwrap();
        assert_eq!((&record["frame"], &record["objects"][0]["label"]), (&frame.into(), &"dog".into()));
    }
}
