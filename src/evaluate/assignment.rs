//! Which rows go with which columns, so that the sum of their weights is the largest (the Hungarian method).

/// Weights of pairs: `rows * columns` values, first row first.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    values: Vec<f64>,
}

impl Weights {
    /// A weight for each pair.
    pub fn new(rows: usize, columns: usize, weight: impl Fn(usize, usize) -> f64) -> Self {
        let values = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        Self { rows, columns, values: values.map(|(row, column)| weight(row, column)).collect() }
    }

    /// Every pair of a row and a column.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let columns = self.columns;
        (0..self.rows).flat_map(move |row| (0..columns).map(move |column| (row, column)))
    }

    /// The weight of one pair.
    pub fn at(&self, row: usize, column: usize) -> f64 {
        self.values[row * self.columns + column]
    }

    /// Adds to the weight of one pair.
    pub fn add(&mut self, row: usize, column: usize, weight: f64) {
        self.values[row * self.columns + column] += weight;
    }
}

/// As many pairs as the shorter side has, no row or column twice, in the order of the rows.
pub fn best_pairs(weights: &Weights) -> Vec<(usize, usize)> {
    if weights.rows <= weights.columns {
        return assign(weights.rows, weights.columns, |row, column| -weights.at(row, column));
    }
    let turned = assign(weights.columns, weights.rows, |column, row| -weights.at(row, column));
    let mut pairs: Vec<_> = turned.into_iter().map(|(column, row)| (row, column)).collect();
    pairs.sort_unstable();
    pairs
}

/// Shortest augmenting paths with potentials: each row in turn finds the cheapest way to a free column, on which the rows
/// before it move over. Row and column 0 are outside the table.
fn assign(rows: usize, columns: usize, cost: impl Fn(usize, usize) -> f64) -> Vec<(usize, usize)> {
    let mut row_potential = vec![0.0; rows + 1];
    let mut column_potential = vec![0.0; columns + 1];
    let mut row_of = vec![0; columns + 1];
    for row in 1..=rows {
        row_of[0] = row;
        let mut end = 0;
        let mut slack = vec![f64::INFINITY; columns + 1];
        let mut came_from = vec![0; columns + 1];
        let mut is_reached = vec![false; columns + 1];
        while row_of[end] != 0 {
            is_reached[end] = true;
            let here = row_of[end];
            let (mut step, mut nearest) = (f64::INFINITY, 0);
            for column in (1..=columns).filter(|&column| !is_reached[column]) {
                let reduced = cost(here - 1, column - 1) - row_potential[here] - column_potential[column];
                if reduced < slack[column] {
                    (slack[column], came_from[column]) = (reduced, end);
                }
                if slack[column] < step {
                    (step, nearest) = (slack[column], column);
                }
            }
            for column in 0..=columns {
                if is_reached[column] {
                    row_potential[row_of[column]] += step;
                    column_potential[column] -= step;
                } else {
                    slack[column] -= step;
                }
            }
            end = nearest;
        }
        while end != 0 {
            row_of[end] = row_of[came_from[end]];
            end = came_from[end];
        }
    }
    let mut pairs: Vec<_> =
        (1..=columns).filter(|&column| row_of[column] != 0).map(|c| (row_of[c] - 1, c - 1)).collect();
    pairs.sort_unstable();
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights<const C: usize>(rows: &[[f64; C]]) -> Weights {
        Weights::new(rows.len(), C, |row, column| rows[row][column])
    }

    #[test]
    fn the_largest_sum_wins_over_the_largest_pair() {
        assert_eq!(best_pairs(&weights(&[[0.9, 0.8], [0.8, 0.1]])), [(0, 1), (1, 0)]);
    }

    #[test]
    fn the_shorter_side_decides_how_many() {
        assert_eq!(best_pairs(&weights(&[[0.1, 0.5, 0.3]])), [(0, 1)]);
        assert_eq!(best_pairs(&weights(&[[0.1], [0.5], [0.3]])), [(1, 0)]);
        assert_eq!(best_pairs(&Weights::new(0, 3, |_, _| 0.0)), []);
        assert_eq!(best_pairs(&Weights::new(3, 0, |_, _| 0.0)), []);
    }

    /// All orders of six columns are tried for comparison.
    #[test]
    fn no_other_order_is_better() {
        let table =
            Weights::new(6, 6, |row, column| f64::from(((row * 31 + column * 17 + row * column * 7) % 23) as u32));
        let sum: f64 = best_pairs(&table).into_iter().map(|(row, column)| table.at(row, column)).sum();
        assert_eq!(sum, best_by_trial(&table, 0, &mut vec![false; 6]));
    }

    fn best_by_trial(table: &Weights, row: usize, used: &mut Vec<bool>) -> f64 {
        if row == table.rows {
            return 0.0;
        }
        let mut best = f64::NEG_INFINITY;
        for column in 0..table.columns {
            if !used[column] {
                used[column] = true;
                best = best.max(table.at(row, column) + best_by_trial(table, row + 1, used));
                used[column] = false;
            }
        }
        best
    }
}
