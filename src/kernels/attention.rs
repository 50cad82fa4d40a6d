//! Softmax attention by blocks: scores of 32 queries against a block of keys never leave the cache.

use std::cell::RefCell;
use std::ops::Range;

use tch::Tensor;

use super::numbers::{exp2, exp2_of_weights, highest_of_16, narrow, narrow_16, wide, widen};
use super::tiles::{MatrixUnit, SIDE, STEP, TileRows, pack_columns, pack_rows, steps_of};
use super::{parallel, view};

/// Keys whose scores are weighed together.
const KEYS: usize = 128;
/// Bytes of keys in tiles, and the same of values, that stay in the cache while all queries go by.
const KEY_BYTES: usize = 256 << 10;
/// Wider values, and keys of twice that, are libtorch's, which takes more queries at a time through what is read of them.
const MOST_WIDTH: i64 = 128;
/// A score may be so much above what its query's weights are relative to, as a power of two, before sums are scaled
/// anew: weights up to 256 are as exact as those up to 1.
const SLACK: f32 = 8.0;
/// Stands for minus infinity where a difference of two must not be undefined.
const LOWEST: f32 = -1e30;

thread_local! {
    /// Each thread keeps its buffers; the longest queries seen bound them.
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

#[derive(Default)]
struct Buffers {
    /// Rows: [blocks of 32 queries, steps of the width, 1024].
    queries: Vec<u16>,
    /// Columns: [blocks of 32 keys, steps of the width, 1024].
    keys: Vec<u16>,
    /// Columns: [blocks of 32 of the values' width, steps of keys, 1024].
    values: Vec<u16>,
    /// [blocks of 32 keys, 32 queries, 32]
    scores: Vec<f32>,
    /// The same after the softmax, which are rows.
    weights: Vec<u16>,
    /// What each block of queries has gathered.
    gathered: Vec<Gathered>,
}

/// Of 32 queries over the keys so far.
#[derive(Clone, Default)]
struct Gathered {
    /// What the weights of each query are relative to: its highest score, or little less.
    tops: [f32; SIDE],
    /// The sum of its weights relative to that, in sixteen parts.
    totals: [[f32; 16]; SIDE],
    /// [blocks of 32 of the values' width, 32, 32]
    sums: Vec<f32>,
}

impl Gathered {
    /// Nothing yet, in place: the sums of the call before are written over.
    fn begin(&mut self, numbers: usize) {
        self.tops = [LOWEST; SIDE];
        self.totals = [[0.0; 16]; SIDE];
        self.sums.clear();
        self.sums.resize(numbers, 0.0);
    }
}

/// softmax(Q Kᵀ / √width + bias) V, or `None` for inputs that it is not made for.
///
/// # Shapes
/// query: [B, heads, Lq, width]; key: [B or 1, heads, Lk, width]; value: [B or 1, heads, Lk, values' width];
/// bias: [B or 1, heads or 1, Lq or 1, Lk] → [B, Lq, heads · values' width]. All bf16 on the CPU.
pub(crate) fn attend(query: &Tensor, key: &Tensor, value: &Tensor, bias: Option<&Tensor>) -> Option<Tensor> {
    let &[batch, heads, queries, width] = query.size().as_slice() else { return None };
    let &[.., keys, value_width] = value.size().as_slice() else { return None };
    if !super::apply_to(query) || !can_attend(width, value_width) || queries == 0 || keys == 0 {
        return None;
    }
    let mut out = view::new_bf16(&[batch, queries, heads * value_width]);
    let [batch, heads, queries, keys] = [batch, heads, queries, keys].map(|size| size as usize);
    let [width, value_width] = [width, value_width].map(|size| size as usize);
    let bias = bias.map(|bias| bias.to_kind(query.kind()));
    let bias = match &bias {
        Some(bias) => Some(view::Rows::of(bias)?),
        None => None,
    };
    let (query, key, value) = (view::Rows::of(query)?, view::Rows::of(key)?, view::Rows::of(value)?);
    let job =
        Job { query, key, value, bias, heads, queries, keys, width, value_width, out: view::Columns::of(&mut out) };
    let parts = job.parts(batch);
    parallel::for_each(batch * heads * parts, &|task| {
        let (head, part) = (task / parts, task % parts);
        let (first, end) = (queries * part / parts, queries * (part + 1) / parts);
        BUFFERS.with_borrow_mut(|buffers| job.run([head / heads, head % heads], first..end, buffers));
    });
    Some(out)
}

/// True for the widths of keys and of values that [`attend`] is made for.
pub(crate) fn can_attend(width: i64, value_width: i64) -> bool {
    (8..=2 * MOST_WIDTH).contains(&width) && (8..=MOST_WIDTH).contains(&value_width)
}

struct Job<'a> {
    query: view::Rows<'a>,
    key: view::Rows<'a>,
    value: view::Rows<'a>,
    bias: Option<view::Rows<'a>>,
    heads: usize,
    queries: usize,
    keys: usize,
    /// Of queries and keys.
    width: usize,
    value_width: usize,
    out: view::Columns<'a>,
}

impl Job<'_> {
    /// Into how many parts the queries of a head go, so that no thread waits long for the last one.
    fn parts(&self, batch: usize) -> usize {
        let threads = tch::get_num_threads().max(1) as usize;
        let few_heads = batch * self.heads < 4 * threads;
        if few_heads && self.queries >= 8 * SIDE * threads { threads } else { 1 }
    }

    fn run(&self, head: [usize; 2], queries: Range<usize>, buffers: &mut Buffers) {
        self.start(head, queries.clone(), buffers);
        let unit = MatrixUnit::take();
        let keys_at_once = (KEY_BYTES / (2 * SIDE * steps_of(self.width))).next_multiple_of(KEYS);
        for first in (0..self.keys).step_by(keys_at_once) {
            let keys = first..(first + keys_at_once).min(self.keys);
            self.pack(head, keys.clone(), buffers);
            for block in 0..buffers.gathered.len() {
                let first_query = queries.start + block * SIDE;
                for start in keys.clone().step_by(KEYS) {
                    let count = KEYS.min(keys.end - start);
                    self.score(&unit, block, start - keys.start, count, buffers);
                    let lines = SIDE.min(queries.end - first_query);
                    self.weigh(head, first_query..first_query + lines, start..start + count, block, buffers);
                    self.gather(&unit, block, (start - keys.start)..(start - keys.start + count), keys.len(), buffers);
                }
            }
        }
        drop(unit);
        for (block, gathered) in buffers.gathered.iter().enumerate() {
            let first_query = queries.start + block * SIDE;
            self.finish(head, first_query..(first_query + SIDE).min(queries.end), gathered);
        }
    }

    /// Queries as rows, and nothing gathered yet.
    fn start(&self, [batch, head]: [usize; 2], queries: Range<usize>, buffers: &mut Buffers) {
        let steps = steps_of(self.width);
        let blocks = queries.len().div_ceil(SIDE);
        buffers.queries.resize(blocks * steps * STEP, 0);
        for (block, rows) in buffers.queries.chunks_exact_mut(steps * STEP).enumerate() {
            let first = queries.start + block * SIDE;
            let row = |row: usize| (first + row < queries.end).then(|| self.query.row([batch, head, first + row]));
            pack_rows(self.width, row, rows);
        }
        buffers.gathered.resize(blocks, Gathered::default());
        let numbers = steps_of(self.value_width) * STEP;
        buffers.gathered.iter_mut().for_each(|gathered| gathered.begin(numbers));
        buffers.scores.resize(KEYS * SIDE, 0.0);
        buffers.weights.resize(KEYS * SIDE, 0);
    }

    /// Some keys and values of a head in tiles.
    fn pack(&self, [batch, head]: [usize; 2], keys: Range<usize>, buffers: &mut Buffers) {
        let (steps, blocks) = (steps_of(self.width), keys.len().div_ceil(SIDE));
        buffers.keys.resize(blocks * steps * STEP, 0);
        buffers.values.resize(blocks * steps_of(self.value_width) * STEP, 0);
        for (block, out) in buffers.keys.chunks_exact_mut(steps * STEP).enumerate() {
            let first = keys.start + block * SIDE;
            let key = |key: usize| (first + key < keys.end).then(|| self.key.row([batch, head, first + key]));
            pack_columns(self.width, key, out);
        }
        let zeros = [0; SIDE];
        for (part, out) in buffers.values.chunks_exact_mut(blocks * STEP).enumerate() {
            let columns = part * SIDE..(part * SIDE + SIDE).min(self.value_width);
            for (pair, out) in out.chunks_exact_mut(2 * HALF).enumerate() {
                // Within a step of 32 keys: the first 16 columns of all 16 pairs, then the other 16.
                let (step, half, pair) = (pair / SIDE, pair % SIDE / HALF, pair % HALF);
                let first = (columns.start + half * HALF).min(columns.end);
                let width = HALF.min(columns.end - first);
                let value = |key: usize| {
                    let key = keys.start + step * SIDE + key;
                    if key < keys.end {
                        &self.value.row([batch, head, key])[first..first + width]
                    } else {
                        &zeros[..width]
                    }
                };
                interleave(value(2 * pair), value(2 * pair + 1), out);
            }
        }
    }

    /// Scores of a block of queries against `count` packed keys.
    fn score(&self, unit: &MatrixUnit, block: usize, first_key: usize, count: usize, buffers: &mut Buffers) {
        let steps = steps_of(self.width);
        let rows = TileRows::packed(&buffers.queries[block * steps * STEP..][..steps * STEP]);
        let keys = buffers.keys[first_key / SIDE * steps * STEP..].chunks_exact(steps * STEP);
        let blocks = count.div_ceil(SIDE);
        for (keys, scores) in keys.zip(buffers.scores.chunks_exact_mut(STEP)).take(blocks) {
            unit.multiply(rows, keys, steps, scores, false);
        }
        if count < blocks * SIDE {
            let last = &mut buffers.scores[(blocks - 1) * STEP..][..STEP];
            for row in last.chunks_exact_mut(SIDE) {
                row[count - (blocks - 1) * SIDE..].fill(f32::NEG_INFINITY);
            }
        }
    }

    /// Scores to weights, and what was gathered to the new scale.
    fn weigh(
        &self,
        [batch, head]: [usize; 2],
        queries: Range<usize>,
        keys: Range<usize>,
        block: usize,
        buffers: &mut Buffers,
    ) {
        let mut scale = std::f32::consts::LOG2_E / (self.width as f32).sqrt();
        let padded = keys.len().next_multiple_of(SIDE);
        let (scores, weights) = (&mut buffers.scores[..padded * SIDE], &mut buffers.weights[..padded * SIDE]);
        let lines = queries.len();
        if let Some(bias) = &self.bias {
            for (line, query) in queries.enumerate() {
                add_bias(line, &bias.row([batch, head, query])[keys.clone()], scale, scores);
            }
            scale = 1.0;
        }
        let Gathered { tops, totals, sums } = &mut buffers.gathered[block];
        let mut shrink = [1.0; SIDE];
        weigh_lines(lines, scores, scale, tops, totals, &mut shrink, weights);
        if shrink.iter().any(|shrink| *shrink < 1.0) {
            scale_lines(&shrink, sums);
        }
    }

    /// Adds the weighted values of `keys` of the `packed` ones.
    fn gather(&self, unit: &MatrixUnit, block: usize, keys: Range<usize>, packed: usize, buffers: &mut Buffers) {
        let (first, steps) = (keys.start / SIDE, keys.len().div_ceil(SIDE));
        let values = buffers.values.chunks_exact(packed.div_ceil(SIDE) * STEP);
        for (values, sums) in values.zip(buffers.gathered[block].sums.chunks_exact_mut(STEP)) {
            unit.multiply(TileRows::packed(&buffers.weights), &values[first * STEP..], steps, sums, true);
        }
    }

    fn finish(&self, [batch, head]: [usize; 2], queries: Range<usize>, gathered: &Gathered) {
        for (line, query) in queries.enumerate() {
            let first = ((batch * self.queries + query) * self.heads + head) * self.value_width;
            // SAFETY: every query of every head belongs to one task.
            let out = unsafe { self.out.part(first, self.value_width) };
            for (out, sums) in out.chunks_mut(SIDE).zip(gathered.sums.chunks_exact(STEP)) {
                divide(&sums[line * SIDE..][..out.len()], gathered.totals[line].iter().sum(), out);
            }
        }
    }
}

/// Columns of a tile.
const HALF: usize = SIDE / 2;

wide! {
    /// Two rows of up to 16 numbers as pairs; pairs that the rows have not are zeros.
    fn interleave(first: &[u16], second: &[u16], out: &mut [u16]) {
        if let (Ok(first), Ok(second)) = (<&[u16; HALF]>::try_from(first), <&[u16; HALF]>::try_from(second)) {
            let mut pairs = [0u32; HALF];
            for i in 0..HALF {
                pairs[i] = u32::from(first[i]) | u32::from(second[i]) << 16;
            }
            for (out, pair) in out.chunks_exact_mut(2).zip(pairs) {
                out[0] = pair as u16;
                out[1] = (pair >> 16) as u16;
            }
            return;
        }
        for (i, out) in out.chunks_exact_mut(2).enumerate() {
            out[0] = first.get(i).copied().unwrap_or(0);
            out[1] = second.get(i).copied().unwrap_or(0);
        }
    }

    /// Scales a query's scores and adds its bias, both as powers of two.
    fn add_bias(line: usize, bias: &[u16], scale: f32, scores: &mut [f32]) {
        for (scores, bias) in scores.chunks_exact_mut(STEP).zip(bias.chunks(SIDE)) {
            scores[line * SIDE..][..SIDE].iter_mut().zip(bias).for_each(|(score, bias)| {
                *score = score.mul_add(scale, widen(*bias) * std::f32::consts::LOG2_E);
            });
        }
    }

    /// Scores against a block of keys to weights relative to each query's `tops`, which follow its highest score. Scores
    /// are multiplied by `scale`, after which they and `tops` are powers of two.
    fn weigh_lines(
        lines: usize, scores: &[f32], scale: f32, tops: &mut [f32; SIDE], totals: &mut [[f32; 16]; SIDE],
        shrink: &mut [f32; SIDE], weights: &mut [u16],
    ) {
        for line in 0..lines {
            let mut parts = [f32::NEG_INFINITY; 16];
            for scores in scores.chunks_exact(STEP) {
                let (halves, _) = scores[line * SIDE..][..SIDE].as_chunks::<16>();
                for half in halves {
                    for i in 0..16 {
                        parts[i] = if half[i] > parts[i] { half[i] } else { parts[i] };
                    }
                }
            }
            let (highest, total) = (highest_of_16(parts) * scale, &mut totals[line]);
            if highest > tops[line] + SLACK {
                shrink[line] = exp2(tops[line] - highest);
                tops[line] = highest;
                total.iter_mut().for_each(|total| *total *= shrink[line]);
            }
            let top = tops[line];
            for (scores, weights) in scores.chunks_exact(STEP).zip(weights.chunks_exact_mut(STEP)) {
                let (scores, _) = scores[line * SIDE..][..SIDE].as_chunks::<16>();
                let (weights, _) = weights[line * SIDE..][..SIDE].as_chunks_mut::<16>();
                for (scores, weights) in scores.iter().zip(weights) {
                    let mut powers = [0.0f32; 16];
                    for i in 0..16 {
                        powers[i] = exp2_of_weights(scores[i].mul_add(scale, -top));
                        total[i] += powers[i];
                    }
                    *weights = narrow_16(powers);
                }
            }
        }
    }

    /// Multiplies each line of sums by a number of its own.
    fn scale_lines(by: &[f32; SIDE], sums: &mut [f32]) {
        for sums in sums.chunks_exact_mut(STEP) {
            for (sums, by) in sums.chunks_exact_mut(SIDE).zip(by) {
                sums.iter_mut().for_each(|sum| *sum *= by);
            }
        }
    }

    fn divide(sums: &[f32], total: f32, out: &mut [u16]) {
        let share = 1.0 / total;
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out = narrow(sum * share));
    }
}
