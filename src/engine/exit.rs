//! A process that ends while libtorch computes: the end waits for the pass.
//!
//! `exit` destroys libtorch's static objects. A thread that is still inside libtorch then would crash, so every use of
//! it holds a [`Busy`] guard, and whoever ends the process waits for the guards before those objects go: through the
//! thread-locals of the main thread, which `exit` destroys before everything else, and through a handler of `exit` for
//! programs whose main thread never asked for an engine.

use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

/// The end of the process waits no longer than this for a pass.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

struct Uses {
    count: usize,
    is_exiting: bool,
}

static USES: Mutex<Uses> = Mutex::new(Uses { count: 0, is_exiting: false });
static CHANGED: Condvar = Condvar::new();

/// Held while a thread uses libtorch.
pub(super) struct Busy(());

impl Busy {
    /// Begins a use. Once the process is ending nothing begins any more: the calling thread rests for good.
    pub(super) fn begin() -> Self {
        let mut uses = locked();
        while uses.is_exiting {
            uses = CHANGED.wait(uses).unwrap_or_else(PoisonError::into_inner);
        }
        uses.count += 1;
        Self(())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        locked().count -= 1;
        CHANGED.notify_all();
    }
}

fn locked() -> MutexGuard<'static, Uses> {
    USES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the end of the process wait. Handlers run in reverse order, so this is called once before libtorch is first
/// used and once more when a first pass has made the objects that it makes late.
pub(super) fn wait_at_exit(registration: &'static Once) {
    unsafe extern "C" {
        fn atexit(handler: extern "C" fn()) -> std::ffi::c_int;
    }
    registration.call_once(|| {
        // SAFETY: the handler is a function without captures that lives as long as this library, and does not unwind.
        // When there is no room for it, the process merely ends as it would without.
        let _ = unsafe { atexit(wait_for_uses) };
    });
}

/// Makes the end of the process wait when the calling thread is the main one; cheap to call again and again.
pub fn finish_passes_before_exit() {
    thread_local! {
        static AT_THREADS_END: MainThread = MainThread { is_main: is_main_thread() };
    }
    // A thread that is ending already has no use for it.
    let _ = AT_THREADS_END.try_with(|main_thread| main_thread.is_main);
}

/// Destroyed when the main thread calls `exit` or returns from `main`.
struct MainThread {
    is_main: bool,
}

impl Drop for MainThread {
    fn drop(&mut self) {
        if self.is_main {
            wait_for_uses();
        }
    }
}

/// On Linux the main thread has the number of its process.
fn is_main_thread() -> bool {
    let link = std::fs::read_link("/proc/thread-self").ok();
    let number = link.and_then(|path| path.file_name()?.to_str()?.parse::<u32>().ok());
    number == Some(std::process::id())
}

/// Called by `exit`; calling it twice does no harm.
extern "C" fn wait_for_uses() {
    let mut uses = locked();
    uses.is_exiting = true;
    while uses.count > 0 {
        let (guard, outcome) = CHANGED.wait_timeout(uses, LONGEST_WAIT).unwrap_or_else(PoisonError::into_inner);
        uses = guard;
        if outcome.timed_out() {
            return;
        }
    }
}
