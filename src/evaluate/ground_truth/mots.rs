//! The MOTS-like layout: text files of run lengths.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Attempt, Dataset, FrameIndex, Sequence, Tracks, Unjudgeable, UnjudgedRule, entries, has_extension, stem};
use crate::rle::Rle;

/// Class of regions in which predictions that match nothing are not counted.
const IGNORED_CLASS: u64 = 10;
/// Highest frame number.
const FRAMES_MAX: u32 = 100_000;
const LINE: &str = "Expected lines of six fields: frame id class height width run-lengths";

/// One line.
struct Row {
    number: usize,
    frame: u64,
    id: u64,
    class: u64,
    mask: Rle,
}

pub(super) fn read_truth(folder: &Path) -> Attempt<Dataset> {
    let mut sequences = Vec::new();
    for (name, path) in files(folder)? {
        let rows = read_rows(&path)?;
        let frame_names = frame_numbers(&path, &rows)?.map(|number| number.to_string()).collect();
        let empty = Sequence { name, path: path.clone(), frame_names, ..Sequence::default() };
        sequences.push(collect(empty, rows, Some(IGNORED_CLASS))?);
    }
    let classes = sequences.iter().flat_map(|sequence| &sequence.tracks).filter_map(|track| track.category);
    let categories: BTreeMap<u64, String> = classes.map(|class| (class, class_name(class))).collect();
    for sequence in &mut sequences {
        sequence.asked = categories.keys().copied().map(Some).collect();
    }
    Ok(Dataset { sequences, categories })
}

pub(super) fn read_predictions(folder: &Path, truth: &Dataset) -> Attempt<Dataset> {
    let files = files(folder)?;
    let read = |of_truth: &Sequence| {
        let path = files.get(&of_truth.name).ok_or_else(|| {
            let cause = format!("there is no {0}.txt, and the truth has the sequence \"{0}\"", of_truth.name);
            Unjudgeable::new(folder, cause, "A sequence in which nothing was found is an empty file")
        })?;
        collect(Sequence::like(of_truth, path), read_rows(path)?, None)
    };
    let sequences = truth.sequences.iter().map(read).collect::<Attempt<_>>()?;
    Ok(Dataset { sequences, ..Dataset::default() })
}

/// The sequences' files, by name.
fn files(folder: &Path) -> Attempt<BTreeMap<String, PathBuf>> {
    let named = entries(folder)?.into_iter().filter_map(|entry| {
        let below = entry.join("gt/gt.txt");
        let name = entry.file_name()?.to_string_lossy().into_owned();
        if below.is_file() {
            return Some((name, below));
        }
        has_extension(&entry, "txt").then(|| (stem(&entry), entry))
    });
    Ok(named.collect())
}

/// As many as seqinfo.ini says, from 1. Without it from 0 or 1, whichever the file begins with, to the last in the file.
fn frame_numbers(path: &Path, rows: &[Row]) -> Attempt<std::ops::RangeInclusive<u64>> {
    let described = path.parent().and_then(Path::parent).map(|folder| folder.join("seqinfo.ini"));
    if let Some(path) = described.filter(|path| path.is_file()) {
        let text =
            std::fs::read_to_string(&path).map_err(|error| Unjudgeable::new(&path, error, "Make it readable"))?;
        let length = text.lines().find_map(|line| line.trim().strip_prefix("seqLength")?.trim().strip_prefix('='));
        let length = length.and_then(|length| length.trim().parse().ok());
        let length = length.filter(|length| (1..=u64::from(FRAMES_MAX)).contains(length));
        let remedy = format!("Expected a line such as seqLength=600, of 1 to {FRAMES_MAX}");
        return Ok(1..=length.ok_or_else(|| Unjudgeable::new(&path, "it does not tell the sequence's length", remedy))?);
    }
    let (first, last) = rows.iter().fold((1, 0), |(first, last), row| (row.frame.min(first), row.frame.max(last)));
    match rows.is_empty() {
        true => Err(Unjudgeable::new(path, "it is empty, so nothing tells how many frames there are", LINE)),
        false => Ok(first..=last),
    }
}

fn read_rows(path: &Path) -> Attempt<Vec<Row>> {
    let text = std::fs::read_to_string(path).map_err(|error| Unjudgeable::new(path, error, LINE))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let row = |(index, line): (usize, &str)| {
        let failed = |cause: String| Unjudgeable::new(path, format!("line {}: {cause}", index + 1), LINE);
        parse(index + 1, line).map_err(failed)
    };
    lines.map(row).collect()
}

fn parse(number: usize, line: &str) -> Result<Row, String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [frame, id, class, height, width, runs] = fields[..] else {
        return Err(format!("it has {} fields", fields.len()));
    };
    let whole = |text: &str| text.parse::<u32>().map_err(|_| format!("\"{text}\" is not a number from 0"));
    let frame = whole(frame)?;
    if frame > FRAMES_MAX {
        return Err(format!("frame {frame} is above {FRAMES_MAX}"));
    }
    let mask = Rle::from_text(whole(width)?, whole(height)?, runs)?;
    Ok(Row { number, frame: frame.into(), id: whole(id)?.into(), class: whole(class)?.into(), mask })
}

fn collect(mut sequence: Sequence, rows: Vec<Row>, ignored_class: Option<u64>) -> Attempt<Sequence> {
    let mut tracks = Tracks::new(sequence.frame_names.len());
    let mut ignored: Vec<Option<Rle>> = vec![None; sequence.frame_names.len()];
    let (path, frames) = (sequence.path.clone(), FrameIndex::of(&sequence.frame_names));
    for row in rows {
        let place = format!("line {}", row.number);
        sequence.check_size(&path, &format!("{place}: the mask"), (row.mask.width(), row.mask.height()))?;
        let frame = frames.position(&row.frame.to_string()).ok_or_else(|| {
            let names = &sequence.frame_names;
            let known =
                names.first().zip(names.last()).map(|(first, last)| format!("{first} to {last}")).unwrap_or_default();
            let cause = format!("{place}: frame {} is not in the sequence \"{}\"", row.frame, sequence.name);
            Unjudgeable::new(&path, cause, format!("The truth has frames {known}; number them likewise"))
        })?;
        if Some(row.class) == ignored_class {
            let all = ignored[frame].take().map_or_else(|| row.mask.clone(), |before| before.with(&row.mask));
            ignored[frame] = Some(all);
        } else if !tracks.add(Some(row.class), row.id, frame, row.mask) {
            let cause = format!("{place}: a second mask for id {} on frame {}", row.id, row.frame);
            return Err(Unjudgeable::new(&path, cause, "Give each object on a frame one line and an id of its own"));
        }
    }
    sequence.tracks = tracks.finish();
    if ignored_class.is_some() {
        (sequence.unjudged, sequence.unjudged_rule) = (ignored, UnjudgedRule::Ignore);
    }
    Ok(sequence)
}

fn class_name(class: u64) -> String {
    match class {
        1 => "car".into(),
        2 => "pedestrian".into(),
        other => format!("class {other}"),
    }
}
