//! The corpus of the fuzzer, replayed, and a few mutations of it. `cargo xtask fuzz --minutes N` goes on from here.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod corpus;
mod mutate;
mod targets;

use mutate::{Random, mutated};
use targets::{TARGETS, Target};

/// For each target; the fuzzer makes as many in less than a second.
const MUTATIONS: usize = 400;

fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).unwrap()
}

#[test]
fn every_target_reads_what_is_right_refuses_what_is_wrong_and_survives_the_rest() {
    for Target { name, run, words } in &TARGETS {
        let inputs = corpus::inputs(name);
        assert!(inputs.len() >= 3, "{name}");
        for (file, input) in &inputs {
            let outcome = run(input);
            assert_eq!(outcome.is_ok(), file.starts_with("ok-"), "{name}/{file}: {outcome:?}");
        }
        let inputs: Vec<Vec<u8>> = inputs.into_iter().map(|(_, input)| input).collect();
        let mut random = Random(inputs.len() as u64);
        for turn in 0..MUTATIONS {
            let _ = run(&mutated(&inputs[turn % inputs.len()], &inputs, words, &mut random));
        }
    }
    targets::clean_up();
}

#[test]
fn a_checkpoint_cut_at_any_byte_is_refused() {
    for (file, input) in corpus::inputs("checkpoint").into_iter().filter(|(file, _)| file.starts_with("ok-")) {
        for length in 0..input.len() {
            let outcome = (target("checkpoint").run)(&input[..length]);
            assert!(outcome.is_err(), "{file} cut to {length} bytes: {outcome:?}");
        }
    }
}
