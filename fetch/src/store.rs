//! The cache as Hugging Face's own libraries lay it out: blobs by checksum, a folder of links for each revision, and the
//! name of the current one.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::listing::{Remote, Repository};

/// One repository's part of the cache. What it made is taken back if the work is not finished; blobs stay.
pub struct Store {
    root: PathBuf,
    made: Vec<PathBuf>,
}

impl Store {
    /// Touches nothing yet.
    pub fn new(cache: &Path, repository: &Repository) -> Self {
        let folder = format!("models--{}", repository.to_string().replace('/', "--"));
        Self { root: cache.join(folder), made: Vec::new() }
    }

    /// The repository's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes the folder for blobs.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn open(&mut self) -> Result<()> {
        self.make_folder(&self.root.join("blobs"))
    }

    /// Where a file's content lies.
    pub fn blob(&self, file: &Remote) -> PathBuf {
        self.root.join("blobs").join(file.checksum.as_str())
    }

    /// Whether the content is there; its name was only given to it when its checksum was right.
    pub fn has(&self, file: &Remote) -> bool {
        fs::metadata(self.blob(file)).is_ok_and(|blob| blob.is_file() && blob.len() == file.size_bytes)
    }

    /// Gives the contents their names, then makes this revision the current one. Returns its folder.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn publish(&mut self, commit: &str, files: &[&Remote]) -> Result<PathBuf> {
        let folder = self.root.join("snapshots").join(commit);
        self.make_folder(&folder)?;
        for file in files {
            self.link(&folder.join(&file.name), &Path::new("../../blobs").join(file.checksum.as_str()))?;
        }
        let refs = self.root.join("refs");
        self.make_folder(&refs)?;
        let (current, next) = (refs.join("main"), refs.join("main.partial"));
        self.made.push(next.clone());
        let written = fs::write(&next, commit).and_then(|()| fs::rename(&next, &current));
        written.map_err(|cause| Error::writing(&current, 1, &cause))?;
        self.made.clear();
        Ok(folder)
    }

    fn make_folder(&mut self, folder: &Path) -> Result<()> {
        let missing: Vec<_> = folder.ancestors().take_while(|place| !place.exists()).map(Path::to_owned).collect();
        for place in missing.into_iter().rev() {
            match fs::create_dir(&place) {
                Ok(()) => self.made.push(place),
                Err(_) if place.is_dir() => {}
                Err(cause) => return Err(Error::writing(&place, 1, &cause)),
            }
        }
        Ok(())
    }

    fn link(&mut self, name: &Path, target: &Path) -> Result<()> {
        if fs::read_link(name).is_ok_and(|found| found == target) {
            return Ok(());
        }
        let partial = name.with_added_extension("partial");
        self.made.extend([name.to_owned(), partial.clone()]);
        let linked = remove(&partial)
            .and_then(|()| std::os::unix::fs::symlink(target, &partial))
            .and_then(|()| fs::rename(&partial, name));
        linked.map_err(|cause| Error::writing(name, 1, &cause))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        for place in self.made.iter().rev() {
            // A folder that holds something by now stays: that is what can be gone on with.
            let _ = fs::remove_file(place).or_else(|_| fs::remove_dir(place));
        }
    }
}

/// Removes a file; one that is not there is no error.
pub fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(cause),
        _ => Ok(()),
    }
}
