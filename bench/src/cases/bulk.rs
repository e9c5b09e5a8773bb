//! Completing many orders in one statement.

use super::Bench;
use super::triggers::{Follower, follow};
use crate::Failure;
use crate::plans;
use crate::platform::Platform;
use crate::report::{Row, Section, Target, median};
use crate::statistics::ratios;

const SIDES: [Follower; 2] = [Follower::Nobody, Follower::Crm];

pub fn run(bench: &Bench, platform: &Platform) -> Result<Section, Failure> {
    let copy = platform.copy(bench, "bulk")?;
    let mut sql = copy.open()?;
    sql.run("SET crm.as_of = '2026-07-01 20:30+00'")?;
    let many = bench.options.bulk();
    let mut found = [Vec::new(), Vec::new()];
    let mut plans = Vec::new();
    // The first round is not counted: it is watched for its plan.
    for round in 0..=bench.options.long_rounds() {
        for side in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
            follow(&mut sql, Follower::Nobody)?;
            sql.run(&format!(
                r#"INSERT INTO public."Order" (id, "venueId", "customerId", total, channel, "placedAt")
                   SELECT 'bulk-{side}-{round}-' || n, venue, id, 10 + n % 50, 'DINE_IN', timestamp '2026-07-01 08:00' + make_interval(secs => n % 40000)
                   FROM bench.guest ORDER BY bench.chance('bulk {round} {side}', n) LIMIT {many}"#
            ))?;
            sql.settle(r#"public."Order", crm.customer_venue_stats"#)?;
            follow(&mut sql, SIDES[side])?;
            let complete = format!(
                r#"UPDATE public."Order" SET status = 'COMPLETED', "completedAt" = "placedAt" + interval '40 minutes'
                   WHERE id >= 'bulk-{side}-{round}-' AND id < 'bulk-{side}-{round}.'"#
            );
            if round > 0 {
                found[side].push(sql.milliseconds(&complete)?);
            } else if side == 1 {
                let mut watched = copy.open()?;
                watched.run("SET crm.as_of = '2026-07-01 20:30+00'")?;
                plans::watch(&mut watched)?;
                plans.extend(plans::of(
                    &mut watched,
                    &format!("Completing {many} orders"),
                    &complete,
                    0.2,
                    2,
                )?);
            } else {
                sql.run(&complete)?;
            }
            if side == 0 {
                // Orders that the CRM was not told of must not be there when its totals are checked.
                sql.run(&format!(
                    r#"DELETE FROM public."Order" WHERE id >= 'bulk-0-{round}-' AND id < 'bulk-0-{round}.'"#
                ))?;
            }
        }
    }
    sql.expect_no_warning()?;
    sql.expect_none("changes put off", "SELECT count(*) FROM crm.failed_change")?;
    sql.expect_none(
        "guests whose stats differ from the orders",
        "SELECT count(*) FROM crm.venue AS v, crm.verify_stats(v.ref)",
    )?;
    let [bare, crm] = &found;
    Ok(Section {
        title: "Completing many orders in one statement".to_owned(),
        method: format!(
            "{many} open orders of as many guests in one UPDATE, durable commit; afterwards every guest's totals, scores and label are verified."
        ),
        rows: vec![Row::ratio(
            &format!("{many} orders completed"),
            "bare UPDATE",
            format!("bare {} ms, with pg_crm {} ms", median(bare), median(crm)),
            &ratios(crm, bare),
            Some(Target::AtMost(3.0)),
        )],
        plans,
    })
}
