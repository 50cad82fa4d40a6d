//! Every target of speed and memory in one run: random weights of the released model's size, then the bundled model.
//!
//! `cargo xtask bench --full-size` makes the weights and runs this. Each side is a process that loads once; they take
//! turns pass by pass, so that a machine whose speed drifts treats them alike. A pass goes from a picture in memory to
//! masks on the model's grid, with processor and text on both sides: each pass has phrases that no pass had before.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::clip::{RawClip, checkout};
use crate::side::{Loaded, Memory, Pass, Picture, Side};
use crate::targets::{Passes, Target, gigabytes};
use crate::{ours, peer};

/// Random weights find many things; a score this high leaves some masks to compute and not all.
pub const THRESHOLD: f32 = 0.75;
const NATIVE_SIZE: u32 = 1008;
const SMALL_SIZE: u32 = 336;
const ROUNDS: usize = 3;
const ROUNDS_OF_FOUR: usize = 4;
const ROUNDS_SMALL: usize = 6;
const ROUNDS_BUNDLED: usize = 2;

const OURS: &str = "sa3 bf16";
const PLAIN: &str = "sa3 bf16, SA3_KERNELS=plain";
const THEIRS: &str = "transformers bf16 sdpa";

/// Words of one token each, so that all phrases are of the same length.
const COLOURS: [&str; 8] = ["red", "blue", "green", "white", "black", "yellow", "brown", "grey"];
const NOUNS: [&str; 10] = ["dog", "cat", "car", "tree", "house", "bird", "boat", "horse", "chair", "table"];

#[derive(Deserialize)]
struct Made {
    image_model_bytes: u64,
}

/// Phrases that were not used before.
#[derive(Default)]
struct Phrases(usize);

impl Phrases {
    fn next(&mut self, count: usize) -> Vec<String> {
        let phrase =
            |index: usize| format!("{} {}", COLOURS[index % COLOURS.len()], NOUNS[index / COLOURS.len() % NOUNS.len()]);
        self.0 += count;
        (self.0 - count..self.0).map(phrase).collect()
    }
}

/// What all sides are started with.
struct Bench {
    python: String,
    checkpoint: PathBuf,
    picture: Picture,
    weights_bytes: u64,
    phrases: Phrases,
}

pub fn run(python: &str, checkpoint: &Path, clip: &RawClip) -> Result<(), String> {
    let made = checkpoint.join("made.json");
    let text = std::fs::read_to_string(&made).map_err(|error| format!("{}: {error}", made.display()))?;
    let made: Made = serde_json::from_str(&text).map_err(|error| format!("made.json: {error}"))?;
    let mut bench = Bench {
        python: python.into(),
        checkpoint: checkpoint.into(),
        picture: Picture { file: clip.raw.clone(), width: clip.width, height: clip.height },
        weights_bytes: made.image_model_bytes,
        phrases: Phrases::default(),
    };
    println!("load of the machine before: {}", load_average());
    let mut targets = bench.full_size()?;
    targets.extend(bundled(python, clip)?);
    println!("\nload of the machine after, this benchmark included: {}\n", load_average());
    crate::targets::print(&targets);
    Ok(())
}

impl Bench {
    fn full_size(&mut self) -> Result<Vec<Target>, String> {
        warm_page_cache(&self.checkpoint.join("model.safetensors"))?;
        let mut sides = [self.engine(OURS, "")?, self.engine(PLAIN, "plain")?, self.peer(&self.checkpoint)?];
        for side in &sides {
            let Loaded { load_s, warm_up_s, peak_bytes } = side.loaded;
            let peak = gigabytes(peak_bytes);
            println!("{:<28} loaded in {load_s:.2} s, peak {peak:.2} GB, first pass {warm_up_s:.2} s", side.name);
        }
        let native = self.turns(&mut sides, NATIVE_SIZE, 1, ROUNDS)?;
        let memory = sides.each_ref().map(Side::memory);
        self.print_memory(&sides, &memory);
        let [mut ours, mut plain, theirs] = sides;
        drop(theirs);
        let [one, four] = self.one_and_four(&mut ours)?;
        for side in [&mut ours, &mut plain] {
            side.pass(SMALL_SIZE, &self.phrases.next(1))?;
        }
        let loaded = ours.loaded;
        let small_model = self.checkpoint.with_file_name(format!("{}-{SMALL_SIZE}", folder_name(&self.checkpoint)));
        let mut sides = [ours, plain, self.peer(&small_model)?];
        let small = self.turns(&mut sides, SMALL_SIZE, 1, ROUNDS_SMALL)?;
        Ok(vec![
            Target::ratio("1008 px, one phrase, bf16: time beside transformers", 0.60, &native[0], &native[2]),
            Target::ratio("336 px, one phrase, bf16: time beside transformers", 0.50, &small[0], &small[2]),
            Target::ratio("1008 px, bf16: four phrases beside one", 1.5, &four, &one),
            Target::at_most(
                "1008 px, one phrase, bf16: peak memory above the weights, GB",
                1.2,
                gigabytes(memory[0].resident_bytes) - gigabytes(self.weights_bytes),
            ),
            Target::at_most("load of the bf16 checkpoint, page cache warm, s", 4.0, loaded.load_s),
        ])
    }

    fn engine(&self, name: &'static str, kernels: &str) -> Result<Side, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = Command::new(program);
        command.arg("--engine-side").arg(&self.checkpoint).args(self.picture.arguments()).env("SA3_KERNELS", kernels);
        Side::start(name, &mut command)
    }

    fn peer(&self, model: &Path) -> Result<Side, String> {
        let mut command = Command::new(&self.python);
        command.arg(checkout().join("benches/full_size_peer.py")).arg("--model").arg(model);
        command.args(self.picture.arguments()).args(["--threshold", &THRESHOLD.to_string()]);
        Side::start(THEIRS, &mut command)
    }

    /// One phrase and four in turn, as the machine's speed drifts.
    fn one_and_four(&mut self, side: &mut Side) -> Result<[Passes; 2], String> {
        let mut all = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS_OF_FOUR {
            for (count, passes) in [1, 4].into_iter().zip(&mut all) {
                passes.push(side.pass(NATIVE_SIZE, &self.phrases.next(count))?);
            }
        }
        println!("\n{NATIVE_SIZE} px, one phrase and four, {ROUNDS_OF_FOUR} rounds");
        let passes = all.map(Passes::new);
        ["sa3 bf16, one phrase", "sa3 bf16, four phrases"]
            .iter()
            .zip(&passes)
            .for_each(|(name, passes)| passes.print(name));
        Ok(passes)
    }

    /// Passes of all sides in turn, each round with phrases of its own, and a table of them.
    fn turns(&mut self, sides: &mut [Side], size: u32, count: usize, rounds: usize) -> Result<Vec<Passes>, String> {
        let mut all: Vec<Vec<Pass>> = sides.iter().map(|_| Vec::new()).collect();
        for _ in 0..rounds {
            let phrases = self.phrases.next(count);
            for (side, passes) in sides.iter_mut().zip(&mut all) {
                passes.push(side.pass(size, &phrases)?);
            }
        }
        println!("\n{size} px, {count} phrases, {rounds} rounds");
        println!(
            "{:<28} {:>10} {:>10} {:>10} {:>6}  stages of the fastest, ms",
            "", "fastest ms", "median", "slowest", "masks"
        );
        let passes: Vec<Passes> = all.into_iter().map(Passes::new).collect();
        sides.iter().zip(&passes).for_each(|(side, passes)| passes.print(side.name));
        Ok(passes)
    }

    fn print_memory(&self, sides: &[Side], memory: &[Memory]) {
        println!(
            "\nmemory, GB (weights {:.2})   peak resident  above weights  peak anonymous",
            gigabytes(self.weights_bytes)
        );
        for (side, memory) in sides.iter().zip(memory) {
            let [resident, anonymous] = [memory.resident_bytes, memory.anonymous_bytes].map(gigabytes);
            let above = resident - gigabytes(self.weights_bytes);
            println!("{:<28} {resident:>13.2} {above:>14.2} {anonymous:>15.2}", side.name);
        }
    }
}

/// The bundled model on the clip, through the element, as `--vs-transformers` measures it with one prompt.
fn bundled(python: &str, clip: &RawClip) -> Result<Vec<Target>, String> {
    let prompts = &clip.all_prompts()[..1];
    let (mut rate, mut their_rate) = (0.0f64, 0.0f64);
    for _ in 0..ROUNDS_BUNDLED {
        rate = rate.max(ours::measure(clip, prompts, "auto")?.frames_per_second);
        for precision in ["fp32", "bf16", "autocast"] {
            their_rate = their_rate.max(peer::measure(python, clip, prompts, precision)?.frames_per_second);
        }
    }
    let size = format!("{}x{}", clip.width, clip.height);
    println!(
        "\nbundled model, {size}, one phrase: sa3segment {rate:.2} frames/s, transformers' fastest {their_rate:.2}"
    );
    Ok(vec![
        Target::at_most("bundled model: time beside transformers' fastest", 0.5, their_rate / rate),
        Target::at_least("bundled model: frames per second", 20.0, rate),
    ])
}

fn folder_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn warm_page_cache(file: &Path) -> Result<(), String> {
    let mut file = std::fs::File::open(file).map_err(|error| format!("{}: {error}", file.display()))?;
    std::io::copy(&mut file, &mut std::io::sink()).map(|_| ()).map_err(|error| error.to_string())
}

/// Of the last 1, 5 and 15 minutes.
pub fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
