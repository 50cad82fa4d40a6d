//! The engine's session API, step by step: start, add a prompt, propagate, click, refine, remove, save, reset, load, close.
//!
//!     cargo run --release --example track_session -- nano vehicle
//!
//! Without arguments it runs on the artificial model, which sees discs in every picture. The frames are a picture that is
//! pushed to the right. A model without tracker weights ignores clicks, and says so.
#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use sa3::frame::RgbPicture;
use sa3::prompt::Prompt;
use sa3::session::{ClickPoint, SavedSession};
use sa3::{Edit, Engine, EngineSettings, SegmentRequest, TrackRequest, TrackSession, Tracking};

const PICTURE: &str = "tests/parity/pictures/scene_00.png";
const FRAME_IN_NS: u64 = 40_000_000;
const PIXELS_PER_FRAME: usize = 2;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let model = arguments.first().map_or("test", String::as_str);
    let phrase = arguments.get(1).map_or("vehicle", String::as_str);
    let engine = Engine::load(&EngineSettings { model: model.into(), ..EngineSettings::default() }, &mut |_| {})?;

    // Start. The first frame makes the session; its memory is the engine's.
    let mut stream = Stream::start(&engine)?;

    // Add a prompt, and propagate forward. Prompts may change with every frame: objects of a phrase that goes are removed,
    // those of the others keep their ids.
    stream.phrases = phrase.into();
    let first = stream.follow("add a prompt", 4, Vec::new())?;

    // Click: a point that belongs to a thing begins an object, whatever it is called.
    let [x, y] = middle(&first).unwrap_or([0.5, 0.5]);
    let point = |x, y, is_positive| ClickPoint { x, y, is_positive };
    let click = |object_id, points| Edit::Click { object_id, points, at_ns: None, label: Some("clicked".into()) };
    let clicked = stream.follow("click", 2, vec![click(None, vec![point(x, y, true)])])?;

    // Refine: every point that holds now, those before included. Positive ones belong to the object, negative ones do not.
    if let Some(object_id) = id_of(&clicked, "clicked") {
        let points = vec![point(x, y, true), point(0.02, 0.02, false)];
        stream.follow("refine", 2, vec![click(Some(object_id), points)])?;
        stream.follow("remove", 2, vec![Edit::RemoveObject { object_id, bans: false }])?;
    }

    // Save, reset, load. After a reset ids go on: what is found again is new. What was loaded gets its id back.
    let saved = stream.save()?;
    stream.follow("reset", 2, vec![Edit::Reset { restarts_ids: false }])?;
    let restored = SavedSession::from_json(&saved)?;
    let last = stream.follow("load", 2, vec![Edit::Restore(Box::new(restored))])?;

    // Backward: frames that the caller kept, in their reverse order and without times, in a session of its own that begins
    // with the masks at hand. Both directions are two sessions.
    let mut backward = Stream { phrases: String::new(), is_forward: false, ..Stream::start(&engine)? };
    backward.frame = stream.frame;
    let begin_with = |object: &sa3::Object| Edit::Mask {
        object_id: None,
        mask: object.mask.clone(),
        label: Some(object.label.clone()),
    };
    backward.follow("backward", 4, last.objects.items.iter().map(begin_with).collect())?;

    // Close: dropping the handle is enough, and never waits.
    drop(stream);
    println!("closed");
    Ok(())
}

/// A session and the frames that it gets.
struct Stream {
    session: TrackSession,
    scene: RgbPicture,
    phrases: String,
    frame: usize,
    is_forward: bool,
}

impl Stream {
    fn start(engine: &Engine) -> Outcome<Self> {
        let (session, scene) = (engine.open_session(), read_rgb(PICTURE)?);
        Ok(Self { session, scene, phrases: String::new(), frame: 0, is_forward: true })
    }

    /// Follows everything over some frames; the edits come before the first. Returns what is on the last.
    fn follow(&mut self, title: &str, frames: usize, mut edits: Vec<Edit>) -> Outcome<Tracking> {
        println!("{title}");
        let mut last = Tracking::default();
        for _ in 0..frames {
            let prompts = Prompt::list_from_text(&self.phrases);
            let segment = Arc::new(SegmentRequest { prompts, ..SegmentRequest::default() });
            let time_ns = self.is_forward.then_some(self.frame as u64 * FRAME_IN_NS);
            let request =
                TrackRequest { segment, edits: std::mem::take(&mut edits), time_ns, ..TrackRequest::default() };
            last = self.session.track(pushed(&self.scene, PIXELS_PER_FRAME * self.frame), Arc::new(request))?;
            last.notices.iter().for_each(|notice| println!("  note: {notice}"));
            print_objects(self.frame, &last);
            self.frame = if self.is_forward { self.frame + 1 } else { self.frame.saturating_sub(1) };
        }
        Ok(last)
    }

    /// As JSON. The answer comes through a callback, after those of all frames before it.
    fn save(&self) -> Outcome<String> {
        let (sender, receiver) = sync_channel(1);
        // The receiver outlives the callback.
        self.session.save(move |answer| drop(sender.send(answer)));
        Ok(receiver.recv()??.to_json())
    }
}

fn print_objects(frame: usize, tracking: &Tracking) {
    let shown = tracking.objects.items.iter().map(|object| {
        let state = object.state.map_or_else(String::new, |state| format!("{state:?}").to_lowercase());
        format!("{} {} ({state})", object.id.unwrap_or_default(), object.label)
    });
    println!("  frame {frame}: {}", shown.collect::<Vec<_>>().join(", "));
}

/// Of the first object.
fn middle(tracking: &Tracking) -> Option<[f32; 2]> {
    let place = tracking.objects.items.first()?.box_in_frame;
    Some([(place.x0 + place.x1) / 2.0, (place.y0 + place.y1) / 2.0])
}

fn id_of(tracking: &Tracking, label: &str) -> Option<u64> {
    tracking.objects.items.iter().find(|object| &*object.label == label)?.id
}

fn read_rgb(path: &str) -> Outcome<RgbPicture> {
    let file = File::open(path).map_err(|error| format!("{path}: {error}. Run this from the checkout"))?;
    let mut reader = png::Decoder::new(BufReader::new(file)).read_info()?;
    let mut rgb = vec![0; reader.output_buffer_size().ok_or("the picture is too large")?];
    let info = reader.next_frame(&mut rgb)?;
    Ok(RgbPicture { width: info.width, height: info.height, rgb })
}

/// The picture pushed to the right; its first column fills what is left.
fn pushed(scene: &RgbPicture, pixels: usize) -> RgbPicture {
    let stride = 3 * scene.width as usize;
    let push = |row: &[u8]| [row[..3].repeat(pixels), row[..stride - 3 * pixels].to_vec()].concat();
    RgbPicture { rgb: scene.rgb.chunks(stride).flat_map(push).collect(), ..*scene }
}
