//! The versions that set-up installs, read from `[workspace.metadata.sa3]` of the workspace's Cargo.toml.

use crate::failure::{Context, Failure, Outcome};
use serde::Deserialize;

/// What the checkout pins beside its crates.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pins {
    /// Version of libtorch, and of the Python torch that carries it.
    pub libtorch: String,
    /// Version of torchvision in the benchmark's Python environment.
    pub torchvision: String,
    /// Version of transformers in the benchmark's Python environment.
    pub transformers: String,
    /// The oldest GStreamer that sa3 builds against.
    pub gstreamer: String,
    /// Debian packages that the build and the demo need.
    pub debian_packages: Vec<String>,
    /// Debian packages that bring pip, wanted only where libtorch must be fetched and there is no pip.
    pub debian_packages_pip: Vec<String>,
}

#[derive(Deserialize)]
struct Manifest {
    workspace: Workspace,
}

#[derive(Deserialize)]
struct Workspace {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    sa3: Pins,
}

impl Pins {
    /// Reads the pins from the text of the workspace's Cargo.toml.
    pub fn parse(manifest: &str) -> Outcome<Self> {
        let manifest: Manifest = toml::from_str(manifest)
            .context(|| "[workspace.metadata.sa3] in Cargo.toml".to_owned())
            .map_err(|failure| Failure::remedy(failure, "restore that table as git has it"))?;
        Ok(manifest.workspace.metadata.sa3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_pins_everything() {
        let pins = Pins::parse(include_str!("../../Cargo.toml")).unwrap();
        assert!(crate::version::at_least(&pins.libtorch, "2"));
        assert!(pins.debian_packages.iter().any(|name| name.contains("gstreamer")));
        assert!(!pins.debian_packages_pip.is_empty());
    }

    #[test]
    fn a_missing_pin_is_named() {
        let failure = Pins::parse("[workspace.metadata.sa3]\nlibtorch = \"1\"\n").unwrap_err();
        assert!(failure.cause().contains("torchvision"), "{failure}");
    }
}
