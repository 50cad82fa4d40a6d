//! Phrases to prompt tokens, each phrase encoded once.

mod encoder;
mod tokenizer;

pub use encoder::{TextEncoder, TextLayerOutputs};
pub use tokenizer::{Tokenizer, Tokens};

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tch::Tensor;

/// Phrases kept; the oldest goes when another comes.
const MAX_CACHED_PHRASES: usize = 256;

/// Encoded phrases, [T, D] each, by text.
#[derive(Debug, Default)]
pub struct PhraseCache {
    features: HashMap<Arc<str>, Tensor>,
    order: VecDeque<Arc<str>>,
}

impl PhraseCache {
    /// The features of `phrase`, [T, D], computed by `encode` the first time.
    pub fn get_or_encode(&mut self, phrase: &Arc<str>, encode: impl FnOnce() -> Tensor) -> Tensor {
        if let Some(found) = self.features.get(phrase) {
            return found.shallow_clone();
        }
        if self.order.len() == MAX_CACHED_PHRASES
            && let Some(oldest) = self.order.pop_front()
        {
            self.features.remove(&oldest);
        }
        let features = encode();
        self.order.push_back(phrase.clone());
        self.features.insert(phrase.clone(), features.shallow_clone());
        features
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_bounded_and_encodes_once() {
        let mut cache = PhraseCache::default();
        let mut encoded = 0;
        for index in 0..=MAX_CACHED_PHRASES {
            for _ in 0..2 {
                let features = cache.get_or_encode(&index.to_string().into(), || {
                    encoded += 1;
                    Tensor::from_slice(&[index as i64])
                });
                assert_eq!(features.int64_value(&[0]), index as i64);
            }
        }
        assert_eq!(encoded, MAX_CACHED_PHRASES + 1);
        assert_eq!((cache.features.len(), cache.order.len()), (MAX_CACHED_PHRASES, MAX_CACHED_PHRASES));
        assert!(!cache.features.contains_key("0"));
    }
}
