//! libtorch, the NVIDIA driver, the processor.

use super::{Finding, tools};
use crate::checkout::Checkout;
use crate::libtorch::{driver, layout::Layout};
use crate::pins::Pins;
use crate::plugin;

const AGAIN: &str = "remove .libtorch and run cargo xtask setup";

pub(super) fn findings(checkout: &Checkout, pins: &Pins) -> Vec<Finding> {
    vec![libtorch(checkout, pins), cuda(checkout), tools::processor()]
}

fn libtorch(checkout: &Checkout, pins: &Pins) -> Finding {
    let subject = "libtorch";
    let link = checkout.libtorch_link();
    let Ok(root) = std::fs::canonicalize(&link) else {
        return Finding::bad(subject, format!("{} leads nowhere", link.display()), "cargo xtask setup");
    };
    let layout = Layout::at(root);
    let defects = layout.defects(&pins.libtorch);
    if !defects.is_empty() {
        return Finding::bad(subject, format!("{}: {}", layout.root().display(), defects.join("; ")), AGAIN);
    }
    match plugin::check_linking(&layout.lib().join("libtorch.so")) {
        Ok(()) => {
            Finding::good(subject, format!("{} in {}, all it needs is found", pins.libtorch, layout.root().display()))
        }
        Err(failure) => Finding::bad(subject, failure.cause(), AGAIN),
    }
}

fn cuda(checkout: &Checkout) -> Finding {
    let subject = "CUDA";
    let layout = Layout::at(checkout.libtorch_link());
    match (driver::nvidia(), layout.has_cuda()) {
        (Some(driver), true) => Finding::good(subject, format!("{driver}, and libtorch's CUDA part is there")),
        (Some(driver), false) => {
            let detail = format!("{driver}, but libtorch has no CUDA part, so everything runs on the CPU");
            Finding::bad(subject, detail, "cargo xtask setup; if that changes nothing, remove .libtorch first")
        }
        (None, true) => Finding::good(subject, "no NVIDIA driver; libtorch's CUDA part is there and stays unused"),
        (None, false) => Finding::good(subject, "no NVIDIA driver: everything runs on the CPU"),
    }
}
