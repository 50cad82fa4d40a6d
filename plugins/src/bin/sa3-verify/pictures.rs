//! The pictures that come with sa3, and phrases for them: of each, the last names something that is not there.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use sa3::frame::RgbPicture;
use serde::Deserialize;

/// A picture and a phrase.
#[derive(Debug, Clone, Deserialize)]
pub struct Case {
    /// Name in [`folder`].
    pub picture: String,
    /// What to look for.
    pub prompt: String,
}

/// cases.json, as far as it is needed.
#[derive(Deserialize)]
struct Cases {
    trained: Trained,
}

#[derive(Deserialize)]
struct Trained {
    cases: Vec<Case>,
}

/// The top of the checkout.
pub fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_path_buf()
}

/// Where the pictures lie.
pub fn folder() -> PathBuf {
    checkout().join("tests/parity/pictures")
}

/// The phrases of the first `pictures` pictures.
pub fn cases(pictures: usize) -> Result<Vec<Case>, String> {
    let path = checkout().join("tests/parity/cases.json");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let cases: Cases = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut names: Vec<String> = cases.trained.cases.iter().map(|case| case.picture.clone()).collect();
    names.dedup();
    names.truncate(pictures);
    Ok(cases.trained.cases.into_iter().filter(|case| names.contains(&case.picture)).collect())
}

impl Case {
    /// The picture's pixels.
    pub fn pixels(&self) -> Result<RgbPicture, String> {
        let path = folder().join(&self.picture);
        let wrong = |cause: String| format!("{}: {cause}", path.display());
        let file = File::open(&path).map_err(|error| wrong(error.to_string()))?;
        let reader = png::Decoder::new(BufReader::new(file)).read_info();
        let mut reader = reader.map_err(|error| wrong(error.to_string()))?;
        let mut rgb = vec![0; reader.output_buffer_size().ok_or_else(|| wrong("it is too large".into()))?];
        let info = reader.next_frame(&mut rgb).map_err(|error| wrong(error.to_string()))?;
        if (info.color_type, info.bit_depth) != (png::ColorType::Rgb, png::BitDepth::Eight) {
            return Err(wrong("it is not 8-bit RGB".into()));
        }
        Ok(RgbPicture { width: info.width, height: info.height, rgb })
    }
}
