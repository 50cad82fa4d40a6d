//! Compilers and helpers of the build, and variables that lead it astray.

use super::Finding;
use crate::checkout::STRAY_VARIABLES;
use crate::version::at_least;
use crate::{process, python};
use std::process::Command;

/// What set-up does not install: the compiler of Rust itself.
const RUST_NEEDED: &str = env!("CARGO_PKG_RUST_VERSION");

pub(super) fn findings() -> Vec<Finding> {
    let mut findings = vec![rustc()];
    for (program, remedy) in [
        ("gcc", "cargo xtask setup"),
        ("g++", "cargo xtask setup"),
        ("pkg-config", "cargo xtask setup"),
        ("readelf", "cargo xtask setup"),
        ("git", "apt-get install git"),
        ("python3", "apt-get install python3 python3-pip"),
    ] {
        findings.push(tool(program, remedy));
    }
    if python::has_pip() {
        findings.push(Finding::good("pip", "works"));
    } else {
        let detail = "`python3 -m pip` does not work; it is needed only to fetch libtorch and for the benchmark";
        findings.push(Finding::doubtful("pip", detail, "apt-get install python3-pip"));
    }
    findings.extend(stray_variables());
    findings
}

fn rustc() -> Finding {
    match process::capture(Command::new("rustc").arg("--version")) {
        Ok(text) => match text.split_whitespace().nth(1) {
            Some(found) if at_least(found, RUST_NEEDED) => Finding::good("rustc", found),
            found => {
                let detail = format!("{} is older than {RUST_NEEDED}", found.unwrap_or("its version"));
                Finding::bad("rustc", detail, "rustup update stable")
            }
        },
        Err(failure) => Finding::bad("rustc", failure.cause(), "install Rust with rustup"),
    }
}

fn tool(program: &str, remedy: &str) -> Finding {
    match process::capture(Command::new(program).arg("--version")) {
        Ok(text) => Finding::good(program, text.lines().next().unwrap_or_default()),
        Err(failure) => Finding::bad(program, failure.cause(), remedy),
    }
}

/// Plain cargo sees these; `.cargo/config.toml` can set variables but not take them away.
fn stray_variables() -> Vec<Finding> {
    let set = STRAY_VARIABLES.iter().filter(|name| std::env::var_os(name).is_some());
    set.map(|name| {
        let detail = "is set, and torch's build script follows it past .libtorch in plain `cargo build`";
        Finding::bad(name, detail, format!("unset {name}"))
    })
    .collect()
}

/// Features of this processor that torch has faster code for.
pub(super) fn processor() -> Finding {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = text.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    let has = |flag: &str| flags.split_whitespace().any(|word| word == flag);
    let named = [("avx2", "AVX2"), ("avx512f", "AVX-512"), ("avx512_bf16", "AVX-512 BF16"), ("amx_bf16", "AMX BF16")];
    let present: Vec<_> = named.iter().filter(|(flag, _)| has(flag)).map(|(_, name)| *name).collect();
    if has("avx2") {
        return Finding::good("processor", present.join(", "));
    }
    let detail = "no AVX2: torch runs its slow code, and resized pictures may differ by one level";
    Finding::doubtful("processor", detail, "a newer processor, if speed matters")
}
