//! Blocks that several stages use. Tensors keep the precision of the weights; what must be exact says so.

mod attention;
mod convolution;
mod linear;
mod norm;
mod position;
mod roi_align;
mod rope;
#[cfg(test)]
mod tests;

pub use attention::{Attention, attend, key_padding_bias};
pub use convolution::{Conv2d, ConvTranspose2d, double_and_add};
pub use linear::{Activation, FeedForward, HeadMlp, Linear, LinearWeights};
pub use norm::{GroupNorm, LayerNorm};
pub use position::{sine_of_coordinates, sine_position_map};
pub use roi_align::roi_align;
pub use rope::{Rope, rotate, rotate_fields, rotate_heads, split_pairs_in_rows};
