//! The video session.

mod assignment;
mod association;
mod bans;
mod binary_mask;
mod group;
mod holes;
mod lifetime;
mod model;
mod nms;
mod non_overlap;
mod occlusion;
mod probation;
mod reacquire;
mod settings;
mod shrink;
mod tight_box;

pub use binary_mask::BinaryMask;
pub use model::{ClickPoint, Clicks, Detected, Found, MaskLogits, NO_OBJECT_LOGIT, Propagated, TrackingModel};
pub use settings::{DetectPolicy, MAX_ACTIVE_OBJECTS, MAX_CLICK_FRAMES, MemorySettings, Reacquire, SessionConfig};

/// Points of one click that the model reads.
pub const MAX_POINTS: usize = 16;
