//! The header of a safetensors file: what stands where.

use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

use super::stored::{Element, Stored};
use crate::error::{Error, Result};

/// The header is preceded by its length.
const LENGTH_FIELD_BYTES: usize = 8;

/// Every tensor of the file, which is number `file` of its checkpoint.
///
/// # Errors
/// [`Error::ModelFile`] when the file is truncated or something else.
pub(super) fn tensors(path: &Path, bytes: &[u8], file: usize) -> Result<Vec<(String, Stored)>> {
    let damaged = |cause: String| Error::ModelFile {
        path: path.into(),
        cause: format!("it is not a complete safetensors file: {cause}"),
        remedy: "Copy or download it again and compare its checksum".into(),
    };
    SafeTensors::deserialize(bytes).map_err(|cause| damaged(cause.to_string()))?;
    let (header_len, metadata) = SafeTensors::read_metadata(bytes).map_err(|cause| damaged(cause.to_string()))?;
    let data_start = header_len + LENGTH_FIELD_BYTES;
    let stored = metadata.tensors().into_iter().map(|(name, info)| {
        let (start, end) = info.data_offsets;
        let impossible = |cause: String| damaged(format!("{name}: {cause}"));
        let shape = info.shape.iter().map(|&side| i64::try_from(side)).collect::<std::result::Result<Vec<_>, _>>();
        let shape = shape.map_err(|_| impossible(format!("its shape {:?} is impossible", info.shape)))?;
        let stored = Stored::row_major(file, element(info.dtype), shape, data_start + start..data_start + end);
        Ok((name.clone(), stored.map_err(impossible)?))
    });
    stored.collect()
}

fn element(dtype: Dtype) -> Element {
    match dtype {
        Dtype::F32 => Element::F32,
        Dtype::F16 => Element::F16,
        Dtype::BF16 => Element::BF16,
        other => Element::Other(format!("{other:?}")),
    }
}
