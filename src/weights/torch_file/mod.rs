//! A file of `torch.save`: a zip archive with a pickle that describes tensors, and one entry for each storage.
//!
//! Nothing of the file is run; see [`pickle`]. The tensors stay in the file, as ranges of it.

mod pickle;
mod zip;

use std::ops::Range;
use std::path::Path;

use self::pickle::{Id, PickledTensor, Value, Values};
use super::stored::{Element, Stored};
use crate::error::{Error, Result};

const ZIP_MAGIC: &[u8] = b"PK";
/// What torch wrote before version 1.6: pickles one behind another, the first of them a number.
const LEGACY_MAGIC: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";
const PROGRAM: &str = "data.pkl";
const REMEDY: &str = "Use the checkpoint as it was published, or save it again in Python: \
                      torch.save(model.state_dict(), \"sam3.pt\")";

/// True for a file of `torch.save`, also for one that is too old to be read.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(ZIP_MAGIC) || bytes.starts_with(LEGACY_MAGIC)
}

/// Every tensor of the file, which is number `file` of its checkpoint.
///
/// # Errors
/// [`Error::ModelFile`] when the file is cut off, damaged, asks for something to be run, or holds no tensors.
pub(super) fn tensors(path: &Path, bytes: &[u8], file: usize) -> Result<Vec<(String, Stored)>> {
    let refuse = |cause: String| Error::ModelFile { path: path.into(), cause, remedy: REMEDY.into() };
    if bytes.starts_with(LEGACY_MAGIC) {
        return Err(refuse("it is of the form that torch wrote before version 1.6".into()));
    }
    let archive = Archive::open(bytes).map_err(refuse)?;
    let values = pickle::read(&bytes[archive.program.clone()]).map_err(refuse)?;
    let named = named_tensors(&values).map_err(refuse)?;
    let stored = named.into_iter().map(|(name, tensor)| {
        let stored = archive.stored(tensor, file).map_err(|cause| refuse(format!("{name}: {cause}")))?;
        Ok((name.to_string(), stored))
    });
    stored.collect()
}

struct Archive {
    entries: zip::Entries,
    /// The folder that everything stands in, with its slash.
    folder: String,
    program: Range<usize>,
}

impl Archive {
    fn open(bytes: &[u8]) -> std::result::Result<Self, String> {
        let entries = zip::entries(bytes)?;
        let programs: Vec<_> = entries.iter().filter(|(name, _)| name.ends_with(&format!("/{PROGRAM}"))).collect();
        let [(name, program)] = programs[..] else {
            return Err(format!("it is a zip archive with {} entries {PROGRAM} instead of one", programs.len()));
        };
        let (folder, program) = (name[..name.len() - PROGRAM.len()].to_string(), program.clone());
        let order = entries.get(&format!("{folder}byteorder")).map(|range| &bytes[range.clone()]);
        if order.is_some_and(|order| order != b"little") {
            return Err("its numbers are not little-endian".into());
        }
        Ok(Self { entries, folder, program })
    }

    fn stored(&self, tensor: &PickledTensor<'_>, file: usize) -> std::result::Result<Stored, String> {
        let storage = tensor.storage;
        let entry = format!("{}data/{}", self.folder, storage.key);
        let range = self.entries.get(&entry).ok_or_else(|| format!("its storage {entry} is not in the archive"))?;
        let bytes = usize::try_from(storage.count).ok().and_then(|count| count.checked_mul(storage.element_bytes));
        let bytes = bytes.filter(|&bytes| bytes <= range.len()).ok_or_else(|| {
            format!("its storage {entry} has {} bytes instead of {} elements", range.len(), storage.count)
        })?;
        let element = match storage.element {
            "F32" => Element::F32,
            "F16" => Element::F16,
            "BF16" => Element::BF16,
            other => Element::Other(other.into()),
        };
        let (shape, strides) = (tensor.shape.clone(), tensor.strides.clone());
        Stored::strided(file, element, shape, strides, range.start..range.start + bytes, tensor.offset)
    }
}

/// The tensors of the dictionary, or of the one that it calls "model".
fn named_tensors<'v, 'p>(values: &'v Values<'p>) -> std::result::Result<Vec<(&'p str, &'v PickledTensor<'p>)>, String> {
    let dictionary = |id: Id| match values.get(id) {
        Value::Dict(items) => Ok(items),
        _ => Err("it does not hold a dictionary of tensors"),
    };
    let outer = dictionary(values.result)?;
    let model = outer.iter().find(|(key, _)| *values.get(*key) == Value::Text("model"));
    let items = model.map_or(Ok(outer), |(_, model)| dictionary(*model))?;
    let tensor = |(key, value): &(Id, Id)| match (values.get(*key), values.get(*value)) {
        (Value::Text(name), Value::Tensor(tensor)) => Ok((*name, tensor)),
        (Value::Text(name), _) => Err(format!("its entry {name} is no tensor")),
        _ => Err("it has an entry whose name is no text".to_string()),
    };
    items.iter().map(tensor).collect()
}

#[cfg(test)]
mod tests;
