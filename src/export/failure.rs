//! What is said when a file cannot be opened, written or read.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::error::{Error, FileAccess};

pub(super) fn cannot_open(path: &Path, error: &io::Error) -> Error {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let remedy = match error.kind() {
        ErrorKind::NotFound if !parent.is_dir() => {
            format!("Make the folder {} first, or set location to another place", parent.display())
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "Set location to a place that this user may write to".into()
        }
        ErrorKind::IsADirectory => "It is a folder: set location to the name of a file in it".into(),
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
            "It has to be a folder: set location to the name of one, or of one to be made".into()
        }
        _ => "Set location to a place where files can be written".into(),
    };
    Error::File { access: FileAccess::Open, path: path.into(), cause: format!("it cannot be written: {error}"), remedy }
}

pub(super) fn cannot_write(path: &Path, error: &io::Error) -> Error {
    let (access, remedy) = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => (
            FileAccess::WriteFull,
            "Free space on that disk, or set location to another one; what was written before is kept",
        ),
        _ => (FileAccess::Write, "Set location to a file that can be written; what was written before is kept"),
    };
    let cause = format!("writing failed: {error}");
    Error::File { access, path: path.into(), cause, remedy: remedy.into() }
}
