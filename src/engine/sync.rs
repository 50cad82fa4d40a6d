//! The locks of the queue. A model of its threads, in `tests/loom_queue.rs`, puts others in their place.

pub(super) use std::sync::{Arc, Condvar, Mutex, MutexGuard};
