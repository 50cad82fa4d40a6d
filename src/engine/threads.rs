//! How many cores a pass uses. Set for the engine's own thread alone: the application's other threads keep theirs.

/// Models with fewer weights than this are made of operations too short to gain from every core.
const SMALL_MODEL_WEIGHTS: i64 = 100_000_000;
const OPENMP_LIBRARY: &str = "libgomp.so.1";

/// Cores for a model's passes; `None` leaves libtorch's own choice.
///
/// A small model leaves one core to the rest of the pipeline (decoding, drawing, encoding): with every core taken, its
/// short parallel sections wait for whichever core is busy elsewhere, and a pass takes longer, not shorter.
pub(super) fn wanted(weight_count: i64) -> Option<i32> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (weight_count < SMALL_MODEL_WEIGHTS).then(|| i32::try_from(cores).unwrap_or(i32::MAX).saturating_sub(1).max(1))
}

/// Limits what libtorch starts from the calling thread. Without OpenMP's library nothing changes.
pub(super) fn limit_this_thread(threads: i32) {
    use libloading::os::unix::{Library, RTLD_NOW, Symbol};
    // libtorch sets a thread's number on its first use there; after that it stays as it is set here.
    let _ = tch::get_num_threads();
    // SAFETY: libtorch has loaded this library already; opening it again only counts a reference.
    let Ok(library) = (unsafe { Library::open(Some(OPENMP_LIBRARY), RTLD_NOW) }) else { return };
    // SAFETY: the signature is that of the OpenMP standard, void omp_set_num_threads(int).
    let symbol: Result<Symbol<unsafe extern "C" fn(i32)>, _> = unsafe { library.get(b"omp_set_num_threads\0") };
    if let Ok(set_num_threads) = symbol {
        // SAFETY: any positive number is legal; the call has no effect on other threads.
        unsafe { set_num_threads(threads) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_holds_for_its_thread_alone() {
        let before = tch::get_num_threads();
        let limited = std::thread::spawn(|| {
            limit_this_thread(1);
            tch::get_num_threads()
        });
        assert_eq!((limited.join().unwrap(), tch::get_num_threads()), (1, before));
    }

    #[test]
    fn large_models_take_every_core() {
        assert_eq!(wanted(850_000_000), None);
        assert!(wanted(12_000_000).is_some_and(|threads| threads >= 1));
    }
}
