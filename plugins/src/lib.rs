//! GStreamer elements that find what a text prompt names, and carry and use the masks.

pub mod meta;
