//! Every layer in bf16 on the CPU, by whichever way this processor takes, against libtorch's arithmetic in 32 bits.

use tch::{Device, Kind, Tensor};

use super::*;
use crate::error::Result;
use crate::weights::{self, TensorSource};

/// Numbers without pattern, the same in every run, exact in bf16.
fn noise(shape: &[i64], seed: i64) -> Tensor {
    let count: i64 = shape.iter().product();
    let steps = (Tensor::arange(count, (Kind::Double, Device::Cpu)) + seed as f64 * 7919.0) * 12.9898;
    let values: Tensor = (steps.sin() * 43_758.545_3).fmod(1.0);
    values.to_kind(Kind::BFloat16).view(shape)
}

fn exact(x: &Tensor) -> Tensor {
    x.to_kind(Kind::Float)
}

/// Both rounded to bf16 once: up to one unit in the last place of the largest value, and a little for the order of sums.
fn assert_close(what: &str, found: &Tensor, expected: &Tensor) {
    assert_eq!(found.size(), expected.size(), "{what}");
    let largest = expected.abs().max().double_value(&[]);
    let difference = (exact(found) - expected).abs().max().double_value(&[]);
    assert!(difference <= largest / 128.0, "{what}: {difference} of {largest}");
    assert!(largest > 0.0, "{what}: nothing to compare");
}

/// One layer's tensors.
struct Layer(Vec<(&'static str, Tensor)>);

impl TensorSource for Layer {
    fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.to_string()).collect()
    }

    fn shape(&self, name: &str) -> Option<Vec<i64>> {
        self.0.iter().find(|(own, _)| *own == name).map(|(_, tensor)| tensor.size())
    }

    fn read(&self, name: &str) -> Result<Tensor> {
        let (_, tensor) = self.0.iter().find(|(own, _)| *own == name).expect("the loader asked for the shape first");
        Ok(tensor.shallow_clone())
    }
}

fn build<T>(weight: &Tensor, bias: &Tensor, new: impl FnOnce(&weights::Loader<'_>) -> Result<T>) -> T {
    let source = Layer(vec![("weight", weight.shallow_clone()), ("bias", bias.shallow_clone())]);
    weights::load(&source, Device::Cpu, Kind::BFloat16, new).unwrap()
}

#[test]
fn linear_layers_of_all_sizes() {
    for (rows, inputs, outputs) in
        [(1, 96, 96), (49, 96, 7), (700, 192, 100), (5, 4, 8), (33, 1024, 130), (80, 17, 32), (70, 4100, 80)]
    {
        let (x, weight, bias) = (noise(&[1, rows, inputs], 1), noise(&[outputs, inputs], 2), noise(&[outputs], 3));
        let residual = noise(&[1, rows, outputs], 4);
        let layer = build(&weight, &bias, |loader| Linear::new(loader, inputs, outputs));
        let plain = exact(&x).linear(&exact(&weight), Some(&exact(&bias)));
        let what = format!("{rows} x {inputs} x {outputs}");
        assert_close(&what, &layer.forward(&x), &plain);
        assert_close(&what, &layer.forward_onto(&residual, &x), &(&plain + exact(&residual)));
        assert_close(&what, &layer.forward_activated(&x, Activation::Gelu), &plain.gelu("none"));
        assert_close(&what, &layer.forward_activated(&x, Activation::Relu), &plain.relu());
    }
}

#[test]
fn perceptrons_of_two_layers() {
    for (rows, width, inner) in [(1, 32, 64), (300, 64, 2200)] {
        let (fc1, fc2) = (noise(&[inner, width], 1), noise(&[width, inner], 2));
        let (bias1, bias2) = (noise(&[inner], 3), noise(&[width], 4));
        let named = |name, tensor: &Tensor| (name, tensor.shallow_clone());
        let source = Layer(vec![
            named("fc1.weight", &fc1),
            named("fc1.bias", &bias1),
            named("fc2.weight", &fc2),
            named("fc2.bias", &bias2),
        ]);
        let new = |loader: &weights::Loader<'_>| FeedForward::new(loader, width, inner, Activation::Gelu);
        let layer = weights::load(&source, Device::Cpu, Kind::BFloat16, new).unwrap();
        let (x, residual) = (noise(&[2, rows, width], 5), noise(&[1, rows, width], 6));
        let hidden = exact(&x).linear(&exact(&fc1), Some(&exact(&bias1))).gelu("none");
        let expected = exact(&hidden.to_kind(Kind::BFloat16)).linear(&exact(&fc2), Some(&exact(&bias2)));
        assert_close("perceptron", &layer.forward(&x), &expected);
        assert_close("perceptron onto", &layer.forward_onto(&residual, &x), &(expected + exact(&residual)));
    }
}

#[test]
fn a_residual_of_one_batch_serves_all() {
    let (x, weight, bias) = (noise(&[3, 20, 32], 1), noise(&[48, 32], 2), noise(&[48], 3));
    let residual = noise(&[1, 20, 48], 4);
    let layer = build(&weight, &bias, |loader| Linear::new(loader, 32, 48));
    let expected = exact(&x).linear(&exact(&weight), Some(&exact(&bias))) + exact(&residual);
    assert_close("residual", &layer.forward_onto(&residual, &x), &expected);
}

#[test]
fn a_residual_in_32_bits_stays_exact() {
    let (x, weight, bias) = (noise(&[2, 20, 32], 1), noise(&[48, 32], 2), noise(&[48], 3));
    let residual = (exact(&noise(&[2, 20, 48], 4)) + 1e-4) * 1000.0;
    let layer = build(&weight, &bias, |loader| Linear::new(loader, 32, 48));
    let sum = layer.forward_onto(&residual, &x);
    assert_eq!(sum.kind(), Kind::Float);
    assert!((sum - (&residual + exact(&layer.forward(&x)))).abs().max().double_value(&[]) < 1e-4);
}

#[test]
fn attention_with_bias_shared_keys_and_many_keys() {
    let sizes = [
        (2, 49, 324, 24, 24),
        (1, 36, 36, 32, 32),
        (3, 5, 1, 16, 16),
        (1, 300, 1301, 64, 64),
        (1, 70, 1301, 256, 64),
        (2, 33, 600, 40, 24),
    ];
    for (batch, queries, keys, width, value_width) in sizes {
        let heads = 3;
        let query = noise(&[batch, queries, heads, width], 1).transpose(1, 2);
        let of_keys = |seed, width| noise(&[1, keys, heads, width], seed).transpose(1, 2);
        let (key, value) = (of_keys(2, width) * 4.0, of_keys(3, value_width));
        let bias = noise(&[batch, 1, queries, keys], 4) * 3.0;
        for bias in [None, Some(&bias)] {
            let scores = exact(&query).matmul(&exact(&key).transpose(-2, -1)) / (width as f64).sqrt();
            let scores = bias.map_or(scores.shallow_clone(), |bias| scores + exact(bias));
            let expected = scores.softmax(-1, Kind::Float).matmul(&exact(&value)).transpose(1, 2).flatten(2, 3);
            let found = attend(&query, &key, &value, bias, false);
            assert_close(&format!("{batch} {queries} {keys} {width} {}", bias.is_some()), &found, &expected);
        }
    }
}

#[test]
fn hidden_keys_count_nothing() {
    let (query, key) = (noise(&[2, 1, 40, 16], 1), noise(&[2, 1, 6, 16], 2));
    let is_valid = Tensor::from_slice(&[true, true, true, true, false, false]).view([1, 6]).expand([2, 6], true);
    let hidden = attend(&query, &key, &key, Some(&key_padding_bias(&is_valid)), false);
    let short = key.narrow(2, 0, 4);
    assert_close("padding", &hidden, &exact(&attend(&query, &short, &short, None, false)));
}

#[test]
fn convolutions() {
    let x = noise(&[2, 32, 9, 130], 1);
    for (side, x) in [(1, &x), (3, &x), (3, &noise(&[2, 32, 12, 36], 1)), (3, &noise(&[3, 32, 7, 5], 1))] {
        let (weight, bias) = (noise(&[40, 32, side, side], 2), noise(&[40], 3));
        let layer = build(&weight, &bias, |loader| Conv2d::same(loader, 32, 40, side));
        let pad = [side / 2; 2];
        let expected = exact(x).conv2d(&exact(&weight), Some(&exact(&bias)), [1, 1], pad, [1, 1], 1);
        assert_close(&format!("side {side} of {:?}", x.size()), &layer.forward(x), &expected);
    }
    let (weight, bias) = (noise(&[32, 24, 2, 2], 2), noise(&[24], 3));
    let layer = build(&weight, &bias, |loader| ConvTranspose2d::doubling(loader, 32, 24));
    let (exact_weight, exact_bias) = (exact(&weight), exact(&bias));
    let none = [0, 0];
    let expected = exact(&x).conv_transpose2d(&exact_weight, Some(&exact_bias), [2, 2], none, none, 1, [1, 1]);
    assert_close("doubling", &layer.forward(&x), &expected);
}

#[test]
fn norms_and_maps() {
    let (x, fine) = (noise(&[2, 32, 20, 70], 1), noise(&[1, 32, 40, 140], 2));
    let (weight, bias) = (noise(&[32], 3), noise(&[32], 4));
    let doubled = exact(&x).upsample_nearest2d([40, 140], None, None) + exact(&fine);
    assert_close("doubled", &double_and_add(&x, &fine), &doubled);

    let norm = build(&weight, &bias, |loader| GroupNorm::new(loader, 8, 32));
    let expected = exact(&x).group_norm(8, Some(&exact(&weight)), Some(&exact(&bias)), 1e-5, false).relu();
    assert_close("group norm", &norm.forward_relu(&x), &expected);

    let tokens = x.flatten(2, -1).transpose(1, 2) * 5.0 + 3.0;
    let norm = build(&weight, &bias, |loader| LayerNorm::new(loader, 32));
    let expected = exact(&tokens).layer_norm([32], Some(&exact(&weight)), Some(&exact(&bias)), 1e-5, false);
    assert_close("layer norm", &norm.forward(&tokens), &expected);
}

#[test]
fn heads_turn_in_place_as_apart() {
    let rope = Rope::new(5, 0.7, 16, 10_000.0, Device::Cpu);
    let tokens = noise(&[9, 25, 6 * 16], 1);
    let by_head = exact(&tokens).view([9, 25, 6, 16]).transpose(1, 2);
    let turned = rotate(&by_head.narrow(1, 0, 4), &rope);
    let expected = Tensor::cat(&[turned, by_head.narrow(1, 4, 2)], 1).transpose(1, 2).reshape([9, 25, 96]);
    assert_close("rope", &rotate_heads(tokens, 4, 16, &rope), &expected);
}

#[test]
fn fields_turn_in_place_as_apart() {
    let rope = Rope::new(5, 1.0, 16, 10_000.0, Device::Cpu);
    let tokens = noise(&[3, 2 * 25 + 7, 2 * 16], 1);
    let expected = rotate_fields(exact(&tokens), 2, 16, &rope);
    assert_close("fields", &rotate_fields(tokens, 2, 16, &rope), &expected);
}
