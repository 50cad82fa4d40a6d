//! Dotted version numbers, compared as far as they are written.

/// The numbers of `1.22.0-2`, as far as they go: `[1, 22, 0]`.
fn numbers(version: &str) -> Vec<u64> {
    let dotted = version.trim().split(|c: char| !(c.is_ascii_digit() || c == '.')).next().unwrap_or_default();
    dotted.split('.').map_while(|number| number.parse().ok()).collect()
}

/// Whether `found` is `wanted` or newer; a version without a number is older than any.
pub fn at_least(found: &str, wanted: &str) -> bool {
    numbers(found) >= numbers(wanted)
}

/// `2.11.0` of `2.11.0+cu130`: the release without the name of the build.
pub fn release(version: &str) -> &str {
    version.trim().split('+').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_as_numbers() {
        assert!(at_least("1.22.0", "1.22"));
        assert!(at_least("1.100.1", "1.22"));
        assert!(at_least("1.22", "1.22"));
        assert!(!at_least("1.20.7", "1.22"));
        assert!(!at_least("", "1.22"));
        assert!(at_least("1.24.2-1ubuntu3", "1.24.2"));
    }

    #[test]
    fn the_build_is_no_part_of_the_release() {
        assert_eq!(release("2.11.0+cu130\n"), "2.11.0");
        assert_eq!(release("2.11.0"), "2.11.0");
    }
}
