//! GStreamer: packages, version, and the plugins of others that the pipelines use.

use super::Finding;
use crate::pins::Pins;
use crate::plugin::bare_gst_inspect;
use crate::{debian, process, version};

/// An element of each set of plugins that sa3's pipelines use, and the package that has it.
const ELEMENTS: [(&str, &str); 7] = [
    ("filesrc", "libgstreamer1.0-0"),
    ("decodebin", "gstreamer1.0-plugins-base"),
    ("videoconvert", "gstreamer1.0-plugins-base"),
    ("videotestsrc", "gstreamer1.0-plugins-base"),
    ("qtdemux", "gstreamer1.0-plugins-good"),
    ("h264parse", "gstreamer1.0-plugins-bad"),
    ("avdec_h264", "gstreamer1.0-libav"),
];

pub(super) fn findings(pins: &Pins) -> Vec<Finding> {
    vec![packages(pins), development_files(pins), elements()]
}

fn packages(pins: &Pins) -> Finding {
    let subject = "Debian packages";
    match debian::missing(&pins.debian_packages) {
        Ok(missing) if missing.is_empty() => {
            Finding::good(subject, format!("all {} installed", pins.debian_packages.len()))
        }
        Ok(missing) => Finding::bad(subject, format!("missing: {}", missing.join(" ")), "cargo xtask setup"),
        Err(failure) => Finding::from_failure(subject, &failure),
    }
}

fn development_files(pins: &Pins) -> Finding {
    let subject = "GStreamer";
    match debian::gstreamer_version() {
        Ok(found) if version::at_least(&found, &pins.gstreamer) => Finding::good(subject, found),
        Ok(found) => Finding::bad(
            subject,
            format!("{found} is older than {}", pins.gstreamer),
            "use Debian 12 or newer, or Ubuntu 24.04 or newer",
        ),
        Err(failure) => Finding::bad(subject, failure.cause(), "cargo xtask setup"),
    }
}

fn elements() -> Finding {
    let subject = "GStreamer plugins";
    let exists = |element: &str| process::succeeds(bare_gst_inspect().args(["--exists", element]));
    let missing: Vec<_> = ELEMENTS.iter().filter(|(element, _)| !exists(element)).collect();
    if missing.is_empty() {
        return Finding::good(subject, format!("all {} elements that the pipelines use are there", ELEMENTS.len()));
    }
    let names: Vec<_> = missing.iter().map(|(element, _)| *element).collect();
    let mut packages: Vec<_> = missing.iter().map(|(_, package)| *package).collect();
    packages.dedup();
    Finding::bad(subject, format!("not found: {}", names.join(" ")), format!("apt-get install {}", packages.join(" ")))
}
