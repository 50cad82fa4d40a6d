//! Folders of truth and predictions, in three layouts:
//!
//! - DAVIS-like: `<sequence>/<frame>.png`, indexed or grey, pixel value = id, 0 background; in the truth 255 is void,
//!   pixels that are not judged. A folder with the PNGs themselves is one sequence.
//! - YouTube-VIS-like: one JSON file with `videos`, `categories` and `annotations`; predictions may be the list of
//!   annotations alone. Masks are run lengths, compressed or not. `video_np_pairs` lists what was asked, as in SA-Co;
//!   without it every category was asked of every video.
//! - MOTS-like: `<sequence>.txt` or `<sequence>/gt/gt.txt` with lines `frame id class height width run-lengths`; class 10
//!   marks regions where predictions that match nothing are not counted.
//!
//! Truth and predictions may have different layouts. Sequences go together by name, frames by name or number.

mod davis;
mod mots;
mod pairing;
mod youtube_vis;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

pub use pairing::{Paired, pair};
pub use youtube_vis::write as write_youtube_vis;

use super::unit::Track;
use super::unjudgeable::{Attempt, Unjudgeable};
use crate::rle::Rle;

const EXPECTED: &str = "Expected folders of PNGs (DAVIS-like), one .json file (YouTube-VIS-like), or .txt files, each \
                        <sequence>.txt or <sequence>/gt/gt.txt (MOTS-like)";

/// What one side says about sequences.
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    /// Sequences, by name.
    pub sequences: Vec<Sequence>,
    /// Names of categories, by id; empty where the layout has none.
    pub categories: BTreeMap<u64, String>,
}

/// What one side says about one sequence.
#[derive(Debug, Clone, Default)]
pub struct Sequence {
    /// Its name.
    pub name: String,
    /// The file or folder that it comes from.
    pub path: PathBuf,
    /// Width and height of its masks; not known where there is no mask.
    pub size: Option<(u32, u32)>,
    /// Names of frames without extension, or their numbers.
    pub frame_names: Vec<String>,
    /// Its tracks.
    pub tracks: Vec<CategorisedTrack>,
    /// For each frame where nothing is judged; empty when there is no such place.
    pub unjudged: Vec<Option<Rle>>,
    /// What being unjudged means.
    pub unjudged_rule: UnjudgedRule,
    /// Categories that were looked for: those of the truth, and those known to be absent.
    pub asked: Vec<Option<u64>>,
}

/// A track and what is known about it.
#[derive(Debug, Clone)]
pub struct CategorisedTrack {
    /// Id of its category.
    pub category: Option<u64>,
    /// The masks.
    pub track: Track,
}

/// What becomes of found masks in unjudged places.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UnjudgedRule {
    /// Their pixels are taken away (DAVIS).
    #[default]
    Void,
    /// Masks that match nothing are taken away when more than half of them lies there (MOTS).
    Ignore,
}

enum Layout {
    Davis,
    YoutubeVis(PathBuf),
    Mots,
}

/// Reads the truth.
///
/// # Errors
/// When the folder has none of the layouts, or a file of it cannot be read.
pub fn read_truth(path: &Path) -> Attempt<Dataset> {
    let truth = match layout(path)? {
        Layout::Davis => davis::read_truth(path),
        Layout::YoutubeVis(file) => youtube_vis::read_truth(&file),
        Layout::Mots => mots::read_truth(path),
    }?;
    match truth.sequences.is_empty() {
        true => Err(Unjudgeable::new(path, "there is no sequence in it", EXPECTED)),
        false => Ok(truth),
    }
}

/// Reads predictions for every sequence and frame of the truth. Those whose score is below `least_score` are left out;
/// those without a score count.
///
/// # Errors
/// As [`read_truth`], and when sequences, frames or sizes do not fit the truth's.
pub fn read_predictions(path: &Path, truth: &Dataset, least_score: f64) -> Attempt<Dataset> {
    match layout(path)? {
        Layout::Davis => davis::read_predictions(path, truth),
        Layout::YoutubeVis(file) => youtube_vis::read_predictions(&file, truth, least_score),
        Layout::Mots => mots::read_predictions(path, truth),
    }
}

fn layout(path: &Path) -> Attempt<Layout> {
    if path.is_file() && has_extension(path, "json") {
        return Ok(Layout::YoutubeVis(path.into()));
    }
    let entries = entries(path)?;
    let json: Vec<_> = entries.iter().filter(|entry| has_extension(entry, "json")).collect();
    if entries.iter().any(|entry| has_extension(entry, "txt") || entry.join("gt/gt.txt").is_file()) {
        return Ok(Layout::Mots);
    }
    match json[..] {
        [file] => return Ok(Layout::YoutubeVis(file.clone())),
        [] => {}
        [first, second, ..] => {
            let names = format!("{} and {}", first.display(), second.display());
            return Err(Unjudgeable::new(
                path,
                format!("it has more than one .json file: {names}"),
                "Name the file itself",
            ));
        }
    }
    if entries.iter().any(|entry| entry.is_dir() || has_extension(entry, "png")) {
        return Ok(Layout::Davis);
    }
    Err(Unjudgeable::new(path, "it has neither .png, .json nor .txt files", EXPECTED))
}

/// What a folder holds, by name.
fn entries(folder: &Path) -> Attempt<Vec<PathBuf>> {
    let failed = |error| Unjudgeable::new(folder, error, EXPECTED);
    let listing = std::fs::read_dir(folder).map_err(failed)?;
    let mut paths =
        listing.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    paths.sort();
    Ok(paths)
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

impl Sequence {
    /// A sequence of predictions for a sequence of the truth, without tracks yet.
    fn like(truth: &Self, path: &Path) -> Self {
        let (name, path, frame_names) = (truth.name.clone(), path.into(), truth.frame_names.clone());
        Self { name, path, size: truth.size, frame_names, ..Self::default() }
    }

    /// The first mask sets the size where it is not known, every other must have it.
    fn check_size(&mut self, path: &Path, place: &str, found: (u32, u32)) -> Attempt<()> {
        let (width, height) = *self.size.get_or_insert(found);
        if found == (width, height) {
            return Ok(());
        }
        let cause = format!("{place} is {}x{}, and the sequence \"{}\" {width}x{height}", found.0, found.1, self.name);
        Err(Unjudgeable::new(path, cause, "Masks of truth and predictions must have the size of the video"))
    }
}

/// Positions of frames, by name and by number: `00007` and `7` are the same frame.
struct FrameIndex {
    by_name: HashMap<String, usize>,
    by_number: HashMap<u64, usize>,
}

impl FrameIndex {
    fn of(names: &[String]) -> Self {
        let number = |(position, name): (usize, &String)| Some((name.parse().ok()?, position));
        Self {
            by_name: names.iter().cloned().zip(0..).collect(),
            by_number: names.iter().enumerate().filter_map(number).collect(),
        }
    }

    fn position(&self, name: &str) -> Option<usize> {
        let by_number = || self.by_number.get(&name.parse().ok()?);
        self.by_name.get(name).or_else(by_number).copied()
    }
}

/// Collects masks to tracks.
struct Tracks {
    frames: usize,
    by_id: BTreeMap<(Option<u64>, u64), Vec<Option<Rle>>>,
}

impl Tracks {
    fn new(frames: usize) -> Self {
        Self { frames, by_id: BTreeMap::new() }
    }

    /// Adds a mask; false when that id has one on that frame. An empty mask is no detection.
    fn add(&mut self, category: Option<u64>, id: u64, frame: usize, mask: Rle) -> bool {
        if mask.area() == 0 {
            return true;
        }
        let masks = self.by_id.entry((category, id)).or_insert_with(|| vec![None; self.frames]);
        masks[frame].replace(mask).is_none()
    }

    fn finish(self) -> Vec<CategorisedTrack> {
        let track = |((category, id), masks)| CategorisedTrack { category, track: Track { id, masks } };
        self.by_id.into_iter().map(track).collect()
    }
}
