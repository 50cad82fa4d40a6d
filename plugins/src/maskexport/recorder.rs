//! What happens to one buffer: decide whether it is written, shape its masks, write. Knows no pads.

use std::sync::Arc;

use gst::BufferRef;
use sa3::export::{Exporter, Options, Shaped, Shaper, Shot, json_line};
use sa3::{Objects, Result};

use super::settings::Settings;
use super::{OnWriteError, Write};
use crate::meta::MaskMeta;

/// What came of a buffer.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    /// The frame as a line of JSON, where it is written and somebody wants it.
    pub(super) line: Option<String>,
    /// Something the user should hear of.
    pub(super) notice: Option<Notice>,
}

/// Something the user should hear of, once.
#[derive(Debug)]
pub(super) enum Notice {
    /// The format needs ids, and the objects have none.
    NoIds(&'static str),
    /// Nothing is written any more.
    Stopped(sa3::Error),
}

/// Writes the frames of one stream.
#[derive(Default)]
pub(super) struct Recorder {
    exporter: Option<Exporter>,
    shaper: Shaper,
    next_frame: u64,
    last_seen: Option<Sighting>,
    has_told_no_ids: bool,
    pub(super) frames_written: u64,
    pub(super) objects_written: u64,
}

/// Who is there; `None` when nobody looked.
type Sighting = Option<Vec<(Option<u64>, Arc<str>, u32)>>;

impl Recorder {
    /// Begins a stream.
    ///
    /// # Errors
    /// [`sa3::Error::Setting`] and [`sa3::Error::File`], as [`Exporter::create`].
    pub(super) fn start(settings: &Settings) -> Result<Self> {
        let options = settings.options();
        let exporter = settings.location().map(|location| Exporter::create(&location, &options)).transpose()?;
        Ok(Self { exporter, ..Self::default() })
    }

    /// Frames that came.
    pub(super) fn frames_in(&self) -> u64 {
        self.next_frame
    }

    /// True when there is a file.
    pub(super) fn has_file(&self) -> bool {
        self.exporter.is_some()
    }

    /// Takes a buffer of frames of `size` pixels; `wants_line` asks for its line.
    ///
    /// # Errors
    /// [`sa3::Error::File`] with `on-write-error=fail`, [`sa3::Error::Frame`] when the format cannot hold it.
    pub(super) fn record(
        &mut self,
        buffer: &BufferRef,
        size: (u32, u32),
        settings: &Settings,
        wants_line: bool,
    ) -> Result<Recorded> {
        let frame = self.next_frame;
        self.next_frame += 1;
        let attached = MaskMeta::read(buffer);
        let objects = attached.as_ref().map(|attached| &attached.objects);
        if !self.is_due(frame, objects, settings) || !(wants_line || self.has_file()) {
            return Ok(Recorded::default());
        }
        let shot = Shot {
            frame,
            pts: buffer.pts().map(gst::ClockTime::nseconds),
            duration: buffer.duration().map(gst::ClockTime::nseconds),
            size,
            objects,
            source_pts: attached.as_ref().and_then(|attached| attached.source_pts).map(gst::ClockTime::nseconds),
            age: attached.as_ref().map_or(0, |attached| attached.age_in_frames),
        };
        let options = settings.options();
        let shaped = self.shaper.shape(shot, &options);
        self.frames_written += 1;
        self.objects_written += shaped.shapes.len() as u64;
        let line = wants_line.then(|| json_line(&shaped, &options));
        let notice = match self.write(&shaped) {
            Err(failure @ sa3::Error::File { .. }) if settings.on_write_error == OnWriteError::Warn => {
                self.exporter = None;
                Some(Notice::Stopped(failure))
            }
            Err(failure) => return Err(failure),
            Ok(()) => self.missing_ids(&shaped, &options),
        };
        Ok(Recorded { line, notice })
    }

    /// Brings the file up to date; it may go on.
    ///
    /// # Errors
    /// [`sa3::Error::File`].
    pub(super) fn complete(&mut self) -> Result<()> {
        self.exporter.as_mut().map_or(Ok(()), Exporter::complete)
    }

    /// Ends the file.
    ///
    /// # Errors
    /// [`sa3::Error::File`].
    pub(super) fn finish(&mut self) -> Result<()> {
        self.exporter.take().map_or(Ok(()), Exporter::finish)
    }

    fn write(&mut self, shaped: &Shaped<'_>) -> Result<()> {
        self.exporter.as_mut().map_or(Ok(()), |exporter| exporter.write(shaped))
    }

    fn is_due(&mut self, frame: u64, objects: Option<&Objects>, settings: &Settings) -> bool {
        if settings.write == Write::Every {
            return frame.is_multiple_of(u64::from(settings.every.max(1)));
        }
        let who = |objects: &Objects| {
            let mut who: Vec<_> =
                objects.items.iter().map(|object| (object.id, object.label.clone(), object.prompt_index)).collect();
            // The order is that of scores, which tremble.
            who.sort();
            who
        };
        let seen: Sighting = objects.map(who);
        self.last_seen.replace(seen.clone()).is_none_or(|before| before != seen)
    }

    fn missing_ids(&mut self, shaped: &Shaped<'_>, options: &Options) -> Option<Notice> {
        let is_missing = options.format.needs_ids()
            && self.has_file()
            && !self.has_told_no_ids
            && shaped.items().any(|(object, _)| object.id.is_none());
        self.has_told_no_ids |= is_missing;
        is_missing.then(|| Notice::NoIds(options.format.nick()))
    }
}
