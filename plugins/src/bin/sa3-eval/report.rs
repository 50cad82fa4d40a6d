//! Scores as a table or as JSON.

use std::collections::BTreeSet;

use sa3::evaluate::{Scores, Sums, Unit};
use serde_json::json;

/// Where there are more units, the table has categories and sums alone, or sequences where there are more categories.
const MOST_ROWS: usize = 40;

/// A table for each way, and where there are several one with a row for each.
pub fn print_ways(ways: &[(&str, Vec<Unit>)]) -> Result<(), String> {
    for (way, units) in ways {
        println!("{way}");
        print_table(units)?;
        println!();
    }
    if ways.len() > 1 {
        print_head();
        ways.iter().for_each(|(way, units)| print_row(way, &Sums::of_all(units).scores()));
    }
    Ok(())
}

fn print_head() {
    println!(
        "{:<28} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>5} {:>6} {:>7} {:>6}",
        "", "J&F", "J", "F", "HOTA", "DetA", "AssA", "IDF1", "IDsw", "back", "MOTA", "tracks"
    );
}

pub fn print_table(units: &[Unit]) -> Result<(), String> {
    print_head();
    let several = (2..=MOST_ROWS).contains(&units.len());
    for unit in units.iter().filter(|_| several) {
        print_row(&title(unit), &Sums::of(unit).scores());
    }
    let categories = categories(units);
    let sequences: BTreeSet<&str> = units.iter().map(|unit| &*unit.sequence).collect();
    if categories.len() > 1 && sequences.len() > 1 {
        if categories.len() <= MOST_ROWS {
            categories.iter().for_each(|category| print_row(category, &of_category(units, category)));
        } else {
            sequences.iter().for_each(|sequence| print_row(sequence, &of_sequence(units, sequence)));
        }
    }
    let all = Sums::of_all(units).scores();
    print_row("all", &all);
    println!();
    println!("{:<28} {:>6} {:>6} {:>6}", "", "cgF1", "pmF1", "IL_MCC");
    print_concepts("phrase and video", [all.cg_f1_videos, all.pm_f1_videos, all.il_mcc_videos]);
    print_concepts("phrase and frame", [all.cg_f1_frames, all.pm_f1_frames, all.il_mcc_frames]);
    if all.il_mcc_videos.is_none() || all.il_mcc_frames.is_none() {
        println!(
            "- : not defined; IL_MCC needs phrases that name something and phrases that name nothing, and both answers"
        );
    }
    Ok(())
}

fn print_row(title: &str, scores: &Scores) {
    let title: String = title.chars().take(28).collect();
    // What is neither there nor found is right, and no measure says so but cgF1.
    let is_empty = scores.true_masks + scores.found_masks == 0;
    let of_masks = |score: f64| shown((!is_empty).then_some(score));
    println!(
        "{title:<28} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>5} {:>6} {:>7} {:>6}",
        shown(scores.j_and_f),
        shown(scores.j),
        shown(scores.f),
        of_masks(scores.hota),
        of_masks(scores.det_a),
        of_masks(scores.ass_a),
        of_masks(scores.idf1),
        scores.id_switches,
        if scores.returns == 0 { "-".into() } else { format!("{}/{}", scores.kept_returns, scores.returns) },
        of_masks(scores.mota),
        scores.true_tracks,
    );
}

fn print_concepts(title: &str, scores: [Option<f64>; 3]) {
    let [cg_f1, pm_f1, il_mcc] = scores.map(shown);
    println!("{title:<28} {cg_f1:>6} {pm_f1:>6} {il_mcc:>6}");
}

fn shown(score: Option<f64>) -> String {
    score.map_or("-".into(), |score| format!("{score:.3}"))
}

/// What [`print_json`] prints, by way.
pub fn print_ways_as_json(ways: &[(&str, Vec<Unit>)]) -> Result<(), String> {
    let by_way: serde_json::Map<_, _> = ways.iter().map(|(way, units)| ((*way).into(), report(units))).collect();
    print(&by_way.into())
}

pub fn print_json(units: &[Unit]) -> Result<(), String> {
    print(&report(units))
}

fn print(report: &serde_json::Value) -> Result<(), String> {
    println!("{}", serde_json::to_string_pretty(report).map_err(|error| error.to_string())?);
    Ok(())
}

fn report(units: &[Unit]) -> serde_json::Value {
    let of_unit = |unit: &Unit| json!({ "sequence": unit.sequence, "category": unit.category, "scores": Sums::of(unit).scores() });
    let of_category = |category: &&str| json!({ "category": category, "scores": of_category(units, category) });
    json!({
        "units": units.iter().map(of_unit).collect::<Vec<_>>(),
        "categories": categories(units).iter().map(of_category).collect::<Vec<_>>(),
        "all": Sums::of_all(units).scores(),
    })
}

fn title(unit: &Unit) -> String {
    if unit.category.is_empty() { unit.sequence.clone() } else { format!("{}: {}", unit.sequence, unit.category) }
}

fn categories(units: &[Unit]) -> BTreeSet<&str> {
    units.iter().map(|unit| &*unit.category).filter(|category| !category.is_empty()).collect()
}

fn of_sequence(units: &[Unit], sequence: &str) -> Scores {
    Sums::of_all(units.iter().filter(|unit| unit.sequence == sequence)).scores()
}

fn of_category(units: &[Unit], category: &str) -> Scores {
    Sums::of_all(units.iter().filter(|unit| unit.category == category)).scores()
}
