//! Whether this machine has an NVIDIA driver.

use crate::process;
use std::path::Path;
use std::process::Command;

/// What shows the driver: the kernel module's file, or the driver's library.
pub fn nvidia() -> Option<String> {
    if let Ok(text) = std::fs::read_to_string("/proc/driver/nvidia/version") {
        return Some(kernel_module(&text));
    }
    let listing = process::capture(Command::new("ldconfig").arg("-p")).unwrap_or_default();
    let known = ["/usr/lib/wsl/lib", "/usr/local/nvidia/lib64", "/usr/lib64", "/usr/lib/x86_64-linux-gnu"];
    let unlisted = || known.iter().map(|folder| Path::new(folder).join("libcuda.so.1")).find(|path| path.exists());
    let listed = listing.lines().find(|line| line.trim_start().starts_with("libcuda.so.1 "));
    let path = listed.and_then(|line| line.split("=> ").nth(1)).map(str::to_owned);
    path.or_else(|| unlisted().map(|path| path.display().to_string()))
}

/// `driver 550.54` of the file's first line, `NVRM version: NVIDIA … Kernel Module  550.54  …`.
fn kernel_module(text: &str) -> String {
    let is_version = |word: &&str| word.contains('.') && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    let version = text.lines().next().and_then(|line| line.split_whitespace().find(is_version));
    format!("driver {}", version.unwrap_or("of unknown version"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_version_is_read() {
        let text = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5\nGCC version: 12\n";
        assert_eq!(kernel_module(text), "driver 550.54.15");
        assert_eq!(kernel_module(""), "driver of unknown version");
    }
}
