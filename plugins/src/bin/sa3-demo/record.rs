//! What was found, frame by frame: JSON lines and sums.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use gstsa3::meta::MaskMeta;
use sa3::Objects;
use sa3::evaluate::MeanIou;
use serde_json::json;

use crate::source::Source;

/// Takes note of every frame that leaves the element that finds.
pub struct Record {
    source: Arc<Source>,
    lines: BufWriter<File>,
    pub frames: u64,
    pub masks_per_prompt: Vec<u64>,
    pub ids_per_prompt: Vec<BTreeSet<u64>>,
    pub mean_iou: MeanIou,
    /// The first line that could not be written; told at the end.
    failure: Option<std::io::Error>,
}

impl Record {
    pub fn create(source: Arc<Source>, path: &Path) -> Result<Self, String> {
        let file = File::create(path).map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
        Ok(Self {
            lines: BufWriter::new(file),
            frames: 0,
            masks_per_prompt: vec![0; source.phrases().len()],
            ids_per_prompt: vec![BTreeSet::new(); source.phrases().len()],
            mean_iou: MeanIou::new(&source.labels()),
            failure: None,
            source,
        })
    }

    /// Notes one frame.
    pub fn add(&mut self, buffer: &gst::BufferRef) {
        let objects = MaskMeta::read(buffer).map(|attached| attached.objects).unwrap_or_default();
        for object in &objects.items {
            self.masks_per_prompt[object.prompt_index as usize] += 1;
            self.ids_per_prompt[object.prompt_index as usize].extend(object.id);
        }
        if let Some(truth) = self.source.truth(self.frames) {
            self.mean_iou.add(&truth, &objects);
        }
        let line = line(self.frames, buffer.pts(), &objects);
        self.frames += 1;
        if self.failure.is_none() {
            self.failure = writeln!(self.lines, "{line}").err();
        }
    }

    /// Completes the file, or says why some line is missing.
    pub fn finish(&mut self) -> std::io::Result<()> {
        self.failure.take().map_or_else(|| self.lines.flush(), Err)
    }
}

fn line(frame_number: u64, pts: Option<gst::ClockTime>, objects: &Objects) -> serde_json::Value {
    let objects: Vec<_> = objects
        .items
        .iter()
        .map(|object| {
            let b = object.box_in_frame;
            let sides = [b.x0, b.y0, b.x1, b.y1].map(|side| round(f64::from(side)));
            let inside = object.mask.bytes().iter().filter(|&&value| value >= objects.inside_level).count();
            let share_of_frame = inside as f64 / object.mask.bytes().len().max(1) as f64;
            json!({
                "id": object.id,
                "label": &*object.label,
                "score": round(f64::from(object.score)),
                "box": sides,
                "mask_share_of_frame": round(share_of_frame),
            })
        })
        .collect();
    json!({ "frame": frame_number, "pts_ns": pts.map(gst::ClockTime::nseconds), "objects": objects })
}

fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
