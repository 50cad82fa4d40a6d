//! Frames that are held back after they were looked at, with the events between them, in order.

use std::collections::VecDeque;

use super::junction::Item;

/// Bounded by the delay: the task takes out what is over before it puts more in.
#[derive(Default)]
pub(super) struct DelayLine {
    items: VecDeque<Item>,
    frames: usize,
}

impl DelayLine {
    pub(super) fn push(&mut self, item: Item) {
        self.frames += usize::from(matches!(item, Item::Frame(_)));
        self.items.push_back(item);
    }

    /// The first item, if it need not wait: an event at the front, or a frame with more than `delay` in line.
    pub(super) fn pop(&mut self, delay: usize) -> Option<Item> {
        let may_leave = self.frames > delay || matches!(self.items.front(), Some(Item::Event(_)));
        if may_leave { self.drain_one() } else { None }
    }

    /// The first item, waiting or not.
    pub(super) fn drain_one(&mut self) -> Option<Item> {
        let item = self.items.pop_front()?;
        self.frames -= usize::from(matches!(item, Item::Frame(_)));
        Some(item)
    }

    /// Empties the line.
    pub(super) fn clear(&mut self) -> Vec<Item> {
        self.frames = 0;
        self.items.drain(..).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::junction::Arrived;

    fn leaving(line: &mut DelayLine, delay: usize) -> String {
        std::iter::from_fn(|| line.pop(delay))
            .map(|item| if matches!(item, Item::Frame(_)) { 'f' } else { 'e' })
            .collect()
    }

    #[test]
    fn events_keep_their_place_between_frames_that_wait() {
        gst::init().unwrap();
        let (frame, event) =
            (|| Item::Frame(Arrived::now(gst::Buffer::new())), || Item::Event(gst::event::FlushStart::new()));
        let mut line = DelayLine::default();
        line.push(event());
        assert_eq!(leaving(&mut line, 2), "e");
        for _ in 0..2 {
            line.push(frame());
            line.push(event());
            assert_eq!(leaving(&mut line, 2), "");
        }
        line.push(frame());
        assert_eq!((leaving(&mut line, 2), line.frames), ("fe".to_owned(), 2));
        assert_eq!(leaving(&mut line, 0), "fef");
        line.push(frame());
        assert_eq!((line.clear().len(), line.frames, line.drain_one().is_none()), (1, 0, true));
    }
}
