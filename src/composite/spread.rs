//! Distances far from an edge: each lattice node learns its closest point of the edge from its neighbours.
//!
//! Measuring every node against every piece of the edge costs the square of the reach. Here each node near the edge
//! knows its closest point, and four sweeps over the lattice, down, up, right and left, carry the points on, so that the
//! cost does not depend on the reach. In a sweep a node looks at the three nearest nodes of the row before, which
//! covers a quarter of all directions; as no node looks at its own row, rows are swept many nodes at a time. Points that
//! are carried are the closest or all but the closest: the error is a small part of a node's spacing.

/// Nodes this far from a piece of the edge are measured against it.
const SEED_REACH: f32 = 1.5;
/// Farther than any node can be.
const NOWHERE: f32 = 1e9;
/// Side of the squares that are transposed at a time.
const TILE: usize = 16;

/// The closest point of the edge for each node of a lattice, in lattice units.
#[derive(Debug, Default)]
pub(super) struct ClosestPoints {
    upright: Points,
    /// Columns as rows, for the sweeps to the right and to the left.
    transposed: Points,
}

/// Points for a lattice's nodes, with a node that has none at both ends of each row.
#[derive(Debug, Default)]
struct Points {
    columns: usize,
    rows: usize,
    /// Place of the point across and down, of one node after the other.
    across: Vec<f32>,
    down: Vec<f32>,
}

impl ClosestPoints {
    /// Forgets all points of a lattice of so many nodes.
    pub(super) fn clear(&mut self, columns: usize, rows: usize) {
        self.upright.clear(columns, rows);
        self.transposed.clear(rows, columns);
    }

    /// Tells the nodes around a straight piece of the edge of their closest point on it.
    #[inline(always)]
    pub(super) fn seed(&mut self, from: [f32; 2], to: [f32; 2]) {
        let around = |a: f32, b: f32, count: usize| {
            let first = (a.min(b) - SEED_REACH).ceil().max(0.0) as usize;
            first..((a.max(b) + SEED_REACH) as usize + 1).min(count)
        };
        let [dx, dy] = [to[0] - from[0], to[1] - from[1]];
        let per_square = 1.0 / (dx * dx + dy * dy).max(1e-12);
        let Points { columns, rows, across, down } = &mut self.upright;
        for y in around(from[1], to[1], *rows) {
            for x in around(from[0], to[0], *columns) {
                let node = [x as f32, y as f32];
                let along = ((node[0] - from[0]) * dx + (node[1] - from[1]) * dy) * per_square;
                let along = along.clamp(0.0, 1.0);
                let point = [from[0] + along * dx, from[1] + along * dy];
                let index = y * (*columns + 2) + x + 1;
                if squared_distance(node, point) < squared_distance(node, [across[index], down[index]]) {
                    [across[index], down[index]] = point;
                }
            }
        }
    }

    /// Carries the points to all nodes and gives each one's squared distance to its own, at most `most`, in the order of
    /// the nodes.
    #[inline(always)]
    pub(super) fn spread(&mut self, most: f32, squared: &mut Vec<f32>) {
        let Self { upright, transposed } = self;
        upright.sweep();
        let (stride, transposed_stride) = (upright.columns + 2, transposed.columns + 2);
        let size = [upright.columns, upright.rows];
        transpose(&upright.across[1..], stride, size, &mut transposed.down[1..], transposed_stride);
        transpose(&upright.down[1..], stride, size, &mut transposed.across[1..], transposed_stride);
        transposed.sweep();
        transposed.measure(most);
        let [columns, rows] = size;
        squared.resize(columns * rows, 0.0);
        transpose(&transposed.across[1..], transposed_stride, [rows, columns], squared, columns);
    }
}

impl Points {
    fn clear(&mut self, columns: usize, rows: usize) {
        (self.columns, self.rows) = (columns, rows);
        for places in [&mut self.across, &mut self.down] {
            places.clear();
            places.resize((columns + 2) * rows, NOWHERE);
        }
    }

    #[inline(always)]
    fn sweep(&mut self) {
        for y in 1..self.rows {
            self.sweep_row(y, y - 1);
        }
        for y in (1..self.rows).rev() {
            self.sweep_row(y - 1, y);
        }
    }

    /// The nodes of row `y` look at the three nearest nodes of the row beside it that was swept before.
    #[inline(always)]
    fn sweep_row(&mut self, y: usize, before: usize) {
        let stride = self.columns + 2;
        let [own_across, across] = two_rows(&mut self.across, stride, y, before);
        let [own_down, down] = two_rows(&mut self.down, stride, y, before);
        let (own_across, own_down) = (&mut own_across[1..=self.columns], &mut own_down[1..=self.columns]);
        let near = |step: usize| (&across[step..][..self.columns], &down[step..][..self.columns]);
        let near = [near(0), near(1), near(2)];
        for (x, (own_across, own_down)) in own_across.iter_mut().zip(own_down).enumerate() {
            let node = [x as u32 as i32 as f32, y as f32];
            let mut closest = [*own_across, *own_down];
            let mut least = squared_distance(node, closest);
            for (across, down) in near {
                let point = [across[x], down[x]];
                let squared = squared_distance(node, point);
                closest = if squared < least { point } else { closest };
                least = if squared < least { squared } else { least };
            }
            [*own_across, *own_down] = closest;
        }
    }

    /// `across` becomes the squared distance of each node to its point, at most `most`.
    #[inline(always)]
    fn measure(&mut self, most: f32) {
        let stride = self.columns + 2;
        let rows = self.across.chunks_exact_mut(stride).zip(self.down.chunks_exact(stride));
        for (y, (across, down)) in rows.enumerate() {
            for (x, (across, down)) in across[1..].iter_mut().zip(&down[1..]).enumerate() {
                let squared = squared_distance([x as u32 as i32 as f32, y as f32], [*across, *down]);
                *across = if squared < most { squared } else { most };
            }
        }
    }
}

/// Two different rows, the first to be written.
#[inline(always)]
fn two_rows(values: &mut [f32], stride: usize, written: usize, read: usize) -> [&mut [f32]; 2] {
    let (low, high) = values.split_at_mut(written.max(read) * stride);
    let (low, high) = (&mut low[written.min(read) * stride..][..stride], &mut high[..stride]);
    if written > read { [high, low] } else { [low, high] }
}

/// Columns of `from` become rows of `to`.
#[inline(always)]
fn transpose(from: &[f32], from_stride: usize, [columns, rows]: [usize; 2], to: &mut [f32], to_stride: usize) {
    for top in (0..rows).step_by(TILE) {
        for left in (0..columns).step_by(TILE) {
            for x in left..(left + TILE).min(columns) {
                let to = &mut to[x * to_stride..];
                for y in top..(top + TILE).min(rows) {
                    to[y] = from[y * from_stride + x];
                }
            }
        }
    }
}

#[inline(always)]
fn squared_distance([ax, ay]: [f32; 2], [bx, by]: [f32; 2]) -> f32 {
    (ax - bx) * (ax - bx) + (ay - by) * (ay - by)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A polygon in lattice units: distances that were spread agree with those to every piece.
    #[test]
    fn far_nodes_agree_with_the_exact_distance() {
        let corners = [[20.3, 11.2], [44.7, 18.9], [37.1, 40.4], [30.0, 25.0], [12.6, 33.3]];
        let mut closest = ClosestPoints::default();
        closest.clear(64, 48);
        let mut pieces = Vec::new();
        for (index, from) in corners.iter().enumerate() {
            let to = corners[(index + 1) % corners.len()];
            // As an edge comes: in pieces about as long as a square.
            pieces.extend((0..32).map(|step| {
                let at = |step: f32| [0, 1].map(|axis| from[axis] + (to[axis] - from[axis]) * step / 32.0);
                (at(step as f32), at(step as f32 + 1.0))
            }));
        }
        pieces.iter().for_each(|(from, to)| closest.seed(*from, *to));
        let exact = |node: [f32; 2]| {
            let to_piece = |(from, to): &([f32; 2], [f32; 2])| {
                let [dx, dy] = [to[0] - from[0], to[1] - from[1]];
                let along = ((node[0] - from[0]) * dx + (node[1] - from[1]) * dy) / (dx * dx + dy * dy);
                let along = along.clamp(0.0, 1.0);
                squared_distance(node, [from[0] + along * dx, from[1] + along * dy]).sqrt()
            };
            pieces.iter().map(to_piece).fold(f32::INFINITY, f32::min)
        };
        let mut spread = Vec::new();
        closest.spread(1e4, &mut spread);
        assert_eq!(spread.len(), 64 * 48);
        for (index, squared) in spread.into_iter().enumerate() {
            let expected = exact([(index % 64) as f32, (index / 64) as f32]);
            assert!((squared.sqrt() - expected).abs() < 0.2, "node {index}: {} for {expected}", squared.sqrt());
        }
    }

    #[test]
    fn without_an_edge_everything_is_far() {
        let mut closest = ClosestPoints::default();
        closest.clear(5, 3);
        let mut spread = vec![0.0; 15];
        closest.spread(1e4, &mut spread);
        assert_eq!(spread, [1e4; 15]);
    }
}
