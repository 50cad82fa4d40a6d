//! Every block of the image path and of the tracker against transformers, on fixtures made by `generate.py` beside this file.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod blocks;
mod counter_hash;
mod exemplars;
mod fixtures;
mod model_folder;
mod official;
mod resize;
mod session_comparison;
mod session_recorder;
mod sessions;
mod tokens;
mod tracker;
mod tracker_blocks;
mod tracker_loading;
mod tracker_prompts;
mod tracker_sequences;
mod trained;
mod trained_tracker;
