//! What following costs on one frame with the bundled model: what is read of the frame once, and what each object adds.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use sa3::config::ModelConfig;
use sa3::masks::MaskLogits;
use sa3::model::ImageModel;
use sa3::tracker::{Giver, ObjectMemory, Tracker, TrackerFeatures};
use sa3::weights::Checkpoint;
use tch::{Device, Kind, Tensor};

/// Frames that every object is followed for before anything is measured: the memory is full.
const FRAMES_BEFORE: i64 = 18;

/// A trunk's map of noise, and a tracker.
struct Stage {
    trunk_map: Tensor,
    tracker: Tracker,
}

impl Stage {
    fn new(kind: Kind) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/sa3-nano");
        let config = std::fs::read_to_string(folder.join("config.json")).expect("the bundled model is there");
        let config = ModelConfig::from_json(&config).expect("its configuration is understood");
        let checkpoint = Checkpoint::open(&folder.join("model.safetensors")).expect("its weights open");
        let tracker = Tracker::load(&checkpoint, &config, Device::Cpu, kind).expect("its tracker loads");
        let mut model = ImageModel::load(&checkpoint, &config, Device::Cpu, kind).expect("its detector loads");
        let side = config.native_size();
        let pixels = Tensor::rand([1, 3, side, side], (Kind::Float, Device::Cpu)) * 2.0 - 1.0;
        let trunk_map = model.vision_encoder.trunk(&pixels);
        Self { trunk_map, tracker: tracker.expect("the bundled model has a tracker") }
    }

    /// Squares beside each other, followed for a while, with their masks of the last frame.
    fn followed(&mut self, features: &TrackerFeatures, count: usize) -> (Vec<ObjectMemory>, Vec<MaskLogits>) {
        let side = 4 * features.grid() as usize;
        let mask = |index: usize| {
            let from = 4 + index * side / 8;
            let is_inside = |cell: usize| (from..from + 8).contains(&(cell % side)) && cell / side < 12;
            let values: Vec<f32> = (0..side * side).map(|cell| if is_inside(cell) { 10.0 } else { -10.0 }).collect();
            MaskLogits::new(side, values).expect("as many values as cells")
        };
        let masks: Vec<_> = (0..count).map(mask).collect();
        let mut objects = self.tracker.start_from_masks(features, &masks, Giver::Detector, 0);
        for frame in 1..FRAMES_BEFORE {
            let mut all: Vec<&mut ObjectMemory> = objects.iter_mut().collect();
            self.tracker.propagate(features, &mut all, frame);
            self.tracker.remember(features, &mut all, &masks);
        }
        (objects, masks)
    }
}

fn following(criterion: &mut Criterion) {
    let _no_grad = tch::no_grad_guard();
    let mut group = criterion.benchmark_group("following");
    group.sample_size(20).measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_millis(500));
    for (name, kind) in [("fp32", Kind::Float), ("bf16", Kind::BFloat16)] {
        let mut stage = Stage::new(kind);
        let trunk_map = stage.trunk_map.shallow_clone();
        group.bench_function(BenchmarkId::new("features", name), |bencher| {
            bencher.iter(|| black_box(stage.tracker.features(&trunk_map)));
        });
        let features = stage.tracker.features(&trunk_map);
        for count in [1, 4, 16] {
            let (mut objects, masks) = stage.followed(&features, count);
            let mut all: Vec<&mut ObjectMemory> = objects.iter_mut().collect();
            group.bench_function(BenchmarkId::new(format!("propagate {count}"), name), |bencher| {
                bencher.iter(|| black_box(stage.tracker.propagate(&features, &mut all, FRAMES_BEFORE)));
            });
            let mut frame = FRAMES_BEFORE;
            group.bench_function(BenchmarkId::new(format!("propagate and remember {count}"), name), |bencher| {
                bencher.iter(|| {
                    stage.tracker.propagate(&features, &mut all, frame);
                    stage.tracker.remember(&features, &mut all, &masks);
                    frame += 1;
                });
            });
        }
    }
}

criterion_group!(benches, following);
criterion_main!(benches);
