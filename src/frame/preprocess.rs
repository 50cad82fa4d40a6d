//! A frame to the model's input: RGB, squeezed to a square, normalised to -1..1.
//!
//! The resize is torchvision's on 8-bit pictures (bilinear, antialiased when it shrinks, rounded to 8 bits): the same
//! libtorch kernel on the CPU. Elsewhere it is computed in 32 bits and rounded, within one level of that.

use tch::{Device, Kind, Tensor};

use super::{Frame, on_device, rgb};

/// (x / 255 - 0.5) / 0.5, folded.
const HALF_RANGE: f64 = 127.5;

/// Turns frames into input, keeping its buffer between frames: RGB on the CPU, planes on their way to another device.
#[derive(Debug, Default)]
pub struct Preprocessor {
    staging: Vec<u8>,
}

impl Preprocessor {
    /// # Shapes
    /// → [1, 3, size, size] fp32 on `device`.
    pub fn forward(&mut self, frame: &Frame<'_>, size: i64, device: Device) -> Tensor {
        let picture = if device == Device::Cpu {
            rgb::to_rgb(frame, &mut self.staging);
            let shape = [1, i64::from(frame.height), i64::from(frame.width), 3];
            Tensor::from_data_size(&self.staging, &shape, Kind::Uint8).permute([0, 3, 1, 2])
        } else {
            on_device::to_rgb(frame, &mut self.staging, device)
        };
        normalise(&resize(&picture, size))
    }
}

/// # Shapes
/// picture: [1, 3, H, W] u8 → [1, 3, size, size] u8.
pub fn resize(picture: &Tensor, size: i64) -> Tensor {
    if picture.size()[2..] == [size, size] {
        return picture.shallow_clone();
    }
    if picture.device() == Device::Cpu {
        return picture.internal_upsample_bilinear2d_aa([size, size], false, None, None);
    }
    let exact = picture.to_kind(Kind::Float).internal_upsample_bilinear2d_aa([size, size], false, None, None);
    exact.round().clamp(0.0, 255.0).to_kind(Kind::Uint8)
}

/// # Shapes
/// picture: u8 → the same shape, fp32 in -1..1, contiguous.
fn normalise(picture: &Tensor) -> Tensor {
    ((picture.to_kind(Kind::Float) - HALF_RANGE) / HALF_RANGE).contiguous()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{FrameSource, RgbPicture};

    #[test]
    fn black_and_white_reach_the_ends_of_the_range() {
        let rgb = (0..2 * 4 * 3).map(|i| if i < 12 { 0 } else { 255 }).collect();
        let picture = RgbPicture { width: 4, height: 2, rgb };
        let input = Preprocessor::default().forward(&picture.frame().unwrap(), 28, Device::Cpu);
        assert_eq!(input.size(), [1, 3, 28, 28]);
        assert_eq!((input.double_value(&[0, 0, 0, 0]), input.double_value(&[0, 2, 27, 27])), (-1.0, 1.0));
    }
}
