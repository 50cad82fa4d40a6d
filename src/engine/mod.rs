//! The shared, thread-safe handle: frames and requests in, objects out.
//!
//! A model runs on a thread of its own. [`Engine::submit`] never waits: the answer comes through a callback on the
//! engine's thread, also when the engine is closed meanwhile. Nobody who waits for an answer is ever blocked by a
//! forward pass unless they choose to be.

mod artificial;
mod concepts;
pub(crate) mod discs;
mod exit;
mod guard;
mod hub_cache;
mod model_files;
mod pointing;
mod queue;
mod registry;
mod rules;
mod segmenter;
mod semantic;
mod sessions;
mod stream_segmenter;
mod summary;
mod sync;
mod thread;
mod track_session;
mod traffic;
mod warm_up;

use std::ops::AddAssign;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Once};
use std::time::Duration;

use crate::device::{DeviceChoice, PrecisionChoice};
use crate::error::{Error, Result};
use crate::frame::FrameSource;
use crate::objects::Objects;
use crate::prompt::{PointedThing, Prompt, PromptNotice};
use crate::session::Notice;

pub use exit::finish_passes_before_exit;
use queue::Batching;
pub use registry::SharedEngine;
pub use rules::EXCLUDED_SHARE;
pub use segmenter::{PictureFeatures, Segmenter};
pub use stream_segmenter::Followed;
pub use summary::ModelSummary;
use thread::{Answer, Asked, Look, Served, Work};
pub use track_session::TrackSession;

/// Jobs that may wait for one engine. Each stream submits one at a time, so this bounds the streams, not their delay.
const MAX_WAITING_JOBS: usize = 256;

/// Which model, where and how: what makes two elements share one engine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EngineSettings {
    /// "nano", "test" or "test:key=value,…", a checkpoint directory or file, "owner/name" in the Hugging Face cache.
    pub model: String,
    /// Where to run.
    pub device: DeviceChoice,
    /// In what precision.
    pub precision: PrecisionChoice,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self { model: "nano".into(), device: DeviceChoice::Auto, precision: PrecisionChoice::Auto }
    }
}

/// One step of loading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadProgress {
    /// What is being done, in words.
    pub stage: &'static str,
    /// 0 to 100.
    pub percent: u8,
}

/// What an engine turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineInfo {
    /// The model as the user named it.
    pub model: String,
    /// The device that is used, and why when it was chosen automatically.
    pub device_in_use: String,
    /// The precision that is used, and why when it was chosen automatically.
    pub precision_in_use: String,
    /// Side of the model's own square input in pixels.
    pub native_size: u32,
    /// `inference_size` must be a multiple of this.
    pub size_multiple: u32,
    /// Score threshold the model recommends.
    pub threshold: f32,
    /// What a look took while the model warmed up, at its own input size.
    pub expected_pass: Duration,
    /// Frames of several streams that go through the trunk together unless a request says otherwise.
    pub batch_size: u32,
    /// True when the model has a tracker; without one, objects are followed by detection and association alone.
    pub follows: bool,
}

impl EngineInfo {
    fn batching(&self, request: &SegmentRequest) -> Batching {
        let size = request.batch_size.unwrap_or(self.batch_size) as usize;
        Batching { size, timeout: request.batch_timeout }
    }

    fn check_inference_size(&self, size: u32) -> Result<()> {
        let multiple = self.size_multiple.max(1);
        if size == 0 || (size.is_multiple_of(multiple) && size <= 4 * self.native_size) {
            return Ok(());
        }
        Err(Error::Setting {
            property: "inference-size",
            value: size.to_string(),
            cause: format!("this model takes multiples of {multiple} up to {}", 4 * self.native_size),
            remedy: format!("Use 0 for the model's own {}", self.native_size),
        })
    }
}

/// What to look for on a frame, and what to keep.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SegmentRequest {
    /// Concepts; with none and no things there is nothing to do.
    pub prompts: Vec<Prompt>,
    /// Exactly these: each is one object more, beside whatever the concepts find; needs tracker weights. Sessions take
    /// clicks as edits instead and ignore these.
    pub things: Vec<Arc<PointedThing>>,
    /// Objects need a score strictly above this, 0..1; `None`: the model's recommendation.
    pub threshold: Option<f32>,
    /// Probability from which a mask pixel counts as inside, 0..1; `None`: 0.5.
    pub mask_threshold: Option<f32>,
    /// Best objects kept over all prompts; 0: no cap.
    pub max_objects: usize,
    /// Side of the model's square input in pixels; 0: the model's own.
    pub inference_size: u32,
    /// Of two objects of one prompt whose masks overlap more than this, the better stays; 0: off;
    /// `None`: the model's recommendation.
    pub mask_nms_iou: Option<f32>,
    /// Masks are cleared outside their box grown by this part of its size; 0: off; `None`: the model's recommendation.
    pub mask_clip_to_box_margin: Option<f32>,
    /// Among streams that share the engine: those with more go first, and the others are passed over a few times at most.
    pub priority: i32,
    /// Frames of as many streams that share the engine may go through the trunk together with this one, itself counted;
    /// 1: alone, `None`: as the model's size and the device suggest. Those that do share priority and input size.
    pub batch_size: Option<u32>,
    /// How long the engine may wait for frames to go with this one while it has nothing else to do.
    pub batch_timeout: Duration,
    /// True to get a semantic map of each concept as well.
    pub semantic_maps: bool,
}

/// Where the time of one frame went. Of a stage that several frames went through together each has its share.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageTimes {
    /// Frames that went through the trunk together, this one counted.
    pub batch_size: u32,
    /// Colour conversion, resize, normalisation.
    pub preprocess: Duration,
    /// ViT and neck.
    pub vision: Duration,
    /// Text encoder; zero when every phrase was cached.
    pub text: Duration,
    /// Geometry encoder, fusion encoder, decoder, scores.
    pub detector: Duration,
    /// Mask head and selection.
    pub masks: Duration,
    /// Tracker neck, memory attention, mask decoder and memory encoder; zero where nothing is followed.
    pub tracker: Duration,
    /// The session's rules.
    pub rules: Duration,
}

impl StageTimes {
    /// All stages together.
    pub fn sum(&self) -> Duration {
        let Self { batch_size: _, preprocess, vision, text, detector, masks, tracker, rules } = *self;
        [preprocess, vision, text, detector, masks, tracker, rules].iter().sum()
    }
}

/// Of the same frame.
impl AddAssign for StageTimes {
    fn add_assign(&mut self, other: Self) {
        self.batch_size = self.batch_size.max(other.batch_size);
        self.preprocess += other.preprocess;
        self.vision += other.vision;
        self.text += other.text;
        self.detector += other.detector;
        self.masks += other.masks;
        self.tracker += other.tracker;
        self.rules += other.rules;
    }
}

/// The answer for one frame.
#[derive(Debug, Clone, Default)]
pub struct Segmentation {
    /// What was found, best score first.
    pub objects: Objects,
    /// What was ignored of the things that are pointed at, and why.
    pub notices: Vec<Notice>,
    /// Where the time went.
    pub times: StageTimes,
}

/// What can be known of a model without a frame.
trait Model: Send {
    fn info(&self) -> EngineInfo;
    /// A look at phrases that needs no forward pass; callable from any thread.
    fn phrase_checker(&self) -> PhraseChecker;
}

type PhraseChecker = Arc<dyn Fn(&str) -> Vec<PromptNotice> + Send + Sync>;

/// A loaded model and its thread. Dropping the handle never waits: a pass in progress ends by itself.
pub struct Engine {
    info: EngineInfo,
    phrase_checker: PhraseChecker,
    jobs: queue::Sender<Work>,
}

impl Engine {
    /// Loads a model and starts its thread. Takes as long as loading takes; see [`SharedEngine::get`] to share it.
    ///
    /// # Errors
    /// Whatever is wrong with the model, its files, the device or the precision.
    pub fn load(settings: &EngineSettings, on_progress: &mut dyn FnMut(LoadProgress)) -> Result<Self> {
        static BEFORE_FIRST_USE: Once = Once::new();
        static AFTER_FIRST_LOAD: Once = Once::new();
        exit::wait_at_exit(&BEFORE_FIRST_USE);
        let busy = exit::Busy::begin();
        on_progress(LoadProgress { stage: "opening", percent: 0 });
        let served = guard::guarded("loading", || open_model(settings, on_progress))?;
        exit::wait_at_exit(&AFTER_FIRST_LOAD);
        drop(busy);
        on_progress(LoadProgress { stage: "ready", percent: 100 });
        Self::start(served)
    }

    fn start(served: Box<dyn Served>) -> Result<Self> {
        let (info, phrase_checker) = (served.model().info(), served.model().phrase_checker());
        let (jobs, waiting) = queue::queue(MAX_WAITING_JOBS);
        std::thread::Builder::new()
            .name("sa3-engine".into())
            .spawn(move || thread::serve(served, &waiting))
            .map_err(|cause| Error::Torch { stage: "starting the engine's thread", message: cause.to_string() })?;
        Ok(Self { info, phrase_checker, jobs })
    }

    /// What was loaded and where it runs.
    pub fn info(&self) -> &EngineInfo {
        &self.info
    }

    /// What the user should know about a phrase; empty when it is fine.
    pub fn phrase_notices(&self, phrase: &str) -> Vec<PromptNotice> {
        (self.phrase_checker)(phrase)
    }

    /// Checks what can be checked without a forward pass.
    ///
    /// # Errors
    /// [`Error::Setting`] with the legal range.
    pub fn check_inference_size(&self, size: u32) -> Result<()> {
        self.info.check_inference_size(size)
    }

    /// Hands a frame to the engine and returns at once. `on_answer` is called exactly once, usually on the engine's
    /// thread; it must not block.
    pub fn submit(
        &self,
        source: Box<dyn FrameSource>,
        request: Arc<SegmentRequest>,
        on_answer: impl FnOnce(Result<Segmentation>) + Send + 'static,
    ) {
        let answer = Answer::new(on_answer);
        match self.check_inference_size(request.inference_size) {
            Ok(()) => {
                let batching = self.info.batching(&request);
                let asked = Asked::Segment { request, answer };
                thread::hand_over(&self.jobs, Work::Look(Look { source, asked, batching }));
            }
            Err(error) => answer.give(Err(error)),
        }
    }

    /// Begins a session: objects of one stream that keep their ids. Its first frame makes it; dropping it frees it.
    pub fn open_session(&self) -> TrackSession {
        TrackSession::new(self.info.clone(), self.jobs.clone())
    }

    /// Segments one frame and waits for it.
    ///
    /// # Errors
    /// Those of the model.
    pub fn segment(&self, source: impl FrameSource + 'static, request: SegmentRequest) -> Result<Segmentation> {
        let (sender, receiver) = sync_channel(1);
        self.submit(Box::new(source), Arc::new(request), move |result| {
            // The receiver outlives the call, so a failed send cannot lose an answer.
            let _ = sender.send(result);
        });
        receiver.recv().unwrap_or(Err(Error::Closed))
    }
}

fn open_model(settings: &EngineSettings, on_progress: &mut dyn FnMut(LoadProgress)) -> Result<Box<dyn Served>> {
    if artificial::is_named_by(&settings.model) {
        return Ok(Box::new(sessions::Sessions::new(artificial::Artificial::open(&settings.model)?)));
    }
    Ok(Box::new(sessions::Sessions::new(Segmenter::open(settings, on_progress)?)))
}
