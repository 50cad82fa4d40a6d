//! CUDA at run time: the binary links libtorch's CPU part alone; the CUDA part is loaded when it is installed.

use std::path::{Path, PathBuf};
use std::sync::Once;

const CPU_LIBRARY: &str = "libtorch_cpu.so";
const CUDA_LIBRARY: &str = "libtorch_cuda.so";

/// Loads libtorch's CUDA part once, before libtorch is first asked for a device. Without an NVIDIA driver, or without
/// the library, nothing happens and CUDA stays unavailable.
pub(super) fn load_if_installed() {
    static LOADED: Once = Once::new();
    LOADED.call_once(|| {
        if !Path::new("/proc/driver/nvidia/version").exists() {
            return;
        }
        if let Some(path) = installed() {
            load(&path);
        }
    });
}

/// Where the CUDA part stands: beside the CPU part, or in the layout's own `cuda` directory.
fn installed() -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let cpu =
        maps.lines().filter_map(|line| line.split_whitespace().nth(5)).find(|path| path.ends_with(CPU_LIBRARY))?;
    let lib = Path::new(cpu).parent()?;
    let beside = lib.join(CUDA_LIBRARY);
    let layout = lib.parent().map(|layout| layout.join("cuda/torch/lib").join(CUDA_LIBRARY));
    [Some(beside), layout].into_iter().flatten().find(|path| path.exists())
}

fn load(path: &Path) {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
    // SAFETY: the library is libtorch's own CUDA half of the same version; its initialisers register kernels and have
    // no other precondition than that libtorch_cpu is loaded, which is where `path` was derived from.
    if let Ok(library) = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) } {
        // Registered kernels point into it for the rest of the process.
        std::mem::forget(library);
    }
}
