//! The same guests with ten times the history: does the night notice?

use super::Bench;
use super::day::{self, NIGHT, PREFERENCES};
use crate::Failure;
use crate::platform::{Copy, Platform};
use crate::report::{Row, Section, Target, median};
use crate::statistics::ratios;

pub fn run(bench: &Bench, platform: &Platform) -> Result<Section, Failure> {
    let grown = platform.grown.as_ref().ok_or("the platform did not grow")?;
    let copies = [platform.copy(bench, "short")?, Copy::of(bench, grown, "long")?];
    let mut sessions = [copies[0].open()?, copies[1].open()?];
    let (mut found, mut preferences) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for round in 0..=bench.options.long_rounds() {
        for session in &mut sessions {
            day::pass(session, round + 1)?;
        }
        for side in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
            let time = sessions[side].milliseconds(NIGHT)?;
            sessions[side].expect_no_warning()?;
            let derived = sessions[side].milliseconds(PREFERENCES)?;
            // The first night finds the venue as the backfill left it.
            if round > 0 {
                found[side].push(time);
                preferences[side].push(derived);
            }
        }
    }
    let mut sizes = Vec::new();
    for session in &mut sessions {
        session.expect_none(
            "guests whose stats differ from the orders",
            "SELECT count(*) FROM crm.verify_stats('venue-1')",
        )?;
        let orders: String = session.value(r#"SELECT count(*) FROM public."Order""#)?;
        let written: String = session.value("SELECT rows FROM crm.job_run WHERE job = 'night' AND venue_id IS NOT NULL ORDER BY run_id DESC LIMIT 1")?;
        sizes.push(format!("{orders} orders ({written} rows rewritten in the last night)"));
    }
    let [short, long] = &found;
    let [few, many] = &preferences;
    Ok(Section {
        title: "The night as the history grows".to_owned(),
        method: format!(
            "Two platforms with the same guests and days, each order of the history once and ten times: {}. Nights after the same typical days, in turns; the preferences \
             of those who ordered, which are derived from all their orders, apart.",
            sizes.join(" and ")
        ),
        rows: vec![
            Row::ratio(
                "night with ten times the orders",
                "night with the orders once",
                format!("{} ms and {} ms", median(long), median(short)),
                &ratios(long, short),
                Some(Target::AtMost(1.2)),
            ),
            Row::ratio(
                "their preferences",
                "the same with the orders once",
                format!("{} ms and {} ms", median(many), median(few)),
                &ratios(many, few),
                None,
            ),
        ],
        plans: Vec::new(),
    })
}
