//! Showing the licence, and asking.

use std::io::{BufRead, IsTerminal};

use crate::error::{Error, Result};
use crate::hub::Hub;
use crate::listing::Listing;

/// How the user's agreement comes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// On the command line.
    Given,
    /// By an answer on the terminal.
    Asked,
}

/// Shows the licence, and returns when it is accepted.
///
/// # Errors
/// When it is not, or when there is nobody to ask, or its text cannot be had.
pub fn settle(hub: &Hub, listing: &Listing, consent: Consent) -> Result<()> {
    if consent == Consent::Asked && !std::io::stdin().is_terminal() {
        return Err(Error::NobodyToAsk { page: hub.page() });
    }
    show(hub, listing)?;
    match consent {
        Consent::Given => {
            println!("ok    licence accepted with --accept-licence");
            Ok(())
        }
        Consent::Asked => ask(&mut std::io::stdin().lock()),
    }
}

fn show(hub: &Hub, listing: &Listing) -> Result<()> {
    if let Some(file) = listing.licence_file() {
        let text = hub.file_text(&listing.commit, file)?;
        // A publisher's text must not move the cursor.
        let text: String =
            text.chars().filter(|&letter| letter == '\n' || letter == '\t' || !letter.is_control()).collect();
        println!("{}\n", text.trim_end());
    }
    let name = listing.licence.as_deref().unwrap_or("not named by its publisher");
    let link = listing.licence_link.as_deref().map(|link| format!(" ({link})")).unwrap_or_default();
    println!("licence: {name}{link}; the model's page: {}", hub.page());
    Ok(())
}

fn ask(answers: &mut dyn BufRead) -> Result<()> {
    loop {
        eprint!("Do you accept this licence? [y/n] ");
        let mut answer = String::new();
        let count = answers.read_line(&mut answer).unwrap_or(0);
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => return Ok(()),
            "n" | "no" => return Err(Error::Declined),
            _ if count == 0 => return Err(Error::Declined),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        let asked = |answers: &str| ask(&mut answers.as_bytes()).is_ok();
        assert!(asked("y\n") && asked("\nwhat?\nYES\n"));
        assert!(!asked("n\ny\n") && !asked("") && !asked("maybe") && !asked("No\n"));
    }
}
