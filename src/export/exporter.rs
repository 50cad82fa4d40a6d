//! One place to write to, whatever the format.

use std::path::Path;

use super::coco::CocoDraft;
use super::csv;
use super::davis::Pictures;
use super::document::Keeper;
use super::line_file::LineFile;
use super::mots;
use super::options::{Format, Options};
use super::record::json_line;
use super::shape::Shaped;
use super::youtube_vis::YoutubeVisDraft;
use crate::error::Result;

/// A file, or a folder for [`Format::Davis`], that frames are written to in their order.
///
/// Files of lines hold every line that was written. Documents are complete after [`Exporter::finish`]; before, and in a
/// process that is killed, they are those of about a second ago.
pub struct Exporter {
    options: Options,
    place: Place,
}

enum Place {
    Lines(LineFile),
    Pictures(Pictures),
    Coco(Keeper<CocoDraft>),
    YoutubeVis(Keeper<YoutubeVisDraft>),
}

impl Exporter {
    /// Begins to write; what is there is replaced.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] when the format cannot hold what the options ask for, [`crate::Error::File`] when the place
    /// cannot be written.
    pub fn create(location: &Path, options: &Options) -> Result<Self> {
        options.check()?;
        let place = match options.format {
            Format::JsonLines | Format::Mots => Place::Lines(LineFile::create(location)?),
            Format::Csv => {
                let mut file = LineFile::create(location)?;
                file.append(|out| out.extend_from_slice(csv::HEADER.as_bytes()))?;
                Place::Lines(file)
            }
            Format::Davis => Place::Pictures(Pictures::create(location)?),
            Format::Coco => Place::Coco(Keeper::begin(location, CocoDraft::create(location, *options)?)?),
            Format::YoutubeVis => Place::YoutubeVis(Keeper::begin(location, YoutubeVisDraft::create(location)?)?),
        };
        Ok(Self { options: *options, place })
    }

    /// Writes a frame, shaped with the same options.
    ///
    /// # Errors
    /// [`crate::Error::File`] when it cannot be written, [`crate::Error::Frame`] when the format cannot hold it.
    pub fn write(&mut self, shaped: &Shaped<'_>) -> Result<()> {
        let options = &self.options;
        match &mut self.place {
            Place::Lines(file) => file.append(|out| match options.format {
                Format::Csv => csv::write_lines(shaped, options, out),
                Format::Mots => mots::write_lines(shaped, out),
                _ => {
                    out.extend_from_slice(json_line(shaped, options).as_bytes());
                    out.push(b'\n');
                }
            }),
            Place::Pictures(pictures) => pictures.write(shaped),
            Place::Coco(keeper) => keeper.add(shaped),
            Place::YoutubeVis(keeper) => keeper.add(shaped),
        }
    }

    /// Brings the file up to date at once; it may go on.
    ///
    /// # Errors
    /// As [`Exporter::finish`].
    pub fn complete(&mut self) -> Result<()> {
        match &mut self.place {
            Place::Lines(_) | Place::Pictures(_) => Ok(()),
            Place::Coco(keeper) => keeper.complete(),
            Place::YoutubeVis(keeper) => keeper.complete(),
        }
    }

    /// Completes the file.
    ///
    /// # Errors
    /// [`crate::Error::File`] when it cannot be written; the document of the last time is then left.
    pub fn finish(self) -> Result<()> {
        match self.place {
            Place::Lines(_) | Place::Pictures(_) => Ok(()),
            Place::Coco(keeper) => keeper.finish(),
            Place::YoutubeVis(keeper) => keeper.finish(),
        }
    }
}
