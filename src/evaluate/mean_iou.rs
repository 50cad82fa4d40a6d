//! How good masks are where the instance is known: mean IoU against pictures whose pixel values are instance labels.
//!
//! For each prompt that has an instance, over the frames in which the truth shows more than [`LEAST_TRUTH_PIXELS`] of
//! it: the best IoU among that prompt's objects, 0 when there is none; averaged over those frames, then over the
//! prompts. Masks are enlarged bilinearly to the size of the truth and counted inside at the objects' level.

use super::label_picture::LabelPicture;
use crate::objects::{Mask, Objects};

/// Instances smaller than this on a frame are not asked for, in pixels.
pub const LEAST_TRUTH_PIXELS: usize = 200;

/// The mask's inside at another size: bilinear between cell centres, then compared with the level.
pub fn enlarge(mask: &Mask, width: u32, height: u32, inside_level: u8) -> Vec<bool> {
    let columns = neighbours(mask.width, width);
    let values = mask.bytes();
    let level = f32::from(inside_level) - 0.5;
    let mut inside = Vec::with_capacity(width as usize * height as usize);
    for (above, below, down) in neighbours(mask.height, height) {
        let row = |index: usize| &values[index * mask.width as usize..][..mask.width as usize];
        let (upper, lower) = (row(above), row(below));
        inside.extend(columns.iter().map(|&(left, right, across)| {
            let along = |row: &[u8]| f32::from(row[left]) * (1.0 - across) + f32::from(row[right]) * across;
            along(upper) * (1.0 - down) + along(lower) * down >= level
        }));
    }
    inside
}

/// For each of `to` positions: the two of `from` cells around it, and how far it is towards the second.
fn neighbours(from: u32, to: u32) -> Vec<(usize, usize, f32)> {
    let last = from as usize - 1;
    (0..to)
        .map(|index| {
            let position = ((index as f32 + 0.5) * from as f32 / to as f32 - 0.5).max(0.0);
            let first = (position as usize).min(last);
            (first, (first + 1).min(last), position - first as f32)
        })
        .collect()
}

impl LabelPicture {
    /// Intersection over union of the pixels with `label` and the inside of `mask`; 0 when both are empty.
    pub fn iou(&self, label: u8, mask: &Mask, inside_level: u8) -> f32 {
        let inside = enlarge(mask, self.width, self.height, inside_level);
        let (mut both, mut either) = (0u32, 0u32);
        for (&found, inside) in self.labels.iter().zip(inside) {
            both += u32::from(found == label && inside);
            either += u32::from(found == label || inside);
        }
        if either > 0 { both as f32 / either as f32 } else { 0.0 }
    }
}

/// Sums IoU over frames, prompt by prompt.
#[derive(Debug, Clone, Default)]
pub struct MeanIou {
    prompts: Vec<PromptSums>,
}

#[derive(Debug, Clone)]
struct PromptSums {
    label: u8,
    sum: f64,
    frames: u32,
}

impl MeanIou {
    /// One entry for each prompt: the truth's label of its instance, `None` when the truth has none.
    pub fn new(labels: &[Option<u8>]) -> Self {
        let sums = |label: &Option<u8>| PromptSums { label: label.unwrap_or(0), sum: 0.0, frames: 0 };
        Self { prompts: labels.iter().map(sums).collect() }
    }

    /// Takes one frame into account.
    pub fn add(&mut self, truth: &LabelPicture, objects: &Objects) {
        for (index, sums) in self.prompts.iter_mut().enumerate() {
            if sums.label == 0 || truth.area(sums.label) <= LEAST_TRUTH_PIXELS {
                continue;
            }
            let of_prompt = objects.items.iter().filter(|object| object.prompt_index as usize == index);
            let ious = of_prompt.map(|object| truth.iou(sums.label, &object.mask, objects.inside_level));
            sums.sum += f64::from(ious.fold(0.0, f32::max));
            sums.frames += 1;
        }
    }

    /// Mean of one prompt, `None` when the truth never showed its instance.
    pub fn of_prompt(&self, index: usize) -> Option<f64> {
        let sums = self.prompts.get(index)?;
        (sums.frames > 0).then(|| sums.sum / f64::from(sums.frames))
    }

    /// Mean over the prompts that have one.
    pub fn mean(&self) -> Option<f64> {
        let means: Vec<f64> = (0..self.prompts.len()).filter_map(|index| self.of_prompt(index)).collect();
        (!means.is_empty()).then(|| means.iter().sum::<f64>() / means.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::BoxXyxy;
    use crate::objects::Object;

    /// 40x20, label 3 in the left half.
    fn truth() -> LabelPicture {
        let labels = (0..800).map(|index| if index % 40 < 20 { 3 } else { 0 }).collect();
        LabelPicture { width: 40, height: 20, labels }
    }

    fn object(prompt_index: u32, columns: [u8; 4]) -> Object {
        Object {
            id: None,
            label: "x".into(),
            prompt_index,
            score: 0.9,
            box_in_frame: BoxXyxy::default(),
            mask: Mask::new(4, 1, columns.to_vec()).unwrap(),
            state: None,
            first_seen_ns: None,
            last_seen_ns: None,
        }
    }

    #[test]
    fn masks_are_enlarged_between_cell_centres() {
        let inside = enlarge(&Mask::new(2, 1, vec![0, 255]).unwrap(), 8, 2, 128);
        assert_eq!(inside[..8], [false, false, false, false, true, true, true, true]);
        assert_eq!(inside[..8], inside[8..]);
    }

    #[test]
    fn the_best_object_of_the_right_prompt_counts() {
        let mut mean = MeanIou::new(&[Some(3), Some(9), None]);
        let items = vec![object(0, [255, 0, 0, 0]), object(0, [255, 255, 0, 0]), object(1, [255; 4])];
        mean.add(&truth(), &Objects { items, ..Objects::default() });
        assert_eq!((mean.of_prompt(0), mean.of_prompt(1), mean.of_prompt(2)), (Some(1.0), None, None));
        mean.add(&truth(), &Objects::default());
        assert_eq!(mean.mean(), Some(0.5));
    }
}
