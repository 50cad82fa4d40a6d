//! Layouts of published files, and how their names become ours.
//!
//! Ours are transformers' names of the image model (`vision_encoder.…`, layout C), and beside them those of the
//! tracker in the video model (`tracker_model.…`, `tracker_neck.…`). A layout B file carries the former below
//! `detector_model.`. A layout A file has the names of the original release, which
//! [`official`] turns into those of layout B.

mod official;

use std::path::Path;

use super::stored::Cut;
use crate::error::{Error, Result};

/// Where a model's tensors stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// The original release, `sam3.pt`: `detector.`, `tracker.`.
    Official,
    /// The video model of transformers: `detector_model.`, `tracker_model.`, `tracker_neck.`.
    HfVideo,
    /// The image model of transformers alone.
    HfImage,
}

const DETECTOR_PREFIX: &str = "detector_model.";
const OFFICIAL_PREFIX: &str = "detector.";
/// SAM 3.1 has a tracker of another architecture, and another prefix for it.
const MULTIPLEX_PREFIX: &str = "tracker.model.";
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
        let any = |prefix: &str| names.clone().any(|name| name.starts_with(prefix));
        let refuse = |cause: &str, remedy: &str| {
            Err(Error::ModelFile { path: path.into(), cause: cause.into(), remedy: remedy.into() })
        };
        if any(MULTIPLEX_PREFIX) {
            return refuse(
                "it is SAM 3.1 (\"object multiplex\", sam3.1_multiplex.pt), whose tracker packs objects in groups of \
                 16 that share one memory; this architecture is not supported",
                "Use sam3.pt or model.safetensors of facebook/sam3",
            );
        }
        if any(DETECTOR_PREFIX) {
            return Ok(Self::HfVideo);
        }
        if any(OFFICIAL_PREFIX) {
            return Ok(Self::Official);
        }
        if IMAGE_PREFIXES.iter().any(|prefix| any(prefix)) {
            return Ok(Self::HfImage);
        }
        let first = names.clone().next().unwrap_or("no tensor at all").to_string();
        refuse(
            &format!("it is not a SAM 3 model (it holds {first})"),
            "Use sam3.pt of facebook/sam3, or a model.safetensors with the tensors of Sam3Model or Sam3VideoModel",
        )
    }

    /// Our names of what a tensor holds; none for what is dropped.
    pub(super) fn ours(self, name: &str) -> Vec<(String, Cut)> {
        let without_prefix =
            |(name, cut): (String, Cut)| (name.strip_prefix(DETECTOR_PREFIX).unwrap_or(&name).to_string(), cut);
        let published = match self {
            Self::Official => official::published(name),
            Self::HfVideo | Self::HfImage => vec![(name.to_string(), Cut::Whole)],
        };
        published.into_iter().map(without_prefix).collect()
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
        assert_eq!(ours("tracker_model.x"), ["tracker_model.x"]);
        assert_eq!(detect(&["detector.x", "tracker.y"]).unwrap(), Layout::Official);
        assert_eq!(Layout::Official.ours("detector.segmentation_head.cross_attend_prompt.in_proj_bias").len(), 3);
        let pointer = ("tracker_model.no_object_pointer".to_string(), Cut::Whole);
        assert_eq!(Layout::Official.ours("tracker.no_obj_ptr"), [pointer]);
    }

    #[test]
    fn foreign_files_are_named() {
        assert!(detect(&["bert.x"]).unwrap_err().to_string().contains("bert.x"));
        let multiplex = detect(&["detector.x", "tracker.model.y"]).unwrap_err().to_string();
        assert!(multiplex.contains("SAM 3.1") && multiplex.contains("facebook/sam3"), "{multiplex}");
        assert!(detect(&[]).unwrap_err().to_string().contains("no tensor"));
    }
}
