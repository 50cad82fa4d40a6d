//! `maskcomposite`: draws on each frame the objects that its buffer carries, or cuts them out.
//!
//! ```text
//! gst-launch-1.0 videotestsrc pattern=ball ! videoconvert ! sa3segment prompt="white ball" ! maskcomposite ! \
//!     videoconvert ! autovideosink
//! gst-launch-1.0 filesrc location=in.mp4 ! decodebin ! videoconvert ! sa3segment prompt="dog" ! \
//!     maskcomposite mode=cutout ! video/x-raw,format=RGBA ! pngenc ! multifilesink location=dog%05d.png
//! ```
//!
//! The objects come from the frame's `GstSa3MaskMeta`, which `sa3segment` attaches. Frames are drawn on in their own
//! format, without conversion, and in place where nobody else holds the buffer; timing and all metas stay. With
//! nothing to draw a buffer passes as it is.
//!
//! # Modes and caps
//!
//! `mode=overlay` tints, outlines and labels the objects. `blur`, `pixelate`, `fill`, `desaturate` and `dim` change a
//! region: the objects, or with `region=outside` everything else. `mode=cutout` removes a region, by default everything
//! else: where downstream takes alpha (RGBA, ARGB, BGRA or ABGR from the same order of RGB with a padding byte, A420 from
//! I420) it becomes transparent, otherwise black. Alpha is straight. What is wholly transparent is black as well, except
//! close to the edges. Other modes keep the caps. `mode` may change in PLAYING; caps are then negotiated anew.
//!
//! `grow`, `feather`, `fill-holes` and `min-area` change the masks before any mode looks at them.
//!
//! `mode=matte` shows the masks themselves, `outline` and `glow` draw lines and light around the objects.
//!
//! `mode=replace` puts another background behind the objects: frames of the request pad `background`, the picture at
//! `background-location`, or `fill-color`. `light-wrap` and `despill` make the two belong together.
//!
//! The request pads `fill_src` and `key_src` carry fill and key for a keyer, with equal timestamps; `src` may stay open
//! beside them.
//!
//! # Frames without masks
//!
//! A frame may come without masks (nobody looked at it), with masks older than `max-mask-age`, or with masks made for a
//! frame of another shape; those for another size of the same shape, within 1 %, are scaled. `no-mask-policy` says what
//! becomes of it. A frame on which nothing was found has masks: there are no objects.
//!
//! # Messages
//!
//! | message | when |
//! | --- | --- |
//! | WARNING | once, when masks were made for a frame of another shape |
//! | WARNING | once, when frames come without masks and the mode is to change a region |
//! | WARNING | the background stalls; a new `background-location` cannot be loaded: the one before stays |
//! | ERROR | interlaced video; a frame that cannot be written; a `background-location` that cannot be loaded at the start |
//!
//! Put the element before those that crop or flip: they drop the masks.

mod background;
mod enums;
mod formats;
mod imp;
mod mapping;
mod masks;
mod negotiation;
mod outputs;
mod painter;
mod presets;
mod settings;
mod specs;
mod stats;

pub use enums::{AlphaMode, BackgroundFit, ColorBy, KeyRange, Mode, NoMaskPolicy, Preset, Region};

use glib::prelude::*;

glib::wrapper! {
    /// The element `maskcomposite`.
    pub struct MaskComposite(ObjectSubclass<imp::MaskComposite>) @extends gst::Element, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "maskcomposite", gst::Rank::NONE, MaskComposite::static_type())
}
