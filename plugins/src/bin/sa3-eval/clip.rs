//! The clip that comes with sa3, and its truth.

use std::path::{Path, PathBuf};

use sa3::evaluate::ground_truth::{Dataset, read_truth};
use sa3::prompt::Prompt;
use serde::Deserialize;

/// Phrases that name nothing in the clip: shapes and colours of it put together anew, and other things.
pub const ABSENT: &str = "green circle; red square; blue star; yellow triangle; cat; banana";

/// From the checkout's top.
const FOLDER: &str = "examples/media/clip";

/// Its video, the phrases to look for, and what is there.
pub struct Clip {
    /// Categories are the phrases, numbered from 1; all of them are asked.
    pub truth: Dataset,
}

#[derive(Deserialize)]
struct Description {
    instances: Vec<Instance>,
}

#[derive(Deserialize)]
struct Instance {
    id: u64,
    prompts: Vec<String>,
}

impl Clip {
    /// The first name of each instance is a phrase, and so are those that name nothing.
    pub fn read(absent: &str, frames: Option<usize>) -> Result<Self, String> {
        let path = folder().join("clip.json");
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("{}: {error}. Run this from a complete checkout", path.display()))?;
        let description: Description =
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut truth = read_truth(&folder().join("masks")).map_err(|error| error.to_string())?;
        let sequence = &mut truth.sequences[0];
        sequence.name = "clip".into();
        sequence.frame_names.truncate(frames.unwrap_or(usize::MAX));
        let named = |id| description.instances.iter().position(|instance| instance.id == id);
        for track in &mut sequence.tracks {
            track.category = named(track.track.id).map(|index| index as u64 + 1);
            track.track.masks.truncate(sequence.frame_names.len());
        }
        sequence.tracks.retain(|track| track.track.masks.iter().any(Option::is_some));
        let names = description.instances.iter().filter_map(|instance| instance.prompts.first().cloned());
        let absent = Prompt::list_from_text(absent).into_iter().map(|prompt| prompt.text.to_string());
        truth.categories = (1..).zip(names.chain(absent)).collect();
        sequence.asked = truth.categories.keys().copied().map(Some).collect();
        Ok(Self { truth })
    }

    /// What to look for: the categories, in their order.
    pub fn prompt(&self) -> String {
        self.truth.categories.values().cloned().collect::<Vec<_>>().join("; ")
    }

    /// How many frames are judged.
    pub fn frames(&self) -> usize {
        self.truth.sequences[0].frame_names.len()
    }

    /// The file to play.
    pub fn video(&self) -> PathBuf {
        folder().join("clip.mp4")
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).join(FOLDER)
}
