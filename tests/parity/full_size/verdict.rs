//! How far our outputs are from the reference's, as lines of a table with a verdict.

use tch::{Kind, Tensor};

use crate::passes::Named;
use crate::reference::{Agreement, Entry, Group, Reference};

/// In bfloat16, scores may differ by this, and masks must agree by these.
const SCORE_BF16: f64 = 0.02;
const LEAST_IOU_BF16: f64 = 0.98;
const LEAST_COSINE_BF16: f64 = 0.999;
/// Or, where random weights amplify rounding, what is missing may be so many times what transformers' own bfloat16
/// misses: the mean over all queries, and the worst query, which says less.
const TIMES_THEIRS: f64 = 1.5;
const TIMES_THEIRS_WORST: f64 = 2.0;

/// Lines that did not pass.
pub type Failures = Vec<String>;

fn verdict(line: String, passes: bool, failures: &mut Failures) {
    println!("{line} {}", if passes { "pass" } else { "FAIL" });
    if !passes {
        failures.push(line);
    }
}

/// Every element of both, or those that are stored.
fn flat(ours: &Tensor, entry: &Entry, name: &str, reference: &Reference) -> Result<[Tensor; 2], String> {
    let count: i64 = entry.shape.iter().product();
    if ours.numel() as i64 != count {
        return Err(format!("{name} is {:?}, the reference's {:?}", ours.size(), entry.shape));
    }
    let ours = ours.contiguous().view(-1).slice(0, None, None, entry.stride).to_kind(Kind::Double);
    Ok([ours, reference.wanted(name)?.to_kind(Kind::Double).view(-1)])
}

fn largest_difference([ours, theirs]: &[Tensor; 2]) -> f64 {
    (ours - theirs).abs().max().double_value(&[])
}

fn cosine([ours, theirs]: &[Tensor; 2]) -> f64 {
    (ours.dot(theirs) / (ours.norm() * theirs.norm())).double_value(&[])
}

/// Name, entry, and the flat elements of both sides.
type Compared<'r> = (&'r str, &'r Entry, [Tensor; 2]);

/// Every tensor of the reference beside ours.
fn compared<'r>(out: &'r Named, reference: &'r Reference) -> Result<Vec<Compared<'r>>, String> {
    let entries = reference.description.tensors.iter();
    entries
        .map(|(name, entry)| {
            let ours = out.get(name).ok_or_else(|| format!("{name} is not computed"))?;
            Ok((name.as_str(), entry, flat(ours, entry, name, reference)?))
        })
        .collect()
}

/// float32: within the tolerance, or three times what eager and sdpa attention differ by, whichever is larger.
pub fn print_fp32(out: &Named, reference: &Reference, failures: &mut Failures) -> Result<(), String> {
    println!("{:<34} {:>9} {:>9} {:>9} {:>9} {:>9}", "", "max diff", "diff/rms", "tolerance", "3x sdpa", "allowed");
    for (name, entry, both) in compared(out, reference)? {
        let difference = largest_difference(&both);
        let (tolerance, attention) = (entry.tolerance(), 3.0 * entry.sdpa);
        let allowed = tolerance.max(attention);
        let label = format!("{} {name}", reference.size);
        let relative = difference / entry.rms;
        let line = format!(
            "{label:<34} {difference:>9.1e} {relative:>9.1e} {tolerance:>9.1e} {attention:>9.1e} {allowed:>9.1e}"
        );
        // A NaN passes nothing.
        verdict(line, difference <= allowed, failures);
    }
    Ok(())
}

/// bfloat16: each tensor beside transformers' own bfloat16, then the verdict on scores and masks.
pub fn print_bf16(out: &Named, reference: &Reference, failures: &mut Failures) -> Result<(), String> {
    println!("{:<34} {:>9} {:>9} {:>11} {:>11}", "", "max diff", "theirs", "1 - cosine", "theirs");
    for (name, entry, both) in compared(out, reference)? {
        let label = format!("{} {name}", reference.size);
        let (ours, theirs) = (cosine(&both), entry.bf16_cosine);
        let difference = largest_difference(&both);
        let line = format!(
            "{label:<34} {difference:>9.1e} {:>9.1e} {:>11.1e} {:>11.1e}",
            entry.bf16,
            1.0 - ours,
            1.0 - theirs
        );
        match entry.group {
            Group::Masks => verdict(line, is_near(ours, theirs, LEAST_COSINE_BF16), failures),
            _ => println!("{line}"),
        }
    }
    println!(
        "{:<24} {:>10} {:>8} {:>11} {:>8} {:>9} {:>8} {:>9}",
        "", "mean score", "theirs", "worst score", "theirs", "mean IoU", "theirs", "least IoU"
    );
    for (case, theirs) in &reference.description.bf16 {
        let ours = agreement(out, reference, case)?;
        let line = format!(
            "{:<24} {:>10.4} {:>8.4} {:>11.4} {:>8.4} {:>9.4} {:>8.4} {:>9.4}",
            format!("{} {case}", reference.size),
            ours.score_mean,
            theirs.score_mean,
            ours.score_most,
            theirs.score_most,
            ours.iou_mean,
            theirs.iou_mean,
            ours.iou_least
        );
        let are_scores_near = ours.score_most <= SCORE_BF16
            || ours.score_mean <= TIMES_THEIRS * theirs.score_mean
                && ours.score_most <= TIMES_THEIRS_WORST * theirs.score_most;
        let passes = are_scores_near && is_near(ours.iou_mean, theirs.iou_mean, LEAST_IOU_BF16);
        verdict(line, passes, failures);
    }
    Ok(())
}

/// Whether a share of agreement is high enough, or as near to 1 as theirs.
fn is_near(ours: f64, theirs: f64, least: f64) -> bool {
    ours >= least || 1.0 - ours <= TIMES_THEIRS * (1.0 - theirs)
}

/// Scores of all queries, and masks of those above the threshold.
fn agreement(out: &Named, reference: &Reference, case: &str) -> Result<Agreement, String> {
    let of = |what: &str| -> Result<[Tensor; 2], String> {
        let name = format!("{case}/{what}");
        let shape = reference.description.tensors[&name].shape.as_slice();
        Ok([out[&name].to_kind(Kind::Float).reshape(shape), reference.wanted(&name)?.reshape(shape)])
    };
    let ([ours, theirs], [our_presence, presence]) = (of("pred_logits")?, of("presence_logits")?);
    let (ours, theirs) = (ours.sigmoid() * our_presence.sigmoid(), theirs.sigmoid() * presence.sigmoid());
    let kept = theirs.gt(reference.description.threshold);
    let [our_masks, masks] = of("pred_masks")?.map(|masks| masks.index(&[Some(kept.shallow_clone())]).gt(0));
    let area = |masks: Tensor| masks.sum_dim_intlist([-2i64, -1].as_slice(), false, Kind::Float);
    let (both, either) = (area(our_masks.logical_and(&masks)), area(our_masks.logical_or(&masks)));
    // Two empty masks agree.
    let iou = (both + either.eq(0.0)) / either.clamp_min(1.0);
    let difference = (ours - theirs).abs();
    Ok(Agreement {
        score_mean: difference.mean(Kind::Float).double_value(&[]),
        score_most: difference.max().double_value(&[]),
        iou_mean: iou.mean(Kind::Float).double_value(&[]),
        iou_least: iou.min().double_value(&[]),
    })
}
