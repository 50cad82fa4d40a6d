//! The locks and threads of the junction. A model of its threads, in `tests/loom`, puts others in their place.

pub(super) use std::sync::{Condvar, Mutex, MutexGuard};
pub(super) use std::thread;
