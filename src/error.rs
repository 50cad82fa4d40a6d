//! What can go wrong, one variant per thing a caller can act on.
//!
//! Every message names the cause, the file or property, the legal range and the remedy. The engine
//! never logs: an error is returned once and handled once, at the edge.

use std::path::PathBuf;

/// The engine's result.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything the engine refuses or fails at.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// `model` names nothing that can be loaded.
    #[error(
        "model \"{model}\" was not found: {cause}. Use \"nano\" (bundled), \"test\" (artificial), the path of a \
         checkpoint directory (config.json with model.safetensors) or file (sam3.pt), or the owner/name of a model in \
         the Hugging Face cache"
    )]
    ModelNotFound {
        /// The text the user gave.
        model: String,
        /// What was looked for and where.
        cause: String,
    },
    /// A file of the model cannot be read or is not what its name says.
    #[error("{}: {cause}. {remedy}", path.display())]
    ModelFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
        /// What to do.
        remedy: String,
    },
    /// config.json describes a model that cannot be built.
    #[error("config.json: {field} is {value}, which {rule}")]
    Config {
        /// The field, dotted from the root of the file.
        field: String,
        /// The value found.
        value: String,
        /// The rule it breaks, as the end of a sentence.
        rule: String,
    },
    /// The checkpoint's tensors do not fit the model that its config.json describes.
    #[error("the checkpoint does not fit its config.json: {report}")]
    Weights {
        /// Missing, unexpected and mismatched tensors.
        report: String,
    },
    /// `device`, `precision` or another setting has a value outside its range.
    #[error("{property}=\"{value}\" is not possible: {cause}. {remedy}")]
    Setting {
        /// The property's name.
        property: &'static str,
        /// The value given.
        value: String,
        /// Why not.
        cause: String,
        /// What to do.
        remedy: String,
    },
    /// A file that is written or read beside the stream.
    #[error("{}: {cause}. {remedy}", path.display())]
    File {
        /// What was to be done with it.
        access: FileAccess,
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it, and where in it.
        cause: String,
        /// What to do.
        remedy: String,
    },
    /// A frame the engine cannot take.
    #[error("frame refused: {0}")]
    Frame(String),
    /// A prompt the engine cannot take.
    #[error("prompt \"{prompt}\" refused: {cause}")]
    Prompt {
        /// The phrase.
        prompt: String,
        /// Why, and the legal range.
        cause: String,
    },
    /// libtorch failed inside a forward pass or while loading (out of memory, missing kernel, lost device).
    #[error("libtorch failed in {stage}: {message}")]
    Torch {
        /// What was being done.
        stage: &'static str,
        /// libtorch's own words.
        message: String,
    },
    /// The artificial engine was told to fail.
    #[error("the artificial engine failed on frame {frame}, as model=\"{model}\" asks")]
    Artificial {
        /// Frame number, from 0.
        frame: u64,
        /// The model text that asked for it.
        model: String,
    },
    /// The engine's thread is gone (it was closed while the request waited).
    #[error("the engine was closed before the frame was processed")]
    Closed,
}

/// What was to be done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileAccess {
    /// Opened to be written.
    Open,
    /// Written.
    Write,
    /// Written, and the disk is full.
    WriteFull,
    /// Read.
    Read,
}
