//! GStreamer elements that find what a text prompt names, and carry and use the masks.
//!
//! The modules stand in the order of the flow:
//!
//! 1. [`flow`]: frames and events, in order, to the engine and back
//! 2. [`frame`]: a GStreamer buffer as the engine's frame
//! 3. `prompted`: what the elements share that ask the engine
//! 4. [`sa3segment`], [`sa3track`]: these elements, frame by frame and over time
//! 5. [`meta`], [`roi`], [`analytics`]: what was found, on the buffer
//! 6. [`maskcomposite`], [`maskextract`]: the elements that draw it, or make grey video of it
//! 7. [`maskexport`], [`maskattach`]: out of the pipeline, and back
//!
//! Of all of them: `lock`, `pads`, `controls` (bound properties), `progressive` (interlaced video is refused), `error`.

pub mod analytics;
mod controls;
mod engine_settings;
mod error;
pub mod flow;
mod found;
mod frame;
mod lock;
pub mod maskattach;
pub mod maskcomposite;
pub mod maskexport;
pub mod maskextract;
pub mod meta;
mod pads;
mod progressive;
mod prompted;
pub mod roi;
pub mod sa3segment;
pub mod sa3track;

pub use engine_settings::Precision;
pub use plugin::plugin_desc::plugin_register_static;

mod plugin {
    #![allow(missing_docs, reason = "plugin_define! generates items without documentation")]

    gst::plugin_define!(
        sa3,
        env!("CARGO_PKG_DESCRIPTION"),
        plugin_init,
        concat!(env!("CARGO_PKG_VERSION"), "-", env!("COMMIT_ID")),
        // The core knows no name for "MIT or Apache 2.0"; this is one of the two.
        "MIT/X11",
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_REPOSITORY"),
        env!("BUILD_REL_DATE")
    );

    fn plugin_init(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
        crate::sa3segment::register(plugin)?;
        crate::sa3track::register(plugin)?;
        crate::maskcomposite::register(plugin)?;
        crate::maskextract::register(plugin)?;
        crate::maskexport::register(plugin)?;
        crate::maskattach::register(plugin)
    }
}
