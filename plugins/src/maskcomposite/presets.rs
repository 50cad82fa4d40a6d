//! What presets set.

use glib::Value;
use glib::prelude::*;

use super::{AlphaMode, ColorBy, KeyRange, Mode, NoMaskPolicy, Preset, Region};

/// Properties that presets set. Those that a preset does not name go back to their defaults.
pub(super) const NAMES: [&str; 23] = [
    "mode",
    "region",
    "opacity",
    "color-by",
    "outline-width",
    "boxes",
    "labels",
    "label-format",
    "amount",
    "grow",
    "feather",
    "fill-holes",
    "min-area",
    "refine",
    "temporal-smoothing",
    "fade",
    "no-mask-policy",
    "max-mask-age",
    "max-mask-age-ms",
    "light-wrap",
    "despill",
    "alpha-mode",
    "key-range",
];

/// The values of a preset; `None` for [`Preset::None`], which sets nothing.
pub(super) fn values(preset: Preset) -> Option<Vec<(&'static str, Value)>> {
    Some(match preset {
        Preset::None => return None,
        Preset::PortraitBlur => vec![
            ("mode", Mode::Blur.to_value()),
            ("region", Region::Outside.to_value()),
            ("feather", 6.0.to_value()),
            ("fill-holes", true.to_value()),
            ("min-area", 0.002.to_value()),
            ("refine", 1.0.to_value()),
            ("temporal-smoothing", 0.6.to_value()),
        ],
        // One colour leaves nothing to recognise; grown, as masks end a little inside now and then.
        Preset::Privacy => vec![
            ("mode", Mode::Fill.to_value()),
            ("region", Region::Inside.to_value()),
            ("grow", 12.0.to_value()),
            ("fill-holes", true.to_value()),
            ("no-mask-policy", NoMaskPolicy::HideFrame.to_value()),
            ("max-mask-age", 5i32.to_value()),
        ],
        Preset::Presenter => vec![
            ("mode", Mode::Dim.to_value()),
            ("region", Region::Outside.to_value()),
            ("feather", 12.0.to_value()),
            ("grow", 4.0.to_value()),
            ("fill-holes", true.to_value()),
            ("min-area", 0.002.to_value()),
        ],
        Preset::VirtualBackground => vec![
            ("mode", Mode::Replace.to_value()),
            ("region", Region::Outside.to_value()),
            ("feather", 4.0.to_value()),
            ("fill-holes", true.to_value()),
            ("min-area", 0.002.to_value()),
            ("refine", 1.0.to_value()),
            ("temporal-smoothing", 0.6.to_value()),
            ("light-wrap", 0.35.to_value()),
            ("despill", 0.5.to_value()),
        ],
        Preset::BroadcastKey => vec![
            ("mode", Mode::KeyFill.to_value()),
            ("feather", 2.0.to_value()),
            ("fill-holes", true.to_value()),
            ("refine", 1.0.to_value()),
            ("temporal-smoothing", 0.6.to_value()),
            ("despill", 0.5.to_value()),
            ("alpha-mode", AlphaMode::Premultiplied.to_value()),
            ("key-range", KeyRange::Limited.to_value()),
            ("no-mask-policy", NoMaskPolicy::Hold.to_value()),
        ],
        Preset::Inspection => vec![
            ("opacity", 0.35.to_value()),
            ("color-by", ColorBy::Id.to_value()),
            ("boxes", true.to_value()),
            ("label-format", "#{id} {label} {score}".to_value()),
        ],
    })
}
