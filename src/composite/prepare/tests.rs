//! Masks that are steadied and refined, and objects that fade, as the compositor's users see them.

use super::*;
use crate::composite::tests::{Picture, disc, objects};
use crate::composite::{Compositor, Edges, Mode, Region, Rgb};
use crate::frame::PixelFormat;
use crate::objects::{Mask, Object};

const SIZE: (u32, u32) = (320, 180);
const ASPECT: f32 = 320.0 / 180.0;

/// A frame that is dark but for a disc of this middle and radius in pixels.
fn disc_on_dark([cx, cy]: [f32; 2], radius: f32, light: u8) -> Picture {
    let mut picture = Picture::new(PixelFormat::Gray8, SIZE);
    let stride = picture.planes[0].1;
    for (y, row) in picture.planes[0].0.chunks_mut(stride).enumerate() {
        for (x, value) in row[..SIZE.0 as usize].iter_mut().enumerate() {
            let is_inside = (x as f32 + 0.5 - cx).hypot(y as f32 + 0.5 - cy) < radius;
            *value = if is_inside { light } else { 40 };
        }
    }
    picture
}

fn refining(refine: f32) -> Style {
    Style { edges: Edges { refine, ..Edges::default() }, ..Style::default() }
}

fn steadying(temporal_smoothing: f32) -> Style {
    Style { edges: Edges { temporal_smoothing, ..Edges::default() }, ..Style::default() }
}

fn fading(mode: Mode) -> Style {
    Style { mode, fade_ms: 100.0, ..Style::default() }
}

/// Part of the frame on which the mask and the disc of the picture disagree.
fn disagreement(mask: &Mask, [cx, cy]: [f32; 2], radius: f32) -> f32 {
    let wrong = mask.bytes().iter().enumerate().filter(|(index, value)| {
        let (x, y) = (index % mask.width as usize, index / mask.width as usize);
        let at = |n: usize, count: u32, pixels: u32| (n as f32 + 0.5) / count as f32 * pixels as f32;
        let outside = (at(x, mask.width, SIZE.0) - cx).hypot(at(y, mask.height, SIZE.1) - cy) >= radius;
        (**value >= 128) == outside
    });
    wrong.count() as f32 / mask.bytes().len() as f32
}

#[test]
fn refined_edges_lie_on_those_of_the_picture() {
    // The mask is a little too large and beside the disc.
    let rough = objects(vec![disc("ball", [0.508, 0.49], 0.165, ASPECT)]);
    let (middle, radius) = ([160.0, 90.0], 48.0);
    for light in [220, 110] {
        let mut picture = disc_on_dark(middle, radius, light);
        let mut preparer = Preparer::default();
        let before = disagreement(&rough.items[0].mask, middle, radius);
        let shown = preparer.prepare(&mut picture.frame(), &rough, &refining(1.0));
        let after = disagreement(&shown.items[0].mask, middle, radius);
        assert!(after < 0.25 * before, "{light}: {before} before, {after} after");
        let half = preparer.prepare(&mut picture.frame(), &rough, &refining(0.3));
        let partly = disagreement(&half.items[0].mask, middle, radius);
        assert!(after < partly && partly < before, "{light}: {partly}");
    }
}

#[test]
fn without_an_edge_in_the_picture_masks_keep_their_size() {
    let mut picture = Picture::new(PixelFormat::Nv12, SIZE);
    let one = objects(vec![disc("ball", [0.5, 0.5], 0.15, ASPECT), disc("ball", [0.02, 0.98], 0.1, ASPECT)]);
    let mut preparer = Preparer::default();
    let shown = preparer.prepare(&mut picture.frame(), &one, &refining(1.0));
    for (rough, refined) in one.items.iter().zip(&shown.items) {
        let part =
            |mask: &Mask| mask.bytes().iter().filter(|value| **value >= 128).count() as f32 / mask.bytes().len() as f32;
        let (before, after) = (part(&rough.mask), part(&refined.mask));
        assert!((after / before - 1.0).abs() < 0.05, "{before} became {after}");
    }
}

#[test]
fn masks_of_nothing_and_of_everything_are_refined_to_themselves() {
    let mut picture = disc_on_dark([160.0, 90.0], 48.0, 220);
    for value in [0, 255] {
        let mut one = disc("ball", [0.5, 0.5], 0.15, ASPECT);
        one.mask = Mask::new(3, 5, vec![value; 15]).unwrap();
        let one = objects(vec![one]);
        let mut preparer = Preparer::default();
        let shown = preparer.prepare(&mut picture.frame(), &one, &refining(1.0));
        assert!(shown.items[0].mask.bytes().iter().all(|refined| refined.abs_diff(value) <= 1), "{value}");
    }
}

/// A disc whose radius trembles by so many cells of the mask.
fn trembling(frame: usize, cells: f32) -> Objects {
    let radius = 0.15 + cells / 48.0 * (frame % 2) as f32;
    objects(vec![Object { id: Some(1), ..disc("ball", [0.5, 0.5], radius, ASPECT) }])
}

/// Mean difference of a mask's values from one frame to the next.
fn unrest(style: &Style) -> f32 {
    let (mut preparer, mut before, mut sum) = (Preparer::default(), Vec::new(), 0.0);
    for frame in 0..12 {
        let mut picture = disc_on_dark([160.0, 90.0], 48.0, 220);
        let objects = trembling(frame, 1.0);
        let shown = preparer.prepare(&mut picture.frame(), &objects, style);
        let values = shown.items[0].mask.bytes().to_vec();
        if frame > 4 {
            let differences = values.iter().zip(&before).map(|(a, b): (&u8, &u8)| f32::from(a.abs_diff(*b)));
            sum += differences.sum::<f32>() / values.len() as f32;
        }
        before = values;
    }
    sum
}

#[test]
fn trembling_masks_hold_still() {
    let (none, half, full) = (unrest(&steadying(1e-6)), unrest(&steadying(0.5)), unrest(&steadying(1.0)));
    assert!(none > 0.0 && half < 0.7 * none && full < 0.2 * none, "{none} {half} {full}");
}

#[test]
fn a_mask_that_stays_changed_is_reached() {
    let mut preparer = Preparer::default();
    let mut last = Vec::new();
    for frame in 0..80 {
        let mut picture = disc_on_dark([160.0, 90.0], 48.0, 220);
        let now = trembling(usize::from(frame > 3), 2.0);
        last = preparer.prepare(&mut picture.frame(), &now, &steadying(1.0)).items[0].mask.bytes().to_vec();
    }
    assert_eq!(last, trembling(1, 2.0).items[0].mask.bytes());
}

#[test]
fn what_moves_leaves_no_trail() {
    let mut preparer = Preparer::default();
    for frame in 0..10 {
        let x = 0.2 + 0.05 * frame as f32;
        let mut picture = disc_on_dark([x * 320.0, 90.0], 32.0, 220);
        let now = objects(vec![Object { id: Some(1), ..disc("ball", [x, 0.5], 0.1, ASPECT) }]);
        let shown = preparer.prepare(&mut picture.frame(), &now, &steadying(1.0));
        let (new, steadied) = (now.items[0].mask.bytes(), shown.items[0].mask.bytes());
        let wrong = new.iter().zip(steadied).filter(|(new, steadied)| (**new >= 128) != (**steadied >= 128)).count();
        // Steps are not whole cells; a trail would be some thirty.
        assert!(wrong <= 10, "frame {frame}: {wrong} cells");
    }
}

#[test]
fn where_the_picture_changes_the_new_mask_counts() {
    let mut preparer = Preparer::default();
    let at = |x: f32| objects(vec![Object { id: Some(1), ..disc("ball", [x, 0.5], 0.1, ASPECT) }]);
    preparer.prepare(&mut disc_on_dark([80.0, 90.0], 32.0, 220).frame(), &at(0.25), &steadying(1.0));
    // The box tells of no movement, as when two things swap an id.
    let mut there = at(0.75);
    there.items[0].box_in_frame = at(0.25).items[0].box_in_frame;
    let shown = preparer.prepare(&mut disc_on_dark([240.0, 90.0], 32.0, 220).frame(), &there, &steadying(1.0));
    let inside = |mask: &Mask| mask.bytes().iter().map(|value| *value >= 128).collect::<Vec<_>>();
    assert_eq!(inside(&shown.items[0].mask), inside(&there.items[0].mask));
}

/// Strengths of all that is shown, frame after frame of 25 ms; `here` tells whether the object is there.
fn strengths(style: &Style, id: Option<u64>, here: &str) -> Vec<Vec<f32>> {
    let mut preparer = Preparer::default();
    let frames = here.chars().enumerate().map(|(index, here)| {
        let now = match here {
            '#' => objects(vec![Object { id, ..disc("ball", [0.5, 0.5], 0.15, ASPECT) }]),
            _ => objects(vec![]),
        };
        let mut picture = Picture::new(PixelFormat::Gray8, (64, 36));
        let mut frame = picture.frame().at(Some(1_000_000_000 + 25_000_000 * index as u64));
        let shown = preparer.prepare(&mut frame, &now, style);
        (0..shown.items.len()).map(|item| shown.strength(item)).collect()
    });
    frames.collect()
}

#[test]
fn objects_come_and_go_over_the_time_of_a_fade() {
    for id in [Some(7), None] {
        let shown = strengths(&fading(Mode::Overlay), id, ".####.#....##");
        let expected: [&[f32]; 13] =
            [&[], &[0.25], &[0.5], &[0.75], &[1.0], &[0.75], &[1.0], &[0.75], &[0.5], &[0.25], &[], &[0.25], &[0.5]];
        assert_eq!(shown, expected, "{id:?}");
    }
}

#[test]
fn what_is_there_when_a_stream_begins_is_seen_at_once_and_times_may_be_missing() {
    assert_eq!(strengths(&fading(Mode::Overlay), Some(1), "##"), [[1.0], [1.0]]);
    let mut preparer = Preparer::default();
    let one = objects(vec![Object { id: Some(1), ..disc("ball", [0.5, 0.5], 0.15, ASPECT) }]);
    for now in [&objects(vec![]), &one, &objects(vec![])] {
        let mut picture = Picture::new(PixelFormat::Gray8, (64, 36));
        let shown = preparer.prepare(&mut picture.frame(), now, &fading(Mode::Overlay));
        assert_eq!((shown.items.len(), shown.strength(0)), (now.items.len(), 1.0));
    }
}

#[test]
fn modes_that_hide_objects_have_them_at_once() {
    let inside = Style { region: Region::Inside, ..fading(Mode::Blur) };
    assert_eq!(strengths(&inside, Some(1), ".#.")[1..], [vec![1.0], vec![0.75]]);
    let outside = Style { region: Region::Outside, ..fading(Mode::Blur) };
    assert_eq!(strengths(&outside, Some(1), ".#")[1], [0.25]);
}

#[test]
fn half_an_object_is_half_filled() {
    let style = Style { fill_color: Rgb::WHITE, region: Region::Inside, ..fading(Mode::Fill) };
    let mut compositor = Compositor::default();
    let one = objects(vec![Object { id: Some(1), ..disc("ball", [0.5, 0.5], 0.15, ASPECT) }]);
    let mut middles = Vec::new();
    for (index, now) in [&one, &objects(vec![]), &objects(vec![])].into_iter().enumerate() {
        let mut picture = Picture::new(PixelFormat::Gray8, SIZE);
        assert!(!compositor.leaves_untouched(now, &style));
        compositor.composite(&mut picture.frame().at(Some(50_000_000 * index as u64)), now, &style);
        middles.push(picture.row(0, 90)[160]);
    }
    // From 235, white, to what is behind, 100.
    assert!(middles[0] == 235 && middles[1].abs_diff(168) <= 1 && middles[2] == 100, "{middles:?}");
    assert!(compositor.leaves_untouched(&objects(vec![]), &style), "nothing fades any more");
}

#[test]
fn a_key_is_that_of_the_refined_masks() {
    let rough = objects(vec![disc("ball", [0.508, 0.49], 0.165, ASPECT)]);
    let mut picture = disc_on_dark([160.0, 90.0], 48.0, 220);
    let style = Style { mode: Mode::KeyFill, ..refining(1.0) };
    let mut compositor = Compositor::default();
    assert!(!compositor.leaves_untouched(&rough, &style));
    compositor.composite(&mut picture.frame(), &rough, &style);
    let mut key = Picture::new(PixelFormat::Gray8, SIZE);
    compositor.paint_key(&mut key.frame(), &rough, &style);
    let row = &key.row(0, 90)[..320];
    let bright = row.iter().filter(|value| **value >= 128).count();
    // The mask as it came has 106.
    assert!(bright.abs_diff(96) <= 4, "{bright} pixels of 96");
}

#[test]
fn more_objects_than_are_followed_are_drawn_all_the_same() {
    let many = objects((0..600).map(|id| Object { id: Some(id), ..disc("ball", [0.5, 0.5], 0.1, ASPECT) }).collect());
    let mut preparer = Preparer::default();
    for _ in 0..2 {
        let mut picture = Picture::new(PixelFormat::Gray8, (64, 36));
        let shown = preparer.prepare(&mut picture.frame(), &many, &fading(Mode::Overlay));
        assert_eq!((shown.items.len(), shown.strength(599)), (600, 1.0));
    }
}
