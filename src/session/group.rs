//! Which objects have to do with each other: those of one phrase, and what the user began with everything.

/// Objects of one phrase; `None` for what the user began without a phrase.
pub type Group = Option<usize>;

/// True when two objects may be one thing. Phrases are independent: a thing that two of them name is two objects. What
/// the user began belongs to every phrase, so that no phrase begins it again.
pub fn compete(a: Group, b: Group) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_apart_and_the_users_objects_are_everywhere() {
        assert!(compete(Some(1), Some(1)) && !compete(Some(1), Some(2)));
        assert!(compete(None, Some(1)) && compete(Some(2), None) && compete(None, None));
    }
}
