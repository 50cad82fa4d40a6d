//! The names that the hub gives to contents: SHA-256 for large files, git's blob id for small ones.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

const CHUNK_BYTES: usize = 1 << 20;

/// What a file must hash to; also the name of its blob in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checksum {
    /// Of the content.
    Sha256(String),
    /// Of git's header and the content.
    GitBlob(String),
}

impl Checksum {
    /// The one that a listing names; `None` for anything that is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        match text.len() {
            64 if is_hex => Some(Self::Sha256(text.into())),
            40 if is_hex => Some(Self::GitBlob(text.into())),
            _ => None,
        }
    }

    /// In hexadecimal digits.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sha256(text) | Self::GitBlob(text) => text,
        }
    }

    /// The checksum of the same kind of a file of `size_bytes`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of(&self, file: &mut File, path: &Path, size_bytes: u64) -> Result<String> {
        let read = |cause: std::io::Error| Error::File { path: path.into(), cause: format!("cannot be read: {cause}") };
        file.rewind().map_err(read)?;
        match self {
            Self::Sha256(_) => hex(Sha256::new(), file).map_err(read),
            Self::GitBlob(_) => hex(Sha1::new().chain_update(format!("blob {size_bytes}\0")), file).map_err(read),
        }
    }
}

fn hex(mut hash: impl Digest, file: &mut File) -> std::io::Result<String> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            count => hash.update(&chunk[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_are_those_of_git_and_sha256sum() {
        let path = std::env::temp_dir().join(format!("sa3-fetch-checksum-{}", std::process::id()));
        std::fs::write(&path, "what\n").unwrap();
        for text in [
            // `git hash-object` and `sha256sum` of the file.
            "f510eb21780143dc3ad1f6c0d033f05e623885b4",
            "a7809c1b1c4aaa50adfb68660a6273dd9c8d15e41818308f78c158d7bab5a694",
        ] {
            let expected = Checksum::parse(text).unwrap();
            assert_eq!(expected.of(&mut File::open(&path).unwrap(), &path, 5).unwrap(), text);
        }
        std::fs::remove_file(path).unwrap();
        for text in ["", "W/\"abc\"", "../../etc/passwd", &"g".repeat(64), &"A".repeat(40)] {
            assert_eq!(Checksum::parse(text), None);
        }
    }
}
