//! Caps: what can come in for what downstream takes, and which of its offers is chosen.
//!
//! The possibilities do not depend on the mode, so that a change of mode in PLAYING never ends a stream.

use gst_video::{VideoFormat, VideoInfo};
use sa3::composite::Mode;

use super::formats::{all, inputs, outputs, with_alpha};

/// Caps of the pad templates.
pub(super) fn template_caps() -> gst::Caps {
    let sides = 1..=*sa3::frame::SIDE_RANGE_IN_PIXELS.end() as i32;
    gst_video::VideoCapsBuilder::new().format_list(all()).width_range(sides.clone()).height_range(sides).build()
}

/// What the background may be: all that GStreamer's converter reads.
pub(super) fn background_caps() -> gst::Caps {
    gst_video::VideoCapsBuilder::new().format_list(VideoFormat::iter_raw()).build()
}

/// What a key is.
pub(super) fn key_caps() -> gst::Caps {
    let sides = 1..=*sa3::frame::SIDE_RANGE_IN_PIXELS.end() as i32;
    gst_video::VideoCapsBuilder::new().format(VideoFormat::Gray8).width_range(sides.clone()).height_range(sides).build()
}

/// What can come in when downstream takes `caps`.
pub(super) fn sink_caps(caps: &gst::Caps) -> gst::Caps {
    with_formats(caps, |format| inputs(format).collect())
}

/// What can leave when upstream sends `caps`.
pub(super) fn src_caps(caps: &gst::Caps) -> gst::Caps {
    with_formats(caps, |format| outputs(format).collect())
}

/// The caps to send for a stream, best first.
pub(super) fn candidates(in_caps: &gst::CapsRef, format: VideoFormat, mode: Mode) -> Vec<gst::Caps> {
    let alpha = with_alpha(format);
    let order = match mode {
        Mode::Cutout => [alpha, Some(format)],
        _ => [Some(format), alpha],
    };
    let in_format = |format: VideoFormat| {
        let mut caps = in_caps.to_owned();
        caps.make_mut().set("format", format.to_str());
        caps
    };
    order.into_iter().flatten().map(in_format).collect()
}

/// True when frames of the two differ in more than their name.
pub(super) fn gains_alpha(in_info: &VideoInfo, out_info: &VideoInfo) -> bool {
    in_info.format() != out_info.format()
}

/// `caps` with each format replaced by those that `map` names, in order and each once.
fn with_formats(caps: &gst::Caps, map: impl Fn(VideoFormat) -> Vec<VideoFormat>) -> gst::Caps {
    let concrete = caps.intersect_with_mode(&template_caps(), gst::CapsIntersectMode::First);
    let mut mapped = gst::Caps::new_empty();
    for (structure, features) in concrete.iter_with_features() {
        let mut formats = Vec::new();
        for format in formats_of(structure).into_iter().flat_map(&map) {
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
        let mut structure = structure.to_owned();
        structure.set("format", gst::List::new(formats.iter().map(|format| format.to_str())));
        mapped.make_mut().append_structure_full(structure, Some(features.to_owned()));
    }
    mapped.simplify();
    mapped
}

fn formats_of(structure: &gst::StructureRef) -> Vec<VideoFormat> {
    let named = |name: &str| name.parse::<VideoFormat>().ok();
    if let Ok(one) = structure.get::<&str>("format") {
        return named(one).into_iter().collect();
    }
    let list = structure.get::<gst::List>("format").unwrap_or_default();
    list.iter().filter_map(|value| value.get::<&str>().ok().and_then(named)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(text: &str) -> gst::Caps {
        gst::init().unwrap();
        text.parse().unwrap()
    }

    fn formats(caps: &gst::Caps) -> Vec<String> {
        caps.iter().flat_map(formats_of).map(|format| format.to_string()).collect()
    }

    #[test]
    fn alpha_downstream_lets_padding_in_upstream() {
        assert_eq!(formats(&sink_caps(&caps("video/x-raw,format=RGBA"))), ["RGBA", "RGBx"]);
        assert_eq!(formats(&sink_caps(&caps("video/x-raw,format={A420,NV12}"))), ["A420", "I420", "NV12"]);
        assert_eq!(formats(&sink_caps(&caps("video/x-raw,format=GRAY16_LE"))), [""; 0]);
        assert_eq!(formats(&sink_caps(&gst::Caps::new_any())).len(), all().count());
    }

    #[test]
    fn padding_upstream_lets_alpha_out_and_sizes_stay() {
        let out = src_caps(&caps("video/x-raw,format=BGRx,width=64"));
        assert_eq!(formats(&out), ["BGRx", "BGRA"]);
        assert!(out.iter().all(|structure| structure.get::<i32>("width") == Ok(64)));
    }

    #[test]
    fn cutout_asks_for_alpha_first() {
        let caps = caps("video/x-raw,format=I420,width=64,height=48,colorimetry=bt709");
        let order = |mode| -> Vec<_> { candidates(&caps, VideoFormat::I420, mode).iter().flat_map(formats).collect() };
        assert_eq!(order(Mode::Overlay), ["I420", "A420"]);
        assert_eq!(order(Mode::Cutout), ["A420", "I420"]);
        let kept = candidates(&caps, VideoFormat::I420, Mode::Cutout)[0].clone();
        assert_eq!(kept.structure(0).unwrap().get::<&str>("colorimetry"), Ok("bt709"));
    }
}
