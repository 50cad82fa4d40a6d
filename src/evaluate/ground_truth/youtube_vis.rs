//! The YouTube-VIS-like layout: one JSON file.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Attempt, Dataset, Sequence, Tracks, Unjudgeable, stem};
use crate::rle::Rle;

const EXPECTED_TRUTH: &str =
    "Expected an object with \"videos\", \"categories\" and \"annotations\", as YouTube-VIS has them";
const EXPECTED_FOUND: &str =
    "Expected a list of {\"video_id\", \"category_id\", \"score\", \"segmentations\"}, or the object that truth is";

#[derive(Serialize, Deserialize)]
struct Document {
    videos: Vec<Video>,
    #[serde(default)]
    categories: Vec<Category>,
    annotations: Vec<Annotation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    video_np_pairs: Option<Vec<AskedPair>>,
}

#[derive(Serialize, Deserialize)]
struct Video {
    id: u64,
    width: u32,
    height: u32,
    file_names: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Category {
    id: u64,
    name: String,
}

#[derive(Serialize, Deserialize)]
struct AskedPair {
    video_id: u64,
    category_id: u64,
}

#[derive(Serialize, Deserialize)]
struct Annotation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    video_id: u64,
    category_id: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    segmentations: Vec<Option<Segmentation>>,
}

#[derive(Serialize, Deserialize)]
struct Segmentation {
    /// Height and width.
    size: [u32; 2],
    counts: Counts,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Counts {
    Text(String),
    Runs(Vec<u32>),
}

pub(super) fn read_truth(path: &Path) -> Attempt<Dataset> {
    let document: Document =
        serde_json::from_str(&text(path, EXPECTED_TRUTH)?).map_err(|error| unreadable(path, &error))?;
    let categories: BTreeMap<u64, String> =
        document.categories.into_iter().map(|category| (category.id, category.name)).collect();
    let mut dataset = Dataset { sequences: Vec::new(), categories };
    let mut by_id = HashMap::new();
    for video in &document.videos {
        if video.file_names.is_empty() {
            let cause = format!("video {} has no file_names, so it has no frames", video.id);
            return Err(Unjudgeable::new(path, cause, EXPECTED_TRUTH));
        }
        by_id.insert(video.id, dataset.sequences.len());
        dataset.sequences.push(Sequence {
            name: video.name(),
            path: path.into(),
            size: Some((video.width, video.height)),
            frame_names: video.frame_names(),
            asked: asked(video, &dataset.categories, document.video_np_pairs.as_deref()),
            ..Sequence::default()
        });
    }
    let known = |annotation: &Annotation| match dataset.categories.contains_key(&annotation.category_id) {
        true => Ok(()),
        false => Err(format!("category_id {} is not among the categories", annotation.category_id)),
    };
    add_tracks(path, &mut dataset.sequences, &by_id, document.annotations, known)?;
    Ok(dataset)
}

pub(super) fn read_predictions(path: &Path, truth: &Dataset, least_score: f64) -> Attempt<Dataset> {
    let (annotations, by_id) = found_annotations(path, truth)?;
    let mut sequences: Vec<_> = truth.sequences.iter().map(|sequence| Sequence::like(sequence, path)).collect();
    let counts = |annotation: &Annotation| annotation.score.is_none_or(|score| score >= least_score);
    let mut annotations: Vec<_> = annotations.into_iter().filter(counts).collect();
    for (annotation, id) in annotations.iter_mut().zip(1..) {
        annotation.id = Some(id);
    }
    add_tracks(path, &mut sequences, &by_id, annotations, |_| Ok(()))?;
    Ok(Dataset { sequences, categories: BTreeMap::new() })
}

/// What was found, and the truth's sequence of each video id.
fn found_annotations(path: &Path, truth: &Dataset) -> Attempt<(Vec<Annotation>, HashMap<u64, usize>)> {
    let text = text(path, EXPECTED_FOUND)?;
    let failed = |cause: &dyn std::fmt::Display| Unjudgeable::new(path, cause, EXPECTED_FOUND);
    if text.trim_start().starts_with('[') {
        let annotations = serde_json::from_str(&text).map_err(|error| failed(&error))?;
        let truth_text = truth.sequences.first().and_then(|sequence| std::fs::read_to_string(&sequence.path).ok());
        let document: Document = serde_json::from_str(&truth_text.unwrap_or_default()).map_err(|_| {
            failed(&"a list names videos by the ids in the truth's JSON, and the truth has another layout")
        })?;
        return Ok((annotations, sequences_by_video(&document.videos, truth)));
    }
    let document: Document = serde_json::from_str(&text).map_err(|error| failed(&error))?;
    Ok((document.annotations, sequences_by_video(&document.videos, truth)))
}

fn sequences_by_video(videos: &[Video], truth: &Dataset) -> HashMap<u64, usize> {
    let by_name: HashMap<_, _> =
        truth.sequences.iter().zip(0..).map(|(sequence, index)| (&sequence.name, index)).collect();
    videos.iter().filter_map(|video| Some((video.id, *by_name.get(&video.name())?))).collect()
}

fn text(path: &Path, expected: &str) -> Attempt<String> {
    std::fs::read_to_string(path).map_err(|error| Unjudgeable::new(path, error, expected))
}

fn unreadable(path: &Path, error: &serde_json::Error) -> Unjudgeable {
    Unjudgeable::new(path, error, EXPECTED_TRUTH)
}

/// What was looked for on a video: the pairs that are listed, or every category.
fn asked(video: &Video, categories: &BTreeMap<u64, String>, pairs: Option<&[AskedPair]>) -> Vec<Option<u64>> {
    let is_asked = |id: &u64| {
        let is_it = |pair: &AskedPair| (pair.video_id, pair.category_id) == (video.id, *id);
        pairs.is_none_or(|pairs| pairs.iter().any(is_it))
    };
    categories.keys().copied().filter(is_asked).map(Some).collect()
}

fn add_tracks(
    path: &Path,
    sequences: &mut [Sequence],
    by_id: &HashMap<u64, usize>,
    annotations: Vec<Annotation>,
    check: impl Fn(&Annotation) -> Result<(), String>,
) -> Attempt<()> {
    let mut tracks: Vec<_> = sequences.iter().map(|sequence| Tracks::new(sequence.frame_names.len())).collect();
    for (index, annotation) in annotations.into_iter().enumerate() {
        let failed = |cause: String| Unjudgeable::new(path, format!("annotation {index}: {cause}"), EXPECTED_TRUTH);
        let unknown = || failed(format!("video_id {} is not among the truth's videos", annotation.video_id));
        let sequence_index = *by_id.get(&annotation.video_id).ok_or_else(unknown)?;
        let (sequence, tracks) = (&mut sequences[sequence_index], &mut tracks[sequence_index]);
        check(&annotation).map_err(failed)?;
        if annotation.segmentations.len() != sequence.frame_names.len() {
            let counts = (annotation.segmentations.len(), sequence.frame_names.len());
            return Err(failed(format!("{} segmentations, and the video has {} frames", counts.0, counts.1)));
        }
        let id = annotation.id.unwrap_or(index as u64);
        for (frame, segmentation) in annotation.segmentations.into_iter().enumerate() {
            let Some(segmentation) = segmentation else { continue };
            let place = format!("frame {frame} of annotation {index}");
            let mask = segmentation.mask().map_err(|cause| failed(format!("frame {frame}: {cause}")))?;
            sequence.check_size(path, &place, (mask.width(), mask.height()))?;
            if !tracks.add(Some(annotation.category_id), id, frame, mask) {
                return Err(failed(format!("a second mask for id {id} on frame {frame}; ids must differ")));
            }
        }
    }
    for (sequence, tracks) in sequences.iter_mut().zip(tracks) {
        sequence.tracks = tracks.finish();
    }
    Ok(())
}

impl Video {
    /// Files stand in a folder with the sequence's name.
    fn name(&self) -> String {
        let from_files = || self.file_names.first()?.rsplit_once('/').map(|(folder, _)| folder.to_owned());
        self.name.clone().or_else(from_files).unwrap_or_else(|| self.id.to_string())
    }

    fn frame_names(&self) -> Vec<String> {
        self.file_names.iter().map(|file| stem(Path::new(file))).collect()
    }
}

impl Segmentation {
    fn mask(self) -> Result<Rle, String> {
        let [height, width] = self.size;
        match self.counts {
            Counts::Text(text) => Rle::from_text(width, height, &text),
            Counts::Runs(runs) => Rle::from_runs(width, height, runs),
        }
    }
}

/// Writes tracks as one YouTube-VIS file with videos and categories, that other programs can judge.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, dataset: &Dataset) -> Attempt<()> {
    let mut document =
        Document { videos: vec![], categories: vec![], annotations: vec![], video_np_pairs: Some(vec![]) };
    document.categories = dataset.categories.iter().map(|(&id, name)| Category { id, name: name.clone() }).collect();
    for (sequence, video_id) in dataset.sequences.iter().zip(1..) {
        let (width, height) = sequence.size.unwrap_or_default();
        let file_names = sequence.frame_names.iter().map(|frame| format!("{}/{frame}.jpg", sequence.name)).collect();
        document.videos.push(Video { id: video_id, width, height, file_names, name: Some(sequence.name.clone()) });
        let asked = sequence.asked.iter().flatten().map(|&category_id| AskedPair { video_id, category_id });
        document.video_np_pairs.get_or_insert_default().extend(asked);
        for found in &sequence.tracks {
            document.annotations.push(Annotation {
                id: Some(document.annotations.len() as u64 + 1),
                video_id,
                category_id: found.category.unwrap_or_default(),
                score: None,
                segmentations: found.track.masks.iter().map(|mask| mask.as_ref().map(segmentation)).collect(),
            });
        }
    }
    let failed = |error: &dyn std::fmt::Display| Unjudgeable::new(path, error, "Name a file that can be written");
    let text = serde_json::to_string(&document).map_err(|error| failed(&error))?;
    std::fs::write(path, text).map_err(|error| failed(&error))
}

fn segmentation(mask: &Rle) -> Segmentation {
    Segmentation { size: [mask.height(), mask.width()], counts: Counts::Text(mask.to_text()) }
}
