//! MOTS: a line of text for each mask, `frame id class height width run-lengths`.
//!
//! Masks of one frame do not overlap, as MOTS demands: what two cover belongs to the one with the better score.

use std::io::Write;

use super::shape::Shaped;
use crate::rle::Rle;

/// The class that marks regions to be ignored, so that it cannot be one of ours.
const IGNORED_CLASS: u64 = 10;

pub(super) fn write_lines(shaped: &Shaped<'_>, out: &mut Vec<u8>) {
    let mut taken: Option<Rle> = None;
    for (id, object, shape) in shaped.numbered() {
        let Some(whole) = &shape.rle else { continue };
        let is_alike = |taken: &&Rle| (taken.width(), taken.height()) == (whole.width(), whole.height());
        let own = taken.as_ref().filter(is_alike).map_or_else(|| whole.clone(), |taken| whole.without(taken));
        if own.area() == 0 {
            continue;
        }
        let (frame, class) = (shaped.shot.frame, class_of(object.prompt_index));
        // Writing to memory does not fail.
        let _ = writeln!(out, "{frame} {id} {class} {} {} {}", own.height(), own.width(), own.to_text());
        taken = Some(taken.filter(|taken| is_alike(&taken)).map_or_else(|| own.clone(), |taken| taken.with(&own)));
    }
}

/// The phrase's position from 1, without 10.
fn class_of(prompt_index: u32) -> u64 {
    let class = u64::from(prompt_index) + 1;
    if class < IGNORED_CLASS { class } else { class + 1 }
}
