//! Where labels go: a plate above its object, inside the frame, clear of the plates before it.

use super::glyphs::Typesetter;
use super::shapes::RoundRect;

/// Height of the text as a part of the frame's shorter side, and what is still legible, in pixels.
const TEXT_SIZE_IN_FRAME: f32 = 0.031;
const MIN_TEXT_SIZE_IN_PIXELS: f32 = 15.0;

/// An object's place in frame pixels: left, top, right, bottom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Anchor {
    pub(super) x0: f32,
    pub(super) y0: f32,
    pub(super) x1: f32,
    pub(super) y1: f32,
    /// The plate hovers here over the object; `None`: it stands on the upper left corner, as of a box.
    pub(super) label_center_x: Option<f32>,
}

/// A plate and where its text begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PlacedLabel {
    pub(super) plate: RoundRect,
    pub(super) pen_x: f32,
    pub(super) baseline: i32,
}

/// The plates of one frame.
#[derive(Debug, Default)]
pub(super) struct LabelLayout {
    frame_size: [f32; 2],
    text_size_in_pixels: u16,
    cap_height: f32,
    plates: Vec<RoundRect>,
}

impl LabelLayout {
    /// Starts a frame: forgets the last one's plates, chooses the text size.
    pub(super) fn begin_frame(&mut self, frame_size: [u32; 2], typesetter: &Typesetter) {
        let shorter_side = frame_size[0].min(frame_size[1]) as f32;
        let size = (TEXT_SIZE_IN_FRAME * shorter_side).max(MIN_TEXT_SIZE_IN_PIXELS).round() as u16;
        if size != self.text_size_in_pixels {
            self.text_size_in_pixels = size;
            self.cap_height = typesetter.metrics(size).cap_height;
        }
        self.frame_size = frame_size.map(|side| side as f32);
        self.plates.clear();
    }

    pub(super) fn text_size_in_pixels(&self) -> u16 {
        self.text_size_in_pixels
    }

    /// Finds a place for `text`, which is cut where the frame is too narrow for it. `None` when nothing of it fits.
    pub(super) fn place(&mut self, text: &mut String, anchor: &Anchor, typesetter: &Typesetter) -> Option<PlacedLabel> {
        let size = self.text_size_in_pixels;
        let padding = [(0.5 * self.cap_height).round(), (0.42 * self.cap_height).round()];
        typesetter.fit(text, size, self.frame_size[0] - 2.0 * padding[0]);
        if text.is_empty() {
            return None;
        }
        let plate_size =
            [(typesetter.width(text, size) + 2.0 * padding[0]).round(), (self.cap_height + 2.0 * padding[1]).round()];
        let plate = self.free_place(plate_size, anchor);
        self.plates.push(plate);
        let baseline = (plate.y1 - padding[1]).round() as i32;
        Some(PlacedLabel { plate, pen_x: plate.x0 + padding[0], baseline })
    }

    /// Above the object, inside its top, or below it: the first that is in the frame and clear of other plates.
    fn free_place(&self, plate_size: [f32; 2], anchor: &Anchor) -> RoundRect {
        let [width, height] = plate_size;
        let (x0, gap) = match anchor.label_center_x {
            Some(center_x) => (center_x - 0.5 * width, (0.3 * self.cap_height).round()),
            None => (anchor.x0, 0.0),
        };
        let tops = [anchor.y0 - gap - height, anchor.y0 + gap, anchor.y1 + gap];
        let candidates = tops.map(|y0| {
            let [x0, y0] = [x0.round(), y0.round()];
            let is_inside = y0 >= 0.0 && y0 + height <= self.frame_size[1];
            (is_inside, self.plate_at([x0, y0], plate_size))
        });
        let free = candidates.iter().find(|(is_inside, plate)| *is_inside && self.is_free(plate));
        let inside = || candidates.iter().find(|(is_inside, _)| *is_inside);
        free.or_else(inside).unwrap_or(&candidates[0]).1
    }

    fn plate_at(&self, [x0, y0]: [f32; 2], [width, height]: [f32; 2]) -> RoundRect {
        let x0 = x0.min(self.frame_size[0] - width).max(0.0);
        let y0 = y0.min(self.frame_size[1] - height).max(0.0);
        RoundRect { x0, y0, x1: x0 + width, y1: y0 + height, radius: (0.2 * height).round(), frame_width: None }
    }

    fn is_free(&self, plate: &RoundRect) -> bool {
        self.plates
            .iter()
            .all(|other| other.x1 <= plate.x0 || other.x0 >= plate.x1 || other.y1 <= plate.y0 || other.y0 >= plate.y1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place_all(frame_size: [u32; 2], text: &str, anchors: &[Anchor]) -> Vec<Option<PlacedLabel>> {
        let typesetter = Typesetter::default();
        let mut layout = LabelLayout::default();
        layout.begin_frame(frame_size, &typesetter);
        anchors.iter().map(|anchor| layout.place(&mut text.to_owned(), anchor, &typesetter)).collect()
    }

    const MIDDLE: Anchor = Anchor { x0: 300.0, y0: 150.0, x1: 400.0, y1: 250.0, label_center_x: Some(350.0) };

    #[test]
    fn a_label_hovers_over_the_middle_or_stands_on_the_box() {
        let on_box = Anchor { label_center_x: None, ..MIDDLE };
        let [hovering, standing] = [MIDDLE, on_box].map(|a| place_all([640, 360], "dog 0.93", &[a])[0].unwrap().plate);
        assert!((hovering.x0 + hovering.x1 - 700.0).abs() <= 1.0 && hovering.y1 < 150.0);
        assert_eq!((standing.x0, standing.y1), (300.0, 150.0));
    }

    #[test]
    fn labels_stay_in_the_frame() {
        for (x, y) in [(0.0, 0.0), (630.0, 0.0), (0.0, 350.0), (630.0, 350.0), (-50.0, -50.0), (900.0, 900.0)] {
            let anchor = Anchor { x0: x, y0: y, x1: x + 30.0, y1: y + 30.0, label_center_x: Some(x) };
            let plate = place_all([640, 360], "a rather long label 0.93", &[anchor])[0].unwrap().plate;
            assert!(plate.x0 >= 0.0 && plate.y0 >= 0.0 && plate.x1 <= 640.0 && plate.y1 <= 360.0, "{plate:?}");
        }
    }

    #[test]
    fn labels_of_one_place_do_not_cover_each_other() {
        let plates: Vec<_> = place_all([640, 360], "dog", &[MIDDLE; 3]).into_iter().map(|l| l.unwrap().plate).collect();
        let tops: Vec<_> = plates.iter().map(|plate| plate.y0).collect();
        assert!(tops[0] < 150.0 && (150.0..250.0).contains(&tops[1]) && tops[2] >= 250.0, "{tops:?}");
    }

    #[test]
    fn a_frame_too_small_for_a_letter_gets_no_label() {
        assert_eq!(place_all([16, 16], "WWWW", &[MIDDLE]), [None]);
    }

    #[test]
    fn text_grows_with_the_frame() {
        let typesetter = Typesetter::default();
        let mut layout = LabelLayout::default();
        let mut size = |frame_size| {
            layout.begin_frame(frame_size, &typesetter);
            layout.text_size_in_pixels()
        };
        assert_eq!([size([448, 252]), size([1920, 1080]), size([1080, 1920]), size([3840, 2160])], [15, 33, 33, 67]);
    }
}
