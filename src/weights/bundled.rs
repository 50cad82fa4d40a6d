//! The model that is part of the program: sa3-nano.

/// The files of a model, compiled in.
#[derive(Debug, Clone, Copy)]
pub struct BundledModel {
    /// config.json.
    pub config: &'static str,
    /// sa3.json.
    pub recommendations: &'static str,
    /// tokenizer.json.
    pub tokenizer: &'static [u8],
    /// model.safetensors.
    pub weights: &'static [u8],
}

/// The bundled model, `None` when the crate was built without the feature `bundled`.
#[cfg(feature = "bundled")]
pub fn bundled() -> Option<BundledModel> {
    Some(BundledModel {
        config: include_str!("../../models/sa3-nano/config.json"),
        recommendations: include_str!("../../models/sa3-nano/sa3.json"),
        tokenizer: include_bytes!("../../models/sa3-nano/tokenizer.json"),
        weights: include_bytes!("../../models/sa3-nano/model.safetensors"),
    })
}

/// The bundled model, `None` when the crate was built without the feature `bundled`.
#[cfg(not(feature = "bundled"))]
pub fn bundled() -> Option<BundledModel> {
    None
}
