//! Work that is timed frame by frame, in turns with other work, so that a machine whose speed drifts treats all alike.

use std::time::{Duration, Instant};

use crate::median;

/// Frames before those that count, in each turn.
const WARM_UP_FRAMES: usize = 3;
const LEAST_FRAMES: usize = 3;
/// Short, so that a neighbour who comes and goes disturbs all alike.
const TURN: Duration = Duration::from_millis(100);

/// What is done for one frame, which it is told the number of.
type Work<'a> = Box<dyn FnMut(usize) -> Result<(), String> + Send + 'a>;

/// One thing that is timed.
pub struct Timed<'a> {
    name: String,
    work: Work<'a>,
    frames: usize,
    times_ms: Vec<f64>,
}

impl<'a> Timed<'a> {
    pub fn new(name: impl Into<String>, work: impl FnMut(usize) -> Result<(), String> + Send + 'a) -> Self {
        Self { name: name.into(), work: Box::new(work), frames: 0, times_ms: Vec::new() }
    }

    /// Works for a tenth of a second, and at least three frames.
    pub fn take_turn(&mut self) -> Result<(), String> {
        for _ in 0..WARM_UP_FRAMES {
            self.time_frame()?;
        }
        let (began, frames) = (Instant::now(), self.frames);
        while began.elapsed() < TURN || self.frames < frames + LEAST_FRAMES {
            let ms = self.time_frame()?;
            self.times_ms.push(ms);
        }
        Ok(())
    }

    fn time_frame(&mut self) -> Result<f64, String> {
        let began = Instant::now();
        (self.work)(self.frames)?;
        self.frames += 1;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    }

    /// Of the middle frame.
    pub fn ms(&self) -> f64 {
        median(self.times_ms.clone())
    }

    /// As many as the middle frame would give.
    pub fn frames_per_second(&self) -> f64 {
        1e3 / self.ms()
    }

    pub fn print_head() {
        println!("{:<52} {:>9} {:>10} {:>9} {:>9} {:>7}", "", "frames/s", "median ms", "p5 ms", "p95 ms", "frames");
    }

    pub fn print(&self) {
        let mut times_ms = self.times_ms.clone();
        times_ms.sort_by(f64::total_cmp);
        let of_100 = |part: usize| times_ms.get(times_ms.len() * part / 100).copied().unwrap_or(f64::NAN);
        let (rate, ms, [p5, p95], count) = (self.frames_per_second(), self.ms(), [5, 95].map(of_100), times_ms.len());
        println!("{:<52} {rate:>9.1} {ms:>10.3} {p5:>9.3} {p95:>9.3} {count:>7}", self.name);
    }
}
