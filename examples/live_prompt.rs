//! An application with a pipeline of its own: type phrases while it plays, read the objects from the meta.
//!
//!     cargo run --release --example live_prompt
//!     cargo run --release --example live_prompt -- "videotestsrc pattern=smpte" autovideosink "red bar"
//!
//! Each line typed becomes the new prompt (`;` between concepts); `quit` or the end of the input ends it.
#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

use std::error::Error;
use std::io::BufRead;
use std::sync::Mutex;

use gst::prelude::*;
use gstsa3::meta::MaskMeta;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize, default: &'static str| arguments.get(index).map_or(default, |text| text.as_str());
    let (source, sink, prompt) = (argument(0, "autovideosrc"), argument(1, "autovideosink"), argument(2, "circle"));

    gst::init()?;
    gstsa3::plugin_register_static()?;
    let pipeline = gst::parse::launch(&format!(
        "{source} ! videoconvert ! sa3segment name=segment ! maskcomposite ! videoconvert ! {sink}"
    ))?;
    let segment = pipeline
        .downcast_ref::<gst::Bin>()
        .and_then(|bin| bin.by_name("segment"))
        .ok_or("the pipeline has no element named segment")?;
    segment.set_property("prompt", prompt);
    print_objects(&segment);

    pipeline.set_state(gst::State::Playing)?;
    println!("looking for \"{prompt}\"; type other phrases, or quit");
    read_phrases(&segment, &pipeline);
    let outcome = wait_for_end(&pipeline);
    pipeline.set_state(gst::State::Null)?;
    outcome
}

/// Prints the objects of a frame when they are others than on the frame before.
fn print_objects(segment: &gst::Element) {
    let last = Mutex::new(String::new());
    let Some(pad) = segment.static_pad("src") else { return };
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let Some(attached) = info.buffer().and_then(|buffer| MaskMeta::read(buffer)) else {
            return gst::PadProbeReturn::Ok;
        };
        let objects: Vec<String> =
            attached.objects.items.iter().map(|object| format!("{} {:.2}", object.label, object.score)).collect();
        let line = if objects.is_empty() { "nothing".to_string() } else { objects.join(", ") };
        if let Ok(mut last) = last.lock()
            && *last != line
        {
            println!("{line}");
            *last = line;
        }
        gst::PadProbeReturn::Ok
    });
}

/// Sets each line of the standard input as the prompt, on a thread of its own.
fn read_phrases(segment: &gst::Element, pipeline: &gst::Element) {
    let (segment, pipeline) = (segment.clone(), pipeline.clone());
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok).take_while(|line| line.trim() != "quit") {
            segment.set_property("prompt", line);
        }
        pipeline.send_event(gst::event::Eos::new());
    });
}

fn wait_for_end(pipeline: &gst::Element) -> Result<(), Box<dyn Error>> {
    let bus = pipeline.bus().ok_or("a pipeline has a bus")?;
    for message in bus.iter_timed(gst::ClockTime::NONE) {
        match message.view() {
            gst::MessageView::Eos(_) => break,
            gst::MessageView::Error(error) => return Err(error.error().to_string().into()),
            gst::MessageView::Warning(warning) => eprintln!("warning: {}", warning.error()),
            _ => {}
        }
    }
    Ok(())
}
