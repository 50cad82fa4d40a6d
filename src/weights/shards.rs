//! A checkpoint in several safetensors files, and the index that says which file holds which tensor.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::stored::Stored;
use crate::error::{Error, Result};

/// Such a file ends in `.safetensors.index.json`.
const INDEX_EXTENSION: &str = "json";
/// The released model's index would have a fiftieth of it.
const MAX_INDEX_BYTES: u64 = 16 << 20;

/// True for the path of an index.
pub(super) fn is_index(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == INDEX_EXTENSION)
}

/// An index, its file names checked to be no more than names.
pub(super) struct Index {
    path: PathBuf,
    file_of_tensor: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Published {
    weight_map: BTreeMap<String, String>,
}

impl Index {
    /// Reads an index.
    ///
    /// # Errors
    /// [`Error::ModelFile`] when it cannot be read, is no index, or names files elsewhere.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let refuse = |cause: String| Error::ModelFile {
            path: path.into(),
            cause,
            remedy: "It must be the model.safetensors.index.json that was published with the shards".into(),
        };
        let unreadable = |cause: std::io::Error| refuse(format!("it cannot be read: {cause}"));
        let bytes = path.metadata().map_err(unreadable)?.len();
        if bytes > MAX_INDEX_BYTES {
            return Err(refuse(format!("it has {bytes} bytes; an index has {MAX_INDEX_BYTES} at most")));
        }
        let published: Published = serde_json::from_slice(&std::fs::read(path).map_err(unreadable)?)
            .map_err(|cause| refuse(format!("it is not an index of shards: {cause}")))?;
        let is_name = |file: &&String| Path::new(file).file_name().is_none_or(|name| name != file.as_str());
        if let Some(file) = published.weight_map.values().find(is_name) {
            return Err(refuse(format!("it names the shard {file:?}, which is not the name of a file beside it")));
        }
        Ok(Self { path: path.into(), file_of_tensor: published.weight_map })
    }

    /// The shards, in the order of their names.
    ///
    /// # Errors
    /// [`Error::ModelFile`] that names those which are missing.
    pub(super) fn shards(&self) -> Result<Vec<PathBuf>> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let names: BTreeSet<_> = self.file_of_tensor.values().collect();
        let missing: Vec<_> =
            names.iter().filter(|name| !folder.join(name).is_file()).map(|name| name.as_str()).collect();
        if !missing.is_empty() {
            let cause = format!("{} of its {} shards missing: {}", missing.len(), names.len(), missing.join(", "));
            let remedy = "Copy or download them into the same directory".into();
            return Err(Error::ModelFile { path: self.path.clone(), cause, remedy });
        }
        Ok(names.into_iter().map(|name| folder.join(name)).collect())
    }

    /// Compares what the shards hold with what the index says of them.
    ///
    /// # Errors
    /// [`Error::ModelFile`] that names the first tensor they disagree about.
    pub(super) fn check(&self, shards: &[PathBuf], tensors: &[(String, Stored)]) -> Result<()> {
        let refuse = |cause: String| Error::ModelFile {
            path: self.path.clone(),
            cause: format!("it disagrees with its shards: {cause}"),
            remedy: "Index and shards must be of one download; fetch all of them again".into(),
        };
        let mut unseen: BTreeMap<&str, &str> =
            self.file_of_tensor.iter().map(|(tensor, file)| (tensor.as_str(), file.as_str())).collect();
        for (name, stored) in tensors {
            let found = shards[stored.file].file_name().unwrap_or_default().to_string_lossy();
            match (unseen.remove(name.as_str()), self.file_of_tensor.get(name)) {
                (Some(file), _) if file == found => {}
                (Some(file), _) => return Err(refuse(format!("{name} should be in {file} and is in {found}"))),
                (None, Some(_)) => return Err(refuse(format!("{name} is in {found} and in another shard"))),
                (None, None) => return Err(refuse(format!("{name} is in {found} and not in the index"))),
            }
        }
        match unseen.first_key_value() {
            Some((name, file)) => Err(refuse(format!("{name} should be in {file} and is not"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Checkpoint, TensorSource};
    use safetensors::tensor::{Dtype, TensorView};
    use std::path::PathBuf;

    const FIRST: &str = "model-00001-of-00002.safetensors";
    const SECOND: &str = "model-00002-of-00002.safetensors";
    const BIAS: &str = "text_projection.bias";
    const WEIGHT: &str = "text_projection.weight";

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("sa3-shards-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn shard(&self, file: &str, names: &[&str]) {
            let data = [0u8; 8];
            let view = || TensorView::new(Dtype::F32, vec![2], &data).unwrap();
            let bytes = safetensors::serialize(names.iter().map(|name| (*name, view())), None).unwrap();
            std::fs::write(self.0.join(file), bytes).unwrap();
        }

        fn open(&self, index: &str) -> Result<Vec<String>, String> {
            let path = self.0.join("model.safetensors.index.json");
            std::fs::write(&path, index).unwrap();
            Checkpoint::open(&path).map(|checkpoint| checkpoint.names()).map_err(|error| error.to_string())
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn index(entries: &[(&str, &str)]) -> String {
        let map: std::collections::BTreeMap<_, _> = entries.iter().copied().collect();
        serde_json::json!({"metadata": {"total_size": 16}, "weight_map": map}).to_string()
    }

    #[test]
    fn shards_are_one_checkpoint() {
        let folder = Folder::new("whole");
        folder.shard(FIRST, &[BIAS]);
        folder.shard(SECOND, &[WEIGHT]);
        assert_eq!(folder.open(&index(&[(BIAS, FIRST), (WEIGHT, SECOND)])).unwrap(), [BIAS, WEIGHT]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let folder = Folder::new("faults");
        folder.shard(FIRST, &[BIAS]);
        let refusal = |index: &str| folder.open(index).unwrap_err();
        let missing = refusal(&index(&[(BIAS, FIRST), (WEIGHT, SECOND)]));
        assert!(missing.contains("1 of its 2 shards missing") && missing.contains(SECOND), "{missing}");
        folder.shard(SECOND, &[WEIGHT]);
        for (entries, words) in [
            (
                &[(BIAS, SECOND), (WEIGHT, SECOND)][..],
                "text_projection.bias should be in model-00002-of-00002.safetensors and is not",
            ),
            (&[(BIAS, SECOND), (WEIGHT, FIRST)], "text_projection.bias should be in model-00002"),
            (
                &[(BIAS, FIRST), ("x", SECOND)],
                "text_projection.weight is in model-00002-of-00002.safetensors and not in",
            ),
            (&[(BIAS, FIRST), (WEIGHT, SECOND), ("x", SECOND)], "x should be in"),
            (&[(BIAS, "../model.safetensors")], "not the name of a file beside it"),
            (&[(BIAS, "/etc/passwd")], "not the name of a file beside it"),
            (&[(BIAS, "..")], "not the name of a file beside it"),
            (&[], "not a SAM 3 model"),
        ] {
            let text = refusal(&index(entries));
            assert!(text.contains(words), "{words}: {text}");
        }
        folder.shard(SECOND, &[WEIGHT, BIAS]);
        let twice = refusal(&index(&[(BIAS, FIRST), (WEIGHT, SECOND)]));
        assert!(twice.contains("and in another shard"), "{twice}");
        for text in ["", "[]", "{}", r#"{"weight_map": 3}"#] {
            assert!(refusal(text).contains("not an index of shards"), "{text}");
        }
        let whole = index(&[(BIAS, FIRST), (WEIGHT, SECOND)]);
        for length in 0..whole.len() {
            assert!(refusal(&whole[..length]).contains("not an index of shards"), "{length}");
        }
        std::fs::write(folder.0.join(SECOND), b"cut").unwrap();
        let cut = refusal(&whole);
        assert!(cut.contains(SECOND) && cut.contains("not a complete safetensors file"), "{cut}");
    }
}
