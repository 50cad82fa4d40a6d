//! What is kept of one object, and which of it is looked at on a frame. Bounded, whatever the stream's length.
//!
//! Frames are numbered by the caller, one by one over the frames it processes, from any number on. Going backwards is
//! going forwards over negative numbers: see [`MemoryBank::turn_time`].

use tch::Tensor;

use crate::config::TrackerConfig;

/// How much is kept and looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BankRules {
    /// Recent frames whose memory is looked at.
    pub recent_memories: i64,
    /// Conditioning frames that are looked at.
    pub conditioning_frames: usize,
    /// Pointers of recent frames reach back less far than this; distances are counted in parts of one less.
    pub pointers: i64,
    /// Recent frames count only when the object was seen better than this, 0..1; `None`: always.
    pub least_worth: Option<f32>,
    /// What the user says of an object makes conditioning frames that detections made, so many frames before and after,
    /// recent ones.
    pub click_window: i64,
}

/// Who said where an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Giver {
    /// A detection.
    Detector,
    /// Somebody who looks.
    User,
}

/// The official model's threshold of memory selection.
const LEAST_WORTH: f32 = 0.01;

/// The official model's `refinement_detector_cond_frame_removal_window`.
const CLICK_WINDOW: i64 = 16;

/// One frame of one object.
#[derive(Debug)]
pub struct Remembered {
    /// The frame's number.
    pub frame: i64,
    /// `[D]`
    pub pointer: Tensor,
    /// [G·G, C] bf16; `None` when it is too old to be looked at, and only its pointer is.
    pub memory: Option<Tensor>,
    /// How well the object was seen, 0..1.
    pub worth: f32,
    /// Who said where the object is; `None` where it was followed.
    pub giver: Option<Giver>,
}

/// The memories of one object.
#[derive(Debug, Default)]
pub struct MemoryBank {
    /// Frames on which someone said where the object is, oldest first.
    conditioning: Vec<Remembered>,
    /// Frames on which it was followed, oldest first.
    recent: Vec<Remembered>,
}

/// What is looked at on a frame.
#[derive(Debug, Default)]
pub struct Recalled<'a> {
    /// How many frames that count lie between, and the memory; `None` for conditioning frames, which know no time.
    pub memories: Vec<(Option<i64>, &'a Tensor)>,
    /// Distance in frames, and the pointer.
    pub pointers: Vec<(i64, &'a Tensor)>,
}

impl BankRules {
    /// Those of the model, with the official memory selection or without any.
    pub fn new(config: &TrackerConfig, selects: bool) -> Self {
        Self {
            recent_memories: config.num_maskmem - 1,
            conditioning_frames: config.max_cond_frame_num as usize,
            pointers: config.max_object_pointers_in_encoder,
            least_worth: selects.then_some(LEAST_WORTH),
            click_window: CLICK_WINDOW,
        }
    }

    /// How far back, in frames that count, memories and pointers of recent frames are looked at.
    fn reach(&self) -> [i64; 2] {
        [self.recent_memories, self.recent_memories.max(self.pointers - 1)]
    }

    /// Whether a recent frame will be looked at when newer ones are there.
    fn counts(&self, remembered: &Remembered) -> bool {
        self.least_worth.is_none_or(|least| remembered.worth > least)
    }
}

impl MemoryBank {
    /// Keeps a frame on which someone said where the object is, in place of what was kept of the same frame. The user
    /// knows better than detections nearby: their frames are looked at like any other from now on.
    pub fn condition(&mut self, remembered: Remembered, rules: &BankRules) {
        if remembered.giver == Some(Giver::User) {
            self.demote_detections(remembered.frame, rules.click_window);
        }
        self.recent.retain(|other| other.frame != remembered.frame);
        self.conditioning.retain(|other| other.frame != remembered.frame);
        insert(&mut self.conditioning, remembered);
        self.forget(rules);
    }

    /// Keeps a frame on which the object was followed, unless someone has said where it is on that frame.
    pub fn follow(&mut self, remembered: Remembered, rules: &BankRules) {
        if self.is_conditioned_on(remembered.frame) {
            return;
        }
        self.recent.retain(|other| other.frame != remembered.frame);
        insert(&mut self.recent, remembered);
        self.forget(rules);
    }

    fn demote_detections(&mut self, frame: i64, window: i64) {
        let is_near = |other: &mut Remembered| {
            other.giver == Some(Giver::Detector) && (other.frame - frame).saturating_abs() <= window
        };
        for demoted in self.conditioning.extract_if(.., is_near) {
            insert(&mut self.recent, Remembered { giver: None, ..demoted });
        }
    }

    /// Whether someone has said where the object is on that frame.
    pub fn is_conditioned_on(&self, frame: i64) -> bool {
        self.conditioning.iter().any(|remembered| remembered.frame == frame)
    }

    /// What to look at on `frame`.
    pub fn recall(&self, frame: i64, rules: &BankRules) -> Recalled<'_> {
        let (selected, unselected) = self.choose_conditioning(frame, rules.conditioning_frames);
        let candidates = self.candidates(frame, rules);
        let find = |frame: i64| {
            let recent = self.recent.iter().find(|remembered| remembered.frame == frame);
            recent.or_else(|| unselected.iter().copied().find(|remembered| remembered.frame == frame))
        };
        let mut recalled = Recalled::default();
        for remembered in &selected {
            recalled.memories.extend(remembered.memory.as_ref().map(|memory| (None, memory)));
        }
        // The oldest first, as the model was trained.
        for (between, &at) in candidates.iter().enumerate().take(rules.recent_memories as usize).rev() {
            let memory = find(at).and_then(|remembered| remembered.memory.as_ref());
            recalled.memories.extend(memory.map(|memory| (Some(between as i64), memory)));
        }
        for remembered in selected.iter().filter(|remembered| remembered.frame <= frame) {
            recalled.pointers.push((frame - remembered.frame, &remembered.pointer));
        }
        // With a selection the oldest candidate's pointer is left out, as the official model does.
        let reach = if rules.least_worth.is_some() { candidates.len().saturating_sub(1) } else { candidates.len() };
        for (index, &at) in candidates.iter().enumerate().take(reach.min(rules.pointers as usize - 1)) {
            recalled.pointers.extend(find(at).map(|remembered| (index as i64 + 1, &remembered.pointer)));
        }
        recalled
    }

    /// Turns the direction of time: frame t becomes frame -t.
    pub fn turn_time(&mut self) {
        for list in [&mut self.conditioning, &mut self.recent] {
            list.reverse();
            list.iter_mut().for_each(|remembered| remembered.frame = -remembered.frame);
        }
    }

    /// Frames kept with their memory, and with their pointer alone.
    pub fn counts(&self) -> [usize; 2] {
        let all = || self.conditioning.iter().chain(&self.recent);
        let with_memory = all().filter(|remembered| remembered.memory.is_some()).count();
        [with_memory, all().count() - with_memory]
    }

    /// Everything kept, oldest first, conditioning frames before the others.
    pub fn iter(&self) -> impl Iterator<Item = &Remembered> {
        self.conditioning.iter().chain(&self.recent)
    }

    /// Frames before `frame`, the newest first, that stand for "one before", "two before", ….
    fn candidates(&self, frame: i64, rules: &BankRules) -> Vec<i64> {
        let [_, reach] = rules.reach();
        if rules.least_worth.is_none() {
            return (1..=reach).map(|distance| frame - distance).collect();
        }
        let past = self.recent.iter().rev().filter(|remembered| remembered.frame < frame && rules.counts(remembered));
        let mut candidates: Vec<i64> = past.map(|remembered| remembered.frame).take(reach as usize).collect();
        // The frame just before counts always.
        if candidates.first() != Some(&(frame - 1)) {
            candidates.insert(0, frame - 1);
        }
        candidates
    }

    /// The closest before the frame, the closest from it on, then the closest of the rest; and those left over.
    fn choose_conditioning(&self, frame: i64, most: usize) -> (Vec<&Remembered>, Vec<&Remembered>) {
        let before = self.conditioning.iter().rposition(|remembered| remembered.frame < frame);
        let after = self.conditioning.iter().position(|remembered| remembered.frame >= frame);
        let mut order: Vec<usize> = (0..self.conditioning.len()).collect();
        order.sort_by_key(|&index| {
            let is_first = Some(index) == before || Some(index) == after;
            (!is_first, (self.conditioning[index].frame - frame).abs())
        });
        let unselected = order.split_off(most.min(order.len()));
        order.sort_unstable();
        let remembered = |indices: Vec<usize>| indices.into_iter().map(|index| &self.conditioning[index]).collect();
        (remembered(order), remembered(unselected))
    }

    /// Drops what no later frame looks at.
    fn forget(&mut self, rules: &BankRules) {
        let Some(newest) = self.iter().map(|remembered| remembered.frame).max() else { return };
        let mut newer = 0;
        // With a selection a conditioning frame never serves as a recent one, but for the last, which is chosen anyway.
        let [memory_reach, pointer_reach] = if rules.least_worth.is_some() { [0, 0] } else { rules.reach() };
        let conditioning = |remembered: &mut Remembered| {
            let age = newest + 1 - remembered.frame;
            newer += 1;
            let is_chosen = newer <= rules.conditioning_frames;
            if !is_chosen && age > memory_reach {
                remembered.memory = None;
            }
            is_chosen || age <= pointer_reach
        };
        retain_newest_first(&mut self.conditioning, conditioning);
        let [memory_reach, pointer_reach] = rules.reach();
        let (mut memories, mut pointers) = (0, 0);
        let recent = |remembered: &mut Remembered| {
            let age = newest + 1 - remembered.frame;
            if rules.least_worth.is_none() {
                (memories, pointers) = (age, age);
            } else if rules.counts(remembered) {
                (memories, pointers) = (memories + 1, pointers + 1);
            } else if age == 1 {
                memories += 1;
            } else {
                return false;
            }
            if memories > memory_reach {
                remembered.memory = None;
            }
            pointers <= pointer_reach
        };
        retain_newest_first(&mut self.recent, recent);
    }
}

fn retain_newest_first(list: &mut Vec<Remembered>, keeps: impl FnMut(&mut Remembered) -> bool) {
    list.reverse();
    list.retain_mut(keeps);
    list.reverse();
}

fn insert(list: &mut Vec<Remembered>, remembered: Remembered) {
    let at = list.partition_point(|other| other.frame < remembered.frame);
    list.insert(at, remembered);
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: BankRules =
        BankRules { recent_memories: 6, conditioning_frames: 4, pointers: 16, least_worth: None, click_window: 16 };
    const SELECTING: BankRules = BankRules { least_worth: Some(0.01), ..RULES };

    /// A frame whose memory and pointer are its number.
    fn frame(frame: i64, worth: f32) -> Remembered {
        let number = Tensor::from_slice(&[frame]);
        Remembered { frame, pointer: number.shallow_clone(), memory: Some(number), worth, giver: None }
    }

    fn given(number: i64, giver: Giver) -> Remembered {
        Remembered { giver: Some(giver), ..frame(number, 1.0) }
    }

    fn numbers(recalled: &[(i64, &Tensor)]) -> Vec<(i64, i64)> {
        recalled.iter().map(|(place, tensor)| (*place, tensor.int64_value(&[0]))).collect()
    }

    /// Conditioning frames as 6, the row that they have in the table of six recent frames.
    fn in_table(recalled: &Recalled<'_>) -> Vec<(i64, i64)> {
        recalled.memories.iter().map(|(between, tensor)| (between.unwrap_or(6), tensor.int64_value(&[0]))).collect()
    }

    fn followed(conditioning: &[i64], recent: std::ops::Range<i64>, rules: &BankRules) -> MemoryBank {
        let mut bank = MemoryBank::default();
        for number in *conditioning.iter().chain([recent.start].iter()).min().unwrap()..recent.end {
            if conditioning.contains(&number) {
                bank.condition(given(number, Giver::Detector), rules);
            } else if recent.contains(&number) {
                bank.follow(frame(number, 1.0), rules);
            }
        }
        bank
    }

    #[test]
    fn rows_are_distances_and_conditioning_comes_last_in_the_table() {
        let bank = followed(&[3], 4..12, &RULES);
        let recalled = bank.recall(12, &RULES);
        let rows = [(6, 3), (5, 6), (4, 7), (3, 8), (2, 9), (1, 10), (0, 11)];
        assert_eq!(in_table(&recalled), rows);
        let pointers = [(9, 3), (1, 11), (2, 10), (3, 9), (4, 8), (5, 7), (6, 6), (7, 5), (8, 4)];
        assert_eq!(numbers(&recalled.pointers), pointers);
    }

    #[test]
    fn missing_frames_are_skipped_and_keep_their_row() {
        let mut bank = followed(&[0], 1..3, &RULES);
        bank.follow(frame(5, 1.0), &RULES);
        assert_eq!(in_table(&bank.recall(6, &RULES)), [(6, 0), (4, 1), (3, 2), (0, 5)]);
        assert_eq!(numbers(&bank.recall(6, &RULES).pointers), [(6, 0), (1, 5), (4, 2), (5, 1)]);
    }

    #[test]
    fn four_conditioning_frames_are_the_closest_and_a_fifth_serves_as_a_recent_one() {
        let bank = followed(&[0, 10, 12, 13, 14], 1..16, &RULES);
        let memories = in_table(&bank.recall(16, &RULES));
        // 10 is six frames back.
        let rows = [(6, 10), (6, 12), (6, 13), (6, 14), (4, 11), (0, 15)];
        assert_eq!(memories, rows);
        let bank = followed(&[0, 11, 12, 13, 14], 1..16, &RULES);
        let memories = in_table(&bank.recall(16, &RULES));
        assert_eq!(memories, [(6, 11), (6, 12), (6, 13), (6, 14), (5, 10), (0, 15)]);
        let bank = followed(&[10, 11, 12, 13, 14], 15..16, &RULES);
        let recalled = bank.recall(16, &RULES);
        assert_eq!(in_table(&recalled), [(6, 11), (6, 12), (6, 13), (6, 14), (5, 10), (0, 15)]);
        assert_eq!(numbers(&recalled.pointers), [(5, 11), (4, 12), (3, 13), (2, 14), (1, 15), (6, 10)]);
    }

    #[test]
    fn one_conditioning_frame_from_now_on_is_chosen_before_closer_ones_of_the_past() {
        let keep = BankRules { conditioning_frames: 9, ..RULES };
        let recalled_by = |bank: &MemoryBank| in_table(&bank.recall(6, &RULES));
        let bank = followed(&[1, 2, 3, 4, 5, 40], 41..41, &keep);
        assert_eq!(recalled_by(&bank), [(6, 3), (6, 4), (6, 5), (6, 40), (4, 1), (3, 2)]);
        let pointers = numbers(&bank.recall(6, &RULES).pointers);
        assert_eq!(pointers, [(3, 3), (2, 4), (1, 5), (4, 2), (5, 1)], "pointers are of the past");
    }

    #[test]
    fn a_conditioned_frame_is_not_a_followed_one() {
        let mut bank = followed(&[0], 1..4, &RULES);
        bank.condition(given(3, Giver::Detector), &RULES);
        bank.follow(frame(3, 1.0), &RULES);
        assert_eq!(in_table(&bank.recall(4, &RULES)), [(6, 0), (6, 3), (2, 1), (1, 2)]);
        assert!(bank.is_conditioned_on(3) && !bank.is_conditioned_on(2));
    }

    #[test]
    fn an_occluded_stretch_does_not_wash_memory_out() {
        let mut bank = followed(&[0], 1..10, &SELECTING);
        (10..30).for_each(|number| bank.follow(frame(number, 0.0), &SELECTING));
        let recalled = bank.recall(30, &SELECTING);
        assert_eq!(
            in_table(&recalled),
            [(6, 0), (5, 5), (4, 6), (3, 7), (2, 8), (1, 9), (0, 29)],
            "the frame before, then the five best before it"
        );
        // The pointer of frame 1, the oldest candidate, is left out.
        let pointers = numbers(&recalled.pointers);
        assert_eq!((pointers[0], pointers[1], pointers.last()), ((30, 0), (1, 29), Some(&(9, 2))));
        let plain = followed(&[0], 1..30, &RULES);
        assert_eq!(in_table(&plain.recall(30, &RULES))[1], (5, 24));
    }

    #[test]
    fn fifteen_frames_that_count_are_enough() {
        let bank = followed(&[0], 1..40, &SELECTING);
        let pointers = numbers(&bank.recall(40, &SELECTING).pointers);
        assert_eq!(pointers.len(), 1 + 14);
        assert_eq!(pointers.last(), Some(&(14, 26)));
        assert_eq!(numbers(&followed(&[0], 1..40, &RULES).recall(40, &RULES).pointers).len(), 1 + 15);
    }

    #[test]
    fn what_is_kept_is_bounded_and_what_is_dropped_was_not_needed() {
        for rules in [RULES, SELECTING] {
            let (mut bank, mut all) = (MemoryBank::default(), MemoryBank::default());
            let keep = BankRules { conditioning_frames: 1000, pointers: 1000, recent_memories: 1000, ..rules };
            for number in 0..400 {
                let worth = if number % 90 > 50 { 0.0 } else { 1.0 };
                if number % 16 == 0 || (200..206).contains(&number) {
                    bank.condition(Remembered { worth, ..given(number, Giver::Detector) }, &rules);
                    all.condition(Remembered { worth, ..given(number, Giver::Detector) }, &keep);
                } else {
                    bank.follow(frame(number, worth), &rules);
                    all.follow(frame(number, worth), &keep);
                }
                let [with_memory, pointers] = bank.counts();
                assert!(with_memory <= 4 + 6 && pointers <= 15, "{number}: {with_memory} and {pointers}");
                let (few, many) = (bank.recall(number + 1, &rules), all.recall(number + 1, &rules));
                assert_eq!(in_table(&few), in_table(&many), "{number}");
                assert_eq!(numbers(&few.pointers), numbers(&many.pointers), "{number}");
            }
        }
    }

    #[test]
    fn a_click_demotes_the_detections_around_it_and_nothing_else() {
        let wide = BankRules { conditioning_frames: 9, ..RULES };
        let mut bank = followed(&[3, 4, 20, 30], 4..34, &wide);
        bank.condition(given(31, Giver::User), &wide);
        let kept = |bank: &MemoryBank| bank.conditioning.iter().map(|kept| kept.frame).collect::<Vec<_>>();
        assert_eq!(kept(&bank), [3, 4, 31]);
        // What a detection said of frame 30 is remembered as any frame before is.
        let memories = in_table(&bank.recall(34, &wide));
        assert_eq!(memories, [(6, 3), (6, 4), (6, 31), (5, 28), (4, 29), (3, 30), (1, 32), (0, 33)]);
        bank.condition(given(32, Giver::User), &wide);
        assert_eq!(kept(&bank), [3, 4, 31, 32], "what the user said stays");
        bank.condition(given(20, Giver::User), &wide);
        assert_eq!(kept(&bank), [3, 20, 31, 32], "16 frames away is near, 17 is not, in both directions of time");
    }

    #[test]
    fn without_a_window_a_click_leaves_detections_alone_and_detections_demote_nothing() {
        let closed = BankRules { click_window: 0, ..RULES };
        let mut bank = followed(&[3, 5], 6..8, &closed);
        bank.condition(given(8, Giver::User), &closed);
        assert_eq!(bank.conditioning.len(), 3);
        bank.condition(given(9, Giver::Detector), &RULES);
        assert_eq!(bank.conditioning.len(), 4);
        bank.condition(given(9, Giver::User), &closed);
        assert_eq!((bank.conditioning.len(), bank.conditioning[3].giver), (4, Some(Giver::User)));
    }

    #[test]
    fn time_can_be_turned() {
        let mut bank = followed(&[20], 21..30, &RULES);
        bank.turn_time();
        let before = in_table(&bank.recall(-23, &RULES));
        assert_eq!(before, [(6, 20), (5, 29), (4, 28), (3, 27), (2, 26), (1, 25), (0, 24)]);
    }
}
