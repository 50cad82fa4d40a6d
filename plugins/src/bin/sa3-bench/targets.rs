//! Targets beside what was measured.

use crate::median;
use crate::side::Pass;

/// Passes of one side.
pub struct Passes(Vec<Pass>);

impl Passes {
    /// Fastest first.
    pub fn new(mut passes: Vec<Pass>) -> Self {
        passes.sort_by(|a, b| a.total_ms.total_cmp(&b.total_ms));
        Self(passes)
    }

    fn times_ms(&self) -> Vec<f64> {
        self.0.iter().map(|pass| pass.total_ms).collect()
    }

    fn fastest_ms(&self) -> f64 {
        self.times_ms().first().copied().unwrap_or(f64::NAN)
    }

    fn slowest_ms(&self) -> f64 {
        self.times_ms().last().copied().unwrap_or(f64::NAN)
    }

    pub fn print(&self, name: &str) {
        let Some(fastest) = self.0.first() else { return };
        let stages: Vec<String> = fastest.stages_ms.iter().map(|(stage, ms)| format!("{stage} {ms:.0}")).collect();
        println!(
            "{name:<28} {:>10.0} {:>10.0} {:>10.0} {:>6}  {}",
            self.fastest_ms(),
            median(self.times_ms()),
            self.slowest_ms(),
            fastest.kept,
            stages.join(", ")
        );
    }
}

/// One line of the last table.
pub struct Target {
    what: &'static str,
    limit: String,
    measured: String,
    is_met: bool,
}

impl Target {
    pub fn at_most(what: &'static str, limit: f64, measured: f64) -> Self {
        Self { what, limit: format!("<= {limit}"), measured: format!("{measured:.2}"), is_met: measured <= limit }
    }

    pub fn at_least(what: &'static str, limit: f64, measured: f64) -> Self {
        Self { what, limit: format!(">= {limit}"), measured: format!("{measured:.2}"), is_met: measured >= limit }
    }

    /// Fastest beside fastest; in brackets what the slowest of one and the fastest of the other would give.
    pub fn ratio(what: &'static str, limit: f64, ours: &Passes, theirs: &Passes) -> Self {
        let ratio = ours.fastest_ms() / theirs.fastest_ms();
        let least = ours.fastest_ms() / theirs.slowest_ms();
        let most = ours.slowest_ms() / theirs.fastest_ms();
        let target = Self::at_most(what, limit, ratio);
        Self { measured: format!("{ratio:.2} ({least:.2} to {most:.2})"), ..target }
    }
}

pub fn print(targets: &[Target]) {
    println!("{:<62} {:>8} {:>20}", "", "target", "measured");
    for Target { what, limit, measured, is_met } in targets {
        println!("{what:<62} {limit:>8} {measured:>20}  {}", if *is_met { "met" } else { "NOT MET" });
    }
}

pub fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}
