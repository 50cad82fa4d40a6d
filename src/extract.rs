//! Masks as grey pictures: one sample for each pixel of the frame, or for each cell of the masks' own grid.
//!
//! Beside [`crate::composite`], and with the same edges: what is white here is what a cutout keeps.

use std::sync::Arc;

use crate::composite::Raster;
use crate::objects::{Mask, Object, Objects};
use crate::row_spans::RowSpans;

/// What samples say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Content {
    /// How much of the pixel is inside any chosen object: 0 to the largest sample.
    #[default]
    Union,
    /// Position of the object's phrase and one; 0 where there is none.
    Labels,
    /// The object's id, see [`id_sample`]; 0 where there is none.
    Ids,
    /// As [`Content::Union`], of the chosen object with the best score alone.
    Object,
}

/// What a picture shall show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// What samples say.
    pub content: Content,
    /// Edges with samples in between; without effect on [`Content::Labels`] and [`Content::Ids`].
    pub soft: bool,
    /// Only the object with this id.
    pub object_id: Option<u64>,
    /// Only objects with this label.
    pub label: Option<Arc<str>>,
}

impl Default for Wish {
    fn default() -> Self {
        Self { content: Content::default(), soft: true, object_id: None, label: None }
    }
}

impl Wish {
    /// Positions of the chosen objects; the best score comes first.
    fn chosen(&self, objects: &Objects) -> Vec<usize> {
        let is_chosen = |object: &Object| {
            self.object_id.is_none_or(|id| object.id == Some(id))
                && self.label.as_ref().is_none_or(|label| object.label == *label)
        };
        let mut chosen: Vec<usize> =
            objects.items.iter().enumerate().filter(|(_, object)| is_chosen(object)).map(|(index, _)| index).collect();
        if self.content == Content::Object {
            chosen.truncate(1);
        }
        chosen
    }
}

/// Bytes of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// 8 bits.
    Eight,
    /// 16 bits, the lower byte first.
    SixteenLe,
}

/// A grey picture to be filled.
#[derive(Debug)]
pub struct GrayMut<'a> {
    /// Rows of `stride` bytes; the last may end with its last sample.
    pub bytes: &'a mut [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Samples in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes of a sample.
    pub depth: Depth,
}

impl GrayMut<'_> {
    fn clear(&mut self) {
        let row_bytes = self.width as usize * self.sample_bytes();
        for row in self.bytes.chunks_mut(self.stride.max(1)).take(self.height as usize) {
            let end = row_bytes.min(row.len());
            row[..end].fill(0);
        }
    }

    fn sample_bytes(&self) -> usize {
        match self.depth {
            Depth::Eight => 1,
            Depth::SixteenLe => 2,
        }
    }

    fn fill(&mut self, y: u32, columns: std::ops::Range<u32>, sample: u16) {
        let row = &mut self.bytes[y as usize * self.stride..];
        let columns = columns.start as usize..columns.end as usize;
        match self.depth {
            Depth::Eight => row[columns].fill(sample as u8),
            Depth::SixteenLe => {
                for bytes in row[2 * columns.start..2 * columns.end].chunks_exact_mut(2) {
                    bytes.copy_from_slice(&sample.to_le_bytes());
                }
            }
        }
    }

    /// Raises samples from column `left` on to parts of 255.
    fn raise(&mut self, y: u32, left: u32, parts: &[u8]) {
        let row = &mut self.bytes[y as usize * self.stride..];
        match self.depth {
            Depth::Eight => {
                let samples = &mut row[left as usize..][..parts.len()];
                samples.iter_mut().zip(parts).for_each(|(sample, part)| *sample = (*sample).max(*part));
            }
            Depth::SixteenLe => {
                let samples = row[2 * left as usize..][..2 * parts.len()].chunks_exact_mut(2);
                for (bytes, part) in samples.zip(parts) {
                    // 0 to 255 becomes 0 to 65535: both bytes are the same.
                    bytes.fill(bytes[0].max(*part));
                }
            }
        }
    }
}

/// The sample of an id. 8 bits: `1 + (id - 1) mod 255`, so that it is never 0; 16 bits: the lowest bits of the id.
pub fn id_sample(id: u64, depth: Depth) -> u16 {
    match depth {
        Depth::Eight => 1 + (id.wrapping_sub(1) % 255) as u16,
        Depth::SixteenLe => (id & 0xffff) as u16,
    }
}

/// Makes grey pictures, one after the other; keeps its memory.
#[derive(Debug, Default)]
pub struct Extractor {
    raster: Raster,
    spans: RowSpans,
}

impl Extractor {
    /// Fills `picture` with what `wish` says of `objects`, which are stretched over it; black where there is nothing.
    ///
    /// A mask of the picture's own size is taken as it is: soft samples are then its values.
    pub fn extract(&mut self, objects: &Objects, wish: &Wish, picture: &mut GrayMut<'_>) {
        picture.clear();
        // The best score is painted last and lies on top.
        for index in wish.chosen(objects).into_iter().rev() {
            let object = &objects.items[index];
            let sample = match (wish.content, picture.depth) {
                (Content::Union | Content::Object, _) if wish.soft => {
                    self.raise(&object.mask, objects.inside_level, picture);
                    continue;
                }
                (Content::Union | Content::Object, _) => u16::MAX,
                (Content::Labels, Depth::Eight) => object.prompt_index.saturating_add(1).min(255) as u16,
                (Content::Labels, Depth::SixteenLe) => object.prompt_index.saturating_add(1).min(65_535) as u16,
                (Content::Ids, depth) => id_sample(object.id.unwrap_or(index as u64 + 1), depth),
            };
            self.fill(&object.mask, objects.inside_level, sample, picture);
        }
    }

    fn raise(&mut self, mask: &Mask, inside_level: u8, picture: &mut GrayMut<'_>) {
        if (mask.width, mask.height) == (picture.width, picture.height) {
            for (y, row) in (0..).zip(mask.bytes().chunks_exact((mask.width as usize).max(1))) {
                picture.raise(y, 0, row);
            }
        } else if self.raster.load(mask, inside_level, (picture.width, picture.height)) {
            for y in self.raster.rows() {
                let (left, alphas) = self.raster.alphas(y);
                picture.raise(y, left, alphas);
            }
        }
    }

    fn fill(&mut self, mask: &Mask, inside_level: u8, sample: u16, picture: &mut GrayMut<'_>) {
        if (mask.width, mask.height) == (picture.width, picture.height) {
            self.spans.load_grid(mask, inside_level);
        } else if self.raster.load(mask, inside_level, (picture.width, picture.height)) {
            self.raster.spans(&mut self.spans);
        } else {
            return;
        }
        for (y, spans) in self.spans.rows() {
            spans.iter().for_each(|span| picture.fill(y, span.clone(), sample));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::BoxXyxy;

    /// An object that fills a range of the 16 columns of its mask.
    fn object(id: Option<u64>, label: &str, prompt_index: u32, columns: std::ops::Range<u32>) -> Object {
        let values: Vec<u8> = (0..16 * 8).map(|cell| if columns.contains(&(cell % 16)) { 255 } else { 0 }).collect();
        Object {
            id,
            label: label.into(),
            prompt_index,
            score: 0.9,
            box_in_frame: BoxXyxy::default(),
            mask: Mask::new(16, 8, values).unwrap(),
            state: None,
            first_seen_ns: None,
            last_seen_ns: None,
        }
    }

    fn two() -> Objects {
        let items = vec![object(Some(300), "dog", 0, 0..8), object(Some(4), "cat", 1, 6..12)];
        Objects { frame_width: 64, frame_height: 32, items, ..Objects::default() }
    }

    /// The samples of the middle row.
    fn row(objects: &Objects, wish: &Wish, width: u32, depth: Depth) -> Vec<u16> {
        let bytes_each = if depth == Depth::Eight { 1 } else { 2 };
        let (height, stride) = (width / 2, width as usize * bytes_each + 3);
        let mut bytes = vec![77; stride * height as usize];
        Extractor::default().extract(objects, wish, &mut GrayMut { bytes: &mut bytes, stride, width, height, depth });
        assert!(bytes.chunks(stride).all(|row| row[stride - 3..] == [77; 3]), "padding stays");
        let row = &bytes[stride * (height as usize / 2)..][..stride - 3];
        row.chunks(bytes_each)
            .map(|sample| u16::from(sample[0]) | u16::from(*sample.get(1).unwrap_or(&0)) << 8)
            .collect()
    }

    #[test]
    fn each_content_has_its_samples_and_the_best_score_lies_on_top() {
        let at = |wish: &Wish, depth, columns: [usize; 4]| columns.map(|x| row(&two(), wish, 64, depth)[x]);
        let wish = |content| Wish { content, ..Wish::default() };
        let columns = [4, 28, 40, 60];
        assert_eq!(at(&wish(Content::Union), Depth::Eight, columns), [255, 255, 255, 0]);
        assert_eq!(at(&wish(Content::Union), Depth::SixteenLe, columns), [65_535, 65_535, 65_535, 0]);
        assert_eq!(at(&wish(Content::Object), Depth::Eight, columns), [255, 255, 0, 0]);
        assert_eq!(at(&wish(Content::Labels), Depth::Eight, columns), [1, 1, 2, 0]);
        assert_eq!(at(&wish(Content::Ids), Depth::Eight, columns), [45, 45, 4, 0]);
        assert_eq!(at(&wish(Content::Ids), Depth::SixteenLe, columns), [300, 300, 4, 0]);
    }

    #[test]
    fn objects_are_chosen_by_id_and_label() {
        let chosen = |wish: Wish| [4, 40].map(|x| row(&two(), &wish, 64, Depth::Eight)[x]);
        assert_eq!(chosen(Wish { object_id: Some(4), ..Wish::default() }), [0, 255]);
        assert_eq!(chosen(Wish { label: Some("dog".into()), ..Wish::default() }), [255, 0]);
        assert_eq!(chosen(Wish { label: Some("doggy".into()), ..Wish::default() }), [0, 0]);
        let content = Content::Object;
        assert_eq!(chosen(Wish { content, label: Some("cat".into()), ..Wish::default() }), [0, 255]);
    }

    #[test]
    fn hard_edges_have_two_samples_and_soft_ones_more() {
        let mut objects = two();
        objects.items.truncate(1);
        let samples = |soft| {
            let mut row = row(&objects, &Wish { soft, ..Wish::default() }, 51, Depth::Eight);
            row.sort_unstable();
            row.dedup();
            row
        };
        assert_eq!(samples(false), [0, 255]);
        assert!(samples(true).len() > 2, "{:?}", samples(true));
    }

    #[test]
    fn a_picture_of_the_masks_size_has_its_values() {
        let mut objects = two();
        objects.items = vec![object(Some(1), "dog", 0, 0..4)];
        objects.items[0].mask = Mask::new(16, 8, (0..128).collect::<Vec<u8>>()).unwrap();
        assert_eq!(row(&objects, &Wish::default(), 16, Depth::Eight), (64..80).collect::<Vec<u16>>());
        let hard = Wish { soft: false, ..Wish::default() };
        assert_eq!(row(&objects, &hard, 16, Depth::Eight), [0; 16], "none is at 128");
        objects.inside_level = 70;
        assert_eq!(row(&objects, &hard, 16, Depth::SixteenLe)[5..7], [0, 65_535]);
    }

    #[test]
    fn ids_in_eight_bits_are_never_nothing() {
        assert_eq!([1, 255, 256, 510, u64::MAX].map(|id| id_sample(id, Depth::Eight)), [1, 255, 1, 255, 255]);
        assert_eq!([0, 255, 511].map(|id| id_sample(id, Depth::Eight)), [1, 255, 1]);
    }
}
