//! Running other programs: their output passed through, or taken.

use crate::failure::{Context, Failure, Outcome};
use std::io::ErrorKind;
use std::process::{Command, Output};

/// Runs the command with its output on the terminal.
pub fn run(command: &mut Command) -> Outcome<()> {
    let status = command.status().map_err(|cause| cannot_start(command, &cause))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("`{}` failed ({status})", typed(command)))) }
}

/// Runs the command and returns its standard output; a failure carries its standard error.
pub fn capture(command: &mut Command) -> Outcome<String> {
    let output = output(command)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new(format!("`{}` failed ({}): {}", typed(command), output.status, said.trim())));
    }
    String::from_utf8(output.stdout).context(|| format!("the output of `{}`", typed(command)))
}

/// Runs the command and returns all it said, whether it succeeded or not.
pub fn output(command: &mut Command) -> Outcome<Output> {
    command.output().map_err(|cause| cannot_start(command, &cause))
}

/// Whether the command can be started and succeeds; what it says is dropped.
pub fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// The command as one would type it.
pub fn typed(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn cannot_start(command: &Command, cause: &std::io::Error) -> Failure {
    let program = command.get_program().to_string_lossy();
    match cause.kind() {
        ErrorKind::NotFound => Failure::new(format!("the program `{program}` is not installed or not in PATH"))
            .remedy("`cargo xtask setup` installs what sa3 needs; `cargo xtask doctor` tells what is missing"),
        _ => Failure::new(format!("cannot start `{}`: {cause}", typed(command))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capture_returns_output_and_failures_carry_what_was_said() {
        assert_eq!(capture(Command::new("sh").args(["-c", "echo yes"])).unwrap(), "yes\n");
        let failure = capture(Command::new("sh").args(["-c", "echo because >&2; exit 3"])).unwrap_err();
        assert!(failure.cause().contains("because"), "{failure}");
    }

    #[test]
    fn a_missing_program_names_itself_and_the_remedy() {
        let failure = run(&mut Command::new("no-such-program-of-sa3")).unwrap_err();
        assert!(failure.to_string().contains("no-such-program-of-sa3"), "{failure}");
        assert!(failure.remedy_text().contains("setup"), "{failure}");
    }
}
