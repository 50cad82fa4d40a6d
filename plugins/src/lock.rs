//! Locks outlive a panic: the thread that panicked has posted an ERROR, and the others still have to stop in order.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The value, whatever became of the thread that held it before.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
