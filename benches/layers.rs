//! The hot layers at the sizes of the released model, in bf16; with SA3_KERNELS=plain in libtorch's way.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sa3::Result;
use sa3::nn::{Activation, Conv2d, Linear, LinearWeights, attend};
use sa3::weights::{self, TensorSource};
use tch::{Device, Kind, Tensor};

fn noise(shape: &[i64]) -> Tensor {
    (Tensor::rand(shape, (Kind::Float, Device::Cpu)) - 0.5).to_kind(Kind::BFloat16)
}

fn measured(criterion: &mut Criterion, name: &str, operations: i64, run: impl Fn() -> Tensor) {
    let mut group = criterion.benchmark_group("layers");
    group.sample_size(10).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(300));
    group.throughput(Throughput::Elements(operations as u64));
    group.bench_function(name, |bencher| bencher.iter(|| black_box(run())));
}

fn linear(criterion: &mut Criterion) {
    for (name, rows, inputs, outputs) in [
        ("qkv, 1008 px", 5184, 1024, 3072),
        ("fc1 and GELU, 1008 px", 5184, 1024, 4736),
        ("fc2, 1008 px", 5184, 4736, 1024),
        ("fc1 and GELU, 336 px", 576, 1024, 4736),
        ("fusion fc1, 1008 px", 5184, 256, 2048),
    ] {
        let layer = Linear::from(LinearWeights::from_parts(noise(&[outputs, inputs]), noise(&[outputs])));
        let x = noise(&[1, rows, inputs]);
        let is_up = outputs > inputs && name.contains("GELU");
        measured(criterion, name, 2 * rows * inputs * outputs, || {
            if is_up { layer.forward_activated(&x, Activation::Gelu) } else { layer.forward(&x) }
        });
    }
}

fn attention(criterion: &mut Criterion) {
    for (name, batch, heads, queries, keys, width) in [
        ("windows of 24 x 24, 1008 px", 9, 16, 576, 576, 64),
        ("whole grid, 1008 px", 1, 16, 5184, 5184, 64),
        ("fusion, 1008 px", 1, 8, 5184, 5184, 32),
    ] {
        let tokens = |length: i64| noise(&[batch, length, heads, width]).transpose(1, 2);
        let (query, key, value) = (tokens(queries), tokens(keys), tokens(keys));
        measured(criterion, name, 4 * batch * heads * queries * keys * width, || {
            attend(&query, &key, &value, None, false)
        });
    }
}

/// A convolution's tensors.
struct Convolution(Tensor, Tensor);

impl TensorSource for Convolution {
    fn names(&self) -> Vec<String> {
        vec!["weight".into(), "bias".into()]
    }

    fn shape(&self, name: &str) -> Option<Vec<i64>> {
        self.read(name).ok().map(|tensor| tensor.size())
    }

    fn read(&self, name: &str) -> Result<Tensor> {
        Ok(if name == "weight" { self.0.shallow_clone() } else { self.1.shallow_clone() })
    }
}

fn convolution(criterion: &mut Criterion) {
    let source = Convolution(noise(&[256, 256, 3, 3]), noise(&[256]));
    let layer = weights::load(&source, Device::Cpu, Kind::BFloat16, |loader| Conv2d::same(loader, 256, 256, 3))
        .expect("the layer asks for what there is");
    let x = noise(&[1, 288, 288, 256]).permute([0, 3, 1, 2]);
    measured(criterion, "3 x 3, 288 x 288", 2 * 288 * 288 * 256 * 256 * 9, || layer.forward(&x));
}

criterion_group!(benches, linear, attention, convolution);
criterion_main!(benches);
