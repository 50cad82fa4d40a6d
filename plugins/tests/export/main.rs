//! `maskextract`, `maskexport` and `maskattach`: pictures, files and back.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attach;
mod export;
mod extract;
mod rig;
