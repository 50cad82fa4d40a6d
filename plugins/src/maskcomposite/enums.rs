//! The choices that properties offer, as GLib's enums.

use sa3::composite;

/// The `mode` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstMaskCompositeMode")]
#[repr(i32)]
pub enum Mode {
    /// Objects are drawn on the picture.
    #[default]
    #[enum_value(name = "Tint, outline and label the objects on the picture", nick = "overlay")]
    Overlay,
    /// Only the objects stay.
    #[enum_value(name = "Keep only the objects: transparent elsewhere, black without alpha", nick = "cutout")]
    Cutout,
    /// The region is blurred.
    #[enum_value(name = "Blur the objects, or all but them", nick = "blur")]
    Blur,
    /// The region becomes blocks.
    #[enum_value(name = "Blocks of one colour each on the objects, or all but them", nick = "pixelate")]
    Pixelate,
    /// The region becomes one colour.
    #[enum_value(name = "One colour over the objects, or all but them", nick = "fill")]
    Fill,
    /// The region loses its colour.
    #[enum_value(name = "Take the colour from all but the objects", nick = "desaturate")]
    Desaturate,
    /// The region is darkened.
    #[enum_value(name = "Darken all but the objects", nick = "dim")]
    Dim,
    /// The masks themselves.
    #[enum_value(name = "The masks as a picture: white on black", nick = "matte")]
    Matte,
    /// Lines around the objects.
    #[enum_value(name = "Outline and label the objects, without a tint", nick = "outline")]
    Outline,
    /// Light around the objects.
    #[enum_value(name = "A light around the objects", nick = "glow")]
    Glow,
}

/// The `region` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstMaskCompositeRegion")]
#[repr(i32)]
pub enum Region {
    /// By mode.
    #[default]
    #[enum_value(name = "Inside for blur, pixelate, fill and matte, outside for the others", nick = "auto")]
    Auto,
    /// The objects.
    #[enum_value(name = "The objects", nick = "inside")]
    Inside,
    /// All but the objects.
    #[enum_value(name = "Everything but the objects", nick = "outside")]
    Outside,
}

/// The `color-by` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstMaskCompositeColorBy")]
#[repr(i32)]
pub enum ColorBy {
    /// By label.
    #[default]
    #[enum_value(name = "One colour for each label", nick = "label")]
    Label,
    /// By object id.
    #[enum_value(name = "One colour for each object id; by label where there is no id", nick = "id")]
    Id,
    /// By position of the phrase.
    #[enum_value(name = "One colour for each phrase of the prompt, in its order", nick = "prompt")]
    Prompt,
    /// By score.
    #[enum_value(name = "From violet for score 0 to yellow for score 1", nick = "score")]
    Score,
    /// The `color` property.
    #[enum_value(name = "The colour of the property color", nick = "single")]
    Single,
}

/// The `no-mask-policy` property: what becomes of frames without masks that may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstMaskCompositeNoMaskPolicy")]
#[repr(i32)]
pub enum NoMaskPolicy {
    /// The frame passes.
    #[enum_value(name = "The frame passes as it came", nick = "pass")]
    Pass,
    /// The last masks are used again.
    #[enum_value(name = "The last masks again, up to max-mask-age; then the frame is hidden", nick = "hold")]
    Hold,
    /// No objects.
    #[default]
    #[enum_value(name = "As if there were no objects: all of it is background", nick = "background-only")]
    BackgroundOnly,
    /// Nothing is shown.
    #[enum_value(name = "The whole frame becomes black, with mode=cutout transparent", nick = "hide-frame")]
    HideFrame,
}

/// The `preset` property: values of other properties for a purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstMaskCompositePreset")]
#[repr(i32)]
pub enum Preset {
    /// Changes nothing.
    #[default]
    #[enum_value(name = "None: properties stay as they are", nick = "none")]
    None,
    /// A sharp person in front of a blurred room.
    #[enum_value(name = "All but the objects is blurred", nick = "portrait-blur")]
    PortraitBlur,
    /// Nobody is recognised.
    #[enum_value(name = "Objects are painted over; frames without fresh masks are hidden", nick = "privacy")]
    Privacy,
    /// Attention on a speaker.
    #[enum_value(name = "All but the objects is dimmed", nick = "presenter")]
    Presenter,
    /// What the model found.
    #[enum_value(name = "Boxes, ids, labels and scores, one colour for each id", nick = "inspection")]
    Inspection,
}

/// Conversions between an enum here and the engine's of the same name and variants.
macro_rules! mirrored {
    ($name:ident: $($variant:ident),+) => {
        impl From<$name> for composite::$name {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => Self::$variant),+ }
            }
        }

        impl From<composite::$name> for $name {
            fn from(value: composite::$name) -> Self {
                match value { $(composite::$name::$variant => Self::$variant),+ }
            }
        }
    };
}

mirrored!(Mode: Overlay, Cutout, Blur, Pixelate, Fill, Desaturate, Dim, Matte, Outline, Glow);
mirrored!(Region: Auto, Inside, Outside);
mirrored!(ColorBy: Label, Id, Prompt, Score, Single);
