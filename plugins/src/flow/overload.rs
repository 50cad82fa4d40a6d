//! When an element sheds frames: the beginning and the end of such a time, each told once.
//!
//! Plain state without threads.

use std::time::{Duration, Instant};

/// An overload is over when nothing was shed for so long.
const CALM: Duration = Duration::from_secs(5);

/// What to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Begins,
    /// With the frames that were shed.
    Ends {
        shed: u64,
    },
}

#[derive(Debug, Default)]
pub(super) struct Overload {
    shed: u64,
    last: Option<Instant>,
}

impl Overload {
    /// A frame was shed.
    pub(super) fn note_shed(&mut self, now: Instant) -> Option<Turn> {
        self.shed += 1;
        self.last.replace(now).is_none().then_some(Turn::Begins)
    }

    /// A frame came through.
    pub(super) fn note_through(&mut self, now: Instant) -> Option<Turn> {
        self.last.filter(|last| now.duration_since(*last) >= CALM)?;
        Some(Turn::Ends { shed: std::mem::take(self).shed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_once_and_ends_after_a_calm() {
        let (mut overload, now) = (Overload::default(), Instant::now());
        assert_eq!(overload.note_through(now), None);
        assert_eq!([overload.note_shed(now), overload.note_shed(now + CALM / 2)], [Some(Turn::Begins), None]);
        assert_eq!(overload.note_through(now + CALM), None);
        assert_eq!(overload.note_through(now + CALM / 2 + CALM), Some(Turn::Ends { shed: 2 }));
        assert_eq!(overload.note_through(now + 3 * CALM), None);
        assert_eq!(overload.note_shed(now + 3 * CALM), Some(Turn::Begins));
    }
}
