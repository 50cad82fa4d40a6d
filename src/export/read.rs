//! Lines of JSON, read back one by one.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::record::Record;
use crate::boxes::BoxXyxy;
use crate::error::{Error, FileAccess, Result};
use crate::objects::Mask;

/// Longest line, in bytes.
const LINE_MAX: u64 = 1 << 28;
/// Longest side of a mask that is made of a box.
const BOX_MASK_SIDE_MAX: u32 = 512;
const EXPECTED: &str = "Expected what maskexport format=jsonl writes: one JSON object on each line, for one frame";

/// Reads a file that [`super::json_line`] made; one line is in memory at a time.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    line_number: u64,
    line: Vec<u8>,
}

impl Reader {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |cause: String| Error::File {
            access: FileAccess::Read,
            path: path.into(),
            cause,
            remedy: "Set location to a file that maskexport format=jsonl wrote".into(),
        };
        if path.is_dir() {
            return Err(failed("it is a folder".into()));
        }
        let file = File::open(path).map_err(|error| failed(format!("it cannot be read: {error}")))?;
        Ok(Self { path: path.into(), file: BufReader::new(file), line_number: 0, line: Vec::new() })
    }

    /// The next frame and the number of its line; `None` at the end. A last line that was cut off is left out, as a process
    /// that was killed leaves one.
    ///
    /// # Errors
    /// [`Error::File`] with the number of the line that is no record.
    pub fn next_record(&mut self) -> Result<Option<(u64, Record)>> {
        loop {
            self.line.clear();
            self.line_number += 1;
            let read = (&mut self.file).take(LINE_MAX).read_until(b'\n', &mut self.line);
            read.map_err(|error| self.refusal(self.line_number, &error.to_string()))?;
            let Some(last) = self.line.last() else { return Ok(None) };
            let is_whole = *last == b'\n';
            if self.line.trim_ascii().is_empty() {
                continue;
            }
            return match serde_json::from_slice(&self.line) {
                Ok(record) => Ok(Some((self.line_number, record))),
                Err(_) if !is_whole && (self.line.len() as u64) < LINE_MAX => Ok(None),
                Err(error) => Err(self.refusal(self.line_number, &json_cause(&error))),
            };
        }
    }

    /// What to say about a line that cannot be used.
    pub fn refusal(&self, line_number: u64, cause: &str) -> Error {
        let cause = format!("line {line_number}: {cause}");
        Error::File { access: FileAccess::Read, path: self.path.clone(), cause, remedy: EXPECTED.into() }
    }
}

/// serde_json counts lines of its own, which are always 1 here.
fn json_cause(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let cause = text.rsplit_once(" at line ").map_or(text.as_str(), |(cause, _)| cause);
    format!("column {}: {cause}", error.column())
}

/// A mask that fills a box, for what has no mask of its own. The frame has `width` x `height` pixels.
pub fn box_mask(box_in_frame: BoxXyxy, width: u32, height: u32) -> Mask {
    let [columns, rows] = [width, height].map(|side| side.clamp(1, BOX_MASK_SIDE_MAX));
    let clipped = box_in_frame.clipped();
    let cells = |from: f32, to: f32, side: u32| {
        let [from, to] = [from, to].map(|edge| (edge * side as f32).round() as usize);
        from.min(side as usize)..to.min(side as usize).max(from.min(side as usize))
    };
    let (across, down) = (cells(clipped.x0, clipped.x1, columns), cells(clipped.y0, clipped.y1, rows));
    let mut values = vec![0; columns as usize * rows as usize];
    for y in down {
        values[y * columns as usize..][across.clone()].fill(255);
    }
    Mask { width: columns, height: rows, values: Arc::new(values) }
}
