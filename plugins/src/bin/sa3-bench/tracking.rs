//! Following objects: our tracker and session beside transformers' video model, with the same random weights.
//!
//! Each side is a process that loads once and follows the clip's frames in a session of its own; they take turns, some
//! frames each. A turn goes from pictures in memory to masks on the model's grid. transformers runs in both precisions,
//! and its faster one counts. On a machine that others use too, processor time says more than time.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::clip::{RawClip, checkout};
use crate::median;
use crate::side::{Picture, Side, Turn};

/// Before the first measured frame, so that every memory is full.
const FRAMES_BEFORE: usize = 8;
const FRAMES_PER_TURN: usize = 4;
const OBJECT_COUNTS: [usize; 3] = [1, 4, 16];
const OBJECT_COUNTS_FULL_SIZE: [usize; 1] = [4];

const OURS: &str = "sa3 bf16";
const THEIRS: [(&str, &str); 2] = [("transformers bf16", "bf16"), ("transformers fp32", "fp32")];

/// What all sides are started with.
struct Bench<'a> {
    python: &'a str,
    frames: Picture,
    rounds: usize,
}

/// A folder that goes with this value.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder in the temporary directory that cannot be removed does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Middle size first, then the released one's where its checkpoint is given. `objects` replaces how many are followed.
pub fn run(
    python: &str,
    clip: &RawClip,
    full_size: Option<&Path>,
    objects: &[usize],
    rounds: usize,
) -> Result<(), String> {
    let frames = Picture { file: clip.raw.clone(), width: clip.width, height: clip.height };
    let bench = Bench { python, frames, rounds };
    let counts = |usual: &[usize]| if objects.is_empty() { usual.to_vec() } else { objects.to_vec() };
    println!("load of the machine before: {}", crate::full_size::load_average());
    let middle = Scratch(std::env::temp_dir().join(format!("sa3-bench-tracking-{}", std::process::id())));
    bench.make(&middle.0)?;
    bench.compare("middle size, 504 px", &middle.0, &counts(&OBJECT_COUNTS))?;
    if let Some(checkpoint) = full_size {
        bench.compare("full size, 1008 px", checkpoint, &counts(&OBJECT_COUNTS_FULL_SIZE))?;
    }
    println!("\nload of the machine after, this benchmark included: {}", crate::full_size::load_average());
    Ok(())
}

impl Bench<'_> {
    fn script(&self) -> Command {
        let mut command = Command::new(self.python);
        command.arg(checkout().join("benches/tracking_peer.py"));
        command
    }

    fn make(&self, folder: &Path) -> Result<(), String> {
        let status = self.script().arg("make").arg(folder).status();
        let status = status.map_err(|error| format!("{} cannot be run: {error}", self.python))?;
        if status.success() { Ok(()) } else { Err("tracking_peer.py cannot make its checkpoint; see above".into()) }
    }

    fn sides(&self, model: &Path) -> Result<Vec<Side>, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut ours = Command::new(program);
        ours.arg("--track-side").arg(model).args(self.frames.arguments());
        let mut sides = vec![Side::start(OURS, &mut ours)?];
        for (name, precision) in THEIRS {
            let mut theirs = self.script();
            theirs.args(["serve", "--precision", precision]).arg("--model").arg(model).arg("--frames");
            theirs.arg(&self.frames.file).args(&self.frames.arguments()[2..]);
            sides.push(Side::start(name, &mut theirs)?);
        }
        Ok(sides)
    }

    fn compare(&self, what: &str, model: &Path, counts: &[usize]) -> Result<(), String> {
        let mut sides = self.sides(model)?;
        for &objects in counts {
            for side in &mut sides {
                turn(side, &format!("begin {objects} {FRAMES_BEFORE}"), FRAMES_BEFORE)?;
            }
            let mut all: Vec<Vec<Turn>> = sides.iter().map(|_| Vec::new()).collect();
            for _ in 0..self.rounds {
                for (side, turns) in sides.iter_mut().zip(&mut all) {
                    turns.push(turn(side, &format!("follow {FRAMES_PER_TURN}"), FRAMES_PER_TURN)?);
                }
            }
            println!("\n{what}, {objects} objects, {} rounds of {FRAMES_PER_TURN} frames; ms per frame", self.rounds);
            print_turns(&sides, &all);
            check_followed(&sides, &all, objects)?;
        }
        Ok(())
    }
}

/// One turn of a side, which is told at once to those who wait.
fn turn(side: &mut Side, order: &str, frames: usize) -> Result<Turn, String> {
    let began_ms = side.cpu_ms();
    let turn: Turn = side.ask(order)?;
    let cpu_ms = side.cpu_ms().zip(began_ms).map_or(f64::NAN, |(end_ms, began_ms)| end_ms - began_ms) / frames as f64;
    eprintln!("{}, {order}: {:.0} ms each, {cpu_ms:.0} ms of processor time", side.name, turn.total_ms);
    Ok(Turn { cpu_ms, ..turn })
}

/// Sides that follow unequally many objects cannot be compared.
fn check_followed(sides: &[Side], all: &[Vec<Turn>], objects: usize) -> Result<(), String> {
    for (side, turns) in sides.iter().zip(all) {
        if let Some(turn) = turns.iter().find(|turn| turn.followed != objects) {
            return Err(format!("{} follows {} objects instead of {objects}", side.name, turn.followed));
        }
    }
    Ok(())
}

fn print_turns(sides: &[Side], all: &[Vec<Turn>]) {
    let columns = ["fastest", "median", "slowest"].map(|column| format!("{column:>8}")).join(" ");
    println!("{:<18} all: {columns}  tracker: {columns}  processor: {columns} {:>6}", "", "shown");
    for (side, turns) in sides.iter().zip(all) {
        let spreads = [Turn::total, Turn::tracker, Turn::cpu].map(|of| Spread::of(turns, of).columns());
        let [total, tracker, cpu] = &spreads;
        let shown = turns.last().map_or(0, |turn| turn.shown);
        println!("{:<18}      {total}           {tracker}             {cpu} {shown:>6}", side.name);
    }
    print_ratio("all", all, Turn::total);
    print_ratio("tracker and rules", all, Turn::tracker);
    print_ratio("processor time", all, Turn::cpu);
}

impl Turn {
    fn total(&self) -> f64 {
        self.total_ms
    }

    fn tracker(&self) -> f64 {
        self.tracker_ms
    }

    fn cpu(&self) -> f64 {
        self.cpu_ms
    }
}

/// Fastest beside fastest; in brackets what the slowest of one and the fastest of the other would give.
fn print_ratio(what: &str, all: &[Vec<Turn>], of: fn(&Turn) -> f64) {
    let spreads: Vec<Spread> = all.iter().map(|turns| Spread::of(turns, of)).collect();
    let Some((ours, theirs)) = spreads.split_first() else { return };
    let Some(theirs) = theirs.iter().min_by(|a, b| a.fastest.total_cmp(&b.fastest)) else { return };
    println!(
        "sa3 / transformers' faster, {what}: {:.2} ({:.2} to {:.2})",
        ours.fastest / theirs.fastest,
        ours.fastest / theirs.slowest,
        ours.slowest / theirs.fastest
    );
}

/// Of some turns, ms per frame.
struct Spread {
    fastest: f64,
    median: f64,
    slowest: f64,
}

impl Spread {
    fn of(turns: &[Turn], of: fn(&Turn) -> f64) -> Self {
        let times: Vec<f64> = turns.iter().map(of).collect();
        Self {
            fastest: times.iter().copied().fold(f64::INFINITY, f64::min),
            slowest: times.iter().copied().fold(0.0, f64::max),
            median: median(times),
        }
    }

    fn columns(&self) -> String {
        format!("{:>8.0} {:>8.0} {:>8.0}", self.fastest, self.median, self.slowest)
    }
}
