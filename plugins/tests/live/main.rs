//! Time: what leaves when, what is shed, and what is said about it. The artificial engine is as slow as a test wants it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod holding;
mod latency;
mod latest;
mod loading;
mod messages;
#[path = "../segment/rig.rs"]
#[allow(dead_code, reason = "the rig serves the elements' own tests too")]
mod rig;
mod sharing;
mod shedding;
