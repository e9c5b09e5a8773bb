//! What was found: on the terminal, and as the document.

use std::fmt::Write;

use crate::plans::Plan;
use crate::platform::Platform;
use crate::statistics::{Spread, spread};

/// Kept apart, so that a rerun does not lose it.
const LESSONS: &str = include_str!("../lessons.md");

/// The bound that a median must keep.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// A cost: at most so many times the other side.
    AtMost(f64),
    /// A gain: at least so many times faster.
    AtLeast(f64),
    /// A bound in milliseconds.
    WithinMs(f64),
}

/// One line of the table.
pub struct Row {
    what: String,
    against: String,
    found: String,
    ratio: String,
    target: String,
    reached: Option<bool>,
}

impl Row {
    /// A ratio of the two sides, round by round; `found` says what both took.
    pub fn ratio(what: &str, against: &str, found: String, ratios: &[f64], target: Option<Target>) -> Self {
        Self::of(what, against, found, spread(ratios), target)
    }

    /// A time on its own, in milliseconds.
    pub fn time(what: &str, against: &str, found: String, median: f64, target: Option<Target>) -> Self {
        let mut row = Self::of(what, against, found, spread(&[median]), target);
        row.ratio = "–".to_owned();
        row
    }

    fn of(what: &str, against: &str, found: String, spread: Option<Spread>, target: Option<Target>) -> Self {
        let median = spread.map(|s| s.median);
        let reached = target.map(|target| match (target, median) {
            (Target::AtMost(bound) | Target::WithinMs(bound), Some(median)) => median <= bound,
            (Target::AtLeast(bound), Some(median)) => median >= bound,
            (_, None) => false,
        });
        Self {
            what: what.to_owned(),
            against: against.to_owned(),
            found,
            ratio: spread.map_or("–".to_owned(), |s| {
                format!("{} ({}–{}, {} rounds)", figure(s.median), figure(s.low), figure(s.high), s.rounds)
            }),
            target: target.map_or("–".to_owned(), |target| match target {
                Target::AtMost(bound) => format!("≤ {bound}"),
                Target::AtLeast(bound) => format!("≥ {bound}"),
                Target::WithinMs(bound) => format!("≤ {bound} ms"),
            }),
            reached,
        }
    }

    fn verdict(&self) -> &'static str {
        match self.reached {
            Some(true) => "reached",
            Some(false) => "**missed**",
            None => "–",
        }
    }
}

/// One case.
pub struct Section {
    pub title: String,
    /// How it was measured.
    pub method: String,
    pub rows: Vec<Row>,
    pub plans: Vec<Plan>,
}

/// All cases of a run.
pub struct Report {
    facts: Vec<(String, String)>,
    sections: Vec<Section>,
    failures: Vec<(String, String)>,
}

impl Report {
    pub fn new(facts: Vec<(String, String)>) -> Self {
        Self { facts, sections: Vec::new(), failures: Vec::new() }
    }

    pub fn add_size(&mut self, platform: &Platform) {
        self.facts.push(("platform".to_owned(), platform.size.clone()));
    }

    pub fn add(&mut self, section: Section) {
        println!("\n{}\n\n{}", section.title, table(&section));
        self.sections.push(section);
    }

    pub fn fail(&mut self, case: &str, failure: &str) {
        eprintln!("{case} failed: {failure}");
        self.failures.push((case.to_owned(), failure.to_owned()));
    }

    /// Whether every case ran to its end.
    pub fn is_complete(&self) -> bool {
        self.failures.is_empty() && !self.sections.is_empty()
    }

    /// How many targets were reached, and which were not.
    pub fn summary(&self) -> String {
        let rows =
            || self.sections.iter().flat_map(|section| section.rows.iter().map(move |row| (section, row)));
        let judged = rows().filter(|(_, row)| row.reached.is_some()).count();
        let missed: Vec<_> = rows().filter(|(_, row)| row.reached == Some(false)).collect();
        let mut text = format!("{} of {judged} targets reached.\n", judged - missed.len());
        for (section, row) in missed {
            let _ = writeln!(
                text,
                "- missed: {}: {}, against {}: {}, target {}",
                section.title,
                row.what,
                row.against,
                if row.ratio == "–" { &row.found } else { &row.ratio },
                row.target
            );
        }
        for (case, failure) in &self.failures {
            let _ = writeln!(text, "- failed: {case}: {failure}");
        }
        text
    }

    /// The whole document.
    pub fn document(&self) -> String {
        let mut text = String::from(
            "# Benchmarks\n\nWritten by `make bench`; the lessons below are `bench/lessons.md`. Both sides of a figure ran side by side, \
             in turns, on the same data: a ratio is the median over rounds of the ratio within a round, with its quartiles. Before a case is \
             measured the data are in memory and vacuumed, and after it both sides must have computed the same answers.\n\n| | |\n|---|---|\n",
        );
        for (subject, value) in &self.facts {
            let _ = writeln!(text, "| {subject} | {value} |");
        }
        let _ = write!(text, "\n{}\n## Figures\n", self.summary());
        for section in &self.sections {
            let _ = write!(text, "\n### {}\n\n{}\n\n{}", section.title, section.method, table(section));
        }
        let _ = write!(
            text,
            "\n{LESSONS}\n## Plans\n\nOf the statements that take most of the time, as they ran, nested ones included.\n"
        );
        for plan in self.sections.iter().flat_map(|section| &section.plans) {
            let _ = write!(text, "\n### {}\n\n```\n{}\n```\n", plan.title, plan.text);
        }
        text
    }
}

fn table(section: &Section) -> String {
    let mut text =
        String::from("| measured | against | found | ratio | target | |\n|---|---|---|---|---|---|\n");
    for row in &section.rows {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            row.what,
            row.against,
            row.found,
            row.ratio,
            row.target,
            row.verdict()
        );
    }
    text
}

/// Three significant digits.
pub fn figure(value: f64) -> String {
    if !value.is_finite() {
        return "∞".to_owned();
    }
    let digits = 2 - value.abs().max(0.001).log10().floor() as i32;
    format!("{value:.*}", digits.clamp(0, 4) as usize)
}

/// Median of some figures, for a reader.
pub fn median(figures: &[f64]) -> String {
    spread(figures).map_or("–".to_owned(), |s| figure(s.median))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_has_three_significant_digits() {
        let found: Vec<_> =
            [0.0123, 0.5, 1.234, 56.78, 987.6, 12345.0, f64::INFINITY, -3.456].map(figure).to_vec();
        assert_eq!(found, ["0.0123", "0.500", "1.23", "56.8", "988", "12345", "∞", "-3.46"]);
    }

    #[test]
    fn the_median_decides_whether_a_target_is_reached() {
        let verdict =
            |ratios: &[f64], target| Row::ratio("a", "b", String::new(), ratios, Some(target)).verdict();
        assert_eq!(verdict(&[0.5, 0.6, 9.0], Target::AtMost(0.6)), "reached");
        assert_eq!(verdict(&[0.5, 0.61, 9.0], Target::AtMost(0.6)), "**missed**");
        assert_eq!(verdict(&[9.0, 10.0, 11.0], Target::AtLeast(10.0)), "reached");
        assert_eq!(verdict(&[9.0, 9.9, 11.0], Target::AtLeast(10.0)), "**missed**");
        assert_eq!(verdict(&[], Target::AtMost(1.0)), "**missed**");
    }
}
