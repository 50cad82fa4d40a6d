//! Twenty thousand frames on which objects come and go leave nothing behind.

use super::stage::Stage;
use crate::engine::discs::Disc;
use crate::objects::Mask;
use crate::session::{ClickPoint, Edit, Kept};

const FRAMES: i64 = 20_000;
/// A coarse grid, so that the run is short.
const SIDE: usize = 16;

/// Five lanes with one disc after the other; some are missed by the detector, some hidden, some doubles of others.
fn traffic(frame: i64, _: &str) -> Vec<Disc> {
    let lane = |lane: i64| {
        let period = 60 + 7 * lane;
        let (turn, at) = (frame / period, frame % period);
        let x = -0.1 + 1.2 * at as f32 / period as f32;
        let noise = (frame * 31 + lane * 17) % 11;
        let disc = Disc::at((100 * turn + lane) as u64, x, 0.1 + 0.2 * lane as f32);
        Disc { radius: 0.08, is_detected: noise > 2, is_seen: noise != 5, ..disc }
    };
    (0..5).map(lane).collect()
}

/// Everything that a session keeps, as one number each.
fn numbers(kept: Kept) -> [usize; 5] {
    let Kept { tracks, counters, bans, frames, bytes } = kept;
    [tracks, counters, bans, frames, bytes]
}

fn edits(frame: i64) -> Vec<Edit> {
    let at = (frame % 97) as f32 / 97.0;
    match frame % 41 {
        3 => vec![Edit::Click {
            object_id: None,
            points: vec![ClickPoint { x: at, y: 0.5, is_positive: true }],
            at_ns: None,
            label: None,
        }],
        5 => (1..400).map(|object_id| Edit::RemoveObject { object_id, bans: true }).collect(),
        7 => vec![Edit::Rename { object_id: frame as u64 % 50, label: frame.to_string().into() }],
        9 => {
            let mask = Mask::new(1, 1, [255u8]).into_iter();
            mask.map(|mask| Edit::Mask { object_id: Some(frame as u64 / 41), mask, label: None }).collect()
        }
        _ => Vec::new(),
    }
}

fn assert_bounded(follows: bool) {
    let mut stage = Stage::new("disc", follows, traffic).with(|config| {
        config.active_objects = 16;
        config.ban_detections = 20;
        config.max_lost_ns = 1_000_000_000;
    });
    stage.side = SIDE;
    // The peaks of the first and of the last fifth.
    let mut peaks = [[0; 5]; 2];
    for frame in 0..FRAMES {
        let answer = stage.step_with(edits(frame));
        let peak = match frame {
            early if early < FRAMES / 5 => &mut peaks[0],
            late if late >= FRAMES - FRAMES / 5 => &mut peaks[1],
            _ => continue,
        };
        peak.iter_mut().zip(numbers(answer.kept)).for_each(|(peak, now)| *peak = (*peak).max(now));
    }
    let [early, late] = peaks;
    assert!(stage.session.next_id > 1_000, "objects came and went: {}", stage.session.next_id);
    assert!(early.iter().zip(late).all(|(early, late)| late <= early + early / 2), "{peaks:?}");
    assert!(early[0] <= 16 && late[0] <= 16);
}

#[test]
fn with_a_tracker_what_is_kept_does_not_grow() {
    assert_bounded(true);
}

#[test]
fn without_a_tracker_what_is_kept_does_not_grow() {
    assert_bounded(false);
}
