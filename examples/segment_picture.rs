//! The engine alone: a picture and phrases in, masks and a table out.
//!
//!     cargo run --release --example segment_picture -- picture.png "red circle; dog" masks/
//!
//! Reads an 8-bit RGB PNG, prints what was found, and writes each soft mask as a grey PNG when a folder is given.
#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;

use sa3::frame::RgbPicture;
use sa3::prompt::Prompt;
use sa3::{Engine, EngineSettings, Object, SegmentRequest};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [picture, phrases, rest @ ..] = arguments.as_slice() else {
        return Err("give a PNG file, phrases with ; between them, and perhaps a folder for the masks".into());
    };
    let picture = read_rgb(Path::new(picture))?;

    let engine = Engine::load(&EngineSettings::default(), &mut |step| eprintln!("{} %: {}", step.percent, step.stage))?;
    for phrase in Prompt::list_from_text(phrases) {
        engine.phrase_notices(&phrase.text).iter().for_each(|notice| eprintln!("note: {notice}"));
    }
    let request = SegmentRequest { prompts: Prompt::list_from_text(phrases), ..SegmentRequest::default() };
    let found = engine.segment(picture, request)?;

    println!("{:<20} {:>6}  {:>23}", "label", "score", "box (left top right bottom)");
    for (number, object) in found.objects.items.iter().enumerate() {
        let b = object.box_in_frame;
        println!("{:<20} {:>6.3}  {:.3} {:.3} {:.3} {:.3}", object.label, object.score, b.x0, b.y0, b.x1, b.y1);
        if let Some(folder) = rest.first() {
            write_mask(Path::new(folder), number, object)?;
        }
    }
    Ok(())
}

fn read_rgb(path: &Path) -> Result<RgbPicture, Box<dyn Error>> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut decoder = png::Decoder::new(BufReader::new(file));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info()?;
    let mut bytes = vec![0; reader.output_buffer_size().ok_or("the picture is too large")?];
    let info = reader.next_frame(&mut bytes)?;
    let rgb = match info.color_type {
        png::ColorType::Rgb => bytes,
        png::ColorType::Rgba => bytes.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect(),
        png::ColorType::Grayscale => bytes.iter().flat_map(|&level| [level; 3]).collect(),
        other => return Err(format!("{}: {other:?} pictures are not read", path.display()).into()),
    };
    Ok(RgbPicture { width: info.width, height: info.height, rgb })
}

fn write_mask(folder: &Path, number: usize, object: &Object) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let file = File::create(folder.join(format!("{number:02}-{}.png", object.label.replace(' ', "-"))))?;
    let mut encoder = png::Encoder::new(BufWriter::new(file), object.mask.width, object.mask.height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(object.mask.bytes())?;
    Ok(())
}
