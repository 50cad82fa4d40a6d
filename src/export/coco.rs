//! COCO: one document with images, annotations and categories.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::categories::Categories;
use super::document::{Added, Assembly, Draft};
use super::options::{Coordinates, Options};
use super::record::{Segmentation, bbox};
use super::shape::{Shape, Shaped};
use super::spool::Spool;
use crate::error::Result;
use crate::objects::Object;

/// The document so far: arrays of images and annotations on disk, categories in memory.
pub(super) struct CocoDraft {
    options: Options,
    images: Spool,
    annotations: Spool,
    categories: Categories,
    next_id: u64,
}

impl CocoDraft {
    pub(super) fn create(target: &Path, options: Options) -> Result<Self> {
        Ok(Self {
            options,
            images: Spool::create(target, "images")?,
            annotations: Spool::create(target, "annotations")?,
            categories: Categories::default(),
            next_id: 1,
        })
    }

    fn annotation(&mut self, image_id: u64, shaped: &Shaped<'_>, object: &Object, shape: &Shape) -> Value {
        let mut annotation = json!({
            "id": self.next_id,
            "image_id": image_id,
            "category_id": self.categories.id(&object.label),
            "bbox": bbox(object, shaped.shot.size, Coordinates::Pixels),
            "area": shape.area,
            "iscrowd": 0,
            "score": rounded(object.score),
            "prompt_index": object.prompt_index,
        });
        self.next_id += 1;
        if let Some(fields) = annotation.as_object_mut() {
            add_known(fields, object);
            if let Some(segmentation) = Segmentation::new(shape, [1.0, 1.0]) {
                fields.insert("segmentation".into(), json!(segmentation));
            }
        }
        annotation
    }

    fn add_to_spools(&mut self, shaped: &Shaped<'_>) -> Added {
        let shot = &shaped.shot;
        let image_id = shot.frame + 1;
        let image = json!({
            "id": image_id,
            "file_name": format!("{:08}.jpg", shot.frame),
            "width": shot.size.0,
            "height": shot.size.1,
            "frame": shot.frame,
            "pts": shot.pts,
        });
        self.images.append_element(&image.to_string())?;
        for (object, shape) in shaped.items() {
            let annotation = self.annotation(image_id, shaped, object, shape);
            self.annotations.append_element(&annotation.to_string())?;
        }
        Ok(())
    }
}

/// What only objects that are followed have.
fn add_known(fields: &mut Map<String, Value>, object: &Object) {
    if let Some(id) = object.id {
        fields.insert("track_id".into(), id.into());
    }
    if let Some(state) = object.state {
        fields.insert("state".into(), state.name().into());
    }
}

/// A score as people write it.
pub(super) fn rounded(score: f32) -> f64 {
    if score.is_finite() { (f64::from(score) * 1e6).round() / 1e6 } else { 0.0 }
}

impl Draft for CocoDraft {
    fn add(&mut self, shaped: &Shaped<'_>) -> Result<Added> {
        Ok(self.add_to_spools(shaped))
    }

    fn assembly(&self) -> Assembly {
        let (images, annotations) = (self.images.view(), self.annotations.view());
        let categories = self.categories.clone();
        let coordinates = if self.options.mask_size == super::MaskSize::Grid { "grid" } else { "frame" };
        Box::new(move |out| {
            let info = json!({ "description": "written by maskexport", "mask_size": coordinates });
            write!(out, "{{\"info\":{info},\n\"images\":[")?;
            images.copy_to(out)?;
            write!(out, "],\n\"annotations\":[")?;
            annotations.copy_to(out)?;
            writeln!(out, "],\n\"categories\":{}}}", categories.json())
        })
    }
}
