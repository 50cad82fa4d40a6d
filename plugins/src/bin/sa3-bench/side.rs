//! One side of a comparison: a process that loads a model once and works when told to.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Between two looks at a process's memory. Short beside a pass, long beside the look itself.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Linux counts processor time for programs in hundredths of a second.
const MS_PER_TICK: f64 = 10.0;

/// A picture as raw RGB.
pub struct Picture {
    pub file: PathBuf,
    pub width: u32,
    pub height: u32,
}

/// What a side says when it is ready.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Loaded {
    pub load_s: f64,
    /// Resident memory while loading.
    pub peak_bytes: u64,
    /// First pass, which loading may include.
    pub warm_up_s: f64,
}

/// What a side says after a pass.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pass {
    /// From the picture in memory to masks on the model's grid, text included.
    pub total_ms: f64,
    /// Masks above the threshold.
    pub kept: usize,
    pub stages_ms: Vec<(String, f64)>,
}

/// What a side says after following objects through some frames: means per frame, and counts on the last one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Turn {
    /// From the picture in memory to masks on the model's grid.
    pub total_ms: f64,
    /// The tracker and the session's rules.
    pub tracker_ms: f64,
    pub followed: usize,
    /// With a mask.
    pub shown: usize,
    /// Processor time of all threads; whoever asks measures it.
    #[serde(skip)]
    pub cpu_ms: f64,
}

/// Peaks over the life of a process.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    pub resident_bytes: u64,
    /// Without mapped files; looked at now and then.
    pub anonymous_bytes: u64,
}

pub struct Side {
    pub name: &'static str,
    pub loaded: Loaded,
    process: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    watch: Watch,
}

impl Picture {
    pub fn read(&self) -> Result<Vec<u8>, String> {
        let mut rgb = std::fs::read(&self.file).map_err(|error| format!("{}: {error}", self.file.display()))?;
        rgb.truncate(3 * self.width as usize * self.height as usize);
        Ok(rgb)
    }

    /// As command line arguments of both sides.
    pub fn arguments(&self) -> [String; 6] {
        let [file, width, height] = [self.file.display().to_string(), self.width.to_string(), self.height.to_string()];
        ["--picture".into(), file, "--width".into(), width, "--height".into(), height]
    }
}

impl Side {
    /// Starts the process and waits until it has loaded.
    pub fn start(name: &'static str, command: &mut Command) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("{name} does not start: {error}");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let watch = Watch::over(process.id());
        let (Some(orders), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(format!("{name} has no pipes"));
        };
        let mut answers = BufReader::new(answers).lines();
        let loaded = answer(name, &mut answers)?;
        Ok(Self { name, loaded, process, orders, answers, watch })
    }

    /// One pass over the picture.
    pub fn pass(&mut self, size: u32, phrases: &[String]) -> Result<Pass, String> {
        self.ask(&format!("{size} {}", phrases.join(";")))
    }

    /// Hands over a line and waits for what is said to it.
    pub fn ask<T: for<'a> Deserialize<'a>>(&mut self, order: &str) -> Result<T, String> {
        writeln!(self.orders, "{order}")
            .and_then(|()| self.orders.flush())
            .map_err(|error| format!("{} is gone: {error}", self.name))?;
        answer(self.name, &mut self.answers)
    }

    /// Processor time of all threads so far, in milliseconds; `None` where the kernel does not say.
    pub fn cpu_ms(&self) -> Option<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).ok()?;
        // The name before the last bracket may hold anything; then follow the fields from the third on.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |field: usize| fields.get(field - 3)?.parse::<f64>().ok();
        Some((ticks(14)? + ticks(15)?) * MS_PER_TICK)
    }

    pub fn memory(&self) -> Memory {
        Memory {
            resident_bytes: peak_bytes(&self.process.id().to_string()),
            anonymous_bytes: self.watch.peak_bytes.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // A process that has ended already is as good as one that is ended here.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn answer<T: for<'a> Deserialize<'a>>(name: &str, answers: &mut Lines<BufReader<ChildStdout>>) -> Result<T, String> {
    let line = answers.next().ok_or_else(|| format!("{name} ended; see above"))?.map_err(|error| error.to_string())?;
    serde_json::from_str(&line).map_err(|error| format!("{name} said {line:?}: {error}"))
}

/// Looks at a process's anonymous memory, whose peak the kernel does not keep.
struct Watch {
    peak_bytes: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    fn over(process: u32) -> Self {
        let (peak_bytes, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (peak, over) = (peak_bytes.clone(), is_over.clone());
        let thread = std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                peak.fetch_max(status_bytes(&process.to_string(), "RssAnon:").unwrap_or(0), Ordering::Relaxed);
                std::thread::sleep(LOOK_EVERY);
            }
        });
        Self { peak_bytes, is_over, thread: Some(thread) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // It only sleeps and reads; its panic would lose nothing but a number.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Largest resident memory of a process so far; `process` is its number or "self".
pub fn peak_bytes(process: &str) -> u64 {
    status_bytes(process, "VmHWM:").unwrap_or(0)
}

/// Resident memory of a process at present.
pub fn resident_bytes(process: &str) -> u64 {
    status_bytes(process, "VmRSS:").unwrap_or(0)
}

/// A line of /proc/PID/status, which counts in KiB.
fn status_bytes(process: &str, field: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let number = text.lines().find_map(|line| line.strip_prefix(field))?.trim().strip_suffix(" kB")?;
    Some(number.trim().parse::<u64>().ok()? << 10)
}
