//! gst-plugin-sa3
