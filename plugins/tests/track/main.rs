//! `sa3track` with the artificial engine: ids, delay, edits, clicks, events, bounds.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod clicks;
mod delay;
mod edits;
mod following;
#[path = "../segment/rig.rs"]
#[allow(dead_code, reason = "the rig serves sa3segment's tests too")]
mod rig;
mod stage;
