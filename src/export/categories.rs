//! Labels as the numbered categories of COCO's documents.

use std::collections::HashMap;
use std::sync::Arc;

/// Labels that become categories; prompts may be without end.
const CATEGORIES_MAX: usize = 10_000;
/// The category of labels that came too late.
const LABEL_BEYOND_LIMIT: &str = "object";

/// Categories in the order in which their labels came, from 1.
#[derive(Debug, Clone, Default)]
pub(super) struct Categories {
    ids: HashMap<Arc<str>, u64>,
    names: Vec<Arc<str>>,
}

impl Categories {
    pub(super) fn id(&mut self, label: &Arc<str>) -> u64 {
        if let Some(id) = self.ids.get(label) {
            return *id;
        }
        let label: Arc<str> =
            if self.names.len() < CATEGORIES_MAX { label.clone() } else { Arc::from(LABEL_BEYOND_LIMIT) };
        if let Some(id) = self.ids.get(&label) {
            return *id;
        }
        self.names.push(label.clone());
        let id = self.names.len() as u64;
        self.ids.insert(label, id);
        id
    }

    /// The array of categories as JSON.
    pub(super) fn json(&self) -> String {
        let category = |(name, id): (&Arc<str>, u64)| serde_json::json!({ "id": id, "name": &**name }).to_string();
        format!("[{}]", self.names.iter().zip(1..).map(category).collect::<Vec<_>>().join(",\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_without_end_share_a_last_category() {
        let mut categories = Categories::default();
        let mut id = |label: &str| categories.id(&Arc::from(label));
        assert_eq!([id("dog"), id("cat"), id("dog")], [1, 2, 1]);
        (2..CATEGORIES_MAX).for_each(|number| assert_eq!(id(&format!("label {number}")), number as u64 + 1));
        let last = CATEGORIES_MAX as u64 + 1;
        assert_eq!([id("one more"), id("and one"), id("dog")], [last, last, 1]);
    }
}
