//! Which colour an object gets: stable over time, apart for colour-blind viewers.

use std::sync::Arc;

use super::style::{ColorBy, Rgb, Style};
use crate::objects::Object;

/// Number of colours told apart.
pub(super) const PALETTE_SIZE: usize = 12;

/// Twelve colours, at least 21 CIELAB units apart from each other in normal vision and as seen with protanopia,
/// deuteranopia and tritanopia (a test computes it). Earlier ones are farther apart.
const PALETTE: [Rgb; PALETTE_SIZE] = [
    rgb(0x6a49eb),
    rgb(0xea7716),
    rgb(0x67fcd4),
    rgb(0x944f9e),
    rgb(0xe3a4ff),
    rgb(0xd8fa43),
    rgb(0xad456b),
    rgb(0xc92033),
    rgb(0x98e36b),
    rgb(0x47be81),
    rgb(0x9a6cdf),
    rgb(0xe17eb9),
];

/// Viridis, the perceptually even ramp, at scores 0, 0.25, 0.5, 0.75 and 1.
const SCORE_RAMP: [Rgb; 5] = [rgb(0x440154), rgb(0x3b528b), rgb(0x21918c), rgb(0x5ec962), rgb(0xfde725)];

/// A label that was not seen for this many frames gives its colour away when others need one.
const FRAMES_UNTIL_REASSIGNED: u64 = 250;

const fn rgb(hex: u32) -> Rgb {
    Rgb { r: (hex >> 16) as u8, g: (hex >> 8) as u8, b: hex as u8 }
}

/// Remembers which label has which colour.
///
/// A label asks for the colour that its hash names; when another label has that one it takes the next free one and
/// keeps it. So the same words get the same colours in every run, and up to twelve labels never share a colour.
#[derive(Debug, Default)]
pub(super) struct Palette {
    slots: [Option<Slot>; PALETTE_SIZE],
    frame_number: u64,
}

#[derive(Debug)]
struct Slot {
    label: Arc<str>,
    last_seen_frame: u64,
}

impl Palette {
    /// Call once for each frame, before its colours are asked for.
    pub(super) fn begin_frame(&mut self) {
        self.frame_number += 1;
    }

    /// The colour of `object` in this style.
    pub(super) fn color_of(&mut self, object: &Object, style: &Style) -> Rgb {
        match (style.color_by, object.id) {
            (ColorBy::Single, _) => style.color,
            (ColorBy::Score, _) => ramp(object.score),
            (ColorBy::Prompt, _) => PALETTE[object.prompt_index as usize % PALETTE_SIZE],
            (ColorBy::Id, Some(id)) => PALETTE[(id % PALETTE_SIZE as u64) as usize],
            (ColorBy::Label, _) | (ColorBy::Id, None) => PALETTE[self.slot_of(&object.label)],
        }
    }

    fn slot_of(&mut self, label: &Arc<str>) -> usize {
        let preferred = (hash_of(label) % PALETTE_SIZE as u64) as usize;
        let frame_number = self.frame_number;
        let from_preferred = || (0..PALETTE_SIZE).map(|step| (preferred + step) % PALETTE_SIZE);
        let held = |slot: &Option<Slot>| slot.as_ref().is_some_and(|s| s.label == *label);
        let available = |slot: &Option<Slot>| {
            slot.as_ref().is_none_or(|s| frame_number - s.last_seen_frame > FRAMES_UNTIL_REASSIGNED)
        };
        let chosen = from_preferred()
            .find(|&index| held(&self.slots[index]))
            .or_else(|| from_preferred().find(|&index| self.slots[index].is_none()))
            .or_else(|| from_preferred().find(|&index| available(&self.slots[index])));
        let Some(index) = chosen else { return preferred };
        self.slots[index] = Some(Slot { label: label.clone(), last_seen_frame: frame_number });
        index
    }
}

/// FNV-1a: short, and the same in every run and on every machine.
fn hash_of(label: &str) -> u64 {
    label.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn ramp(score: f32) -> Rgb {
    let position = score.clamp(0.0, 1.0) * (SCORE_RAMP.len() - 1) as f32;
    let below = (position as usize).min(SCORE_RAMP.len() - 2);
    let part = position - below as f32;
    let mix = |a: u8, b: u8| (f32::from(a) + part * (f32::from(b) - f32::from(a))).round() as u8;
    let (a, b) = (SCORE_RAMP[below], SCORE_RAMP[below + 1]);
    Rgb { r: mix(a.r, b.r), g: mix(a.g, b.g), b: mix(a.b, b.b) }
}

impl Rgb {
    /// Black.
    pub const BLACK: Self = rgb(0x000000);
    /// White.
    pub const WHITE: Self = rgb(0xffffff);

    /// Relative luminance, 0..1, as WCAG defines it.
    pub(super) fn luminance(self) -> f32 {
        let [r, g, b] = [self.r, self.g, self.b].map(linear);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }
}

/// Light intensity of an sRGB sample, 0..1.
fn linear(sample: u8) -> f32 {
    let s = f32::from(sample) / 255.0;
    if s <= 0.04045 { s / 12.92 } else { ((s + 0.055) / 1.055).powf(2.4) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::BoxXyxy;
    use crate::objects::Mask;

    fn object(label: &str, id: Option<u64>, prompt_index: u32, score: f32) -> Object {
        let mask = Mask::new(1, 1, [0]).unwrap();
        Object {
            id,
            label: label.into(),
            prompt_index,
            score,
            box_in_frame: BoxXyxy::default(),
            mask,
            state: None,
            first_seen_ns: None,
            last_seen_ns: None,
        }
    }

    fn by(color_by: ColorBy) -> Style {
        Style { color_by, ..Style::default() }
    }

    #[test]
    fn twelve_labels_never_share_a_colour_and_keep_theirs() {
        let mut palette = Palette::default();
        let labels: Vec<String> = (0..PALETTE_SIZE).map(|n| format!("thing {n}")).collect();
        let mut colors_of = |order: &mut dyn Iterator<Item = &String>| -> Vec<(String, Rgb)> {
            palette.begin_frame();
            let mut all: Vec<_> =
                order.map(|l| (l.clone(), palette.color_of(&object(l, None, 0, 0.5), &by(ColorBy::Label)))).collect();
            all.sort_by(|a, b| a.0.cmp(&b.0));
            all
        };
        let first = colors_of(&mut labels.iter());
        let reversed = colors_of(&mut labels.iter().rev());
        assert_eq!(first, reversed);
        for (index, (_, color)) in first.iter().enumerate() {
            assert!(first[..index].iter().all(|(_, other)| other != color), "{color:?} twice");
        }
    }

    #[test]
    fn a_thirteenth_label_waits_until_one_is_forgotten() {
        let mut palette = Palette::default();
        palette.begin_frame();
        for n in 0..PALETTE_SIZE {
            palette.slot_of(&format!("thing {n}").into());
        }
        let late: Arc<str> = "late".into();
        let hashed = palette.slot_of(&late);
        assert_eq!(hashed, palette.slot_of(&late));
        assert!(palette.slots.iter().flatten().all(|slot| slot.label != late));
        for _ in 0..=FRAMES_UNTIL_REASSIGNED {
            palette.begin_frame();
        }
        let reassigned = palette.slot_of(&late);
        assert_eq!(palette.slots[reassigned].as_ref().unwrap().label, late);
    }

    #[test]
    fn ids_prompts_and_scores_choose_as_told() {
        let mut palette = Palette::default();
        let one = object("dog", Some(13), 2, 0.25);
        assert_eq!(palette.color_of(&one, &by(ColorBy::Id)), PALETTE[1]);
        assert_eq!(palette.color_of(&one, &by(ColorBy::Prompt)), PALETTE[2]);
        assert_eq!(palette.color_of(&one, &by(ColorBy::Score)), SCORE_RAMP[1]);
        assert_eq!(palette.color_of(&one, &by(ColorBy::Single)), Style::default().color);
        let nameless = object("dog", None, 2, 1.0);
        let by_label = palette.color_of(&nameless, &by(ColorBy::Label));
        assert_eq!(palette.color_of(&nameless, &by(ColorBy::Id)), by_label);
        assert_eq!(palette.color_of(&nameless, &by(ColorBy::Score)), SCORE_RAMP[4]);
    }

    /// Linear R'G'B' to what a dichromat sees of it (Machado, Oliveira, Fernandes 2009, severity 1).
    const VISIONS: [[[f32; 3]; 3]; 4] = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    ];
    const XYZ_FROM_RGB: [[f32; 3]; 3] = [[0.4339, 0.3763, 0.1899], [0.2126, 0.7152, 0.0722], [0.0177, 0.1095, 0.8726]];

    fn times(matrix: &[[f32; 3]; 3], v: [f32; 3]) -> [f32; 3] {
        matrix.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
    }

    fn lab(color: Rgb, vision: &[[f32; 3]; 3]) -> [f32; 3] {
        let seen = times(vision, [color.r, color.g, color.b].map(linear)).map(|v| v.clamp(0.0, 1.0));
        let cube = |v: f32| if v > 0.008856 { v.cbrt() } else { 7.787 * v + 16.0 / 116.0 };
        let [x, y, z] = times(&XYZ_FROM_RGB, seen).map(cube);
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    #[test]
    fn colours_stay_apart_for_colour_blind_viewers() {
        for (vision_index, vision) in VISIONS.iter().enumerate() {
            for (index, &a) in PALETTE.iter().enumerate() {
                for &b in &PALETTE[..index] {
                    let (la, lb) = (lab(a, vision), lab(b, vision));
                    let distance = la.iter().zip(lb).map(|(p, q)| (p - q).powi(2)).sum::<f32>().sqrt();
                    assert!(distance > 21.0, "vision {vision_index}: {a:?} {b:?} {distance}");
                }
            }
        }
    }
}
