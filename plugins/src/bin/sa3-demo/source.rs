//! What the demo looks at, what it looks for, and what is known to be there.

use std::path::{Path, PathBuf};

use sa3::evaluate::LabelPicture;
use sa3::prompt::Prompt;
use serde::Deserialize;

/// From the checkout's top.
const CLIP_FOLDER: &str = "examples/media/clip";
const PROMPT_FOR_OTHERS: &str = "circle; dog; car; person; face";
const PICTURE_EXTENSIONS: [&str; 6] = ["png", "jpg", "jpeg", "bmp", "webp", "tif"];

/// Input, prompt and truth.
#[derive(Clone)]
pub struct Source {
    path: PathBuf,
    prompts: Vec<Prompt>,
    truth: Option<Truth>,
}

/// The true masks of the clip that comes with sa3.
#[derive(Clone)]
struct Truth {
    masks: PathBuf,
    instances: Vec<Instance>,
}

/// clip.json, as far as it is needed.
#[derive(Deserialize)]
struct Clip {
    instances: Vec<Instance>,
}

#[derive(Clone, Deserialize)]
struct Instance {
    id: u8,
    prompts: Vec<String>,
}

impl Source {
    /// The user's file, or the clip.
    pub fn open(input: Option<&Path>, prompt: Option<&str>) -> Result<Self, String> {
        let (path, truth) = match input {
            Some(input) if input.is_file() => (input.to_path_buf(), None),
            Some(input) => return Err(format!("--input {}: there is no such file", input.display())),
            None => (clip_folder().join("clip.mp4"), Some(Truth::read()?)),
        };
        let first_names = |truth: &Truth| {
            truth
                .instances
                .iter()
                .filter_map(|instance| instance.prompts.first().cloned())
                .collect::<Vec<_>>()
                .join("; ")
        };
        let text = match (prompt, &truth) {
            (Some(prompt), _) => prompt.to_string(),
            (None, Some(truth)) => first_names(truth),
            (None, None) => PROMPT_FOR_OTHERS.to_string(),
        };
        let prompts = Prompt::list_from_text(&text);
        if prompts.is_empty() {
            return Err("--prompt needs at least one word; put ; between concepts".into());
        }
        Ok(Self { path, prompts, truth })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn is_picture(&self) -> bool {
        let extension = self.path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        extension.is_some_and(|extension| PICTURE_EXTENSIONS.contains(&extension.as_str()))
    }

    pub fn prompt(&self) -> String {
        self.phrases().join("; ")
    }

    pub fn phrases(&self) -> Vec<&str> {
        self.prompts.iter().map(|prompt| &*prompt.text).collect()
    }

    /// The truth's label of each phrase's instance.
    pub fn labels(&self) -> Vec<Option<u8>> {
        let instances = self.truth.as_ref().map_or(&[][..], |truth| &truth.instances);
        let label = |phrase: &&str| {
            instances.iter().find(|instance| instance.prompts.iter().any(|name| name == phrase)).map(|found| found.id)
        };
        self.phrases().iter().map(label).collect()
    }

    /// The truth about one frame.
    pub fn truth(&self, frame_number: u64) -> Option<LabelPicture> {
        let path = self.truth.as_ref()?.masks.join(format!("{frame_number:04}.png"));
        LabelPicture::read(&path).ok()
    }
}

impl Truth {
    fn read() -> Result<Self, String> {
        let path = clip_folder().join("clip.json");
        let text = std::fs::read_to_string(&path).map_err(|error| {
            format!("{} cannot be read: {error}. Run the demo from a complete checkout", path.display())
        })?;
        let clip: Clip = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { masks: clip_folder().join("masks"), instances: clip.instances })
    }
}

fn clip_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).join(CLIP_FOLDER)
}
