//! A layout made from Python wheels: the CPU part always, CUDA's part when it is wanted.

use super::layout::{Layout, flush};
use crate::elf::Dynamic;
use crate::failure::{Context, Failure, Outcome};
use crate::folders::{clear, readable, size_bytes};
use crate::python::{Shape, extract, wheel_metadata};
use crate::requirement::Requirement;
use crate::say::say;
use crate::shelf::Shelf;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The libraries that libtorch_cpu needs from CUDA to load at all, and the wheels that have them.
const CUDA_FOR_CPU: [(&str, &str); 2] = [("libcudart.so", "nvidia-cuda-runtime"), ("libcupti.so", "nvidia-cuda-cupti")];

/// Libraries of the torch wheel that neither part has a use for.
const UNUSED: [&str; 4] = ["libtorch.so", "libtorch_python.so", "libshm.so", "libtorch_global_deps.so"];

/// Where the layout lies in the cache.
pub fn place(cache: &Path, release: &str) -> PathBuf {
    cache.join(format!("libtorch-{release}"))
}

/// Fetches what is not there yet and makes the layout, or adds CUDA's part to it. The cache must be locked.
pub fn lay_out(cache: &Path, release: &str, with_cuda: bool) -> Outcome<Layout> {
    let layout = Layout::at(place(cache, release));
    let complete = layout.defects(release).is_empty();
    if complete && (layout.has_cuda() || !with_cuda) {
        // Another checkout, or a set-up that we waited for, has done it.
        return Ok(layout);
    }
    let shelf = Shelf::open(cache.join(format!("wheels-{release}")))?;
    let torch = shelf.wheel(&Requirement::exactly("torch", release))?;
    let cuda = cuda_requirements(&shelf, &torch)?;
    let layout = if complete { layout } else { lay_out_cpu(&shelf, &torch, &cuda, layout.root(), release)? };
    if with_cuda {
        lay_out_cuda(&shelf, &torch, &cuda, &layout)?;
    }
    shelf.remove()?;
    Ok(layout)
}

/// The NVIDIA wheels that this torch asks for, those behind the toolkit's extras included.
fn cuda_requirements(shelf: &Shelf, torch: &Path) -> Outcome<Vec<Requirement>> {
    let mut all = Vec::new();
    for requirement in applying(&wheel_metadata(torch)?, &[]) {
        if requirement.name == "cuda-toolkit" {
            let toolkit = shelf.wheel(&requirement)?;
            all.extend(applying(&wheel_metadata(&toolkit)?, &requirement.extras));
        } else {
            all.push(requirement);
        }
    }
    all.retain(|requirement| requirement.name.starts_with("nvidia-"));
    Ok(all)
}

fn applying(metadata: &str, extras: &[String]) -> Vec<Requirement> {
    Requirement::all(metadata).into_iter().filter(|requirement| requirement.applies(extras)).collect()
}

fn lay_out_cpu(shelf: &Shelf, torch: &Path, cuda: &[Requirement], place: &Path, release: &str) -> Outcome<Layout> {
    let began = Instant::now();
    let partial = Layout::at(place.with_file_name(format!("libtorch-{release}.partial")));
    clear(partial.root())?;
    let lib = partial.lib();
    extract(torch, &lib, Shape::Flat, &in_lib(&["libtorch_cpu.so".to_owned()]))?;
    while !extract(torch, &lib, Shape::Flat, &in_lib(&still_needed(&lib)?))?.is_empty() {}
    for (library, package) in CUDA_FOR_CPU {
        if still_needed(&lib)?.iter().any(|needed| needed.starts_with(library)) {
            let wheel = shelf.wheel(named(cuda, package)?)?;
            extract(&wheel, &lib, Shape::Flat, &in_lib(&still_needed(&lib)?))?;
        }
    }
    extract(torch, partial.root(), Shape::Keep, &["torch/include/*".to_owned()])?;
    let include = partial.root().join("torch/include");
    std::fs::rename(&include, partial.root().join("include"))
        .context(|| format!("cannot move {}", include.display()))?;
    clear(&partial.root().join("torch"))?;
    partial.finish(release)?;
    let layout = partial.publish(place)?;
    told("CPU part", layout.root(), began);
    Ok(layout)
}

fn lay_out_cuda(shelf: &Shelf, torch: &Path, cuda: &[Requirement], layout: &Layout) -> Outcome<()> {
    let wheels = cuda.iter().map(|requirement| shelf.wheel(requirement)).collect::<Outcome<Vec<_>>>()?;
    let began = Instant::now();
    let partial = layout.root().join("cuda.partial");
    clear(&partial)?;
    extract(torch, &partial, Shape::Keep, &["torch/lib/*.so*".to_owned()])?;
    for wheel in &wheels {
        extract(wheel, &partial, Shape::Keep, &["nvidia/*/lib/*.so*".to_owned()])?;
    }
    for unused in UNUSED {
        remove_file(&partial.join("torch/lib").join(unused))?;
    }
    share_cpu_libraries(layout, &partial.join("torch/lib"))?;
    flush(&partial)?;
    let place = layout.root().join("cuda");
    std::fs::rename(&partial, &place).context(|| format!("cannot move CUDA's part to {}", place.display()))?;
    told("CUDA part", &place, began);
    Ok(())
}

/// What both parts have lies in `lib/` alone; CUDA's part links to it.
fn share_cpu_libraries(layout: &Layout, cuda_lib: &Path) -> Outcome<()> {
    let entries = std::fs::read_dir(cuda_lib).context(|| format!("cannot read {}", cuda_lib.display()))?;
    for name in entries.flatten().map(|entry| entry.file_name()) {
        if layout.lib().join(&name).is_file() {
            remove_file(&cuda_lib.join(&name))?;
            let shared = Path::new("../../../lib").join(&name);
            symlink(&shared, cuda_lib.join(&name)).context(|| format!("cannot link {}", shared.display()))?;
        }
    }
    Ok(())
}

fn remove_file(file: &Path) -> Outcome<()> {
    match std::fs::remove_file(file) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::new(format!("cannot remove {}: {cause}", file.display())))
        }
        _ => Ok(()),
    }
}

/// Names that the libraries in the folder need and that are not in it; the system's own are among them.
fn still_needed(lib: &Path) -> Outcome<Vec<String>> {
    let entries = std::fs::read_dir(lib).context(|| format!("cannot read {}", lib.display()))?;
    let mut needed = Vec::new();
    for entry in entries.flatten() {
        needed.extend(Dynamic::of(&entry.path())?.needed);
    }
    needed.retain(|name| !lib.join(name).exists());
    needed.sort();
    needed.dedup();
    Ok(needed)
}

fn in_lib(names: &[String]) -> Vec<String> {
    names.iter().flat_map(|name| [format!("*/lib/{name}"), format!("*.libs/{name}")]).collect()
}

fn named<'a>(requirements: &'a [Requirement], package: &str) -> Outcome<&'a Requirement> {
    requirements.iter().find(|requirement| requirement.name.starts_with(package)).ok_or_else(|| {
        Failure::new(format!("the torch wheel needs a library of {package} but does not require that package"))
            .remedy("set LIBTORCH to an unpacked libtorch of the pinned version and run `cargo xtask setup` again")
    })
}

fn told(part: &str, folder: &Path, began: Instant) {
    let seconds = began.elapsed().as_secs_f32();
    say!("ok    {part} laid out in {}: {} in {seconds:.0} s", folder.display(), readable(size_bytes(folder)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::libtorch::layout::fixture;

    #[test]
    fn a_layout_that_is_there_is_taken_and_nothing_is_fetched() {
        let cache = fixture("wheels-complete", "libtorch-2.11.0/");
        let layout = lay_out(&cache, "2.11.0", false).unwrap();
        assert_eq!(layout.root(), place(&cache, "2.11.0"));
        assert_eq!(std::fs::read_dir(&cache).unwrap().count(), 1, "no shelf of wheels was opened");
        clear(&cache).unwrap();
    }

    #[test]
    fn both_parts_share_one_copy_of_a_library() {
        let cache = fixture("wheels-shared", "libtorch-2.11.0/");
        let layout = Layout::at(place(&cache, "2.11.0"));
        let cuda_lib = layout.root().join("cuda/torch/lib");
        std::fs::create_dir_all(&cuda_lib).unwrap();
        std::fs::write(cuda_lib.join("libc10.so"), "a second copy").unwrap();
        std::fs::write(cuda_lib.join("libtorch_cuda.so"), "cuda").unwrap();
        share_cpu_libraries(&layout, &cuda_lib).unwrap();
        assert_eq!(
            std::fs::canonicalize(cuda_lib.join("libc10.so")).unwrap(),
            std::fs::canonicalize(layout.lib().join("libc10.so")).unwrap()
        );
        assert!(layout.has_cuda() && !cuda_lib.join("libtorch_cuda.so").is_symlink());
        clear(&cache).unwrap();
    }
}
