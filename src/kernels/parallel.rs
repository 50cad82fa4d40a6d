//! Work shared among libtorch's own threads, so that there is one pool and no more threads than cores.

use std::ffi::{c_int, c_uint, c_void};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

unsafe extern "C" {
    // GNU OpenMP, which libtorch runs on.
    fn GOMP_parallel(region: extern "C" fn(*mut c_void), data: *mut c_void, threads: c_uint, flags: c_uint);
    fn omp_get_level() -> c_int;
}

struct Region<'a> {
    next: AtomicUsize,
    tasks: usize,
    work: &'a (dyn Fn(usize) + Sync),
}

/// Calls `work` once for each of `0..tasks`, on as many threads as libtorch may use. `work` must not panic.
pub(super) fn for_each(tasks: usize, work: &(dyn Fn(usize) + Sync)) {
    let region = Region { next: AtomicUsize::new(0), tasks, work };
    // SAFETY: asks only for a number.
    let is_nested = unsafe { omp_get_level() } > 0;
    let threads = if is_nested { 1 } else { (tch::get_num_threads().max(1) as usize).min(tasks) };
    if threads <= 1 {
        return region.run();
    }
    let data = (&raw const region).cast_mut().cast();
    // SAFETY: every thread gets the region by its address and has left it when the call returns.
    unsafe { GOMP_parallel(enter, data, threads as c_uint, 0) }
}

extern "C" fn enter(data: *mut c_void) {
    // SAFETY: `for_each` passes a region that outlives the call, and shares it read-only.
    unsafe { &*data.cast::<Region<'_>>() }.run();
}

impl Region<'_> {
    fn run(&self) {
        loop {
            let task = self.next.fetch_add(1, Ordering::Relaxed);
            if task >= self.tasks {
                break;
            }
            (self.work)(task);
        }
    }
}

/// Calls `work` with the index of each chunk of `values` and the chunk itself, in parallel.
pub(super) fn over_chunks<T: Send>(values: &mut [T], chunk: usize, work: &(dyn Fn(usize, &mut [T]) + Sync)) {
    let chunks: Vec<_> = values.chunks_mut(chunk.max(1)).map(Mutex::new).collect();
    for_each(chunks.len(), &|index| {
        if let Ok(mut chunk) = chunks[index].lock() {
            work(index, &mut chunk);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chunk_is_visited_once() {
        let mut values = vec![0u32; 1003];
        over_chunks(&mut values, 10, &|index, chunk| chunk.iter_mut().for_each(|v| *v += index as u32 + 1));
        assert!(values.iter().enumerate().all(|(i, &v)| v == i as u32 / 10 + 1));
    }
}
