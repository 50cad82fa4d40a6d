//! SAM 3 on libtorch: frames in, objects out. Knows no GStreamer.
//!
//! The modules stand in the order a frame meets them:
//!
//! 1. [`frame`]: a borrowed video frame becomes the model's square input, [1, 3, S, S]
//! 2. [`vision`]: ViT trunk and neck, features shared by every prompt
//! 3. [`text`] and [`prompt`]: phrases and exemplar boxes become prompt tokens
//! 4. [`detector`]: fusion encoder, decoder with presence token, scores and boxes
//! 5. [`masks`]: pixel decoder, mask logits, selection
//! 6. [`tracker`]: memory attention, mask decoder and memory encoder, for video
//! 7. [`model`]: these modules put together, as the checkpoint has them
//! 8. [`session`]: on streams, detections become objects that keep their ids
//! 9. [`objects`]: label, score, box and soft mask of what was found
//! 10. [`engine`]: the shared handle that runs all this on a thread of its own
//! 11. [`composite`]: objects drawn on frames
//! 12. [`extract`]: masks as grey pictures
//! 13. [`export`]: what was found as text and pictures, and back
//!
//! Below them stand [`nn`], blocks that two stages use; [`config`] and [`weights`], what a model is made of; and
//! [`boxes`], [`rle`] and [`row_spans`] (masks as run lengths), [`device`], [`error`], and [`evaluate`], which tells how good masks and tracks
//! are.
//!
//! Letters in shapes: B batch (prompts, or pictures), C trunk channels, D detector width, G tokens along a side of the
//! input, H and W rows and columns, L sequence length, M side of the mask grid (4 G), N boxes, Q queries, S side of
//! the input in pixels, T prompt tokens.

pub mod boxes;
pub mod composite;
pub mod config;
pub mod detector;
pub mod device;
pub mod engine;
pub mod error;
pub mod evaluate;
pub mod export;
pub mod extract;
pub mod frame;
mod kernels;
pub mod masks;
pub mod model;
pub mod nn;
pub mod objects;
pub mod prompt;
pub mod rle;
pub mod row_spans;
pub mod session;
pub mod text;
pub mod tracker;
pub mod vision;
pub mod weights;

pub use engine::{Engine, EngineInfo, EngineSettings, SegmentRequest, Segmentation, SharedEngine, TrackSession};
pub use error::{Error, Result};
pub use objects::{Mask, Object, ObjectState, Objects, SemanticMap};
pub use session::{DetectPolicy, Edit, SessionConfig, TrackRequest, Tracking};
