//! The bytes of a model file, and tensors copied straight out of them: once, with nothing in between.

use std::borrow::Cow;
use std::fs::File;
use std::ops::Range;
use std::path::Path;

use memmap2::UncheckedAdvice;
use tch::{Device, Tensor};

use super::stored::{Element, Stored};
use crate::error::{Error, Result};

/// Elements looked at together for values that are no numbers.
const ELEMENTS_PER_LOOK: usize = 4096;

/// A file's bytes, mapped into memory or held by the program.
pub(super) enum Bytes {
    Mapped(memmap2::Mmap),
    Held(Cow<'static, [u8]>),
}

impl Bytes {
    /// Maps a file.
    ///
    /// # Errors
    /// [`Error::ModelFile`] when it cannot be read.
    pub(super) fn map(path: &Path) -> Result<Self> {
        let unreadable = |cause: std::io::Error| Error::ModelFile {
            path: path.into(),
            cause: format!("it cannot be read: {cause}"),
            remedy: "Check the path and its permissions".into(),
        };
        let file = File::open(path).map_err(unreadable)?;
        // SAFETY: the map is private and read-only. Another process that truncates the file while it is loaded could
        // fault the reader; model files are written once and replaced by renaming, as all tools for them do.
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(unreadable)?;
        Ok(Self::Mapped(map))
    }

    /// Lets the system take the memory of a range back, which would otherwise count as the process's until the file is
    /// closed. The bytes stay readable.
    pub(super) fn release(&self, range: Range<usize>) {
        let Self::Mapped(map) = self else { return };
        if range.is_empty() {
            return;
        }
        // SAFETY: the map is shared with the file and never written to, so what is dropped is read from there again.
        let advised = unsafe { map.unchecked_advise_range(UncheckedAdvice::DontNeed, range.start, range.len()) };
        // A system that refuses the advice keeps the memory a little longer, and nothing else.
        drop(advised);
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Held(bytes) => bytes,
        }
    }
}

/// Copies a tensor of these bytes to `target`, which has its shape and any precision, on any device.
///
/// # Errors
/// In words, when the element type is of no use or a value is not a finite number.
pub(super) fn copy(bytes: &[u8], stored: &Stored, target: &mut Tensor) -> std::result::Result<(), String> {
    let Some((kind, element_bytes)) = stored.element.kind() else {
        let Element::Other(name) = &stored.element else { unreachable!("every other element has a kind") };
        return Err(format!("is of type {name}; weights may be F32, F16 or BF16"));
    };
    if stored.is_empty() {
        return Ok(());
    }
    let bytes = &bytes[stored.range_in_bytes()];
    let is_row_major = stored.is_row_major();
    if is_row_major && !is_finite(bytes, &stored.element) {
        return Err(NOT_FINITE.into());
    }
    if !bytes.as_ptr().addr().is_multiple_of(element_bytes) {
        // Only a foreign writer places tensors so; an aligned copy of this one tensor costs less than a rule.
        let aligned = Tensor::from_data_size(bytes, &[(bytes.len() / element_bytes) as i64], kind);
        target.copy_(&aligned.as_strided(&stored.shape, stored.strides(), 0));
    } else {
        // SAFETY: `Stored` was checked to stay inside the bytes, which are aligned and outlive this call; the tensor
        // does not leave this block and is only read.
        let view = unsafe { Tensor::from_blob(bytes.as_ptr(), &stored.shape, stored.strides(), kind, Device::Cpu) };
        target.copy_(&view);
    }
    // Gaps between strided elements are not the tensor's, so its bytes cannot be asked.
    if !is_row_major && !bool::try_from(target.isfinite().all()).unwrap_or(false) {
        return Err(NOT_FINITE.into());
    }
    Ok(())
}

const NOT_FINITE: &str = "holds values that are not finite numbers (NaN or infinity)";

/// False when an exponent is all ones. Looks at bits, which is as quick as memory in any precision.
fn is_finite(bytes: &[u8], element: &Element) -> bool {
    match element {
        Element::F32 => all(bytes, |[a, b, c, d]| u32::from_le_bytes([a, b, c, d]) & 0x7f80_0000 != 0x7f80_0000),
        Element::F16 => all(bytes, |[a, b]| u16::from_le_bytes([a, b]) & 0x7c00 != 0x7c00),
        Element::BF16 => all(bytes, |[a, b]| u16::from_le_bytes([a, b]) & 0x7f80 != 0x7f80),
        Element::Other(_) => true,
    }
}

/// Whole blocks without an early end inside, so that the compiler can take many elements at a time.
fn all<const N: usize>(bytes: &[u8], is_good: impl Fn([u8; N]) -> bool) -> bool {
    let (elements, _) = bytes.as_chunks::<N>();
    elements.chunks(ELEMENTS_PER_LOOK).all(|block| block.iter().fold(true, |good, &element| good & is_good(element)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Kind;

    fn copied(numbers: &[f32], shape: &[i64], strides: &[i64], skip: usize) -> std::result::Result<Vec<f64>, String> {
        let mut bytes = vec![0; skip];
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        let range = skip..bytes.len();
        let stored = Stored::strided(0, Element::F32, shape.to_vec(), strides.to_vec(), range, 0)?;
        let mut target = Tensor::zeros(shape, (Kind::Double, Device::Cpu));
        copy(&bytes, &stored, &mut target)?;
        Ok(Vec::try_from(target.flatten(0, -1)).unwrap())
    }

    #[test]
    fn any_alignment_and_order_is_copied() {
        let numbers = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        for skip in 0..4 {
            assert_eq!(copied(&numbers, &[2, 3], &[3, 1], skip).unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
            assert_eq!(copied(&numbers, &[3, 2], &[1, 3], skip).unwrap(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        }
    }

    #[test]
    fn values_that_are_no_numbers_are_found_in_every_precision() {
        assert!(copied(&[1.0, f32::NAN], &[2], &[1], 0).unwrap_err().contains("finite"));
        assert!(copied(&[1.0, f32::INFINITY, 3.0, 4.0], &[2, 2], &[1, 2], 0).unwrap_err().contains("finite"));
        assert!(copied(&[1.0, f32::NAN, 3.0], &[2], &[2], 0).is_ok());
        let mut halves = vec![0u8; 20_000];
        assert!(is_finite(&halves, &Element::F16) && is_finite(&halves, &Element::BF16));
        halves[19_998..].copy_from_slice(&0x7c01u16.to_le_bytes());
        assert!(!is_finite(&halves, &Element::F16) && is_finite(&halves, &Element::BF16));
        halves[19_998..].copy_from_slice(&0xff80u16.to_le_bytes());
        assert!(!is_finite(&halves, &Element::BF16));
    }
}
