//! The hot layers in bf16 on CPUs with AMX, written out where a call into libtorch costs more than its arithmetic.
//!
//! Weights lie in tiles of the matrix unit from load on, and whatever follows a product (bias, activation, residual) is
//! done while it is still in the cache. The layers of [`crate::nn`] choose this way by themselves and keep libtorch's for every other device, precision and
//! processor. `SA3_KERNELS=plain` in the environment turns the kernels off, for comparison.

mod attention;
mod box_bias;
mod convolution;
mod linear;
mod maps;
mod norm;
mod numbers;
mod parallel;
mod rope;
mod tiles;
mod view;

pub(crate) use attention::{attend, can_attend};
pub(crate) use box_bias::{PackedAxis, box_bias};
pub(crate) use convolution::PackedConv3x3;
pub(crate) use linear::{After, PackedLinear, forward_both};
pub(crate) use maps::{PackedGroupNorm, double_and_add};
pub(crate) use norm::PackedNorm;
pub(crate) use rope::rotate_in_place;

use std::sync::OnceLock;

use tch::{Device, Kind, Tensor};

/// True when a layer with this weight runs on the kernels.
pub(crate) fn apply_to(weight: &Tensor) -> bool {
    are_for(weight.kind(), weight.device())
}

/// The same for a precision on a device.
pub(crate) fn are_for(kind: Kind, device: Device) -> bool {
    kind == Kind::BFloat16 && device == Device::Cpu && available()
}

fn available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| {
        let is_wanted = std::env::var_os("SA3_KERNELS").is_none_or(|value| value != "plain");
        is_wanted && crate::device::cpu_multiplies_bf16() && numbers::cpu_is_wide() && tiles::are_permitted()
    })
}
