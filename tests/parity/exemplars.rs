//! The bundled model with exemplar boxes: the same detections and semantic maps as transformers, also with boxes that were
//! taken from an earlier picture.

use sa3::device::PrecisionChoice;
use sa3::engine::{Engine, SegmentRequest, Segmentation};
use sa3::prompt::{BoxUnit, ExemplarFrames, ExemplarSet, GivenBox, Prompt};

use crate::fixtures::{Data, Fixtures, TrainedCase};
use crate::trained::{difference, engine, picture};

/// Largest difference of two soft maps in levels of 255; a logit's last bits decide how it is rounded.
const MAP_MAX_LEVELS: i32 = 1;

fn exemplars(case: &TrainedCase) -> Vec<GivenBox> {
    let given =
        |(&[x, y, width, height], &label): (&[f32; 4], &i64)| GivenBox { x, y, width, height, is_positive: label == 1 };
    case.boxes.iter().zip(&case.labels).map(given).collect()
}

fn request(case: &TrainedCase, boxes: Vec<GivenBox>, threshold: f32) -> SegmentRequest {
    let set = ExemplarSet::new(boxes, BoxUnit::Pixels, ExemplarFrames::First).unwrap();
    SegmentRequest {
        prompts: vec![Prompt::from_exemplars(Some(&case.prompt), set).unwrap()],
        threshold: Some(threshold),
        mask_nms_iou: Some(0.0),
        mask_clip_to_box_margin: Some(0.0),
        semantic_maps: true,
        ..SegmentRequest::default()
    }
}

fn segmentation(engine: &Engine, case: &TrainedCase, request: SegmentRequest) -> Segmentation {
    if let Some(earlier) = &case.kept_from {
        engine.segment(picture(earlier), request.clone()).unwrap();
    }
    engine.segment(picture(&case.picture), request).unwrap()
}

fn map_difference(ours: &Segmentation, data: &Data, case: &TrainedCase) -> Option<String> {
    let [map] = ours.objects.semantic_maps.as_slice() else {
        return Some(format!("{} semantic maps", ours.objects.semantic_maps.len()));
    };
    let stored = data.numbers(&format!("{}/semantic", case.key));
    let pairs = map.map.bytes().iter().zip(&stored);
    let worst = pairs.map(|(&ours, &stored)| (i32::from(ours) - stored as i32).abs()).max();
    let presence_off = (map.presence - data.numbers(&format!("{}/presence", case.key))[0]).abs();
    let fits = map.map.bytes().len() == stored.len() && worst <= Some(MAP_MAX_LEVELS) && presence_off < 1e-3;
    (!fits).then(|| format!("semantic map off by {worst:?} levels, presence by {presence_off}"))
}

#[test]
fn detections_and_maps_with_exemplars_equal_the_reference() {
    let cases = Fixtures::read().exemplars;
    let data = Data::read(&cases.data);
    let engine = engine(PrecisionChoice::Fp32);
    assert!(cases.cases.iter().filter(|case| case.detections > 0).count() >= 6);
    let mut found = Vec::new();
    for case in &cases.cases {
        let ours = segmentation(&engine, case, request(case, exemplars(case), cases.threshold));
        let differences = [difference(&ours.objects.items, &data, &cases, case), map_difference(&ours, &data, case)];
        found.extend(differences.into_iter().flatten().map(|what| format!("case {}: {what}", case.key)));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn another_box_is_another_result() {
    let cases = Fixtures::read().exemplars;
    let data = Data::read(&cases.data);
    let engine = engine(PrecisionChoice::Fp32);
    let elsewhere = GivenBox { x: 200.0, y: 300.0, width: 30.0, height: 30.0, is_positive: true };
    for case in &cases.cases {
        let ours = segmentation(&engine, case, request(case, vec![elsewhere], cases.threshold));
        let same = difference(&ours.objects.items, &data, &cases, case).is_none();
        assert!(
            !same || map_difference(&ours, &data, case).is_some(),
            "case {} does not depend on its boxes",
            case.key
        );
    }
}

#[test]
fn what_was_kept_is_used_until_the_set_is_renewed() {
    let cases = Fixtures::read().exemplars;
    let case = cases.cases.iter().find(|case| case.kept_from.is_some()).unwrap();
    let engine = engine(PrecisionChoice::Fp32);
    let first = request(case, exemplars(case), cases.threshold);
    let map = |request: &SegmentRequest| {
        let found = engine.segment(picture(&case.picture), request.clone()).unwrap().objects;
        found.semantic_maps[0].map.bytes().to_vec()
    };
    engine.segment(picture(case.kept_from.as_ref().unwrap()), first.clone()).unwrap();
    let (kept, again) = (map(&first), map(&first));
    assert_eq!(kept, again);
    let mut renewed = first.clone();
    renewed.prompts[0].exemplars = renewed.prompts[0].exemplars.iter().map(|set| set.renewed()).collect();
    let here = map(&renewed);
    assert_ne!(kept, here, "the renewed set is taken from the picture at hand");
    let set = ExemplarSet::new(exemplars(case), BoxUnit::Pixels, ExemplarFrames::Each).unwrap();
    renewed.prompts[0] = Prompt::from_exemplars(None, set).unwrap();
    engine.segment(picture(case.kept_from.as_ref().unwrap()), renewed.clone()).unwrap();
    assert_eq!(map(&renewed), here, "a set for each frame keeps nothing");
}
