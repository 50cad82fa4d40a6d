//! The properties' names, ranges, defaults and texts.

use std::sync::LazyLock;

use glib::ParamSpec;
use glib::prelude::*;
use gst::prelude::GstParamSpecBuilderExt;
use sa3::composite::{Edges, MAX_TRAIL_IN_FRAMES, Rgb, Style};

use super::settings::{AUTO, argb_of};
use super::{AlphaMode, BackgroundFit, ColorBy, KeyRange, Mode, NoMaskPolicy, Preset, Region};

const MAX_WIDTH_IN_PIXELS: f64 = 64.0;
const MAX_RADIUS_IN_PIXELS: f64 = 2000.0;
const MAX_BLOCK_IN_PIXELS: u32 = 1024;
const MAX_GROWTH_IN_PIXELS: f64 = 1000.0;
const MAX_FADE_IN_MS: u32 = 10_000;

/// All properties.
pub(super) fn specs() -> &'static [ParamSpec] {
    static SPECS: LazyLock<Vec<ParamSpec>> = LazyLock::new(|| {
        let mut specs = mode_specs().to_vec();
        specs.extend(effect_specs());
        specs.extend(background_specs());
        specs.extend(edge_specs());
        specs.extend(mask_specs());
        specs.extend(color_specs());
        specs.extend(line_specs());
        specs.extend(label_specs());
        specs.push(stats_spec());
        specs
    });
    &SPECS
}

fn mode_specs() -> [ParamSpec; 3] {
    [
        glib::ParamSpecEnum::builder_with_default("mode", Mode::default())
            .nick("What to show")
            .blurb("What becomes of the picture. A change in PLAYING negotiates caps anew, as cutout likes alpha")
            .mutable_playing()
            .build(),
        glib::ParamSpecEnum::builder_with_default("region", Region::default())
            .nick("Where the mode acts")
            .blurb(
                "Where the mode acts: inside, on the objects, or outside, on everything else. auto: inside for blur, \
                 pixelate, fill, matte, ink and cartoon, outside for cutout, replace, key-fill, desaturate and dim. Not for overlay, \
                 outline and glow",
            )
            .mutable_playing()
            .build(),
        text(
            "select",
            "Objects to show",
            "Only these objects count: labels, #ID, prompt=N, score>=X, state=new|tracked|propagated|held|lost, with & \
             between those that all have to hold and ; between alternatives (\"dog & score>=0.6; #7\"). Empty: all",
            "",
        ),
    ]
}

fn effect_specs() -> [ParamSpec; 4] {
    [
        number(
            "radius",
            "Blur radius",
            "Blur: pixels over which the picture runs together, twice the standard deviation; glow: pixels that the light \
             reaches; ink and cartoon: size of the smallest shapes. -1 and all below 0: by the frame's shorter side, 43 at \
             1080, for ink and cartoon 5",
            (AUTO, MAX_RADIUS_IN_PIXELS),
            AUTO,
        ),
        glib::ParamSpecUInt::builder("block-size")
            .nick("Side of blocks")
            .blurb(
                "Pixelate: side of a block in pixels, made even. Blocks stand still on the frame. 0: by the frame's shorter \
                 side, 24 at 1080",
            )
            .maximum(MAX_BLOCK_IN_PIXELS)
            .default_value(0)
            .mutable_playing()
            .controllable()
            .build(),
        color(
            "fill-color",
            "Colour of mode=fill",
            "Fill: the colour, 0xAARRGGBB; AA has no effect. Replace: the background where there is no picture, and its \
             borders with background-fit=contain",
            Rgb::BLACK,
        ),
        number(
            "amount",
            "How much the region is changed",
            "Desaturate, dim, ink and cartoon: 0 changes nothing, 1 leaves no colour, black, or only the drawing. -1 and all \
             below 0: 0.6 for dim, else 1",
            (AUTO, 1.0),
            AUTO,
        ),
    ]
}

fn background_specs() -> [ParamSpec; 6] {
    [
        text(
            "background-location",
            "Picture for the background",
            "Replace: path of a picture in any format that GStreamer decodes here; of a film the first frame. It is loaded \
             when the element starts, or at once when it runs; the one before stays when that fails. The background pad \
             goes first. Empty: none",
            "",
        ),
        glib::ParamSpecEnum::builder_with_default("background-fit", BackgroundFit::default())
            .nick("How the background fits")
            .blurb("Replace: how a background of another shape fills the frame")
            .mutable_playing()
            .build(),
        number(
            "light-wrap",
            "Light of the background",
            "Replace: how much light of the background falls on the edges of what stays, 0 (none) to 1",
            (0.0, 1.0),
            0.0,
        ),
        number(
            "despill",
            "Own colours at edges",
            "Replace, cutout and key-fill: how much the edges of what stays take their colour from further inside instead \
             of the old background, 0 (not) to 1. Brightness stays",
            (0.0, 1.0),
            0.0,
        ),
        glib::ParamSpecEnum::builder_with_default("alpha-mode", AlphaMode::default())
            .nick("Meaning of colours")
            .blurb("Cutout and key-fill: straight colours, or colours multiplied by alpha")
            .mutable_playing()
            .build(),
        glib::ParamSpecEnum::builder_with_default("key-range", KeyRange::default())
            .nick("Range of the key")
            .blurb("Values of black and white at key_src: full (0 and 255) or limited (16 and 235)")
            .mutable_playing()
            .build(),
    ]
}

fn edge_specs() -> [ParamSpec; 7] {
    let edges = Edges::default();
    [
        number(
            "grow",
            "Growth of masks",
            "Pixels by which every mask grows before the mode looks at it; negative: shrinks",
            (-MAX_GROWTH_IN_PIXELS, MAX_GROWTH_IN_PIXELS),
            f64::from(edges.grow),
        ),
        number(
            "feather",
            "Width of soft edges",
            "Width in pixels of the masks' edges, half of it inside and half outside. Up to 1: crisp and smooth",
            (0.0, MAX_GROWTH_IN_PIXELS),
            f64::from(edges.feather),
        ),
        switch("fill-holes", "Fill holes", "What a mask wholly encloses belongs to it", edges.fill_holes),
        number(
            "min-area",
            "Smallest part of a mask",
            "Connected parts of a mask smaller than this part of the frame (0 to 1; 0.001: a thousandth) do not count. 0: \
             all count",
            (0.0, 1.0),
            f64::from(edges.min_area),
        ),
        number(
            "refine",
            "Edges of the picture",
            "How much the masks' edges move to edges of the picture nearby, 0 (not) to 1",
            (0.0, 1.0),
            f64::from(edges.refine),
        ),
        number(
            "temporal-smoothing",
            "Steadiness of masks",
            "How much of an object's earlier mask stays where the picture did not change, 0 (nothing) to 1 (most); it moves \
             along with the object. Against trembling edges",
            (0.0, 1.0),
            f64::from(edges.temporal_smoothing),
        ),
        count(
            "fade",
            "Time to come and go",
            "Milliseconds in which objects appear and disappear. Modes that act on the objects themselves have them at once \
             and fade only what disappears. 0: at once",
            MAX_FADE_IN_MS,
        ),
    ]
}

fn mask_specs() -> [ParamSpec; 4] {
    [
        glib::ParamSpecEnum::builder_with_default("no-mask-policy", NoMaskPolicy::default())
            .nick("Frames without masks")
            .blurb(
                "What becomes of frames that nobody looked at, whose masks are older than max-mask-age or max-mask-age-ms, or were made for \
                 another shape: pass (as they came), hold (the last masks again, up to max-mask-age; then hidden), \
                 background-only (as if nothing was found), hide-frame (black; cutout: transparent)",
            )
            .mutable_playing()
            .build(),
        age(
            "max-mask-age",
            "Oldest masks",
            "Frames since the objects were found that masks count for. 0: a frame's own only, -1: any age",
        ),
        age(
            "max-mask-age-ms",
            "Oldest masks in time",
            "Milliseconds between the frame that objects were found on and one that they count for. -1: any age. With \
             max-mask-age both have to hold",
        ),
        glib::ParamSpecEnum::builder_with_default("preset", Preset::default())
            .nick("Settings for a purpose")
            .blurb(
                "Sets other properties at once, which can then be changed: portrait-blur, privacy (one colour over the \
                 objects, and frames without masks are hidden), presenter, inspection, virtual-background, broadcast-key. Set it before the properties that \
                 shall differ. none: nothing is set",
            )
            .mutable_playing()
            .build(),
    ]
}

fn color_specs() -> [ParamSpec; 3] {
    [
        number(
            "opacity",
            "Opacity of the masks",
            "Overlay: how much of the picture the masks' colour hides, 0 (nothing is drawn) to 1 (all). Outlines, boxes \
             and labels are solid from 0.5 up and fade with it below",
            (0.0, 1.0),
            f64::from(Style::default().opacity),
        ),
        glib::ParamSpecEnum::builder_with_default("color-by", ColorBy::default())
            .nick("What decides the colour")
            .blurb("Overlay, outline and glow: which objects share a colour. The colours stay the same from frame to frame")
            .mutable_playing()
            .build(),
        color(
            "color",
            "Colour of color-by=single",
            "With color-by=single: the colour of all objects, 0xAARRGGBB; AA has no effect, see opacity",
            Style::default().color,
        ),
    ]
}

fn line_specs() -> [ParamSpec; 4] {
    [
        text(
            "styles",
            "Styles of single objects",
            "Overlay, outline and glow: what differs for some objects, as \"SELECTION: name=value …; …\" with color \
             (#rrggbb), opacity, outline-width, boxes and labels, and selections as in select (\"person: color=#ff8800; \
             #7: boxes=true opacity=0.8\"). Of two the later one counts",
            "",
        ),
        count(
            "trails",
            "Length of trails",
            "Overlay, outline and glow: frames of which each object with an id shows the way it came, as a line that \
             fades. 0: no trails",
            MAX_TRAIL_IN_FRAMES,
        ),
        number(
            "outline-width",
            "Width of outlines",
            "Overlay, outline and glow: width in pixels of the line around each mask. 0: no line, -1 and all below 0: by the frame's \
             shorter side, 3 at 1080",
            (AUTO, MAX_WIDTH_IN_PIXELS),
            AUTO,
        ),
        switch("boxes", "Draw boxes", "Overlay, outline and glow: draw each object's box", Style::default().boxes),
    ]
}

fn label_specs() -> [ParamSpec; 2] {
    [
        switch(
            "labels",
            "Draw labels",
            "Overlay, outline and glow: write each object's label-format above it",
            Style::default().labels,
        ),
        text(
            "label-format",
            "Text of labels",
            "What labels say. {label}, {score} (0.93), {percent} (93%), {id} and {prompt} (position in the \
             prompt, from 0) are replaced; at most 64 characters are shown",
            Style::default().label_format.pattern(),
        ),
    ]
}

fn stats_spec() -> ParamSpec {
    glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
        .nick("Statistics")
        .blurb(
            "frames-in, drawn, passed (unchanged), mismatched (masks made for another shape), without-masks \
             (those that no-mask-policy decided on), hidden, all since the start; \
             objects (on the last frame with masks); draw-ms-last and draw-ms-mean (milliseconds to draw a frame, the \
             last one and over about 64)",
        )
        .read_only()
        .build()
}

fn number(name: &str, nick: &str, blurb: &str, (minimum, maximum): (f64, f64), default: f64) -> ParamSpec {
    glib::ParamSpecDouble::builder(name)
        .nick(nick)
        .blurb(blurb)
        .minimum(minimum)
        .maximum(maximum)
        .default_value(default)
        .mutable_playing()
        .controllable()
        .build()
}

/// A whole number that is 0 unless set.
fn count(name: &str, nick: &str, blurb: &str, maximum: u32) -> ParamSpec {
    glib::ParamSpecUInt::builder(name)
        .nick(nick)
        .blurb(blurb)
        .maximum(maximum)
        .default_value(0)
        .mutable_playing()
        .controllable()
        .build()
}

/// An age without a limit unless set.
fn age(name: &str, nick: &str, blurb: &str) -> ParamSpec {
    glib::ParamSpecInt::builder(name)
        .nick(nick)
        .blurb(blurb)
        .minimum(-1)
        .default_value(-1)
        .mutable_playing()
        .controllable()
        .build()
}

fn color(name: &str, nick: &str, blurb: &str, default: Rgb) -> ParamSpec {
    glib::ParamSpecUInt::builder(name)
        .nick(nick)
        .blurb(blurb)
        .default_value(argb_of(default))
        .mutable_playing()
        .controllable()
        .build()
}

fn switch(name: &str, nick: &str, blurb: &str, default: bool) -> ParamSpec {
    glib::ParamSpecBoolean::builder(name)
        .nick(nick)
        .blurb(blurb)
        .default_value(default)
        .mutable_playing()
        .controllable()
        .build()
}

fn text(name: &str, nick: &str, blurb: &str, default: &str) -> ParamSpec {
    glib::ParamSpecString::builder(name).nick(nick).blurb(blurb).default_value(Some(default)).mutable_playing().build()
}
