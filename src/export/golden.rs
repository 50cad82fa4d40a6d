//! Documents to compare with, and what pycocotools says of them. `golden/make.py` asks it.

use serde::Deserialize;

use super::tests::{Folder, export, of, scenes};
use super::*;
use crate::rle::Rle;

const PYCOCOTOOLS: &str = include_str!("golden/pycocotools.json");
const DOCUMENTS: [(&str, &str, Format); 2] = [
    ("clip.coco.json", include_str!("golden/clip.coco.json"), Format::Coco),
    ("clip.youtube-vis.json", include_str!("golden/clip.youtube-vis.json"), Format::YoutubeVis),
];

#[derive(Deserialize)]
struct Verdict {
    areas: Vec<u64>,
    ious: Vec<Vec<f64>>,
}

/// Every mask in a document, in the order in which pycocotools saw them.
fn masks(value: &serde_json::Value, found: &mut Vec<Rle>) {
    match value {
        serde_json::Value::Array(values) => values.iter().for_each(|value| masks(value, found)),
        serde_json::Value::Object(fields) => {
            if let (Some(size), Some(counts)) = (fields.get("size"), fields.get("counts")) {
                let side = |index: usize| size[index].as_u64().unwrap() as u32;
                found.push(Rle::from_text(side(1), side(0), counts.as_str().unwrap()).unwrap());
            }
            fields.values().for_each(|value| masks(value, found));
        }
        _ => {}
    }
}

/// With `SA3_WRITE_GOLDEN` in the environment the documents are written instead; then run `golden/make.py`.
#[test]
fn documents_are_those_that_pycocotools_has_read() {
    let folder = Folder::new("golden");
    for (name, golden, format) in DOCUMENTS {
        // Tracks have the name of the file.
        let path = folder.file("clip.json");
        export(&path, &of(format), &scenes());
        let text = std::fs::read_to_string(path).unwrap();
        if std::env::var_os("SA3_WRITE_GOLDEN").is_some() {
            let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/src/export/golden");
            std::fs::write(std::path::Path::new(golden).join(name), text).unwrap();
        } else {
            assert_eq!(text, golden, "{name}");
        }
    }
}

#[test]
fn areas_and_overlaps_are_those_of_pycocotools() {
    let verdicts: std::collections::HashMap<String, Verdict> = serde_json::from_str(PYCOCOTOOLS).unwrap();
    for (name, golden, _) in DOCUMENTS {
        let (verdict, mut found) = (&verdicts[name], Vec::new());
        let document: serde_json::Value = serde_json::from_str(golden).unwrap();
        masks(&document["annotations"], &mut found);
        assert_eq!(found.iter().map(Rle::area).collect::<Vec<_>>(), verdict.areas, "{name}");
        assert_eq!(found.len(), 7, "{name}");
        for (row, expected) in found.iter().zip(&verdict.ious) {
            for (column, expected) in found.iter().zip(expected) {
                assert!((row.iou(column) - expected).abs() < 1e-9, "{name}: {} {expected}", row.iou(column));
            }
        }
    }
}
