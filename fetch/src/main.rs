//! `cargo xtask fetch owner/name`: the one program of sa3 that downloads a model, and only after its user agreed.
//!
//! The order of the work is the order of the modules: [`environment`] says where from, where to and as whom; [`hub`] asks
//! the server; [`listing`] chooses the files; [`licence`] asks the user; [`store`] is the cache as Hugging Face's own
//! libraries lay it out; [`download`] brings one file into it, counted by [`progress`] and proven by [`checksum`].
//!
//! A package of its own, so that those who never fetch do not wait for an HTTPS stack to compile. It speaks HTTP itself:
//! the hub's own crate compares no checksum with what arrived and takes up no interrupted plain download, and it brings an
//! asynchronous runtime and about 200 crates.
#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

mod checksum;
mod download;
mod environment;
mod error;
mod hub;
mod licence;
mod listing;
mod progress;
mod store;

use std::process::ExitCode;

use clap::Parser;

use crate::environment::Environment;
use crate::error::Result;
use crate::hub::Hub;
use crate::licence::Consent;
use crate::listing::{Listing, Remote, Repository};
use crate::store::Store;

/// Downloads a model from the Hugging Face hub, so that `model=owner/name` finds it.
#[derive(Parser)]
#[command(bin_name = "cargo xtask fetch")]
struct Arguments {
    /// The model's name on the hub, for example facebook/sam3
    #[arg(value_name = "OWNER/NAME")]
    repository: Repository,
    /// Accept the model's licence without being asked, for scripts
    #[arg(long)]
    accept_licence: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let environment = Environment::read(&|variable| std::env::var_os(variable))?;
    let hub = Hub::new(&environment, &arguments.repository);
    let listing = hub.listing()?;
    let choice = listing.choose()?;
    let mut store = Store::new(&environment.cache, &arguments.repository);
    // What is there was agreed to when it came.
    if !choice.iter().all(|file| store.has(file)) {
        let consent = if arguments.accept_licence { Consent::Given } else { Consent::Asked };
        licence::settle(&hub, &listing, consent)?;
    }
    let folder = bring(&hub, &listing, &choice, &mut store)?;
    println!("ok    {} is in {}", arguments.repository, folder.display());
    println!("next  … ! sa3segment model={} prompt=\"…\" ! maskcomposite ! …", arguments.repository);
    Ok(())
}

/// Downloads what is missing, and makes it visible only when all of it is there.
fn bring(hub: &Hub, listing: &Listing, choice: &[&Remote], store: &mut Store) -> Result<std::path::PathBuf> {
    store.open()?;
    let mut files = choice.to_vec();
    let bytes: u64 = files.iter().map(|file| file.size_bytes).sum();
    println!("fetch {} files, {}, into {}", files.len(), progress::readable(bytes), store.root().display());
    for file in choice {
        let blob = download::fetch(hub, store, &listing.commit, file)?;
        if file.is_index() {
            let shards = listing.shards(&blob)?;
            let bytes = shards.iter().map(|shard| shard.size_bytes).sum();
            println!("fetch {} shards, {}", shards.len(), progress::readable(bytes));
            for shard in &shards {
                download::fetch(hub, store, &listing.commit, shard)?;
            }
            files.extend(shards);
        }
    }
    store.publish(&listing.commit, &files)
}
