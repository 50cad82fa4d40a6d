//! SAM 3 on libtorch: frames in, objects out. Knows no GStreamer.
//!
//! The modules stand in the order a frame meets them:
//!
//! 1. [`frame`]: a borrowed video frame becomes the model's square input
//! 2. [`prompt`]: phrases and exemplar boxes, checked
//! 3. [`engine`]: the shared handle that runs a model on a thread of its own
//! 4. [`objects`]: label, score, box and soft mask of what was found
//! 5. [`composite`]: objects drawn on frames

pub mod boxes;
pub mod composite;
pub mod device;
pub mod engine;
pub mod error;
pub mod frame;
pub mod objects;
pub mod prompt;

pub use engine::{Engine, EngineInfo, EngineSettings, SegmentRequest, Segmentation, SharedEngine};
pub use error::{Error, Result};
pub use objects::{Mask, Object, Objects};
