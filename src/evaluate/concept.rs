//! cgF1, classification-gated F1 (SAM 3, section on metrics): pmF1 · IL_MCC.
//!
//! It judges *pairs*: a phrase and a picture, or a phrase and a video. A pair is positive when the truth has an instance.
//!
//! - pmF1, positive micro F1: over the positive pairs alone, 2·TP / (2·TP + FP + FN). True and found instances go
//!   together so that the sum of IoUs is the largest; a pair of instances is a TP when its IoU reaches the threshold.
//!   The mean over the thresholds 0.5, 0.55, … 0.95.
//! - IL_MCC, Matthews' correlation over all pairs between "has an instance" and "an instance was found".
//!
//! On pictures the IoU is that of masks; on videos that of whole tracks, summed over all frames before dividing. The
//! published evaluation code adds 1e-4 and 1e-6 to denominators; we do not.

use super::assignment::{Weights, best_pairs};

/// IoU thresholds: 0.5, 0.55, … 0.95.
pub const THRESHOLDS: usize = 10;

fn threshold(index: usize) -> f64 {
    0.5 + index as f64 * 0.05
}

/// What adds up over pairs of a phrase and a picture or video.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ConceptSums {
    true_positives: [f64; THRESHOLDS],
    false_positives: [f64; THRESHOLDS],
    misses: [f64; THRESHOLDS],
    /// Instances there and found.
    pub both: f64,
    /// Instances there, none found.
    pub only_there: f64,
    /// None there, but found.
    pub only_found: f64,
    /// None there and none found.
    pub neither: f64,
}

impl ConceptSums {
    /// Counts of one pair: IoUs of true instances (rows) with found ones (columns).
    pub fn of(ious: &Weights) -> Self {
        let mut sums = Self::default();
        *match (ious.rows > 0, ious.columns > 0) {
            (true, true) => &mut sums.both,
            (true, false) => &mut sums.only_there,
            (false, true) => &mut sums.only_found,
            (false, false) => &mut sums.neither,
        } = 1.0;
        if ious.rows == 0 {
            return sums;
        }
        let matches: Vec<f64> = best_pairs(ious).into_iter().map(|(row, column)| ious.at(row, column)).collect();
        for index in 0..THRESHOLDS {
            let count = matches.iter().filter(|&&iou| iou >= threshold(index)).count() as f64;
            sums.true_positives[index] = count;
            sums.false_positives[index] = ious.columns as f64 - count;
            sums.misses[index] = ious.rows as f64 - count;
        }
        sums
    }

    /// Takes another pair's counts in.
    pub fn add(&mut self, other: &Self) {
        for index in 0..THRESHOLDS {
            self.true_positives[index] += other.true_positives[index];
            self.false_positives[index] += other.false_positives[index];
            self.misses[index] += other.misses[index];
        }
        self.both += other.both;
        self.only_there += other.only_there;
        self.only_found += other.only_found;
        self.neither += other.neither;
    }

    /// Positive micro F1; none without a positive pair.
    pub fn positive_micro_f1(&self) -> Option<f64> {
        let f1 = |index: usize| {
            let twice: f64 = 2.0 * self.true_positives[index];
            twice / (twice + self.false_positives[index] + self.misses[index])
        };
        let positives = self.both + self.only_there;
        (positives > 0.0).then(|| (0..THRESHOLDS).map(f1).sum::<f64>() / THRESHOLDS as f64)
    }

    /// Matthews' correlation, -1 to 1. None where it is not defined: it needs pairs with and without instances, and both
    /// answers.
    pub fn image_level_mcc(&self) -> Option<f64> {
        let (tp, fp, miss, tn) = (self.both, self.only_found, self.only_there, self.neither);
        let spread = (tp + fp) * (tp + miss) * (tn + fp) * (tn + miss);
        (spread > 0.0).then(|| (tp * tn - fp * miss) / spread.sqrt())
    }

    /// pmF1 · IL_MCC; none where either is not defined.
    pub fn cg_f1(&self) -> Option<f64> {
        Some(self.positive_micro_f1()? * self.image_level_mcc()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair<const C: usize>(ious: &[[f64; C]]) -> ConceptSums {
        ConceptSums::of(&Weights::new(ious.len(), C, |row, column| ious[row][column]))
    }

    /// None there, `found` found.
    fn negative(found: usize) -> ConceptSums {
        ConceptSums::of(&Weights::new(0, found, |_, _| 0.0))
    }

    fn sum(pairs: &[ConceptSums]) -> ConceptSums {
        let mut all = ConceptSums::default();
        pairs.iter().for_each(|pair| all.add(pair));
        all
    }

    /// Three pairs. Two positive ones: in the first both instances are found, with IoU 0.92 and 0.72; in the second one
    /// of two, with 0.62. The third is negative and nothing is found.
    ///
    /// At 0.5, 0.55, 0.6: 3 TP, 0 FP, 1 FN, F1 6/7. At 0.65, 0.7: 2 TP, 1 FP, 2 FN, F1 4/7. At 0.75 to 0.9: 1 TP, 2 FP,
    /// 3 FN, F1 2/7. At 0.95: 0. pmF1 = (3·6/7 + 2·4/7 + 4·2/7) / 10 = 34/70. IL_MCC = 2·1 / sqrt(2·2·1·1) = 1.
    #[test]
    fn worked_example_without_a_wrong_answer() {
        let all = sum(&[pair(&[[0.1, 0.92], [0.72, 0.0]]), pair(&[[0.62], [0.3]]), negative(0)]);
        assert!((all.positive_micro_f1().unwrap() - 34.0 / 70.0).abs() < 1e-12);
        assert_eq!(all.image_level_mcc(), Some(1.0));
        assert_eq!(all.cg_f1(), all.positive_micro_f1());
    }

    /// Six pairs: two positive ones found without a flaw, one positive one missed; two negative ones left alone, one with
    /// two inventions, which pmF1 does not see. pmF1 = 4 / (4 + 0 + 1) at every threshold = 0.8.
    /// IL_MCC = (2·2 - 1·1) / sqrt(3·3·3·3) = 3/9. cgF1 = 0.8/3.
    #[test]
    fn worked_example_with_wrong_answers() {
        let missed = ConceptSums::of(&Weights::new(1, 0, |_, _| 0.0));
        let all = sum(&[pair(&[[1.0]]), pair(&[[1.0]]), missed, negative(0), negative(0), negative(2)]);
        assert!((all.positive_micro_f1().unwrap() - 0.8).abs() < 1e-12);
        assert!((all.image_level_mcc().unwrap() - 1.0 / 3.0).abs() < 1e-12);
        assert!((all.cg_f1().unwrap() - 0.8 / 3.0).abs() < 1e-12);
    }

    /// Always the wrong answer: IL_MCC -1, and nothing of it in pmF1, which is 0.
    #[test]
    fn worked_example_all_wrong() {
        let all = sum(&[ConceptSums::of(&Weights::new(1, 0, |_, _| 0.0)), negative(1)]);
        assert_eq!((all.image_level_mcc(), all.positive_micro_f1()), (Some(-1.0), Some(0.0)));
    }

    /// An IoU of exactly 0.5 counts at the first threshold.
    #[test]
    fn a_threshold_is_reached_when_met() {
        let all = pair(&[[0.5]]);
        assert!((all.positive_micro_f1().unwrap() - 0.1).abs() < 1e-12);
    }

    #[test]
    fn without_negatives_there_is_no_correlation() {
        assert_eq!((pair(&[[1.0]]).image_level_mcc(), pair(&[[1.0]]).cg_f1()), (None, None));
        assert_eq!((negative(0).positive_micro_f1(), negative(0).cg_f1()), (None, None));
    }
}
