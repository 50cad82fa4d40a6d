//! Lines for the reader. One who has gone away, as in `cargo xtask doctor | head`, is no reason to stop the work.

use std::fmt::Arguments;
use std::io::Write;

/// Writes a line to standard output; takes what `println!` takes.
macro_rules! say {
    ($($words:tt)*) => { $crate::say::line(format_args!($($words)*)) };
}
pub(crate) use say;

/// Writes the line and shows it at once, so that it stands before what a program that we start next will write.
pub fn line(words: Arguments<'_>) {
    if cfg!(test) {
        // The test runner's own lines are the ones to read there.
        return;
    }
    let mut out = std::io::stdout().lock();
    // Whoever could be told of an error here is the one who has gone.
    let _ = writeln!(out, "{words}").and_then(|()| out.flush());
}
