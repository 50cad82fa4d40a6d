//! Behind `sa3segment` with the artificial engine, whose discs are where the masks say.

use std::sync::{Arc, Mutex};

use gst::prelude::*;
use gst_video::VideoInfo;

use crate::rig::{bytes, init};

/// Whether complaints are what a test is about.
#[derive(Clone, Copy, PartialEq)]
enum Warnings {
    Fail,
    Pass,
}

/// A frame's caps and bytes.
pub type Seen = (gst::Caps, Vec<u8>);

/// Runs a pipeline to its end and returns the frames that reached the element named `last`.
pub fn run(description: &str) -> Vec<Seen> {
    run_with(description, Warnings::Fail, |_, _| ())
}

/// As [`run`]; `each` sees the pipeline and the number of each frame before it enters the element named `m`.
fn run_with(
    description: &str,
    warnings: Warnings,
    each: impl Fn(&gst::Pipeline, usize) + Send + Sync + 'static,
) -> Vec<Seen> {
    init();
    let pipeline = gst::parse::launch(description).unwrap().downcast::<gst::Pipeline>().unwrap();
    let frames: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let into = frames.clone();
    let sink_pad = pipeline.by_name("last").unwrap().static_pad("sink").unwrap();
    sink_pad.add_probe(gst::PadProbeType::BUFFER, move |pad, probe| {
        let buffer = probe.buffer().unwrap();
        into.lock().unwrap().push((pad.current_caps().unwrap(), bytes(buffer)));
        gst::PadProbeReturn::Ok
    });
    let (weak, count) = (pipeline.downgrade(), Mutex::new(0));
    if let Some(element) = pipeline.by_name("m") {
        element.static_pad("sink").unwrap().add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            let number = std::mem::replace(&mut *count.lock().unwrap(), 0);
            *count.lock().unwrap() = number + 1;
            each(&weak.upgrade().unwrap(), number);
            gst::PadProbeReturn::Ok
        });
    }
    pipeline.set_state(gst::State::Playing).unwrap();
    for message in pipeline.bus().unwrap().iter_timed(gst::ClockTime::from_seconds(60)) {
        match message.view() {
            gst::MessageView::Eos(_) => break,
            // What was shown until then is what counts.
            gst::MessageView::Error(_) if warnings == Warnings::Pass => break,
            gst::MessageView::Error(error) => panic!("{description}: {error:?}"),
            gst::MessageView::Warning(warning) if warnings == Warnings::Fail => panic!("{description}: {warning:?}"),
            _ => {}
        }
    }
    pipeline.set_state(gst::State::Null).unwrap();
    std::mem::take(&mut *frames.lock().unwrap())
}

#[test]
fn discs_of_the_artificial_engine_are_drawn_where_they_are() {
    for format in ["RGB", "BGRx", "I420", "NV12", "GRAY8"] {
        let source = format!(
            "videotestsrc num-buffers=3 pattern=gradient ! video/x-raw,format={format},width=320,height=180,framerate=25/1 !"
        );
        let plain = run(&format!("{source} fakesink name=last"));
        let drawn = run(&format!(
            "{source} sa3segment model=test prompt=\"dog; cat\" ! maskcomposite name=m labels=false ! fakesink name=last"
        ));
        assert_eq!((plain.len(), drawn.len()), (3, 3), "{format}");
        for ((caps, before), (drawn_caps, after)) in plain.iter().zip(&drawn) {
            assert_eq!(
                VideoInfo::from_caps(caps).unwrap().format(),
                VideoInfo::from_caps(drawn_caps).unwrap().format()
            );
            let bytes_per_pixel = VideoInfo::from_caps(caps).unwrap().format_info().pixel_stride()[0] as usize;
            let at = |x: usize, y: usize| (y * 320 + x) * bytes_per_pixel;
            // The discs stand at a fifth of the width, at a quarter and a half of the height.
            for (x, y) in [(66, 45), (66, 90)] {
                assert_ne!(before[at(x, y)..][..bytes_per_pixel], after[at(x, y)..][..bytes_per_pixel], "{format}");
            }
            assert_eq!(before[at(160, 0)..at(319, 0)], after[at(160, 0)..at(319, 0)], "{format}");
            assert_eq!(before[at(0, 175)..at(319, 175)], after[at(0, 175)..at(319, 175)], "{format}");
        }
    }
}

#[test]
fn a_change_of_mode_while_playing_renegotiates() {
    let description = "videotestsrc num-buffers=6 ! video/x-raw,format=BGRx,width=64,height=48 ! \
                       sa3segment model=test prompt=dog ! maskcomposite name=m ! fakesink name=last";
    let frames = run_with(description, Warnings::Fail, |pipeline, number| {
        let mode = if (2..4).contains(&number) { "cutout" } else { "overlay" };
        pipeline.by_name("m").unwrap().set_property_from_str("mode", mode);
    });
    let formats: Vec<_> =
        frames.iter().map(|(caps, _)| caps.structure(0).unwrap().get::<String>("format").unwrap()).collect();
    assert_eq!(formats, ["BGRx", "BGRx", "BGRA", "BGRA", "BGRx", "BGRx"]);
}

#[test]
fn cutout_alpha_reaches_elements_that_convert() {
    let frames = run("videotestsrc num-buffers=2 pattern=white ! videoconvert ! sa3segment model=test prompt=dog ! \
         maskcomposite mode=cutout ! videoconvert ! video/x-raw,format=RGBA,width=320,height=180 ! fakesink name=last");
    let (_, pixels) = frames.last().unwrap();
    assert_eq!(pixels[4 * (45 * 320 + 66) + 3], 255);
    assert_eq!(pixels[4 * (175 * 320 + 300) + 3], 0);
}

#[test]
fn videorate_and_scaling_behind_the_masks_still_fit() {
    let frames = run("videotestsrc num-buffers=2 pattern=black ! video/x-raw,format=I420,width=320,height=180 ! \
         sa3segment model=test prompt=dog ! videoscale ! video/x-raw,width=640,height=360 ! maskcomposite labels=false ! \
         fakesink name=last");
    let (_, pixels) = frames.last().unwrap();
    assert_ne!(pixels[90 * 640 + 132], pixels[350 * 640 + 600]);
}

/// What privacy shows of a white picture with a disc, by an engine that fails as `script` says, frame by frame: whether
/// nothing is seen of the disc, whether nothing is seen at all.
fn seen_with_privacy(script: &str, properties: &str) -> Vec<(bool, bool)> {
    const SOURCE: &str = "videotestsrc num-buffers=40 pattern=white ! video/x-raw,format=GRAY8,width=320,height=180 !";
    let of = |model: &str, mode: &str| {
        run_with(
            &format!(
                "{SOURCE} sa3segment model={model} prompt=face {properties} ! maskcomposite {mode} ! fakesink name=last"
            ),
            Warnings::Pass,
            |_, _| (),
        )
    };
    // Engines of their own: the discs move with each frame that an engine sees, whoever shows it.
    let (truth, shown) = (of("test:name=truth", "mode=matte"), of(&format!("{script},name=dies"), "preset=privacy"));
    // An engine that panics ends the stream.
    let expected = if script.contains("panic") { 15 } else { 40 };
    assert_eq!((truth.len(), shown.len()), (40, expected), "{script} {properties}");
    let each = truth.iter().zip(&shown).map(|((_, disc), (_, frame))| {
        let is_covered = disc.iter().zip(frame).all(|(disc, pixel)| *disc < 128 || *pixel < 40);
        (is_covered, frame.iter().all(|pixel| *pixel < 40))
    });
    each.collect()
}

#[test]
fn privacy_shows_no_unprotected_frame_when_the_model_dies() {
    for (script, properties) in [
        ("test:fail-from=15", ""),
        ("test:fail-from=0", ""),
        ("test:panic-at=15", ""),
        ("test:fail-every=4", ""),
        ("test:fail-from=5", "inference-interval=3"),
    ] {
        let seen = seen_with_privacy(script, properties);
        let unprotected: Vec<usize> = (0..seen.len()).filter(|frame| !seen[*frame].0).collect();
        assert!(unprotected.is_empty(), "{script} {properties}: frames {unprotected:?}");
        let hidden = seen.iter().filter(|(_, is_hidden)| *is_hidden).count();
        assert!(hidden > 0 || !script.contains("from"), "{script} {properties}: {hidden} hidden");
        assert!(hidden < seen.len() || script.contains("from=0"), "{script} {properties}: nothing was shown at all");
    }
}
