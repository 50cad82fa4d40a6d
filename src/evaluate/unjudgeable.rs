//! Why a file or folder cannot be judged.

use std::fmt::Display;
use std::path::{Path, PathBuf};

/// What reading masks and tracks results in.
pub type Attempt<T> = Result<T, Unjudgeable>;

/// A file or folder of truth or predictions that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {cause}. {remedy}", path.display())]
pub struct Unjudgeable {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong with it, and where in it.
    pub cause: String,
    /// What was expected, or what to do.
    pub remedy: String,
}

impl Unjudgeable {
    pub(crate) fn new(path: &Path, cause: impl Display, remedy: impl Display) -> Self {
        Self { path: path.into(), cause: cause.to_string(), remedy: remedy.to_string() }
    }
}
