//! Where frames of the background wait for theirs of the picture: one that is shown, and one that comes next.
//!
//! Two threads meet here. The background's thread puts frames in and waits while the next one is not due. The picture's
//! thread asks what is to be seen at a time; it waits for a background that is late only where nothing is live, and only
//! until it has stalled once, so that the two branches of a pipeline can never hold each other up for long.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::lock::locked;
use gst::{ClockTime, FlowError};
use gst_video::VideoInfo;

/// How long a picture waits for a background that is late; after that it goes on with the last one.
pub(in crate::maskcomposite) const MAX_WAIT: Duration = Duration::from_secs(1);

/// A frame of the background.
#[derive(Debug, Clone)]
pub(in crate::maskcomposite) struct Shown {
    pub(in crate::maskcomposite) buffer: gst::Buffer,
    pub(in crate::maskcomposite) info: VideoInfo,
    /// Which one it is: no other has this number.
    pub(in crate::maskcomposite) serial: u64,
}

/// What the picture's thread is told.
#[derive(Debug, Default)]
pub(in crate::maskcomposite) struct Looked {
    pub(in crate::maskcomposite) shown: Option<Shown>,
    /// The background has stalled just now.
    pub(in crate::maskcomposite) has_stalled: bool,
}

/// What the picture's thread does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::maskcomposite) enum Picture {
    /// It asks for what is to be seen.
    #[default]
    Asks,
    /// It shall not wait, as it is about to stop or to begin anew.
    Hurries,
    /// It has ended: no background is needed any more.
    Ended,
}

#[derive(Debug, Default)]
struct State {
    shown: Option<Shown>,
    /// Running time until which `shown` is known to be right.
    shown_until: Option<ClockTime>,
    next: Option<(ClockTime, Option<ClockTime>, Shown)>,
    is_flushing: bool,
    /// The background has ended: its last frame stays.
    is_over: bool,
    /// Nobody waits for it until it sends a frame again.
    is_stalled: bool,
    picture: Picture,
}

/// The line.
#[derive(Debug, Default)]
pub(in crate::maskcomposite) struct Line {
    state: Mutex<State>,
    changed: Condvar,
}

impl Line {
    /// Puts a frame in, shown from the running time `from` on, and waits while another one is in front of it. Without a time
    /// it is shown at once.
    ///
    /// # Errors
    /// Flushing, or that the picture has ended.
    pub(in crate::maskcomposite) fn put(
        &self,
        shown: Shown,
        from: Option<ClockTime>,
        duration: Option<ClockTime>,
    ) -> Result<(), FlowError> {
        let mut state = self.locked();
        while state.next.is_some() && !state.is_flushing && state.picture != Picture::Ended {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_flushing {
            return Err(FlowError::Flushing);
        }
        if state.picture == Picture::Ended {
            return Err(FlowError::Eos);
        }
        state.is_stalled = false;
        match from {
            Some(from) => state.next = Some((from, duration.map(|duration| from + duration), shown)),
            None => (state.shown, state.shown_until) = (Some(shown), None),
        }
        self.changed.notify_all();
        Ok(())
    }

    /// The frame that is to be seen at the running time `now`.
    pub(in crate::maskcomposite) fn at(&self, now: Option<ClockTime>, may_wait: bool) -> Looked {
        let until = Instant::now() + MAX_WAIT;
        let mut state = self.locked();
        loop {
            if let Some((_, shown_until, shown)) = state.next.take_if(|(from, ..)| now.is_none_or(|now| *from <= now)) {
                (state.shown, state.shown_until) = (Some(shown), shown_until);
                self.changed.notify_all();
                continue;
            }
            let is_known =
                state.next.is_some() || state.shown_until.is_some_and(|until| now.is_some_and(|now| now < until));
            let is_in_vain = state.is_over || state.is_stalled || state.is_flushing || state.picture != Picture::Asks;
            if is_known || is_in_vain || !may_wait {
                return Looked { shown: state.shown.clone(), has_stalled: false };
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.is_stalled = true;
                return Looked { shown: state.shown.clone(), has_stalled: true };
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Nothing new comes before the running time `until`.
    pub(in crate::maskcomposite) fn skip_to(&self, until: Option<ClockTime>) {
        self.locked().shown_until = until;
        self.changed.notify_all();
    }

    /// The background has ended.
    pub(in crate::maskcomposite) fn end(&self) {
        self.locked().is_over = true;
        self.changed.notify_all();
    }

    /// The background begins to flush, or ends it; what was to come next is gone then.
    pub(in crate::maskcomposite) fn flush(&self, is_flushing: bool) {
        let mut state = self.locked();
        *state = State { shown: state.shown.take(), is_flushing, picture: state.picture, ..State::default() };
        self.changed.notify_all();
    }

    /// The picture's thread begins to do something else.
    pub(in crate::maskcomposite) fn let_picture(&self, picture: Picture) {
        self.locked().picture = picture;
        self.changed.notify_all();
    }

    /// Forgets all frames.
    pub(in crate::maskcomposite) fn clear(&self) {
        *self.locked() = State::default();
        self.changed.notify_all();
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread;

    fn at(ms: u64) -> Option<ClockTime> {
        Some(ClockTime::from_mseconds(ms))
    }

    fn frame(serial: u64) -> Shown {
        gst::init().unwrap();
        let info = VideoInfo::builder(gst_video::VideoFormat::Gray8, 2, 2).build().unwrap();
        Shown { buffer: gst::Buffer::new(), info, serial }
    }

    fn seen(line: &Line, ms: u64) -> Option<u64> {
        line.at(at(ms), true).shown.map(|shown| shown.serial)
    }

    #[test]
    fn the_newest_frame_that_is_due_is_seen() {
        let line = Arc::new(Line::default());
        let puts = thread::spawn({
            let line = line.clone();
            move || {
                for serial in 0..4 {
                    line.put(frame(serial), at(100 * serial), at(100)).unwrap();
                }
                line.end();
            }
        });
        let times = [0, 40, 99, 100, 250, 299, 300, 900];
        assert_eq!(times.map(|ms| seen(&line, ms)), [0, 0, 0, 1, 2, 2, 3, 3].map(Some));
        puts.join().unwrap();
    }

    #[test]
    fn before_the_first_frame_there_is_nothing() {
        let line = Line::default();
        line.put(frame(1), at(500), None).unwrap();
        assert_eq!((seen(&line, 499), seen(&line, 500)), (None, Some(1)));
    }

    #[test]
    fn who_may_not_wait_takes_what_is_there() {
        let line = Line::default();
        assert!(line.at(at(0), false).shown.is_none());
        line.put(frame(1), at(0), at(40)).unwrap();
        assert_eq!(line.at(at(5_000), false).shown.unwrap().serial, 1);
    }

    #[test]
    fn a_background_that_stalls_is_waited_for_once() {
        let line = Line::default();
        line.put(frame(1), at(0), at(40)).unwrap();
        let looked = line.at(at(100), true);
        assert!(looked.has_stalled && looked.shown.unwrap().serial == 1);
        let again = line.at(at(140), true);
        assert!(!again.has_stalled && again.shown.unwrap().serial == 1);
        line.put(frame(2), at(180), None).unwrap();
        assert_eq!(seen(&line, 180), Some(2));
    }

    #[test]
    fn a_picture_in_a_hurry_does_not_wait() {
        let line = Arc::new(Line::default());
        let asks = thread::spawn({
            let line = line.clone();
            move || line.at(at(0), true).has_stalled
        });
        line.let_picture(Picture::Hurries);
        assert!(!asks.join().unwrap());
    }

    #[test]
    fn a_gap_is_not_waited_for() {
        let line = Line::default();
        line.put(frame(1), at(0), at(40)).unwrap();
        assert_eq!(seen(&line, 0), Some(1));
        line.skip_to(at(400));
        assert_eq!(seen(&line, 399), Some(1));
    }

    #[test]
    fn flushing_and_a_picture_that_has_ended_wake_the_background() {
        for expected in [FlowError::Flushing, FlowError::Eos] {
            let line = Arc::new(Line::default());
            line.put(frame(1), at(0), None).unwrap();
            let waits = thread::spawn({
                let line = line.clone();
                move || line.put(frame(2), at(40), None)
            });
            match expected {
                FlowError::Flushing => line.flush(true),
                _ => line.let_picture(Picture::Ended),
            }
            assert_eq!(waits.join().unwrap(), Err(expected));
        }
    }

    #[test]
    fn a_flush_keeps_what_is_seen_and_drops_what_comes_next() {
        let line = Line::default();
        line.put(frame(1), at(0), None).unwrap();
        assert_eq!(line.at(at(0), false).shown.unwrap().serial, 1);
        line.put(frame(2), at(40), None).unwrap();
        line.flush(true);
        assert_eq!(line.put(frame(3), at(0), None), Err(FlowError::Flushing));
        line.flush(false);
        assert_eq!(line.at(at(900), false).shown.unwrap().serial, 1);
    }
}
