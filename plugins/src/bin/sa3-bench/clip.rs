//! The clip that comes with sa3, decoded once to raw RGB, and its truth.

use std::path::{Path, PathBuf};

use gst::prelude::*;
use sa3::evaluate::LabelPicture;
use serde::Deserialize;

/// A concept and the truth's label of its instance.
#[derive(Debug, Clone)]
pub struct LabelledPrompt {
    pub phrase: String,
    pub label: u8,
}

/// Raw frames in a file that goes with this value.
pub struct RawClip {
    pub width: u32,
    pub height: u32,
    pub raw: PathBuf,
    folder: PathBuf,
    prompts: Vec<LabelledPrompt>,
}

#[derive(Deserialize)]
struct Description {
    width: u32,
    height: u32,
    instances: Vec<Instance>,
}

#[derive(Deserialize)]
struct Instance {
    id: u8,
    prompts: Vec<String>,
}

/// Where models, clips and scripts stand.
pub fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_path_buf()
}

impl RawClip {
    pub fn decode(frames: usize) -> Result<Self, String> {
        let folder = checkout().join("examples/media/clip");
        let text = std::fs::read_to_string(folder.join("clip.json")).map_err(|error| format!("clip.json: {error}"))?;
        let description: Description = serde_json::from_str(&text).map_err(|error| format!("clip.json: {error}"))?;
        let raw = std::env::temp_dir().join(format!("sa3-bench-{}.rgb", std::process::id()));
        play(&format!(
            "filesrc location=\"{}\" ! decodebin ! videoconvert ! video/x-raw,format=RGB ! filesink location=\"{}\"",
            folder.join("clip.mp4").display(),
            raw.display()
        ))?;
        let frame_bytes = 3 * u64::from(description.width) * u64::from(description.height);
        let file = std::fs::OpenOptions::new().write(true).open(&raw).map_err(|error| error.to_string())?;
        let decoded = file.metadata().map_err(|error| error.to_string())?.len() / frame_bytes;
        let frames = frames.min(decoded as usize);
        file.set_len(frames as u64 * frame_bytes).map_err(|error| error.to_string())?;
        let prompts = description
            .instances
            .into_iter()
            .filter_map(|mut instance| {
                (!instance.prompts.is_empty())
                    .then(|| LabelledPrompt { phrase: instance.prompts.swap_remove(0), label: instance.id })
            })
            .collect();
        Ok(Self { width: description.width, height: description.height, raw, folder, prompts })
    }

    pub fn all_prompts(&self) -> Vec<LabelledPrompt> {
        self.prompts.clone()
    }

    pub fn masks(&self) -> PathBuf {
        self.folder.join("masks")
    }

    pub fn truth(&self, frame_number: usize) -> Result<LabelPicture, String> {
        let path = self.masks().join(format!("{frame_number:04}.png"));
        LabelPicture::read(&path).map_err(|error| error.to_string())
    }
}

impl Drop for RawClip {
    fn drop(&mut self) {
        // A file in the temporary directory that cannot be removed does no harm.
        let _ = std::fs::remove_file(&self.raw);
    }
}

/// Plays a pipeline to its end.
pub fn play(description: &str) -> Result<(), String> {
    let pipeline = gst::parse::launch(description).map_err(|error| error.to_string())?;
    wait_for_end(&pipeline)
}

/// The same with a pipeline at hand; leaves it in NULL.
pub fn wait_for_end(pipeline: &gst::Element) -> Result<(), String> {
    let bus = pipeline.bus().ok_or("a pipeline has a bus")?;
    let started = pipeline.set_state(gst::State::Playing);
    let end = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = bus.timed_pop_filtered(gst::ClockTime::NONE, &end);
    pipeline.set_state(gst::State::Null).map_err(|error| error.to_string())?;
    match message.as_ref().map(|message| message.view()) {
        Some(gst::MessageView::Eos(_)) if started.is_ok() => Ok(()),
        Some(gst::MessageView::Error(error)) => Err(error.error().to_string()),
        _ => Err("the pipeline does not start".into()),
    }
}
