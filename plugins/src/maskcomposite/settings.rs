//! The properties: what the user asked for, as the style that frames are drawn in.

use std::sync::{Arc, LazyLock};

use glib::prelude::*;
use glib::{ParamSpec, Value};
use gst::prelude::GstParamSpecBuilderExt;
use sa3::composite::{LabelFormat, Rgb, Style};

use super::{ColorBy, Mode};

/// `outline-width` that follows the size of the frame.
const AUTO_WIDTH: f64 = -1.0;
const MAX_WIDTH_IN_PIXELS: f64 = 64.0;

/// What the user asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    /// Each frame keeps the style it began with.
    pub(super) style: Arc<Style>,
    /// `select` as the user wrote it.
    select: String,
}

impl Settings {
    /// Sets the property `name` to a value that its spec allows.
    pub(super) fn set(&mut self, name: &str, value: &Value) {
        let style = Arc::make_mut(&mut self.style);
        let number = || value.get::<f64>().unwrap_or_default();
        let switch = || value.get::<bool>().unwrap_or_default();
        let text = || value.get::<Option<&str>>().ok().flatten().unwrap_or_default();
        match name {
            "mode" => style.mode = value.get::<Mode>().unwrap_or_default().into(),
            "opacity" => style.opacity = number() as f32,
            "color-by" => style.color_by = value.get::<ColorBy>().unwrap_or_default().into(),
            "color" => style.color = rgb_of(value.get().unwrap_or_default()),
            "outline-width" => style.outline_width = Some(number() as f32).filter(|width| *width >= 0.0),
            "boxes" => style.boxes = switch(),
            "labels" => style.labels = switch(),
            "label-format" => style.label_format = LabelFormat::parse(text()),
            "select" => {
                self.select = text().into();
                style.select =
                    text().split(';').map(str::trim).filter(|part| !part.is_empty()).map(Arc::from).collect();
            }
            _ => {}
        }
    }

    /// The value of the property `name`, if it is one that can be set.
    pub(super) fn get(&self, name: &str) -> Option<Value> {
        let style = &self.style;
        Some(match name {
            "mode" => Mode::from(style.mode).to_value(),
            "opacity" => exact(style.opacity).to_value(),
            "color-by" => ColorBy::from(style.color_by).to_value(),
            "color" => argb_of(style.color).to_value(),
            "outline-width" => style.outline_width.map_or(AUTO_WIDTH, exact).to_value(),
            "boxes" => style.boxes.to_value(),
            "labels" => style.labels.to_value(),
            "label-format" => style.label_format.pattern().to_value(),
            "select" => self.select.to_value(),
            _ => return None,
        })
    }
}

/// The number as the user wrote it: 0.3 stays 0.3 and does not become 0.30000001192.
fn exact(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(f64::from(number))
}

fn rgb_of(argb: u32) -> Rgb {
    let [_, r, g, b] = argb.to_be_bytes();
    Rgb { r, g, b }
}

fn argb_of(Rgb { r, g, b }: Rgb) -> u32 {
    u32::from_be_bytes([255, r, g, b])
}

/// All properties.
pub(super) fn specs() -> &'static [ParamSpec] {
    static SPECS: LazyLock<Vec<ParamSpec>> = LazyLock::new(|| {
        let mut specs = mode_specs().to_vec();
        specs.extend(color_specs());
        specs.extend(line_specs());
        specs.extend(label_specs());
        specs.push(stats_spec());
        specs
    });
    &SPECS
}

fn mode_specs() -> [ParamSpec; 2] {
    [
        glib::ParamSpecEnum::builder_with_default("mode", Mode::default())
            .nick("What to show")
            .blurb("What becomes of the picture. A change in PLAYING negotiates caps anew, as cutout likes alpha")
            .mutable_playing()
            .build(),
        text(
            "select",
            "Labels to show",
            "Only objects with one of these labels count: labels with ; between (\"dog; red car\"). Empty: all",
            "",
        ),
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
            .blurb("Overlay: which objects share a colour. The colours stay the same from frame to frame")
            .mutable_playing()
            .build(),
        glib::ParamSpecUInt::builder("color")
            .nick("Colour of color-by=single")
            .blurb("Overlay with color-by=single: the colour of all objects, 0xAARRGGBB; AA has no effect, see opacity")
            .default_value(argb_of(Style::default().color))
            .mutable_playing()
            .controllable()
            .build(),
    ]
}

fn line_specs() -> [ParamSpec; 2] {
    [
        number(
            "outline-width",
            "Width of outlines",
            "Overlay: width in pixels of the line around each mask. 0: no line, -1 and all below 0: by the frame's \
             shorter side, 3 at 1080",
            (AUTO_WIDTH, MAX_WIDTH_IN_PIXELS),
            AUTO_WIDTH,
        ),
        switch("boxes", "Draw boxes", "Overlay: draw each object's box", Style::default().boxes),
    ]
}

fn label_specs() -> [ParamSpec; 2] {
    [
        switch("labels", "Draw labels", "Overlay: write each object's label-format above it", Style::default().labels),
        text(
            "label-format",
            "Text of labels",
            "Overlay: what labels say. {label}, {score} (0.93), {percent} (93%), {id} and {prompt} (position in the \
             prompt, from 0) are replaced; at most 64 characters are shown",
            Style::default().label_format.pattern(),
        ),
    ]
}

fn stats_spec() -> ParamSpec {
    glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
        .nick("Statistics")
        .blurb(
            "frames-in, drawn, passed (unchanged), mismatched (masks made for another frame size), all since the start; \
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_read_and_defaults_are_the_specs() {
        let settings = Settings::default();
        for spec in specs().iter().filter(|spec| spec.flags().contains(glib::ParamFlags::WRITABLE)) {
            let value = settings.get(spec.name()).unwrap_or_else(|| panic!("{} cannot be read", spec.name()));
            assert_eq!(format!("{value:?}"), format!("{:?}", spec.default_value()), "{}", spec.name());
            assert_ne!(Some(spec.nick()), spec.blurb(), "{}", spec.name());
        }
        let mut settings = Settings::default();
        let values = [
            ("mode", Mode::Cutout.to_value()),
            ("opacity", 0.3.to_value()),
            ("color-by", ColorBy::Score.to_value()),
            ("color", 0xff01_0203u32.to_value()),
            ("outline-width", 2.5.to_value()),
            ("boxes", true.to_value()),
            ("labels", false.to_value()),
            ("label-format", "#{id}".to_value()),
            ("select", "dog; red car".to_value()),
        ];
        for (name, value) in values {
            settings.set(name, &value);
            assert_eq!(format!("{:?}", settings.get(name).unwrap()), format!("{value:?}"), "{name}");
        }
        assert_eq!(settings.style.select, ["dog".into(), "red car".into()]);
        assert_eq!(settings.style.color, Rgb { r: 1, g: 2, b: 3 });
    }

    #[test]
    fn a_frame_keeps_the_style_it_began_with() {
        let mut settings = Settings::default();
        let held = settings.style.clone();
        settings.set("outline-width", &(-0.5).to_value());
        settings.set("opacity", &0.9.to_value());
        assert_eq!((held.opacity, settings.style.opacity, settings.style.outline_width), (0.5, 0.9, None));
    }
}
