//! The properties: what the user asked for, as the style that frames are drawn in.

use std::sync::Arc;

use glib::Value;
use glib::prelude::*;
use sa3::composite::{LabelFormat, Overrides, Rgb, Selection, Style};

use super::background::Fit;
use super::masks::MaskRules;
use super::painter::Wish;
use super::{AlphaMode, BackgroundFit, ColorBy, KeyRange, Mode, Preset, Region, presets};

/// Value of a number that chooses itself, by the size of the frame or by the mode.
pub(super) const AUTO: f64 = -1.0;

/// What the user asked for.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// Each frame keeps the style it began with.
    pub(super) style: Arc<Style>,
    pub(super) mask_rules: MaskRules,
    background_fit: BackgroundFit,
    /// Path of a picture; empty: none.
    pub(super) background_location: String,
    pub(super) key_range: KeyRange,
    preset: Preset,
    /// `select` and `styles` as the user wrote them.
    select: String,
    styles: String,
}

impl Settings {
    /// What is wanted of the next frame, so far as properties tell it, and the range of its key.
    pub(super) fn wish(&self) -> (Wish, KeyRange) {
        let fit = Fit { how: self.background_fit, border_argb: argb_of(self.style.fill_color) };
        let wish = Wish { style: self.style.clone(), rules: self.mask_rules, background: None, fit, key_info: None };
        (wish, self.key_range)
    }

    /// Sets the property `name` to a value that its spec allows.
    ///
    /// # Errors
    /// [`sa3::Error::Setting`] for a text that cannot be read; what was set before stays.
    pub(super) fn set(&mut self, name: &str, value: &Value) -> sa3::Result<()> {
        if name == "preset" {
            return self.apply(value.get().unwrap_or_default());
        }
        let style = Arc::make_mut(&mut self.style);
        let number = || value.get::<f64>().unwrap_or_default();
        let switch = || value.get::<bool>().unwrap_or_default();
        let text = || value.get::<Option<&str>>().ok().flatten().unwrap_or_default();
        match name {
            "mode" => style.mode = value.get::<Mode>().unwrap_or_default().into(),
            "opacity" => style.opacity = number() as f32,
            "color-by" => style.color_by = value.get::<ColorBy>().unwrap_or_default().into(),
            "color" => style.color = rgb_of(value.get().unwrap_or_default()),
            "outline-width" => style.outline_width = unless_auto(number()),
            "boxes" => style.boxes = switch(),
            "labels" => style.labels = switch(),
            "label-format" => style.label_format = LabelFormat::parse(text()),
            "region" => style.region = value.get::<Region>().unwrap_or_default().into(),
            "radius" => style.radius = unless_auto(number()),
            "block-size" => style.block_size = Some(value.get().unwrap_or_default()).filter(|size| *size > 0),
            "fill-color" => style.fill_color = rgb_of(value.get().unwrap_or_default()),
            "alpha-mode" => style.is_premultiplied = value.get() == Ok(AlphaMode::Premultiplied),
            "light-wrap" => style.light_wrap = number() as f32,
            "despill" => style.despill = number() as f32,
            "background-fit" => self.background_fit = value.get().unwrap_or_default(),
            "background-location" => self.background_location = text().into(),
            "key-range" => self.key_range = value.get().unwrap_or_default(),
            "amount" => style.amount = unless_auto(number()),
            "grow" => style.edges.grow = number() as f32,
            "feather" => style.edges.feather = number() as f32,
            "fill-holes" => style.edges.fill_holes = switch(),
            "min-area" => style.edges.min_area = number() as f32,
            "refine" => style.edges.refine = number() as f32,
            "temporal-smoothing" => style.edges.temporal_smoothing = number() as f32,
            "fade" => style.fade_ms = value.get::<u32>().unwrap_or_default() as f32,
            "no-mask-policy" => self.mask_rules.policy = value.get().unwrap_or_default(),
            "max-mask-age" => self.mask_rules.max_age = unless_negative(value).and_then(|age| age.try_into().ok()),
            "max-mask-age-ms" => {
                self.mask_rules.max_age_in_time = unless_negative(value).map(gst::ClockTime::from_mseconds);
            }
            "select" => {
                style.select = Selection::parse("select", text())?;
                self.select = text().into();
            }
            "styles" => {
                style.overrides = Overrides::parse("styles", text())?;
                self.styles = text().into();
            }
            "trails" => style.trail_in_frames = value.get().unwrap_or_default(),
            _ => {}
        }
        Ok(())
    }

    /// Sets what `preset` sets, from the defaults.
    fn apply(&mut self, preset: Preset) -> sa3::Result<()> {
        self.preset = preset;
        let Some(values) = presets::values(preset) else { return Ok(()) };
        let defaults = Self::default();
        for name in presets::NAMES {
            let named = values.iter().find(|(set, _)| *set == name).map(|(_, value)| value.clone());
            if let Some(value) = named.or_else(|| defaults.get(name)) {
                self.set(name, &value)?;
            }
        }
        Ok(())
    }

    /// The value of the property `name`, if it is one that can be set.
    pub(super) fn get(&self, name: &str) -> Option<Value> {
        let style = &self.style;
        Some(match name {
            "mode" => Mode::from(style.mode).to_value(),
            "opacity" => exact(style.opacity).to_value(),
            "color-by" => ColorBy::from(style.color_by).to_value(),
            "color" => argb_of(style.color).to_value(),
            "outline-width" => style.outline_width.map_or(AUTO, exact).to_value(),
            "boxes" => style.boxes.to_value(),
            "labels" => style.labels.to_value(),
            "label-format" => style.label_format.pattern().to_value(),
            "no-mask-policy" => self.mask_rules.policy.to_value(),
            "max-mask-age" => self.mask_rules.max_age.map_or(-1, |age| age as i32).to_value(),
            "max-mask-age-ms" => self.mask_rules.max_age_in_time.map_or(-1, |age| age.mseconds() as i32).to_value(),
            "preset" => self.preset.to_value(),
            "select" => self.select.to_value(),
            "styles" => self.styles.to_value(),
            "trails" => style.trail_in_frames.to_value(),
            "region" => Region::from(style.region).to_value(),
            "radius" => style.radius.map_or(AUTO, exact).to_value(),
            "block-size" => style.block_size.unwrap_or(0).to_value(),
            "fill-color" => argb_of(style.fill_color).to_value(),
            "alpha-mode" => match style.is_premultiplied {
                true => AlphaMode::Premultiplied.to_value(),
                false => AlphaMode::Straight.to_value(),
            },
            "light-wrap" => exact(style.light_wrap).to_value(),
            "despill" => exact(style.despill).to_value(),
            "background-fit" => self.background_fit.to_value(),
            "background-location" => self.background_location.to_value(),
            "key-range" => self.key_range.to_value(),
            "amount" => style.amount.map_or(AUTO, exact).to_value(),
            "grow" => exact(style.edges.grow).to_value(),
            "feather" => exact(style.edges.feather).to_value(),
            "fill-holes" => style.edges.fill_holes.to_value(),
            "min-area" => exact(style.edges.min_area).to_value(),
            "refine" => exact(style.edges.refine).to_value(),
            "temporal-smoothing" => exact(style.edges.temporal_smoothing).to_value(),
            "fade" => (style.fade_ms as u32).to_value(),
            _ => return None,
        })
    }
}

fn unless_negative(value: &Value) -> Option<u64> {
    value.get::<i32>().ok().and_then(|number| number.try_into().ok())
}

fn unless_auto(number: f64) -> Option<f32> {
    Some(number as f32).filter(|number| *number >= 0.0)
}

/// The number as the user wrote it: 0.3 stays 0.3 and does not become 0.30000001192.
fn exact(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(f64::from(number))
}

fn rgb_of(argb: u32) -> Rgb {
    let [_, r, g, b] = argb.to_be_bytes();
    Rgb { r, g, b }
}

pub(super) fn argb_of(Rgb { r, g, b }: Rgb) -> u32 {
    u32::from_be_bytes([255, r, g, b])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maskcomposite::NoMaskPolicy;
    use crate::maskcomposite::specs::specs;

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
            ("styles", "dog: opacity=0.2; #4: boxes=true".to_value()),
            ("trails", 60u32.to_value()),
            ("region", Region::Outside.to_value()),
            ("radius", 12.5.to_value()),
            ("block-size", 16u32.to_value()),
            ("fill-color", 0xff0a_0b0cu32.to_value()),
            ("amount", 0.25.to_value()),
            ("alpha-mode", AlphaMode::Premultiplied.to_value()),
            ("light-wrap", 0.4.to_value()),
            ("despill", 0.7.to_value()),
            ("background-fit", BackgroundFit::Contain.to_value()),
            ("background-location", "/tmp/beach.png".to_value()),
            ("key-range", KeyRange::Limited.to_value()),
            ("grow", (-4.0).to_value()),
            ("feather", 6.0.to_value()),
            ("fill-holes", true.to_value()),
            ("min-area", 0.01.to_value()),
            ("refine", 0.8.to_value()),
            ("temporal-smoothing", 0.6.to_value()),
            ("fade", 250u32.to_value()),
            ("max-mask-age-ms", 400i32.to_value()),
            ("no-mask-policy", NoMaskPolicy::Hold.to_value()),
            ("max-mask-age", 12i32.to_value()),
        ];
        for (name, value) in values {
            settings.set(name, &value).unwrap();
            assert_eq!(format!("{:?}", settings.get(name).unwrap()), format!("{value:?}"), "{name}");
        }
        assert_eq!(settings.style.select, Selection::parse("select", "dog; red car").unwrap());
        assert_eq!(settings.style.color, Rgb { r: 1, g: 2, b: 3 });
    }

    #[test]
    fn a_text_that_cannot_be_read_leaves_the_one_before() {
        let mut settings = Settings::default();
        for (name, good, bad) in [("select", "#4", "#four"), ("styles", "dog: boxes=true", "dog: size=4")] {
            settings.set(name, &good.to_value()).unwrap();
            let before = settings.style.clone();
            assert!(settings.set(name, &bad.to_value()).is_err(), "{name}");
            assert_eq!((settings.get(name).unwrap().get::<&str>(), &settings.style), (Ok(good), &before));
        }
    }

    const PRESETS: [Preset; 6] = [
        Preset::PortraitBlur,
        Preset::Privacy,
        Preset::Presenter,
        Preset::Inspection,
        Preset::VirtualBackground,
        Preset::BroadcastKey,
    ];

    #[test]
    fn presets_set_what_they_name_and_the_rest_of_their_properties_to_defaults() {
        let mut settings = Settings::default();
        settings.set("preset", &Preset::Privacy.to_value()).unwrap();
        assert_eq!(settings.style.mode, sa3::composite::Mode::Fill);
        assert_eq!((settings.mask_rules.policy, settings.mask_rules.max_age), (NoMaskPolicy::HideFrame, Some(5)));
        settings.set("grow", &3.0.to_value()).unwrap();
        settings.set("fill-color", &0xff01_0203u32.to_value()).unwrap();
        settings.set("preset", &Preset::None.to_value()).unwrap();
        assert_eq!(settings.style.edges.grow, 3.0, "none changes nothing");
        settings.set("preset", &Preset::Inspection.to_value()).unwrap();
        assert!(settings.style.boxes && settings.style.edges.grow == 0.0);
        assert_eq!(settings.mask_rules, MaskRules::default(), "what was privacy's is gone");
        assert_eq!(settings.style.fill_color, Rgb { r: 1, g: 2, b: 3 }, "not a preset's");
        for preset in PRESETS {
            let values = presets::values(preset).unwrap();
            assert!(values.iter().all(|(name, _)| presets::NAMES.contains(name)), "{preset:?}");
        }
    }

    #[test]
    fn a_frame_keeps_the_style_it_began_with() {
        let mut settings = Settings::default();
        let held = settings.style.clone();
        settings.set("outline-width", &(-0.5).to_value()).unwrap();
        settings.set("opacity", &0.9.to_value()).unwrap();
        assert_eq!((held.opacity, settings.style.opacity, settings.style.outline_width), (0.5, 0.9, None));
    }
}
