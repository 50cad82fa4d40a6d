//! Soft masks as text: their bytes, first row first, packed by zlib and written in base64.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::{Deserialize, Serialize};

use crate::objects::Mask;

/// A mask as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SoftMask {
    /// Rows and columns.
    pub(super) size: [u32; 2],
    zlib: String,
}

impl SoftMask {
    /// `None` for a mask without cells, which nobody could read.
    pub(super) fn new(mask: &Mask) -> Option<Self> {
        if mask.width == 0 || mask.height == 0 {
            return None;
        }
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        // Writing to memory does not fail.
        let packed = encoder.write_all(mask.bytes()).and_then(|()| encoder.finish()).unwrap_or_default();
        Some(Self { size: [mask.height, mask.width], zlib: STANDARD.encode(packed) })
    }

    /// The mask.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence.
    pub(super) fn mask(&self) -> Result<Mask, String> {
        let [height, width] = self.size;
        let expected = width as usize * height as usize;
        let packed = STANDARD.decode(&self.zlib).map_err(|error| format!("a soft mask that is no base64: {error}"))?;
        let mut values = Vec::new();
        let read = ZlibDecoder::new(&packed[..]).take(expected as u64 + 1).read_to_end(&mut values);
        read.map_err(|error| format!("a soft mask that zlib cannot unpack: {error}"))?;
        let found = values.len();
        Mask::new(width, height, values)
            .ok_or_else(|| format!("a soft mask of {found} values, where {width}x{height} has {expected}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_and_broken_text_is_refused() {
        let mask = Mask::new(9, 7, (0..63).map(|value| value * 4).collect::<Vec<u8>>()).unwrap();
        let packed = SoftMask::new(&mask).unwrap();
        assert_eq!(packed.mask().unwrap(), mask);
        let cause = |soft: SoftMask| soft.mask().unwrap_err();
        assert!(cause(SoftMask { size: [7, 8], ..packed.clone() }).contains("8x7 has 56"));
        assert!(cause(SoftMask { zlib: "%".into(), ..packed.clone() }).contains("base64"));
        assert!(cause(SoftMask { zlib: STANDARD.encode("no zlib"), ..packed }).contains("zlib"));
    }
}
