//! Where a tensor stands in a file's bytes: element type, shape, strides, offset. Nothing is read here.

use std::ops::Range;

use tch::Kind;

/// Type of a file's elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Element {
    F32,
    F16,
    BF16,
    /// Known to the format, of no use for weights: its name.
    Other(String),
}

impl Element {
    /// libtorch's name and the size in bytes; `None` for what weights cannot be.
    pub(super) fn kind(&self) -> Option<(Kind, usize)> {
        match self {
            Self::F32 => Some((Kind::Float, 4)),
            Self::F16 => Some((Kind::Half, 2)),
            Self::BF16 => Some((Kind::BFloat16, 2)),
            Self::Other(_) => None,
        }
    }
}

/// A part of a tensor's rows or columns, or another order of them; none of it copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// All of it.
    Whole,
    /// One of three equal parts along the first dimension: fused query, key and value.
    Third(u8),
    /// All but the first entry of the second dimension.
    WithoutFirst,
    /// Both dimensions of a matrix exchanged.
    Transposed,
    /// The row of that number in a tensor that several tensors make up together.
    Row(u8),
}

/// A view of one tensor in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    /// Number of the file in its checkpoint.
    pub(super) file: usize,
    pub(super) element: Element,
    pub(super) shape: Vec<i64>,
    /// In elements.
    strides: Vec<i64>,
    /// From the beginning of the file, in bytes; for [`Element::Other`] of no meaning.
    start: usize,
}

impl Stored {
    /// A tensor in row-major order at `range` of a file.
    pub(super) fn row_major(
        file: usize,
        element: Element,
        shape: Vec<i64>,
        range: Range<usize>,
    ) -> Result<Self, String> {
        let strides = row_major_strides(&shape).ok_or_else(|| format!("its shape {shape:?} is impossible"))?;
        Self::strided(file, element, shape, strides, range, 0)
    }

    /// A tensor inside the storage at `range` of a file, `offset` elements from its start.
    pub(super) fn strided(
        file: usize,
        element: Element,
        shape: Vec<i64>,
        strides: Vec<i64>,
        storage: Range<usize>,
        offset: i64,
    ) -> Result<Self, String> {
        let Some((_, element_bytes)) = element.kind() else {
            return Ok(Self { file, element, shape, strides, start: storage.start });
        };
        let impossible = || format!("its shape {shape:?} with strides {strides:?} at {offset} leaves its storage");
        let span = span(&shape, &strides).ok_or_else(impossible)?;
        let offset_bytes = usize::try_from(offset).ok().and_then(|offset| offset.checked_mul(element_bytes));
        let start = offset_bytes.and_then(|bytes| storage.start.checked_add(bytes)).ok_or_else(impossible)?;
        let end = span.checked_mul(element_bytes).and_then(|bytes| start.checked_add(bytes)).ok_or_else(impossible)?;
        if end > storage.end {
            return Err(impossible());
        }
        Ok(Self { file, element, shape, strides, start })
    }

    /// The part of it that `cut` means.
    pub(super) fn cut(&self, cut: Cut) -> Result<Self, String> {
        let refuse = |wanted: &str| Err(format!("its shape is {:?}, which {wanted}", self.shape));
        match cut {
            Cut::Whole | Cut::Row(_) => Ok(self.clone()),
            Cut::Third(part) => match self.shape.first() {
                Some(rows) if rows % 3 == 0 => Ok(self.narrowed(0, i64::from(part) * (rows / 3), rows / 3)),
                _ => refuse("cannot be split into query, key and value"),
            },
            Cut::WithoutFirst => match self.shape.get(1) {
                Some(&columns) if columns > 0 => Ok(self.narrowed(1, 1, columns - 1)),
                _ => refuse("has no class position to leave out"),
            },
            Cut::Transposed if self.shape.len() == 2 => {
                let mut turned = self.clone();
                turned.shape.reverse();
                turned.strides.reverse();
                Ok(turned)
            }
            Cut::Transposed => refuse("is not a matrix"),
        }
    }

    /// `start..start + length` must lie within the dimension.
    fn narrowed(&self, dimension: usize, start: i64, length: i64) -> Self {
        let mut part = self.clone();
        part.shape[dimension] = length;
        // Bounds were checked for the whole, so no part of it can overflow. A part without elements stays where it is.
        let skipped = if self.is_empty() { 0 } else { (start * self.strides[dimension]) as usize };
        part.start += skipped * self.element.kind().map_or(0, |(_, bytes)| bytes);
        part
    }

    /// True when a dimension is 0.
    pub(super) fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// Elements that it has.
    pub(super) fn count(&self) -> usize {
        self.shape.iter().product::<i64>() as usize
    }

    /// In elements.
    pub(super) fn strides(&self) -> &[i64] {
        &self.strides
    }

    /// The bytes of the file from its first to its last element.
    pub(super) fn range_in_bytes(&self) -> Range<usize> {
        let element_bytes = self.element.kind().map_or(0, |(_, bytes)| bytes);
        self.start..self.start + span(&self.shape, &self.strides).unwrap_or(0) * element_bytes
    }

    /// True when its bytes are its elements in order, with nothing between them.
    pub(super) fn is_row_major(&self) -> bool {
        self.range_in_bytes().len() == self.count() * self.element.kind().map_or(0, |(_, bytes)| bytes)
            && row_major_strides(&self.shape).is_some_and(|strides| {
                let sides = self.shape.iter().zip(strides.iter().zip(&self.strides));
                sides.into_iter().all(|(&side, (wanted, found))| side <= 1 || wanted == found)
            })
    }
}

/// `None` when a side is negative or the element count overflows.
fn row_major_strides(shape: &[i64]) -> Option<Vec<i64>> {
    let mut stride = 1i64;
    let mut strides = vec![0; shape.len()];
    for (at, &side) in shape.iter().enumerate().rev() {
        strides[at] = stride;
        stride = stride.checked_mul(side.max(1))?;
    }
    shape.iter().all(|&side| side >= 0).then_some(strides)
}

/// Elements from the first to behind the last; `None` when that overflows or elements share a place, which would let a
/// small file claim any size.
fn span(shape: &[i64], strides: &[i64]) -> Option<usize> {
    if shape.len() != strides.len() || shape.iter().any(|&side| side < 0) {
        return None;
    }
    row_major_strides(shape)?;
    if shape.contains(&0) {
        return Some(0);
    }
    let mut sides: Vec<_> = strides.iter().zip(shape).filter(|(_, side)| **side > 1).collect();
    sides.sort();
    let mut last = 0i64;
    for (&stride, &side) in sides {
        if stride <= last {
            return None;
        }
        last = last.checked_add(stride.checked_mul(side - 1)?)?;
    }
    usize::try_from(last).ok()?.checked_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(shape: &[i64], strides: &[i64], bytes: usize, offset: i64) -> Result<Stored, String> {
        Stored::strided(0, Element::F32, shape.to_vec(), strides.to_vec(), 100..100 + bytes, offset)
    }

    #[test]
    fn views_stay_inside_their_storage() {
        assert!(stored(&[2, 3], &[3, 1], 24, 0).unwrap().is_row_major());
        assert!(!stored(&[3, 2], &[1, 3], 24, 0).unwrap().is_row_major());
        assert!(stored(&[2, 3], &[3, 1], 24, 1).is_err());
        assert!(stored(&[2, 3], &[4, 1], 24, 0).is_err());
        assert!(stored(&[2, 3], &[4, 1], 28, 0).is_ok());
        assert!(stored(&[2], &[1], 24, -1).is_err());
        assert!(stored(&[2], &[-1], 24, 4).is_err());
        assert!(stored(&[0, 5], &[5, 1], 0, 0).unwrap().is_empty());
        assert_eq!(stored(&[], &[], 4, 0).unwrap().count(), 1);
    }

    #[test]
    fn small_files_cannot_claim_large_tensors() {
        assert!(stored(&[1 << 40], &[0], 4, 0).is_err());
        assert!(stored(&[1 << 20, 1 << 20], &[1, 1], 1 << 24, 0).is_err());
        assert!(stored(&[i64::MAX, i64::MAX], &[1, 1], 4, 0).is_err());
        assert!(stored(&[0, i64::MAX, i64::MAX], &[1, 1, 1], 4, 0).is_err());
        assert!(Stored::row_major(0, Element::F32, vec![-1], 0..4).is_err());
    }

    #[test]
    fn cuts_are_views() {
        let fused = stored(&[6, 2], &[2, 1], 48, 0).unwrap();
        let value = fused.cut(Cut::Third(2)).unwrap();
        assert_eq!((value.shape.clone(), value.range_in_bytes()), (vec![2, 2], 132..148));
        let turned = fused.cut(Cut::Transposed).unwrap();
        assert_eq!((turned.shape.clone(), turned.strides()), (vec![2, 6], &[1, 2][..]));
        let table = stored(&[1, 3, 2], &[6, 2, 1], 24, 0).unwrap().cut(Cut::WithoutFirst).unwrap();
        assert_eq!((table.shape.clone(), table.range_in_bytes()), (vec![1, 2, 2], 108..124));
        assert!(table.is_row_major());
        assert!(stored(&[4], &[1], 16, 0).unwrap().cut(Cut::Third(0)).unwrap_err().contains("[4]"));
        assert!(stored(&[4], &[1], 16, 0).unwrap().cut(Cut::WithoutFirst).is_err());
    }
}
