//! `maskcomposite` between two pads of the test, and in pipelines.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod caps;
mod effects;
mod keying;
mod masks;
mod passing;
mod pipelines;
mod pixels;
mod preparing;
mod replacing;
mod rig;
mod styles;
