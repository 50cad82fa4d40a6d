//! `cargo xtask verify`: whether a checkpoint does what it should. The binary `sa3-verify` looks.

use crate::checkout::Checkout;
use crate::failure::Outcome;
use crate::{demo, process, reference, setup};

const BINARY: &str = "sa3-verify";

#[derive(clap::Args)]
pub struct Options {
    /// nano, owner/name in the Hugging Face cache, or the path of a checkpoint's directory or file
    #[arg(value_name = "MODEL", default_value = "nano")]
    model: String,
    /// auto, cpu, cuda or cuda:N
    #[arg(long)]
    device: Option<String>,
    /// auto, fp32, bf16 or fp16
    #[arg(long)]
    precision: Option<String>,
    /// Score that an object must exceed, 0 to 1; without it, what the model recommends
    #[arg(long, value_name = "SCORE")]
    threshold: Option<f32>,
    /// How many of the bundled pictures; without it all of them, or 3 where a model is large
    #[arg(long, value_name = "N")]
    pictures: Option<usize>,
}

impl Options {
    /// All as the model has it.
    pub fn of(model: &str) -> Self {
        Self { model: model.into(), device: None, precision: None, threshold: None, pictures: None }
    }

    /// A path is meant from where the user stands, and the binary runs in the checkout.
    fn arguments(&self) -> Vec<String> {
        let named = [
            self.device.clone().map(|device| ("device", device)),
            self.precision.clone().map(|precision| ("precision", precision)),
            self.threshold.map(|threshold| ("threshold", threshold.to_string())),
            self.pictures.map(|count| ("pictures", count.to_string())),
        ];
        let named = named.into_iter().flatten().map(|(name, value)| format!("--{name}={value}"));
        named.chain(["--".into(), from_here(&self.model)]).collect()
    }
}

/// Sets up, builds, and looks; compares with transformers where it is installed, and installs nothing for that.
pub fn run(checkout: &Checkout, options: &Options) -> Outcome<()> {
    let python = reference::python_at_hand(&checkout.pins()?)?;
    setup::run(checkout, &setup::Options::default())?;
    let mut verify = demo::built(checkout, BINARY)?;
    if let Some(python) = python {
        verify.env("SA3_PYTHON", python);
    }
    process::run(verify.args(options.arguments()))
}

fn from_here(model: &str) -> String {
    match std::fs::canonicalize(model) {
        Ok(path) => path.to_string_lossy().into_owned(),
        Err(_) => model.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_from_here_and_names_stay_names() {
        let options = Options { precision: Some("bf16".into()), pictures: Some(2), ..Options::of("owner/name") };
        assert_eq!(options.arguments(), ["--precision=bf16", "--pictures=2", "--", "owner/name"]);
        let here = std::env::current_dir().unwrap().join("src");
        assert_eq!(Options::of("src").arguments(), ["--".into(), here.to_string_lossy().into_owned()]);
        assert_eq!(Options::of("nano").arguments(), ["--", "nano"]);
    }
}
