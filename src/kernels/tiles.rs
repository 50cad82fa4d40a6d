//! The processor's matrix unit (AMX): blocks of 32 x 32 sums from numbers that lie in tiles.
//!
//! A tile is 16 lines of 64 bytes. Two tiles of rows and two of columns make four tiles of sums, so every tile read is
//! used twice. One step of a product is 32 numbers deep; numbers of one step lie together:
//!
//! - rows: [steps, 32 rows, 32 numbers] ([`pack_rows`]), or any memory with a fixed distance from row to row;
//! - columns: [steps, 2 halves, 16 pairs of numbers, 16 columns, 2] ([`pack_columns`]).

use std::marker::PhantomData;

/// Rows and columns of a block of sums, and numbers that one step multiplies for each.
pub(super) const SIDE: usize = 32;
/// Numbers of rows, of columns or of sums in one step.
pub(super) const STEP: usize = SIDE * SIDE;
/// Columns of a tile, and pairs of numbers of each.
const HALF: usize = SIDE / 2;

/// True when this process may use the matrix unit.
pub(super) fn are_permitted() -> bool {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    {
        const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
        const XFEATURE_XTILEDATA: libc::c_long = 18;
        // SAFETY: asks the kernel to save larger registers; reads and writes none of our memory.
        unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
    }
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    false
}

/// The matrix unit of one thread, from set-up to release.
pub(super) struct MatrixUnit(PhantomData<*const ()>);

/// Rows of a product, 32 of them.
#[derive(Clone, Copy)]
pub(super) struct TileRows<'a> {
    numbers: &'a [u16],
    /// From row to row.
    stride: usize,
    /// From row 0 to row 16.
    to_second_tile: usize,
    /// From step to step.
    to_next_step: usize,
}

impl<'a> TileRows<'a> {
    /// Rows as [`pack_rows`] leaves them, from the first step on.
    #[inline(always)]
    pub(super) fn packed(numbers: &'a [u16]) -> Self {
        Self { numbers, stride: SIDE, to_second_tile: HALF * SIDE, to_next_step: STEP }
    }

    /// Rows that lie `stride` numbers apart and may overlap.
    #[inline(always)]
    pub(super) fn apart(numbers: &'a [u16], stride: usize) -> Self {
        Self { numbers, stride, to_second_tile: HALF * stride, to_next_step: SIDE }
    }

    /// Numbers that a product of so many steps reads.
    #[inline(always)]
    fn reach(&self, steps: usize) -> usize {
        (steps - 1) * self.to_next_step + self.to_second_tile + (HALF - 1) * self.stride + SIDE
    }
}

impl MatrixUnit {
    /// Sets the unit up. Only where [`are_permitted`].
    #[inline]
    pub(super) fn take() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            #[repr(C, align(64))]
            struct Palette([u8; 64]);
            const PALETTE: Palette = {
                let mut bytes = [0; 64];
                bytes[0] = 1;
                let mut tile = 0;
                while tile < 8 {
                    bytes[16 + 2 * tile] = 64; // bytes of a line
                    bytes[48 + tile] = 16; // lines
                    tile += 1;
                }
                Palette(bytes)
            };
            let palette = &PALETTE;
            // SAFETY: reads 64 bytes of a valid description; the kernels run only where the unit is permitted.
            unsafe { std::arch::asm!("ldtilecfg [{}]", in(reg) palette, options(nostack, readonly)) }
        }
        Self(PhantomData)
    }

    /// `sums` [32, 32] = rows · columns, or the same added to what `sums` holds.
    #[inline]
    pub(super) fn multiply(&self, rows: TileRows<'_>, columns: &[u16], steps: usize, sums: &mut [f32], add: bool) {
        assert!(steps > 0 && rows.numbers.len() >= rows.reach(steps), "rows of a product");
        assert!(columns.len() >= steps * STEP && sums.len() >= STEP, "columns and sums of a product");
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the slices hold what is read and written (asserted above); the unit is set up while `self` lives.
        unsafe {
            std::arch::asm!(
                "test {add}, {add}",
                "jz 3f",
                "tileloadd tmm0, [{sums} + {line} * 2]",
                "tileloadd tmm1, [{sums} + {line} * 2 + 64]",
                "tileloadd tmm2, [{sums} + {line} * 2 + 2048]",
                "tileloadd tmm3, [{sums} + {line} * 2 + 2112]",
                "jmp 2f",
                "3:",
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                "2:",
                "tileloadd tmm4, [{first} + {stride}]",
                "tileloadd tmm6, [{columns} + {line}]",
                "tileloadd tmm7, [{columns} + {line} + 1024]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm5, [{second} + {stride}]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "add {first}, {next}",
                "add {second}, {next}",
                "add {columns}, 2048",
                "dec {steps}",
                "jnz 2b",
                "tilestored [{sums} + {line} * 2], tmm0",
                "tilestored [{sums} + {line} * 2 + 64], tmm1",
                "tilestored [{sums} + {line} * 2 + 2048], tmm2",
                "tilestored [{sums} + {line} * 2 + 2112], tmm3",
                add = in(reg) usize::from(add),
                line = in(reg) 64usize,
                stride = in(reg) 2 * rows.stride,
                next = in(reg) 2 * rows.to_next_step,
                sums = in(reg) sums.as_mut_ptr(),
                first = inout(reg) rows.numbers.as_ptr() => _,
                second = inout(reg) rows.numbers.as_ptr().add(rows.to_second_tile) => _,
                columns = inout(reg) columns.as_ptr() => _,
                steps = inout(reg) steps => _,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack),
            );
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = add;
    }
}

impl Drop for MatrixUnit {
    #[inline]
    fn drop(&mut self) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: gives the unit back; nothing of ours is left in it.
        unsafe {
            std::arch::asm!("tilerelease", options(nostack, nomem));
        }
    }
}

/// Steps that rows or columns of this depth take.
#[inline(always)]
pub(super) fn steps_of(depth: usize) -> usize {
    depth.div_ceil(SIDE)
}

/// Up to 32 rows of `depth` numbers each, as steps; rows that `row` has not, and numbers beyond `depth`, are zeros.
pub(super) fn pack_rows<'a>(depth: usize, row: impl Fn(usize) -> Option<&'a [u16]>, out: &mut [u16]) {
    for line in 0..SIDE {
        let source = row(line).map_or(&[][..], |row| &row[..depth]);
        let (whole, rest) = source.as_chunks::<SIDE>();
        let mut steps = out.chunks_exact_mut(STEP).map(|step| &mut step[line * SIDE..][..SIDE]);
        for (chunk, out) in whole.iter().zip(&mut steps) {
            out.copy_from_slice(chunk);
        }
        let mut tail = [0; SIDE];
        tail[..rest.len()].copy_from_slice(rest);
        for out in steps {
            out.copy_from_slice(&tail);
            tail = [0; SIDE];
        }
    }
}

/// Up to 32 columns of `depth` numbers each, as steps; columns that `column` has not are zeros.
pub(super) fn pack_columns<'a>(depth: usize, column: impl Fn(usize) -> Option<&'a [u16]>, out: &mut [u16]) {
    for (half, first) in [0, HALF].into_iter().enumerate() {
        let columns: [&[u16]; HALF] = std::array::from_fn(|i| column(first + i).unwrap_or(&[]));
        for (step, out) in out.chunks_exact_mut(STEP).enumerate() {
            let mut lines = [[0u16; SIDE]; HALF];
            for (line, column) in lines.iter_mut().zip(columns) {
                let left = depth.min(column.len()).saturating_sub(step * SIDE).min(SIDE);
                if left == SIDE {
                    line.copy_from_slice(&column[step * SIDE..][..SIDE]);
                } else if left > 0 {
                    line[..left].copy_from_slice(&column[step * SIDE..][..left]);
                }
            }
            transpose_pairs(&lines, &mut out[half * HALF * SIDE..][..HALF * SIDE]);
        }
    }
}

/// 16 lines of 16 pairs → 16 lines of one pair of each.
fn transpose_pairs(lines: &[[u16; SIDE]; HALF], out: &mut [u16]) {
    #[cfg(target_arch = "x86_64")]
    if super::numbers::cpu_is_wide() {
        // SAFETY: the processor has the instructions.
        return unsafe { transpose_pairs_wide(lines, out) };
    }
    for (pair, out) in out.chunks_exact_mut(SIDE).enumerate() {
        for (out, line) in out.chunks_exact_mut(2).zip(lines) {
            out.copy_from_slice(&line[2 * pair..][..2]);
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn transpose_pairs_wide(lines: &[[u16; SIDE]; HALF], out: &mut [u16]) {
    use std::arch::x86_64::{
        __m512i, _mm512_loadu_si512, _mm512_setzero_si512, _mm512_shuffle_i32x4, _mm512_storeu_si512,
        _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
    };
    assert_eq!(out.len(), HALF * SIDE);
    // SAFETY: every line has 64 bytes.
    let rows: [__m512i; HALF] = std::array::from_fn(|i| unsafe { _mm512_loadu_si512(lines[i].as_ptr().cast()) });
    // Pairs 4 l + k of four neighbouring lines, where l is a quarter of the vector.
    let mut quarters = [[_mm512_setzero_si512(); 4]; 4];
    for (rows, quarters) in rows.chunks_exact(4).zip(&mut quarters) {
        let low = [_mm512_unpacklo_epi32(rows[0], rows[1]), _mm512_unpacklo_epi32(rows[2], rows[3])];
        let high = [_mm512_unpackhi_epi32(rows[0], rows[1]), _mm512_unpackhi_epi32(rows[2], rows[3])];
        *quarters = [
            _mm512_unpacklo_epi64(low[0], low[1]),
            _mm512_unpackhi_epi64(low[0], low[1]),
            _mm512_unpacklo_epi64(high[0], high[1]),
            _mm512_unpackhi_epi64(high[0], high[1]),
        ];
    }
    for k in 0..4 {
        let [a, b, c, d] = [0, 1, 2, 3].map(|i| quarters[i][k]);
        let even = [_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0x88>(c, d)];
        let odd = [_mm512_shuffle_i32x4::<0xdd>(a, b), _mm512_shuffle_i32x4::<0xdd>(c, d)];
        let columns = [
            _mm512_shuffle_i32x4::<0x88>(even[0], even[1]),
            _mm512_shuffle_i32x4::<0x88>(odd[0], odd[1]),
            _mm512_shuffle_i32x4::<0xdd>(even[0], even[1]),
            _mm512_shuffle_i32x4::<0xdd>(odd[0], odd[1]),
        ];
        for (quarter, column) in columns.into_iter().enumerate() {
            let line = &mut out[(4 * quarter + k) * SIDE..][..SIDE];
            // SAFETY: the line has 64 bytes.
            unsafe { _mm512_storeu_si512(line.as_mut_ptr().cast(), column) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::numbers::{narrow, widen};

    fn numbers(count: usize) -> Vec<u16> {
        (0..count).map(|i| narrow((i * 37 % 61) as f32 / 8.0 - 3.0)).collect()
    }

    #[test]
    fn products_are_sums_of_products() {
        if !crate::kernels::available() {
            return assert!(!crate::device::cpu_multiplies_bf16() || std::env::var_os("SA3_KERNELS").is_some());
        }
        for (rows, columns, depth) in [(32, 32, 32), (32, 32, 100), (7, 20, 64), (17, 31, 33)] {
            let (a, b) = (numbers(rows * depth), numbers(columns * depth));
            let steps = steps_of(depth);
            let (mut left, mut right) = (vec![1; steps * STEP], vec![1; steps * STEP]);
            pack_rows(depth, |row| a.chunks_exact(depth).nth(row), &mut left);
            pack_columns(depth, |column| b.chunks_exact(depth).nth(column), &mut right);
            let mut sums = vec![1.0; STEP];
            let unit = MatrixUnit::take();
            unit.multiply(TileRows::packed(&left), &right, steps, &mut sums, true);
            drop(unit);
            for row in 0..SIDE {
                for column in 0..SIDE {
                    let is_inside = row < rows && column < columns;
                    let product = |i| widen(a[row * depth + i]) * widen(b[column * depth + i]);
                    let expected = 1.0 + if is_inside { (0..depth).map(product).sum() } else { 0.0 };
                    assert!((sums[row * SIDE + column] - expected).abs() < 1e-2, "{row}, {column} of {depth}");
                }
            }
        }
    }

    #[test]
    fn rows_may_overlap() {
        if !crate::kernels::available() {
            return assert!(!crate::device::cpu_multiplies_bf16() || std::env::var_os("SA3_KERNELS").is_some());
        }
        let line = numbers(31 * 16 + 64);
        let columns = numbers(2 * STEP);
        let (mut packed, mut found, mut expected) = (vec![0; 2 * STEP], vec![0.0; STEP], vec![0.0; STEP]);
        pack_rows(64, |row| Some(&line[row * 16..][..64]), &mut packed);
        let unit = MatrixUnit::take();
        unit.multiply(TileRows::packed(&packed), &columns, 2, &mut expected, false);
        unit.multiply(TileRows::apart(&line, 16), &columns, 2, &mut found, false);
        drop(unit);
        assert_eq!(found, expected);
    }
}
