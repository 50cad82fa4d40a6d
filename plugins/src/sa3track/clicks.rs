//! Clicks in a sink's window as edits: what the pointer did, in pixels of the frame, becomes points and boxes on it.

use sa3::Objects;
use sa3::boxes::BoxXyxy;
use sa3::objects::Object;
use sa3::session::{ClickPoint, Edit};

/// A press and a release closer than this, in parts of the frame's sides, are a click; further apart, a box.
const DRAG: f64 = 0.02;
const LEFT: i32 = 1;
const RIGHT: i32 = 3;

/// What the pointer is about.
#[derive(Debug, Default)]
pub(super) struct Pointer {
    pressed_at: Option<(f64, f64)>,
}

/// What the user did in the window.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Gesture {
    /// A point that belongs to an object, or does not; 0..1 of the frame.
    Point { x: f64, y: f64, is_positive: bool },
    /// A box around an object.
    Drag(BoxXyxy),
    /// Lets go of everything that gestures began.
    Clear,
    /// A part of a gesture, or none of ours.
    Nothing { is_ours: bool },
}

impl Pointer {
    /// Reads one navigation event on a frame of `width` by `height` pixels.
    pub(super) fn read(&mut self, navigation: &gst::StructureRef, (width, height): (u32, u32)) -> Gesture {
        let side = |name, pixels: u32| navigation.get::<f64>(name).ok().map(|at| at / f64::from(pixels.max(1)));
        let place = side("pointer_x", width).zip(side("pointer_y", height));
        let button = navigation.get::<i32>("button").unwrap_or_default();
        match (navigation.get::<&str>("event").unwrap_or_default(), place) {
            ("mouse-button-press", Some(place)) if button == LEFT => {
                self.pressed_at = Some(place);
                Gesture::Nothing { is_ours: true }
            }
            ("mouse-button-release", Some(place)) if button == LEFT => self.released(place),
            ("mouse-button-press", Some((x, y))) if button == RIGHT => Gesture::Point { x, y, is_positive: false },
            ("mouse-button-release", _) if button == RIGHT => Gesture::Nothing { is_ours: true },
            ("key-press", _) if navigation.get::<&str>("key").is_ok_and(|key| key.eq_ignore_ascii_case("c")) => {
                Gesture::Clear
            }
            _ => Gesture::Nothing { is_ours: false },
        }
    }

    fn released(&mut self, (x, y): (f64, f64)) -> Gesture {
        let Some((from_x, from_y)) = self.pressed_at.take() else {
            return Gesture::Nothing { is_ours: false };
        };
        if (x - from_x).abs() < DRAG && (y - from_y).abs() < DRAG {
            return Gesture::Point { x, y, is_positive: true };
        }
        Gesture::Drag(BoxXyxy {
            x0: from_x.min(x) as f32,
            y0: from_y.min(y) as f32,
            x1: from_x.max(x) as f32,
            y1: from_y.max(y) as f32,
        })
    }
}

/// The edit that a point means among the objects that the user sees: it corrects the one under it; a positive one on
/// nothing begins an object, a negative one corrects the object that was clicked last.
pub(super) fn edit_of_point(
    (x, y, is_positive): (f64, f64, bool),
    seen: &Objects,
    clicked_last: Option<u64>,
    at_ns: Option<u64>,
) -> Option<Edit> {
    let under =
        seen.items.iter().find(|object| is_inside(object, x, y, seen.inside_level)).and_then(|object| object.id);
    let object_id = under.or(if is_positive { None } else { clicked_last });
    if object_id.is_none() && !is_positive {
        return None;
    }
    let point = ClickPoint { x: x as f32, y: y as f32, is_positive };
    Some(Edit::Click { object_id, points: vec![point], at_ns, label: None })
}

fn is_inside(object: &Object, x: f64, y: f64, inside_level: u8) -> bool {
    let mask = &object.mask;
    if !(0.0..1.0).contains(&x) || !(0.0..1.0).contains(&y) {
        return false;
    }
    let (column, row) = ((x * f64::from(mask.width)) as usize, (y * f64::from(mask.height)) as usize);
    mask.bytes().get(row * mask.width as usize + column).is_some_and(|value| *value >= inside_level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sa3::Mask;

    fn event(kind: &str, button: i32, x: f64, y: f64) -> gst::Structure {
        gst::Structure::builder("application/x-gst-navigation")
            .field("event", kind)
            .field("button", button)
            .field("pointer_x", x)
            .field("pointer_y", y)
            .build()
    }

    #[test]
    fn presses_become_points_and_drags_boxes() {
        gst::init().unwrap();
        let mut pointer = Pointer::default();
        let mut read = |kind, button, x, y| pointer.read(&event(kind, button, x, y), (200, 100));
        assert_eq!(read("mouse-button-release", 1, 5.0, 5.0), Gesture::Nothing { is_ours: false });
        assert_eq!(read("mouse-button-press", 1, 50.0, 50.0), Gesture::Nothing { is_ours: true });
        assert_eq!(read("mouse-move", 0, 51.0, 50.0), Gesture::Nothing { is_ours: false });
        let Gesture::Point { x, y, is_positive: true } = read("mouse-button-release", 1, 51.0, 50.0) else {
            panic!("a click")
        };
        assert!((x - 0.255).abs() < 1e-9 && (y - 0.5).abs() < 1e-9);
        assert!(matches!(read("mouse-button-press", 3, 20.0, 20.0), Gesture::Point { is_positive: false, .. }));
        read("mouse-button-press", 1, 150.0, 80.0);
        let Gesture::Drag(drawn) = read("mouse-button-release", 1, 50.0, 20.0) else { panic!("a box") };
        assert_eq!([drawn.x0, drawn.y0, drawn.x1, drawn.y1], [0.25, 0.2, 0.75, 0.8]);
        let key = |key| {
            gst::Structure::builder("application/x-gst-navigation")
                .field("event", "key-press")
                .field("key", key)
                .build()
        };
        assert_eq!(pointer.read(&key("c"), (200, 100)), Gesture::Clear);
        assert_eq!(pointer.read(&key("q"), (200, 100)), Gesture::Nothing { is_ours: false });
    }

    #[test]
    fn points_correct_what_is_under_them() {
        let mask = Mask::new(2, 1, vec![255, 0]).unwrap();
        let box_in_frame = BoxXyxy { x0: 0.0, y0: 0.0, x1: 0.5, y1: 1.0 };
        let object = Object {
            id: Some(7),
            label: "dog".into(),
            prompt_index: 0,
            score: 1.0,
            box_in_frame,
            mask,
            state: None,
            first_seen_ns: None,
            last_seen_ns: None,
        };
        let seen = Objects { items: vec![object], ..Objects::default() };
        let id_of = |x, is_positive, last| match edit_of_point((x, 0.5, is_positive), &seen, last, None) {
            Some(Edit::Click { object_id, .. }) => Ok(object_id),
            _ => Err("nothing"),
        };
        assert_eq!(id_of(0.2, true, None), Ok(Some(7)));
        assert_eq!(id_of(0.7, true, Some(7)), Ok(None), "a new one");
        assert_eq!(id_of(0.7, false, Some(7)), Ok(Some(7)));
        assert_eq!(id_of(0.7, false, None), Err("nothing"));
        assert_eq!(id_of(7.0, true, None), Ok(None), "the engine says that it lies outside");
    }
}
