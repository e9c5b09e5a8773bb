//! The night after a typical day, against computing the scores anew from the orders or from the totals.

use super::Bench;
use super::day::{self, NIGHT, PREFERENCES};
use super::latency::at;
use crate::Failure;
use crate::plans;
use crate::platform::{Platform, root};
use crate::report::{Row, Section, Target, figure, median};
use crate::session::Session;
use crate::statistics::ratios;

const SIDES: [(&str, Option<Target>); 4] = [
    ("three NTILEs over the venue's orders into a table", Some(Target::AtLeast(10.0))),
    ("three NTILEs over the totals, full UPDATE", Some(Target::AtLeast(5.0))),
    ("REFRESH MATERIALIZED VIEW of the first", Some(Target::AtLeast(10.0))),
    ("one bare sequential aggregate over the stats rows", Some(Target::AtMost(4.0))),
];

pub fn run(bench: &Bench, platform: &Platform) -> Result<Section, Failure> {
    let copy = platform.copy(bench, "night")?;
    bench.cluster.psql(&copy.name, &root().join("bench/sql/night_rivals.sql"), &[])?;
    let mut sql = copy.open()?;
    let (mut night, mut preferences, mut sides) = (Vec::new(), Vec::new(), SIDES.map(|_| Vec::new()));
    let (mut came, mut written) = (0, 0);
    let mut plans = Vec::new();
    // The first day is not counted: the night after it is watched for its plans.
    for round in 0..=bench.options.long_rounds() {
        came = day::pass(&mut sql, round + 1)?;
        if round == 0 {
            let mut watched = copy.open()?;
            watched.run(&format!("SET crm.as_of = '{}'", sql.value::<String>("SHOW crm.as_of")?))?;
            plans::watch(&mut watched)?;
            plans.extend(plans::of(&mut watched, &format!("Night of {:?}", platform.shape), NIGHT, 0.1, 3)?);
            sql.run(PREFERENCES)?;
            continue;
        }
        let before: i64 = last_run(&mut sql)?;
        // The night goes first in every other round.
        if round % 2 == 0 {
            night.push(sql.milliseconds(NIGHT)?);
        }
        for (n, side) in sides.iter_mut().enumerate() {
            side.push(rival(&mut sql, n)?);
        }
        if round % 2 == 1 {
            night.push(sql.milliseconds(NIGHT)?);
        }
        sql.expect_no_warning()?;
        written = sql.value(&format!(
            "SELECT COALESCE(sum(rows), 0) FROM crm.job_run WHERE run_id > {before} AND job = 'night'"
        ))?;
        compare(&mut sql)?;
        preferences.push(sql.milliseconds(PREFERENCES)?);
        sql.settle("crm.customer_venue_stats, crm.label_change, rival.kept, rival.ranked")?;
    }
    let guests: String = sql.value("SELECT count(*) FROM crm.customer_venue_stats WHERE total_orders > 0")?;
    let mut rows: Vec<Row> = SIDES
        .iter()
        .zip(&sides)
        .map(|(&(against, target), theirs)| {
            let ratio = match target {
                Some(Target::AtLeast(_)) => ratios(theirs, &night),
                _ => ratios(&night, theirs),
            };
            let found = format!("night {} ms, other {} ms", median(&night), median(theirs));
            Row::ratio(&format!("night of {guests} guests"), against, found, &ratio, target)
        })
        .collect();
    let derived = at(&mut preferences, 50.0);
    rows.push(Row::time(
        "the preferences of those who ordered",
        "–",
        format!("{} ms", figure(derived)),
        derived,
        None,
    ));
    Ok(Section {
        title: format!("The night of one venue, {guests} guests"),
        method: format!(
            "Each round is a day: {came} guests order and their orders are completed through the triggers, the clock moves to 03:30, the tables are \
             vacuumed, then `{NIGHT}` and the others run, in turns first. No sweep ran that day. The last night rewrote {written} rows. The \
             others (`bench/sql/night_rivals.sql`) score only, without labels and visits, and break ties by chance; so what they have nothing like, \
             the preferences derived from the orders, is timed apart. Both sides agree on \
             every guest's totals and, up to the rounding of five parts, on recency; `crm.verify_stats` is empty."
        ),
        rows,
        plans,
    })
}

fn last_run(sql: &mut Session) -> Result<i64, Failure> {
    sql.value("SELECT COALESCE(max(run_id), 0) FROM crm.job_run")
}

fn rival(sql: &mut Session, n: usize) -> Result<f64, Failure> {
    match n {
        0 => sql.milliseconds(
            "BEGIN; TRUNCATE rival.ranked; INSERT INTO rival.ranked SELECT * FROM rival.rank(); COMMIT",
        ),
        1 => {
            // Totals that a trigger would have kept.
            sql.run("SELECT rival.follow_totals()")?;
            sql.settle("rival.kept")?;
            sql.milliseconds("SELECT rival.rank_kept()")
        }
        2 => sql.milliseconds("REFRESH MATERIALIZED VIEW rival.ranking"),
        _ => {
            sql.run("SET max_parallel_workers_per_gather = 0")?;
            let aggregate = "SELECT count(*), sum(total_visits), sum(total_spent), max(last_order_at) FROM crm.customer_venue_stats
                             WHERE org_id = 1 AND venue_id = crm.key('venue-1') AND total_orders > 0";
            let time = sql.milliseconds(aggregate)?;
            sql.run("RESET max_parallel_workers_per_gather")?;
            Ok(time)
        }
    }
}

/// The orders, counted by the rival, say what the night says.
fn compare(sql: &mut Session) -> Result<(), Failure> {
    sql.expect_none(
        "guests whose stats differ from the orders",
        "SELECT count(*) FROM crm.verify_stats('venue-1')",
    )?;
    sql.expect_none(
        "guests whom the night and the NTILEs count differently",
        "SELECT count(*) FROM crm.customer_venue_stats AS t
         JOIN crm.customer AS c ON c.org_id = t.org_id AND c.customer_id = t.customer_id
         FULL JOIN rival.ranked AS r ON r.customer_id = c.ref
         WHERE COALESCE(t.total_orders, 0) > 0
           AND (t.total_orders, t.total_spent, t.last_order_at) IS DISTINCT FROM (r.orders, r.spent, r.last_order_at)",
    )?;
    // A fifth that is no whole number of guests is cut one guest earlier or later.
    sql.expect_none(
        "recency scores beyond the rounding of five parts",
        "SELECT GREATEST(count(*) - 16, 0) FROM crm.customer_venue_stats AS t
         JOIN crm.customer AS c ON c.org_id = t.org_id AND c.customer_id = t.customer_id
         JOIN rival.ranked AS r ON r.customer_id = c.ref WHERE t.recency_score <> r.recency",
    )
}
