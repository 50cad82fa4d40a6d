//! The one table from the engine's errors to GStreamer's domains, and the one place that posts them.

use gst::prelude::*;
use gst::{ElementMessageType, LibraryError, ResourceError, StreamError};
use sa3::Error;
use sa3::error::FileAccess;

/// A GStreamer error code of any of the domains that we use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    Resource(ResourceError),
    Stream(StreamError),
    Library(LibraryError),
}

fn code(error: &Error) -> Code {
    match error {
        Error::ModelNotFound { .. } => Code::Resource(ResourceError::NotFound),
        Error::ModelFile { .. } => Code::Resource(ResourceError::Read),
        Error::Config { .. } | Error::Weights { .. } | Error::Setting { .. } => Code::Resource(ResourceError::Settings),
        Error::File { access: FileAccess::Open, .. } => Code::Resource(ResourceError::OpenWrite),
        Error::File { access: FileAccess::Write, .. } => Code::Resource(ResourceError::Write),
        Error::File { access: FileAccess::WriteFull, .. } => Code::Resource(ResourceError::NoSpaceLeft),
        Error::File { access: FileAccess::Read, .. } => Code::Resource(ResourceError::Read),
        Error::Frame(_) => Code::Stream(StreamError::Format),
        Error::Prompt { .. } => Code::Library(LibraryError::Settings),
        Error::Torch { .. } | Error::Artificial { .. } => Code::Library(LibraryError::Failed),
        Error::Closed => Code::Library(LibraryError::Shutdown),
    }
}

/// True for errors that will hit every following frame as well: the device or the engine is gone.
pub(crate) fn is_fatal(error: &Error) -> bool {
    matches!(error, Error::Torch { .. } | Error::Closed)
}

/// Posts an ERROR that says what the engine says.
pub(crate) fn post_error(element: &impl IsA<gst::Element>, error: &Error) {
    post(element, ElementMessageType::Error, error, &error.to_string());
}

/// Posts a WARNING of the error's domain with words of the caller's.
pub(crate) fn post_warning(element: &impl IsA<gst::Element>, error: &Error, text: &str) {
    post(element, ElementMessageType::Warning, error, text);
}

fn post(element: &impl IsA<gst::Element>, severity: ElementMessageType, error: &Error, text: &str) {
    let details = format!("{error:?}");
    let (text, details, module) = (Some(text), Some(details.as_str()), module_path!());
    match code(error) {
        Code::Resource(code) => element.message_full(severity, code, text, details, file!(), module, line!()),
        Code::Stream(code) => element.message_full(severity, code, text, details, file!(), module, line!()),
        Code::Library(code) => element.message_full(severity, code, text, details, file!(), module, line!()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_mistakes_and_devices_are_told_apart() {
        let missing = Error::ModelNotFound { model: "x".into(), cause: "y".into() };
        assert_eq!(code(&missing), Code::Resource(ResourceError::NotFound));
        assert!(!is_fatal(&missing) && !is_fatal(&Error::Frame("odd".into())));
        assert!(is_fatal(&Error::Closed));
    }
}
