//! The files of a checkpoint, memory-mapped or held by the program, as a [`TensorSource`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tch::{Device, Kind, Tensor};

use super::bytes::{self, Bytes};
use super::names::Layout;
use super::placed::Placed;
use super::shards::{self, Index};
use super::stored::Stored;
use super::{TensorSource, safetensors_file, torch_file};
use crate::error::{Error, Result};

/// A checked checkpoint. Its tensors are read from the files when they are asked for, each once.
pub struct Checkpoint {
    files: Vec<SourceFile>,
    layout: Layout,
    /// By our name.
    tensors: BTreeMap<String, Placed>,
}

struct SourceFile {
    path: PathBuf,
    bytes: Bytes,
}

impl Checkpoint {
    /// Opens and checks a file: safetensors, one of torch, or the index of several safetensors files.
    ///
    /// # Errors
    /// [`Error::ModelFile`] when it cannot be read, is truncated or foreign.
    pub fn open(path: &Path) -> Result<Self> {
        if shards::is_index(path) { Self::of_shards(path) } else { Self::of_file(path, Bytes::map(path)?) }
    }

    /// The same over bytes at hand, which errors call `name`.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn from_bytes(name: &str, bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self> {
        Self::of_file(Path::new(name), Bytes::Held(bytes.into()))
    }

    fn of_file(path: &Path, bytes: Bytes) -> Result<Self> {
        let in_file = tensors(path, bytes.as_slice(), 0)?;
        Self::new(vec![SourceFile { path: path.into(), bytes }], path, in_file)
    }

    fn of_shards(path: &Path) -> Result<Self> {
        let index = Index::read(path)?;
        let shards = index.shards()?;
        let (mut files, mut in_files) = (Vec::new(), Vec::new());
        for (number, shard) in shards.iter().enumerate() {
            let bytes = Bytes::map(shard)?;
            in_files.extend(safetensors_file::tensors(shard, bytes.as_slice(), number)?);
            files.push(SourceFile { path: shard.clone(), bytes });
        }
        index.check(&shards, &in_files)?;
        Self::new(files, path, in_files)
    }

    /// `named` is the file that errors about all tensors together speak of.
    fn new(files: Vec<SourceFile>, named: &Path, in_files: Vec<(String, Stored)>) -> Result<Self> {
        let layout = Layout::detect(named, in_files.iter().map(|(name, _)| name.as_str()))?;
        let damaged = |path: &Path, cause: String| Error::ModelFile {
            path: path.into(),
            cause,
            remedy: "Copy or download it again and compare its checksum".into(),
        };
        let mut tensors: BTreeMap<String, Placed> = BTreeMap::new();
        for (name, stored) in &in_files {
            for (ours, cut) in layout.ours(name) {
                let part = stored.cut(cut);
                let part = part.map_err(|cause| damaged(&files[stored.file].path, format!("{name}: {cause}")))?;
                if !tensors.entry(ours.clone()).or_default().add(cut, part) {
                    return Err(damaged(&files[stored.file].path, format!("two of its tensors are {ours}")));
                }
            }
        }
        Ok(Self { files, layout, tensors })
    }

    /// In which layout the tensors were found.
    pub fn layout(&self) -> Layout {
        self.layout
    }
}

/// What a file holds, told by its first bytes: names of files are the user's own.
fn tensors(path: &Path, bytes: &[u8], file: usize) -> Result<Vec<(String, Stored)>> {
    if torch_file::is_one(bytes) {
        torch_file::tensors(path, bytes, file)
    } else {
        safetensors_file::tensors(path, bytes, file)
    }
}

impl TensorSource for Checkpoint {
    fn names(&self) -> Vec<String> {
        self.tensors.keys().cloned().collect()
    }

    fn shape(&self, name: &str) -> Option<Vec<i64>> {
        self.tensors.get(name).map(Placed::shape)
    }

    fn read(&self, name: &str) -> Result<Tensor> {
        let usable = self.tensors.get(name).and_then(|placed| Some((placed.kind()?, placed.shape())));
        // Of no more elements than the file has, as was checked when it was opened; what is of no use is refused below.
        let (kind, shape) = usable.unwrap_or((Kind::Float, Vec::new()));
        let mut tensor = Tensor::empty(&shape, (kind, Device::Cpu));
        self.copy_to(name, &mut tensor)?;
        Ok(tensor)
    }

    fn copy_to(&self, name: &str, target: &mut Tensor) -> Result<()> {
        let Some(placed) = self.tensors.get(name) else {
            return Err(Error::Weights { report: format!("{name} missing") });
        };
        for (stored, mut part) in placed.parts_of(target) {
            let SourceFile { path, bytes } = &self.files[stored.file];
            let copied = bytes::copy(bytes.as_slice(), stored, &mut part);
            bytes.release(stored.range_in_bytes());
            copied.map_err(|cause| Error::ModelFile {
                path: path.clone(),
                cause: format!("{name} {cause}"),
                remedy: "Copy or download it again and compare its checksum, or use the checkpoint as it was published"
                    .into(),
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::Component;
    use safetensors::tensor::{Dtype, TensorView};

    /// A file with one tensor of two elements for each name.
    fn written(names: &[&str], dtype: Dtype) -> Vec<u8> {
        let data = vec![0u8; 2 * dtype.bitsize() / 8];
        let view = || TensorView::new(dtype, vec![2], &data).unwrap();
        safetensors::serialize(names.iter().map(|name| (*name, view())), None).unwrap()
    }

    fn refusal(bytes: Vec<u8>) -> String {
        Checkpoint::from_bytes("x.safetensors", bytes).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn the_video_layout_loses_its_prefix_for_the_detector_alone() {
        let names = ["detector_model.text_projection.bias", "tracker_neck.x", "tracker_model.y"];
        let checkpoint = Checkpoint::from_bytes("x.safetensors", written(&names, Dtype::BF16)).unwrap();
        assert_eq!(checkpoint.names(), ["text_projection.bias", "tracker_model.y", "tracker_neck.x"]);
        assert_eq!(Component::Detector.of(&checkpoint).names(), ["text_projection.bias"]);
        assert_eq!(Component::Tracker.of(&checkpoint).names(), ["tracker_model.y", "tracker_neck.x"]);
        assert_eq!(checkpoint.layout(), Layout::HfVideo);
        assert_eq!(checkpoint.shape("text_projection.bias"), Some(vec![2]));
        assert_eq!(checkpoint.read("text_projection.bias").unwrap().kind(), Kind::BFloat16);
    }

    #[test]
    fn rows_of_several_tensors_become_one() {
        let data: Vec<Vec<u8>> =
            (0..4).map(|row| [row as f32, 10.0 + row as f32].map(f32::to_le_bytes).concat()).collect();
        let named = |row: usize| format!("tracker.sam_prompt_encoder.point_embeddings.{row}.weight");
        let file = |rows: &[usize]| {
            let view = |row: usize| TensorView::new(Dtype::F32, vec![1, 2], &data[row]).unwrap();
            let detector = ("detector.x".to_string(), view(0));
            let tensors = rows.iter().map(|&row| (named(row), view(row))).chain([detector]);
            safetensors::serialize(tensors, None).unwrap()
        };
        let opened = |rows: &[usize]| Checkpoint::from_bytes("x", file(rows)).unwrap();
        let name = "tracker_model.prompt_encoder.point_embed.weight";
        let table = opened(&[2, 0, 3, 1]).read(name).unwrap();
        assert_eq!(Vec::<f32>::try_from(table.flatten(0, -1)).unwrap(), [0.0, 10.0, 1.0, 11.0, 2.0, 12.0, 3.0, 13.0]);
        assert_eq!(opened(&[0, 3]).shape(name), Some(vec![2, 2]));
    }

    #[test]
    fn truncated_foreign_and_integer_files_are_refused_in_words() {
        let whole = written(&["text_projection.bias"], Dtype::F32);
        for length in 0..whole.len() {
            let text = refusal(whole[..length].to_vec());
            assert!(text.contains("not a complete safetensors file"), "{length}: {text}");
        }
        assert!(refusal(written(&["bert.embeddings"], Dtype::F32)).contains("bert.embeddings"));
        let integers = Checkpoint::from_bytes("x", written(&["text_projection.bias"], Dtype::I64)).unwrap();
        let error = integers.read("text_projection.bias").unwrap_err().to_string();
        assert!(error.contains("text_projection.bias") && error.contains("I64") && error.contains("BF16"), "{error}");
        let error = Checkpoint::open(Path::new("/no/such.safetensors")).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("cannot be read"), "{error}");
    }

    #[test]
    fn weights_that_are_no_numbers_name_their_tensor() {
        let data: Vec<u8> = [1.0, f32::NAN].iter().flat_map(|number| number.to_le_bytes()).collect();
        let view = TensorView::new(Dtype::F32, vec![2], &data).unwrap();
        let bytes = safetensors::serialize([("text_projection.bias", view)], None).unwrap();
        let error = Checkpoint::from_bytes("x", bytes).unwrap().read("text_projection.bias").unwrap_err().to_string();
        assert!(error.contains("text_projection.bias") && error.contains("NaN"), "{error}");
    }
}
