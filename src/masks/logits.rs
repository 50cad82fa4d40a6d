//! Mask logits in host memory: what tracker and session hand each other.

use std::sync::Arc;

use tch::{Device, Kind, Tensor};

/// One mask as logits on the square mask grid, stretched over the whole frame; inside means above 0. Cloning shares the
/// numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskLogits {
    side: usize,
    values: Arc<[f32]>,
}

impl MaskLogits {
    /// `None` unless there are `side` · `side` numbers.
    pub fn new(side: usize, values: impl Into<Arc<[f32]>>) -> Option<Self> {
        let values = values.into();
        (side > 0 && values.len() == side * side).then_some(Self { side, values })
    }

    /// A mask of one logit everywhere.
    pub fn blank(side: usize, logit: f32) -> Self {
        Self { side, values: std::iter::repeat_n(logit, side * side).collect() }
    }

    /// The same mask with other logits.
    ///
    /// # Panics
    /// When there are not as many; callers map the logits of this very mask.
    pub(crate) fn with_values(&self, values: impl Into<Arc<[f32]>>) -> Self {
        let values = values.into();
        assert_eq!(values.len(), self.values.len(), "a mask keeps its size");
        Self { side: self.side, values }
    }

    /// Rows, and columns.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Logits, first row first.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Probabilities as bytes, as an object's mask has them.
    pub fn probabilities(&self) -> Vec<u8> {
        self.values.iter().map(|logit| (255.0 / (1.0 + (-logit).exp())).round() as u8).collect()
    }

    /// Brings masks to the host, all at once.
    ///
    /// # Shapes
    /// logits: [N, M, M] → N masks.
    pub fn of_tensor(logits: &Tensor) -> Vec<Self> {
        let side = logits.size()[1] as usize;
        let flat = logits.to_kind(Kind::Float).to_device(Device::Cpu).contiguous().view(-1);
        let mut numbers = vec![0.0f32; flat.numel()];
        let length = numbers.len();
        flat.copy_data(&mut numbers, length);
        numbers.chunks_exact(side * side).map(|values| Self { side, values: values.into() }).collect()
    }

    /// Brings masks to a device. A mask of another side is resampled bilinearly.
    ///
    /// # Shapes
    /// → [N, 1, side, side] in 32 bits.
    pub fn to_tensor(masks: &[Self], side: i64, device: Device) -> Tensor {
        let one = |mask: &Self| {
            let own = mask.side as i64;
            let map = Tensor::from_slice(&mask.values).view([1, own, own]);
            if own == side {
                return map;
            }
            map.unsqueeze(0).upsample_bilinear2d([side, side], false, None, None).squeeze_dim(0)
        };
        Tensor::stack(&masks.iter().map(one).collect::<Vec<_>>(), 0).to_device(device)
    }

    /// Whether any pixel is inside.
    pub fn is_empty(&self) -> bool {
        self.values.iter().all(|&logit| logit <= 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_go_to_tensors_and_back() {
        let mask = |numbers: [f32; 4]| MaskLogits::new(2, numbers).unwrap();
        let masks = [mask([1.0, -2.0, 3.0, 4.0]), mask([-1.0; 4])];
        let tensor = MaskLogits::to_tensor(&masks, 2, Device::Cpu);
        assert_eq!(tensor.size(), [2, 1, 2, 2]);
        assert_eq!(MaskLogits::of_tensor(&tensor.squeeze_dim(1)), masks);
        assert!(!masks[0].is_empty() && masks[1].is_empty());
        assert_eq!(MaskLogits::to_tensor(&masks[1..], 5, Device::Cpu).size(), [1, 1, 5, 5]);
        assert!(MaskLogits::new(2, [0.0; 3]).is_none());
    }
}
