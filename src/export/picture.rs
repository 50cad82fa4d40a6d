//! Grey pictures as objects: what another program keyed, or what was extracted before.

use std::sync::Arc;

use crate::boxes::BoxXyxy;
use crate::objects::{MASK_INSIDE, Mask, Object, Objects};
use crate::row_spans::RowSpans;

/// Values that become objects, those with the largest areas: a picture that is no mask at all has all of them.
const VALUES_MAX: usize = 64;

/// What samples say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Samples {
    /// How surely a pixel is inside the one object.
    #[default]
    Soft,
    /// Position of a phrase and one: an object for each value but 0.
    Labels,
    /// Ids: an object for each value but 0.
    Ids,
}

/// The objects that a grey picture shows; `values` has `width * height` samples, first row first. All are called `label`,
/// with [`Samples::Labels`] and [`Samples::Ids`] in the order of their areas.
pub fn objects_of_picture(values: Vec<u8>, (width, height): (u32, u32), samples: Samples, label: &Arc<str>) -> Objects {
    let object = |values: Vec<u8>, id: Option<u64>, prompt_index: u32| {
        let mask = Mask::new(width, height, values)?;
        let box_in_frame = box_of(&mask)?;
        let (label, score) = (label.clone(), 1.0);
        let (state, first_seen_ns, last_seen_ns) = (None, None, None);
        Some(Object { id, label, prompt_index, score, box_in_frame, mask, state, first_seen_ns, last_seen_ns })
    };
    let of_value = |value: u8| values.iter().map(|&sample| if sample == value { 255 } else { 0 }).collect();
    let items = match samples {
        Samples::Soft => object(values, None, 0).into_iter().collect(),
        Samples::Labels => largest(&values)
            .into_iter()
            .filter_map(|value| object(of_value(value), None, u32::from(value) - 1))
            .collect(),
        Samples::Ids => {
            largest(&values).into_iter().filter_map(|value| object(of_value(value), Some(value.into()), 0)).collect()
        }
    };
    Objects { frame_width: width, frame_height: height, items, ..Objects::default() }
}

/// The values that are there, the most frequent first.
fn largest(values: &[u8]) -> Vec<u8> {
    let mut counts = [0usize; 256];
    values.iter().for_each(|&value| counts[usize::from(value)] += 1);
    let mut found: Vec<u8> = (1..=u8::MAX).filter(|&value| counts[usize::from(value)] > 0).collect();
    found.sort_by_key(|&value| std::cmp::Reverse(counts[usize::from(value)]));
    found.truncate(VALUES_MAX);
    found
}

/// What holds all that is inside; `None` when nothing is.
fn box_of(mask: &Mask) -> Option<BoxXyxy> {
    let mut spans = RowSpans::default();
    spans.load_grid(mask, MASK_INSIDE);
    let [columns, rows] = spans.bounds()?;
    let (width, height) = (mask.width as f32, mask.height as f32);
    Some(BoxXyxy {
        x0: columns.start as f32 / width,
        y0: rows.start as f32 / height,
        x1: columns.end as f32 / width,
        y1: rows.end as f32 / height,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(values: &[u8], samples: Samples) -> Objects {
        objects_of_picture(values.to_vec(), (4, 2), samples, &"key".into())
    }

    #[test]
    fn a_soft_picture_is_one_object() {
        let found = objects(&[0, 10, 200, 255, 0, 0, 128, 0], Samples::Soft);
        let [object] = &found.items[..] else { panic!("{found:?}") };
        assert_eq!(object.box_in_frame, BoxXyxy { x0: 0.5, y0: 0.0, x1: 1.0, y1: 1.0 });
        assert_eq!((object.mask.bytes()[1], &*object.label, object.id), (10, "key", None));
        assert!(objects(&[127; 8], Samples::Soft).items.is_empty());
    }

    #[test]
    fn values_are_phrases_or_ids() {
        let picture = [0, 3, 3, 3, 0, 9, 9, 0];
        let by = |samples| objects(&picture, samples).items;
        assert_eq!(by(Samples::Ids).iter().map(|object| object.id).collect::<Vec<_>>(), [Some(3), Some(9)]);
        assert_eq!(by(Samples::Labels).iter().map(|object| object.prompt_index).collect::<Vec<_>>(), [2, 8]);
        assert_eq!(by(Samples::Ids)[1].mask.bytes(), [0, 0, 0, 0, 0, 255, 255, 0]);
    }

    #[test]
    fn noise_does_not_become_hundreds_of_objects() {
        let noise: Vec<u8> = (0..=255).collect();
        let found = objects_of_picture(noise, (16, 16), Samples::Ids, &"key".into());
        assert_eq!(found.items.len(), VALUES_MAX);
    }
}
