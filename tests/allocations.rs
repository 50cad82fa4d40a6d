//! Drawing takes no memory from frame to frame: once every buffer has its size, the allocator is not asked again.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use sa3::boxes::BoxXyxy;
use sa3::composite::{ColorBy, Compositor, Edges, FrameMut, LabelFormat, Mode, PlaneMut, Region, Style};
use sa3::frame::{Colorimetry, PixelFormat};
use sa3::objects::{Mask, Object, Objects};

/// Counts what each thread asks of the system's allocator.
struct Counting;

thread_local! {
    static REQUESTS: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    REQUESTS.set(REQUESTS.get() + 1);
}

// SAFETY: hands every request on to the system's allocator as it came; counting touches a plain number alone.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the rules of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the rules of `realloc`.
        unsafe { System.realloc(block, layout, new_size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the rules of `dealloc`.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const SIZE: (u32, u32) = (320, 180);
const SIDE: u32 = 72;
/// Objects are where they were after so many frames.
const PERIOD: usize = 12;

/// Discs that go round, `count` of them.
fn discs(count: u32, frame: usize) -> Objects {
    let turn = frame as f32 / PERIOD as f32;
    let disc = |id: u32| {
        let angle = std::f32::consts::TAU * (turn + id as f32 / count as f32);
        let (cx, cy) = (0.5 + 0.3 * angle.cos(), 0.5 + 0.3 * angle.sin());
        let value = |cell: u32| {
            let [x, y] = [cell % SIDE, cell / SIDE].map(|n| (n as f32 + 0.5) / SIDE as f32);
            (255.0 / (1.0 + (2.0 * SIDE as f32 * ((x - cx).hypot(y - cy) - 0.12)).exp())).round() as u8
        };
        Object {
            id: Some(id.into()),
            label: ["dog", "cat"][id as usize % 2].into(),
            prompt_index: id % 2,
            score: 0.9,
            box_in_frame: BoxXyxy { x0: cx - 0.12, y0: cy - 0.12, x1: cx + 0.12, y1: cy + 0.12 },
            mask: Mask::new(SIDE, SIDE, (0..SIDE * SIDE).map(value).collect::<Vec<_>>()).expect("a square"),
            state: None,
            first_seen_ns: None,
            last_seen_ns: None,
        }
    };
    Objects { frame_width: SIZE.0, frame_height: SIZE.1, items: (0..count).map(disc).collect(), ..Objects::default() }
}

/// Requests to the allocator in one period after four: the first has nothing to remember, and what is remembered fades.
fn requests(format: PixelFormat, style: &Style, count: u32) -> usize {
    let mut planes: Vec<(Vec<u8>, usize)> = (0..format.plane_count())
        .map(|index| format.plane_extent(index, SIZE.0, SIZE.1))
        .map(|(row_bytes, rows)| (vec![100; row_bytes * rows], row_bytes))
        .collect();
    let (mut compositor, mut requests) = (Compositor::default(), 0);
    for frame in 0..5 * PERIOD {
        let objects = discs(count, frame);
        let planes = planes.iter_mut().map(|(bytes, stride)| PlaneMut { bytes, stride: *stride }).collect();
        let picture = FrameMut::new(format, SIZE, Colorimetry::default(), planes).expect("whole planes");
        let mut picture = picture.at(Some(40_000_000 * frame as u64));
        let before = REQUESTS.get();
        compositor.composite(&mut picture, &objects, style);
        if frame >= 4 * PERIOD {
            requests += REQUESTS.get() - before;
        }
    }
    requests
}

#[test]
fn no_mode_takes_memory_once_its_buffers_are_there() {
    for mode in Mode::ALL {
        for format in [PixelFormat::Nv12, PixelFormat::Bgra, PixelFormat::P010Le] {
            for region in [Region::Inside, Region::Outside] {
                let style = Style { mode, region, ..Style::default() };
                assert_eq!(requests(format, &style, 8), 0, "{mode:?} {region:?} {format:?}");
            }
        }
    }
}

#[test]
fn neither_edges_nor_boxes_nor_many_objects_take_memory() {
    let edges =
        Edges { grow: 3.0, feather: 20.0, fill_holes: true, min_area: 0.001, refine: 0.7, temporal_smoothing: 0.5 };
    for mode in [Mode::Overlay, Mode::Dim, Mode::Blur] {
        let style = Style {
            mode,
            edges,
            fade_ms: 80.0,
            boxes: true,
            color_by: ColorBy::Id,
            label_format: LabelFormat::parse("#{id} {label} {percent}"),
            ..Style::default()
        };
        for count in [0, 1, 60] {
            assert_eq!(requests(PixelFormat::Nv12, &style, count), 0, "{mode:?} {count}");
        }
    }
}

#[test]
fn the_counter_counts() {
    let before = REQUESTS.get();
    drop(std::hint::black_box(vec![0u8; 100]));
    assert_eq!(REQUESTS.get() - before, 1);
}
