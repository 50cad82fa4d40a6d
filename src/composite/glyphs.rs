//! Letters as alphas: the bundled font, rasterised once for each letter and size.

use std::collections::HashMap;
use std::ops::Range;

use ab_glyph::{Font, FontRef, GlyphId, PxScale, PxScaleFont, ScaleFont, point};

/// Inter SemiBold: Latin, Greek and Cyrillic, drawn for small sizes. Its licence is beside the file.
static FONT_FILE: &[u8] = include_bytes!("font/Inter-SemiBold.otf");

/// The cache starts afresh beyond this many letters; all of them in one size are about 300 KB.
const MAX_CACHED_GLYPHS: usize = 1024;
/// Letters are rasterised at quarters of a pixel, so that they keep their spacing at small sizes.
const PHASES: f32 = 4.0;

/// One rasterised letter.
#[derive(Debug)]
struct Glyph {
    /// Offset of the bitmap from the pen's whole-pixel position and the baseline.
    offset: [i32; 2],
    width: usize,
    alphas: Vec<u8>,
}

/// A letter at its place in the frame.
#[derive(Debug, Clone, Copy)]
struct PlacedGlyph {
    glyph: usize,
    x: i32,
    y: i32,
}

/// Height and baseline of a line of text, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LineMetrics {
    /// From the baseline up to the top of capitals.
    pub(super) cap_height: f32,
    /// From the baseline down to the end of g and y.
    pub(super) descent: f32,
}

/// The font, its rasterised letters, and the lines of one frame.
#[derive(Debug)]
pub(super) struct Typesetter {
    font: FontRef<'static>,
    glyphs: Vec<Glyph>,
    index_of: HashMap<(GlyphId, u16, u8), usize>,
    placed: Vec<PlacedGlyph>,
    /// The letters of one line, and where the pen is before each.
    letters: Vec<(GlyphId, f32)>,
}

impl Default for Typesetter {
    fn default() -> Self {
        let font = FontRef::try_from_slice(FONT_FILE).expect("the bundled font is whole; a test reads it");
        Self { font, glyphs: Vec::new(), index_of: HashMap::new(), placed: Vec::new(), letters: Vec::new() }
    }
}

impl Typesetter {
    /// Forgets the lines of the last frame.
    pub(super) fn begin_frame(&mut self) {
        self.placed.clear();
        if self.glyphs.len() > MAX_CACHED_GLYPHS {
            self.glyphs.clear();
            self.index_of.clear();
        }
    }

    pub(super) fn metrics(&self, size_in_pixels: u16) -> LineMetrics {
        let scaled = self.scaled(size_in_pixels);
        let cap_height =
            self.font.outline(self.font.glyph_id('H')).map_or(0.7 * f32::from(size_in_pixels), |outline| {
                outline.bounds.max.y.max(outline.bounds.min.y) * scaled.scale_factor().vertical
            });
        LineMetrics { cap_height, descent: -scaled.descent() }
    }

    /// Width in pixels of `text`.
    pub(super) fn width(&self, text: &str, size_in_pixels: u16) -> f32 {
        let mut width = 0.0;
        self.walk(text, size_in_pixels, |_, pen_x| width = pen_x);
        width
    }

    /// Cuts `text` so that it is at most `max_width` pixels wide, with an ellipsis where it was cut.
    pub(super) fn fit(&self, text: &mut String, size_in_pixels: u16, max_width: f32) {
        while !text.is_empty() && self.width(text, size_in_pixels) > max_width {
            if text.ends_with('…') {
                text.pop();
            }
            text.pop();
            text.truncate(text.trim_end().len());
            if text.is_empty() {
                return;
            }
            text.push('…');
        }
    }

    /// Sets a line of text with its pen at `x` on `baseline`; the range names it in [`Typesetter::cover_row`].
    pub(super) fn set(&mut self, text: &str, size_in_pixels: u16, x: f32, baseline: i32) -> Range<usize> {
        let start = self.placed.len();
        let mut letters = std::mem::take(&mut self.letters);
        letters.clear();
        let mut from = 0.0;
        self.walk(text, size_in_pixels, |id, pen_x| {
            letters.push((id, x + from));
            from = pen_x;
        });
        for &(id, pen_x) in &letters {
            let phase = (PHASES * (pen_x - pen_x.floor())) as u8;
            let glyph = self.glyph(id, size_in_pixels, phase);
            let [dx, dy] = self.glyphs[glyph].offset;
            self.placed.push(PlacedGlyph { glyph, x: pen_x.floor() as i32 + dx, y: baseline + dy });
        }
        self.letters = letters;
        start..self.placed.len()
    }

    /// Raises `alphas` (the whole pixel row `y`, from column 0) to what the letters of a line cover.
    pub(super) fn cover_row(&self, line: &Range<usize>, y: u32, columns: &Range<u32>, alphas: &mut [u8]) {
        for placed in &self.placed[line.clone()] {
            let glyph = &self.glyphs[placed.glyph];
            let row = y as i32 - placed.y;
            let Some(row) = usize::try_from(row).ok().and_then(|row| glyph.alphas.chunks(glyph.width.max(1)).nth(row))
            else {
                continue;
            };
            for (x, &covered) in (placed.x..).zip(row) {
                if (columns.start as i32..columns.end as i32).contains(&x) {
                    let alpha = &mut alphas[x as usize];
                    *alpha = covered.max(*alpha);
                }
            }
        }
    }

    fn scaled(&self, size_in_pixels: u16) -> PxScaleFont<&FontRef<'static>> {
        self.font.as_scaled(PxScale::from(f32::from(size_in_pixels)))
    }

    /// Calls `visit` with each letter and the pen's position after it, from 0.
    fn walk(&self, text: &str, size_in_pixels: u16, mut visit: impl FnMut(GlyphId, f32)) {
        let scaled = self.scaled(size_in_pixels);
        let mut pen_x = 0.0;
        let mut previous: Option<GlyphId> = None;
        for letter in text.chars() {
            let id = scaled.glyph_id(letter);
            pen_x += previous.map_or(0.0, |previous| scaled.kern(previous, id)) + scaled.h_advance(id);
            visit(id, pen_x);
            previous = Some(id);
        }
    }

    fn glyph(&mut self, id: GlyphId, size_in_pixels: u16, phase: u8) -> usize {
        let key = (id, size_in_pixels, phase);
        if let Some(&index) = self.index_of.get(&key) {
            return index;
        }
        self.glyphs.push(rasterise(&self.font, id, size_in_pixels, f32::from(phase) / PHASES));
        self.index_of.insert(key, self.glyphs.len() - 1);
        self.glyphs.len() - 1
    }
}

fn rasterise(font: &FontRef<'static>, id: GlyphId, size_in_pixels: u16, phase: f32) -> Glyph {
    let glyph = id.with_scale_and_position(f32::from(size_in_pixels), point(phase, 0.0));
    let Some(outline) = font.outline_glyph(glyph) else {
        return Glyph { offset: [0, 0], width: 0, alphas: Vec::new() };
    };
    let bounds = outline.px_bounds();
    let (width, height) = (bounds.width() as usize, bounds.height() as usize);
    let mut alphas = vec![0; width * height];
    outline.draw(|x, y, covered| {
        if let Some(alpha) = alphas.get_mut(y as usize * width + x as usize) {
            *alpha = (255.0 * covered).round() as u8;
        }
    });
    Glyph { offset: [bounds.min.x as i32, bounds.min.y as i32], width, alphas }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(typesetter: &Typesetter, line: &Range<usize>) -> Vec<Vec<u8>> {
        (0..40u32)
            .map(|y| {
                let mut row = vec![0; 200];
                typesetter.cover_row(line, y, &(0..200), &mut row);
                row
            })
            .collect()
    }

    #[test]
    fn capitals_stand_on_the_baseline() {
        let mut typesetter = Typesetter::default();
        let line = typesetter.set("H", 28, 10.0, 30);
        let picture = covered(&typesetter, &line);
        let rows: Vec<_> = (0..40).filter(|&y| picture[y].iter().any(|&a| a > 128)).collect();
        assert_eq!(rows.last(), Some(&29));
        let cap_height = typesetter.metrics(28).cap_height;
        assert!((rows.len() as f32 - cap_height).abs() <= 1.0, "{} rows, {cap_height}", rows.len());
        assert!(picture.iter().all(|row| row[..10].iter().all(|&a| a == 0)), "ink left of the pen");
    }

    #[test]
    fn latin_greek_and_cyrillic_are_in_the_font() {
        let typesetter = Typesetter::default();
        for letter in "AZaz09éßŁőσΩЖя…%#-".chars() {
            assert_ne!(typesetter.font.glyph_id(letter).0, 0, "{letter}");
        }
    }

    #[test]
    fn letters_are_rasterised_once() {
        let mut typesetter = Typesetter::default();
        typesetter.set("aa bb", 20, 0.0, 20);
        let count = typesetter.glyphs.len();
        typesetter.begin_frame();
        typesetter.set("aa bb", 20, 0.0, 20);
        assert_eq!(typesetter.glyphs.len(), count);
        for size in 1..=1200 {
            typesetter.set("a", size, 0.0, 20);
        }
        typesetter.begin_frame();
        assert!(typesetter.glyphs.is_empty());
    }

    #[test]
    fn long_text_is_cut_to_its_width() {
        let typesetter = Typesetter::default();
        let mut text = "a very long label".to_owned();
        typesetter.fit(&mut text, 20, 100.0);
        assert!(text.ends_with('…') && typesetter.width(&text, 20) <= 100.0, "{text}");
        typesetter.fit(&mut text, 20, 1.0);
        assert_eq!(text, "");
        assert!(typesetter.width("WW", 20) > 2.0 * typesetter.width("i", 20));
    }
}
