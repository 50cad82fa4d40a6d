//! The plugin, built and installed: does it load, with all its elements.

use super::Finding;
use crate::checkout::Checkout;
use crate::failure::{Failure, Outcome};
use crate::folders;
use crate::plugin::{self, Profile};
use crate::process;
use std::path::Path;

pub(super) fn findings(checkout: &Checkout) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut look = |subject: &str, file: Option<&Path>| {
        if let Some(file) = file.filter(|file| file.exists()) {
            findings.push(check(file).map_or_else(
                |failure| Finding::from_failure(subject, &failure),
                |elements| Finding::good(subject, format!("{}: {elements} load", file.display())),
            ));
        }
    };
    for (subject, profile) in [("plugin, release", Profile::Release), ("plugin, debug", Profile::Debug)] {
        look(subject, plugin::built(checkout, profile).ok().flatten().as_deref());
    }
    look("plugin, installed", folders::user_plugins().ok().map(|folder| folder.join(plugin::FILE_NAME)).as_deref());
    if findings.is_empty() {
        findings.push(Finding::bad("plugin", "neither built nor installed", "cargo xtask build"));
    }
    findings
}

/// Linking, loading, and each element's own manual page.
fn check(file: &Path) -> Outcome<String> {
    plugin::check_linking(file)?;
    let elements = plugin::elements(file)?;
    for element in &elements {
        let mut inspect = plugin::bare_gst_inspect();
        inspect.env("GST_PLUGIN_PATH", file.parent().unwrap_or(file)).arg(element);
        process::capture(&mut inspect).map_err(|failure| {
            Failure::new(failure.cause()).remedy("cargo xtask build; if it stays, rm the plugin's file")
        })?;
    }
    Ok(elements.join(", "))
}
