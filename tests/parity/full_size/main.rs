//! A checkpoint of the released model's size, through the engine's own loader, against transformers on the same weights.
//!
//!     cargo xtask parity --full-size
//!
//! makes the checkpoints and the reference and runs this on each checkpoint. By hand:
//!
//!     full_size_parity FOLDER CHECKPOINT [SIZE …]
//!
//! FOLDER is what full_size_reference.py filled; CHECKPOINT is one of its folders, whose name ends in the precision to
//! compute in; SIZE is an input size in pixels (1008 and 336). Prints a table and fails when a line of it does.
#![allow(clippy::print_stdout, reason = "it is run from a shell")]

mod passes;
mod reference;
mod verdict;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use sa3::config::ModelConfig;
use sa3::model::ImageModel;
use sa3::weights::Checkpoint;
use tch::{Device, Kind};

use passes::Named;
use reference::Reference;
use verdict::Failures;

const SIZES: [i64; 2] = [336, 1008];
const USAGE: &str = "give the folder that tests/parity/full_size_reference.py filled, one of the checkpoints in it \
                     (hf-fp32, hf-bf16, official-fp32, official-bf16), and perhaps input sizes";

fn main() -> ExitCode {
    match run() {
        Ok(failures) if failures.is_empty() => ExitCode::SUCCESS,
        Ok(failures) => {
            println!("{} lines did not pass", failures.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<Failures, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, checkpoint, sizes @ ..] = arguments.as_slice() else { return Err(USAGE.into()) };
    let kind = match checkpoint.rsplit_once('-') {
        Some((_, "fp32")) => Kind::Float,
        Some((_, "bf16")) => Kind::BFloat16,
        _ => return Err(USAGE.into()),
    };
    let sizes: Vec<i64> = sizes.iter().map(|size| size.parse()).collect::<Result<_, _>>().map_err(|_| USAGE)?;
    let folder = Path::new(folder);
    let _no_grad = tch::no_grad_guard();
    let mut model = load(&folder.join(checkpoint), kind)?;
    let mut failures = Failures::new();
    for &size in if sizes.is_empty() { &SIZES[..] } else { &sizes } {
        compare(&mut model, &Reference::read(folder, size)?, kind, &mut failures)?;
    }
    Ok(failures)
}

/// The original release is one file without a configuration; transformers' has one beside it.
fn load(folder: &Path, kind: Kind) -> Result<ImageModel, Box<dyn Error>> {
    let began = Instant::now();
    let weights =
        ["model.safetensors", "sam3.pt"].map(|name| folder.join(name)).into_iter().find(|path| path.is_file());
    let weights = weights.ok_or_else(|| format!("no checkpoint in {}", folder.display()))?;
    let config = match std::fs::read_to_string(folder.join("config.json")) {
        Ok(text) => ModelConfig::from_json(&text)?,
        Err(_) => ModelConfig::default(),
    };
    let model = ImageModel::load(&Checkpoint::open(&weights)?, &config, Device::Cpu, kind)?;
    println!("\n{} in {kind:?}, loaded in {:.1} s", weights.display(), began.elapsed().as_secs_f64());
    Ok(model)
}

fn compare(
    model: &mut ImageModel,
    reference: &Reference,
    kind: Kind,
    failures: &mut Failures,
) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let mut out = Named::new();
    let features = passes::vision(model, reference, kind, &mut out)?;
    let vision = began.elapsed();
    for case in reference.cases() {
        passes::case(model, &features, reference, case, &mut out)?;
    }
    let all = began.elapsed();
    println!(
        "{} px: vision {:.1} s, heads {:.1} s",
        reference.size,
        vision.as_secs_f64(),
        (all - vision).as_secs_f64()
    );
    match kind {
        Kind::BFloat16 => verdict::print_bf16(&out, reference, failures)?,
        _ => verdict::print_fp32(&out, reference, failures)?,
    }
    Ok(())
}
