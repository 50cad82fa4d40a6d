//! Distances far from an edge: each lattice node learns its closest point of the edge from its neighbours.
//!
//! Measuring every node against every piece of the edge costs the square of the reach. Here each node near the edge
//! knows its closest point, and two sweeps over the lattice carry the points on, so that the cost does not depend on the
//! reach. Points that are carried are the closest or all but the closest: the error is a small part of a node's
//! spacing.

/// Nodes this far from a piece of the edge are measured against it.
const SEED_REACH: f32 = 1.5;
/// Farther than any node can be.
const NOWHERE: [f32; 2] = [1e9, 1e9];

/// The closest point of the edge for each node of a lattice, in lattice units.
#[derive(Debug, Default)]
pub(super) struct ClosestPoints {
    columns: usize,
    points: Vec<[f32; 2]>,
}

impl ClosestPoints {
    /// Forgets all points; the lattice has `count` nodes in rows of `columns`.
    pub(super) fn clear(&mut self, columns: usize, count: usize) {
        self.columns = columns;
        self.points.clear();
        self.points.resize(count, NOWHERE);
    }

    /// Tells the nodes around a straight piece of the edge of their closest point on it.
    pub(super) fn seed(&mut self, from: [f32; 2], to: [f32; 2]) {
        let around = |a: f32, b: f32, count: usize| {
            let first = (a.min(b) - SEED_REACH).ceil().max(0.0) as usize;
            first..((a.max(b) + SEED_REACH) as usize + 1).min(count)
        };
        let [dx, dy] = [to[0] - from[0], to[1] - from[1]];
        let per_square = 1.0 / (dx * dx + dy * dy).max(1e-12);
        let rows = self.points.len() / self.columns;
        for y in around(from[1], to[1], rows) {
            for x in around(from[0], to[0], self.columns) {
                let along = ((x as f32 - from[0]) * dx + (y as f32 - from[1]) * dy) * per_square;
                let along = along.clamp(0.0, 1.0);
                self.offer(x, y, [from[0] + along * dx, from[1] + along * dy]);
            }
        }
    }

    /// Carries the points to all nodes and gives each one's squared distance to its own, in the order of the nodes.
    pub(super) fn spread(&mut self) -> impl Iterator<Item = f32> {
        let (columns, rows) = (self.columns, self.points.len() / self.columns);
        for y in 0..rows {
            self.sweep_row(y, y.checked_sub(1));
        }
        for y in (0..rows).rev() {
            self.sweep_row(y, Some(y + 1).filter(|below| *below < rows));
        }
        let node = move |index: usize| [(index % columns) as f32, (index / columns) as f32];
        self.points.iter().enumerate().map(move |(index, point)| squared_distance(node(index), *point))
    }

    /// Looks at the three neighbours in the row that was swept before, then along the row both ways.
    fn sweep_row(&mut self, y: usize, before: Option<usize>) {
        let columns = self.columns;
        if let Some(before) = before {
            for x in 0..columns {
                for near_x in x.saturating_sub(1)..(x + 2).min(columns) {
                    self.offer(x, y, self.points[before * columns + near_x]);
                }
            }
        }
        for x in 1..columns {
            self.offer(x, y, self.points[y * columns + x - 1]);
        }
        for x in (1..columns).rev() {
            self.offer(x - 1, y, self.points[y * columns + x]);
        }
    }

    #[inline(always)]
    fn offer(&mut self, x: usize, y: usize, point: [f32; 2]) {
        let node = [x as f32, y as f32];
        let own = &mut self.points[y * self.columns + x];
        if squared_distance(node, point) < squared_distance(node, *own) {
            *own = point;
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
        closest.clear(64, 64 * 48);
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
        for (index, squared) in closest.spread().enumerate() {
            let expected = exact([(index % 64) as f32, (index / 64) as f32]);
            assert!((squared.sqrt() - expected).abs() < 0.2, "node {index}: {} for {expected}", squared.sqrt());
        }
    }

    #[test]
    fn without_an_edge_everything_is_far() {
        let mut closest = ClosestPoints::default();
        closest.clear(5, 15);
        assert!(closest.spread().all(|squared| squared > 1e12));
    }
}
