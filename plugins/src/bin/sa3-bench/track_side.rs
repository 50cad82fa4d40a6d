//! A session in a process of its own, which answers lines with frames: our side of --tracking.

use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use sa3::frame::RgbPicture;
use sa3::prompt::Prompt;
use sa3::session::{MemorySettings, SessionConfig, TrackRequest};
use sa3::{Engine, SegmentRequest, TrackSession};

use crate::engine_side::{load, milliseconds, say};
use crate::side::{Picture, Turn};

/// Below every score: each query's mask counts as found.
const THRESHOLD: f32 = -1.0;
/// That of the other side.
const PHRASE: &str = "object";

/// A stream of frames that begins again at its end, and the session that follows objects on it.
struct Follower {
    engine: Engine,
    frames: Vec<RgbPicture>,
    session: TrackSession,
    request: Arc<TrackRequest>,
    frame: usize,
}

/// Loads, says so, and for each line "begin OBJECTS FRAMES" or "follow FRAMES" says how so many frames went.
pub fn serve(model: &Path, frames: &Picture) -> Result<(), String> {
    let (engine, loaded) = load(model)?;
    if !engine.info().follows {
        return Err(format!("{} has no tracker weights", model.display()));
    }
    say(&loaded)?;
    let frame_bytes = 3 * frames.width as usize * frames.height as usize;
    let rgb = std::fs::read(&frames.file).map_err(|error| format!("{}: {error}", frames.file.display()))?;
    let picture = |rgb: &[u8]| RgbPicture { width: frames.width, height: frames.height, rgb: rgb.to_vec() };
    let frames: Vec<RgbPicture> = rgb.chunks_exact(frame_bytes).map(picture).collect();
    let mut follower = Follower { session: engine.open_session(), engine, frames, request: request(1), frame: 0 };
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        let number = |text: &str| text.parse::<usize>().map_err(|_| format!("{text} is no number"));
        match *line.split(' ').collect::<Vec<_>>() {
            ["begin", objects, count] => {
                follower.begin(number(objects)?);
                say(&follower.follow(number(count)?)?)?;
            }
            ["follow", count] => say(&follower.follow(number(count)?)?)?,
            _ => return Err(format!("{line:?} is no order")),
        }
    }
    Ok(())
}

impl Follower {
    fn begin(&mut self, objects: usize) {
        self.session = self.engine.open_session();
        self.request = request(objects);
        self.frame = 0;
    }

    fn follow(&mut self, count: usize) -> Result<Turn, String> {
        let mut turn = Turn::default();
        for _ in 0..count {
            let picture = self.frames[self.frame % self.frames.len()].clone();
            self.frame += 1;
            let began = Instant::now();
            let tracking = self.session.track(picture, self.request.clone()).map_err(|error| error.to_string())?;
            turn.total_ms += milliseconds(began.elapsed()) / count as f64;
            turn.tracker_ms += milliseconds(tracking.times.tracker + tracking.times.rules) / count as f64;
            turn.followed = tracking.kept.tracks;
            turn.shown = tracking.objects.items.len();
        }
        Ok(turn)
    }
}

/// What is followed depends on the cap alone, as on the other side.
fn request(objects: usize) -> Arc<TrackRequest> {
    let segment = SegmentRequest {
        prompts: Prompt::list_from_text(PHRASE),
        threshold: Some(THRESHOLD),
        mask_nms_iou: Some(0.0),
        mask_clip_to_box_margin: Some(0.0),
        ..SegmentRequest::default()
    };
    let session = SessionConfig {
        detection_nms_iou: Some(0.0),
        new_object_score: 0.0,
        probation_frames: 0,
        probation_unmatched: 0,
        probation_duplicates: 0,
        hole_area: 0,
        recondition_interval: 0,
        active_objects: objects,
        memory: MemorySettings { selection_threshold: 0.0, ..MemorySettings::default() },
        max_lost_ns: 0,
        max_lost_frames: 0,
        max_unmatched: 0,
        click_frames: 0,
        ..SessionConfig::default()
    };
    Arc::new(TrackRequest { segment: Arc::new(segment), session: Arc::new(session), ..TrackRequest::default() })
}
