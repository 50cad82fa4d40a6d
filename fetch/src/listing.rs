//! What a repository holds, and which of it sa3 needs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};
use std::path::Path;
use std::str::FromStr;

use serde::Deserialize;
use serde_json::Value;

use crate::checksum::Checksum;
use crate::error::{Error, Result};

const INDEX: &str = "model.safetensors.index.json";
/// The preferred first, as the engine prefers them.
const WEIGHTS: [&str; 3] = ["model.safetensors", INDEX, "sam3.pt"];
const NEEDED: [&str; 2] = ["config.json", "tokenizer.json"];
/// Small, and with them transformers reads the same folder.
const COMPANIONS: [&str; 8] = [
    "sa3.json",
    "processor_config.json",
    "preprocessor_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
];

/// "owner/name".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository(String);

impl FromStr for Repository {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let is_part = |part: &str| {
            let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            part.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric()) && part.bytes().all(is_letter)
        };
        match text.split_once('/') {
            Some((owner, name)) if is_part(owner) && is_part(name) => Ok(Self(text.into())),
            _ => Err("give it as owner/name, for example facebook/sam3".into()),
        }
    }
}

impl Display for Repository {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A file in the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Its path in the repository.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
    /// What it hashes to.
    pub checksum: Checksum,
}

impl Remote {
    /// Whether it names the shards of a checkpoint in several files.
    pub fn is_index(&self) -> bool {
        self.name == INDEX
    }
}

/// The main revision of a repository.
#[derive(Debug)]
pub struct Listing {
    /// The revision's hash.
    pub commit: String,
    /// The licence's short name, as its publisher gives it.
    pub licence: Option<String>,
    /// Where the publisher says that the licence stands.
    pub licence_link: Option<String>,
    repository: String,
    files: BTreeMap<String, Remote>,
}

#[derive(Deserialize)]
struct Told {
    sha: String,
    siblings: Vec<Sibling>,
    #[serde(rename = "cardData", default)]
    card: Value,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob_id: Option<String>,
    lfs: Option<Large>,
}

#[derive(Deserialize)]
struct Large {
    sha256: String,
    size: u64,
}

impl Listing {
    /// Reads the server's answer; an error is in words.
    pub fn parse(text: &str, repository: &Repository) -> std::result::Result<Self, String> {
        let told: Told = serde_json::from_str(text).map_err(|cause| cause.to_string())?;
        if !(told.sha.len() == 40 && told.sha.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            return Err("its revision is no hash".into());
        }
        let files = told.siblings.into_iter().filter(|file| is_wanted_kind(&file.rfilename)).map(remote);
        let files: std::result::Result<Vec<_>, _> = files.collect();
        let words = |name: &str| told.card.get(name).and_then(Value::as_str).map(printable);
        let licence = words("license_name").or_else(|| words("license"));
        let files = files?.into_iter().map(|file| (file.name.clone(), file)).collect();
        Ok(Self {
            commit: told.sha,
            licence,
            licence_link: words("license_link"),
            repository: repository.0.clone(),
            files,
        })
    }

    /// Everything to fetch but shards, the weights last.
    ///
    /// # Errors
    /// When the repository holds no model that the engine reads.
    pub fn choose(&self) -> Result<Vec<&Remote>> {
        let file = |name: &&str| self.files.get(*name);
        let missing = |cause: String| Error::NoModel { repository: self.repository.clone(), cause };
        let weights = WEIGHTS.iter().find_map(file).ok_or_else(|| {
            let state_of_3_1 = self.files.keys().any(|name| name.starts_with("sam3.1"));
            let reason = if state_of_3_1 { "; SAM 3.1 has another tracker, which is not supported yet" } else { "" };
            missing(format!("there is none of {}{reason}", WEIGHTS.join(", ")))
        })?;
        if let (true, Some(name)) = (weights.name != "sam3.pt", NEEDED.iter().find(|name| file(name).is_none())) {
            return Err(missing(format!("{} is there without {name}", weights.name)));
        }
        let small = NEEDED.iter().chain(&COMPANIONS).filter_map(file);
        Ok(self.licence_file().into_iter().chain(small).chain([weights]).collect())
    }

    /// The shards that an index names.
    ///
    /// # Errors
    /// When it cannot be read, or names a file that the repository does not hold.
    pub fn shards(&self, index: &Path) -> Result<Vec<&Remote>> {
        let wrong =
            |cause: String| Error::NoModel { repository: self.repository.clone(), cause: format!("{INDEX}: {cause}") };
        let text = std::fs::read_to_string(index).map_err(|cause| wrong(cause.to_string()))?;
        #[derive(Deserialize)]
        struct Index {
            weight_map: BTreeMap<String, String>,
        }
        let index: Index = serde_json::from_str(&text).map_err(|cause| wrong(cause.to_string()))?;
        let names: BTreeSet<String> = index.weight_map.into_values().collect();
        let shard = |name: &String| self.files.get(name).ok_or_else(|| wrong(format!("{name:?} is not there")));
        names.iter().map(shard).collect()
    }

    /// The text of the licence, where the repository has it.
    pub fn licence_file(&self) -> Option<&Remote> {
        let is_licence = |name: &str| {
            let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
            matches!(stem.as_str(), "license" | "licence" | "copying")
        };
        self.files.values().find(|file| is_licence(&file.name))
    }
}

/// Names in the repository's top folder that could not lead out of the cache, as everything that is read has.
fn is_wanted_kind(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.starts_with('.') && !name.is_empty() && name.bytes().all(is_letter)
}

fn remote(told: Sibling) -> std::result::Result<Remote, String> {
    let name = told.rfilename;
    let (size, text) = match told.lfs {
        Some(large) => (Some(large.size), Some(large.sha256)),
        None => (told.size, told.blob_id),
    };
    let checksum = text.as_deref().and_then(Checksum::parse);
    match (size, checksum) {
        (Some(size_bytes), Some(checksum)) => Ok(Remote { name, size_bytes, checksum }),
        _ => Err(format!("it tells no size or no checksum of {name}")),
    }
}

/// A publisher's words must not move the cursor.
fn printable(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn listing(names: &[&str]) -> Listing {
        let file = |name: &&str| {
            let sha256 = "a".repeat(64);
            format!(r#"{{"rfilename":"{name}","size":9,"blobId":"{COMMIT}","lfs":{{"sha256":"{sha256}","size":7}}}}"#)
        };
        let siblings = names.iter().map(file).collect::<Vec<_>>().join(",");
        let text = format!(r#"{{"sha":"{COMMIT}","cardData":{{"license":"other"}},"siblings":[{siblings}]}}"#);
        Listing::parse(&text, &"owner/name".parse().unwrap()).unwrap()
    }

    fn chosen(names: &[&str]) -> String {
        match listing(names).choose() {
            Ok(files) => files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn safetensors_go_before_the_pickle_and_strangers_stay_there() {
        let all = ["README.md", ".gitattributes", "config.json", "sam3.pt", "model.safetensors", "tokenizer.json"];
        assert_eq!(chosen(&all), "config.json tokenizer.json model.safetensors");
        assert_eq!(chosen(&["sam3.pt", "LICENSE", "notes/config.json"]), "LICENSE sam3.pt");
        let sharded = ["config.json", "tokenizer.json", "model.safetensors.index.json", "merges.txt"];
        assert_eq!(chosen(&sharded), "config.json tokenizer.json merges.txt model.safetensors.index.json");
    }

    #[test]
    fn what_is_no_model_is_told() {
        assert!(chosen(&["config.json"]).contains("none of model.safetensors"));
        assert!(chosen(&["sam3.1_multiplex.pt"]).contains("SAM 3.1"));
        assert!(chosen(&["model.safetensors", "config.json"]).contains("without tokenizer.json"));
    }

    #[test]
    fn shards_must_be_in_the_repository() {
        let path = std::env::temp_dir().join(format!("sa3-fetch-index-{}", std::process::id()));
        let listing = listing(&["a.safetensors", "b.safetensors"]);
        std::fs::write(&path, r#"{"weight_map":{"x":"b.safetensors","y":"a.safetensors","z":"b.safetensors"}}"#)
            .unwrap();
        let names: Vec<_> = listing.shards(&path).unwrap().into_iter().map(|file| &*file.name).collect();
        assert_eq!(names, ["a.safetensors", "b.safetensors"]);
        std::fs::write(&path, r#"{"weight_map":{"x":"../../a"}}"#).unwrap();
        assert!(listing.shards(&path).unwrap_err().to_string().contains("is not there"));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn answers_that_make_no_sense_are_refused() {
        let repository = "owner/name".parse().unwrap();
        let short = r#"{"sha":"../..","siblings":[]}"#.to_string();
        let unnamed = format!(r#"{{"sha":"{COMMIT}","siblings":[{{"rfilename":"config.json","size":3}}]}}"#);
        for (text, word) in [("<html>".to_string(), "expected"), (short, "hash"), (unnamed, "config.json")] {
            assert!(Listing::parse(&text, &repository).unwrap_err().contains(word), "{text}");
        }
        assert!("facebook".parse::<Repository>().is_err() && "../x".parse::<Repository>().is_err());
    }
}
