//! Comma-separated values: a line for each object on each frame, as RFC 4180 has them.

use std::io::Write;

use serde_json::json;

use super::options::Options;
use super::record::{Segmentation, bbox, polygon_scale};
use super::shape::Shaped;

/// The first line.
pub(super) const HEADER: &str = "frame,pts,width,height,source_pts,age,id,label,prompt_index,score,state,x,y,w,h,area,\
                                 first_seen,last_seen,mask_height,mask_width,counts,polygons\r\n";

pub(super) fn write_lines(shaped: &Shaped<'_>, options: &Options, out: &mut Vec<u8>) {
    let shot = &shaped.shot;
    let scale = polygon_scale(shot.size, options.coordinates);
    for (object, shape) in shaped.items() {
        let [x, y, w, h] = bbox(object, shot.size, options.coordinates);
        let (mut size, mut counts, mut polygons) = ([String::new(), String::new()], String::new(), String::new());
        match Segmentation::new(shape, scale) {
            Some(Segmentation::Rle { size: sides, counts: text }) => {
                (size, counts) = (sides.map(|side| side.to_string()), quoted(&text));
            }
            Some(Segmentation::Polygons(outlines)) => polygons = quoted(&json!(outlines).to_string()),
            None => {}
        }
        let before = [some(shot.pts), shot.size.0.to_string(), shot.size.1.to_string(), some(shot.source_pts)];
        let fields = [
            some(object.id),
            quoted(&object.label),
            object.prompt_index.to_string(),
            object.score.to_string(),
            object.state.map_or("", |state| state.name()).to_string(),
            format!("{x},{y},{w},{h}"),
            shape.area.to_string(),
            some(object.first_seen_ns),
            some(object.last_seen_ns),
            size.join(","),
            counts,
            polygons,
        ];
        // Writing to memory does not fail.
        let _ = write!(out, "{},{},{},{}\r\n", shot.frame, before.join(","), shot.age, fields.join(","));
    }
}

fn some(number: Option<u64>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

/// In quotes where it has to be.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_have_to_be() {
        assert_eq!(quoted("red car"), "red car");
        assert_eq!(quoted("a \"big\", red\ncar"), "\"a \"\"big\"\", red\ncar\"");
    }
}
