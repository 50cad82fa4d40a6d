//! `mode=replace`: colours, pictures and streams as the background, and what becomes of bad ones.

use std::path::PathBuf;
use std::time::Duration;

use gst::prelude::*;
use gst_check::Harness;
use gst_video::{VideoFormat, VideoInfo};

use crate::rig::{GRAY, Rig, disc, frame_with, info, init, rows};

/// A picture of one grey in a file that goes with it.
struct PictureFile(PathBuf);

impl PictureFile {
    fn new(name: &str, gray: u8) -> Self {
        let path = std::env::temp_dir().join(format!("sa3-background-{}-{name}.png", std::process::id()));
        let mut encoder = png::Encoder::new(std::fs::File::create(&path).unwrap(), 20, 10);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header().unwrap().write_image_data(&[gray; 600]).unwrap();
        Self(path)
    }

    fn properties(&self) -> String {
        format!("mode=replace background-location={}", self.0.display())
    }
}

impl Drop for PictureFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn rgb() -> VideoInfo {
    info(VideoFormat::Rgb, 64, 48)
}

fn frame_at(ms: u64) -> gst::Buffer {
    let mut frame = frame_with(&rgb(), &disc(&rgb()));
    let writable = frame.get_mut().unwrap();
    writable.set_pts(gst::ClockTime::from_mseconds(ms));
    writable.set_duration(gst::ClockTime::from_mseconds(40));
    frame
}

/// Red in the middle of the disc and in the corner of the frame.
fn middle_and_corner(frame: &gst::BufferRef) -> [u8; 2] {
    let rows = rows(frame, &rgb(), 0);
    [rows[24][3 * 32], rows[0][0]]
}

/// Pushes frames until one looks as expected; loading goes on beside the stream.
fn wait_for(rig: &mut Rig, expected: [u8; 2]) {
    for ms in 0..2_000 {
        let drawn = rig.through(frame_at(ms));
        if middle_and_corner(&drawn) == expected {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("no frame with {expected:?}");
}

#[test]
fn without_a_picture_the_fill_color_is_the_background() {
    let mut rig = Rig::open("mode=replace fill-color=0xff0a141e", &rgb());
    assert_eq!(middle_and_corner(&rig.through(frame_at(0))), [GRAY, 10]);
}

#[test]
fn a_picture_is_the_background_and_changes_while_frames_flow() {
    let (first, second) = (PictureFile::new("first", 30), PictureFile::new("second", 200));
    let mut rig = Rig::open(&first.properties(), &rgb());
    assert_eq!(middle_and_corner(&rig.through(frame_at(0))), [GRAY, 30]);
    rig.element.set_property("background-location", second.0.to_str().unwrap());
    wait_for(&mut rig, [GRAY, 200]);
    rig.element.set_property("region", gstsa3::maskcomposite::Region::Inside);
    assert_eq!(middle_and_corner(&rig.through(frame_at(80))), [200, GRAY]);
    rig.element.set_property("background-location", "");
    wait_for(&mut rig, [0, GRAY]);
    assert!(rig.complaints().is_empty());
}

#[test]
fn a_bad_picture_is_a_warning_while_frames_flow_and_the_one_before_stays() {
    let good = PictureFile::new("good", 30);
    let mut rig = Rig::open(&good.properties(), &rgb());
    rig.element.set_property("background-location", "/nowhere/beach.png");
    let mut complaints = Vec::new();
    while complaints.is_empty() {
        assert_eq!(middle_and_corner(&rig.through(frame_at(0))), [GRAY, 30]);
        complaints = rig.complaints();
        std::thread::sleep(Duration::from_millis(5));
    }
    let text = complaints.concat();
    assert!(text.contains("background-location=/nowhere/beach.png") && text.contains("stays"), "{text}");
}

#[test]
fn a_bad_picture_at_the_start_is_an_error_with_a_remedy() {
    init();
    let no_picture = std::env::temp_dir().join(format!("sa3-background-{}.txt", std::process::id()));
    std::fs::write(&no_picture, "no picture at all").unwrap();
    for path in ["/nowhere/beach.png", no_picture.to_str().unwrap()] {
        let element = gst::ElementFactory::make("maskcomposite").property("background-location", path).build().unwrap();
        let bus = gst::Bus::new();
        element.set_bus(Some(&bus));
        assert!(element.set_state(gst::State::Paused).is_err());
        let message = bus.pop_filtered(&[gst::MessageType::Error]).unwrap();
        let gst::MessageView::Error(error) = message.view() else { unreachable!() };
        let text = error.error().message().to_string();
        assert!(text.contains(path) && text.contains("decodebin"), "{text}");
        element.set_state(gst::State::Null).unwrap();
    }
    std::fs::remove_file(no_picture).unwrap();
}

/// The element with a second harness at its background pad.
struct Two {
    rig: Rig,
    background: Harness,
}

impl Two {
    fn new(properties: &str, background_caps: &str) -> Self {
        let rig = Rig::open(properties, &rgb());
        let mut background = Harness::with_element(&rig.element, Some("background"), None);
        background.set_src_caps_str(background_caps);
        Self { rig, background }
    }

    /// The harness says that it is live; this one says that it is a file, whose frames may wait.
    fn make_file(&mut self) {
        let pad = self.rig.harness.srcpad().unwrap();
        pad.add_probe(gst::PadProbeType::QUERY_UPSTREAM, |_, probe| match probe.query_mut().unwrap().view_mut() {
            gst::QueryViewMut::Latency(latency) => {
                latency.set(false, gst::ClockTime::ZERO, gst::ClockTime::NONE);
                gst::PadProbeReturn::Handled
            }
            _ => gst::PadProbeReturn::Ok,
        });
        self.rig.harness.set_src_caps(rgb().to_caps().unwrap());
    }

    /// An I420 frame of one luma without colour, 16 x 16.
    fn put(&mut self, ms: u64, luma: u8) {
        let mut bytes = vec![128u8; 16 * 16 * 3 / 2];
        bytes[..256].fill(luma);
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        let writable = buffer.get_mut().unwrap();
        writable.set_pts(gst::ClockTime::from_mseconds(ms));
        writable.set_duration(gst::ClockTime::from_mseconds(100));
        self.background.push(buffer).unwrap();
    }

    /// The corner at most two from `expected`, which is what GStreamer's converter keeps to, and the object as it was.
    fn assert_seen(&mut self, ms: u64, expected: u8) {
        let [middle, corner] = middle_and_corner(&self.rig.through(frame_at(ms)));
        assert!(middle == GRAY && corner.abs_diff(expected) <= 2, "at {ms} ms: {middle}, {corner}");
    }
}

const SMALL: &str = "video/x-raw,format=I420,width=16,height=16,framerate=10/1,colorimetry=bt601";

#[test]
fn a_stream_of_another_size_rate_and_colorimetry_is_the_background() {
    // Full range: 0 is black and 255 white.
    let full = "video/x-raw,format=I420,width=16,height=16,framerate=10/1,colorimetry=1:4:0:0";
    for (caps, black, white) in [(SMALL, 16, 235), (full, 0, 255)] {
        let mut two = Two::new("mode=replace", caps);
        two.put(0, black);
        two.assert_seen(0, 0);
        two.put(100, white);
        [40, 80].into_iter().for_each(|ms| two.assert_seen(ms, 0));
        [120, 160].into_iter().for_each(|ms| two.assert_seen(ms, 255));
    }
}

#[test]
fn the_last_frame_stays_when_the_background_has_ended() {
    let mut two = Two::new("mode=replace", SMALL);
    two.put(0, 235);
    assert!(two.background.push_event(gst::event::Eos::new()));
    [0, 5_000].into_iter().for_each(|ms| two.assert_seen(ms, 255));
    assert!(two.rig.complaints().is_empty());
}

#[test]
fn a_background_that_stalls_is_told_once_and_waited_for_no_more() {
    let mut two = Two::new("mode=replace", SMALL);
    two.make_file();
    two.put(0, 235);
    [0, 5_000, 5_040].into_iter().for_each(|ms| two.assert_seen(ms, 255));
    let complaints = two.rig.complaints();
    assert!(complaints.len() == 1 && complaints[0].contains("background"), "{complaints:?}");
}

#[test]
fn events_of_the_background_stay_where_they_are() {
    let mut two = Two::new("mode=replace", SMALL);
    two.put(0, 235);
    two.background.push_event(gst::event::FlushStart::new());
    two.background.push_event(gst::event::FlushStop::new(true));
    two.background.push_event(gst::event::Eos::new());
    two.rig.through(frame_at(0));
    let eos = std::iter::from_fn(|| two.rig.harness.try_pull_event());
    assert!(eos.into_iter().all(|event| event.type_() != gst::EventType::Eos));
}

#[test]
fn a_second_background_is_refused_and_a_released_one_makes_room() {
    init();
    let element = gst::ElementFactory::make("maskcomposite").build().unwrap();
    let pad = element.request_pad_simple("background").unwrap();
    let template = element.pad_template("background").unwrap();
    assert!(element.request_pad(&template, None, None).is_none());
    element.release_request_pad(&pad);
    assert!(element.request_pad_simple("background").is_some());
}

/// Two branches that end at different times, both longer than any queue: nobody waits for ever.
#[test]
fn pipelines_with_two_sources_run_to_their_end() {
    for [picture_frames, background_frames] in [[30, 30], [30, 2], [2, 300]] {
        let description = format!(
            "maskcomposite name=m mode=replace ! fakesink name=last \
             videotestsrc num-buffers={picture_frames} ! video/x-raw,format=NV12,width=64,height=48,framerate=30/1 ! \
             sa3segment model=test prompt=dog ! m.sink \
             videotestsrc num-buffers={background_frames} pattern=snow ! video/x-raw,width=40,height=30,framerate=25/1 ! \
             m.background"
        );
        let frames = crate::pipelines::run(&description);
        assert_eq!(frames.len(), picture_frames, "{background_frames} frames of background");
    }
}
