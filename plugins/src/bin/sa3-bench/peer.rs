//! transformers on the raw frames, through benches/transformers_peer.py.

use std::process::Command;

use serde::Deserialize;

use crate::clip::{LabelledPrompt, RawClip, checkout};
use crate::{Measured, THRESHOLD};

/// Start of the peer's name in the table.
pub const NAME: &str = "transformers";

#[derive(Deserialize)]
struct LastLine {
    summary: Summary,
}

#[derive(Deserialize)]
struct Summary {
    frames_per_second: f64,
    mean_iou: Option<f64>,
}

pub fn measure(python: &str, clip: &RawClip, prompts: &[LabelledPrompt], precision: &str) -> Result<Measured, String> {
    let joined = |of: &dyn Fn(&LabelledPrompt) -> String| prompts.iter().map(of).collect::<Vec<_>>().join(";");
    let output = Command::new(python)
        .arg(checkout().join("benches/transformers_peer.py"))
        .arg("--model")
        .arg(checkout().join("models/sa3-nano"))
        .arg("--frames")
        .arg(&clip.raw)
        .args(["--width", &clip.width.to_string(), "--height", &clip.height.to_string()])
        .args(["--prompts", &joined(&|prompt| prompt.phrase.clone())])
        .args(["--ids", &joined(&|prompt| prompt.label.to_string())])
        .args(["--threshold", &THRESHOLD.to_string(), "--precision", precision])
        .arg("--truth")
        .arg(clip.masks())
        .output()
        .map_err(|error| format!("{python} cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("transformers_peer.py failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().ok_or("transformers_peer.py printed nothing")?;
    let LastLine { summary } =
        serde_json::from_str(last).map_err(|error| format!("transformers_peer.py ended with {last:?}: {error}"))?;
    Ok(Measured {
        name: format!("{NAME} {precision}"),
        frames_per_second: summary.frames_per_second,
        mean_iou: summary.mean_iou.unwrap_or(0.0),
    })
}
