//! How good masks and tracks are.
//!
//! [`ground_truth`] reads folders of truth and predictions and pairs them to [`Unit`]s; [`Sums`] judges units and adds them
//! up; [`Scores`] are what comes of it:
//!
//! - J&F ([`region`], [`contour`]): masks and their outlines, track by track
//! - HOTA with DetA and AssA ([`hota`]): detection and association in one number
//! - IDF1, id switches, MOTA ([`identity`])
//! - cgF1 ([`concept`]): finding what a phrase names, and finding nothing where there is nothing
//!
//! Units add up as TrackEval combines sequences: counts are summed, J and F are means over true tracks. [`MeanIou`] is
//! apart: what the demo and the benchmark print for one phrase and one known instance.

pub mod assignment;
pub mod concept;
pub mod contour;
pub mod ground_truth;
pub mod hota;
pub mod identity;
mod label_picture;
mod mean_iou;
pub mod region;
mod scores;
mod unit;
mod unjudgeable;

pub use crate::rle::Rle;
pub use label_picture::LabelPicture;
pub use mean_iou::{LEAST_TRUTH_PIXELS, MeanIou, enlarge};
pub use scores::{Scores, Sums};
pub use unit::{FrameOverlap, Track, Unit};
pub use unjudgeable::{Attempt, Unjudgeable};
