//! The properties: what the user asked for.

use std::sync::{Arc, LazyLock};

use glib::prelude::*;
use glib::{ParamSpec, Value};
use gst::prelude::GstParamSpecBuilderExt;
use sa3::extract::Wish;

use super::{Mode, Size};

/// What the user asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    pub(super) wish: Wish,
    pub(super) size: Size,
}

impl Settings {
    /// Sets the property `name` to a value that its spec allows.
    pub(super) fn set(&mut self, name: &str, value: &Value) {
        match name {
            "mode" => self.wish.content = value.get::<Mode>().unwrap_or_default().into(),
            "soft" => self.wish.soft = value.get().unwrap_or_default(),
            "object-id" => self.wish.object_id = value.get::<u64>().ok().filter(|&id| id != 0),
            "label" => {
                let label = value.get::<Option<String>>().ok().flatten().filter(|label| !label.is_empty());
                self.wish.label = label.map(Arc::from);
            }
            "size" => self.size = value.get().unwrap_or_default(),
            _ => {}
        }
    }

    /// The value of the property `name`.
    pub(super) fn get(&self, name: &str) -> Option<Value> {
        Some(match name {
            "mode" => Mode::from(self.wish.content).to_value(),
            "soft" => self.wish.soft.to_value(),
            "object-id" => self.wish.object_id.unwrap_or(0).to_value(),
            "label" => self.wish.label.as_deref().unwrap_or_default().to_value(),
            "size" => self.size.to_value(),
            _ => return None,
        })
    }
}

/// All properties.
pub(super) fn specs() -> &'static [ParamSpec] {
    static SPECS: LazyLock<Vec<ParamSpec>> = LazyLock::new(|| {
        vec![
            glib::ParamSpecEnum::builder_with_default("mode", Mode::default())
                .nick("What samples say")
                .blurb("What the grey values say. Where objects overlap, the one with the better score lies on top")
                .mutable_playing()
                .build(),
            glib::ParamSpecBoolean::builder("soft")
                .nick("Soft edges")
                .blurb(
                    "union and object: edges have grey values in between, as a cutout's alpha has. false: black and \
                     white alone. labels and ids always have hard edges",
                )
                .default_value(Wish::default().soft)
                .mutable_playing()
                .controllable()
                .build(),
            glib::ParamSpecUInt64::builder("object-id")
                .nick("Id to show")
                .blurb("Only the object with this id, as sa3track gives them. 0: objects with and without any id")
                .mutable_playing()
                .controllable()
                .build(),
            glib::ParamSpecString::builder("label")
                .nick("Label to show")
                .blurb("Only objects with exactly this label. Empty: all")
                .default_value(Some(""))
                .mutable_playing()
                .build(),
            glib::ParamSpecEnum::builder_with_default("size", Size::default())
                .nick("Size of the pictures")
                .blurb("How large the grey pictures are. A change in PLAYING negotiates caps anew")
                .mutable_playing()
                .build(),
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
            ("mode", Mode::Ids.to_value()),
            ("soft", false.to_value()),
            ("object-id", 7u64.to_value()),
            ("label", "red car".to_value()),
            ("size", Size::Grid.to_value()),
        ];
        for (name, value) in values {
            settings.set(name, &value);
            assert_eq!(format!("{:?}", settings.get(name).unwrap()), format!("{value:?}"), "{name}");
        }
    }
}
