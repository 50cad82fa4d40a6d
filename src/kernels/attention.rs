//! Softmax attention by blocks: scores of a few queries against a block of keys never leave the cache.

use std::cell::RefCell;

use tch::Tensor;

use super::brgemm::{Product, pack};
use super::numbers::{exp2, exp2_of_weights, highest, narrow, narrow_16, wide, widen};
use super::{parallel, view};

/// Queries that share one product.
const QUERIES: usize = 32;
/// Keys of one block; even.
const KEYS: usize = 512;
/// Wider heads are libtorch's: of one head of 256 it makes twice the speed, because more queries share what is read of
/// the keys.
const MOST_WIDTH: i64 = 128;
/// Stands for minus infinity where a difference of two must not be undefined.
const LOWEST: f32 = -1e30;

thread_local! {
    /// Each thread keeps its buffers; the longest keys seen bound them.
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

#[derive(Default)]
struct Buffers {
    /// Keys of one head in blocks, each [width / 2, block, 2].
    keys: Vec<u16>,
    /// Values in blocks, each [block / 2, width, 2].
    values: Vec<u16>,
    /// [QUERIES, KEYS]
    scores: Vec<f32>,
    /// The same after the softmax.
    weights: Vec<u16>,
    /// [QUERIES, width]
    sums: Vec<f32>,
}

/// softmax(Q Kᵀ / √width + bias) V, or `None` for inputs that it is not made for.
///
/// # Shapes
/// query: [B, heads, Lq, width]; key, value: [B or 1, heads, Lk, width]; bias: [B or 1, heads or 1, Lq or 1, Lk]
/// → [B, Lq, heads · width]. All bf16 on the CPU.
pub(crate) fn attend(query: &Tensor, key: &Tensor, value: &Tensor, bias: Option<&Tensor>) -> Option<Tensor> {
    let &[batch, heads, queries, width] = query.size().as_slice() else { return None };
    let keys = key.size()[2] as usize;
    if !super::apply_to(query) || width % 2 != 0 || !(16..=MOST_WIDTH).contains(&width) || queries == 0 || keys == 0 {
        return None;
    }
    let mut out = view::new_bf16(&[batch, queries, heads * width]);
    let [batch, heads, queries, width] = [batch, heads, queries, width].map(|size| size as usize);
    let bias = bias.map(|bias| bias.to_kind(query.kind()));
    let bias = match &bias {
        Some(bias) => Some(view::Rows::of(bias)?),
        None => None,
    };
    let (query, key, value) = (view::Rows::of(query)?, view::Rows::of(key)?, view::Rows::of(value)?);
    let job = Job { query, key, value, bias, heads, queries, keys, width, out: view::Columns::of(&mut out) };
    let parts = job.parts(batch);
    parallel::for_each(batch * heads * parts, &|task| {
        let (head, part) = (task / parts, task % parts);
        let (first, end) = (queries * part / parts, queries * (part + 1) / parts);
        BUFFERS.with_borrow_mut(|buffers| job.run([head / heads, head % heads], first..end, buffers));
    });
    Some(out)
}

struct Job<'a> {
    query: view::Rows<'a>,
    key: view::Rows<'a>,
    value: view::Rows<'a>,
    bias: Option<view::Rows<'a>>,
    heads: usize,
    queries: usize,
    keys: usize,
    width: usize,
    out: view::Columns<'a>,
}

impl Job<'_> {
    /// Into how many parts the queries of a head go, so that no thread waits long for the last one.
    fn parts(&self, batch: usize) -> usize {
        let few_heads = batch * self.heads < 4 * tch::get_num_threads().max(1) as usize;
        if few_heads && self.queries >= 8 * QUERIES { 2 } else { 1 }
    }

    fn run(&self, [batch, head]: [usize; 2], queries: std::ops::Range<usize>, buffers: &mut Buffers) {
        self.pack([batch, head], buffers);
        for first in queries.clone().step_by(QUERIES) {
            self.attend_block([batch, head], first..(first + QUERIES).min(queries.end), buffers);
        }
    }

    /// Keys and values of a head as the products want them. An odd last key gets a zero beside it.
    fn pack(&self, [batch, head]: [usize; 2], buffers: &mut Buffers) {
        let (width, padded) = (self.width, self.keys.next_multiple_of(2));
        buffers.keys.resize(padded * width, 0);
        buffers.values.resize(padded * width, 0);
        buffers.scores.resize(QUERIES * KEYS, 0.0);
        buffers.weights.resize(QUERIES * KEYS, 0);
        buffers.sums.resize(QUERIES * width, 0.0);
        for first in (0..self.keys).step_by(KEYS) {
            let count = KEYS.min(padded - first);
            let block = first * width..(first + count) * width;
            let row = |key: usize| (first + key < self.keys).then(|| self.key.row([batch, head, first + key]));
            pack(width, count, row, &mut buffers.keys[block.clone()]);
            let value = |key: usize| (key < self.keys).then(|| self.value.row([batch, head, key]));
            for (pair, out) in buffers.values[block].chunks_exact_mut(2 * width).enumerate() {
                let (a, b) = (value(first + 2 * pair), value(first + 2 * pair + 1));
                for (column, out) in out.chunks_exact_mut(2).enumerate() {
                    out[0] = a.map_or(0, |row| row[column]);
                    out[1] = b.map_or(0, |row| row[column]);
                }
            }
        }
    }

    fn attend_block(&self, [batch, head]: [usize; 2], queries: std::ops::Range<usize>, buffers: &mut Buffers) {
        let (width, rows) = (self.width, queries.len());
        let scale = std::f32::consts::LOG2_E / (width as f32).sqrt();
        let (query, stride_a) = self.query.rows_from([batch, head, queries.start]);
        let (mut tops, mut totals) = ([LOWEST; QUERIES], [0.0f32; QUERIES]);
        for first in (0..self.keys).step_by(KEYS) {
            let valid = KEYS.min(self.keys - first);
            let count = valid.next_multiple_of(2);
            let block = first * width..(first + count) * width;
            let scores = Product { rows, columns: count, depth: width, stride_a };
            scores.multiply(query, &buffers.keys[block.clone()], &mut buffers.scores, false);
            for row in 0..rows {
                let index = [batch, head, queries.start + row];
                let bias = self.bias.as_ref().map(|bias| &bias.row(index)[first..first + valid]);
                let (scores, weights) = (&mut buffers.scores[row * count..], &mut buffers.weights[row * count..]);
                let before = tops[row];
                weigh(&mut scores[..valid], bias, scale, &mut tops[row], &mut totals[row], &mut weights[..valid]);
                weights[valid..count].fill(0);
                if first > 0 {
                    let shrink = exp2(before - tops[row]);
                    buffers.sums[row * width..][..width].iter_mut().for_each(|sum| *sum *= shrink);
                }
            }
            let sums = Product { rows, columns: width, depth: count, stride_a: count };
            sums.multiply(&buffers.weights, &buffers.values[block], &mut buffers.sums, first > 0);
        }
        for (row, total) in totals[..rows].iter().enumerate() {
            let first = ((batch * self.queries + queries.start + row) * self.heads + head) * width;
            // SAFETY: every query of every head belongs to one task.
            let out = unsafe { self.out.part(first, width) };
            divide(&buffers.sums[row * width..][..width], *total, out);
        }
    }
}

wide! {
    /// Scores of one query against a block of keys to weights, relative to the highest score so far. Scores and `top`
    /// are multiplied by `scale`, after which they are powers of two.
    fn weigh(
        scores: &mut [f32], bias: Option<&[u16]>, scale: f32, top: &mut f32, total: &mut f32, weights: &mut [u16],
    ) {
        let mut scale = scale;
        if let Some(bias) = bias {
            scores.iter_mut().zip(bias).for_each(|(score, bias)| {
                *score = score.mul_add(scale, widen(*bias) * std::f32::consts::LOG2_E);
            });
            scale = 1.0;
        }
        let before = *top;
        *top = (highest(scores, f32::NEG_INFINITY) * scale).max(before);
        let (blocks, rest) = scores.as_chunks::<16>();
        let (weight_blocks, weight_rest) = weights.as_chunks_mut::<16>();
        let mut sums = [0.0f32; 16];
        for (scores, weights) in blocks.iter().zip(weight_blocks) {
            let mut powers = [0.0f32; 16];
            for i in 0..16 {
                powers[i] = exp2_of_weights(scores[i].mul_add(scale, -*top));
                sums[i] += powers[i];
            }
            *weights = narrow_16(powers);
        }
        let mut sum: f32 = sums.iter().sum();
        for (score, weight) in rest.iter().zip(weight_rest) {
            let power = exp2_of_weights(score.mul_add(scale, -*top));
            sum += power;
            *weight = narrow(power);
        }
        *total = total.mul_add(exp2(before - *top), sum);
    }

    fn divide(sums: &[f32], total: f32, out: &mut [u16]) {
        let share = 1.0 / total;
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out = narrow(sum * share));
    }
}
