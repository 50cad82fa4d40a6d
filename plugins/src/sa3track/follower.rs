//! What lies between two frames of one stream: edits that wait, frames that are held back, what gestures began.
//!
//! Plain state without threads; all of it is bounded by the frames held back and by [`MAX_WAITING_EDITS`].

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use sa3::Objects;
use sa3::session::{Edit, MAX_EDITS, ObjectEvent, ObjectEventKind, Started, Tracking};

use super::clicks::{Gesture, edit_of_point};

/// Edits that may wait for the next frame; of more, the newest stay.
pub(super) const MAX_WAITING_EDITS: usize = 2 * MAX_EDITS;
/// Objects that gestures began and that the key c lets go of.
const MAX_GESTURED: usize = 1024;

/// What happened to objects on one frame.
#[derive(Debug, Clone)]
pub(super) struct Happened {
    pub(super) pts: Option<gst::ClockTime>,
    pub(super) objects: Arc<Objects>,
    pub(super) events: Vec<ObjectEvent>,
}

/// A frame on its way downstream.
#[derive(Debug)]
struct Held {
    happened: Happened,
    removed: HashSet<u64>,
}

/// An edit, and whether a gesture made it.
#[derive(Debug, Clone)]
struct Waiting {
    edit: Edit,
    is_gesture: bool,
}

#[derive(Debug, Default)]
pub(super) struct Follower {
    waiting: VecDeque<Waiting>,
    ignored_edits: usize,
    /// Of the edits that the frame at hand took: whether a gesture made them.
    taken: Vec<bool>,
    held: VecDeque<Held>,
    /// What the user sees: objects of the frame that left last.
    seen: Option<Happened>,
    /// Objects whose appearance was told and whose end was not.
    told: HashSet<u64>,
    gestured: VecDeque<u64>,
}

impl Follower {
    /// Puts an edit in line for the next frame.
    pub(super) fn push(&mut self, edit: Edit) {
        self.push_waiting(Waiting { edit, is_gesture: false });
    }

    fn push_waiting(&mut self, waiting: Waiting) {
        if self.waiting.len() >= MAX_WAITING_EDITS {
            self.waiting.pop_front();
            self.ignored_edits += 1;
        }
        self.waiting.push_back(waiting);
    }

    /// Turns a gesture into edits; true when it was for us.
    pub(super) fn gesture(&mut self, gesture: Gesture) -> bool {
        let nothing = Objects::default();
        let seen = self.seen.as_ref();
        let at_ns = seen.and_then(|seen| seen.pts).map(gst::ClockTime::nseconds);
        let objects = seen.map_or(&nothing, |seen| &*seen.objects);
        let edits: Vec<Edit> = match gesture {
            Gesture::Nothing { is_ours } => return is_ours,
            Gesture::Point { x, y, is_positive } => {
                edit_of_point((x, y, is_positive), objects, self.gestured.back().copied(), at_ns).into_iter().collect()
            }
            Gesture::Drag(box_in_frame) => vec![Edit::Box { object_id: None, box_in_frame, at_ns, label: None }],
            Gesture::Clear => {
                self.gestured.drain(..).map(|object_id| Edit::RemoveObject { object_id, bans: false }).collect()
            }
        };
        edits.into_iter().for_each(|edit| self.push_waiting(Waiting { edit, is_gesture: true }));
        true
    }

    pub(super) fn has_edits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// True while objects are followed that need no prompt.
    pub(super) fn has_gestured(&self) -> bool {
        !self.gestured.is_empty()
    }

    /// The edits for the frame at hand, and how many were dropped before it.
    pub(super) fn take_edits(&mut self) -> (Vec<Edit>, usize) {
        self.taken = self.waiting.iter().map(|waiting| waiting.is_gesture).collect();
        let edits = self.waiting.drain(..).map(|waiting| waiting.edit).collect();
        (edits, std::mem::take(&mut self.ignored_edits))
    }

    /// Takes in what became of a frame; the objects to attach to it.
    pub(super) fn followed(&mut self, tracking: &Tracking, pts: Option<gst::ClockTime>) -> Arc<Objects> {
        for Started { edit_index, object_id } in &tracking.started {
            if self.taken.get(*edit_index) == Some(&true) || self.gestured.is_empty() {
                self.gestured.push_back(*object_id);
            }
        }
        let gone = tracking.events.iter().filter(|event| event.kind == ObjectEventKind::Removed);
        let gone: HashSet<u64> =
            gone.map(|event| event.object_id).chain(tracking.removed_ids.iter().copied()).collect();
        self.gestured.retain(|id| !gone.contains(id));
        while self.gestured.len() > MAX_GESTURED {
            self.gestured.pop_front();
        }
        for held in &mut self.held {
            held.removed.extend(&tracking.removed_ids);
        }
        let objects = Arc::new(tracking.objects.clone());
        let happened = Happened { pts, objects: objects.clone(), events: tracking.events.clone() };
        self.held.push_back(Held { happened, removed: HashSet::new() });
        objects
    }

    /// A frame that was not looked at goes through the same line.
    pub(super) fn passed(&mut self, objects: Option<Arc<Objects>>, pts: Option<gst::ClockTime>) {
        let happened = Happened { pts, objects: objects.unwrap_or_default(), events: Vec::new() };
        self.held.push_back(Held { happened, removed: HashSet::new() });
    }

    /// The oldest frame leaves: what happened on it, as far as it proved true, and whether its objects are others now.
    pub(super) fn leave(&mut self) -> Option<(Happened, bool)> {
        let Held { mut happened, removed } = self.held.pop_front()?;
        let is_changed = happened.objects.items.iter().any(|object| object.id.is_some_and(|id| removed.contains(&id)));
        if is_changed {
            let objects = Arc::make_mut(&mut happened.objects);
            objects.items.retain(|object| object.id.is_none_or(|id| !removed.contains(&id)));
        }
        // Who was never shown has no story; the end of one that was shown before is told where it ended.
        let told = &mut self.told;
        happened.events.retain(|event| match event.kind {
            ObjectEventKind::Removed => told.remove(&event.object_id),
            ObjectEventKind::Appeared => !removed.contains(&event.object_id) && told.insert(event.object_id),
            ObjectEventKind::Lost | ObjectEventKind::Recovered => !removed.contains(&event.object_id),
        });
        self.seen = Some(happened.clone());
        Some((happened, is_changed))
    }

    /// Forgets the frames held back: they will not leave.
    pub(super) fn forget_frames(&mut self) {
        self.held.clear();
        self.seen = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sa3::Mask;
    use sa3::boxes::BoxXyxy;
    use sa3::objects::Object;

    fn object(id: u64) -> Object {
        Object {
            id: Some(id),
            label: "disc".into(),
            prompt_index: 0,
            score: 0.9,
            box_in_frame: BoxXyxy { x0: 0.0, y0: 0.0, x1: 1.0, y1: 1.0 },
            mask: Mask::new(1, 1, vec![255]).unwrap(),
            state: None,
            first_seen_ns: None,
            last_seen_ns: None,
        }
    }

    fn event(kind: ObjectEventKind, object_id: u64) -> ObjectEvent {
        ObjectEvent { kind, object_id, label: "disc".into(), cause: None }
    }

    fn frame(ids: &[u64], events: Vec<ObjectEvent>, removed_ids: Vec<u64>) -> Tracking {
        let items = ids.iter().map(|id| object(*id)).collect();
        Tracking { objects: Objects { items, ..Objects::default() }, events, removed_ids, ..Tracking::default() }
    }

    #[test]
    fn what_proves_false_is_hidden_on_frames_that_wait() {
        use ObjectEventKind::{Appeared, Removed};
        let mut follower = Follower::default();
        follower.followed(&frame(&[1, 2], vec![event(Appeared, 1), event(Appeared, 2)], vec![]), None);
        follower.followed(&frame(&[1, 2], vec![], vec![]), None);
        follower.followed(&frame(&[1], vec![event(Removed, 2)], vec![2]), None);
        let mut left = || {
            let (happened, is_changed) = follower.leave().unwrap();
            let ids: Vec<_> = happened.objects.items.iter().filter_map(|object| object.id).collect();
            let events: Vec<_> = happened.events.iter().map(|event| (event.kind, event.object_id)).collect();
            (ids, events, is_changed)
        };
        assert_eq!(left(), (vec![1], vec![(Appeared, 1)], true));
        assert_eq!(left(), (vec![1], vec![], true));
        assert_eq!(left(), (vec![1], vec![], false), "it never was there");
    }

    #[test]
    fn edits_wait_within_bounds_and_gestures_are_cleared() {
        let mut follower = Follower::default();
        for id in 0..MAX_WAITING_EDITS as u64 + 5 {
            follower.push(Edit::RemoveObject { object_id: id, bans: false });
        }
        let (edits, ignored) = follower.take_edits();
        assert_eq!((edits.len(), ignored, follower.has_edits()), (MAX_WAITING_EDITS, 5, false));
        assert!(follower.gesture(Gesture::Point { x: 0.5, y: 0.5, is_positive: true }));
        assert_eq!(follower.take_edits().0.len(), 1);
        let mut tracking = frame(&[9], vec![], vec![]);
        tracking.started = vec![Started { edit_index: 0, object_id: 9 }];
        follower.followed(&tracking, None);
        assert!(follower.has_gestured());
        follower.leave();
        assert!(follower.gesture(Gesture::Clear));
        let (edits, _) = follower.take_edits();
        assert!(matches!(edits[..], [Edit::RemoveObject { object_id: 9, bans: false }]), "{edits:?}");
        assert!(!follower.has_gestured());
    }
}
