//! The one place where libtorch's panics become errors.
//!
//! tch panics when libtorch throws. Model code may therefore read like the paper, and this guard turns the panic into
//! [`Error::Torch`] with libtorch's first line, printing nothing.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use crate::error::{Error, Result};

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; a panic inside becomes an error that names `stage`.
pub fn guarded<T>(stage: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    silence_guarded_panics();
    let was_guarded = IS_GUARDED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    IS_GUARDED.set(was_guarded);
    outcome.unwrap_or_else(|panic| Err(Error::Torch { stage, message: first_line(&*panic) }))
}

/// Installs, once, a panic hook that says nothing about panics this guard will report as errors.
fn silence_guarded_panics() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !IS_GUARDED.get() {
                previous(info);
            }
        }));
    });
}

fn first_line(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown failure");
    let text = text.split("Torch(\"").last().unwrap_or(text);
    text.lines().next().unwrap_or(text).split("\\nException raised").next().unwrap_or(text).trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_text() {
        let error = guarded::<()>("a test", || panic!("shapes do not fit\nmore")).unwrap_err();
        assert_eq!(error.to_string(), "libtorch failed in a test: shapes do not fit");
    }

    #[test]
    fn results_pass_through() {
        assert_eq!(guarded("a test", || Ok(3)).unwrap(), 3);
    }
}
