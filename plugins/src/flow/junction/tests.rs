use super::*;
use std::sync::Arc;
use std::sync::mpsc::channel;

fn failure(flow: gst::FlowError) -> Failure {
    Failure { flow, is_told: false }
}

const WAITING: usize = 3;

fn push_with(junction: &Junction, shedding: Shedding) -> Result<usize, gst::FlowError> {
    junction.push_frame(gst::Buffer::new(), QueueLimit { frames: WAITING, shedding }).map(|dropped| dropped.len())
}

fn push(junction: &Junction) -> Result<usize, gst::FlowError> {
    push_with(junction, Shedding::Block)
}

fn open_junction() -> Arc<Junction> {
    gst::init().unwrap();
    let junction = Arc::new(Junction::new());
    junction.open();
    junction
}

#[test]
fn items_keep_their_order_and_a_full_queue_blocks_until_flushed() {
    let junction = open_junction();
    for _ in 0..WAITING {
        push(&junction).unwrap();
    }
    assert!(junction.push_event(gst::event::Eos::new()));
    assert!(junction.holds_eos() && junction.waiting_frames() == WAITING);
    let blocked = {
        let junction = junction.clone();
        thread::spawn(move || push(&junction))
    };
    junction.flush();
    assert_eq!(blocked.join().unwrap(), Err(gst::FlowError::Flushing));
    let left = junction.clear();
    assert_eq!(left.len(), WAITING + 1);
    assert!(matches!(left.last(), Some(Item::Event(_))));
}

#[test]
fn a_failure_reaches_upstream_and_a_new_stream_revives_after_the_end() {
    let junction = open_junction();
    push(&junction).unwrap();
    let (_, ticket) = junction.take().unwrap();
    junction.done(ticket, Err(failure(gst::FlowError::Eos)));
    assert_eq!(push(&junction), Err(gst::FlowError::Eos));
    assert!(!junction.wait_until_through());
    junction.revive_after_eos();
    assert!(push(&junction).is_ok() && junction.outcome().is_ok());
}

#[test]
fn a_failure_before_a_flush_does_not_count_after_it() {
    let junction = open_junction();
    push(&junction).unwrap();
    let (_, ticket) = junction.take().unwrap();
    junction.flush();
    junction.wait_until_idle();
    junction.open();
    junction.done(ticket, Err(failure(gst::FlowError::Flushing)));
    assert!(junction.outcome().is_ok());
}

#[test]
fn closing_sends_the_task_home_also_from_a_flush() {
    let junction = open_junction();
    junction.flush();
    let task = {
        let junction = junction.clone();
        thread::spawn(move || junction.take().is_none())
    };
    junction.close();
    assert!(task.join().unwrap());
}

#[test]
fn an_answer_to_an_abandoned_pass_is_dropped() {
    let junction = open_junction();
    let old = junction.pass_begins();
    junction.flush();
    assert_eq!(junction.wait_for_answer().unwrap_err(), Interrupted::Flushing);
    junction.open();
    let new = junction.pass_begins();
    assert!(!junction.is_wanted(old) && junction.is_wanted(new));
    junction.answer(old);
    assert!(!junction.is_wanted(old) && junction.is_wanted(new));
    junction.answer(new);
    junction.wait_for_answer().unwrap();
}

#[test]
fn those_who_wait_for_the_engine_learn_that_it_failed() {
    let junction = open_junction();
    let settings = EngineSettings::default();
    let ticket = junction.load_begins(&settings).unwrap();
    assert!(junction.load_begins(&settings).is_none(), "it loads already");
    let (sender, receiver) = channel();
    let waiting = {
        let junction = junction.clone();
        thread::spawn(move || sender.send(junction.wait_for_engine().err()).unwrap())
    };
    assert!(junction.load_ends(ticket, None));
    assert_eq!(receiver.recv().unwrap(), Some(Interrupted::LoadFailed));
    waiting.join().unwrap();
    assert!(junction.load_begins(&settings).is_none(), "it failed just now");
    junction.forget_failed_load();
    let again = junction.load_begins(&settings).unwrap();
    assert!(junction.give_engine_back() && !junction.load_ends(again, None));
}
