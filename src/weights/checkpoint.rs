//! A safetensors file, memory-mapped or compiled in, as a [`TensorSource`].

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use tch::{Kind, Tensor};

use super::TensorSource;
use super::names::Layout;
use crate::error::{Error, Result};

/// The header of a safetensors file is preceded by its length.
const LENGTH_FIELD_BYTES: usize = 8;

enum Bytes {
    Mapped(memmap2::Mmap),
    Static(&'static [u8]),
}

/// A checked safetensors file.
pub struct Checkpoint {
    path: PathBuf,
    bytes: Bytes,
    /// By our name.
    tensors: BTreeMap<String, Entry>,
}

/// Where one tensor stands in the bytes.
struct Entry {
    dtype: Dtype,
    shape: Vec<i64>,
    range_in_bytes: Range<usize>,
}

impl Checkpoint {
    /// Opens and checks a file.
    ///
    /// # Errors
    /// [`Error::ModelFile`] when it cannot be read, is truncated or foreign.
    pub fn open(path: &Path) -> Result<Self> {
        let unreadable = |cause: std::io::Error| Error::ModelFile {
            path: path.into(),
            cause: format!("it cannot be read: {cause}"),
            remedy: "Check the path and its permissions".into(),
        };
        let file = File::open(path).map_err(unreadable)?;
        // SAFETY: the map is private and read-only. Another process that truncates the file while it is loaded could
        // fault the reader; model files are written once and replaced by renaming, as all tools for them do.
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(unreadable)?;
        Self::check(path, Bytes::Mapped(map))
    }

    /// The same over bytes that are part of the program.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn from_static(name: &str, bytes: &'static [u8]) -> Result<Self> {
        Self::check(Path::new(name), Bytes::Static(bytes))
    }

    fn check(path: &Path, bytes: Bytes) -> Result<Self> {
        let damaged = |cause: safetensors::SafeTensorError| Error::ModelFile {
            path: path.into(),
            cause: format!("it is not a complete safetensors file: {cause}"),
            remedy: "Copy or download it again and compare its checksum".into(),
        };
        SafeTensors::deserialize(bytes.as_slice()).map_err(damaged)?;
        let (header_len, metadata) = SafeTensors::read_metadata(bytes.as_slice()).map_err(damaged)?;
        let data_start = header_len + LENGTH_FIELD_BYTES;
        let in_file = metadata.tensors();
        let layout = Layout::detect(path, in_file.keys().map(String::as_str))?;
        let tensors = in_file
            .iter()
            .filter_map(|(name, info)| {
                let (start, end) = info.data_offsets;
                let shape = info.shape.iter().map(|&side| side as i64).collect();
                let range_in_bytes = data_start + start..data_start + end;
                Some((layout.ours(name)?.to_string(), Entry { dtype: info.dtype, shape, range_in_bytes }))
            })
            .collect();
        Ok(Self { path: path.into(), tensors, bytes })
    }
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Static(bytes) => bytes,
        }
    }
}

impl TensorSource for Checkpoint {
    fn names(&self) -> Vec<String> {
        self.tensors.keys().cloned().collect()
    }

    fn shape(&self, name: &str) -> Option<Vec<i64>> {
        self.tensors.get(name).map(|entry| entry.shape.clone())
    }

    fn read(&self, name: &str) -> Result<Tensor> {
        let refuse = |cause: String| Error::ModelFile {
            path: self.path.clone(),
            cause,
            remedy: "Weights may be F32, F16 or BF16".into(),
        };
        let entry = self.tensors.get(name).ok_or_else(|| refuse(format!("{name} is not in it")))?;
        let kind = match entry.dtype {
            Dtype::F32 => Kind::Float,
            Dtype::F16 => Kind::Half,
            Dtype::BF16 => Kind::BFloat16,
            other => return Err(refuse(format!("{name} is of type {other:?}"))),
        };
        let bytes = &self.bytes.as_slice()[entry.range_in_bytes.clone()];
        Ok(Tensor::from_data_size(bytes, &entry.shape, kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::tensor::TensorView;

    /// A file with one tensor of two elements for each name.
    fn written(file: &str, names: &[&str], dtype: Dtype, cut_bytes: usize) -> PathBuf {
        let data = vec![0u8; 2 * dtype.bitsize() / 8];
        let view = || TensorView::new(dtype, vec![2], &data).unwrap();
        let bytes = safetensors::serialize(names.iter().map(|name| (*name, view())), None).unwrap();
        let path = std::env::temp_dir().join(format!("sa3-{}-{file}.safetensors", std::process::id()));
        std::fs::write(&path, &bytes[..bytes.len() - cut_bytes]).unwrap();
        path
    }

    fn refusal(path: &Path) -> String {
        Checkpoint::open(path).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn the_video_layout_gives_the_detector_alone() {
        let names = ["detector_model.text_projection.bias", "tracker_neck.x", "tracker_model.y"];
        let path = written("video", &names, Dtype::BF16, 0);
        let checkpoint = Checkpoint::open(&path).unwrap();
        assert_eq!(checkpoint.names(), ["text_projection.bias"]);
        assert_eq!(checkpoint.shape("text_projection.bias"), Some(vec![2]));
        assert_eq!(checkpoint.read("text_projection.bias").unwrap().kind(), Kind::BFloat16);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn truncated_foreign_and_integer_files_are_refused_in_words() {
        let truncated = written("truncated", &["text_projection.bias"], Dtype::F32, 3);
        assert!(refusal(&truncated).contains("not a complete safetensors file"), "{}", refusal(&truncated));
        let foreign = written("foreign", &["bert.embeddings"], Dtype::F32, 0);
        assert!(refusal(&foreign).contains("bert.embeddings"), "{}", refusal(&foreign));
        let integers = written("integers", &["text_projection.bias"], Dtype::I64, 0);
        let error = Checkpoint::open(&integers).unwrap().read("text_projection.bias").unwrap_err().to_string();
        assert!(error.contains("I64") && error.contains("BF16"), "{error}");
        assert!(refusal(Path::new("/no/such.safetensors")).contains("cannot be read"));
        for path in [truncated, foreign, integers] {
            std::fs::remove_file(path).unwrap();
        }
    }
}
