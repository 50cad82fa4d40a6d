//! Loading keeps each tensor in memory once: the memory that is the process's own grows by the model and little more.
//! Alone in its process, since any other test would be counted too.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sa3::weights::{Checkpoint, load};
use tch::{Device, Kind, Tensor};

/// The last is half of the whole, so that a copy of it that lives for a moment only is seen.
const SHAPES: [[i64; 2]; 5] = [[3200, 4096], [3200, 4096], [3200, 4096], [3200, 4096], [12_800, 4096]];
const WIDEST_BYTES: u64 = 4;

fn name(index: usize) -> String {
    format!("vision_encoder.part{index}")
}

/// A file of zeros: its header, and a hole as long as the tensors.
fn written(folder: &Path, dtype: &str, element_bytes: i64) -> PathBuf {
    let mut end = 0;
    let entries = SHAPES.iter().enumerate().map(|(index, [rows, columns])| {
        let start = end;
        end += rows * columns * element_bytes;
        let shape = format!("[{rows},{columns}]");
        format!(r#""{}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{start},{end}]}}"#, name(index))
    });
    let header = format!("{{{}}}", entries.collect::<Vec<_>>().join(","));
    // Every writer pads the header, so that the tensors are aligned.
    let header = format!("{header:<width$}", width = header.len().next_multiple_of(8));
    let path = folder.join(format!("{dtype}.safetensors"));
    let mut file = File::create(&path).unwrap();
    file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
    file.write_all(header.as_bytes()).unwrap();
    file.set_len(8 + header.len() as u64 + end as u64).unwrap();
    path
}

/// Memory of the process that no file stands behind.
fn anonymous_bytes() -> u64 {
    resident_bytes("RssAnon:")
}

/// Memory of the process that is a file's.
fn mapped_bytes() -> u64 {
    resident_bytes("RssFile:")
}

fn resident_bytes(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}

/// How far the process's own memory rises above where it was while `work` runs.
fn rise_during<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let (is_done, highest) = (AtomicBool::new(false), AtomicU64::new(0));
    let before = anonymous_bytes();
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                highest.fetch_max(anonymous_bytes(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_micros(500));
            }
        });
        let result = work();
        is_done.store(true, Ordering::Relaxed);
        result
    });
    (result, highest.into_inner().max(anonymous_bytes()) - before)
}

fn loaded(checkpoint: &Checkpoint, kind: Kind) -> Vec<Tensor> {
    load(checkpoint, Device::Cpu, kind, |loader| {
        SHAPES.iter().enumerate().map(|(index, shape)| loader.tensor(&name(index), shape)).collect()
    })
    .unwrap()
}

#[test]
fn loading_needs_the_size_of_the_model_and_little_more() {
    let folder = std::env::temp_dir().join(format!("sa3-load-memory-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    // libtorch's own threads and tables come with the first tensors.
    let _warm = Tensor::ones([1000, 1000], (Kind::Half, Device::Cpu)).to_kind(Kind::Float).sum(Kind::Float);
    let elements: i64 = SHAPES.iter().map(|[rows, columns]| rows * columns).sum();
    assert!(elements as u64 * WIDEST_BYTES > 400_000_000);
    for (dtype, file_bytes, kind, loaded_bytes) in
        [("BF16", 2, Kind::BFloat16, 2), ("F32", 4, Kind::BFloat16, 2), ("F16", 2, Kind::Float, 4)]
    {
        let path = written(&folder, dtype, file_bytes);
        let mapped_before = mapped_bytes();
        let checkpoint = Checkpoint::open(&path).unwrap();
        let (tensors, rise) = rise_during(|| loaded(&checkpoint, kind));
        let size = (elements * loaded_bytes) as u64;
        assert_eq!(tensors.len(), SHAPES.len());
        assert!(rise * 100 <= size * 115, "{dtype} as {kind:?}: {rise} bytes for a model of {size}");
        // Memory that is not written to would make the rise small for nothing; some is that of the turn before.
        assert!(rise * 100 >= size * 50, "{dtype} as {kind:?}: {rise} bytes for a model of {size}");
        let mapped = mapped_bytes().saturating_sub(mapped_before);
        assert!(
            mapped < path.metadata().unwrap().len() / 10,
            "{dtype}: {mapped} bytes of the file are still in memory"
        );
    }
    std::fs::remove_dir_all(folder).unwrap();
}
