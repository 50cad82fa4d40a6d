//! The session at work on discs, with and without a tracker.

mod bounds;
mod bridging;
mod clicks;
mod following;
mod lifecycle;
mod phrases;
mod stage;
