//! Models that other programs have downloaded: the cache that Hugging Face's libraries share. It is only ever read.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Reads a variable of the environment; tests give their own.
pub(super) type Environment<'e> = &'e dyn Fn(&str) -> Option<OsString>;

/// True for "owner/name" as the hub has them.
pub(super) fn is_repository(model: &str) -> bool {
    let is_part = |part: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        part.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric()) && part.bytes().all(is_letter)
    };
    model.split_once('/').is_some_and(|(owner, name)| is_part(owner) && is_part(name))
}

/// The folder with the files of a repository's main revision.
///
/// # Errors
/// [`Error::ModelNotFound`] with the folders that were looked at, and how to fetch it.
pub(super) fn snapshot(repository: &str, environment: Environment<'_>) -> Result<PathBuf> {
    let folder = format!("models--{}", repository.replace('/', "--"));
    let roots = roots(environment);
    let places: Vec<PathBuf> = roots.iter().map(|root| root.join(&folder)).collect();
    if let Some(found) = places.iter().find_map(|place| main_snapshot(place)) {
        return Ok(found);
    }
    let looked: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
    let incomplete = places.iter().find(|place| place.is_dir());
    let state = incomplete
        .map_or("there is no such file or directory, nor a model of that name".to_string(), |place| {
            format!("{} holds no complete download", place.display())
        });
    let looked = if looked.is_empty() { "none: HOME is not set".into() } else { looked.join(", ") };
    Err(Error::ModelNotFound {
        model: repository.into(),
        cause: format!(
            "{state} in the Hugging Face cache (folders looked at: {looked}). `cargo xtask fetch {repository}` \
             downloads it; nothing is downloaded without being asked for"
        ),
    })
}

/// Where the cache may be, the user's own choice first.
fn roots(environment: Environment<'_>) -> Vec<PathBuf> {
    let under = |variable: &str, below: &str| {
        let value = environment(variable).filter(|value| !value.is_empty())?;
        Some(if below.is_empty() { PathBuf::from(value) } else { Path::new(&value).join(below) })
    };
    let mut roots: Vec<PathBuf> = Vec::new();
    for root in [
        under("HF_HUB_CACHE", ""),
        under("HUGGINGFACE_HUB_CACHE", ""),
        under("HF_HOME", "hub"),
        under("XDG_CACHE_HOME", "huggingface/hub"),
        under("HOME", ".cache/huggingface/hub"),
    ] {
        roots.extend(root.filter(|root| !roots.contains(root)));
    }
    roots
}

/// The snapshot that `refs/main` names; without that file, the only one there is.
fn main_snapshot(place: &Path) -> Option<PathBuf> {
    let snapshots = place.join("snapshots");
    let Ok(revision) = std::fs::read_to_string(place.join("refs/main")) else {
        let mut found = std::fs::read_dir(snapshots).ok()?.flatten().map(|entry| entry.path());
        return found.next().filter(|path| path.is_dir() && found.next().is_none());
    };
    let revision = revision.trim();
    let is_hash = !revision.is_empty() && revision.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Some(snapshots.join(revision)).filter(|path| is_hash && path.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Cache(PathBuf);

    impl Cache {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("sa3-hub-{}-{name}", std::process::id()));
            Self(folder)
        }

        fn repository(&self, root: &str) -> PathBuf {
            let place = self.0.join(root).join("models--facebook--sam3");
            std::fs::create_dir_all(place.join("refs")).unwrap();
            std::fs::create_dir_all(place.join("snapshots/abc123")).unwrap();
            place
        }

        fn find(&self, variable: &str, value: &str) -> std::result::Result<PathBuf, String> {
            let value = self.0.join(value).into_os_string();
            let environment = |name: &str| (name == variable).then(|| value.clone());
            snapshot("facebook/sam3", &environment).map_err(|error| error.to_string())
        }
    }

    impl Drop for Cache {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn names_of_repositories_are_told_from_paths() {
        assert!(is_repository("facebook/sam3") && is_repository("a-b/c_d.e"));
        for path in ["nano", "./models", "../sam3", "/facebook/sam3", "a/b/c", "a/", "/b", "a/.b", "a b/c", "é/b"] {
            assert!(!is_repository(path), "{path}");
        }
    }

    #[test]
    fn every_variable_leads_to_the_main_snapshot() {
        let cache = Cache::new("variables");
        for (variable, value, root) in [
            ("HF_HUB_CACHE", "a", "a"),
            ("HUGGINGFACE_HUB_CACHE", "b", "b"),
            ("HF_HOME", "c", "c/hub"),
            ("XDG_CACHE_HOME", "d", "d/huggingface/hub"),
            ("HOME", "e", "e/.cache/huggingface/hub"),
        ] {
            let place = cache.repository(root);
            std::fs::create_dir_all(place.join("snapshots/older")).unwrap();
            std::fs::write(place.join("refs/main"), "abc123\n").unwrap();
            assert_eq!(cache.find(variable, value).unwrap(), place.join("snapshots/abc123"), "{variable}");
        }
    }

    #[test]
    fn what_is_missing_comes_with_places_and_a_remedy() {
        let cache = Cache::new("missing");
        let place = cache.repository("hub");
        assert_eq!(cache.find("HF_HUB_CACHE", "hub").unwrap(), place.join("snapshots/abc123"));
        std::fs::create_dir_all(place.join("snapshots/other")).unwrap();
        assert!(cache.find("HF_HUB_CACHE", "hub").unwrap_err().contains("no complete download"));
        for revision in ["gone", "../../..", ""] {
            std::fs::write(place.join("refs/main"), revision).unwrap();
            assert!(cache.find("HF_HUB_CACHE", "hub").unwrap_err().contains("no complete download"), "{revision}");
        }
        let nowhere = cache.find("HF_HOME", "elsewhere").unwrap_err();
        let looked = cache.0.join("elsewhere/hub/models--facebook--sam3");
        assert!(nowhere.contains("cargo xtask fetch facebook/sam3") && nowhere.contains(looked.to_str().unwrap()));
        assert!(snapshot("a/b", &|_| None).unwrap_err().to_string().contains("HOME is not set"));
    }
}
