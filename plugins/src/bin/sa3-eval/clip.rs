//! The clip that comes with sa3, or others like it, and their truth.

use std::path::{Path, PathBuf};

use sa3::evaluate::ground_truth::{Dataset, read_truth};
use sa3::prompt::Prompt;
use serde::Deserialize;

/// Phrases that name nothing in the clip that comes with sa3: its shapes and colours put together anew, and other things.
const ABSENT: &str = "green circle; red square; blue star; yellow triangle; cat; banana";

/// From the checkout's top.
const FOLDER: &str = "examples/media/clip";

/// A video, the phrases to look for, and what is there.
pub struct Clip {
    folder: PathBuf,
    /// Categories are the phrases, numbered from 1; all of them are asked.
    pub truth: Dataset,
}

#[derive(Deserialize)]
struct Description {
    instances: Vec<Instance>,
    /// Phrases that name nothing.
    absent: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Instance {
    id: u64,
    prompts: Vec<String>,
}

impl Clip {
    /// The clip that comes with sa3.
    pub fn own(absent: Option<&str>, frames: Option<usize>) -> Result<Self, String> {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
        let clip = Self::read(&top.join(FOLDER), absent.or(Some(ABSENT)), frames);
        clip.map_err(|error| format!("{error}. Run this from a complete checkout"))
    }

    /// Clips in the folders of a folder, by name, as `training/named_clips.py` writes them.
    pub fn all_of(folder: &Path, absent: Option<&str>, frames: Option<usize>) -> Result<Vec<Self>, String> {
        let entries = std::fs::read_dir(folder).map_err(|error| format!("--clips {}: {error}", folder.display()))?;
        let mut folders: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        folders.sort();
        if folders.is_empty() {
            return Err(format!(
                "--clips {}: there is no clip. Each is a folder with clip.mp4, clip.json and masks",
                folder.display()
            ));
        }
        folders.iter().map(|folder| Self::read(folder, absent, frames)).collect()
    }

    /// The first name of each instance is a phrase, and so are those that name nothing.
    fn read(folder: &Path, absent: Option<&str>, frames: Option<usize>) -> Result<Self, String> {
        let path = folder.join("clip.json");
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let description: Description =
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut truth = read_truth(&folder.join("masks")).map_err(|error| error.to_string())?;
        let sequence = &mut truth.sequences[0];
        sequence.name = folder.file_name().map_or_else(|| "clip".into(), |name| name.to_string_lossy().into_owned());
        sequence.frame_names.truncate(frames.unwrap_or(usize::MAX));
        let named = |id| description.instances.iter().position(|instance| instance.id == id);
        for track in &mut sequence.tracks {
            track.category = named(track.track.id).map(|index| index as u64 + 1);
            track.track.masks.truncate(sequence.frame_names.len());
        }
        sequence.tracks.retain(|track| track.track.masks.iter().any(Option::is_some));
        let names = description.instances.iter().filter_map(|instance| instance.prompts.first().cloned());
        let absent = match absent {
            Some(text) => Prompt::list_from_text(text).into_iter().map(|prompt| prompt.text.to_string()).collect(),
            None => description.absent.unwrap_or_default(),
        };
        truth.categories = (1..).zip(names.chain(absent)).collect();
        sequence.asked = truth.categories.keys().copied().map(Some).collect();
        Ok(Self { folder: folder.into(), truth })
    }

    /// What to look for: the categories, in their order.
    pub fn prompt(&self) -> String {
        self.truth.categories.values().cloned().collect::<Vec<_>>().join("; ")
    }

    /// How many frames are judged.
    pub fn frames(&self) -> usize {
        self.truth.sequences[0].frame_names.len()
    }

    /// That of its folder.
    pub fn name(&self) -> &str {
        &self.truth.sequences[0].name
    }

    /// The file to play.
    pub fn video(&self) -> PathBuf {
        self.folder.join("clip.mp4")
    }
}
