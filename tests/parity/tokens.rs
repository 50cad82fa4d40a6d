//! Token ids against transformers' CLIPTokenizer with the bundled tokenizer.json.

use sa3::text::Tokenizer;
use serde::Deserialize;

use crate::fixtures::{Fixtures, folder};

#[derive(Deserialize)]
struct Phrase {
    text: String,
    ids: Vec<i64>,
}

#[test]
fn phrases_have_the_ids_of_the_reference() {
    let phrases: Vec<Phrase> =
        serde_json::from_slice(&std::fs::read(folder().join(Fixtures::read().tokens)).unwrap()).unwrap();
    assert!(phrases.len() >= 200);
    let tokenizer = Tokenizer::from_json(sa3::weights::bundled().unwrap().tokenizer, 1 << 16).unwrap();
    for phrase in phrases {
        assert_eq!(tokenizer.encode(&phrase.text).unwrap().ids, phrase.ids, "{:?}", phrase.text);
    }
}
