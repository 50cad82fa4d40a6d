//! The checkout that this xtask serves: its root, its cargo, its target folder.

use crate::failure::{Context, Failure, Outcome};
use crate::pins::Pins;
use crate::process;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Variables that steer torch's build script past `.libtorch`; the cargo that we start does not see them.
pub const STRAY_VARIABLES: [&str; 5] =
    ["LIBTORCH_USE_PYTORCH", "LIBTORCH_INCLUDE", "LIBTORCH_LIB", "LIBTORCH_STATIC", "LIBTORCH_CXX11_ABI"];

/// A working copy of the repository.
pub struct Checkout {
    root: PathBuf,
}

/// The part of `cargo metadata` that is read here.
#[derive(Deserialize)]
struct Metadata {
    target_directory: PathBuf,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Checkout {
    /// The checkout that holds this crate; asked at run time first, because a checkout can be moved after the build.
    pub fn find() -> Outcome<Self> {
        let manifest_dir =
            std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let root = manifest_dir.parent().filter(|root| root.join("Cargo.toml").is_file());
        let root = root.ok_or_else(|| {
            Failure::new(format!("no checkout of sa3 around {}", manifest_dir.display()))
                .remedy("run `cargo xtask …` inside the checkout")
        })?;
        Ok(Self { root: root.to_owned() })
    }

    /// The folder with the workspace's Cargo.toml.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The link that leads to the libtorch layout in use.
    pub fn libtorch_link(&self) -> PathBuf {
        self.root.join(".libtorch")
    }

    /// The versions that this checkout pins.
    pub fn pins(&self) -> Outcome<Pins> {
        let path = self.root.join("Cargo.toml");
        let manifest = std::fs::read_to_string(&path).context(|| format!("cannot read {}", path.display()))?;
        Pins::parse(&manifest)
    }

    /// The cargo that started us, in this checkout, held to `.libtorch`.
    pub fn cargo(&self) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.root);
        for variable in STRAY_VARIABLES {
            cargo.env_remove(variable);
        }
        cargo
    }

    /// Where cargo puts what it builds, as the user's settings have it.
    pub fn target_dir(&self) -> Outcome<PathBuf> {
        Ok(self.metadata()?.target_directory)
    }

    /// Whether the workspace has a binary of this name.
    pub fn has_binary(&self, name: &str) -> Outcome<bool> {
        let is_it = |target: &Target| target.name == name && target.kind.iter().any(|kind| kind == "bin");
        Ok(self.metadata()?.packages.iter().flat_map(|package| &package.targets).any(is_it))
    }

    fn metadata(&self) -> Outcome<Metadata> {
        let text = process::capture(self.cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
        serde_json::from_str(&text).context(|| "the output of `cargo metadata`".to_owned())
    }
}
