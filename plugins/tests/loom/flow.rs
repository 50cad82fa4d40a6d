//! The junction where its code expects it, with the model's locks, and the models.

#[path = "../../src/flow/junction/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the models use a part of it")]
mod junction;

/// What `plugins/src/flow/sync.rs` is for the flow.
mod sync {
    pub(super) use loom::sync::{Condvar, Mutex, MutexGuard};
    pub(super) use loom::thread;
}

use junction::{Interrupted, Item, Junction, QueueLimit, Shedding};
use loom::sync::Arc;
use loom::thread;

fn open_junction() -> Arc<Junction> {
    let junction = Arc::new(Junction::new());
    junction.open();
    junction
}

fn push(junction: &Junction, pts: u64, shedding: Shedding) -> Result<Vec<u64>, gst::FlowError> {
    let mut buffer = gst::Buffer::new();
    buffer.make_mut().set_pts(gst::ClockTime::from_nseconds(pts));
    let dropped = junction.push_frame(buffer, QueueLimit { frames: 1, shedding })?;
    Ok(dropped.iter().filter_map(|buffer| buffer.pts()).map(gst::ClockTime::nseconds).collect())
}

/// Takes what is there, one after the other, until the pads are switched off.
fn take_all(junction: &Junction) -> Vec<u64> {
    let mut taken = Vec::new();
    while let Some((item, ticket)) = junction.take() {
        if let Item::Frame(frame) = item {
            taken.extend(frame.buffer.pts().map(gst::ClockTime::nseconds));
        }
        junction.done(ticket, Ok(()));
    }
    taken
}

/// Upstream's thread fills a queue of one frame while the task empties it.
fn a_full_queue_holds_upstream_up_and_loses_nothing() {
    let junction = open_junction();
    let task = thread::spawn({
        let junction = junction.clone();
        move || take_all(&junction)
    });
    for pts in 0..3 {
        assert_eq!(push(&junction, pts, Shedding::Block), Ok(Vec::new()));
    }
    assert!(junction.wait_until_through());
    junction.close();
    assert_eq!(task.join().unwrap(), [0, 1, 2]);
}

/// The same where the oldest goes: each frame is taken or told to be dropped.
fn each_frame_is_taken_or_dropped() {
    let junction = open_junction();
    let task = thread::spawn({
        let junction = junction.clone();
        move || take_all(&junction)
    });
    let mut dropped: Vec<u64> = (0..3).flat_map(|pts| push(&junction, pts, Shedding::DropOldest).unwrap()).collect();
    assert!(junction.wait_until_through());
    junction.close();
    let taken = task.join().unwrap();
    assert!(taken.is_sorted() && taken.contains(&2), "{taken:?}");
    dropped.extend(taken);
    dropped.sort_unstable();
    assert_eq!(dropped, [0, 1, 2]);
}

/// Somebody flushes while upstream pushes into a full queue and the task works.
fn a_flush_wakes_everybody_and_empties_the_queue() {
    let junction = open_junction();
    let upstream = thread::spawn({
        let junction = junction.clone();
        move || (0..2).map(|pts| push(&junction, pts, Shedding::Block)).take_while(Result::is_ok).count()
    });
    let task = thread::spawn({
        let junction = junction.clone();
        move || take_all(&junction)
    });
    junction.flush();
    junction.wait_until_idle();
    upstream.join().unwrap();
    junction.clear();
    assert_eq!(junction.waiting_frames(), 0);
    junction.open();
    assert_eq!(push(&junction, 9, Shedding::Block), Ok(Vec::new()));
    assert!(junction.wait_until_through());
    junction.close();
    assert_eq!(task.join().unwrap().last(), Some(&9));
}

/// The engine answers while somebody flushes; the pass after the flush gets no answer but its own.
fn an_answer_from_before_a_flush_is_nobodys() {
    let junction = open_junction();
    let before = junction.pass_begins();
    let engine = thread::spawn({
        let junction = junction.clone();
        move || junction.answer(before)
    });
    let flushing = thread::spawn({
        let junction = junction.clone();
        move || junction.flush()
    });
    assert!(matches!(junction.wait_for_answer(), Ok(()) | Err(Interrupted::Flushing)));
    flushing.join().unwrap();
    junction.open();
    let after = junction.pass_begins();
    engine.join().unwrap();
    assert!(!junction.is_wanted(before) && junction.is_wanted(after));
    let asking = thread::spawn({
        let junction = junction.clone();
        move || junction.wait_for_answer()
    });
    junction.flush();
    assert_eq!(asking.join().unwrap(), Err(Interrupted::Flushing), "nobody answered this one");
}

pub(super) fn run_models() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(a_full_queue_holds_upstream_up_and_loses_nothing);
    builder.check(each_frame_is_taken_or_dropped);
    builder.check(a_flush_wakes_everybody_and_empties_the_queue);
    builder.check(an_answer_from_before_a_flush_is_nobodys);
}
