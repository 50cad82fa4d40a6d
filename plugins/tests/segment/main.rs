//! `sa3segment` with the artificial engine: pixels, order, prompts, failures, states.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod concepts;
mod events;
mod failures;
mod pixels;
mod pointing;
mod prompts;
mod rig;
mod states;
