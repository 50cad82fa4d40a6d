//! Work on its way to the engine's thread: who is next.
//!
//! Streams have at most one frame here, so taking turns in the order of arrival is fair. A stream may be more urgent than
//! others, which then wait, but for so many turns only. What can be worked on together comes out together. Bounded: work
//! that finds no place comes back.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::sync::{Arc, Condvar, Mutex, MutexGuard};

/// After it was passed over so often, work is next whatever its priority.
const MOST_PASSED_OVER: u32 = 8;

/// What the queue asks of work.
pub(super) trait Ranked {
    /// Higher goes first.
    fn priority(&self) -> i32;
    /// Work of one stream keeps its order.
    fn stream(&self) -> Option<u64>;
    /// True when both may be worked on together, streams aside.
    fn goes_with(&self, other: &Self) -> bool;
    /// How it is worked on together with others.
    fn batching(&self) -> Batching;
}

/// How many pieces of work are worked on together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Batching {
    /// At most so many; 0 and 1: each alone.
    pub(super) size: usize,
    /// How long the first waits for others when there is nothing else to do.
    pub(super) timeout: Duration,
}

impl Batching {
    pub(super) const ALONE: Self = Self { size: 1, timeout: Duration::ZERO };
}

struct Entry<W> {
    work: W,
    passed_over: u32,
}

struct Inner<W> {
    entries: VecDeque<Entry<W>>,
    senders: usize,
    is_closed: bool,
}

struct Shared<W> {
    inner: Mutex<Inner<W>>,
    changed: Condvar,
    capacity: usize,
}

impl<W> Shared<W> {
    fn lock(&self) -> MutexGuard<'_, Inner<W>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end that work goes in at. The queue ends when the last is gone and the work is done.
pub(super) struct Sender<W>(Arc<Shared<W>>);

/// The end that work comes out of; without it, work comes back to those who send it.
pub(super) struct Receiver<W>(Arc<Shared<W>>);

/// Why work came back.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused<W> {
    Full(W),
    Closed(W),
}

/// A queue for so many pieces of work.
pub(super) fn queue<W: Ranked>(capacity: usize) -> (Sender<W>, Receiver<W>) {
    let inner = Inner { entries: VecDeque::new(), senders: 1, is_closed: false };
    let shared = Arc::new(Shared { inner: Mutex::new(inner), changed: Condvar::new(), capacity });
    (Sender(shared.clone()), Receiver(shared))
}

impl<W: Ranked> Sender<W> {
    /// Never waits.
    pub(super) fn send(&self, work: W) -> Result<(), Refused<W>> {
        let mut inner = self.0.lock();
        if inner.is_closed {
            return Err(Refused::Closed(work));
        }
        if inner.entries.len() >= self.0.capacity {
            return Err(Refused::Full(work));
        }
        inner.entries.push_back(Entry { work, passed_over: 0 });
        drop(inner);
        self.0.changed.notify_one();
        Ok(())
    }
}

impl<W> Clone for Sender<W> {
    fn clone(&self) -> Self {
        self.0.lock().senders += 1;
        Self(self.0.clone())
    }
}

impl<W> Drop for Sender<W> {
    fn drop(&mut self) {
        self.0.lock().senders -= 1;
        self.0.changed.notify_one();
    }
}

impl<W: Ranked> Receiver<W> {
    /// The work whose turn it is, and what goes with it; waits for some, and is `None` when there will be none.
    pub(super) fn next(&self) -> Option<Vec<W>> {
        let mut inner = self.0.lock();
        loop {
            if let Some(next) = next_of(&inner.entries) {
                inner.entries.iter_mut().take(next).for_each(|entry| entry.passed_over += 1);
                let first = inner.entries.remove(next)?.work;
                return Some(self.with_companions(inner, first));
            }
            if inner.senders == 0 {
                return None;
            }
            inner = self.0.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// `first` and what goes with it of other streams, the oldest first. Waits for more only while nothing else waits.
    fn with_companions(&self, mut inner: MutexGuard<'_, Inner<W>>, first: W) -> Vec<W> {
        let Batching { size, timeout } = first.batching();
        let mut batch = vec![first];
        let began = (!timeout.is_zero()).then(Instant::now);
        loop {
            while batch.len() < size
                && let Some(companion) = companion_of(&batch, &inner.entries)
            {
                batch.extend(inner.entries.remove(companion).map(|entry| entry.work));
            }
            let left = began.map_or(Duration::ZERO, |began| timeout.saturating_sub(began.elapsed()));
            if batch.len() >= size || left.is_zero() || !inner.entries.is_empty() || inner.senders == 0 {
                return batch;
            }
            (inner, _) = self.0.changed.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<W> Drop for Receiver<W> {
    fn drop(&mut self) {
        let left = {
            let mut inner = self.0.lock();
            inner.is_closed = true;
            std::mem::take(&mut inner.entries)
        };
        // Dropped without the lock: work may answer those who sent it.
        drop(left);
    }
}

/// The oldest that goes with all of the batch and that no work of its own stream is before, there or here.
fn companion_of<W: Ranked>(batch: &[W], entries: &VecDeque<Entry<W>>) -> Option<usize> {
    let is_of_another_stream =
        |work: &W| work.stream().is_none() || batch.iter().all(|taken| taken.stream() != work.stream());
    let fits = |work: &W| is_of_another_stream(work) && batch.iter().all(|taken| taken.goes_with(work));
    (0..entries.len()).find(|index| is_first_of_its_stream(entries, *index) && fits(&entries[*index].work))
}

fn is_first_of_its_stream<W: Ranked>(entries: &VecDeque<Entry<W>>, index: usize) -> bool {
    let stream = entries[index].work.stream();
    stream.is_none() || !entries.range(..index).any(|earlier| earlier.work.stream() == stream)
}

/// The first that was passed over too often; otherwise the first of the highest priority that no work of its own stream is
/// before.
fn next_of<W: Ranked>(entries: &VecDeque<Entry<W>>) -> Option<usize> {
    let firsts = || entries.iter().enumerate().filter(|(index, _)| is_first_of_its_stream(entries, *index));
    let starved = firsts().find(|(_, entry)| entry.passed_over >= MOST_PASSED_OVER);
    let urgent = || firsts().min_by_key(|(_, entry)| Reverse(entry.work.priority()));
    starved.or_else(urgent).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name, priority, stream. Those whose names begin alike go together.
    #[derive(Debug, PartialEq, Eq)]
    struct Job(&'static str, i32, Option<u64>);

    const LONG: Duration = Duration::from_secs(60);

    impl Ranked for Job {
        fn priority(&self) -> i32 {
            self.1
        }

        fn stream(&self) -> Option<u64> {
            self.2
        }

        fn goes_with(&self, other: &Self) -> bool {
            self.0.as_bytes()[0] == other.0.as_bytes()[0]
        }

        fn batching(&self) -> Batching {
            let timeout = if self.0.ends_with("patiently") { LONG } else { Duration::ZERO };
            Batching { size: 3, timeout }
        }
    }

    fn names(batch: Option<Vec<Job>>) -> Vec<&'static str> {
        batch.into_iter().flatten().map(|job| job.0).collect()
    }

    fn taken(jobs: Vec<Job>) -> Vec<&'static str> {
        let (sender, receiver) = queue(jobs.len());
        jobs.into_iter().for_each(|job| sender.send(job).unwrap());
        drop(sender);
        std::iter::from_fn(|| receiver.next()).flatten().map(|job| job.0).collect()
    }

    #[test]
    fn equals_come_in_their_order_and_the_urgent_first() {
        let job = |name, priority| Job(name, priority, None);
        assert_eq!(taken(vec![job("a", 0), job("b", 0), job("c", 0)]), ["a", "b", "c"]);
        assert_eq!(taken(vec![job("a", 0), job("b", 2), job("c", -1), job("d", 2)]), ["b", "d", "a", "c"]);
    }

    #[test]
    fn a_stream_keeps_its_order() {
        let jobs = vec![Job("a1", 0, Some(1)), Job("a2", 9, Some(1)), Job("b", 1, Some(2))];
        assert_eq!(taken(jobs), ["b", "a1", "a2"]);
    }

    #[test]
    fn what_goes_together_comes_together() {
        let job = |name, stream| Job(name, 0, stream);
        let (sender, receiver) = queue(10);
        let jobs = [
            job("a1", Some(1)),
            job("b1", Some(2)),
            job("a2", Some(1)),
            job("a3", Some(3)),
            job("a4", None),
            job("a5", None),
            job("b2", Some(4)),
        ];
        jobs.into_iter().for_each(|job| sender.send(job).unwrap());
        assert_eq!(names(receiver.next()), ["a1", "a3", "a4"], "at most three, and one of a stream");
        assert_eq!(names(receiver.next()), ["b1", "b2"]);
        assert_eq!(names(receiver.next()), ["a2", "a5"]);
    }

    #[test]
    fn the_first_waits_for_others_while_nothing_else_waits() {
        let job = |name| Job(name, 0, None);
        let (sender, receiver) = queue(10);
        sender.send(job("a patiently")).unwrap();
        let waiting = std::thread::spawn(move || (names(receiver.next()), receiver));
        sender.send(job("a")).unwrap();
        sender.send(job("aa")).unwrap();
        let (batch, receiver) = waiting.join().unwrap();
        assert_eq!(batch.len(), 3);
        sender.send(job("a patiently")).unwrap();
        sender.send(job("b")).unwrap();
        assert_eq!(names(receiver.next()), ["a patiently"], "somebody else waits");
        assert_eq!(names(receiver.next()), ["b"]);
        sender.send(job("a patiently")).unwrap();
        drop(sender);
        assert_eq!(names(receiver.next()), ["a patiently"], "nobody else can come");
    }

    #[test]
    fn nobody_is_passed_over_for_ever() {
        let (sender, receiver) = queue(100);
        sender.send(Job("patient", 0, None)).unwrap();
        let mut turns = 0;
        loop {
            sender.send(Job("urgent", 1, None)).unwrap();
            if names(receiver.next()) == ["patient"] {
                break;
            }
            turns += 1;
        }
        assert_eq!(turns, MOST_PASSED_OVER);
    }

    #[test]
    fn work_that_finds_no_place_comes_back() {
        let (sender, receiver) = queue(1);
        let job = || Job("a", 0, None);
        sender.send(job()).unwrap();
        assert_eq!(sender.send(job()), Err(Refused::Full(job())));
        drop(receiver);
        assert_eq!(sender.send(job()), Err(Refused::Closed(job())));
    }

    #[test]
    fn the_end_of_the_last_sender_wakes_who_waits() {
        let (sender, receiver) = queue::<Job>(1);
        let other = sender.clone();
        let waiting = std::thread::spawn(move || receiver.next());
        drop(sender);
        other.send(Job("a", 0, None)).unwrap();
        assert_eq!(names(waiting.join().unwrap()), ["a"]);
        let (sender, receiver) = queue::<Job>(1);
        let waiting = std::thread::spawn(move || receiver.next());
        drop(sender);
        assert_eq!(waiting.join().unwrap(), None);
    }
}
