//! The bundled model on pictures: the same detections as transformers, from the picture to the mask.

use sa3::device::{DeviceChoice, PrecisionChoice};
use sa3::engine::{Engine, EngineSettings, SegmentRequest};
use sa3::frame::preprocess::Preprocessor;
use sa3::frame::{FrameSource, RgbPicture};
use sa3::objects::{MASK_INSIDE, Object};
use sa3::prompt::Prompt;
use tch::Device;

use crate::fixtures::{Data, Fixtures, TrainedCase, TrainedCases, folder};

pub fn picture(name: &str) -> RgbPicture {
    let file = std::io::BufReader::new(std::fs::File::open(folder().join("pictures").join(name)).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut rgb).unwrap();
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight), "{name}");
    RgbPicture { width: info.width, height: info.height, rgb }
}

pub fn engine(precision: PrecisionChoice) -> Engine {
    let settings = EngineSettings { model: "nano".into(), device: DeviceChoice::Cpu, precision };
    Engine::load(&settings, &mut |_| {}).unwrap()
}

/// Objects of one case without any post-processing, best first.
fn objects(engine: &Engine, case: &TrainedCase, threshold: f32) -> Vec<Object> {
    let request = SegmentRequest {
        prompts: Prompt::list_from_text(&case.prompt),
        threshold: Some(threshold),
        mask_nms_iou: Some(0.0),
        mask_clip_to_box_margin: Some(0.0),
        ..SegmentRequest::default()
    };
    engine.segment(picture(&case.picture), request).unwrap().objects.items
}

fn mask_iou(a: &[u8], b: &[u8]) -> f32 {
    let count = |keep: &dyn Fn(bool, bool) -> bool| {
        a.iter().zip(b).filter(|(a, b)| keep(**a >= MASK_INSIDE, **b >= MASK_INSIDE)).count() as f32
    };
    count(&|a, b| a && b) / count(&|a, b| a || b).max(1.0)
}

/// What differs between our objects and the stored detections of a case.
pub fn difference(ours: &[Object], data: &Data, cases: &TrainedCases, case: &TrainedCase) -> Option<String> {
    let numbers = |what: &str| data.numbers(&format!("{}/{what}", case.key));
    let (scores, boxes, masks) = (numbers("scores"), numbers("boxes"), numbers("masks"));
    if ours.len() != scores.len() {
        return Some(format!("{} objects, {} in the reference", ours.len(), scores.len()));
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    ours.iter().zip(order).find_map(|(object, stored)| {
        let score_off = (object.score - scores[stored]).abs();
        let b = object.box_in_frame;
        let sides = [b.x0, b.y0, b.x1, b.y1];
        let box_off = sides.iter().zip(&boxes[4 * stored..]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let cells = object.mask.bytes().len();
        let mask: Vec<u8> = masks[cells * stored..cells * (stored + 1)].iter().map(|&value| value as u8).collect();
        let iou = mask_iou(object.mask.bytes(), &mask);
        let fits = score_off <= cases.score_max_abs && box_off <= cases.box_max_abs && iou >= cases.mask_least_iou;
        (!fits).then(|| format!("score off by {score_off}, box by {box_off}, mask IoU {iou}"))
    })
}

#[test]
fn input_pixels_equal_the_reference() {
    let cases = Fixtures::read().trained;
    let data = Data::read(&cases.data);
    for case in &cases.cases {
        let picture = picture(&case.picture);
        let input = Preprocessor::default().forward(&picture.frame().unwrap(), 252, Device::Cpu);
        let ours: Vec<f32> = Vec::try_from(input.flatten(0, -1)).unwrap();
        let stored = data.numbers(&format!("{}/pixel_values", case.picture));
        let ours: Vec<f32> = ours.into_iter().step_by(cases.pixel_stride).collect();
        assert_eq!(ours.len(), stored.len());
        let limit = if is_x86_feature_detected!("avx2") { 1e-5 } else { 1.01 / 127.5 };
        let worst = ours.iter().zip(&stored).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= limit, "{}: {worst}", case.picture);
    }
}

#[test]
fn detections_equal_the_reference() {
    let cases = Fixtures::read().trained;
    let data = Data::read(&cases.data);
    let engine = engine(PrecisionChoice::Fp32);
    assert!(cases.cases.iter().filter(|case| case.detections > 0).count() >= 8);
    let found: Vec<_> = cases
        .cases
        .iter()
        .filter_map(|case| {
            let ours = objects(&engine, case, cases.threshold);
            Some(format!("{} \"{}\": {}", case.picture, case.prompt, difference(&ours, &data, &cases, case)?))
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn half_precision_finds_the_same_objects() {
    let cases = Fixtures::read().trained;
    let data = Data::read(&cases.data);
    let engine = engine(PrecisionChoice::Bf16);
    let (mut compared, mut sum_of_ious) = (0, 0.0);
    for case in &cases.cases {
        let ours = objects(&engine, case, cases.threshold);
        let masks = data.numbers(&format!("{}/masks", case.key));
        let cells = 72 * 72;
        for stored in masks.chunks_exact(cells) {
            let stored: Vec<u8> = stored.iter().map(|&value| value as u8).collect();
            sum_of_ious += ours.iter().map(|object| mask_iou(object.mask.bytes(), &stored)).fold(0.0, f32::max);
            compared += 1;
        }
    }
    let mean = sum_of_ious / compared as f32;
    assert!(mean > 0.95, "mean IoU of bf16 against the reference: {mean} over {compared}");
}
