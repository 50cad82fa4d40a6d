//! A progress bar on a terminal, a line for each tenth elsewhere.

use std::io::{IsTerminal, Write, stderr};

const BAR_CELLS: usize = 40;

/// Shows how far a job is.
pub struct Progress {
    is_terminal: bool,
    last_tenth: u64,
}

impl Progress {
    pub fn start() -> Self {
        Self { is_terminal: stderr().is_terminal(), last_tenth: 0 }
    }

    /// `share`: 0..1 when the length is known.
    pub fn show(&mut self, frames: u64, share: Option<f64>) {
        let Some(share) = share.map(|share| share.clamp(0.0, 1.0)) else {
            if self.is_terminal {
                eprint!("\r{frames} frames");
            }
            return;
        };
        if self.is_terminal {
            let filled = (share * BAR_CELLS as f64).round() as usize;
            let bar: String = (0..BAR_CELLS).map(|cell| if cell < filled { '█' } else { '░' }).collect();
            eprint!("\r{bar} {:>3.0} %  {frames} frames", 100.0 * share);
            // A terminal that is gone needs no progress bar.
            let _ = stderr().flush();
        } else if (share * 10.0) as u64 > self.last_tenth {
            self.last_tenth = (share * 10.0) as u64;
            eprintln!("{} %, {frames} frames", 10 * self.last_tenth);
        }
    }

    pub fn finish(&self) {
        if self.is_terminal {
            eprintln!();
        }
    }
}
