//! How long it takes to write what was found: eight soft discs that cover a third of a 1080p frame.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sa3::boxes::BoxXyxy;
use sa3::export::{Exporter, Format, MaskSize, Options, SegmentationKind, Shaper, Shot, json_line};
use sa3::extract::{Depth, Extractor, GrayMut, Wish};
use sa3::objects::{Mask, Object, Objects};

/// The released model's grid.
const MASK_SIDE: u32 = 288;
const SIZE: (u32, u32) = (1920, 1080);
const COVERED_PART: f32 = 0.33;
const COUNT: usize = 8;

/// Discs side by side in two rows, round on a 16:9 frame.
fn discs() -> Objects {
    let columns = COUNT / 2;
    let radius = (COVERED_PART / COUNT as f32 / std::f32::consts::PI * 9.0 / 16.0).sqrt();
    let disc = |index: usize| {
        let cx = ((index % columns) as f32 + 0.5) / columns as f32;
        let cy = ((index / columns) as f32 + 0.5) / 2.0;
        let value = |cell: u32| {
            let x = ((cell % MASK_SIDE) as f32 + 0.5) / MASK_SIDE as f32;
            let y = ((cell / MASK_SIDE) as f32 + 0.5) / MASK_SIDE as f32;
            let outside = (x - cx).hypot((y - cy) * 9.0 / 16.0) - radius;
            (255.0 / (1.0 + (2.0 * MASK_SIDE as f32 * outside).exp())).round() as u8
        };
        let ry = radius * 16.0 / 9.0;
        Object {
            id: Some(index as u64 + 1),
            label: ["dog", "cat", "red car", "person", "bicycle"][index % 5].into(),
            prompt_index: index as u32 % 5,
            score: 0.9,
            box_in_frame: BoxXyxy { x0: cx - radius, y0: cy - ry, x1: cx + radius, y1: cy + ry },
            mask: Mask::new(MASK_SIDE, MASK_SIDE, (0..MASK_SIDE * MASK_SIDE).map(value).collect::<Vec<_>>())
                .expect("side by side values"),
            state: None,
            first_seen_ns: None,
            last_seen_ns: None,
        }
    };
    let items = (0..COUNT).map(disc).collect();
    Objects { frame_width: SIZE.0, frame_height: SIZE.1, items, ..Objects::default() }
}

fn shot(objects: &Objects) -> Shot<'_> {
    Shot { frame: 0, pts: Some(0), duration: None, size: SIZE, objects: Some(objects), source_pts: Some(0), age: 0 }
}

fn lines(criterion: &mut Criterion) {
    let objects = discs();
    let mut group = criterion.benchmark_group("a line of JSON, 1920x1080, 8 objects");
    group.throughput(Throughput::Elements(1));
    let polygon = Options { segmentation: SegmentationKind::Polygon, tolerance: 1.0, ..Options::default() };
    for (name, options) in [
        ("rle", Options::default()),
        ("rle of the grid", Options { mask_size: MaskSize::Grid, ..Options::default() }),
        ("polygon", polygon),
        ("none", Options { segmentation: SegmentationKind::None, ..Options::default() }),
        ("rle and soft masks", Options { soft_masks: true, ..Options::default() }),
    ] {
        let mut shaper = Shaper::default();
        group.bench_function(name, |bencher| {
            bencher.iter(|| json_line(&shaper.shape(shot(black_box(&objects)), &options), &options));
        });
    }
}

fn files(criterion: &mut Criterion) {
    let objects = discs();
    let mut group = criterion.benchmark_group("a frame to /dev/null, 1920x1080, 8 objects");
    group.throughput(Throughput::Elements(1));
    for format in [Format::JsonLines, Format::Csv, Format::Mots] {
        let options = Options { format, ..Options::default() };
        let mut exporter = Exporter::create(Path::new("/dev/null"), &options).expect("it takes everything");
        let mut shaper = Shaper::default();
        group.bench_function(format.nick(), |bencher| {
            bencher.iter(|| exporter.write(&shaper.shape(shot(black_box(&objects)), &options)));
        });
    }
}

fn pictures(criterion: &mut Criterion) {
    let objects = discs();
    let mut group = criterion.benchmark_group("a grey picture, 1920x1080, 8 objects");
    group.throughput(Throughput::Elements(1));
    let mut bytes = vec![0; SIZE.0 as usize * SIZE.1 as usize];
    for soft in [false, true] {
        let (wish, mut extractor) = (Wish { soft, ..Wish::default() }, Extractor::default());
        group.bench_function(if soft { "soft" } else { "hard" }, |bencher| {
            bencher.iter(|| {
                let (stride, (width, height)) = (SIZE.0 as usize, SIZE);
                let mut picture = GrayMut { bytes: &mut bytes, stride, width, height, depth: Depth::Eight };
                extractor.extract(black_box(&objects), &wish, &mut picture);
            });
        });
    }
}

criterion_group!(benches, lines, files, pictures);
criterion_main!(benches);
