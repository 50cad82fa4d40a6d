//! YouTube-VIS: one document with a video, its tracks and categories.
//!
//! Frames come one after the other, and the document wants tracks: the draft is a file of lines, each with the offset of
//! the track's line before, so that only the last offset of each track is kept in memory.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use super::categories::Categories;
use super::coco::rounded;
use super::document::{Added, Assembly, Draft};
use super::options::Coordinates;
use super::record::bbox;
use super::shape::Shaped;
use super::spool::{Spool, SpoolView, line_at};
use crate::error::{Error, Result};

/// Where the line before stands, for the first of a track.
const NO_OFFSET: u64 = u64::MAX;

/// The document so far.
pub(super) struct YoutubeVisDraft {
    name: String,
    size: Option<(u32, u32)>,
    /// A line for each frame: its number and time.
    frames: Spool,
    frame_count: u64,
    /// A line for each mask.
    masks: Spool,
    tracks: BTreeMap<u64, Track>,
    categories: Categories,
}

#[derive(Debug, Clone)]
struct Track {
    category: u64,
    last_offset: u64,
    masks: u64,
    score_sum: f64,
}

impl YoutubeVisDraft {
    pub(super) fn create(target: &Path) -> Result<Self> {
        Ok(Self {
            name: target.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            size: None,
            frames: Spool::create(target, "frames")?,
            frame_count: 0,
            masks: Spool::create(target, "masks")?,
            tracks: BTreeMap::new(),
            categories: Categories::default(),
        })
    }

    fn add_to_spools(&mut self, shaped: &Shaped<'_>) -> Added {
        let (shot, place) = (&shaped.shot, self.frame_count);
        self.frames.append(format!("{} {}\n", shot.frame, json!(shot.pts)).as_bytes())?;
        self.frame_count += 1;
        for (id, object, shape) in shaped.numbered() {
            let Some(rle) = shape.rle.as_ref().filter(|_| shape.area > 0) else { continue };
            let category = self.categories.id(&object.label);
            let empty = Track { category, last_offset: NO_OFFSET, masks: 0, score_sum: 0.0 };
            let track = self.tracks.entry(id).or_insert(empty);
            let [x, y, w, h] = bbox(object, shot.size, Coordinates::Pixels);
            let (area, score, counts) = (shape.area, rounded(object.score), rle.to_text());
            let line = format!(
                "{} {place} {area} {score} {x} {y} {w} {h} {} {} {counts}\n",
                track.last_offset,
                rle.height(),
                rle.width()
            );
            track.last_offset = self.masks.append(line.as_bytes())?;
            track.masks += 1;
            track.score_sum += score;
        }
        Ok(())
    }
}

impl Draft for YoutubeVisDraft {
    fn add(&mut self, shaped: &Shaped<'_>) -> Result<Added> {
        let size = shaped.shot.size;
        let (width, height) = *self.size.get_or_insert(size);
        if size != (width, height) {
            return Err(Error::Frame(format!(
                "frames became {}x{}, and format=youtube-vis has one size for the whole video, {width}x{height}; use \
                 format=jsonl or coco, or put videoscale with caps before the element that finds objects",
                size.0, size.1
            )));
        }
        Ok(self.add_to_spools(shaped))
    }

    fn assembly(&self) -> Assembly {
        let (frames, masks, tracks) = (self.frames.view(), self.masks.view(), self.tracks.clone());
        let (name, frame_count, categories) = (self.name.clone(), self.frame_count, self.categories.clone());
        let (width, height) = self.size.unwrap_or_default();
        Box::new(move |out| {
            write!(out, "{{\"info\":{{\"description\":\"written by maskexport\"}},\n\"videos\":[")?;
            if frame_count > 0 {
                let quoted = json!(name);
                write!(out, "{{\"id\":1,\"name\":{quoted},\"width\":{width},\"height\":{height},")?;
                write!(out, "\"length\":{frame_count},\"file_names\":")?;
                write_frames(out, &frames, |number, _| json!(format!("{name}/{number:0>8}.jpg")).to_string())?;
                write!(out, ",\"frames\":")?;
                write_frames(out, &frames, |number, _| number.into())?;
                write!(out, ",\"pts\":")?;
                write_frames(out, &frames, |_, pts| pts.into())?;
                write!(out, "}}")?;
            }
            write!(out, "],\n\"annotations\":[")?;
            for (number, (id, track)) in (1u64..).zip(&tracks) {
                let separator = if number > 1 { ",\n" } else { "" };
                write!(out, "{separator}{{\"id\":{number},\"video_id\":1,\"track_id\":{id},")?;
                write!(out, "\"category_id\":{},\"iscrowd\":0,", track.category)?;
                write!(out, "\"width\":{width},\"height\":{height},\"length\":{frame_count},")?;
                write!(out, "\"score\":{},", track.score_sum / track.masks.max(1) as f64)?;
                write_track(out, &masks, track, frame_count)?;
                write!(out, "}}")?;
            }
            writeln!(out, "],\n\"categories\":{}}}", categories.json())
        })
    }
}

/// An array with something for each frame.
fn write_frames(out: &mut dyn Write, frames: &SpoolView, show: impl Fn(&str, &str) -> String) -> io::Result<()> {
    let mut separator = '[';
    for line in frames.lines()? {
        let line = line?;
        let (number, pts) = line.split_once(' ').unwrap_or((&line, "null"));
        write!(out, "{separator}{}", show(number, pts))?;
        separator = ',';
    }
    write!(out, "]")
}

/// A line of a track, without its run lengths.
struct Row {
    place: u64,
    offset: u64,
    area: String,
    score: String,
    bbox: String,
}

/// The arrays of a track: null where it is not on the frame.
fn write_track(out: &mut dyn Write, masks: &SpoolView, track: &Track, frame_count: u64) -> io::Result<()> {
    let mut file = masks.open()?;
    let (mut rows, mut line, mut offset) = (Vec::new(), String::new(), track.last_offset);
    while offset != NO_OFFSET {
        line_at(&mut file, offset, &mut line)?;
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [before, place, area, score, x, y, w, h, ..] = fields[..] else { return Err(broken()) };
        let place = place.parse().map_err(|_| broken())?;
        rows.push(Row { place, offset, area: area.into(), score: score.into(), bbox: format!("[{x},{y},{w},{h}]") });
        offset = before.parse().map_err(|_| broken())?;
    }
    rows.reverse();
    write_array(out, "segmentations", &rows, frame_count, |row| {
        line_at(&mut file, row.offset, &mut line)?;
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [.., height, width, counts] = fields[..] else { return Err(broken()) };
        Ok(format!("{{\"size\":[{height},{width}],\"counts\":{}}}", json!(counts)))
    })?;
    write!(out, ",")?;
    write_array(out, "bboxes", &rows, frame_count, |row| Ok(row.bbox.clone()))?;
    write!(out, ",")?;
    write_array(out, "areas", &rows, frame_count, |row| Ok(row.area.clone()))?;
    write!(out, ",")?;
    write_array(out, "scores", &rows, frame_count, |row| Ok(row.score.clone()))
}

fn write_array(
    out: &mut dyn Write,
    name: &str,
    rows: &[Row],
    frame_count: u64,
    mut show: impl FnMut(&Row) -> io::Result<String>,
) -> io::Result<()> {
    write!(out, "\"{name}\":[")?;
    let mut rows = rows.iter().peekable();
    for place in 0..frame_count {
        let separator = if place > 0 { "," } else { "" };
        match rows.next_if(|row| row.place == place) {
            Some(row) => write!(out, "{separator}{}", show(row)?)?,
            None => write!(out, "{separator}null")?,
        }
    }
    write!(out, "]")
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the file of masks beside it was changed by somebody else")
}
