//! What did not fit, in words.

use std::fmt;

/// Names shown of each list; the rest is counted.
const NAMES_SHOWN: usize = 4;

/// Tensors that are missing, unexpected or of another shape.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LoadReport {
    /// Wanted, not in the file: name and shape.
    pub missing: Vec<(String, Vec<i64>)>,
    /// In the file, not wanted.
    pub unexpected: Vec<String>,
    /// Name, shape wanted, shape found.
    pub mismatched: Vec<(String, Vec<i64>, Vec<i64>)>,
    /// Missing name and the most similar unexpected one.
    hint: Option<(String, String)>,
}

impl LoadReport {
    /// True when every tensor fits.
    pub fn is_clean(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.mismatched.is_empty()
    }

    /// Looks for the name that the first missing one may have been meant to be.
    pub(super) fn suggest(&mut self, names: &[String]) {
        let Some((missing, _)) = self.missing.first() else { return };
        let nearest = names.iter().min_by_key(|name| distance(missing, name));
        self.hint = nearest
            .filter(|name| distance(missing, name) * 4 <= missing.len())
            .map(|name| (missing.clone(), name.clone()));
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if !self.missing.is_empty() {
            let lines: Vec<_> = self.missing.iter().map(|(name, shape)| format!("{name} {shape:?}")).collect();
            parts.push(format!("{} missing ({})", lines.len(), shown(&lines)));
        }
        if !self.unexpected.is_empty() {
            parts.push(format!("{} unexpected ({})", self.unexpected.len(), shown(&self.unexpected)));
        }
        if !self.mismatched.is_empty() {
            let lines: Vec<_> = self
                .mismatched
                .iter()
                .map(|(name, wanted, found)| format!("{name} should be {wanted:?} and is {found:?}"))
                .collect();
            parts.push(format!("{} of another shape ({})", lines.len(), shown(&lines)));
        }
        if let Some((missing, nearest)) = &self.hint {
            parts.push(format!("perhaps {nearest} was meant to be {missing}"));
        }
        f.write_str(&parts.join("; "))
    }
}

fn shown(names: &[String]) -> String {
    let first = names.iter().take(NAMES_SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > NAMES_SHOWN { format!("{first}, …") } else { first }
}

/// Levenshtein distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_edits() {
        assert_eq!(distance("bias", "bais"), 2);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("neck", "neck"), 0);
    }

    #[test]
    fn long_lists_are_cut() {
        let report = LoadReport { unexpected: (0..9).map(|i| format!("m{i}")).collect(), ..LoadReport::default() };
        assert_eq!(report.to_string(), "9 unexpected (m0, m1, m2, m3, …)");
    }
}
