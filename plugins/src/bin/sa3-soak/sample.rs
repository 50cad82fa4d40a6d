//! What is noted down every hundred frames.

use std::fmt;
use std::fmt::Write;

use crate::plot::Panel;

/// Frames from one sample to the next.
pub const FRAMES_PER_SAMPLE: u64 = 100;

/// Linux counts processor time for programs in hundredths of a second, on every machine.
const MS_PER_TICK: f64 = 10.0;

/// Memory and time at one frame.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sample {
    /// Frames so far.
    pub frame: u64,
    /// Resident memory of the process.
    pub resident_kib: u64,
    /// Mean since the sample before, by the clock: other programs on the machine make it longer.
    pub ms_per_frame: f64,
    /// The same in processor time of this process, all threads together.
    pub cpu_ms_per_frame: f64,
    /// On the frame at hand.
    pub objects: u64,
    /// What the session keeps.
    pub kept: Kept,
}

/// `Tracking::kept` as the element's `stats` show it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Kept {
    pub tracks: u64,
    pub counters: u64,
    pub bans: u64,
    pub frames: u64,
    pub bytes: u64,
}

impl Kept {
    /// From the `stats` of a `sa3track`; zeros before its first frame.
    pub fn of(stats: &gst::StructureRef) -> Self {
        let count = |name: &str| stats.get::<u64>(name).unwrap_or_default();
        Self {
            tracks: count("kept-objects"),
            counters: count("kept-counters"),
            bans: count("kept-bans"),
            frames: count("kept-frames"),
            bytes: count("kept-bytes"),
        }
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { frame, resident_kib, ms_per_frame, cpu_ms_per_frame, objects, kept } = self;
        write!(f, "frame {frame:>6}  {resident_kib:>8} KiB  {ms_per_frame:>7.2} ms")?;
        write!(f, "  {cpu_ms_per_frame:>7.2} ms of processor  {objects:>3} objects  {:>3} kept", kept.tracks)
    }
}

/// A line for each sample, below the names.
pub fn csv(samples: &[Sample]) -> String {
    let mut text = String::from(
        "frame,resident_kib,ms_per_frame,cpu_ms_per_frame,objects,kept_objects,kept_counters,kept_bans,kept_frames,kept_bytes\n",
    );
    for Sample { frame, resident_kib, ms_per_frame, cpu_ms_per_frame, objects, kept } in samples {
        let Kept { tracks, counters, bans, frames, bytes } = kept;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{frame},{resident_kib},{ms_per_frame:.3},{cpu_ms_per_frame:.3},{objects},{tracks},{counters},{bans},{frames},{bytes}"
        );
    }
    text
}

/// Memory above, time below.
pub fn panels(samples: &[Sample]) -> [Panel; 2] {
    let memory = samples.iter().map(|sample| sample.resident_kib as f64 / 1024.0).collect();
    let time = samples.iter().map(|sample| sample.cpu_ms_per_frame).collect();
    [
        Panel { title: "resident memory, MiB", curves: vec![("#0868ac", memory)] },
        Panel { title: "processor time of a frame, ms (mean of 100)", curves: vec![("#b30000", time)] },
    ]
}

/// Resident memory of this process, as Linux counts it.
pub fn resident_kib() -> Result<u64, String> {
    let path = "/proc/self/status";
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    resident_in(&text).ok_or_else(|| format!("{path} has no line VmRSS"))
}

fn resident_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Processor time of this process so far, all threads together.
pub fn cpu_ms() -> Result<f64, String> {
    let path = "/proc/self/stat";
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    cpu_ms_in(&text).ok_or_else(|| format!("{path} is not understood"))
}

/// The fields 14 and 15, in ticks; the name in field 2 may hold spaces.
fn cpu_ms_in(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) * MS_PER_TICK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_resident_memory() {
        assert_eq!(resident_in("Name:\tsa3\nVmRSS:\t  204800 kB\nVmData:\t 7 kB\n"), Some(204_800));
        assert_eq!(resident_in("Name:\tsa3\n"), None);
        assert!(resident_kib().unwrap() > 100);
    }

    #[test]
    fn linux_tells_processor_time() {
        let stat = "7 (a (b) c) S 1 1 1 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 4 0 1 2 3";
        assert_eq!(cpu_ms_in(stat), Some(3000.0));
        assert_eq!(cpu_ms_in("7 (a) S 1"), None);
        assert!(cpu_ms().unwrap() >= 0.0);
    }

    #[test]
    fn the_table_has_a_line_for_each_sample() {
        let kept = Kept { tracks: 4, counters: 3, bans: 2, frames: 1, bytes: 5 };
        let (ms_per_frame, cpu_ms_per_frame) = (1.5, 2.5);
        let sample = Sample { frame: 100, resident_kib: 9, ms_per_frame, cpu_ms_per_frame, objects: 6, kept };
        let text = csv(&[sample, sample]);
        assert_eq!(text.lines().count(), 3);
        assert_eq!(text.lines().nth(2), Some("100,9,1.500,2.500,6,4,3,2,1,5"));
        assert_eq!(text.lines().next().unwrap().split(',').count(), 10);
    }
}
