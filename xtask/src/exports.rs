//! `cargo xtask env`: what a shell must export so that GStreamer finds the plugin just built.

use crate::checkout::Checkout;
use crate::failure::{Failure, Outcome};
use crate::plugin::{self, Profile};
use crate::say::say;
use std::path::Path;

/// Prints the exports for `eval "$(cargo xtask env)"`.
pub fn print(checkout: &Checkout, profile: Profile) -> Outcome<()> {
    if plugin::built(checkout, profile)?.is_none() {
        let debug = if profile == Profile::Debug { " --debug" } else { "" };
        return Err(Failure::new("the plugin is not built yet").remedy(format!("cargo xtask build{debug}")));
    }
    say!("{}", export_line(&plugin::folder(checkout, profile)?));
    Ok(())
}

/// Puts the folder before those that the shell may name already.
fn export_line(folder: &Path) -> String {
    let quoted = folder.to_string_lossy().replace('\'', r"'\''");
    format!("export GST_PLUGIN_PATH='{quoted}'\"${{GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn the_shell_reads_the_line_back() {
        let told = |before: &str| {
            let script = format!("{}; printf %s \"$GST_PLUGIN_PATH\"", export_line(Path::new("/it's here/p")));
            let mut shell = Command::new("sh");
            crate::process::capture(shell.env("GST_PLUGIN_PATH", before).args(["-c", &script])).unwrap()
        };
        assert_eq!(told(""), "/it's here/p");
        assert_eq!(told("/other"), "/it's here/p:/other");
    }
}
