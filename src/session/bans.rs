//! What the user removed and does not want to see again.

use super::binary_mask::BinaryMask;
use super::group::Group;
use super::settings::SessionConfig;

/// Bans that are remembered; the oldest goes when another comes.
pub const MAX_BANS: usize = 64;

/// Where a banned thing was last, and how long the ban still holds.
#[derive(Debug, Clone, PartialEq)]
struct Ban<Concept> {
    concept: Option<Concept>,
    place: BinaryMask,
    detections_left: u32,
}

/// All bans of a session. A ban follows its thing from detection to detection and ends when it was not detected for
/// [`SessionConfig::ban_detections`].
#[derive(Debug, Clone, PartialEq)]
pub struct Bans<Concept>(Vec<Ban<Concept>>);

impl<Concept> Default for Bans<Concept> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// A detection as this rule sees it.
#[derive(Debug, Clone, Copy)]
pub struct Suspect<'a> {
    /// Its phrase.
    pub group: Group,
    /// Its inside.
    pub mask: &'a BinaryMask,
    /// Its largest overlap with a track; a detection that rather belongs to a track is not banned.
    pub track_iou: f32,
}

impl<Concept: PartialEq> Bans<Concept> {
    /// Bans what is there; `None` for all concepts.
    pub fn add(&mut self, concept: Option<Concept>, place: BinaryMask, config: &SessionConfig) {
        if place.is_empty() {
            return;
        }
        if self.0.len() >= MAX_BANS {
            self.0.remove(0);
        }
        self.0.push(Ban { concept, place, detections_left: config.ban_detections });
    }

    /// Number of bans.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True without a ban.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Forgets those of concepts that are gone.
    pub fn retain(&mut self, mut is_wanted: impl FnMut(&Concept) -> bool) {
        self.0.retain(|ban| ban.concept.as_ref().is_none_or(&mut is_wanted));
    }

    /// Which detections are banned: for each ban the one of its phrase that it overlaps most, at least as much as makes a
    /// detection belong to a track, and more than any track does. Counts a frame with detection.
    pub fn apply(
        &mut self,
        suspects: &[Suspect<'_>],
        group_of: impl Fn(&Concept) -> Group,
        config: &SessionConfig,
    ) -> Vec<bool> {
        let mut is_banned = vec![false; suspects.len()];
        for ban in &mut self.0 {
            let group = ban.concept.as_ref().map(&group_of);
            let overlap = |(index, suspect): (usize, &Suspect<'_>)| {
                let is_of_ban = group.is_none_or(|group| group == suspect.group);
                let overlap = ban.place.iou(suspect.mask);
                let is_hit = is_of_ban && overlap > suspect.track_iou && overlap >= config.association_iou;
                is_hit.then_some((index, overlap))
            };
            let hits = suspects.iter().enumerate().filter_map(overlap);
            match hits.max_by(|a, b| a.1.total_cmp(&b.1)) {
                Some((index, _)) => {
                    is_banned[index] = true;
                    ban.place = suspects[index].mask.clone();
                    ban.detections_left = config.ban_detections;
                }
                None => ban.detections_left = ban.detections_left.saturating_sub(1),
            }
        }
        self.0.retain(|ban| ban.detections_left > 0);
        is_banned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(from: usize) -> BinaryMask {
        BinaryMask::from_cells(10, (0..100).map(|cell| (from..from + 20).contains(&cell)))
    }

    fn hit(bans: &mut Bans<u8>, group: usize, from: usize, track_iou: f32, config: &SessionConfig) -> bool {
        let mask = cells(from);
        let suspect = Suspect { group: Some(group), mask: &mask, track_iou };
        bans.apply(&[suspect], |concept| Some(usize::from(*concept)), config)[0]
    }

    #[test]
    fn a_ban_follows_its_thing() {
        let config = SessionConfig::default();
        let mut bans = Bans::default();
        bans.add(Some(0u8), cells(0), &config);
        for from in (0..70).step_by(10) {
            assert!(hit(&mut bans, 0, from, 0.0, &config), "{from}");
        }
        assert!(!hit(&mut bans, 0, 0, 0.0, &config), "it has moved away from there");
    }

    #[test]
    fn other_phrases_and_tracked_objects_are_not_hit() {
        let config = SessionConfig::default();
        let mut bans = Bans::default();
        bans.add(Some(0u8), cells(0), &config);
        assert!(!hit(&mut bans, 1, 0, 0.0, &config));
        assert!(!hit(&mut bans, 0, 5, 0.7, &config), "it rather is a track");
        bans.add(None, cells(50), &config);
        assert!(hit(&mut bans, 1, 50, 0.0, &config), "a ban without a phrase is for all");
    }

    #[test]
    fn bans_end_when_nothing_is_seen_and_with_their_phrase() {
        let config = SessionConfig { ban_detections: 3, ..SessionConfig::default() };
        let mut bans = Bans::default();
        bans.add(Some(0u8), cells(0), &config);
        let left = |bans: &mut Bans<u8>| {
            hit(bans, 0, 80, 0.0, &config);
            bans.len()
        };
        assert_eq!([left(&mut bans), left(&mut bans), left(&mut bans)], [1, 1, 0]);
        bans.add(Some(0), cells(0), &config);
        bans.add(None, cells(0), &config);
        bans.retain(|concept| *concept != 0);
        assert_eq!(bans.len(), 1);
    }

    #[test]
    fn the_oldest_ban_goes_when_there_are_too_many() {
        let config = SessionConfig::default();
        let mut bans = Bans::default();
        for concept in 0..=MAX_BANS as u8 {
            bans.add(Some(concept), cells(0), &config);
        }
        assert_eq!(bans.len(), MAX_BANS);
        assert!(!hit(&mut bans, 0, 0, 0.0, &config) && hit(&mut bans, 1, 0, 0.0, &config));
        bans.add(Some(0), BinaryMask::empty(10), &config);
        assert_eq!(bans.len(), MAX_BANS, "what has no place cannot be banned");
    }
}
