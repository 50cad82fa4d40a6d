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
    /// Another background.
    #[enum_value(name = "Another background: a stream, a picture or a colour", nick = "replace")]
    Replace,
    /// For an external keyer.
    #[enum_value(name = "Fill for a keyer, whose key leaves at key_src", nick = "key-fill")]
    KeyFill,
    /// An artistic look.
    #[enum_value(name = "The objects, or all but them, as an ink wash", nick = "ink")]
    Ink,
    /// An artistic look.
    #[enum_value(name = "The objects, or all but them, as a cartoon", nick = "cartoon")]
    Cartoon,
}

/// The `region` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstMaskCompositeRegion")]
#[repr(i32)]
pub enum Region {
    /// By mode.
    #[default]
    #[enum_value(
        name = "Inside for blur, pixelate, fill, matte, ink and cartoon, outside for the others",
        nick = "auto"
    )]
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

/// The `background-fit` property: how a background of another shape fills the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstMaskCompositeBackgroundFit")]
#[repr(i32)]
pub enum BackgroundFit {
    /// Nothing of the frame stays empty.
    #[default]
    #[enum_value(name = "It covers the frame; what is beyond is cut off", nick = "cover")]
    Cover,
    /// Nothing of the background is lost.
    #[enum_value(name = "All of it is seen, with borders in fill-color", nick = "contain")]
    Contain,
    /// Both.
    #[enum_value(name = "It is stretched to the frame's shape", nick = "stretch")]
    Stretch,
}

/// The `alpha-mode` property: what colours mean where alpha is between none and all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstMaskCompositeAlphaMode")]
#[repr(i32)]
pub enum AlphaMode {
    /// As GStreamer's formats have them.
    #[default]
    #[enum_value(name = "Straight: colours are the object's own (unshaped fill)", nick = "straight")]
    Straight,
    /// As many keyers and browsers want them.
    #[enum_value(name = "Premultiplied: colours are multiplied by alpha (shaped fill)", nick = "premultiplied")]
    Premultiplied,
}

/// The `key-range` property: what black and white are at `key_src`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstMaskCompositeKeyRange")]
#[repr(i32)]
pub enum KeyRange {
    /// As files and mixers in software take them.
    #[default]
    #[enum_value(name = "0 to 255", nick = "full")]
    Full,
    /// As keyers behind SDI take them.
    #[enum_value(name = "16 to 235", nick = "limited")]
    Limited,
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
    /// A person in another room.
    #[enum_value(
        name = "Another background behind the objects, soft edges, its light on them",
        nick = "virtual-background"
    )]
    VirtualBackground,
    /// Fill and key for a vision mixer.
    #[enum_value(name = "Shaped fill, and a key of limited range at key_src", nick = "broadcast-key")]
    BroadcastKey,
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

mirrored!(Mode: Overlay, Cutout, Blur, Pixelate, Fill, Desaturate, Dim, Matte, Outline, Glow, Replace, KeyFill, Ink, Cartoon);
mirrored!(Region: Auto, Inside, Outside);
mirrored!(ColorBy: Label, Id, Prompt, Score, Single);
