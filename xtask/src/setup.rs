//! `cargo xtask setup`: everything that a build needs, installed once.

use crate::checkout::Checkout;
use crate::debian::{self, Install};
use crate::failure::{Failure, Outcome};
use crate::libtorch::{self, driver};
use crate::pins::Pins;
use crate::python;
use crate::say::say;

/// How much set-up may do.
pub struct Options {
    /// Whether anything may be installed or fetched.
    pub install: Install,
    /// Lay out CUDA's part also where no NVIDIA driver is found, as for an image that is used elsewhere.
    pub cuda: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { install: Install::Missing, cuda: false }
    }
}

/// Installs what is missing, with one line for each step; fast and without network when nothing is.
pub fn run(checkout: &Checkout, options: &Options) -> Outcome<()> {
    let pins = checkout.pins()?;
    debian::ensure(&wanted_packages(checkout, &pins), options.install)?;
    debian::check_gstreamer(&pins)?;
    let driver = driver::nvidia();
    match &driver {
        Some(shown_by) => say!("ok    NVIDIA driver found ({shown_by}): CUDA's part is wanted"),
        None if options.cuda => {
            say!("ok    no NVIDIA driver: CUDA's part is wanted all the same (--cuda)")
        }
        None => say!("ok    no NVIDIA driver: the CPU part of libtorch is enough"),
    }
    let with_cuda = driver.is_some() || options.cuda;
    match options.install {
        Install::Missing => libtorch::ensure(checkout, &pins.libtorch, with_cuda),
        Install::Nothing => only_check(checkout, &pins, with_cuda),
    }
}

/// pip is wanted only where libtorch may have to be fetched and there is none.
fn wanted_packages(checkout: &Checkout, pins: &Pins) -> Vec<String> {
    let mut packages = pins.debian_packages.clone();
    if libtorch::current(checkout, &pins.libtorch).is_none() && !python::has_pip() {
        packages.extend(pins.debian_packages_pip.iter().cloned());
    }
    packages
}

fn only_check(checkout: &Checkout, pins: &Pins, with_cuda: bool) -> Outcome<()> {
    let remedy = "cargo xtask setup";
    match libtorch::current(checkout, &pins.libtorch) {
        None => {
            Err(Failure::new(format!("libtorch {} is not laid out for this checkout", pins.libtorch)).remedy(remedy))
        }
        Some(layout) if with_cuda && !layout.has_cuda() => {
            Err(Failure::new(format!("{} lacks CUDA's part", layout.root().display())).remedy(remedy))
        }
        Some(layout) => {
            say!("ok    libtorch {} in {}", pins.libtorch, layout.root().display());
            Ok(())
        }
    }
}
