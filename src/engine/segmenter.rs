//! The model at work on single frames: preprocess → features → concepts → detections → masks → objects.

use std::sync::Arc;
use std::time::{Duration, Instant};

use once_cell::unsync::OnceCell;
use tch::{Device, Kind, Tensor};

use super::concepts::{KeptExemplars, Looked};
use super::model_files::ModelFiles;
use super::pointing::{self, Place};
use super::semantic::semantic_maps;
use super::sessions::Unread;
use super::{
    EngineInfo, EngineSettings, LoadProgress, Model, PhraseChecker, SegmentRequest, Segmentation, StageTimes, rules,
};
use crate::boxes::{BoxCxcywh, BoxXyxy};
use crate::config::{ModelConfig, Recommendations};
use crate::detector::PromptTokens;
use crate::error::{Error, Result};
use crate::frame::preprocess::Preprocessor;
use crate::masks::{Candidate, MaskLogits, Selection, candidates, select};
use crate::model::{Detections, ImageModel};
use crate::objects::{MASK_INSIDE, Mask, Object, Objects, SemanticMap};
use crate::prompt::Prompt;
use crate::session::{self, FrameShape, Notice};
use crate::text::{PhraseCache, Tokenizer};
use crate::tracker::{self, Tracker, TrackerFeatures};
use crate::vision::VisionFeatures;

/// Concepts that go through the heads together; more are taken in turns, so that memory stays bounded.
const MAX_CONCEPTS_PER_CALL: usize = 16;

/// What the concepts have on one picture, each with its mask in the form that was asked for.
pub(super) struct Found<T> {
    pub(super) objects: Vec<(Candidate, T)>,
    pub(super) semantic_maps: Vec<SemanticMap>,
}

/// One picture, as far as it does not depend on what is looked for. Each part is computed when it is first asked for.
pub struct PictureFeatures {
    /// What both necks read, [1, C, G, G]; `None` where only the tracker's part is kept.
    trunk: Option<Tensor>,
    vision: OnceCell<VisionFeatures>,
    tracker: OnceCell<TrackerFeatures>,
    grid: usize,
    pub(super) frame_width: u32,
    pub(super) frame_height: u32,
}

impl PictureFeatures {
    /// Of what both necks read.
    pub(super) fn new(trunk: Tensor, shape: FrameShape) -> Self {
        let grid = trunk.size()[3] as usize;
        let (vision, tracker) = (OnceCell::new(), OnceCell::new());
        let FrameShape { width: frame_width, height: frame_height } = shape;
        Self { trunk: Some(trunk), vision, tracker, grid, frame_width, frame_height }
    }

    /// Rows, and columns, of the masks.
    pub(super) fn mask_side(&self) -> usize {
        4 * self.grid
    }

    /// What clicks that come late need of a frame.
    pub(super) fn for_late_clicks(mut self) -> Self {
        self.vision = OnceCell::new();
        if self.tracker.get().is_some() {
            self.trunk = None;
        }
        self
    }

    pub(super) fn trunk(&self) -> Result<&Tensor> {
        let message = "the features of this frame are kept no more".into();
        self.trunk.as_ref().ok_or(Error::Torch { stage: "looking at a frame again", message })
    }
}

/// What the model reads of a frame.
pub(super) struct Input {
    /// [1, 3, S, S], normalised to -1..1.
    pub(super) pixels: Tensor,
    pub(super) shape: FrameShape,
    /// The time that it took.
    pub(super) preprocess: Duration,
}

/// A loaded SAM 3 model at work, on the caller's thread. An [`Engine`](super::Engine) has one on a thread of its own; by
/// itself it is for those who bring the model's input instead of frames.
pub struct Segmenter {
    model: ImageModel,
    pub(super) tracker: Option<Tracker>,
    tokenizer: Arc<Tokenizer>,
    phrases: PhraseCache,
    exemplars: KeptExemplars,
    preprocessor: Preprocessor,
    pub(super) recommendations: Recommendations,
    pub(super) device: Device,
    kind: Kind,
    info: EngineInfo,
    /// Where time went since somebody asked.
    pub(super) times: StageTimes,
}

impl Segmenter {
    /// Loads a model and runs it once.
    ///
    /// # Errors
    /// Whatever is wrong with the model, its files, the device or the precision.
    pub fn open(settings: &EngineSettings, on_progress: &mut dyn FnMut(LoadProgress)) -> Result<Self> {
        let device = settings.device.resolve()?;
        let precision = settings.precision.resolve(device.value)?;
        on_progress(LoadProgress { stage: "reading the model's files", percent: 5 });
        let ModelFiles { config, recommendations, tokenizer, checkpoint } = ModelFiles::open(&settings.model)?;
        on_progress(LoadProgress { stage: "loading the weights", percent: 20 });
        let _no_grad = tch::no_grad_guard();
        let model = ImageModel::load(&checkpoint, &config, device.value, precision.value)?;
        let tracker = Tracker::load(&checkpoint, &config, device.value, precision.value)?;
        let info = EngineInfo {
            model: settings.model.clone(),
            device_in_use: device.description,
            precision_in_use: precision.description,
            native_size: config.native_size() as u32,
            size_multiple: config.size_multiple() as u32,
            threshold: recommendations.threshold,
            expected_pass: Duration::ZERO,
            batch_size: batch_size(&config, device.value),
            follows: tracker.is_some(),
        };
        let mut segmenter = Self {
            model,
            tracker,
            tokenizer: Arc::new(tokenizer),
            phrases: PhraseCache::default(),
            exemplars: KeptExemplars::default(),
            preprocessor: Preprocessor::default(),
            recommendations,
            device: device.value,
            kind: precision.value,
            info,
            times: StageTimes::default(),
        };
        on_progress(LoadProgress { stage: "warming up", percent: 70 });
        segmenter.info.expected_pass = segmenter.warm_up()?;
        Ok(segmenter)
    }

    /// Side of the model's own square input in pixels.
    pub(super) fn native_size(&self) -> u32 {
        self.info.native_size
    }

    /// The model's input, [1, 3, S, S], and nothing of the pixels but that.
    pub(super) fn input_of(&mut self, frame: Unread<'_>) -> Result<Input> {
        let Unread { source, request, .. } = frame;
        let mut clock = Clock::start(self.device);
        let frame = source.frame()?;
        let shape = FrameShape { width: frame.width, height: frame.height };
        let side = Some(request.inference_size).filter(|side| *side > 0).unwrap_or(self.native_size());
        let pixels = self.preprocessor.forward(&frame, i64::from(side), self.device).to_kind(self.kind);
        Ok(Input { pixels, shape, preprocess: clock.lap() })
    }

    /// What both necks read, of all inputs together.
    ///
    /// # Shapes
    /// inputs: B of [1, 3, S, S] → B of [1, C, G, G].
    pub(super) fn trunks(&mut self, inputs: &[&Tensor]) -> Vec<Tensor> {
        match inputs {
            [] => Vec::new(),
            [only] => vec![self.model.vision_encoder.trunk(only)],
            // Copies: a frame that is kept for late clicks must not keep the others of its batch.
            _ => {
                self.model.vision_encoder.trunk(&Tensor::cat(inputs, 0)).split(1, 0).iter().map(Tensor::copy).collect()
            }
        }
    }

    /// Prompt tokens of some concepts on one picture.
    fn prompt_tokens(&mut self, prompts: &[Prompt], looked: Looked<'_>) -> Result<PromptTokens> {
        let uses_geometry_token = self.recommendations.text_prompt_uses_geometry_token;
        let mut concepts = Vec::new();
        for prompt in prompts {
            let phrase = self.phrase(&prompt.text)?;
            concepts.push(if prompt.exemplars.is_empty() {
                self.model.concept_tokens(looked.features, &phrase, &[], uses_geometry_token)
            } else {
                let exemplars = self.exemplars.tokens(&self.model.geometry_encoder, looked, prompt)?;
                Tensor::cat(&[phrase, exemplars], 0)
            });
        }
        Ok(PromptTokens::pad(&concepts))
    }

    /// # Shapes
    /// → [T, D], start and end token included.
    fn phrase(&mut self, text: &Arc<str>) -> Result<Tensor> {
        let ids = self.tokenizer.encode(text)?.ids;
        let encoder = &self.model.text_encoder;
        Ok(self
            .phrases
            .get_or_encode(text, || encoder.forward(&Tensor::from_slice(&ids).unsqueeze(0)).projected.get(0)))
    }

    /// Features of what the model reads, for frames of that shape.
    ///
    /// # Shapes
    /// input: [1, 3, S, S], normalised to -1..1.
    pub fn features_of_input(&mut self, input: &Tensor, shape: FrameShape) -> PictureFeatures {
        let input = input.to_device(self.device).to_kind(self.kind);
        PictureFeatures::new(self.model.vision_encoder.trunk(&input), shape)
    }

    /// The detector's features of a picture.
    fn vision_of<'f>(&mut self, features: &'f PictureFeatures) -> Result<&'f VisionFeatures> {
        features.vision.get_or_try_init(|| {
            let mut clock = Clock::start(self.device);
            let vision = self.model.vision_encoder.features(features.trunk()?);
            self.times.vision += clock.lap();
            Ok(vision)
        })
    }

    /// The tracker and its features of a picture.
    ///
    /// # Errors
    /// When there is no tracker.
    pub(super) fn tracker_on<'f>(
        &mut self,
        features: &'f PictureFeatures,
    ) -> Result<(&mut Tracker, &'f TrackerFeatures)> {
        let Some(tracker) = &mut self.tracker else {
            let message = "the model has no tracker weights".into();
            return Err(Error::Torch { stage: "following objects", message });
        };
        let tracker_features =
            features.tracker.get_or_try_init(|| features.trunk().map(|trunk| tracker.features(trunk)))?;
        Ok((tracker, tracker_features))
    }

    /// Everything above the thresholds, best first within each prompt; `masks_of` makes masks of stacks of logits.
    pub(super) fn find<T>(
        &mut self,
        features: &PictureFeatures,
        request: &SegmentRequest,
        masks_of: impl Fn(&Tensor) -> Vec<T>,
    ) -> Result<Found<T>> {
        self.find_at_most(features, request, usize::MAX, masks_of)
    }

    /// The same, with no more than `most` of each turn's objects: the first phrases' best.
    pub(super) fn find_at_most<T>(
        &mut self,
        features: &PictureFeatures,
        request: &SegmentRequest,
        most: usize,
        masks_of: impl Fn(&Tensor) -> Vec<T>,
    ) -> Result<Found<T>> {
        let mut found = Found { objects: Vec::new(), semantic_maps: Vec::new() };
        if request.prompts.is_empty() {
            return Ok(found);
        }
        let PictureFeatures { frame_width, frame_height, .. } = *features;
        let looked = Looked { features: self.vision_of(features)?, frame_width, frame_height };
        for (turn, prompts) in request.prompts.chunks(MAX_CONCEPTS_PER_CALL).enumerate() {
            let first = turn * MAX_CONCEPTS_PER_CALL;
            let of_turn = self.find_concepts(prompts, looked, request, (most, &masks_of))?;
            for (mut candidate, mask) in of_turn.objects {
                candidate.prompt_index += first;
                found.objects.push((candidate, mask));
            }
            for mut map in of_turn.semantic_maps {
                map.prompt_index += first as u32;
                found.semantic_maps.push(map);
            }
        }
        Ok(found)
    }

    /// Of some concepts, counted from the first of them.
    fn find_concepts<T>(
        &mut self,
        prompts: &[Prompt],
        looked: Looked<'_>,
        request: &SegmentRequest,
        (most, masks_of): (usize, impl Fn(&Tensor) -> Vec<T>),
    ) -> Result<Found<T>> {
        let mut clock = Clock::start(self.device);
        let features = looked.features;
        let prompt = self.prompt_tokens(prompts, looked)?;
        self.times.text += clock.lap();
        let detections = self.model.detect(features, &prompt);
        let threshold = request.threshold.unwrap_or(self.recommendations.threshold);
        let mut found = scored_candidates(&detections, rules::lowest_threshold(prompts, threshold));
        rules::keep_above_thresholds(&mut found, prompts, threshold);
        found.truncate(most);
        self.times.detector += clock.lap();
        let decoder = &self.model.mask_decoder;
        let pixels = request.semantic_maps.then(|| decoder.embed_pixels(&detections.memory, &features.levels, &prompt));
        let logits = self.mask_logits(features, &prompt, &detections, (&found, pixels.as_ref()));
        let masks = logits.iter().flat_map(masks_of);
        let objects = found.into_iter().zip(masks).collect();
        let semantic_maps = pixels.map_or(Vec::new(), |pixels| semantic_maps(decoder, &pixels, &detections, prompts));
        self.times.masks += clock.lap();
        Ok(Found { objects, semantic_maps })
    }

    /// Mask logits of the candidates, [K, M, M] for each prompt that has K. Prompts without any cost nothing, unless the
    /// pixels of all are there already.
    fn mask_logits(
        &self,
        features: &VisionFeatures,
        prompt: &PromptTokens,
        detections: &Detections,
        (found, pixels_of_all): (&[Candidate], Option<&Tensor>),
    ) -> Vec<Tensor> {
        let groups: Vec<&[Candidate]> = found.chunk_by(|a, b| a.prompt_index == b.prompt_index).collect();
        if groups.is_empty() {
            return Vec::new();
        }
        let indices = |values: Vec<usize>| {
            let values: Vec<i64> = values.into_iter().map(|value| value as i64).collect();
            Tensor::from_slice(&values).to_device(self.device)
        };
        let with_objects = indices(groups.iter().map(|group| group[0].prompt_index).collect());
        let decoder = &self.model.mask_decoder;
        let pixels = pixels_of_all.map_or_else(
            || {
                let memory = detections.memory.index_select(0, &with_objects);
                decoder.embed_pixels(&memory, &features.levels, &prompt.select(&with_objects))
            },
            |pixels| pixels.index_select(0, &with_objects),
        );
        let of_group = |(row, group): (usize, &&[Candidate])| {
            let kept = indices(group.iter().map(|candidate| candidate.query_index).collect());
            let queries = detections.queries.narrow(0, group[0].prompt_index as i64, 1).index_select(1, &kept);
            decoder.instances(&pixels.narrow(0, row as i64, 1), &queries).get(0)
        };
        groups.iter().enumerate().map(of_group).collect()
    }
}

impl Model for Segmenter {
    fn info(&self) -> EngineInfo {
        self.info.clone()
    }

    fn phrase_checker(&self) -> PhraseChecker {
        let tokenizer = self.tokenizer.clone();
        Arc::new(move |phrase| tokenizer.notices(phrase))
    }
}

impl Segmenter {
    /// Finds what the request asks for on one picture.
    pub(super) fn segment_picture(
        &mut self,
        features: &PictureFeatures,
        request: &SegmentRequest,
    ) -> Result<Segmentation> {
        let Found { objects, semantic_maps } = self.find(features, request, soft_masks)?;
        let (found, masks): (Vec<_>, Vec<_>) = objects.into_iter().unzip();
        let side = features.mask_side();
        let wanted = self.selection(request);
        let items = select(found, masks, side, wanted)
            .into_iter()
            .filter_map(|(candidate, mask)| object(candidate, mask, side as u32, &request.prompts))
            .collect();
        let inside_level = wanted.inside_level;
        let items = rules::apply(items, request, inside_level);
        let (pointed_at, notices) = self.point(features, request)?;
        let items = pointing::merged(items, pointed_at);
        let PictureFeatures { frame_width, frame_height, .. } = *features;
        let objects = Objects { frame_width, frame_height, inside_level, items, semantic_maps };
        Ok(Segmentation { objects, notices, times: StageTimes::default() })
    }

    /// What the request points at; without anything it costs nothing.
    fn point(&mut self, features: &PictureFeatures, request: &SegmentRequest) -> Result<(Vec<Object>, Vec<Notice>)> {
        if request.things.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let shape = FrameShape { width: features.frame_width, height: features.frame_height };
        let place = Place { shape, side: features.mask_side() };
        let mut clock = Clock::start(self.device);
        let look = self.tracker.is_some().then_some(|pointed: &pointing::Pointed| {
            let (tracker, features) = self.tracker_on(features)?;
            Ok(tracker.segment(features, &tracker_clicks(&pointed.clicks, pointed.mask.clone())))
        });
        let outcome = pointing::objects_pointed_at(request, place, look);
        self.times.tracker += clock.lap();
        outcome
    }

    fn selection(&self, request: &SegmentRequest) -> Selection {
        let recommended = self.recommendations;
        Selection {
            inside_level: request.mask_threshold.map_or(MASK_INSIDE, |share| (share * 255.0).round() as u8),
            mask_nms_iou: request.mask_nms_iou.unwrap_or(recommended.mask_nms_iou),
            clip_to_box_margin: request.mask_clip_to_box_margin.unwrap_or(recommended.mask_clip_to_box_margin),
            max_objects: if rules::need_every_object(&request.prompts) { 0 } else { request.max_objects },
        }
    }
}

/// Frames that go through the trunk together unless the user says otherwise: many where that is faster, and one where a
/// frame alone keeps the processor busy and each takes a gigabyte.
fn batch_size(config: &ModelConfig, device: Device) -> u32 {
    const SMALL_SIDE_IN_PIXELS: i64 = 512;
    const TOGETHER: u32 = 4;
    let is_small = config.native_size() <= SMALL_SIDE_IN_PIXELS;
    if is_small || device.is_cuda() { TOGETHER } else { 1 }
}

/// Clicks of a user as the tracker reads them.
pub(super) fn tracker_clicks(clicks: &session::Clicks, previous: Option<MaskLogits>) -> tracker::Clicks {
    let points = clicks.points.iter().map(|point| ([point.x, point.y], point.is_positive)).collect();
    tracker::Clicks { box_in_frame: clicks.box_in_frame, points, previous }
}

/// Brings scores and boxes to the CPU and keeps what is above the threshold.
fn scored_candidates(detections: &Detections, threshold: f32) -> Vec<Candidate> {
    let query_count = detections.logits.size()[1] as usize;
    let scores = to_numbers(&(detections.logits.sigmoid() * detections.presence.sigmoid()));
    let boxes: Vec<BoxXyxy> = to_numbers(&detections.boxes)
        .chunks_exact(4)
        .map(|c| BoxXyxy::from(BoxCxcywh { cx: c[0], cy: c[1], w: c[2], h: c[3] }))
        .collect();
    candidates(&scores, &boxes, query_count, threshold)
}

/// # Shapes
/// logits: [K, M, M] → K masks of M·M values, round(255 · sigmoid).
pub(super) fn soft_masks(logits: &Tensor) -> Vec<Vec<u8>> {
    let (count, rows, columns) = logits.size3().expect("mask logits are a stack of maps");
    let values = (logits.to_kind(Kind::Float).sigmoid() * 255.0).round().to_kind(Kind::Uint8);
    let values = values.to_device(Device::Cpu).contiguous();
    let mut bytes = vec![0; (count * rows * columns) as usize];
    let length = bytes.len();
    values.copy_data_u8(&mut bytes, length);
    bytes.chunks_exact((rows * columns) as usize).map(<[u8]>::to_vec).collect()
}

pub(super) fn to_numbers(tensor: &Tensor) -> Vec<f32> {
    let flat = tensor.to_kind(Kind::Float).to_device(Device::Cpu).contiguous().view(-1);
    let mut numbers = vec![0.0; flat.numel()];
    let length = numbers.len();
    flat.copy_data(&mut numbers, length);
    numbers
}

fn object(candidate: Candidate, mask: Vec<u8>, side: u32, prompts: &[Prompt]) -> Option<Object> {
    Some(Object {
        id: None,
        label: prompts[candidate.prompt_index].label.clone(),
        prompt_index: candidate.prompt_index as u32,
        score: candidate.score,
        box_in_frame: candidate.box_in_frame,
        mask: Mask::new(side, side, mask)?,
        state: None,
        first_seen_ns: None,
        last_seen_ns: None,
    })
}

/// Time since the last lap; waits for the device, so that laps mean what they say.
pub(super) struct Clock {
    device: Device,
    last: Instant,
}

impl Clock {
    pub(super) fn start(device: Device) -> Self {
        Self { device, last: Instant::now() }
    }

    pub(super) fn lap(&mut self) -> Duration {
        if let Device::Cuda(index) = self.device {
            tch::Cuda::synchronize(index as i64);
        }
        let now = Instant::now();
        now - std::mem::replace(&mut self.last, now)
    }
}
