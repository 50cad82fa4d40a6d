//! Grey pictures that wait for their frames, in the order of their running times.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::lock::locked;
use sa3::Objects;

/// Pictures that may wait; then their branch does.
const QUEUE_MAX: usize = 16;
/// Running times this close are the same.
const TOLERANCE: gst::ClockTime = gst::ClockTime::from_mseconds(1);

/// A picture's objects and the running times for which they hold.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    pub(super) start: gst::ClockTime,
    /// `None`: until the next.
    pub(super) end: Option<gst::ClockTime>,
    pub(super) objects: Arc<Objects>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Picture>,
    /// The mask branch has ended.
    has_ended: bool,
    is_mask_flushing: bool,
    is_video_flushing: bool,
    /// Nobody takes pictures any more.
    has_video_ended: bool,
}

/// Where the mask branch and the video branch meet.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    state: Mutex<State>,
    changed: Condvar,
}

impl Pictures {
    fn lock(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Hands a picture over; waits while too many do.
    pub(super) fn put(&self, picture: Picture) -> Result<(), gst::FlowError> {
        let mut state = self.lock();
        while state.waiting.len() >= QUEUE_MAX && !state.is_mask_flushing && !state.has_video_ended {
            state = self.wait(state);
        }
        if state.is_mask_flushing {
            return Err(gst::FlowError::Flushing);
        }
        if state.has_video_ended {
            return Err(gst::FlowError::Eos);
        }
        state.waiting.push_back(picture);
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    /// The objects of the picture that holds at a running time; waits until it is known that no better one comes.
    pub(super) fn at(&self, time: gst::ClockTime) -> Result<Option<Arc<Objects>>, gst::FlowError> {
        let mut state = self.lock();
        loop {
            if state.is_video_flushing {
                return Err(gst::FlowError::Flushing);
            }
            while state.waiting.get(1).is_some_and(|next| next.start <= time + TOLERANCE) {
                state.waiting.pop_front();
                self.changed.notify_all();
            }
            let first = state.waiting.front();
            let is_exact = first.is_some_and(|picture| picture.start + TOLERANCE >= time);
            if is_exact || state.waiting.len() > 1 || state.has_ended || state.is_mask_flushing {
                let holds =
                    |picture: &&Picture| picture.start <= time + TOLERANCE && picture.end.is_none_or(|end| end > time);
                return Ok(first.filter(holds).map(|picture| picture.objects.clone()));
            }
            state = self.wait(state);
        }
    }

    /// A new stream.
    pub(super) fn begin(&self) {
        self.change(|state| *state = State::default());
    }

    /// Wakes both branches and lets nobody wait.
    pub(super) fn close(&self) {
        self.change(|state| (state.is_mask_flushing, state.is_video_flushing) = (true, true));
    }

    /// The mask branch has ended, or is gone.
    pub(super) fn end_masks(&self) {
        self.change(|state| state.has_ended = true);
    }

    pub(super) fn end_video(&self) {
        self.change(|state| state.has_video_ended = true);
    }

    pub(super) fn flush_masks(&self, is_flushing: bool) {
        self.change(|state| {
            state.is_mask_flushing = is_flushing;
            if !is_flushing {
                state.waiting.clear();
                state.has_ended = false;
            }
        });
    }

    pub(super) fn flush_video(&self, is_flushing: bool) {
        self.change(|state| {
            state.is_video_flushing = is_flushing;
            state.has_video_ended = false;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(start: u64, end: Option<u64>) -> Picture {
        let at = gst::ClockTime::from_mseconds;
        let objects = Arc::new(Objects { frame_width: start as u32, ..Objects::default() });
        Picture { start: at(start), end: end.map(at), objects }
    }

    #[test]
    fn a_picture_holds_for_its_time_and_the_latest_wins() {
        let pictures = Pictures::default();
        for (start, end) in [(0, None), (40, Some(60)), (120, None)] {
            pictures.put(picture(start, end)).unwrap();
        }
        pictures.end_masks();
        let at = |ms| {
            let found = pictures.at(gst::ClockTime::from_mseconds(ms)).unwrap();
            found.map(|objects| objects.frame_width)
        };
        assert_eq!(
            [at(0), at(20), at(40), at(59), at(60), at(119), at(500)],
            [Some(0), Some(0), Some(40), Some(40), None, Some(120), Some(120)]
        );
    }

    #[test]
    fn a_frame_waits_for_its_picture_and_a_branch_for_its_frames() {
        let pictures = Arc::new(Pictures::default());
        let of_thread = pictures.clone();
        let branch = std::thread::spawn(move || {
            (0..100).map(|number| of_thread.put(picture(40 * number, None))).filter(Result::is_ok).count()
        });
        for number in 0..50 {
            let found = pictures.at(gst::ClockTime::from_mseconds(40 * number)).unwrap().unwrap();
            assert_eq!(u64::from(found.frame_width), 40 * number);
        }
        pictures.end_video();
        let taken = branch.join().unwrap();
        assert!((50..=50 + QUEUE_MAX).contains(&taken), "{taken}");
    }

    #[test]
    fn flushing_wakes_who_waits() {
        let pictures = Arc::new(Pictures::default());
        let of_thread = pictures.clone();
        let frame = std::thread::spawn(move || of_thread.at(gst::ClockTime::ZERO));
        pictures.close();
        assert_eq!(frame.join().unwrap().err(), Some(gst::FlowError::Flushing));
        assert_eq!(pictures.put(picture(0, None)), Err(gst::FlowError::Flushing));
    }
}
