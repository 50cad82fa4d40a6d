//! Where things lie outside the checkout: the cache that all checkouts share, and the user's data folder.

use crate::failure::{Context, Failure, Outcome};
use crate::say::say;
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// `$XDG_CACHE_HOME/sa3`, shared by every checkout of this user.
pub fn cache() -> Outcome<PathBuf> {
    Ok(user_folder("XDG_CACHE_HOME", ".cache")?.join("sa3"))
}

/// Where GStreamer looks for the user's own plugins.
pub fn user_plugins() -> Outcome<PathBuf> {
    Ok(user_folder("XDG_DATA_HOME", ".local/share")?.join("gstreamer-1.0/plugins"))
}

fn user_folder(variable: &str, below_home: &str) -> Outcome<PathBuf> {
    let folder = xdg_folder(std::env::var_os(variable), std::env::var_os("HOME"), below_home);
    folder.ok_or_else(|| {
        Failure::new(format!("neither {variable} nor HOME is an absolute path")).remedy("set HOME to your home folder")
    })
}

/// The rule of the XDG base directories: the variable counts only as an absolute path.
fn xdg_folder(variable: Option<OsString>, home: Option<OsString>, below_home: &str) -> Option<PathBuf> {
    let named = variable.map(PathBuf::from).filter(|path| path.is_absolute());
    named.or_else(|| home.map(PathBuf::from).filter(|path| path.is_absolute()).map(|home| home.join(below_home)))
}

/// Takes the cache for this process until the file is dropped; waits, and says so, while another has it.
pub fn lock(cache: &Path) -> Outcome<File> {
    std::fs::create_dir_all(cache).context(|| format!("cannot make the cache folder {}", cache.display()))?;
    let path = cache.join("lock");
    let file = File::create(&path).context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            say!("wait  another set-up is at work in {}", cache.display());
            file.lock().context(|| format!("cannot lock {}", path.display()))?;
        }
        Err(TryLockError::Error(cause)) => {
            return Err(Failure::new(format!("cannot lock {}: {cause}", path.display())));
        }
    }
    Ok(file)
}

/// Removes a folder and all in it; one that is not there is no error.
pub fn clear(folder: &Path) -> Outcome<()> {
    match std::fs::remove_dir_all(folder) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::new(format!("cannot remove {}: {cause}", folder.display())))
        }
        _ => Ok(()),
    }
}

/// Bytes that the files below a folder occupy; links count as nothing.
pub fn size_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let sizes = entries.flatten().map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => size_bytes(&entry.path()),
        Ok(kind) if kind.is_file() => entry.metadata().map_or(0, |file| file.len()),
        _ => 0,
    });
    sizes.sum()
}

/// Bytes in the unit that people read: `437 MB`.
pub fn readable(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_variable_does_not_count() {
        let home = || Some(OsString::from("/home/you"));
        let folder = |variable: Option<&str>| xdg_folder(variable.map(OsString::from), home(), ".cache");
        assert_eq!(folder(Some("/fast/cache")), Some("/fast/cache".into()));
        assert_eq!(folder(Some("cache")), Some("/home/you/.cache".into()));
        assert_eq!(folder(Some("")), Some("/home/you/.cache".into()));
        assert_eq!(folder(None), Some("/home/you/.cache".into()));
        assert_eq!(xdg_folder(None, None, ".cache"), None);
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!(readable(999), "1 kB");
        assert_eq!(readable(437_900_000), "437 MB");
        assert_eq!(readable(4_640_000_000), "4.6 GB");
    }

    #[test]
    fn size_counts_files_below_and_no_links() {
        let folder = std::env::temp_dir().join(format!("sa3-xtask-size-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("below")).unwrap();
        std::fs::write(folder.join("below/file"), [0; 300]).unwrap();
        std::os::unix::fs::symlink("below/file", folder.join("link")).unwrap();
        assert_eq!(size_bytes(&folder), 300);
        clear(&folder).unwrap();
        clear(&folder).unwrap();
        assert!(!folder.exists());
    }
}
