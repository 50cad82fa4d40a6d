//! Tensors as slices.

use tch::{Device, Kind, Tensor};

/// Numbers of a contiguous bf16 tensor on the CPU, as bits.
pub(super) fn bf16(tensor: &Tensor) -> &[u16] {
    assert!(tensor.kind() == Kind::BFloat16 && tensor.device() == Device::Cpu && tensor.is_contiguous());
    // SAFETY: a contiguous bf16 tensor on the CPU has `numel` elements of two bytes at its address; the engine owns
    // its tensors, runs on one thread, and writes only to those it has just made.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast(), tensor.numel()) }
}

/// The same to write to; for tensors that nothing else shares.
pub(super) fn bf16_mut(tensor: &mut Tensor) -> &mut [u16] {
    assert!(tensor.kind() == Kind::BFloat16 && tensor.device() == Device::Cpu && tensor.is_contiguous());
    // SAFETY: as above, and borrowed mutably.
    unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast(), tensor.numel()) }
}

/// Numbers of any tensor as 32-bit floats.
pub(super) fn to_floats(tensor: &Tensor) -> Vec<f32> {
    let tensor = tensor.to_kind(Kind::Float).contiguous().view(-1);
    let mut values = vec![0.0; tensor.numel()];
    let length = values.len();
    tensor.copy_data(&mut values, length);
    values
}

/// A new bf16 tensor whose contents the caller writes.
pub(super) fn new_bf16(shape: &[i64]) -> Tensor {
    Tensor::empty(shape, (Kind::BFloat16, Device::Cpu))
}

/// A tensor of four dimensions whose last one is dense, wherever its rows lie.
pub(super) struct Rows<'a> {
    numbers: &'a [u16],
    size: [usize; 4],
    stride: [usize; 3],
}

impl<'a> Rows<'a> {
    /// `tensor`: bf16 on the CPU, [B, H, L, N] with N dense; `None` when N is not.
    pub(super) fn of(tensor: &'a Tensor) -> Option<Self> {
        assert!(tensor.kind() == Kind::BFloat16 && tensor.device() == Device::Cpu && tensor.numel() > 0);
        let (size, stride) = (tensor.size(), tensor.stride());
        let (&[b, h, l, n], &[sb, sh, sl, sn]) = (size.as_slice(), stride.as_slice()) else { return None };
        if sn != 1 && n != 1 {
            return None;
        }
        let last = (b - 1) * sb + (h - 1) * sh + (l - 1) * sl + n - 1;
        // SAFETY: strides are not negative, so the tensor's elements lie between its address and its last element.
        let numbers = unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast(), last as usize + 1) };
        Some(Self { numbers, size: [b, h, l, n].map(|x| x as usize), stride: [sb, sh, sl].map(|x| x as usize) })
    }

    fn offset(&self, index: [usize; 3]) -> usize {
        (0..3).map(|d| if self.size[d] == 1 { 0 } else { index[d] * self.stride[d] }).sum()
    }

    /// One row, [N]. A dimension of one serves every index.
    pub(super) fn row(&self, index: [usize; 3]) -> &'a [u16] {
        let offset = self.offset(index);
        &self.numbers[offset..offset + self.size[3]]
    }
}

/// A tensor that several threads write, each its own columns.
pub(super) struct Columns<'a> {
    numbers: *mut u16,
    length: usize,
    tensor: std::marker::PhantomData<&'a mut Tensor>,
}

// SAFETY: only `write` touches the numbers, and its callers write different ones.
unsafe impl Sync for Columns<'_> {}

impl<'a> Columns<'a> {
    pub(super) fn of(tensor: &'a mut Tensor) -> Self {
        let numbers = bf16_mut(tensor);
        Self { numbers: numbers.as_mut_ptr(), length: numbers.len(), tensor: std::marker::PhantomData }
    }

    /// The numbers from `first` on.
    ///
    /// # Safety
    /// No two threads may ask for overlapping parts.
    #[expect(clippy::mut_from_ref, reason = "threads share the tensor and write different parts of it")]
    pub(super) unsafe fn part(&self, first: usize, count: usize) -> &mut [u16] {
        assert!(first + count <= self.length);
        // SAFETY: within the tensor (asserted above); the caller promises that nobody else has this part.
        unsafe { std::slice::from_raw_parts_mut(self.numbers.add(first), count) }
    }
}
