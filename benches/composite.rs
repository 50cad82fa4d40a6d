//! How long drawing takes: every mode on sizes from 640x360 to 3840x2160 in the common formats, and edges.
//!
//! Five or eight soft discs on a 288 x 288 grid (the released model's) cover about a third of the frame.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sa3::boxes::BoxXyxy;
use sa3::composite::{Compositor, Edges, FrameMut, Mode, PlaneMut, Region, Style};
use sa3::frame::{Colorimetry, PixelFormat};
use sa3::objects::{Mask, Object, Objects};

const MASK_SIDE: u32 = 288;
const COVERED_PART: f32 = 0.33;

/// Discs side by side in two rows, `count` of them, round on a 16:9 frame.
fn discs(count: usize, (frame_width, frame_height): (u32, u32)) -> Objects {
    let columns = count.div_ceil(2);
    let radius = (COVERED_PART / count as f32 / std::f32::consts::PI * 9.0 / 16.0).sqrt();
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
            id: Some(index as u64),
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
    Objects { frame_width, frame_height, items: (0..count).map(disc).collect(), ..Objects::default() }
}

/// A gray frame that owns its planes.
struct Picture {
    format: PixelFormat,
    size: (u32, u32),
    planes: Vec<(Vec<u8>, usize)>,
}

impl Picture {
    fn new(format: PixelFormat, size: (u32, u32)) -> Self {
        let plane = |index| {
            let (row_bytes, rows) = format.plane_extent(index, size.0, size.1);
            (vec![128; row_bytes * rows], row_bytes)
        };
        Self { format, size, planes: (0..format.plane_count()).map(plane).collect() }
    }

    fn frame(&mut self) -> FrameMut<'_> {
        let planes = self.planes.iter_mut().map(|(bytes, stride)| PlaneMut { bytes, stride: *stride }).collect();
        FrameMut::new(self.format, self.size, Colorimetry::default(), planes).expect("planes of the right size")
    }
}

fn composite(criterion: &mut Criterion) {
    for (size, count) in [((640, 360), 5), ((1920, 1080), 5), ((1920, 1080), 8), ((3840, 2160), 8)] {
        let mut group = criterion.benchmark_group(format!("{}x{}, {count} objects", size.0, size.1));
        group.throughput(Throughput::Elements(1));
        let objects = discs(count, size);
        for mode in [Mode::Overlay, Mode::Cutout] {
            for format in [PixelFormat::Nv12, PixelFormat::I420, PixelFormat::Rgb, PixelFormat::Bgra] {
                let style = Style { mode, ..Style::default() };
                let mut picture = Picture::new(format, size);
                let mut compositor = Compositor::default();
                group.bench_function(BenchmarkId::new(format!("{mode:?}"), format!("{format:?}")), |bencher| {
                    bencher.iter(|| compositor.composite(black_box(&mut picture.frame()), black_box(&objects), &style));
                });
            }
        }
        group.finish();
    }
}

/// Modes that change a region, on everything but the objects; and what edges cost.
fn regions(criterion: &mut Criterion) {
    let size = (1920, 1080);
    let mut group = criterion.benchmark_group("1920x1080, 8 objects, outside");
    group.throughput(Throughput::Elements(1));
    let objects = discs(8, size);
    let outside = |mode| Style { mode, region: Region::Outside, ..Style::default() };
    let soft = Edges { grow: 8.0, feather: 40.0, fill_holes: true, min_area: 0.001, ..Edges::default() };
    let prepared = |refine, temporal_smoothing| Edges { refine, temporal_smoothing, ..Edges::default() };
    let blur = |radius| Style { radius: Some(radius), ..outside(Mode::Blur) };
    let cases = [
        ("Blur radius 4", blur(4.0)),
        ("Blur radius 43", blur(43.0)),
        ("Blur radius 400", blur(400.0)),
        ("Pixelate", outside(Mode::Pixelate)),
        ("Fill", outside(Mode::Fill)),
        ("Desaturate", outside(Mode::Desaturate)),
        ("Dim", outside(Mode::Dim)),
        ("Dim, soft edges", Style { edges: soft, ..outside(Mode::Dim) }),
        ("Dim, refined", Style { edges: prepared(1.0, 0.0), ..outside(Mode::Dim) }),
        ("Dim, steadied", Style { edges: prepared(0.0, 0.6), ..outside(Mode::Dim) }),
        ("Matte", outside(Mode::Matte)),
        ("Outline", outside(Mode::Outline)),
        ("Glow", outside(Mode::Glow)),
    ];
    for (name, style) in cases {
        for format in [PixelFormat::Nv12, PixelFormat::Bgra] {
            let mut picture = Picture::new(format, size);
            let mut compositor = Compositor::default();
            group.bench_function(BenchmarkId::new(name, format!("{format:?}")), |bencher| {
                bencher.iter(|| compositor.composite(black_box(&mut picture.frame()), black_box(&objects), &style));
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).without_plots();
    targets = composite, regions
}
criterion_main!(benches);
