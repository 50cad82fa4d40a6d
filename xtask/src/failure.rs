//! Why a command stopped, told so that the reader can act on it.

use std::fmt::{self, Display};

/// A cause and, where there is one, the thing to do about it.
#[derive(Debug)]
pub struct Failure {
    cause: String,
    remedy: Option<String>,
}

/// What every fallible function of this crate returns.
pub type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// A failure with a cause alone.
    pub fn new(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), remedy: None }
    }

    /// Adds what the reader can do.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The cause, without the remedy.
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// The remedy, or an empty text.
    pub fn remedy_text(&self) -> &str {
        self.remedy.as_deref().unwrap_or_default()
    }
}

impl Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.cause)?;
        match &self.remedy {
            Some(remedy) => write!(out, "\n  remedy: {remedy}"),
            None => Ok(()),
        }
    }
}

/// Says what was being done when something else's error came.
pub trait Context<T> {
    /// Turns the error into a [`Failure`] that begins with `doing`.
    fn context(self, doing: impl FnOnce() -> String) -> Outcome<T>;
}

impl<T, E: Display> Context<T> for Result<T, E> {
    fn context(self, doing: impl FnOnce() -> String) -> Outcome<T> {
        self.map_err(|cause| Failure::new(format!("{}: {cause}", doing())))
    }
}
