//! The comparison with transformers, through `transformers_verify.py`.

use std::path::{Path, PathBuf};
use std::process::Command;

use sa3::Engine;
use sa3::engine::ModelSummary;
use sa3::weights::names::Layout;
use serde_json::json;

use crate::pictures::{checkout, folder};
use crate::seen::Seen;

const SCRIPT: &str = "benches/transformers_verify.py";

/// How far two may lie apart: score, box in parts of the frame, least mask IoU.
struct Limits(f64, f64, f64);

/// Rounding, seen through all layers; a cell of a small mask counts for much.
const FP32: Limits = Limits(0.01, 0.01, 0.98);
const HALF: Limits = Limits(0.1, 0.05, 0.8);

/// True when the two were compared, and agree.
///
/// # Errors
/// When they do not, or when the comparison itself fails.
pub fn compare(engine: &Engine, summary: &ModelSummary, threshold: f32, seen: &[Seen]) -> Result<bool, String> {
    let python = std::env::var_os("SA3_PYTHON").filter(|value| !value.is_empty());
    let Some(python) = python else {
        println!("note  not compared with transformers: set SA3_PYTHON to a Python that has it");
        return Ok(false);
    };
    if summary.layout == Layout::Official {
        println!("note  not compared with transformers: it reads model.safetensors, not the original sam3.pt");
        return Ok(false);
    }
    let bundled = checkout().join("models/sa3-nano");
    let weights = summary.weights.as_deref();
    let model = weights.map_or(bundled, |weights| weights.parent().unwrap_or(Path::new(".")).to_path_buf());
    let exchange = Exchange::write(engine, summary, threshold, seen)?;
    let script = checkout().join(SCRIPT);
    let mut command = Command::new(&python);
    command.arg(script).arg("--model").arg(model).arg("--pictures").arg(folder()).arg("--ours").arg(&exchange.0);
    println!("\nthe same with transformers, in fp32:");
    let status = command.status().map_err(|error| format!("SA3_PYTHON={} cannot be run: {error}", python.display()))?;
    match status.code() {
        Some(0) => Ok(true),
        Some(1) => Err("the results differ from those of transformers by more than rounding; see above".into()),
        _ => Err("the comparison with transformers failed, see above; `unset SA3_PYTHON` to do without it".into()),
    }
}

/// A folder with what was found, for the script; removed at the end.
struct Exchange(PathBuf);

impl Exchange {
    fn write(engine: &Engine, summary: &ModelSummary, threshold: f32, seen: &[Seen]) -> Result<Self, String> {
        let exchange = Self(std::env::temp_dir().join(format!("sa3-verify-{}", std::process::id())));
        let precision = &engine.info().precision_in_use;
        let Limits(score, side, iou) = if precision.starts_with("fp32") { FP32 } else { HALF };
        let (mut masks, mut cases) = (Vec::new(), Vec::new());
        for Seen { case, objects, .. } in seen {
            let mut listed = Vec::new();
            for object in objects {
                let b = object.box_in_frame;
                let mask = [masks.len(), object.mask.width as usize, object.mask.height as usize];
                listed.push(json!({"score": object.score, "box": [b.x0, b.y0, b.x1, b.y1], "mask": mask}));
                masks.extend_from_slice(object.mask.bytes());
            }
            cases.push(json!({"picture": case.picture, "prompt": case.prompt, "objects": listed}));
        }
        let all = json!({
            "geometry_token": summary.text_prompt_uses_geometry_token,
            "vision_layer_norm_eps": summary.vision_layer_norm_eps,
            "threshold": threshold,
            "limits": {"score": score, "box": side, "iou": iou},
            "cases": cases,
        });
        let write = || {
            std::fs::create_dir_all(&exchange.0)?;
            std::fs::write(exchange.0.join("masks.bin"), masks)?;
            std::fs::write(exchange.0.join("found.json"), all.to_string())
        };
        write().map_err(|error: std::io::Error| format!("{}: {error}", exchange.0.display()))?;
        Ok(exchange)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        // What could be told of a folder that is left in the system's own folder for such things?
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
