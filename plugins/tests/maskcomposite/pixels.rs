//! What changes on a frame, and what does not.

use gst_video::VideoFormat;

use crate::rig::{GRAY, PADDING, Rig, bytes, disc, frame_with, info, plane_extent, rows, scattered_frame_with};

const FORMATS: [VideoFormat; 12] = [
    VideoFormat::Rgb,
    VideoFormat::Bgrx,
    VideoFormat::Argb,
    VideoFormat::I420,
    VideoFormat::Yv12,
    VideoFormat::Nv12,
    VideoFormat::Nv21,
    VideoFormat::Y42b,
    VideoFormat::Y444,
    VideoFormat::Yuy2,
    VideoFormat::Gray8,
    VideoFormat::A420,
];

#[test]
fn pixels_change_inside_the_disc_and_nowhere_else() {
    for format in FORMATS {
        for (width, height) in [(64, 48), (61, 37)] {
            let info = info(format, width, height);
            let mut rig = Rig::open("labels=false outline-width=0", &info);
            for scattered in [false, true] {
                let buffer = if scattered { scattered_frame_with } else { frame_with }(&info, &disc(&info));
                let drawn = rig.through(buffer);
                for plane in 0..info.n_planes() as usize {
                    check_plane(&rows(&drawn, &info, plane), &format!("{format} plane {plane} of {width}x{height}"));
                }
            }
        }
    }
}

/// The disc reaches from a quarter to three quarters of both sides. Alpha stays.
fn check_plane(rows: &[Vec<u8>], what: &str) {
    let (row_bytes, row_count) = (rows[0].len(), rows.len());
    let is_alpha_plane = what.starts_with("A420 plane 3");
    let middle = &rows[row_count / 2];
    assert_eq!(middle[row_bytes / 2 - 4..row_bytes / 2 + 4].iter().all(|&v| v == GRAY), is_alpha_plane, "{what}");
    for (y, row) in rows.iter().enumerate() {
        let is_beside = y < row_count / 4 - 1 || y > 3 * row_count / 4 + 1;
        let (left, right) = (row_bytes / 4 - 4, 3 * row_bytes / 4 + 5);
        assert!(row[..left].iter().chain(&row[right..]).all(|&v| v == GRAY), "{what} row {y}: {row:?}");
        assert!(!is_beside || row.iter().all(|&v| v == GRAY), "{what} row {y}");
    }
}

#[test]
fn padding_between_rows_and_planes_stays() {
    for format in [VideoFormat::Rgb, VideoFormat::I420, VideoFormat::Nv12] {
        let info = info(format, 61, 37);
        let mut rig = Rig::open("boxes=true", &info);
        let before = scattered_frame_with(&info, &disc(&info));
        let padding_bytes = |buffer: &gst::BufferRef| bytes(buffer).iter().filter(|&&v| v == PADDING).count();
        let planes: usize = (0..info.n_planes() as usize).map(|n| plane_extent(&info, n)).map(|(w, h)| w * h).sum();
        assert_eq!(bytes(&before).len() - planes, padding_bytes(&before));
        let drawn = rig.through(before);
        assert!(padding_bytes(&drawn) >= bytes(&drawn).len() - planes, "{format}");
    }
}

#[test]
fn alpha_stays_in_overlays() {
    let info = info(VideoFormat::Rgba, 64, 48);
    let drawn = Rig::open("", &info).through(frame_with(&info, &disc(&info)));
    assert!(rows(&drawn, &info, 0).iter().all(|row| row.iter().skip(3).step_by(4).all(|&alpha| alpha == GRAY)));
}

#[test]
fn labels_boxes_and_outlines_are_drawn_when_asked_for() {
    let info = info(VideoFormat::Gray8, 320, 180);
    let drawn = |properties: &str| bytes(&Rig::open(properties, &info).through(frame_with(&info, &disc(&info))));
    let changed = |bytes: &[u8], rows: std::ops::Range<usize>| {
        bytes[rows.start * 320..rows.end * 320].iter().filter(|&&v| v != GRAY).count()
    };
    let plain = drawn("labels=false outline-width=0");
    let labelled = drawn("outline-width=0");
    assert_eq!(changed(&plain, 0..44), 0);
    assert!(changed(&labelled, 0..44) > 500, "a plate above the disc");
    assert_ne!(labelled, drawn("outline-width=0 label-format=\"{label} #{id}\""), "another text");
    assert_ne!(labelled, drawn("outline-width=0 color-by=single color=0xffffffff"), "another colour");
    // The disc's corner of the box lies outside the disc.
    assert_eq!(plain[46 * 320 + 82], GRAY);
    assert_ne!(drawn("labels=false outline-width=0 boxes=true")[45 * 320 + 82], GRAY);
    let (thin, thick) = (drawn("labels=false outline-width=1"), drawn("labels=false outline-width=6"));
    assert!(changed(&thick, 0..180) > changed(&thin, 0..180) + 1000);
}

#[test]
fn only_selected_labels_are_drawn() {
    let info = info(VideoFormat::Rgb, 64, 48);
    let mut objects = disc(&info);
    let mut rig = Rig::open("select=\"cat; dog\"", &info);
    assert_ne!(bytes(&rig.through(frame_with(&info, &objects))), vec![GRAY; info.size()]);
    objects.items[0].label = "doggy".into();
    assert_eq!(bytes(&rig.through(frame_with(&info, &objects))), vec![GRAY; info.size()]);
}
