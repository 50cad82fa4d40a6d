//! Debian packages: which are missing, and installing them with apt.

use crate::failure::{Failure, Outcome};
use crate::pins::Pins;
use crate::process;
use crate::say::say;
use crate::version;
use std::process::Command;

/// Whether missing packages are installed or only told.
#[derive(Clone, Copy, PartialEq)]
pub enum Install {
    /// Install what is missing, through sudo when not root.
    Missing,
    /// Fail, with the command to run.
    Nothing,
}

/// Makes sure that the packages are there and that GStreamer is new enough.
pub fn ensure(packages: &[String], install: Install) -> Outcome<()> {
    let missing = missing(packages)?;
    if missing.is_empty() {
        say!("ok    Debian packages: {} of {} installed", packages.len(), packages.len());
        return Ok(());
    }
    let root = is_root();
    let command = apt_line(&missing, root);
    if install == Install::Nothing {
        return Err(Failure::new(format!("Debian packages missing: {}", missing.join(" "))).remedy(command));
    }
    say!("apt   will install {}", missing.join(" "));
    say!("apt   {command}");
    process::run(&mut apt(&["update", "-q"], root)).map_err(|failure| apt_failed(&failure, &command))?;
    let mut arguments = vec!["install", "-y", "-q", "--no-install-recommends"];
    arguments.extend(missing.iter().map(String::as_str));
    process::run(&mut apt(&arguments, root)).map_err(|failure| apt_failed(&failure, &command))?;
    say!("ok    Debian packages: {} installed now", missing.len());
    Ok(())
}

/// Refuses a GStreamer older than the pin.
pub fn check_gstreamer(pins: &Pins) -> Outcome<()> {
    let found = gstreamer_version()?;
    if !version::at_least(&found, &pins.gstreamer) {
        return Err(Failure::new(format!("GStreamer here is {found}; sa3 needs {} or newer", pins.gstreamer))
            .remedy("use Debian 12 or newer, or Ubuntu 24.04 or newer"));
    }
    say!("ok    GStreamer {found}");
    Ok(())
}

/// The version of GStreamer's development files.
pub fn gstreamer_version() -> Outcome<String> {
    let version = process::capture(Command::new("pkg-config").args(["--modversion", "gstreamer-1.0"]))?;
    Ok(version.trim().to_owned())
}

/// The packages of the list that are not installed.
pub fn missing(packages: &[String]) -> Outcome<Vec<String>> {
    let mut query = Command::new("dpkg-query");
    query.args(["-W", "-f", "${db:Status-Abbrev} ${Package}\\n"]).args(packages);
    let output = process::output(&mut query).map_err(|_| {
        Failure::new("dpkg-query is not here, so this is no Debian or Ubuntu; other systems are untested").remedy(format!(
            "install your system's equivalents of: {}; then make .libtorch a link to a libtorch and use plain cargo",
            packages.join(" ")
        ))
    })?;
    Ok(not_installed(packages, &String::from_utf8_lossy(&output.stdout)))
}

/// Packages without an `ii` line: those that dpkg never heard of have no line at all.
fn not_installed(packages: &[String], listing: &str) -> Vec<String> {
    let installed = |package: &String| {
        listing.lines().any(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some("ii") && words.next() == Some(package.as_str())
        })
    };
    packages.iter().filter(|package| !installed(package)).cloned().collect()
}

fn apt(arguments: &[&str], root: bool) -> Command {
    let mut command = if root { Command::new("env") } else { Command::new("sudo") };
    if !root {
        command.arg("env");
    }
    command.arg("DEBIAN_FRONTEND=noninteractive").arg("apt-get").args(arguments);
    command
}

fn apt_line(packages: &[String], root: bool) -> String {
    let sudo = if root { "" } else { "sudo " };
    format!("{sudo}apt-get update && {sudo}apt-get install -y --no-install-recommends {}", packages.join(" "))
}

fn apt_failed(failure: &Failure, command: &str) -> Failure {
    let by_hand = command.replace("sudo ", "");
    Failure::new(failure.cause()).remedy(format!("see apt's words above, if any; by hand, as root: {by_hand}"))
}

fn is_root() -> bool {
    process::capture(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_state_installed_counts() {
        let packages = ["g++", "pkg-config", "gone", "unknown"].map(str::to_owned);
        let listing = "ii  g++\nii  pkg-config\nrc  gone\n";
        assert_eq!(not_installed(&packages, listing), ["gone", "unknown"]);
    }

    #[test]
    fn the_command_told_can_be_typed() {
        let line = apt_line(&["g++".to_owned()], false);
        assert_eq!(line, "sudo apt-get update && sudo apt-get install -y --no-install-recommends g++");
    }
}
