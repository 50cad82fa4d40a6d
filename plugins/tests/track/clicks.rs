//! Clicks in a window arrive as navigation events from downstream.

use gst::prelude::*;

use crate::stage::Stage;

fn send(stage: &mut Stage, event: &str, button: i32, x: f64, y: f64) -> bool {
    let structure = gst::Structure::builder("application/x-gst-navigation")
        .field("event", event)
        .field("button", button)
        .field("pointer_x", x)
        .field("pointer_y", y)
        .build();
    stage.element().static_pad("src").unwrap().send_event(gst::event::Navigation::new(structure))
}

fn click(stage: &mut Stage, x: f64, y: f64) {
    assert!(send(stage, "mouse-button-press", 1, x, y) && send(stage, "mouse-button-release", 1, x, y));
}

#[test]
fn a_click_follows_a_drag_boxes_and_the_key_lets_go() {
    let mut stage = Stage::new("pointer", "click-to-track=true");
    assert!(stage.ids().is_empty(), "nothing is asked for");
    // Frames are 32 x 16 pixels.
    click(&mut stage, 16.0, 8.0);
    let clicked = stage.ids();
    assert_eq!(clicked.len(), 1);
    assert_eq!(stage.ids_after(3), clicked, "without a prompt, it is still followed");
    assert!(send(&mut stage, "mouse-button-press", 1, 2.0, 2.0));
    assert!(send(&mut stage, "mouse-button-release", 1, 10.0, 10.0));
    assert_eq!(stage.ids().len(), 2);
    let key = gst::Structure::builder("application/x-gst-navigation").field("event", "key-press").field("key", "c");
    assert!(stage.element().static_pad("src").unwrap().send_event(gst::event::Navigation::new(key.build())));
    assert!(stage.ids().is_empty());
}

#[test]
fn without_the_property_clicks_pass() {
    let mut stage = Stage::new("pass", "prompt=dog");
    let ids = stage.ids();
    send(&mut stage, "mouse-button-press", 1, 16.0, 8.0);
    send(&mut stage, "mouse-button-release", 1, 16.0, 8.0);
    assert_eq!(stage.ids()[..2], ids[..]);
    assert_eq!(stage.ids().len(), 2);
    let upstream = std::iter::from_fn(|| stage.rig.harness.try_pull_upstream_event());
    assert_eq!(upstream.filter(|event| event.type_() == gst::EventType::Navigation).count(), 2);
}
