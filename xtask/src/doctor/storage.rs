//! The bundled model in the checkout, and what the cache holds.

use super::Finding;
use crate::checkout::Checkout;
use crate::folders::{self, readable, size_bytes};
use std::path::Path;

const MODEL: &str = "models/sa3-nano";
const MODEL_FILES: [&str; 4] = ["config.json", "model.safetensors", "sa3.json", "tokenizer.json"];

/// Weights that are smaller than this are no weights but a stand-in for them.
const WEIGHTS_BYTES_MIN: u64 = 100_000;

pub(super) fn findings(checkout: &Checkout) -> Vec<Finding> {
    vec![model(&checkout.root().join(MODEL)), cache()]
}

fn model(folder: &Path) -> Finding {
    let bytes = |file: &str| folder.join(file).metadata().map_or(0, |file| file.len());
    let missing: Vec<_> = MODEL_FILES.into_iter().filter(|file| bytes(file) == 0).collect();
    let remedy = format!("git checkout -- {MODEL}");
    if !missing.is_empty() {
        return Finding::bad("bundled model", format!("{} lacks {}", folder.display(), missing.join(", ")), remedy);
    }
    let weights = bytes("model.safetensors");
    if weights < WEIGHTS_BYTES_MIN {
        return Finding::bad("bundled model", format!("model.safetensors has {weights} bytes only"), remedy);
    }
    Finding::good("bundled model", format!("sa3-nano, {}", readable(weights)))
}

fn cache() -> Finding {
    let folder = match folders::cache() {
        Ok(folder) => folder,
        Err(failure) => return Finding::from_failure("cache", &failure),
    };
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut parts: Vec<_> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| format!("{} {}", entry.file_name().to_string_lossy(), readable(size_bytes(&entry.path()))))
        .collect();
    parts.sort();
    let content = if parts.is_empty() { "empty".to_owned() } else { parts.join(", ") };
    Finding::good("cache", format!("{}: {content}", folder.display()))
}
