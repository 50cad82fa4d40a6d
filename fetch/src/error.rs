//! What can go wrong, each with the thing to do about it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::progress::readable;

/// What every fallible function of this program returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Why nothing, or not all, was fetched.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A variable or a file that says where to, where from or as whom cannot be used.
    #[error("{what}: {cause}\n  remedy: {remedy}")]
    Environment { what: String, cause: String, remedy: &'static str },
    /// The server cannot be reached, or does not go on.
    #[error(
        "{host} cannot be reached: {cause}\n  remedy: check the network and, where there is one, the proxy (HTTPS_PROXY); \
         HF_ENDPOINT names a mirror; a model that was downloaded elsewhere can be copied: model=/path/to/folder"
    )]
    Network { host: String, cause: String },
    /// Gated, and the user did not say who they are.
    #[error(
        "{repository} is gated, and there is no token that says who asks{said}\n  remedy: request access at {page}, make a \
         token that may read at {endpoint}/settings/tokens, then set HF_TOKEN to it, or run `hf auth login`"
    )]
    TokenMissing { repository: String, page: String, endpoint: String, said: String },
    /// The server does not know the token.
    #[error(
        "the token from {origin} is not accepted: it has expired, was revoked, or is not written correctly{said}\n  \
         remedy: make a new one that may read at {endpoint}/settings/tokens, and put it into {origin}; a gated model also \
         wants you to request access at {page}"
    )]
    TokenRefused { origin: String, page: String, endpoint: String, said: String },
    /// Gated, and this user is not let in.
    #[error(
        "access to {repository} is not granted to the owner of the token from {origin}{said}\n  remedy: request access at \
         {page} and wait for the mail that grants it; a fine-grained token also needs the permission to read public gated \
         repositories ({endpoint}/settings/tokens)"
    )]
    AccessNotGranted { repository: String, page: String, endpoint: String, origin: String, said: String },
    /// No such repository, or a private one.
    #[error(
        "there is no repository {repository} on {endpoint}, or it is private{said}\n  remedy: check the name at {page}; \
         for a private one set HF_TOKEN to a token of its owner"
    )]
    NotFound { repository: String, page: String, endpoint: String, said: String },
    /// The server has a fault of its own, or too much to do.
    #[error("{url} answered {status}{said}\n  remedy: try again later; what has arrived is kept")]
    Server { url: String, status: u16, said: String },
    /// The server answered something else than the hub does.
    #[error("{url} gave an answer that is not understood: {cause}\n  remedy: check HF_ENDPOINT, or try again later")]
    Answer { url: String, cause: String },
    /// Nothing in there that sa3 reads.
    #[error(
        "{repository} holds no model that sa3 reads: {cause}\n  remedy: choose one with config.json, tokenizer.json and \
         model.safetensors (or its shards), or with sam3.pt: facebook/sam3"
    )]
    NoModel { repository: String, cause: String },
    /// The user said no.
    #[error("the licence was not accepted; nothing was fetched")]
    Declined,
    /// There is nobody to ask.
    #[error(
        "the licence must be accepted, and there is no terminal to ask on; nothing was fetched\n  remedy: read it at \
         {page}, then run the command in a terminal, or add --accept-licence"
    )]
    NobodyToAsk { page: String },
    /// The cache refuses to be written.
    #[error(
        "{} cannot be written: {cause}\n  remedy: set HF_HOME or HF_HUB_CACHE to a folder that you may write, also for the \
         programs that use the model", path.display()
    )]
    ReadOnly { path: PathBuf, cause: String },
    /// No room.
    #[error(
        "the disk is full: {} needs {} more\n  remedy: free that much, or set HF_HOME to a folder on another disk, and run \
         the command again; what has arrived is kept", path.display(), readable(*missing_bytes)
    )]
    DiskFull { path: PathBuf, missing_bytes: u64 },
    /// Anything else that files do.
    #[error("{}: {cause}", path.display())]
    File { path: PathBuf, cause: String },
    /// Somebody else is at it.
    #[error("another program is fetching {}\n  remedy: let it finish, then run the command again", path.display())]
    Busy { path: PathBuf },
    /// The connection ended too early, again and again.
    #[error(
        "the download of {file} was interrupted at {} of {}: {cause}\n  remedy: run the command again; it goes on from \
         there", readable(*had_bytes), readable(*size_bytes)
    )]
    Interrupted { file: String, had_bytes: u64, size_bytes: u64, cause: String },
    /// Not the bytes that were promised.
    #[error(
        "{file} did not arrive as it was published: its checksum is {found}, not {expected}; it was removed\n  remedy: run \
         the command again; if it stays, a proxy or the mirror (HF_ENDPOINT) changes files"
    )]
    Checksum { file: String, expected: String, found: String },
}

impl Error {
    /// An error of a file that is written; `missing_bytes` is what still has to be stored.
    pub fn writing(path: &Path, missing_bytes: u64, cause: &std::io::Error) -> Self {
        let path = path.to_owned();
        match cause.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Self::DiskFull { path, missing_bytes }
            }
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { path, cause: cause.to_string() }
            }
            _ => Self::File { path, cause: cause.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_and_read_only_disks_are_told_apart() {
        let text = |kind: ErrorKind| Error::writing(Path::new("/cache/x"), 3_000_000, &kind.into()).to_string();
        assert!(text(ErrorKind::StorageFull).contains("/cache/x needs 3 MB more"));
        assert!(text(ErrorKind::QuotaExceeded).contains("disk is full"));
        assert!(text(ErrorKind::ReadOnlyFilesystem).contains("HF_HUB_CACHE"));
        assert!(text(ErrorKind::PermissionDenied).contains("cannot be written"));
        assert!(!text(ErrorKind::Interrupted).contains("disk is full"));
    }
}
