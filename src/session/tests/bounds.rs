//! Twenty thousand frames on which objects come and go leave nothing behind.

use super::stage::Stage;
use crate::engine::discs::Disc;
use crate::objects::Mask;
use crate::session::{ClickPoint, Edit};

const FRAMES: i64 = 20_000;
/// A coarse grid, so that the run is short.
const SIDE: usize = 24;

/// Eight lanes with one disc after the other; some are missed by the detector, some hidden, some doubles of others.
fn traffic(frame: i64, _: &str) -> Vec<Disc> {
    let lane = |lane: i64| {
        let period = 60 + 7 * lane;
        let (turn, at) = (frame / period, frame % period);
        let x = -0.1 + 1.2 * at as f32 / period as f32;
        let noise = (frame * 31 + lane * 17) % 11;
        let disc = Disc::at((100 * turn + lane) as u64, x, 0.06 + 0.11 * lane as f32);
        Disc { radius: 0.05, is_detected: noise > 2, is_seen: noise != 5, ..disc }
    };
    (0..8).map(lane).collect()
}

/// Everything that a session keeps, as one number each.
fn kept(stage: &Stage) -> [usize; 5] {
    let session = &stage.session;
    let host_bytes: usize = session.tracks.iter().map(|track| track.host_bytes()).sum();
    let counters: usize = session.tracks.iter().map(|track| track.probation.counter_count()).sum();
    [session.tracks.len(), host_bytes, counters, session.bans.len(), session.kept.len()]
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

#[test]
fn what_is_kept_does_not_grow() {
    for follows in [true, false] {
        let mut stage = Stage::new("disc", follows, traffic).with(|config| {
            config.active_objects = 24;
            config.ban_detections = 20;
            config.max_lost_ns = 1_000_000_000;
        });
        stage.side = SIDE;
        let mut largest = [[0; 5]; 2];
        for frame in 0..FRAMES {
            stage.step_with(edits(frame));
            // The peaks of the first and of the last fifth.
            let part = if frame < FRAMES / 5 { 0 } else { usize::from(frame >= FRAMES - FRAMES / 5) };
            if frame < FRAMES / 5 || frame >= FRAMES - FRAMES / 5 {
                let peak = &mut largest[part];
                peak.iter_mut().zip(kept(&stage)).for_each(|(peak, now)| *peak = (*peak).max(now));
            }
        }
        let [early, late] = largest;
        assert!(stage.session.next_id > 1_000, "objects came and went: {}", stage.session.next_id);
        for (early, late) in early.iter().zip(late) {
            assert!(late <= early + early / 2, "follows {follows}: {largest:?}");
        }
        assert!(early[0] <= 24 && late[0] <= 24);
    }
}
