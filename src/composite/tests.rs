//! Whole pictures: every format, both modes, and golden pictures to look at.

use std::path::PathBuf;

use super::*;
use crate::boxes::BoxXyxy;
use crate::frame::{Colorimetry, PixelFormat, YuvMatrix, YuvRange};
use crate::objects::{Mask, Object};
use ink::Ink;

const PADDING: u8 = 0xa5;
const GRAY: u8 = 100;

/// A picture that owns its planes, with padded rows.
pub(super) struct Picture {
    pub(super) format: PixelFormat,
    pub(super) size: (u32, u32),
    pub(super) colorimetry: Colorimetry,
    pub(super) planes: Vec<(Vec<u8>, usize)>,
}

impl Picture {
    pub(super) fn new(format: PixelFormat, size: (u32, u32)) -> Self {
        let plane = |index| {
            let (row_bytes, rows) = format.plane_extent(index, size.0, size.1);
            let stride = row_bytes + 13;
            let mut bytes = vec![PADDING; stride * rows];
            bytes.chunks_mut(stride).for_each(|row| row[..row_bytes].fill(GRAY));
            (bytes, stride)
        };
        let colorimetry = Colorimetry { matrix: YuvMatrix::Bt709, range: YuvRange::Limited };
        Self { format, size, colorimetry, planes: (0..format.plane_count()).map(plane).collect() }
    }

    pub(super) fn frame(&mut self) -> FrameMut<'_> {
        let planes = self.planes.iter_mut().map(|(bytes, stride)| PlaneMut { bytes, stride: *stride }).collect();
        FrameMut::new(self.format, self.size, self.colorimetry, planes).unwrap()
    }

    pub(super) fn draw(&mut self, objects: &Objects, style: &Style) {
        Compositor::default().composite(&mut self.frame(), objects, style);
    }

    pub(super) fn row(&self, plane: usize, y: usize) -> &[u8] {
        let (bytes, stride) = &self.planes[plane];
        &bytes[y * stride..(y + 1) * stride]
    }
}

/// A soft disc; radius in parts of the frame's width for a frame of this aspect.
pub(super) fn disc(label: &str, [cx, cy]: [f32; 2], radius: f32, aspect: f32) -> Object {
    const SIDE: u32 = 48;
    let value = |cell: u32| {
        let x = ((cell % SIDE) as f32 + 0.5) / SIDE as f32;
        let y = ((cell / SIDE) as f32 + 0.5) / SIDE as f32;
        let outside_in_cells = ((x - cx).hypot((y - cy) / aspect) - radius) * SIDE as f32;
        (255.0 / (1.0 + (2.0 * outside_in_cells).exp())).round() as u8
    };
    Object {
        id: None,
        label: label.into(),
        prompt_index: 0,
        score: 0.9,
        box_in_frame: BoxXyxy { x0: cx - radius, y0: cy - radius * aspect, x1: cx + radius, y1: cy + radius * aspect },
        mask: Mask::new(SIDE, SIDE, (0..SIDE * SIDE).map(value).collect::<Vec<_>>()).unwrap(),
        state: None,
        first_seen_ns: None,
        last_seen_ns: None,
    }
}

pub(super) fn objects(items: Vec<Object>) -> Objects {
    Objects { items, ..Objects::default() }
}

fn plain() -> Style {
    Style { color_by: ColorBy::Single, labels: false, outline_width: Some(0.0), ..Style::default() }
}

#[test]
fn every_format_is_tinted_inside_the_disc_and_nowhere_else() {
    let size = (61, 37);
    let one = objects(vec![disc("dog", [0.5, 0.5], 0.2, 61.0 / 37.0)]);
    for format in PixelFormat::ALL {
        let untouched = Picture::new(format, size);
        let mut drawn = Picture::new(format, size);
        drawn.draw(&one, &plain());
        for plane in 0..format.plane_count() {
            let (row_bytes, rows) = format.plane_extent(plane, size.0, size.1);
            assert_ne!(drawn.planes[plane], untouched.planes[plane], "{format:?} plane {plane}");
            for y in 0..rows {
                let (new, old) = (drawn.row(plane, y), untouched.row(plane, y));
                let quarter = row_bytes / 4;
                assert_eq!(new[..quarter], old[..quarter], "{format:?} plane {plane} row {y}, left of the disc");
                assert_eq!(new[3 * row_bytes / 4 + 2..], old[3 * row_bytes / 4 + 2..], "{format:?} {plane} {y}, right");
                assert!(y > rows / 8 && y < 7 * rows / 8 || new == old, "{format:?} {plane} {y}, above or below");
            }
        }
    }
}

#[test]
fn the_middle_of_the_disc_has_the_inks_samples() {
    let one = objects(vec![disc("dog", [0.5, 0.5], 0.2, 1.0)]);
    for format in PixelFormat::ALL {
        let mut drawn = Picture::new(format, (64, 64));
        drawn.draw(&one, &Style { opacity: 1.0, ..plain() });
        let ink = Ink::new(plain().color, 1.0, format, drawn.colorimetry);
        let shift = if format == PixelFormat::P010Le { 6 } else { 0 };
        for pass in passes::color_passes(format) {
            let (_, rows) = format.plane_extent(pass.plane, 64, 64);
            let deep = ink::bits_of(format) > 8;
            let cells =
                if pass.grid == passes::Grid::Full || pass.grid == passes::Grid::HalfColumnsTwice { 64 } else { 32 };
            let first = cells / 2 * pass.slots[0].len();
            let row = drawn.row(pass.plane, rows / 2);
            for (index, slot) in pass.slots[0].iter().enumerate() {
                let passes::Slot::Ink(component) = slot else { continue };
                let sample = match deep {
                    true => u16::from_le_bytes([row[2 * (first + index)], row[2 * (first + index) + 1]]) >> shift,
                    false => u16::from(row[first + index]),
                };
                assert_eq!(sample, ink.samples[*component], "{format:?} plane {} slot {index}", pass.plane);
            }
        }
    }
}

#[test]
fn alpha_and_padding_bytes_are_kept_by_overlays() {
    let one = objects(vec![disc("dog", [0.5, 0.5], 0.3, 1.0)]);
    for (format, offset) in [(PixelFormat::Rgba, 3), (PixelFormat::Argb, 0), (PixelFormat::Xbgr, 0)] {
        let mut drawn = Picture::new(format, (64, 64));
        drawn.draw(&one, &Style::default());
        assert!(
            (0..64).all(|y| drawn.row(0, y)[..256].iter().skip(offset).step_by(4).all(|&a| a == GRAY)),
            "{format:?}"
        );
    }
}

#[test]
fn nothing_to_do_changes_nothing() {
    let one = objects(vec![disc("dog", [0.5, 0.5], 0.3, 1.0)]);
    let elsewhere = Style { select: Selection::parse("select", "cat").unwrap(), ..Style::default() };
    let invisible = Style { opacity: 0.0, ..Style::default() };
    for (objects, style) in [(&objects(vec![]), &Style::default()), (&one, &elsewhere), (&one, &invisible)] {
        assert!(style.leaves_untouched(objects));
        let mut drawn = Picture::new(PixelFormat::Nv12, (64, 64));
        drawn.draw(objects, style);
        assert_eq!(drawn.planes, Picture::new(PixelFormat::Nv12, (64, 64)).planes);
    }
    let cutout = Style { mode: Mode::Cutout, ..invisible };
    assert!(!Style::default().leaves_untouched(&one) && !cutout.leaves_untouched(&objects(vec![])));
}

#[test]
fn cutout_scales_alpha_and_blackens_what_is_far() {
    let mut drawn = Picture::new(PixelFormat::Bgra, (64, 64));
    drawn.draw(&objects(vec![disc("dog", [0.5, 0.5], 0.25, 1.0)]), &Style { mode: Mode::Cutout, ..Style::default() });
    let row = drawn.row(0, 32);
    assert_eq!(row[4 * 32..4 * 33], [GRAY, GRAY, GRAY, GRAY]);
    assert_eq!(row[4 * 2..4 * 3], [0, 0, 0, 0]);
    // The disc ends at 16 and 48. Just outside it is transparent, and the colour is still there.
    assert_eq!(row[4 * 15..4 * 16], [GRAY, GRAY, GRAY, 0]);
}

#[test]
fn cutout_without_alpha_paints_the_ranges_black() {
    for (format, black) in [(PixelFormat::I420, [16, 128, 128]), (PixelFormat::Rgb, [0, 0, 0])] {
        let mut drawn = Picture::new(format, (64, 64));
        drawn.draw(&objects(vec![]), &Style { mode: Mode::Cutout, ..Style::default() });
        for (plane, &black) in black[..format.plane_count()].iter().enumerate() {
            let (row_bytes, rows) = format.plane_extent(plane, 64, 64);
            assert!((0..rows).all(|y| drawn.row(plane, y)[..row_bytes].iter().all(|&v| v == black)), "{format:?}");
            assert!(drawn.row(plane, 0)[row_bytes..].iter().all(|&v| v == PADDING));
        }
    }
}

#[test]
fn an_alpha_plane_gets_the_cutout() {
    let mut picture = Picture::new(PixelFormat::I420, (64, 64));
    let mut alpha = vec![7u8; 64 * 64];
    let planes = picture.planes.iter_mut().map(|(bytes, stride)| PlaneMut { bytes, stride: *stride }).collect();
    let mut frame = FrameMut::new(PixelFormat::I420, (64, 64), Colorimetry::default(), planes)
        .and_then(|frame| frame.with_alpha_plane(PlaneMut { bytes: &mut alpha, stride: 64 }))
        .unwrap();
    let mut compositor = Compositor::default();
    compositor.make_opaque(&mut frame);
    let style = Style { mode: Mode::Cutout, ..Style::default() };
    compositor.composite(&mut frame, &objects(vec![disc("dog", [0.5, 0.5], 0.25, 1.0)]), &style);
    assert_eq!((alpha[32 * 64 + 32], alpha[32 * 64 + 2]), (255, 0));
    assert_eq!(picture.row(0, 32)[32], GRAY);
    assert_eq!(picture.row(0, 32)[2], 16);
}

#[test]
fn strange_objects_are_drawn_without_harm() {
    let boxes =
        [[0.5, 0.5, 0.5, 0.5], [-3.0, -3.0, 9.0, 9.0], [0.9, 0.9, 0.1, 0.1], [f32::NAN, 0.0, f32::INFINITY, 1.0]];
    let mut items: Vec<_> = (0..500).map(|n| disc("dog", [n as f32 / 500.0, 0.5], 0.05, 1.0)).collect();
    for (object, [x0, y0, x1, y1]) in items.iter_mut().zip(boxes) {
        object.box_in_frame = BoxXyxy { x0, y0, x1, y1 };
    }
    items.push(Object { mask: Mask::new(1, 1, [255u8]).unwrap(), ..items[0].clone() });
    items.push(Object { mask: Mask::new(2, 900, vec![255u8; 1800]).unwrap(), ..items[0].clone() });
    items.push(Object { mask: Mask::new(0, 0, []).unwrap(), ..items[0].clone() });
    let style = Style { boxes: true, outline_width: Some(64.0), ..Style::default() };
    for size in [(1, 1), (16, 16), (3, 200), (97, 55)] {
        for mode in Mode::ALL {
            let mut drawn = Picture::new(PixelFormat::I420, size);
            let edges = Edges { grow: 3.0, feather: 9.0, fill_holes: true, min_area: 1e-4, ..Edges::default() };
            let prepared = Edges { refine: 1.0, temporal_smoothing: 1.0, ..Edges::default() };
            let all = [Edges::default(), prepared, edges, Edges { grow: -2.0, ..edges }];
            for edges in all.into_iter().take(if size == (97, 55) { 4 } else { 2 }) {
                drawn.draw(&objects(items.clone()), &Style { mode, edges, ..style.clone() });
            }
            assert!(drawn.row(0, 0)[size.0 as usize..].iter().all(|&v| v == PADDING), "{size:?}");
        }
    }
}

/// A gradient, and three objects: one cut by the frame, two that overlap.
fn golden_picture(format: PixelFormat) -> (Picture, Vec<Object>) {
    let size = (320u32, 180u32);
    let mut picture = Picture::new(format, size);
    let stride = picture.planes[0].1;
    let bytes_per_pixel = stride / 320;
    for (index, byte) in picture.planes[0].0.iter_mut().enumerate() {
        let (x, y, channel) = (index % stride / bytes_per_pixel, index / stride, index % stride % bytes_per_pixel);
        *byte = [(40 + x / 3) as u8, (60 + y / 2) as u8, 110, 255][channel];
    }
    let aspect = 16.0 / 9.0;
    let mut items = vec![
        disc("dog", [0.42, 0.55], 0.16, aspect),
        disc("red car", [0.56, 0.62], 0.1, aspect),
        disc("κύμα Ω", [0.02, 0.2], 0.1, aspect),
    ];
    items.iter_mut().zip([0.93, 0.71, 0.52]).for_each(|(object, score)| object.score = score);
    (picture, items)
}

fn pixels_of(picture: &Picture, bytes_per_pixel: usize) -> Vec<u8> {
    (0..180).flat_map(|y| picture.row(0, y)[..320 * bytes_per_pixel].to_vec()).collect()
}

fn golden(name: &str, format: PixelFormat, style: &Style) {
    let (mut picture, items) = golden_picture(format);
    let bytes_per_pixel = picture.planes[0].1 / 320;
    picture.draw(&objects(items), style);
    compare_with_golden(name, (320, 180), bytes_per_pixel, &pixels_of(&picture, bytes_per_pixel));
}

/// `SA3_UPDATE_GOLDEN=1` writes the pictures anew before they are compared; look at them before they are committed.
pub(super) fn compare_with_golden(name: &str, (width, height): (u32, u32), channels: usize, pixels: &[u8]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/composite/golden").join(name);
    if std::env::var_os("SA3_UPDATE_GOLDEN").is_some() {
        let mut encoder = png::Encoder::new(std::fs::File::create(&path).unwrap(), width, height);
        encoder.set_compression(png::Compression::High);
        encoder.set_color(if channels == 4 { png::ColorType::Rgba } else { png::ColorType::Rgb });
        encoder.write_header().unwrap().write_image_data(pixels).unwrap();
    }
    let file = std::fs::File::open(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()));
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().unwrap();
    let mut expected = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut expected).unwrap();
    assert_eq!(expected.len(), pixels.len(), "{name}");
    let wrong = pixels.iter().zip(&expected).filter(|(a, b)| a.abs_diff(**b) > 3).count();
    assert_eq!(wrong, 0, "{wrong} of {} samples of {name} differ by more than 3", pixels.len());
}

#[test]
fn golden_overlay() {
    golden("overlay.png", PixelFormat::Rgb, &Style::default());
}

#[test]
fn golden_boxes_and_scores() {
    let style = Style {
        boxes: true,
        color_by: ColorBy::Score,
        label_format: LabelFormat::parse("{label} {percent}"),
        ..Style::default()
    };
    golden("boxes.png", PixelFormat::Rgb, &style);
}

#[test]
fn golden_outline() {
    let style = Style { mode: Mode::Outline, labels: false, outline_width: Some(3.0), ..Style::default() };
    golden("outline.png", PixelFormat::Rgb, &style);
}

#[test]
fn golden_glow() {
    golden("glow.png", PixelFormat::Rgb, &Style { mode: Mode::Glow, labels: false, ..Style::default() });
}

#[test]
fn golden_cutout() {
    golden("cutout.png", PixelFormat::Rgba, &Style { mode: Mode::Cutout, ..Style::default() });
}

#[test]
fn trails_grow_older_while_nothing_is_there() {
    let style = Style { trail_in_frames: 10, labels: false, ..Style::default() };
    let at = |x: f32| {
        let mut dog = disc("dog", [x, 0.5], 0.1, 1.0);
        dog.id = Some(1);
        objects(vec![dog])
    };
    let draw = |compositor: &mut Compositor, objects: &Objects, style: &Style| {
        let mut picture = Picture::new(PixelFormat::Rgb, (320, 180));
        compositor.composite(&mut picture.frame(), objects, style);
        pixels_of(&picture, 3)
    };
    let after = |frames: usize, between: &dyn Fn(&mut Compositor)| {
        let mut compositor = Compositor::default();
        (0..5).for_each(|step| drop(draw(&mut compositor, &at(0.3 + 0.05 * step as f32), &style)));
        (0..frames).for_each(|_| between(&mut compositor));
        draw(&mut compositor, &at(0.6), &style)
    };
    let without = draw(&mut Compositor::default(), &at(0.6), &Style { trail_in_frames: 0, ..style.clone() });
    let nothing = |compositor: &mut Compositor| drop(draw(compositor, &Objects::default(), &style));
    assert!(after(5, &nothing) != without, "the way is not forgotten yet");
    assert!(after(10, &nothing) == without);
    assert!(after(10, &|compositor| compositor.pass_over(&style)) == without);
    let dim = Style { mode: Mode::Dim, ..style.clone() };
    assert!(after(10, &|compositor| drop(draw(compositor, &at(0.5), &dim))) == without, "other modes have no trails");
}

#[test]
fn golden_styles_and_trails() {
    let (mut picture, mut items) = golden_picture(PixelFormat::Rgb);
    let text = "dog: color=#ff2020 opacity=0.8 labels=false; #2: outline-width=6 boxes=true; score>=0.9: opacity=0.3";
    let overrides = Overrides::parse("styles", text).unwrap();
    let style = Style { overrides, trail_in_frames: 30, ..Style::default() };
    let mut compositor = Compositor::default();
    for step in (0..12).rev() {
        for (object, id) in items.iter_mut().zip(1..) {
            let shift = 0.02 * step as f32;
            let BoxXyxy { x0, x1, .. } = disc("", [0.42, 0.55], 0.16, 16.0 / 9.0).box_in_frame;
            object.id = Some(id);
            if id == 1 {
                (object.box_in_frame.x0, object.box_in_frame.x1) = (x0 + shift, x1 + shift);
            }
        }
        let mut drawn = if step == 0 { None } else { Some(Picture::new(PixelFormat::Rgb, (320, 180))) };
        let target = drawn.as_mut().unwrap_or(&mut picture);
        compositor.composite(&mut target.frame(), &objects(items.clone()), &style);
    }
    compare_with_golden("styles.png", (320, 180), 3, &pixels_of(&picture, 3));
}
