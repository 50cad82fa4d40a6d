//! Tests of what becomes of a picture whose background goes: replaced, lit, without spill, as fill and key.

use super::tests::{Plain, SIZE, alpha_of, alphas, expected, noise, plain, soft_disc};
use super::*;
use crate::composite::samples::components;
use crate::composite::style::{Edges, Region as Where};
use crate::composite::tests::Picture;
use crate::composite::{Backdrop, Compositor};
use crate::frame::{Frame, PixelFormat, Plane, YuvRange};

fn taken(picture: &Picture) -> Backdrop {
    let planes = picture.planes.iter().map(|(bytes, stride)| Plane { bytes, stride: *stride }).collect();
    let mut backdrop = Backdrop::default();
    backdrop.take(&Frame::new(picture.format, picture.size, picture.colorimetry, planes).unwrap());
    backdrop
}

/// A picture of one value, made of `format`'s components.
fn even(format: PixelFormat, values: [u16; 3]) -> Picture {
    let mut picture = Picture::new(format, SIZE);
    for (component, value) in components(format).zip(values) {
        let (bytes, stride) = &mut picture.planes[component.plane];
        let (row_bytes, _) = format.plane_extent(component.plane, SIZE.0, SIZE.1);
        let values = vec![value; component.columns(SIZE.0)];
        bytes.chunks_mut(*stride).for_each(|row| component.write(&mut row[..row_bytes], &values));
    }
    picture
}

fn style(mode: Mode) -> Style {
    Style { mode, edges: Edges { feather: 5.0, ..Edges::default() }, ..Style::default() }
}

#[test]
fn the_backdrop_takes_the_regions_place_in_every_format() {
    for region in [Where::Auto, Where::Inside] {
        let style = Style { region, ..style(Mode::Replace) };
        let alphas = alphas(&soft_disc(), &style, SIZE);
        for format in PixelFormat::ALL {
            let mut picture = noise(format, SIZE);
            let before = plain(&picture);
            let mut other = Picture::new(format, SIZE);
            other.planes.iter_mut().zip(&picture.planes).for_each(|(plane, (bytes, _))| {
                plane.0.iter_mut().zip(bytes.iter().rev()).for_each(|(to, from)| *to = *from & 3);
            });
            let new = plain(&other);
            Compositor::default().composite_over(&mut picture.frame(), &soft_disc(), &style, Some(&mut taken(&other)));
            let expected = expected(&before, &alphas, 255, |component, _, x, y| new[component].values[y][x]);
            assert_eq!(plain(&picture), expected, "{format:?} {region:?}");
        }
    }
}

#[test]
fn without_a_backdrop_that_fits_the_fill_color_takes_its_place() {
    let style = Style { fill_color: Rgb { r: 10, g: 200, b: 30 }, ..style(Mode::Replace) };
    let mut small = taken(&Picture::new(PixelFormat::Nv12, (8, 8)));
    let mut other_format = taken(&Picture::new(PixelFormat::Rgb, SIZE));
    let mut filled = noise(PixelFormat::Nv12, SIZE);
    filled.draw(&soft_disc(), &Style { mode: Mode::Fill, region: Where::Outside, ..style.clone() });
    for backdrop in [None, Some(&mut small), Some(&mut other_format)] {
        let mut picture = noise(PixelFormat::Nv12, SIZE);
        Compositor::default().composite_over(&mut picture.frame(), &soft_disc(), &style, backdrop);
        assert_eq!(plain(&picture), plain(&filled));
    }
}

/// Values of the first component by where they are: far inside the disc, at its inner edge.
fn inside_and_edge(plain: &Plain, alphas: &[Vec<u8>]) -> (u16, u16) {
    let kept = |x: usize| alpha_of(alphas, plain.pixels_per_sample, x, 18);
    let edge = (0..61).find(|&x| kept(x) == 0).expect("the disc stays");
    (plain.values[18][28], plain.values[18][edge])
}

#[test]
fn light_wraps_around_the_edge_and_not_into_the_middle() {
    for format in [PixelFormat::Nv12, PixelFormat::Rgb, PixelFormat::Gray8, PixelFormat::P010Le] {
        let bright = if format == PixelFormat::P010Le { 900 } else { 230 };
        let mut backdrop = taken(&even(format, [bright; 3]));
        let mut edges = Vec::new();
        for light_wrap in [0.0, 0.5, 1.0] {
            let style = Style { light_wrap, edges: Edges::default(), ..style(Mode::Replace) };
            let alphas = alphas(&soft_disc(), &style, SIZE);
            let mut picture = even(format, [60; 3]);
            Compositor::default().composite_over(&mut picture.frame(), &soft_disc(), &style, Some(&mut backdrop));
            let (inside, edge) = inside_and_edge(&plain(&picture)[0], &alphas);
            assert_eq!(inside, 60, "{format:?}");
            edges.push(edge);
        }
        assert!(edges[0] == 60 && edges[1] > 75 && edges[2] > edges[1] + 15, "{format:?}: {edges:?}");
    }
}

#[test]
fn wrapped_light_follows_the_next_picture() {
    let style = Style { light_wrap: 1.0, ..style(Mode::Replace) };
    let mut compositor = Compositor::default();
    let mut backdrop = taken(&even(PixelFormat::Gray8, [230; 3]));
    for (value, is_brighter) in [(230, true), (10, false)] {
        let next = even(PixelFormat::Gray8, [value; 3]);
        let plane = Plane { bytes: &next.planes[0].0, stride: next.planes[0].1 };
        backdrop.take(&Frame::new(PixelFormat::Gray8, SIZE, next.colorimetry, vec![plane]).unwrap());
        let mut picture = even(PixelFormat::Gray8, [100; 3]);
        compositor.composite_over(&mut picture.frame(), &soft_disc(), &style, Some(&mut backdrop));
        let alphas = alphas(&soft_disc(), &style, SIZE);
        let (_, edge) = inside_and_edge(&plain(&picture)[0], &alphas);
        assert_eq!(edge > 100, is_brighter, "{edge}");
    }
}

/// A green room shines on a red disc: despill brings the red back to the edge, as bright as it was.
#[test]
fn despill_takes_the_backgrounds_colour_from_the_edge() {
    for format in [PixelFormat::Nv12, PixelFormat::Rgb, PixelFormat::Yuy2, PixelFormat::Y444] {
        let [object, room] =
            if format.is_rgb() { [[200, 40, 40], [40, 200, 40]] } else { [[90, 100, 220], [90, 60, 40]] };
        let mut cut = style(Mode::Cutout);
        cut.edges.feather = 0.0;
        let wide = Style { edges: Edges { grow: -1.0, feather: 2.0, ..cut.edges }, ..cut.clone() };
        let spilled = alphas(&soft_disc(), &wide, SIZE);
        let mut errors = Vec::new();
        for despill in [0.0, 1.0] {
            let mut picture = even(format, object);
            for (index, component) in components(format).enumerate() {
                let rows = plain(&picture)[index].values.len();
                for y in 0..rows {
                    let (bytes, stride) = &mut picture.planes[component.plane];
                    let values: Vec<u16> = (0..component.columns(SIZE.0))
                        .map(|x| {
                            let alpha = alpha_of(&spilled, component.pixels_per_sample, x, y);
                            ((u32::from(object[index]) * (255 - alpha) + u32::from(room[index]) * alpha) / 255) as u16
                        })
                        .collect();
                    component.write(&mut bytes[y * *stride..], &values);
                }
            }
            Compositor::default().composite(&mut picture.frame(), &soft_disc(), &Style { despill, ..cut.clone() });
            let gone = alphas(&soft_disc(), &cut, SIZE);
            let colored = &plain(&picture)[1];
            let error = |x: usize, y: usize| u32::from(colored.values[y][x].abs_diff(object[1]));
            let kept = (0..colored.values.len()).flat_map(|y| (0..colored.values[0].len()).map(move |x| (x, y)));
            let kept = kept.filter(|&(x, y)| alpha_of(&gone, colored.pixels_per_sample, x, y) == 0);
            errors.push(kept.map(|(x, y)| error(x, y)).sum::<u32>());
        }
        assert!(10 * errors[1] < 6 * errors[0], "{format:?}: {errors:?}");
    }
}

#[test]
fn fill_and_key_belong_together() {
    let straight = style(Mode::KeyFill);
    let premultiplied = Style { is_premultiplied: true, ..straight.clone() };
    let gone = alphas(&soft_disc(), &straight, SIZE);
    let mut picture = noise(PixelFormat::Nv12, SIZE);
    let before = plain(&picture);
    picture.draw(&soft_disc(), &straight);
    assert_eq!(plain(&picture), before, "straight: colours stay");
    picture.draw(&soft_disc(), &premultiplied);
    assert_eq!(plain(&picture), expected(&before, &gone, 255, |component, _, _, _| [16, 128, 128][component]));
    for (range, black, white) in [(YuvRange::Full, 0, 255), (YuvRange::Limited, 16, 235)] {
        let mut key = Picture::new(PixelFormat::Gray8, SIZE);
        key.colorimetry.range = range;
        Compositor::default().paint_key(&mut key.frame(), &soft_disc(), &straight);
        let painted = plain(&key);
        let all_white = vec![Plain { values: vec![vec![white; 61]; 37], pixels_per_sample: [1, 1] }];
        assert_eq!(painted, expected(&all_white, &gone, 255, |_, _, _, _| black), "{range:?}");
    }
}

#[test]
fn premultiplied_colours_go_as_alpha_goes() {
    let style = Style { is_premultiplied: true, ..style(Mode::Cutout) };
    let gone = alphas(&soft_disc(), &style, SIZE);
    let mut picture = Picture::new(PixelFormat::Rgba, SIZE);
    picture.draw(&soft_disc(), &style);
    for (y, gone) in gone.iter().enumerate() {
        for (pixel, &gone) in picture.row(0, y)[..4 * 61].as_chunks::<4>().0.iter().zip(gone) {
            let left = ((100 * (255 - u32::from(gone)) + 127) / 255) as u8;
            // Of the mask's distances the last bits depend on how far they were measured.
            assert!(pixel.iter().all(|sample| sample.abs_diff(left) <= 1), "{gone}: {pixel:?}");
        }
    }
}

/// Looks are for eyes; that every format gets the same tones, and only where it should, is for numbers.
#[test]
fn drawings_have_their_tones_in_every_format_and_change_nothing_else() {
    for mode in [Mode::Ink, Mode::Cartoon] {
        let style = Style { mode, ..Style::default() };
        let alphas = alphas(&soft_disc(), &style, SIZE);
        for format in PixelFormat::ALL {
            let mut picture = noise(format, SIZE);
            let before = plain(&picture);
            picture.draw(&soft_disc(), &style);
            for (before, after) in before.iter().zip(plain(&picture)) {
                for (y, (old, new)) in before.values.iter().zip(&after.values).enumerate() {
                    for (x, (old, new)) in old.iter().zip(new).enumerate() {
                        let is_outside = alpha_of(&alphas, after.pixels_per_sample, x, y) == 0;
                        assert!(!is_outside || old == new, "{mode:?} {format:?} at {x},{y}");
                    }
                }
            }
            let ink = |color| Ink::new(color, 1.0, format, picture.colorimetry).samples;
            for (gray, expected) in [(26, [0.10, 0.06]), (242, [0.97, 0.97])] {
                let mut flat = even(format, ink(Rgb { r: gray, g: gray, b: gray }));
                flat.draw(&soft_disc(), &style);
                let [black, white] = [ink(Rgb::BLACK), ink(Rgb::WHITE)].map(|samples| f32::from(samples[0]));
                let tone = (f32::from(plain(&flat)[0].values[18][28]) - black) / (white - black);
                let expected = expected[usize::from(mode == Mode::Cartoon)];
                assert!((tone - expected).abs() < 0.02, "{mode:?} {format:?} {gray}: {tone}");
            }
        }
    }
}
