//! The inner loops for another picture: a row of its samples, as much of each as a row of alphas says.
//!
//! As in [`super::blend`], rows are taken sixteen cells at a time, and most sixteens are wholly outside or wholly inside.

use super::blend::{CHUNK, divided_by_255, spread_over};
use super::passes::{Pass, Slot};
use super::vectors::vectorized;

const MAX_CHUNK_SAMPLES: usize = 4 * CHUNK;

/// Which samples of sixteen cells a pass takes from the other picture.
#[derive(Debug, Clone)]
pub(super) struct Stencil {
    samples_per_cell: usize,
    opacity: u16,
    /// 255 where the other picture counts, 0 where the sample is kept.
    is_taken: [u8; MAX_CHUNK_SAMPLES],
}

impl Stencil {
    pub(super) fn new(pass: &Pass, opacity: u8) -> Self {
        let samples_per_cell = pass.slots[0].len();
        let mut is_taken = [0; MAX_CHUNK_SAMPLES];
        for (index, taken) in is_taken[..CHUNK * samples_per_cell].iter_mut().enumerate() {
            let slot = pass.slots[index / samples_per_cell % 2][index % samples_per_cell];
            *taken = if slot == Slot::Keep { 0 } else { 255 };
        }
        Self { samples_per_cell, opacity: u16::from(opacity), is_taken }
    }

    /// Brings the cells `first_cell..first_cell + alphas.len()` of `source` to `row`, as far as the row goes.
    ///
    /// `first_cell` and `alphas.len()` are multiples of [`CHUNK`]; `source` is as long as `row`.
    pub(super) fn paint(&self, row: &mut [u8], source: &[u8], first_cell: usize, alphas: &[u8]) {
        match self.samples_per_cell {
            1 => paint_chunks::<CHUNK>(self, row, source, first_cell, alphas),
            2 => paint_chunks::<{ 2 * CHUNK }>(self, row, source, first_cell, alphas),
            3 => paint_chunks::<{ 3 * CHUNK }>(self, row, source, first_cell, alphas),
            _ => paint_chunks::<{ 4 * CHUNK }>(self, row, source, first_cell, alphas),
        }
    }

    #[inline(always)]
    fn paint_chunk<const N: usize>(&self, samples: &mut [u8; N], source: &[u8; N], alphas: &[u8; CHUNK]) {
        match u128::from_ne_bytes(*alphas) {
            0 => {}
            u128::MAX if self.opacity == 255 => {
                for (index, sample) in samples.iter_mut().enumerate() {
                    *sample = source[index] & self.is_taken[index] | *sample & !self.is_taken[index];
                }
            }
            _ => self.paint_edge(samples, source, alphas),
        }
    }

    #[inline(always)]
    fn paint_edge<const N: usize>(&self, samples: &mut [u8; N], source: &[u8; N], alphas: &[u8; CHUNK]) {
        let spread: [u8; N] = spread_over(alphas, self.opacity, N / CHUNK);
        for (index, sample) in samples.iter_mut().enumerate() {
            let alpha = u16::from(spread[index] & self.is_taken[index]);
            *sample = divided_by_255(u16::from(*sample) * (255 - alpha) + u16::from(source[index]) * alpha);
        }
    }

    /// As [`Stencil::paint`] for samples of 10 bits in 16-bit little-endian words, the value `shift` bits up.
    pub(super) fn paint_deep(&self, row: &mut [u8], source: &[u8], first_cell: usize, alphas: &[u8], shift: u32) {
        let from = (2 * first_cell * self.samples_per_cell).min(row.len());
        let (words, _) = row[from..].as_chunks_mut::<2>();
        let (source, _) = source[from..].as_chunks::<2>();
        match self.samples_per_cell {
            1 => paint_deep_chunks::<CHUNK>(self, words, source, alphas, shift),
            2 => paint_deep_chunks::<{ 2 * CHUNK }>(self, words, source, alphas, shift),
            3 => paint_deep_chunks::<{ 3 * CHUNK }>(self, words, source, alphas, shift),
            _ => paint_deep_chunks::<{ 4 * CHUNK }>(self, words, source, alphas, shift),
        }
    }

    #[inline(always)]
    fn paint_deep_chunk(&self, words: &mut [[u8; 2]], source: &[[u8; 2]], alphas: &[u8; CHUNK], shift: u32) {
        if u128::from_ne_bytes(*alphas) == 0 {
            return;
        }
        let spread: [u8; MAX_CHUNK_SAMPLES] = spread_over(alphas, self.opacity, self.samples_per_cell);
        for (index, (word, source)) in words.iter_mut().zip(source).enumerate() {
            let alpha = u32::from(spread[index] & self.is_taken[index]);
            let [old, new] = [*word, *source].map(|word| u32::from(u16::from_le_bytes(word) >> shift));
            let mixed = (old * (255 - alpha) + new * alpha + 127) / 255;
            *word = if alpha == 0 { *word } else { ((mixed as u16) << shift).to_le_bytes() };
        }
    }
}

vectorized! {
    fn paint_chunks<const N: usize>(
        stencil: &Stencil,
        row: &mut [u8],
        source: &[u8],
        first_cell: usize,
        alphas: &[u8],
    ) {
        let from = (first_cell * (N / CHUNK)).min(row.len());
        let to = (from + alphas.len() * (N / CHUNK)).min(row.len());
        let (whole, rest) = row[from..to].as_chunks_mut::<N>();
        let (source, source_rest) = source[from..to].as_chunks::<N>();
        let (alphas, _) = alphas.as_chunks::<CHUNK>();
        for ((samples, source), alphas) in whole.iter_mut().zip(source).zip(alphas) {
            stencil.paint_chunk(samples, source, alphas);
        }
        if let (false, Some(alphas)) = (rest.is_empty(), alphas.get(whole.len())) {
            let (mut padded, mut padded_source) = ([0; N], [0; N]);
            padded[..rest.len()].copy_from_slice(rest);
            padded_source[..rest.len()].copy_from_slice(source_rest);
            stencil.paint_chunk(&mut padded, &padded_source, alphas);
            rest.copy_from_slice(&padded[..rest.len()]);
        }
    }
}

vectorized! {
    fn paint_deep_chunks<const N: usize>(
        stencil: &Stencil,
        words: &mut [[u8; 2]],
        source: &[[u8; 2]],
        alphas: &[u8],
        shift: u32,
    ) {
        let (whole, rest) = words.as_chunks_mut::<N>();
        let (source, source_rest) = source.as_chunks::<N>();
        let (alphas, _) = alphas.as_chunks::<CHUNK>();
        for ((words, source), alphas) in whole.iter_mut().zip(source).zip(alphas) {
            stencil.paint_deep_chunk(words, source, alphas, shift);
        }
        if let Some(alphas) = alphas.get(whole.len()) {
            stencil.paint_deep_chunk(rest, source_rest, alphas, shift);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::composite::passes::color_passes;
    use crate::frame::PixelFormat;

    /// One sample after the other, with the plain formula.
    fn expected(old: u8, new: u8, alpha: u8, opacity: u8) -> u8 {
        let alpha = (u32::from(alpha) * u32::from(opacity) + 127) / 255;
        ((u32::from(old) * (255 - alpha) + u32::from(new) * alpha + 127) / 255) as u8
    }

    #[test]
    fn every_layout_is_mixed_as_the_plain_formula_says() {
        let alphas: Vec<u8> = (0..64u32).map(|n| [255, 0, (n * 4) as u8][(n / 16 % 3) as usize]).collect();
        for format in PixelFormat::ALL.into_iter().filter(|format| format.plane_extent(0, 1, 1).0 != 2) {
            for (pass, opacity) in color_passes(format).iter().flat_map(|pass| [(pass, 255), (pass, 100)]) {
                let count = pass.slots[0].len();
                let before: Vec<u8> = (0..61 * count).map(|n| (n * 37 % 256) as u8).collect();
                let source: Vec<u8> = (0..61 * count).map(|n| (n * 91 % 256) as u8).collect();
                let mut row = before.clone();
                Stencil::new(pass, opacity).paint(&mut row, &source, 0, &alphas);
                for index in 0..row.len() {
                    let is_kept = pass.slots[index / count % 2][index % count] == Slot::Keep;
                    let alpha = if is_kept { 0 } else { alphas[index / count] };
                    let expected = expected(before[index], source[index], alpha, opacity);
                    assert_eq!(row[index], expected, "{format:?} plane {} sample {index}", pass.plane);
                }
            }
        }
    }

    #[test]
    fn deep_samples_are_mixed_at_their_shift() {
        let words = |values: [u16; 3]| values.into_iter().flat_map(|v| (v << 6).to_le_bytes()).collect::<Vec<_>>();
        let mut row = words([64, 512, 940]);
        let pass = &color_passes(PixelFormat::P010Le)[0];
        let mut alphas = [0; CHUNK];
        alphas[..2].copy_from_slice(&[255, 128]);
        Stencil::new(pass, 255).paint_deep(&mut row, &words([940, 1023, 64]), 0, &alphas, 6);
        assert_eq!(row, words([940, ((512 * 127 + 1023 * 128 + 127) / 255u32) as u16, 940]));
    }
}
