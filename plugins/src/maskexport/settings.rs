//! The properties: what the user asked for.

use std::path::PathBuf;
use std::sync::LazyLock;

use glib::prelude::*;
use glib::{ParamSpec, Value};
use gst::prelude::GstParamSpecBuilderExt;
use sa3::export::Options;

use super::{Coordinates, Format, MaskSize, OnWriteError, Segmentation, Write};

/// Largest `tolerance`, in pixels.
const TOLERANCE_MAX: f64 = 1000.0;

/// What the user asked for.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    location: String,
    format: Format,
    segmentation: Segmentation,
    tolerance: f64,
    coordinates: Coordinates,
    mask_size: MaskSize,
    soft_masks: bool,
    pub(super) write: Write,
    pub(super) every: u32,
    pub(super) on_write_error: OnWriteError,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            location: String::new(),
            format: Format::default(),
            segmentation: Segmentation::default(),
            tolerance: 1.0,
            coordinates: Coordinates::default(),
            mask_size: MaskSize::default(),
            soft_masks: false,
            write: Write::default(),
            every: 1,
            on_write_error: OnWriteError::default(),
        }
    }
}

impl Settings {
    /// Where to write; `None` when nothing was named.
    pub(super) fn location(&self) -> Option<PathBuf> {
        (!self.location.is_empty()).then(|| PathBuf::from(&self.location))
    }

    /// What to write.
    pub(super) fn options(&self) -> Options {
        Options {
            format: self.format.into(),
            segmentation: self.segmentation.into(),
            tolerance: self.tolerance,
            coordinates: self.coordinates.into(),
            mask_size: self.mask_size.into(),
            soft_masks: self.soft_masks,
        }
    }

    /// Sets the property `name` to a value that its spec allows.
    pub(super) fn set(&mut self, name: &str, value: &Value) {
        match name {
            "location" => self.location = value.get::<Option<String>>().ok().flatten().unwrap_or_default(),
            "format" => self.format = value.get().unwrap_or_default(),
            "segmentation" => self.segmentation = value.get().unwrap_or_default(),
            "tolerance" => self.tolerance = value.get().unwrap_or_default(),
            "coordinates" => self.coordinates = value.get().unwrap_or_default(),
            "mask-size" => self.mask_size = value.get().unwrap_or_default(),
            "soft-masks" => self.soft_masks = value.get().unwrap_or_default(),
            "write" => self.write = value.get().unwrap_or_default(),
            "every" => self.every = value.get().unwrap_or(1),
            "on-write-error" => self.on_write_error = value.get().unwrap_or_default(),
            _ => {}
        }
    }

    /// The value of the property `name`, if it is one that can be set.
    pub(super) fn get(&self, name: &str) -> Option<Value> {
        Some(match name {
            "location" => self.location.to_value(),
            "format" => self.format.to_value(),
            "segmentation" => self.segmentation.to_value(),
            "tolerance" => self.tolerance.to_value(),
            "coordinates" => self.coordinates.to_value(),
            "mask-size" => self.mask_size.to_value(),
            "soft-masks" => self.soft_masks.to_value(),
            "write" => self.write.to_value(),
            "every" => self.every.to_value(),
            "on-write-error" => self.on_write_error.to_value(),
            _ => return None,
        })
    }
}

/// All properties.
pub(super) fn specs() -> &'static [ParamSpec] {
    static SPECS: LazyLock<Vec<ParamSpec>> = LazyLock::new(|| {
        let mut specs = place_specs();
        specs.extend(mask_specs());
        specs.extend(choice_specs());
        specs
    });
    &SPECS
}

fn place_specs() -> Vec<ParamSpec> {
    vec![
        glib::ParamSpecString::builder("location")
            .nick("File to write")
            .blurb(
                "The file to write, a folder for format=davis; what is there is replaced. Empty: only the pad meta gives \
                 what was found",
            )
            .default_value(Some(""))
            .mutable_ready()
            .build(),
        glib::ParamSpecEnum::builder_with_default("format", Format::default())
            .nick("Format of the file")
            .blurb("How the file is written. The pad meta always gives lines as jsonl has them")
            .mutable_ready()
            .build(),
        glib::ParamSpecEnum::builder_with_default("on-write-error", OnWriteError::default())
            .nick("When writing fails")
            .blurb("What happens when the file cannot be written any more, as on a full disk. What was written is kept")
            .mutable_playing()
            .build(),
    ]
}

fn mask_specs() -> Vec<ParamSpec> {
    let defaults = Settings::default();
    vec![
        glib::ParamSpecEnum::builder_with_default("segmentation", Segmentation::default())
            .nick("Form of masks")
            .blurb("How masks are written. mots, davis and youtube-vis have run lengths or pixels only")
            .mutable_ready()
            .build(),
        glib::ParamSpecDouble::builder("tolerance")
            .nick("Tolerance of polygons")
            .blurb("segmentation=polygon: pixels by which a polygon may be off the mask's edge. 0: every corner is kept")
            .minimum(0.0)
            .maximum(TOLERANCE_MAX)
            .default_value(defaults.tolerance)
            .mutable_playing()
            .controllable()
            .build(),
        glib::ParamSpecEnum::builder_with_default("coordinates", Coordinates::default())
            .nick("Unit of boxes and polygons")
            .blurb("What boxes and polygons are measured in; normalised with jsonl, csv and the pad meta only")
            .mutable_ready()
            .build(),
        glib::ParamSpecEnum::builder_with_default("mask-size", MaskSize::default())
            .nick("Size of masks")
            .blurb("Of which size the picture is that run lengths describe")
            .mutable_ready()
            .build(),
        glib::ParamSpecBoolean::builder("soft-masks")
            .nick("Soft masks too")
            .blurb(
                "jsonl and the pad meta: add the soft masks themselves, so that maskattach gives exactly what was found. \
                 They need some kilobytes for each object",
            )
            .default_value(defaults.soft_masks)
            .mutable_ready()
            .build(),
    ]
}

fn choice_specs() -> Vec<ParamSpec> {
    vec![
        glib::ParamSpecEnum::builder_with_default("write", Write::default())
            .nick("Frames to write")
            .blurb("Which frames are written")
            .mutable_playing()
            .build(),
        glib::ParamSpecUInt::builder("every")
            .nick("Each Nth frame")
            .blurb("write=every: only each Nth frame is written. 1: all")
            .minimum(1)
            .default_value(1)
            .mutable_playing()
            .controllable()
            .build(),
        glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
            .nick("Statistics")
            .blurb("frames-in and frames-written since the start, and objects-written")
            .read_only()
            .build(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_read_and_defaults_are_the_specs() {
        let mut settings = Settings::default();
        for spec in specs().iter().filter(|spec| spec.flags().contains(glib::ParamFlags::WRITABLE)) {
            let value = settings.get(spec.name()).unwrap_or_else(|| panic!("{} cannot be read", spec.name()));
            assert_eq!(format!("{value:?}"), format!("{:?}", spec.default_value()), "{}", spec.name());
            assert_ne!(Some(spec.nick()), spec.blurb(), "{}", spec.name());
        }
        let values = [
            ("location", "a.jsonl".to_value()),
            ("format", Format::Mots.to_value()),
            ("segmentation", Segmentation::None.to_value()),
            ("tolerance", 2.5.to_value()),
            ("coordinates", Coordinates::Normalised.to_value()),
            ("mask-size", MaskSize::Grid.to_value()),
            ("soft-masks", true.to_value()),
            ("write", Write::Change.to_value()),
            ("every", 5u32.to_value()),
            ("on-write-error", OnWriteError::Warn.to_value()),
        ];
        for (name, value) in values {
            settings.set(name, &value);
            assert_eq!(format!("{:?}", settings.get(name).unwrap()), format!("{value:?}"), "{name}");
        }
        assert_eq!(settings.options().format, sa3::export::Format::Mots);
    }
}
