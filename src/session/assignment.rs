//! Pairs of rows and columns: all together as good as possible, or the best pair first.

use std::collections::HashSet;

/// Pairs each row with a column of its own, or each column with a row when there are fewer, so that the values of the
/// pairs are largest together (Hungarian method, in O(n²·m)).
pub fn best_assignment(rows: &[&[f32]]) -> Vec<(usize, usize)> {
    let columns = rows.first().map_or(0, |row| row.len());
    if rows.len() <= columns {
        return assign(rows.len(), columns, |row, column| rows[row][column]);
    }
    let turned = assign(columns, rows.len(), |column, row| rows[row][column]);
    turned.into_iter().map(|(column, row)| (row, column)).collect()
}

/// Shortest augmenting paths with potentials; needs `rows <= columns`. Position 0 is a column that stands for none.
fn assign(rows: usize, columns: usize, value: impl Fn(usize, usize) -> f32) -> Vec<(usize, usize)> {
    let cost = |row: usize, column: usize| 1.0 - f64::from(value(row - 1, column - 1));
    let (mut row_potential, mut column_potential) = (vec![0.0; rows + 1], vec![0.0; columns + 1]);
    let mut row_of = vec![0; columns + 1];
    for row in 1..=rows {
        row_of[0] = row;
        let mut slack = vec![f64::INFINITY; columns + 1];
        let mut came_from = vec![0; columns + 1];
        let mut is_done = vec![false; columns + 1];
        let mut column = 0;
        while row_of[column] != 0 {
            is_done[column] = true;
            let (mut smallest, mut next) = (f64::INFINITY, 0);
            for other in (1..=columns).filter(|&other| !is_done[other]) {
                let reduced = cost(row_of[column], other) - row_potential[row_of[column]] - column_potential[other];
                if reduced < slack[other] {
                    (slack[other], came_from[other]) = (reduced, column);
                }
                if slack[other] < smallest {
                    (smallest, next) = (slack[other], other);
                }
            }
            for other in 0..=columns {
                if is_done[other] {
                    row_potential[row_of[other]] += smallest;
                    column_potential[other] -= smallest;
                } else {
                    slack[other] -= smallest;
                }
            }
            column = next;
        }
        while column != 0 {
            row_of[column] = row_of[came_from[column]];
            column = came_from[column];
        }
    }
    (1..=columns).filter(|&column| row_of[column] != 0).map(|column| (row_of[column] - 1, column - 1)).collect()
}

/// Pairs by the largest value first, each row and column once; pairs below `least` are not made. Of equal values the
/// first row, then the first column.
pub fn greedy_assignment(mut pairs: Vec<(usize, usize, f32)>, least: f32) -> Vec<(usize, usize)> {
    pairs.retain(|(_, _, value)| *value >= least);
    pairs.sort_by(|a, b| b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1))));
    let (mut rows, mut columns) = (HashSet::new(), HashSet::new());
    pairs.retain(|(row, column, _)| {
        !rows.contains(row) && !columns.contains(column) && { rows.insert(*row) && columns.insert(*column) }
    });
    pairs.into_iter().map(|(row, column, _)| (row, column)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(mut pairs: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
        pairs.sort_unstable();
        pairs
    }

    #[test]
    fn together_is_better_than_best_first() {
        let rows: [&[f32]; 2] = [&[0.9, 0.8], &[0.85, 0.1]];
        assert_eq!(sorted(best_assignment(&rows)), [(0, 1), (1, 0)]);
        let pairs = vec![(0, 0, 0.9), (0, 1, 0.8), (1, 0, 0.85), (1, 1, 0.1)];
        assert_eq!(sorted(greedy_assignment(pairs.clone(), 0.0)), [(0, 0), (1, 1)]);
        assert_eq!(greedy_assignment(pairs, 0.2), [(0, 0)]);
    }

    #[test]
    fn more_rows_than_columns_and_none_at_all() {
        let rows: [&[f32]; 3] = [&[0.2], &[0.7], &[0.6]];
        assert_eq!(best_assignment(&rows), [(1, 0)]);
        assert!(best_assignment(&[]).is_empty() && best_assignment(&[&[], &[]]).is_empty());
    }

    #[test]
    fn agrees_with_trying_every_order() {
        let value = |row: usize, column: usize| ((row * 7 + column * 13 + row * column * 5) % 11) as f32 / 11.0;
        let table: Vec<Vec<f32>> = (0..5).map(|row| (0..5).map(|column| value(row, column)).collect()).collect();
        let rows: Vec<&[f32]> = table.iter().map(Vec::as_slice).collect();
        let found: f32 = best_assignment(&rows).into_iter().map(|(row, column)| table[row][column]).sum();
        fn best(table: &[Vec<f32>], row: usize, taken: &mut Vec<usize>) -> f32 {
            let free: Vec<usize> = (0..5).filter(|column| !taken.contains(column)).collect();
            let of = |column: usize, taken: &mut Vec<usize>| {
                taken.push(column);
                let sum = table[row][column] + best(table, row + 1, taken);
                taken.pop();
                sum
            };
            free.into_iter().map(|column| of(column, taken)).fold(0.0, f32::max)
        }
        assert!((found - best(&table, 0, &mut Vec::new())).abs() < 1e-5);
    }
}
