//! What one frame costs with the bundled model, stage by stage.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use sa3::device::{DeviceChoice, PrecisionChoice};
use sa3::engine::{Engine, EngineSettings, SegmentRequest, StageTimes};
use sa3::frame::RgbPicture;
use sa3::prompt::Prompt;

/// A 640x360 picture with something to find in it: a white disc on black.
fn picture() -> RgbPicture {
    let (width, height) = (640u32, 360u32);
    let level = |x: u32, y: u32| {
        let (dx, dy) = (f64::from(x) - 300.0, f64::from(y) - 170.0);
        if dx.hypot(dy) < 60.0 { 255 } else { 0 }
    };
    let rgb = (0..width * height).flat_map(|i| [level(i % width, i / width); 3]).collect();
    RgbPicture { width, height, rgb }
}

/// Sums of the stages' times over some frames.
#[derive(Default)]
struct Sums {
    frames: u32,
    stages: [Duration; 5],
}

impl Sums {
    fn add(&mut self, times: StageTimes) {
        let parts = [times.preprocess, times.vision, times.text, times.detector, times.masks];
        self.stages.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
        self.frames += 1;
    }

    fn print(&self) {
        let means = self.stages.map(|sum| sum.as_secs_f64() * 1e3 / f64::from(self.frames.max(1)));
        let [preprocess, vision, text, detector, masks] = means;
        eprintln!(
            "    preprocess {preprocess:.2} ms, vision {vision:.2}, text {text:.2}, detector {detector:.2}, masks {masks:.2}"
        );
    }
}

fn frame(criterion: &mut Criterion) {
    for precision in [PrecisionChoice::Fp32, PrecisionChoice::Bf16] {
        let settings = EngineSettings { model: "nano".into(), device: DeviceChoice::Cpu, precision };
        let engine = Engine::load(&settings, &mut |_| {}).expect("the bundled model loads");
        for prompts in ["white circle", "white circle; white ball; ball; white; dog; car"] {
            let request = SegmentRequest { prompts: Prompt::list_from_text(prompts), ..SegmentRequest::default() };
            let (mut sums, picture) = (Sums::default(), picture());
            criterion.bench_function(&format!("{precision}, {} prompts", request.prompts.len()), |bencher| {
                bencher.iter(|| {
                    let found =
                        engine.segment(picture.clone(), black_box(request.clone())).expect("a frame is segmented");
                    sums.add(found.times);
                });
            });
            sums.print();
        }
    }
}

criterion_group!(benches, frame);
criterion_main!(benches);
