//! Where from, where to and as whom: the variables and files that Hugging Face's own programs use.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

const PUBLIC_HUB: &str = "https://huggingface.co";

/// Reads a variable; tests give their own.
type Variables<'v> = &'v dyn Fn(&str) -> Option<OsString>;

/// What the user has set up.
pub struct Environment {
    /// The server, without a slash at its end.
    pub endpoint: String,
    /// The folder of all repositories.
    pub cache: PathBuf,
    /// Who asks.
    pub token: Option<Token>,
}

/// A secret, which is sent to the endpoint alone and never shown.
pub struct Token {
    /// The secret.
    pub text: String,
    /// The variable or file that it is from.
    pub origin: String,
}

impl Environment {
    /// Reads the variables, and the token's file.
    ///
    /// # Errors
    /// When one of them makes no sense, or the network is switched off.
    pub fn read(variables: Variables<'_>) -> Result<Self> {
        let value = |name: &str| variables(name).filter(|value| !value.is_empty());
        let is_on =
            |value: OsString| matches!(value.to_string_lossy().to_uppercase().as_str(), "1" | "ON" | "YES" | "TRUE");
        if value("HF_HUB_OFFLINE").is_some_and(is_on) {
            let cause = "it forbids to use the network, which fetching does".into();
            return Err(Error::Environment { what: "HF_HUB_OFFLINE".into(), cause, remedy: "`unset HF_HUB_OFFLINE`" });
        }
        Ok(Self { endpoint: endpoint(&value)?, cache: cache(&value)?, token: token(&value)? })
    }
}

fn endpoint(value: Variables<'_>) -> Result<String> {
    let Some(named) = value("HF_ENDPOINT") else {
        return Ok(PUBLIC_HUB.into());
    };
    let named = named.to_string_lossy().trim_end_matches('/').to_owned();
    let is_url = named.parse::<ureq::http::Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    });
    if is_url {
        return Ok(named);
    }
    let cause = format!("{named:?} is no address");
    Err(Error::Environment { what: "HF_ENDPOINT".into(), cause, remedy: "set it to https://… or unset it" })
}

/// The first of the folders in which the engine looks.
fn cache(value: Variables<'_>) -> Result<PathBuf> {
    let places = [
        ("HF_HUB_CACHE", ""),
        ("HUGGINGFACE_HUB_CACHE", ""),
        ("HF_HOME", "hub"),
        ("XDG_CACHE_HOME", "huggingface/hub"),
        ("HOME", ".cache/huggingface/hub"),
    ];
    let found = places.into_iter().find_map(|(variable, below)| {
        let folder = PathBuf::from(value(variable)?);
        Some(if below.is_empty() { folder } else { folder.join(below) })
    });
    let found = found.ok_or_else(|| Error::Environment {
        what: "the Hugging Face cache".into(),
        cause: "HOME is not set".into(),
        remedy: "set HF_HOME to the folder for it",
    })?;
    std::path::absolute(&found).map_err(|cause| Error::File { path: found, cause: cause.to_string() })
}

fn token(value: Variables<'_>) -> Result<Option<Token>> {
    for variable in ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"] {
        if let Some(text) = value(variable) {
            return Token::new(&text.to_string_lossy(), variable);
        }
    }
    let below = |variable: &str, path: &str| value(variable).map(|folder| Path::new(&folder).join(path));
    let files = [
        value("HF_TOKEN_PATH").map(PathBuf::from),
        below("HF_HOME", "token"),
        below("XDG_CACHE_HOME", "huggingface/token"),
        below("HOME", ".cache/huggingface/token"),
    ];
    for path in files.into_iter().flatten() {
        match std::fs::read_to_string(&path) {
            Ok(text) => return Token::new(&text, &path.display().to_string()),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {}
            Err(cause) => {
                let (what, cause) = (path.display().to_string(), cause.to_string());
                return Err(Error::Environment { what, cause, remedy: "mend the file, or set HF_TOKEN" });
            }
        }
    }
    Ok(None)
}

impl Token {
    fn new(text: &str, origin: &str) -> Result<Option<Self>> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Some(Self { text: text.into(), origin: origin.into() }));
        }
        let cause = "it holds something else than a token (one word of letters, digits and signs)".into();
        Err(Error::Environment { what: origin.into(), cause, remedy: "copy the token again: it begins with hf_" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Environment> {
        let home = ("HOME", "/home/you");
        let find =
            |name: &str| pairs.iter().chain([&home]).find(|(key, _)| *key == name).map(|(_, value)| value.into());
        Environment::read(&find)
    }

    #[test]
    fn the_cache_is_where_the_engine_looks_first() {
        let cache = |pairs: &[(&str, &str)]| read(pairs).unwrap().cache;
        assert_eq!(cache(&[]), Path::new("/home/you/.cache/huggingface/hub"));
        assert_eq!(cache(&[("XDG_CACHE_HOME", "/x")]), Path::new("/x/huggingface/hub"));
        assert_eq!(cache(&[("XDG_CACHE_HOME", "/x"), ("HF_HOME", "/y")]), Path::new("/y/hub"));
        assert_eq!(cache(&[("HF_HOME", "/y"), ("HF_HUB_CACHE", "/z")]), Path::new("/z"));
    }

    #[test]
    fn a_variable_goes_before_the_file_and_nonsense_is_refused_unseen() {
        let folder = std::env::temp_dir().join(format!("sa3-fetch-token-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("token"), "hf_file\n").unwrap();
        let home = ("HF_HOME", folder.to_str().unwrap());
        let token = |pairs: &[(&str, &str)]| read(pairs).unwrap().token.map(|token| token.text);
        assert_eq!(token(&[home]).as_deref(), Some("hf_file"));
        assert_eq!(token(&[home, ("HUGGING_FACE_HUB_TOKEN", "hf_old")]).as_deref(), Some("hf_old"));
        assert_eq!(
            token(&[home, ("HF_TOKEN", "hf_new"), ("HUGGING_FACE_HUB_TOKEN", "hf_old")]).as_deref(),
            Some("hf_new")
        );
        assert_eq!(token(&[]), None);
        let error = read(&[("HF_TOKEN", "hf_one two")]).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("HF_TOKEN") && !error.contains("hf_one"), "{error}");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_mirror_must_be_an_address_and_offline_means_offline() {
        assert_eq!(read(&[]).unwrap().endpoint, PUBLIC_HUB);
        assert_eq!(read(&[("HF_ENDPOINT", "http://mirror:8080/hub/")]).unwrap().endpoint, "http://mirror:8080/hub");
        for wrong in ["mirror", "ftp://mirror", "https://"] {
            assert!(read(&[("HF_ENDPOINT", wrong)]).map(|_| ()).unwrap_err().to_string().contains("HF_ENDPOINT"));
        }
        assert!(read(&[("HF_HUB_OFFLINE", "true")]).map(|_| ()).unwrap_err().to_string().contains("unset"));
        assert!(read(&[("HF_HUB_OFFLINE", "0")]).is_ok());
    }
}
