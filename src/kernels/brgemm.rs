//! libtorch's small bf16 matrix product: oneDNN's micro-kernel behind `at::native::cpublas::brgemm`.

// Mangled names: libtorch exports these functions without a C interface, and its version is pinned.
unsafe extern "C-unwind" {
    #[link_name = "_ZN2at6native7cpublas6brgemmEllllllbPKN3c108BFloat16ES5_Pfb"]
    fn at_brgemm(
        rows: i64,
        columns: i64,
        depth: i64,
        stride_a: i64,
        stride_b: i64,
        stride_c: i64,
        accumulate: bool,
        a: *const u16,
        b: *const u16,
        c: *mut f32,
        b_is_in_pairs: bool,
    );
    #[link_name = "_ZN2at6native7cpublas14brgemm_releaseEb"]
    fn at_brgemm_release(b_is_in_pairs: bool);
}

/// Sizes of one product: C [rows, columns] = A [rows, depth] · B [depth, columns].
#[derive(Debug, Clone, Copy)]
pub(super) struct Product {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Even.
    pub(super) depth: usize,
    /// From one row of A to the next; rows may overlap.
    pub(super) stride_a: usize,
}

impl Product {
    /// C = A · B, or C += A · B. `b` holds pairs of rows interleaved, [depth / 2, columns, 2], as [`pack`] writes
    /// them; `c` is dense.
    pub(super) fn multiply(&self, a: &[u16], b: &[u16], c: &mut [f32], accumulate: bool) {
        let Self { rows, columns, depth, stride_a } = *self;
        assert!(rows > 0 && depth % 2 == 0, "sizes of a product");
        assert!(a.len() >= (rows - 1) * stride_a + depth && b.len() >= depth * columns && c.len() >= rows * columns);
        let [m, n, k, lda] = [rows, columns, depth, stride_a].map(|size| size as i64);
        // SAFETY: the slices hold what the sizes say (asserted above), and A and B are only read.
        unsafe { at_brgemm(m, n, k, lda, n, n, accumulate, a.as_ptr(), b.as_ptr(), c.as_mut_ptr(), true) }
    }
}

/// Gives the matrix unit back after a thread's last product.
pub(super) fn release() {
    // SAFETY: takes no pointers; without a product before it, it does nothing.
    unsafe { at_brgemm_release(true) }
}

/// One panel of a weight for [`Product::multiply`]: `row` tells the `depth` numbers of each of `width` outputs; outputs
/// that it has not are zeros.
pub(super) fn pack<'a>(depth: usize, width: usize, row: impl Fn(usize) -> Option<&'a [u16]>, panel: &mut [u16]) {
    const AT_ONCE: usize = 16; // one cache line of the panel
    let zeros = vec![0; depth];
    for first in (0..width).step_by(AT_ONCE) {
        let columns = AT_ONCE.min(width - first);
        let rows: [&[u16]; AT_ONCE] =
            std::array::from_fn(|i| if i < columns { row(first + i).unwrap_or(&zeros) } else { &zeros });
        for pair in 0..depth / 2 {
            let line = &mut panel[(pair * width + first) * 2..][..2 * columns];
            for (out, row) in line.chunks_exact_mut(2).zip(rows) {
                out.copy_from_slice(&row[2 * pair..][..2]);
            }
        }
    }
}
