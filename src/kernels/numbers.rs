//! Arithmetic on single numbers, branch-free, so that loops over rows become wide vector code.

use std::f32::consts::LN_2;

/// True when the processor has the instructions that [`wide`] functions are compiled for.
pub(super) fn cpu_is_wide() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512bf16")
        && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// Defines functions that are compiled for 512-bit vectors, whatever the rest of the library is compiled for.
macro_rules! wide {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),* $(,)?) $body:block)*) => {$(
        $(#[$doc])*
        #[allow(clippy::too_many_arguments, reason = "rows are passed one by one")]
        fn $name($($arg: $type),*) {
            #[cfg_attr(
                target_arch = "x86_64",
                target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma")
            )]
            #[allow(clippy::too_many_arguments, reason = "rows are passed one by one")]
            fn wide($($arg: $type),*) $body
            // SAFETY: the kernels run only where `cpu_is_wide`.
            #[allow(unused_unsafe, reason = "not every architecture has the attribute above")]
            unsafe { wide($($arg),*) }
        }
    )*};
}
pub(super) use wide;

#[inline(always)]
pub(super) fn widen(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// Rounds to the nearest bf16, ties to even.
#[inline(always)]
pub(super) fn narrow(value: f32) -> u16 {
    let bits = value.to_bits();
    (bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16) as u16
}

/// Adding this leaves a whole number in the low bits of a float.
const ROUNDING: f32 = 12_582_912.0; // 1.5 * 2^23

/// 2^x for x up to 0, with a relative error below 3e-6; 0 from -126 down.
#[inline(always)]
pub(super) fn exp2(x: f32) -> f32 {
    let x = x.max(-126.0);
    let shifted = x + ROUNDING;
    let fraction = x - (shifted - ROUNDING); // -0.5 to 0.5
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    // Taylor's series of 2^f.
    let mut series = 0.001_333_355_8f32;
    for factor in [0.009_618_129, 0.055_504_11, 0.240_226_5, LN_2, 1.0] {
        series = series.mul_add(fraction, factor);
    }
    let value = series * power;
    if x > -126.0 { value } else { 0.0 }
}

/// 2^x for x up to 100 within a few ten thousandths, which a bf16 cannot tell; never quite 0.
#[inline(always)]
pub(super) fn exp2_of_weights(x: f32) -> f32 {
    let x = x.max(-126.0);
    let shifted = x + (ROUNDING + 127.0);
    let fraction = x - (shifted - (ROUNDING + 127.0));
    // Least largest relative error, 7.5e-5, on that interval.
    let mut series = 0.055_171_55f32;
    for factor in [0.242_611_11, 0.693_261, 0.999_928_1] {
        series = series.mul_add(fraction, factor);
    }
    series * f32::from_bits(shifted.to_bits() << 23)
}

/// [`narrow`] for sixteen numbers in one instruction.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bf16")]
#[inline]
pub(super) fn narrow_16(values: [f32; 16]) -> [u16; 16] {
    use std::arch::x86_64::{__m256bh, __m512, _mm512_cvtneps_pbh};
    // SAFETY: arrays of sixteen numbers and vectors of sixteen numbers have the same bits.
    unsafe {
        let vector = std::mem::transmute::<[f32; 16], __m512>(values);
        std::mem::transmute::<__m256bh, [u16; 16]>(_mm512_cvtneps_pbh(vector))
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) fn narrow_16(values: [f32; 16]) -> [u16; 16] {
    values.map(narrow)
}

/// Exact (erf) GELU within 1.6e-4, and 2e-5 up to 3.5 from 0, which a bf16 cannot tell; 0 and x beyond 4.
#[inline(always)]
pub(super) fn gelu(x: f32) -> f32 {
    const END: f32 = 4.0;
    // Φ(x) = 1/2 + x P(x²), with the least largest error of x Φ(x) that makes Φ 0 and 1 at the ends.
    const SERIES: [f32; 8] = [
        -7.448_616e-9,
        2.824_451_3e-7,
        -6.430_356_4e-6,
        9.982_093e-5,
        -1.137_056_6e-3,
        9.881_659e-3,
        -6.640_947e-2,
        3.989_188e-1,
    ];
    let near = x.clamp(-END, END);
    let square = near * near;
    let mut series = 8.800_883e-11f32;
    for factor in SERIES {
        series = series.mul_add(square, factor);
    }
    x * near.mul_add(series, 0.5)
}

/// A sum in sixteen parts, which vector code keeps side by side.
#[inline(always)]
pub(super) fn sum(values: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = values.as_chunks::<16>();
    let mut parts = [0.0f32; 16];
    for chunk in chunks {
        for i in 0..16 {
            parts[i] += of(chunk[i]);
        }
    }
    parts.iter().sum::<f32>() + rest.iter().map(|x| of(*x)).sum::<f32>()
}

/// The highest of sixteen numbers, of which none is NaN.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn highest_of_16(values: [f32; 16]) -> f32 {
    use std::arch::x86_64::{__m512, _mm512_reduce_max_ps};
    // SAFETY: an array of sixteen numbers and a vector of sixteen numbers have the same bits.
    _mm512_reduce_max_ps(unsafe { std::mem::transmute::<[f32; 16], __m512>(values) })
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) fn highest_of_16(values: [f32; 16]) -> f32 {
    values.into_iter().fold(f32::NEG_INFINITY, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Tensor;

    #[test]
    fn narrowing_rounds_to_even() {
        assert_eq!(narrow(widen(0x3f80)), 0x3f80);
        assert_eq!(narrow(f32::from_bits(0x3f80_8000)), 0x3f80);
        assert_eq!(narrow(f32::from_bits(0x3f81_8000)), 0x3f82);
        assert!(widen(narrow(f32::NAN)).is_nan());
    }

    #[test]
    fn functions_are_libtorchs() {
        let x: Vec<f32> = (-1000..=1000).map(|i| i as f32 / 100.0).collect();
        let exact: Vec<f32> = Vec::try_from(Tensor::from_slice(&x).gelu("none")).unwrap();
        for (x, exact) in x.iter().zip(exact) {
            let bound = if x.abs() < 3.5 { 2e-5 } else { 1.6e-4 };
            assert!((gelu(*x) - exact).abs() < bound, "gelu({x})");
            let power = x.min(0.0).exp2();
            assert!((exp2(x.min(0.0)) - power).abs() <= power * 4e-6, "2^{x}");
            assert!((exp2_of_weights(*x) - x.exp2()).abs() <= x.exp2() * 1e-4, "2^{x}");
        }
        assert_eq!(exp2(f32::NEG_INFINITY), 0.0);
    }
}
