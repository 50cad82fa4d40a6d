//! `--composite`: every target of drawing and of writing what was found, and GStreamer's compositor beside the overlay.
//!
//! Frames are drawn on again and again; that changes their pixels, not the time. Objects move a little from frame to frame.

use std::path::Path;

use sa3::composite::{Backdrop, Compositor, FrameMut, Mode, PlaneMut, Region, Style};
use sa3::export::{Exporter, MaskSize, Options, Shaper, Shot};
use sa3::frame::{Colorimetry, Frame, PixelFormat, Plane};

use crate::compositor_peer::{self, Threads};
use crate::discs::{Drift, Size};
use crate::median;
use crate::overlay_pipeline::{self, Frames};
use crate::targets::{self, Target};
use crate::turns::Timed;

const HD: Size = (1920, 1080);
const UHD: Size = (3840, 2160);
const FORMAT: PixelFormat = PixelFormat::Nv12;
const TURNS: usize = 15;
const PIPELINE_ROUNDS: usize = 3;
const BLUR_RADII: [f32; 3] = [4.0, 43.0, 400.0];

/// Prints what was measured, and below it each target beside it.
pub fn run() -> Result<(), String> {
    let mut all = Cases::new();
    println!("a frame of NV12 after another on one thread, in {TURNS} turns; a third of the frame is covered\n");
    for _ in 0..TURNS {
        all.each(Timed::take_turn)?;
    }
    Timed::print_head();
    all.each(|timed| {
        timed.print();
        Ok(())
    })?;
    println!("two streams of overlay, 2160p, on two threads: {:.1} frames/s together\n", two_streams()?);
    let pipelines = Pipelines::measure()?;
    pipelines.print();
    targets::print(&all.targets(&pipelines));
    println!(
        "\nallocations a frame once buffers have their sizes: 0, which is tested and not measured here\n  \
         (tests/allocations.rs: no_mode_takes_memory_once_its_buffers_are_there)"
    );
    Ok(())
}

/// What is timed.
struct Cases {
    overlay: Timed<'static>,
    overlay_of_4: Timed<'static>,
    overlay_of_32: Timed<'static>,
    /// Of 4 and of 32 objects.
    tints: [Timed<'static>; 2],
    overlay_uhd: Timed<'static>,
    blurs: [Timed<'static>; 3],
    replace: Timed<'static>,
    lines: Timed<'static>,
    grid_lines: Timed<'static>,
}

impl Cases {
    fn new() -> Self {
        let tint = Style { labels: false, outline_width: Some(0.0), ..Style::default() };
        let grid = Options { mask_size: MaskSize::Grid, ..Options::default() };
        Self {
            overlay: drawing("overlay, 8 objects, 1080p", HD, 8, Style::default()),
            overlay_of_4: drawing("overlay, 4 objects, 1080p", HD, 4, Style::default()),
            overlay_of_32: drawing("overlay, 32 objects, 1080p", HD, 32, Style::default()),
            tints: [4, 32].map(|count| {
                let name = format!("  {count} objects without outlines and labels");
                drawing(&name, HD, count, tint.clone())
            }),
            overlay_uhd: drawing("overlay, 8 objects, 2160p", UHD, 8, Style::default()),
            blurs: BLUR_RADII.map(|radius| {
                let style = Style { mode: Mode::Blur, region: Region::Outside, ..Style::default() };
                let name = format!("blur of the background, radius {radius}, 1080p");
                drawing(&name, HD, 8, Style { radius: Some(radius), ..style })
            }),
            replace: drawing(
                "replace by a picture, 8 objects, 1080p",
                HD,
                8,
                Style { mode: Mode::Replace, ..Style::default() },
            ),
            lines: writing("a line of JSON, RLE of the frame's size, 8 objects", Options::default()),
            grid_lines: writing("a line of JSON, RLE of the mask's grid, 8 objects", grid),
        }
    }

    fn each(&mut self, mut act: impl FnMut(&mut Timed<'static>) -> Result<(), String>) -> Result<(), String> {
        let Self { overlay, overlay_of_4, overlay_of_32, tints, overlay_uhd, blurs, replace, lines, grid_lines } = self;
        let overlays = [overlay, overlay_of_4, overlay_of_32].into_iter().chain(tints).chain([overlay_uhd]);
        overlays.chain(blurs).chain([replace, lines, grid_lines]).try_for_each(&mut act)
    }

    fn targets(&self, pipelines: &Pipelines) -> Vec<Target> {
        let [blur_4, blur_43, blur_400] = self.blurs.each_ref().map(Timed::frames_per_second);
        let of_32 = self.overlay_of_32.ms() / self.overlay_of_4.ms();
        let of_uhd = self.overlay_uhd.ms() / self.overlay.ms();
        vec![
            Target::at_least(
                "overlay, 8 objects, 1080p, one thread: frames/s",
                250.0,
                self.overlay.frames_per_second(),
            ),
            Target::at_least("overlay, pipeline: times as fast as compositor", 3.0, pipelines.ratio()),
            Target::at_least(
                "overlay, 2160p, two threads (uses one): frames/s",
                60.0,
                self.overlay_uhd.frames_per_second(),
            ),
            Target::at_least("blur, radius 4, two threads (uses one): frames/s", 60.0, blur_4),
            Target::at_least("blur, radius 43, two threads (uses one): frames/s", 60.0, blur_43),
            Target::at_least("blur, radius 400, two threads (uses one): frames/s", 60.0, blur_400),
            Target::at_least("replace by a picture, one thread: frames/s", 120.0, self.replace.frames_per_second()),
            // Edges are 2.8 times as long; objects times pixels would be 8.
            Target::at_most("time of 32 objects / of 4 of the same area (edges: 2.8)", 4.0, of_32),
            Target::at_most("time of 2160p / of 1080p", 5.0, of_uhd),
            Target::at_least("JSON with RLE of the frame's size: frames/s", 500.0, self.lines.frames_per_second()),
        ]
    }
}

/// The overlay as users run it, and its peer, in turns; frames a second of each run.
#[derive(Default)]
struct Pipelines {
    ours: Vec<f64>,
    ours_on_copies: Vec<f64>,
    theirs: Vec<f64>,
    theirs_on_all_threads: Vec<f64>,
}

impl Pipelines {
    fn measure() -> Result<Self, String> {
        let mut all = Self::default();
        for _ in 0..PIPELINE_ROUNDS {
            all.ours.push(overlay_pipeline::measure(HD, Frames::Owned)?);
            all.theirs.push(compositor_peer::measure(HD, Threads::One)?);
            all.ours_on_copies.push(overlay_pipeline::measure(HD, Frames::Shared)?);
            all.theirs_on_all_threads.push(compositor_peer::measure(HD, Threads::AsItLikes)?);
        }
        Ok(all)
    }

    fn ratio(&self) -> f64 {
        median(self.ours.clone()) / median(self.theirs.clone())
    }

    fn print(&self) {
        println!(
            "pipelines on 1080p NV12, appsrc to fakesink, one thread that works; sources hand on frames made beforehand"
        );
        println!("{:<76} {:>9} {:>9} {:>9}", "", "frames/s", "least", "most");
        for (name, rates) in [
            ("maskcomposite: masks put on the buffer, outlines and labels included", &self.ours),
            ("the same on frames that others hold, so that it copies them first", &self.ours_on_copies),
            ("compositor ! videoconvert: one painted A420 layer, blending and conversion", &self.theirs),
            ("the same on as many threads as it likes", &self.theirs_on_all_threads),
        ] {
            let (least, most) = rates.iter().fold((f64::MAX, 0.0_f64), |(a, b), &rate| (a.min(rate), b.max(rate)));
            println!("{name:<76} {:>9.1} {least:>9.1} {most:>9.1}", median(rates.clone()));
        }
        println!();
    }
}

/// A grey frame that owns its planes.
struct Picture {
    size: Size,
    planes: Vec<(Vec<u8>, usize)>,
}

impl Picture {
    fn new(size: Size) -> Self {
        let plane = |index| {
            let (row_bytes, rows) = FORMAT.plane_extent(index, size.0, size.1);
            (vec![128; row_bytes * rows], row_bytes)
        };
        Self { size, planes: (0..FORMAT.plane_count()).map(plane).collect() }
    }

    fn frame(&mut self) -> Result<FrameMut<'_>, String> {
        let planes = self.planes.iter_mut().map(|(bytes, stride)| PlaneMut { bytes, stride: *stride }).collect();
        FrameMut::new(FORMAT, self.size, Colorimetry::default(), planes).map_err(|error| error.to_string())
    }

    fn backdrop(&self) -> Result<Backdrop, String> {
        let planes = self.planes.iter().map(|(bytes, stride)| Plane { bytes, stride: *stride }).collect();
        let picture =
            Frame::new(FORMAT, self.size, Colorimetry::default(), planes).map_err(|error| error.to_string())?;
        let mut backdrop = Backdrop::default();
        backdrop.take(&picture);
        Ok(backdrop)
    }
}

/// Draws objects of `count`, a third of the frame, on one frame.
fn drawing(name: &str, size: Size, count: usize, style: Style) -> Timed<'static> {
    let drift = Drift::new(count, size);
    let mut picture = Picture::new(size);
    let mut compositor = Compositor::default();
    let mut backdrop = None;
    Timed::new(name, move |frame| {
        if style.mode == Mode::Replace && backdrop.is_none() {
            backdrop = Some(Picture::new(size).backdrop()?);
        }
        compositor.composite_over(&mut picture.frame()?, drift.at(frame), &style, backdrop.as_mut());
        Ok(())
    })
}

/// Turns eight objects into a line and hands it to the system.
fn writing(name: &str, options: Options) -> Timed<'static> {
    let drift = Drift::new(8, HD);
    let (mut exporter, mut shaper) = (None, Shaper::default());
    Timed::new(name, move |frame| {
        let exporter = match &mut exporter {
            Some(exporter) => exporter,
            none => none.insert(Exporter::create(Path::new("/dev/null"), &options).map_err(|error| error.to_string())?),
        };
        let objects = drift.at(frame);
        let (number, pts) = (frame as u64, Some(frame as u64 * 40_000_000));
        let shot =
            Shot { frame: number, pts, duration: None, size: HD, objects: Some(objects), source_pts: pts, age: 0 };
        exporter.write(&shaper.shape(shot, &options)).map_err(|error| error.to_string())
    })
}

/// Frames a second of two streams, each on a thread of its own, in each other's way.
fn two_streams() -> Result<f64, String> {
    let mut streams = [0, 1].map(|_| drawing("", UHD, 8, Style::default()));
    std::thread::scope(|scope| {
        let threads = streams.each_mut().map(|stream| scope.spawn(|| (0..TURNS).try_for_each(|_| stream.take_turn())));
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a stream has failed")?)
    })?;
    Ok(streams.iter().map(Timed::frames_per_second).sum())
}
