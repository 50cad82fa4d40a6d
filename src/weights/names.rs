//! Layouts of published files, and how their names become ours.
//!
//! Ours are transformers' names of the image model (`vision_encoder.…`, layout C). A layout B file carries the same
//! names below `detector_model.`, beside the tracker's. Source: section 2 of the reference notes, transformers 5.17.

use std::path::Path;

use super::stored::Cut;
use crate::error::{Error, Result};

/// Where the image model's tensors stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// The video model of transformers: `detector_model.`, `tracker_model.`, `tracker_neck.`.
    HfVideo,
    /// The image model of transformers alone.
    HfImage,
}

const DETECTOR_PREFIX: &str = "detector_model.";
const IMAGE_PREFIXES: [&str; 8] = [
    "vision_encoder.",
    "text_encoder.",
    "text_projection.",
    "geometry_encoder.",
    "detr_encoder.",
    "detr_decoder.",
    "mask_decoder.",
    "dot_product_scoring.",
];

impl Layout {
    /// Recognises the layout by its prefixes.
    ///
    /// # Errors
    /// [`Error::ModelFile`] that says what the file seems to be instead.
    pub fn detect<'n>(path: &Path, names: impl Iterator<Item = &'n str> + Clone) -> Result<Self> {
        if names.clone().any(|name| name.starts_with(DETECTOR_PREFIX)) {
            return Ok(Self::HfVideo);
        }
        if names.clone().any(|name| IMAGE_PREFIXES.iter().any(|prefix| name.starts_with(prefix))) {
            return Ok(Self::HfImage);
        }
        let refuse = |cause: &str, remedy: &str| {
            Err(Error::ModelFile { path: path.into(), cause: cause.into(), remedy: remedy.into() })
        };
        if names.clone().any(|name| name.starts_with("detector.")) {
            return refuse(
                "it has the names of the original SAM 3 release (detector.…)",
                "Use the model.safetensors of the same release in the Hugging Face layout",
            );
        }
        let first = names.clone().next().unwrap_or("no tensor at all").to_string();
        refuse(
            &format!("it is not a SAM 3 model (it holds {first})"),
            "Use a model.safetensors with the tensors of Sam3Model or Sam3VideoModel",
        )
    }

    /// Our names of what a tensor holds of the image model; none for another component's.
    pub(super) fn ours(self, name: &str) -> Vec<(String, Cut)> {
        let ours = match self {
            Self::HfVideo => name.strip_prefix(DETECTOR_PREFIX),
            Self::HfImage => {
                (!name.starts_with("tracker_model.") && !name.starts_with("tracker_neck.")).then_some(name)
            }
        };
        ours.map(|ours| (ours.to_string(), Cut::Whole)).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(names: &[&str]) -> Result<Layout> {
        Layout::detect(Path::new("x.safetensors"), names.iter().copied())
    }

    #[test]
    fn layouts_are_told_by_prefix() {
        assert_eq!(detect(&["tracker_neck.a", "detector_model.text_projection.bias"]).unwrap(), Layout::HfVideo);
        assert_eq!(detect(&["text_projection.bias"]).unwrap(), Layout::HfImage);
        let ours = |name| Layout::HfVideo.ours(name).into_iter().map(|(ours, _)| ours).collect::<Vec<_>>();
        assert_eq!(ours("detector_model.detr_encoder.x"), ["detr_encoder.x"]);
        assert!(ours("tracker_model.x").is_empty());
    }

    #[test]
    fn foreign_files_are_named() {
        assert!(detect(&["bert.x"]).unwrap_err().to_string().contains("bert.x"));
        assert!(detect(&["detector.x"]).unwrap_err().to_string().contains("original"));
        assert!(detect(&[]).unwrap_err().to_string().contains("no tensor"));
    }
}
