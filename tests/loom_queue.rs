//! The engine's queue in every order that its threads can take, within a few preemptions: nothing is lost, nothing comes
//! twice, streams keep their order, and nobody waits for ever.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../src/engine/queue.rs"]
#[expect(dead_code, reason = "its unit tests are left out, as they bring threads of their own")]
mod queue;

/// What `src/engine/sync.rs` is for the engine.
mod sync {
    pub(super) use loom::sync::{Arc, Condvar, Mutex, MutexGuard};
}

use std::time::Duration;

use loom::thread;
use queue::{Batching, Ranked, Refused, queue};

/// Stream and number. All go together but those of [`ALONE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Job(u64, u32);

const ALONE: u64 = 0;

impl Ranked for Job {
    fn priority(&self) -> i32 {
        self.0 as i32
    }

    fn stream(&self) -> Option<u64> {
        Some(self.0)
    }

    fn goes_with(&self, _other: &Self) -> bool {
        true
    }

    fn batching(&self) -> Batching {
        // Only what happens ends the wait: time does not pass here.
        if self.0 == ALONE { Batching::ALONE } else { Batching { size: 2, timeout: Duration::from_secs(3600) } }
    }
}

/// Two streams send, one of them twice; the engine's thread takes until there is no more.
fn everything_comes_out_once_and_in_its_streams_order() {
    let (sender, receiver) = queue::<Job>(3);
    let other = sender.clone();
    let first = thread::spawn(move || {
        sender.send(Job(1, 0)).unwrap();
        sender.send(Job(1, 1)).unwrap();
    });
    let second = thread::spawn(move || other.send(Job(2, 0)).unwrap());
    let mut taken = Vec::new();
    while let Some(batch) = receiver.next() {
        assert!(batch.len() <= 2 && (batch.len() < 2 || batch[0].0 != batch[1].0), "{batch:?}");
        taken.extend(batch);
    }
    first.join().unwrap();
    second.join().unwrap();
    let of_first: Vec<u32> = taken.iter().filter(|job| job.0 == 1).map(|job| job.1).collect();
    assert_eq!((taken.len(), of_first), (3, vec![0, 1]), "{taken:?}");
}

/// Nobody has to hang up for work to be seen.
fn work_wakes_the_engine() {
    let (sender, receiver) = queue::<Job>(2);
    let engine = thread::spawn(move || [receiver.next(), receiver.next()]);
    sender.send(Job(ALONE, 0)).unwrap();
    sender.send(Job(ALONE, 1)).unwrap();
    assert_eq!(engine.join().unwrap(), [Some(vec![Job(ALONE, 0)]), Some(vec![Job(ALONE, 1)])]);
    drop(sender);
}

/// The engine ends while somebody sends: work comes back or goes with the queue, and nobody waits.
fn the_end_of_the_engine_reaches_who_sends() {
    let (sender, receiver) = queue::<Job>(1);
    let sending = thread::spawn(move || sender.send(Job(1, 0)));
    drop(receiver);
    assert!(matches!(sending.join().unwrap(), Ok(()) | Err(Refused::Closed(Job(1, 0)))));
}

fn main() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(everything_comes_out_once_and_in_its_streams_order);
    builder.check(work_wakes_the_engine);
    builder.check(the_end_of_the_engine_reaches_who_sends);
}
