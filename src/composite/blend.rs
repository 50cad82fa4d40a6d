//! The inner loops: a row of alphas times an ink onto a row of samples.
//!
//! Rows are taken sixteen cells at a time. Most sixteens are wholly outside or wholly inside a shape: the first cost
//! one comparison, the second a multiplication with constants; only edges look at each alpha. All arrays have constant
//! sizes, so that the compiler turns the loops into vector instructions.

use super::ink::Ink;
use super::passes::{Pass, Slot};
use super::vectors::vectorized;

/// Cells painted at a time. Alpha rows are a multiple of this long.
pub(super) const CHUNK: usize = 16;
/// Samples that sixteen cells take at most.
const MAX_CHUNK_SAMPLES: usize = 4 * CHUNK;

/// An ink laid out for one pass: what to do to each sample of sixteen cells.
#[derive(Debug, Clone)]
pub(super) struct Brush {
    /// Samples of one cell.
    samples_per_cell: usize,
    opacity: u16,
    color: [u16; MAX_CHUNK_SAMPLES],
    /// 255 where there is ink, 0 where the sample is kept.
    ink_mask: [u8; MAX_CHUNK_SAMPLES],
    /// Inside a shape `255 * new = old * solid_factor + solid_summand`.
    solid_factor: [u16; MAX_CHUNK_SAMPLES],
    solid_summand: [u16; MAX_CHUNK_SAMPLES],
}

impl Brush {
    pub(super) fn new(ink: &Ink, pass: &Pass) -> Self {
        let samples_per_cell = pass.slots[0].len();
        let opacity = u16::from(ink.opacity);
        let mut brush = Self {
            samples_per_cell,
            opacity,
            color: [0; MAX_CHUNK_SAMPLES],
            ink_mask: [0; MAX_CHUNK_SAMPLES],
            solid_factor: [255; MAX_CHUNK_SAMPLES],
            solid_summand: [0; MAX_CHUNK_SAMPLES],
        };
        for index in 0..CHUNK * samples_per_cell {
            let cell = index / samples_per_cell;
            if let Slot::Ink(component) = pass.slots[cell % 2][index % samples_per_cell] {
                brush.color[index] = ink.samples[component];
                brush.ink_mask[index] = 255;
                brush.solid_factor[index] = 255 - opacity;
                // 10-bit samples overflow here; only 8-bit rows read it.
                brush.solid_summand[index] = opacity.wrapping_mul(ink.samples[component]);
            }
        }
        brush
    }

    /// Paints cells `first_cell..first_cell + alphas.len()` of `row`, as far as the row goes.
    ///
    /// `first_cell` and `alphas.len()` are multiples of [`CHUNK`].
    pub(super) fn paint(&self, row: &mut [u8], first_cell: usize, alphas: &[u8]) {
        match self.samples_per_cell {
            1 => paint_chunks::<CHUNK>(self, row, first_cell, alphas),
            2 => paint_chunks::<{ 2 * CHUNK }>(self, row, first_cell, alphas),
            3 => paint_chunks::<{ 3 * CHUNK }>(self, row, first_cell, alphas),
            _ => paint_chunks::<{ 4 * CHUNK }>(self, row, first_cell, alphas),
        }
    }

    #[inline(always)]
    fn paint_chunk<const N: usize>(&self, samples: &mut [u8; N], alphas: &[u8; CHUNK]) {
        match u128::from_ne_bytes(*alphas) {
            0 => {}
            u128::MAX => self.paint_solid(samples),
            _ => self.paint_edge(samples, alphas),
        }
    }

    #[inline(always)]
    fn paint_solid<const N: usize>(&self, samples: &mut [u8; N]) {
        for (index, sample) in samples.iter_mut().enumerate() {
            let sum = u16::from(*sample) * self.solid_factor[index] + self.solid_summand[index];
            *sample = divided_by_255(sum);
        }
    }

    #[inline(always)]
    fn paint_edge<const N: usize>(&self, samples: &mut [u8; N], alphas: &[u8; CHUNK]) {
        let spread: [u8; N] = spread_over(alphas, self.opacity, N / CHUNK);
        for (index, sample) in samples.iter_mut().enumerate() {
            let alpha = u16::from(spread[index] & self.ink_mask[index]);
            *sample = divided_by_255(u16::from(*sample) * (255 - alpha) + self.color[index] * alpha);
        }
    }

    /// As [`Brush::paint`] for samples of 10 bits in 16-bit little-endian words, the value `shift` bits up.
    pub(super) fn paint_deep(&self, row: &mut [u8], first_cell: usize, alphas: &[u8], shift: u32) {
        let from = (2 * first_cell * self.samples_per_cell).min(row.len());
        let (words, _) = row[from..].as_chunks_mut::<2>();
        match self.samples_per_cell {
            1 => paint_deep_chunks::<CHUNK>(self, words, alphas, shift),
            2 => paint_deep_chunks::<{ 2 * CHUNK }>(self, words, alphas, shift),
            3 => paint_deep_chunks::<{ 3 * CHUNK }>(self, words, alphas, shift),
            _ => paint_deep_chunks::<{ 4 * CHUNK }>(self, words, alphas, shift),
        }
    }

    #[inline(always)]
    fn paint_deep_chunk(&self, words: &mut [[u8; 2]], alphas: &[u8; CHUNK], shift: u32) {
        if u128::from_ne_bytes(*alphas) == 0 {
            return;
        }
        let spread: [u8; MAX_CHUNK_SAMPLES] = spread_over(alphas, self.opacity, self.samples_per_cell);
        for (index, word) in words.iter_mut().enumerate() {
            let alpha = u32::from(spread[index] & self.ink_mask[index]);
            let old = u32::from(u16::from_le_bytes(*word) >> shift);
            let new = (old * (255 - alpha) + u32::from(self.color[index]) * alpha + 127) / 255;
            // Bits below the value stay where nothing is painted.
            *word = if alpha == 0 { *word } else { ((new as u16) << shift).to_le_bytes() };
        }
    }
}

vectorized! {
    fn paint_chunks<const N: usize>(brush: &Brush, row: &mut [u8], first_cell: usize, alphas: &[u8]) {
        let from = (first_cell * (N / CHUNK)).min(row.len());
        let to = (from + alphas.len() * (N / CHUNK)).min(row.len());
        let (whole, rest) = row[from..to].as_chunks_mut::<N>();
        let (alphas, _) = alphas.as_chunks::<CHUNK>();
        for (samples, alphas) in whole.iter_mut().zip(alphas) {
            brush.paint_chunk(samples, alphas);
        }
        if let (false, Some(alphas)) = (rest.is_empty(), alphas.get(whole.len())) {
            let mut padded = [0; N];
            padded[..rest.len()].copy_from_slice(rest);
            brush.paint_chunk(&mut padded, alphas);
            rest.copy_from_slice(&padded[..rest.len()]);
        }
    }
}

vectorized! {
    fn paint_deep_chunks<const N: usize>(brush: &Brush, words: &mut [[u8; 2]], alphas: &[u8], shift: u32) {
        let (whole, rest) = words.as_chunks_mut::<N>();
        let (alphas, _) = alphas.as_chunks::<CHUNK>();
        for (words, alphas) in whole.iter_mut().zip(alphas) {
            brush.paint_deep_chunk(words, alphas, shift);
        }
        if let Some(alphas) = alphas.get(whole.len()) {
            brush.paint_deep_chunk(rest, alphas, shift);
        }
    }
}

/// The alphas of sixteen cells times `opacity`, one for each sample of them.
#[inline(always)]
pub(super) fn spread_over<const N: usize>(alphas: &[u8; CHUNK], opacity: u16, samples_per_cell: usize) -> [u8; N] {
    let mut scaled = [0; CHUNK];
    for (scaled, &alpha) in scaled.iter_mut().zip(alphas) {
        *scaled = divided_by_255(u16::from(alpha) * opacity);
    }
    let mut spread = [0; N];
    // Multiplying a byte repeats it, in vectors.
    match samples_per_cell {
        1 => spread[..CHUNK].copy_from_slice(&scaled),
        2 => spread.as_chunks_mut().0.iter_mut().zip(scaled).for_each(|(cell, alpha)| {
            *cell = (u16::from(alpha) * 0x0101).to_ne_bytes();
        }),
        4 => spread.as_chunks_mut().0.iter_mut().zip(scaled).for_each(|(cell, alpha)| {
            *cell = (u32::from(alpha) * 0x0101_0101).to_ne_bytes();
        }),
        _ => spread.chunks_exact_mut(samples_per_cell).zip(scaled).for_each(|(cell, alpha)| cell.fill(alpha)),
    }
    spread
}

/// `sum / 255`, rounded; exact for every `sum` up to 255 * 255.
#[inline(always)]
pub(super) fn divided_by_255(sum: u16) -> u8 {
    let sum = sum + 128;
    ((sum + (sum >> 8)) >> 8) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::composite::passes::Grid;

    const PLANAR: Pass = Pass { plane: 0, grid: Grid::Full, slots: [&[Slot::Ink(0)], &[Slot::Ink(0)]] };
    const PACKED: Pass = Pass {
        plane: 0,
        grid: Grid::Full,
        slots: [
            &[Slot::Ink(2), Slot::Ink(1), Slot::Ink(0), Slot::Keep],
            &[Slot::Ink(2), Slot::Ink(1), Slot::Ink(0), Slot::Keep],
        ],
    };

    fn ink(samples: [u16; 3], opacity: u8) -> Ink {
        Ink { samples, opacity }
    }

    #[test]
    fn division_is_exact() {
        for sum in 0..=255 * 255u32 {
            assert_eq!(u32::from(divided_by_255(sum as u16)), (sum + 127) / 255, "{sum}");
        }
    }

    #[test]
    fn edge_solid_and_scalar_agree() {
        let alphas: Vec<u8> = (0..64).map(|n| if n < 16 { 255 } else { (n * 4) as u8 }).collect();
        let before: Vec<u8> = (0..61).map(|n| (n * 37 % 256) as u8).collect();
        let mut row = before.clone();
        Brush::new(&ink([200, 0, 0], 128), &PLANAR).paint(&mut row, 0, &alphas);
        for (index, (&old, &new)) in before.iter().zip(&row).enumerate() {
            let alpha = f32::from(alphas[index]) / 255.0 * 128.0 / 255.0;
            let expected = f32::from(old) + alpha * (200.0 - f32::from(old));
            assert!((f32::from(new) - expected).abs() <= 1.0, "{index}: {old} became {new}, expected {expected}");
        }
    }

    #[test]
    fn only_the_named_cells_and_samples_change() {
        let mut row = vec![7u8; 4 * 40];
        let mut alphas = [0u8; 16];
        alphas[3] = 255;
        Brush::new(&ink([10, 20, 30], 255), &PACKED).paint(&mut row, 16, &alphas);
        assert_eq!(row[4 * 19..4 * 20], [30, 20, 10, 7]);
        assert_eq!(row.iter().filter(|&&v| v != 7).count(), 3);
    }

    #[test]
    fn deep_samples_keep_their_shift() {
        let mut row: Vec<u8> = [64u16 << 6, 940 << 6].iter().flat_map(|w| w.to_le_bytes()).collect();
        let mut alphas = [0; CHUNK];
        alphas[0] = 255;
        Brush::new(&ink([940, 0, 0], 255), &PLANAR).paint_deep(&mut row, 0, &alphas, 6);
        assert_eq!(row, [940u16 << 6, 940 << 6].iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<_>>());
    }
}
