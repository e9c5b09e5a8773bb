//! The sweep where little is due, and verification.

use super::Bench;
use crate::Failure;
use crate::plans;
use crate::platform::Platform;
use crate::report::{Row, Section, figure, median};
use crate::session::Session;
use crate::statistics::ratios;

/// Guests whose label is made due before a sweep.
const DUE: usize = 10;

pub fn run(bench: &Bench, platform: &Platform) -> Result<Section, Failure> {
    let copy = platform.copy(bench, "upkeep")?;
    let mut sql = copy.open()?;
    // Whatever the backfill's night left due at this very time.
    sql.run("SELECT crm.sweep()")?;
    let (mut idle, mut few, mut scan) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..bench.options.rounds {
        idle.push(sql.milliseconds("SELECT crm.sweep()")?);
        make_due(&mut sql, round)?;
        few.push(sql.milliseconds("SELECT crm.sweep()")?);
        sql.expect_none(
            "labels still due",
            "SELECT count(*) FROM crm.customer_venue_stats WHERE next_label_at <= crm.now()",
        )?;
        // The index is not asked: this is what a sweep without it would read.
        sql.run("SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off; SET max_parallel_workers_per_gather = 0")?;
        scan.push(sql.milliseconds(
            "SELECT count(*) FROM crm.customer_venue_stats WHERE next_label_at <= crm.now()",
        )?);
        sql.run("RESET ALL")?;
    }
    let (mut verify, mut count) = (Vec::new(), Vec::new());
    for _ in 0..bench.options.long_rounds() {
        count.push(sql.milliseconds(
            r#"SELECT count(*) FROM (SELECT "customerId", count(*), sum(total), max(total), min("completedAt"), max("completedAt")
               FROM public."Order" WHERE "venueId" = 'venue-1' AND status = 'COMPLETED' GROUP BY 1) AS g"#,
        )?);
        verify.push(sql.milliseconds("SELECT count(*) FROM crm.verify_stats('venue-1')")?);
    }
    sql.expect_none(
        "guests whose stats differ from the orders",
        "SELECT count(*) FROM crm.verify_stats('venue-1')",
    )?;
    let orders: f64 = sql.value(r#"SELECT count(*) FROM public."Order" WHERE "venueId" = 'venue-1'"#)?;
    let guests: String = sql.value("SELECT count(*) FROM crm.customer_venue_stats")?;

    make_due(&mut sql, bench.options.rounds)?;
    let mut watched = copy.open()?;
    plans::watch(&mut watched)?;
    let mut shown = plans::of(&mut watched, "A sweep with few labels due", "SELECT crm.sweep()", 0.02, 2)?;
    shown.extend(plans::of(
        &mut watched,
        "Verifying a venue",
        "SELECT count(*) FROM crm.verify_stats('venue-1')",
        0.5,
        1,
    )?);
    let per_order: Vec<f64> = verify.iter().map(|ms| ms * 1e3 / orders).collect();
    Ok(Section {
        title: "Sweep and verification".to_owned(),
        method: format!(
            "A sweep with nothing due and with {DUE} labels due among {guests} stats rows, and beside it one sequential look for due rows. `crm.verify_stats` \
             recounts the venue from its {orders} orders, scores it and compares every row; beside it the bare GROUP BY of its orders."
        ),
        rows: vec![
            Row::ratio(
                "sweep, nothing due",
                "a sequential look",
                format!("{} ms against {} ms", median(&idle), median(&scan)),
                &ratios(&idle, &scan),
                None,
            ),
            Row::ratio(
                &format!("sweep, {DUE} labels due"),
                "a sequential look",
                format!("{} ms against {} ms", median(&few), median(&scan)),
                &ratios(&few, &scan),
                None,
            ),
            Row::ratio(
                "verify_stats",
                "bare GROUP BY of the orders",
                format!(
                    "{} ms, {} µs an order, against {} ms",
                    median(&verify),
                    figure(crate::statistics::spread(&per_order).map_or(f64::INFINITY, |s| s.median)),
                    median(&count)
                ),
                &ratios(&verify, &count),
                None,
            ),
        ],
        plans: shown,
    })
}

/// As if the time of their next label had come: the totals' own trigger would compute it anew.
fn make_due(sql: &mut Session, round: usize) -> Result<(), Failure> {
    sql.run(&format!(
        "ALTER TABLE crm.customer_venue_stats DISABLE TRIGGER score_guest;
         UPDATE crm.customer_venue_stats AS t SET next_label_at = crm.now() - interval '1 minute'
         FROM (SELECT crm.key(id) AS customer_id FROM bench.guest WHERE active ORDER BY bench.chance('due {round}', n) LIMIT {DUE}) AS g
         WHERE t.customer_id = g.customer_id;
         ALTER TABLE crm.customer_venue_stats ENABLE ALWAYS TRIGGER score_guest"
    ))
}
