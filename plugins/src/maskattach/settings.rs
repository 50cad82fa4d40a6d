//! The properties: what the user asked for.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use glib::prelude::*;
use glib::{ParamSpec, Value};
use gst::prelude::GstParamSpecBuilderExt;

use super::{Match, Values};
use crate::analytics;

const DEFAULT_LABEL: &str = "mask";

/// What the user asked for.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    location: String,
    pub(super) matching: Match,
    pub(super) values: Values,
    pub(super) label: Arc<str>,
    pub(super) regions: bool,
    pub(super) analytics: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            location: String::new(),
            matching: Match::default(),
            values: Values::default(),
            label: DEFAULT_LABEL.into(),
            regions: false,
            analytics: true,
        }
    }
}

impl Settings {
    /// The file to read; `None` when none was named.
    pub(super) fn location(&self) -> Option<PathBuf> {
        (!self.location.is_empty()).then(|| PathBuf::from(&self.location))
    }

    /// Sets the property `name` to a value that its spec allows.
    pub(super) fn set(&mut self, name: &str, value: &Value) {
        let text = || value.get::<Option<String>>().ok().flatten().unwrap_or_default();
        match name {
            "location" => self.location = text(),
            "match" => self.matching = value.get().unwrap_or_default(),
            "values" => self.values = value.get().unwrap_or_default(),
            "label" => self.label = text().into(),
            "regions" => self.regions = value.get().unwrap_or_default(),
            analytics::PROPERTY => self.analytics = value.get().unwrap_or(true),
            _ => {}
        }
    }

    /// The value of the property `name`.
    pub(super) fn get(&self, name: &str) -> Option<Value> {
        Some(match name {
            "location" => self.location.to_value(),
            "match" => self.matching.to_value(),
            "values" => self.values.to_value(),
            "label" => (*self.label).to_value(),
            "regions" => self.regions.to_value(),
            analytics::PROPERTY => self.analytics.to_value(),
            _ => return None,
        })
    }
}

/// All properties.
pub(super) fn specs() -> &'static [ParamSpec] {
    static SPECS: LazyLock<Vec<ParamSpec>> = LazyLock::new(|| {
        vec![
            glib::ParamSpecString::builder("location")
                .nick("File to read")
                .blurb("A file that maskexport format=jsonl wrote. Empty: none")
                .default_value(Some(""))
                .mutable_ready()
                .build(),
            glib::ParamSpecEnum::builder_with_default("match", Match::default())
                .nick("How lines find their frames")
                .blurb("How the lines of location are matched with frames; a frame without a line passes as it is")
                .mutable_ready()
                .build(),
            glib::ParamSpecEnum::builder_with_default("values", Values::default())
                .nick("What grey values mean")
                .blurb(
                    "What the samples of the pad mask say. Of labels and ids the 64 with the largest areas become objects",
                )
                .mutable_playing()
                .build(),
            glib::ParamSpecString::builder("label")
                .nick("Label of the objects")
                .blurb("What objects from the pad mask are called")
                .default_value(Some(DEFAULT_LABEL))
                .mutable_playing()
                .build(),
            glib::ParamSpecBoolean::builder("regions")
                .nick("Regions as masks")
                .blurb(
                    "Make masks of the regions of interest that buffers carry: each is a filled box with the region's type \
                     as label, its id, and the confidence of its first parameter that has one as score",
                )
                .mutable_playing()
                .build(),
            analytics::spec().build(),
        ]
    });
    &SPECS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_read_and_defaults_are_the_specs() {
        let mut settings = Settings::default();
        for spec in specs() {
            let value = settings.get(spec.name()).unwrap_or_else(|| panic!("{} cannot be read", spec.name()));
            assert_eq!(format!("{value:?}"), format!("{:?}", spec.default_value()), "{}", spec.name());
            assert_ne!(Some(spec.nick()), spec.blurb(), "{}", spec.name());
        }
        let values = [
            ("location", "a.jsonl".to_value()),
            ("match", Match::Frame.to_value()),
            ("values", Values::Ids.to_value()),
            ("label", "key".to_value()),
            ("regions", true.to_value()),
            (analytics::PROPERTY, false.to_value()),
        ];
        for (name, value) in values {
            settings.set(name, &value);
            assert_eq!(format!("{:?}", settings.get(name).unwrap()), format!("{value:?}"), "{name}");
        }
    }
}
