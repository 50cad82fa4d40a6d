//! `cargo xtask install` and `uninstall`: the plugin among the user's own GStreamer plugins.

use crate::checkout::Checkout;
use crate::failure::{Context, Failure, Outcome};
use crate::folders;
use crate::plugin::{self, Profile};
use crate::say::say;
use crate::setup;
use std::path::Path;

/// Builds the plugin, copies it to the user's plugins and looks whether GStreamer finds its elements there.
pub fn install(checkout: &Checkout) -> Outcome<()> {
    setup::run(checkout, &setup::Options::default())?;
    let built = plugin::build(checkout, Profile::Release, &[])?.join(plugin::FILE_NAME);
    let elements = plugin::elements(&built)?;
    let folder = folders::user_plugins()?;
    std::fs::create_dir_all(&folder).context(|| format!("cannot make {}", folder.display()))?;
    let place = folder.join(plugin::FILE_NAME);
    copy_whole(&built, &place)?;
    for element in &elements {
        check_found(element, &place)?;
    }
    say!("ok    installed {}", place.display());
    say!("ok    gst-launch-1.0 finds {} in any shell; `cargo xtask uninstall` takes it back", elements.join(", "));
    if std::env::var_os("GST_PLUGIN_SYSTEM_PATH_1_0").or(std::env::var_os("GST_PLUGIN_SYSTEM_PATH")).is_some() {
        say!("note  this shell sets GST_PLUGIN_SYSTEM_PATH, and GStreamer then skips the user's own plugins");
    }
    Ok(())
}

/// Removes the plugin from the user's plugins.
pub fn uninstall() -> Outcome<()> {
    let place = folders::user_plugins()?.join(plugin::FILE_NAME);
    match std::fs::remove_file(&place) {
        Ok(()) => say!("ok    removed {}", place.display()),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            say!("ok    nothing to remove: {} is not there", place.display());
        }
        Err(cause) => {
            return Err(Failure::new(format!("cannot remove {}: {cause}", place.display())));
        }
    }
    Ok(())
}

/// A running pipeline keeps the file it has open, and no one sees half a plugin.
fn copy_whole(from: &Path, to: &Path) -> Outcome<()> {
    let fresh = to.with_file_name(format!(".{}.{}", plugin::FILE_NAME, std::process::id()));
    let copied = std::fs::copy(from, &fresh)
        .and_then(|_| std::fs::File::open(&fresh)?.sync_all())
        .and_then(|()| std::fs::rename(&fresh, to));
    if copied.is_err() {
        // What is half written helps no one; the copy's own error is the one to tell.
        let _ = std::fs::remove_file(&fresh);
    }
    copied.context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

fn check_found(element: &str, place: &Path) -> Outcome<()> {
    match plugin::file_of(element) {
        Some(file) if file == place => Ok(()),
        Some(other) => Err(Failure::new(format!(
            "GStreamer takes {element} from {}, not from {}",
            other.display(),
            place.display()
        ))
        .remedy(format!("remove the other copy: {}", other.display()))),
        None => Err(Failure::new(format!("GStreamer does not find {element} in {}", place.display())).remedy(
            "look at `gst-inspect-1.0 -b` for plugins that it refuses; `cargo xtask doctor` names missing libraries",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_replaces_the_old_one_and_leaves_nothing_beside_it() {
        let folder = std::env::temp_dir().join(format!("sa3-xtask-install-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (from, to) = (folder.join("new"), folder.join("plugin.so"));
        std::fs::write(&from, "new").unwrap();
        std::fs::write(&to, "old").unwrap();
        copy_whole(&from, &to).unwrap();
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "new");
        assert!(copy_whole(&folder.join("absent"), &to).is_err());
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
        folders::clear(&folder).unwrap();
    }
}
