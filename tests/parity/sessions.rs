//! Whole sessions against `session.json`: the engine's model and the session's rules, from the pixels of the model's
//! input to what is shown.

use sa3::device::PrecisionChoice;
use sa3::engine::{SegmentRequest, Segmenter};
use sa3::prompt::Prompt;
use sa3::session::{FrameShape, MemorySettings, Reacquire, Session, SessionConfig, TrackRequest, Tracking};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::fixtures::{Data, folder};
use crate::model_folder::{ModelFolder, tokenizer_of};
use crate::session_comparison::{OracleMasks, difference};
use crate::session_recorder::{Recorder, Recording};
use crate::tracker::smooth_pixels;

#[derive(Deserialize)]
struct SessionCase {
    name: String,
    config: String,
    settings: Settings,
    overrides: BTreeMap<String, f32>,
    texts: Vec<Vec<i64>>,
    frames: String,
    data: String,
    rows: Vec<OracleRow>,
}

#[derive(Deserialize)]
struct Settings {
    score_threshold_detection: f32,
    new_det_thresh: f32,
    det_nms_thresh: f32,
    hotstart_delay: u32,
    hotstart_unmatch_thresh: u32,
    hotstart_dup_thresh: u32,
    recondition_every_nth_frame: u32,
    high_conf_thresh: f32,
    high_iou_thresh: f32,
}

/// What the reference says of a frame. Its ids begin at 0.
#[derive(Deserialize)]
pub struct OracleRow {
    pub frame: usize,
    pub detections: Vec<OracleDetection>,
    pub tracked: Vec<OracleTrack>,
    pub born: Vec<u64>,
    pub birth_scores: Vec<f32>,
    pub removed: Vec<u64>,
    pub reconditioned: Vec<u64>,
    pub suppressed_masks: Vec<u64>,
    pub shrunk: Vec<u64>,
    pub masks: Vec<u64>,
    pub alive: Vec<u64>,
    pub phrases: Vec<u32>,
}

#[derive(Deserialize)]
pub struct OracleDetection {
    pub phrase: usize,
    pub score: f32,
}

#[derive(Deserialize)]
pub struct OracleTrack {
    pub id: u64,
    pub logit: f32,
}

/// The rules of a case; nothing of ours that the reference does not have.
fn rules(settings: &Settings) -> SessionConfig {
    SessionConfig {
        detection_nms_iou: Some(settings.det_nms_thresh),
        new_object_score: settings.new_det_thresh,
        probation_frames: settings.hotstart_delay,
        probation_unmatched: settings.hotstart_unmatch_thresh,
        probation_duplicates: settings.hotstart_dup_thresh,
        recondition_interval: settings.recondition_every_nth_frame,
        recondition_score: settings.high_conf_thresh,
        recondition_logit: settings.high_conf_thresh,
        recondition_iou: settings.high_iou_thresh,
        memory: MemorySettings { selection_threshold: 0.0, ..MemorySettings::default() },
        active_objects: 10_000,
        max_lost_ns: 0,
        max_lost_frames: 0,
        max_unmatched: 0,
        reacquire: Reacquire::Off,
        click_frames: 0,
        ..SessionConfig::default()
    }
}

fn cases() -> Vec<SessionCase> {
    serde_json::from_slice(&std::fs::read(folder().join("session.json")).unwrap()).unwrap()
}

/// A case with its model, which several runs share.
struct Opened {
    case: SessionCase,
    model: Segmenter,
    texts: Vec<String>,
    _folder: ModelFolder,
}

impl Opened {
    fn named(name: &str) -> Self {
        Self::new(cases().into_iter().find(|case| case.name == name).unwrap())
    }

    fn new(case: SessionCase) -> Self {
        let (tokenizer, texts) = tokenizer_of(&case.texts);
        let folder = ModelFolder::write(&case.name, &case.config, &case.overrides, &tokenizer);
        let model = Segmenter::open(&folder.settings(PrecisionChoice::Fp32), &mut |_| {}).unwrap();
        Self { case, model, texts, _folder: folder }
    }

    /// Runs the case with changed rules; the first difference from the reference, if any.
    fn difference(&mut self, change: impl FnOnce(&mut SessionConfig)) -> Option<String> {
        let _no_grad = tch::no_grad_guard();
        let mut config = rules(&self.case.settings);
        change(&mut config);
        let segment = SegmentRequest {
            prompts: self.texts.iter().flat_map(|text| Prompt::list_from_text(text)).collect(),
            threshold: Some(self.case.settings.score_threshold_detection),
            ..SegmentRequest::default()
        };
        let request = TrackRequest { segment: segment.into(), session: Arc::new(config), ..TrackRequest::default() };
        let shape = FrameShape { width: 112, height: 112 };
        let frames = smooth_pixels(&self.case.frames, self.case.rows.len() as i64, 112);
        let mut masks = OracleMasks::new(&Data::read(&self.case.data));
        let (mut session, mut recorder) = (Session::default(), Recorder::new(&mut self.model));
        self.case.rows.iter().find_map(|row| {
            let features = recorder.model.features_of_input(&frames.narrow(0, row.frame as i64, 1), shape);
            let ours: Tracking = session.step(&mut recorder, features, shape, &request).unwrap();
            let recording: Recording = std::mem::take(&mut recorder.recording);
            let what = difference(row, &mut masks, &ours, &recording)?;
            Some(format!("{}, frame {}: {what}", self.case.name, row.frame))
        })
    }
}

#[test]
fn sessions_are_those_of_the_reference() {
    let cases = cases();
    assert!(cases.len() >= 3);
    let found: Vec<_> = cases.into_iter().filter_map(|case| Opened::new(case).difference(|_| {})).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

type Change = fn(&mut SessionConfig);

/// Each rule that is turned off, or number that is another, shows: the comparison sees what these rules do.
#[test]
fn a_rule_that_is_missing_is_noticed() {
    let mistakes: [(&str, [(&str, Change); 4]); 2] = [
        (
            "two_phrases",
            [
                ("recondition", |c| c.recondition_interval = 0),
                ("shrunk", |c| c.shrink_share = 0.0),
                ("doubles", |c| c.probation_duplicates = 0),
                ("unmatched", |c| c.probation_unmatched = 0),
            ],
        ),
        (
            "occlusions",
            [
                ("suppression", |c| c.occlusion_iou = 0.0),
                ("holes", |c| c.hole_area = 0),
                ("nms", |c| c.detection_nms_iou = Some(0.0)),
                ("pointers", |c| c.memory.pointers = 2),
            ],
        ),
    ];
    for (case, mistakes) in mistakes {
        let mut opened = Opened::named(case);
        for (what, change) in mistakes {
            let difference = opened.difference(change);
            assert!(difference.is_some(), "{case}: {what} is not noticed");
        }
    }
}
