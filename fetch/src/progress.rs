//! How far a download is: one line that moves on a terminal, a line for each tenth elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

const BETWEEN_LINES: Duration = Duration::from_millis(200);

/// One file on its way.
pub struct Progress {
    name: String,
    size_bytes: u64,
    had_bytes: u64,
    began: Instant,
    shown: Option<Instant>,
    shown_tenth: u64,
    is_terminal: bool,
}

impl Progress {
    /// Begins with what was there already.
    pub fn new(name: &str, had_bytes: u64, size_bytes: u64) -> Self {
        let shown_tenth = tenth(had_bytes, size_bytes);
        let is_terminal = std::io::stderr().is_terminal();
        Self { name: name.into(), size_bytes, had_bytes, began: Instant::now(), shown: None, shown_tenth, is_terminal }
    }

    /// Shows that `bytes` of the file are there, when it is time to.
    pub fn show(&mut self, bytes: u64) {
        let tenth = tenth(bytes, self.size_bytes);
        let is_due = if self.is_terminal {
            bytes == self.size_bytes || self.shown.is_none_or(|shown| shown.elapsed() >= BETWEEN_LINES)
        } else {
            tenth > self.shown_tenth
        };
        if !is_due {
            return;
        }
        (self.shown, self.shown_tenth) = (Some(Instant::now()), tenth);
        let line = line(&self.name, bytes, self.size_bytes, bytes.saturating_sub(self.had_bytes), self.began.elapsed());
        // One who closed standard error wants no progress.
        let _ = if self.is_terminal {
            write!(std::io::stderr(), "\r\x1b[K{line}")
        } else {
            writeln!(std::io::stderr(), "{line}")
        };
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_terminal && self.shown.is_some() {
            let _ = writeln!(std::io::stderr());
        }
    }
}

fn tenth(bytes: u64, size_bytes: u64) -> u64 {
    bytes * 10 / size_bytes.max(1)
}

fn line(name: &str, bytes: u64, size_bytes: u64, came_bytes: u64, took: Duration) -> String {
    let percent = bytes * 100 / size_bytes.max(1);
    let rate = came_bytes as f64 / took.as_secs_f64().max(1e-3);
    let left_s = (size_bytes.saturating_sub(bytes) as f64 / rate.max(1.0)) as u64;
    let left = format!("{}:{:02} left", left_s / 60, left_s % 60);
    let of = format!("{} of {}", readable(bytes), readable(size_bytes));
    format!("      {name}  {percent:>3} %  {of}  {}/s  {left}", readable(rate as u64))
}

/// Bytes in the unit that people read: `437 MB`.
pub fn readable(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_what_came_now_for_speed_and_all_for_progress() {
        let line = line("model.safetensors", 1_500_000_000, 2_000_000_000, 500_000_000, Duration::from_secs(10));
        assert_eq!(line, "      model.safetensors   75 %  1.5 GB of 2.0 GB  50 MB/s  0:10 left");
        assert!(super::line("empty", 0, 0, 0, Duration::ZERO).contains("  0 %"));
    }
}
