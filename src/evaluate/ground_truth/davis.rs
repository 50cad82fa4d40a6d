//! The DAVIS-like layout: folders of label pictures.

use std::path::{Path, PathBuf};

use super::{Attempt, Dataset, FrameIndex, Sequence, Tracks, Unjudgeable, UnjudgedRule, entries, has_extension, stem};
use crate::evaluate::label_picture::LabelPicture;
use crate::rle::Rle;

/// Label of pixels that are not judged.
const VOID: u8 = 255;
const EXPECTED: &str = "Expected one folder for each sequence, with one .png for each frame";

pub(super) fn read_truth(folder: &Path) -> Attempt<Dataset> {
    let read = |folder: PathBuf| {
        let pictures = pictures(&folder)?;
        let frame_names = pictures.iter().map(|picture| stem(picture)).collect();
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let empty = Sequence { name, path: folder, frame_names, asked: vec![None], ..Sequence::default() };
        read_sequence(empty, &pictures, Some(VOID))
    };
    let sequences = sequence_folders(folder)?.into_iter().map(read).collect::<Attempt<_>>()?;
    Ok(Dataset { sequences, ..Dataset::default() })
}

pub(super) fn read_predictions(folder: &Path, truth: &Dataset) -> Attempt<Dataset> {
    let is_sequence_itself = truth.sequences.len() == 1 && !pictures_in(folder)?.is_empty();
    let read = |of_truth: &Sequence| {
        let folder = if is_sequence_itself { folder.into() } else { folder.join(&of_truth.name) };
        if !folder.is_dir() {
            let cause = format!("there is no such folder, and the truth has the sequence \"{}\"", of_truth.name);
            return Err(Unjudgeable::new(&folder, cause, EXPECTED));
        }
        let pictures = pictures(&folder)?;
        let by_frame = in_order_of(of_truth, &folder, &pictures)?;
        read_sequence(Sequence::like(of_truth, &folder), &by_frame, None)
    };
    let sequences = truth.sequences.iter().map(read).collect::<Attempt<_>>()?;
    Ok(Dataset { sequences, ..Dataset::default() })
}

fn sequence_folders(folder: &Path) -> Attempt<Vec<PathBuf>> {
    if !pictures_in(folder)?.is_empty() {
        return Ok(vec![folder.into()]);
    }
    Ok(entries(folder)?.into_iter().filter(|entry| entry.is_dir()).collect())
}

fn pictures_in(folder: &Path) -> Attempt<Vec<PathBuf>> {
    Ok(entries(folder)?.into_iter().filter(|entry| has_extension(entry, "png")).collect())
}

fn pictures(folder: &Path) -> Attempt<Vec<PathBuf>> {
    let pictures = pictures_in(folder)?;
    if pictures.is_empty() {
        return Err(Unjudgeable::new(folder, "there is no .png in it", EXPECTED));
    }
    Ok(pictures)
}

/// The pictures in the order of the truth's frames: one for each, and none besides.
fn in_order_of(truth: &Sequence, folder: &Path, pictures: &[PathBuf]) -> Attempt<Vec<PathBuf>> {
    let frames = FrameIndex::of(&truth.frame_names);
    let mut by_frame = vec![None; truth.frame_names.len()];
    for picture in pictures {
        let frame = frames.position(&stem(picture)).ok_or_else(|| {
            let cause = format!("the truth has no frame of that name in \"{}\"", truth.name);
            Unjudgeable::new(picture, cause, "Remove it, or name pictures as the truth does")
        })?;
        by_frame[frame] = Some(picture.clone());
    }
    let missing = |frame: usize| {
        let cause = format!("there is no {}.png, and the truth has that frame", truth.frame_names[frame]);
        Unjudgeable::new(folder, cause, "A frame on which nothing was found is a picture of zeros")
    };
    by_frame.into_iter().enumerate().map(|(frame, picture)| picture.ok_or_else(|| missing(frame))).collect()
}

fn read_sequence(mut sequence: Sequence, pictures: &[PathBuf], void: Option<u8>) -> Attempt<Sequence> {
    let mut tracks = Tracks::new(pictures.len());
    let mut unjudged = vec![None; pictures.len()];
    for (frame, path) in pictures.iter().enumerate() {
        let picture = LabelPicture::read(path)?;
        sequence.check_size(path, "the picture", (picture.width, picture.height))?;
        for (label, mask) in Rle::from_labels(picture.width, picture.height, &picture.labels) {
            if Some(label) == void {
                unjudged[frame] = Some(mask);
            } else {
                tracks.add(None, label.into(), frame, mask);
            }
        }
    }
    sequence.tracks = tracks.finish();
    if void.is_some() {
        (sequence.unjudged, sequence.unjudged_rule) = (unjudged, UnjudgedRule::Void);
    }
    Ok(sequence)
}
