//! Whether a checkpoint does what it should: loaded strictly, run on the pictures that come with sa3, compared with
//! transformers where a Python has it.
//!
//! `cargo xtask verify` builds and runs this.
#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

mod peer;
mod pictures;
mod seen;

use std::process::ExitCode;
use std::str::FromStr;
use std::time::{Duration, Instant};

use clap::Parser;
use sa3::device::{DeviceChoice, PrecisionChoice};
use sa3::engine::{LoadProgress, ModelSummary, StageTimes};
use sa3::{Engine, EngineSettings};

use crate::pictures::Case;
use crate::seen::Seen;

/// Above this side, in pixels, a model is slow on a CPU, and some of the pictures say enough.
const LARGE_SIDE: u32 = 504;
const PICTURES_FOR_LARGE: usize = 3;

/// Checks a checkpoint on pictures that come with sa3.
#[derive(Parser)]
#[command(bin_name = "cargo xtask verify")]
struct Arguments {
    /// nano, owner/name in the Hugging Face cache, or the path of a checkpoint's directory or file
    #[arg(value_name = "MODEL", default_value = "nano")]
    model: String,
    /// auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto")]
    device: String,
    /// auto, fp32, bf16 or fp16
    #[arg(long, default_value = "auto")]
    precision: String,
    /// Score that an object must exceed, 0 to 1; without it, what the model recommends
    #[arg(long)]
    threshold: Option<f32>,
    /// How many of the pictures; without it all of them, or 3 where a model is large
    #[arg(long, value_name = "N")]
    pictures: Option<usize>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let words = |error: sa3::Error| error.to_string();
    let settings = EngineSettings {
        model: arguments.model.clone(),
        device: DeviceChoice::from_str(&arguments.device).map_err(words)?,
        precision: PrecisionChoice::from_str(&arguments.precision).map_err(words)?,
    };
    if settings.model == "test" || settings.model.starts_with("test:") {
        return Err("model=test is no checkpoint: it has no weights that could be verified".into());
    }
    let summary = ModelSummary::read(&settings.model).map_err(words)?;
    show_summary(&settings.model, &summary);
    let engine = load(&settings)?;
    let cases = cases(arguments, &engine)?;
    let threshold = arguments.threshold.unwrap_or(engine.info().threshold);
    let seen = look(&engine, &cases, threshold)?;
    show_times(&seen);
    let objects: usize = seen.iter().map(|seen| seen.objects.len()).sum();
    println!("ok    {} pictures with {} phrases: {objects} objects, all numbers finite", pictures(&seen), seen.len());
    let compared = peer::compare(&engine, &summary, threshold, &seen)?;
    if objects == 0 && !compared {
        return Err(format!(
            "nothing was found in any picture at threshold {threshold}: weights that load and find nothing are not those of \
             a trained model; compare with the publisher's checksum, or lower --threshold"
        ));
    }
    Ok(())
}

fn show_summary(model: &str, summary: &ModelSummary) {
    let place = summary.weights.as_ref().map_or("inside the program".into(), |path| path.display().to_string());
    println!("model      {model}: {place}");
    let millions = summary.parameters as f64 / 1e6;
    println!("tensors    {} with {millions:.1} million numbers, layout {:?}", summary.tensors, summary.layout);
}

fn load(settings: &EngineSettings) -> Result<Engine, String> {
    let began = Instant::now();
    let mut quiet = |_: LoadProgress| {};
    let engine = Engine::load(settings, &mut quiet).map_err(|error| error.to_string())?;
    println!(
        "load       {:.2} s; every tensor has its place and shape, all weights are finite",
        began.elapsed().as_secs_f64()
    );
    let info = engine.info();
    println!("device     {}", info.device_in_use);
    println!("precision  {}", info.precision_in_use);
    println!("input      {0} x {0} pixels\n", info.native_size);
    Ok(engine)
}

fn cases(arguments: &Arguments, engine: &Engine) -> Result<Vec<Case>, String> {
    let by_size = if engine.info().native_size > LARGE_SIDE { PICTURES_FOR_LARGE } else { usize::MAX };
    let cases = pictures::cases(arguments.pictures.unwrap_or(by_size))?;
    if cases.is_empty() { Err("--pictures: at least 1".into()) } else { Ok(cases) }
}

/// The first pass warms up, and is not counted.
fn look(engine: &Engine, cases: &[Case], threshold: f32) -> Result<Vec<Seen>, String> {
    Seen::take(engine, &cases[0], threshold)?;
    println!("{:<14} {:<18} {:>7} {:>6}  best box (left top right bottom)", "picture", "phrase", "objects", "score");
    let mut all = Vec::new();
    for case in cases {
        let seen = Seen::take(engine, case, threshold)?;
        println!("{}", seen.line());
        all.push(seen);
    }
    Ok(all)
}

fn pictures(seen: &[Seen]) -> usize {
    let mut names: Vec<_> = seen.iter().map(|seen| &seen.case.picture).collect();
    names.dedup();
    names.len()
}

fn show_times(seen: &[Seen]) {
    let median = |of: &dyn Fn(&StageTimes) -> Duration| {
        let mut times: Vec<_> = seen.iter().map(|seen| of(&seen.times)).collect();
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1e3
    };
    println!("\nmilliseconds for a picture and a phrase, median of {}:", seen.len());
    println!(
        "preprocess {:.1}, vision {:.1}, text {:.1}, detector {:.1}, masks {:.1}",
        median(&|times| times.preprocess),
        median(&|times| times.vision),
        median(&|times| times.text),
        median(&|times| times.detector),
        median(&|times| times.masks)
    );
}
