//! The video session.

mod settings;

pub use settings::{DetectPolicy, MAX_ACTIVE_OBJECTS, MAX_CLICK_FRAMES, MemorySettings, Reacquire, SessionConfig};
