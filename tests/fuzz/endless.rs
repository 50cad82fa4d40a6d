//! The fuzzer: mutates the corpus until its time is over, and keeps every input that a target did not survive.
//!
//!     cargo xtask fuzz --minutes 5
//!
//! Inputs that lead to words not heard before are mutated further, which takes the place of measuring coverage.
#![allow(clippy::print_stdout, reason = "it is run from a shell")]

mod corpus;
mod mutate;
mod targets;

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use mutate::{Random, mutated};
use targets::{TARGETS, Target};

/// Inputs that one target works on before the next has its turn.
const INPUTS_PER_TURN: usize = 500;
/// A reader that takes longer for a few kilobytes does not come to an end in practice.
const LONGEST: Duration = Duration::from_secs(5);
const MOST_KEPT: usize = 2000;

struct Hunt {
    target: &'static Target,
    inputs: Vec<Vec<u8>>,
    heard: HashSet<String>,
    random: Random,
    runs: usize,
    found: Vec<PathBuf>,
    folder: PathBuf,
}

impl Hunt {
    fn new(target: &'static Target, seed: u64, out: &Path) -> Self {
        let folder = out.join(target.name);
        std::fs::create_dir_all(&folder).unwrap_or_else(|cause| panic!("{}: {cause}", folder.display()));
        let inputs = corpus::inputs(target.name).into_iter().map(|(_, input)| input).collect();
        Self { target, inputs, heard: HashSet::new(), random: Random(seed), runs: 0, found: Vec::new(), folder }
    }

    fn turn(&mut self) {
        for _ in 0..INPUTS_PER_TURN {
            let from = self.random.below(self.inputs.len());
            let input = mutated(&self.inputs[from], &self.inputs, self.target.words, &mut self.random);
            self.runs += 1;
            if self.is_new(&input) && self.inputs.len() < MOST_KEPT {
                self.inputs.push(input);
            }
        }
    }

    /// True when the target says something about the input that it has not said before.
    fn is_new(&mut self, input: &[u8]) -> bool {
        // Written first: a target that ends the process cannot be asked afterwards.
        let current = self.folder.join("current");
        corpus::write_over(&current, input);
        let began = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.target.run)(input)));
        let verdict = match &outcome {
            Err(_) => Some("panic"),
            Ok(_) if began.elapsed() > LONGEST => Some("slow"),
            Ok(_) => None,
        };
        let words = outcome.unwrap_or_else(|panic| Err(panic_text(&*panic)));
        let said = words.unwrap_or_else(|error| error);
        let is_new = self.heard.insert(said.chars().filter(|c| c.is_ascii_alphabetic()).take(60).collect());
        if let Some(verdict) = verdict.filter(|_| is_new) {
            let kept = self.folder.join(format!("{verdict}-{}", self.runs));
            println!("FOUND {verdict} in {}: {said} ({})", self.target.name, kept.display());
            let _ = std::fs::rename(&current, &kept);
            self.found.push(kept);
        }
        is_new && verdict.is_none()
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").into()
}

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|argument| argument.parse::<f64>());
    let (Some(Ok(minutes)), Some(Ok(seed))) = (numbers.next(), numbers.next()) else {
        println!("usage: fuzz MINUTES SEED (see `cargo xtask fuzz`)");
        return ExitCode::FAILURE;
    };
    let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("out/fuzz");
    let end = Instant::now() + Duration::from_secs_f64(60.0 * minutes.clamp(0.0, 60.0 * 24.0));
    let mut hunts: Vec<Hunt> = TARGETS.iter().map(|target| Hunt::new(target, seed as u64, &out)).collect();
    std::panic::set_hook(Box::new(|_| {}));
    while Instant::now() < end {
        hunts.iter_mut().for_each(|hunt| {
            if Instant::now() < end {
                hunt.turn()
            }
        });
    }
    targets::clean_up();
    for hunt in &hunts {
        let Hunt { target, inputs, heard, runs, found, .. } = hunt;
        println!(
            "{:<16} {runs:>9} inputs, {:>4} kept, {:>4} answers, {} not survived",
            target.name,
            inputs.len(),
            heard.len(),
            found.len()
        );
    }
    if hunts.iter().all(|hunt| hunt.found.is_empty()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
