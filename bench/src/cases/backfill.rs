//! Counting the history, against one INSERT … SELECT … GROUP BY.

use super::Bench;
use crate::Failure;
use crate::platform::{Copy, Platform};
use crate::report::{Row, Section, Target, median};
use crate::session::Session;
use crate::statistics::ratios;

const BACKFILL: &str = "CALL crm.backfill()";
/// The same totals under the same keys.
const EQUAL: &str = r#"
    INSERT INTO rival.counted (org_id, venue_id, customer_id, total_orders, total_visits, total_spent, highest_order, first_order_at, last_order_at)
    SELECT 1, crm.key(o."venueId"), crm.key(o."customerId"), count(*),
           count(DISTINCT (o."completedAt" AT TIME ZONE 'UTC' AT TIME ZONE v.timezone)::date),
           sum(o.total - o."refundedAmount"), max(o.total - o."refundedAmount"),
           min(o."completedAt") AT TIME ZONE 'UTC', max(o."completedAt") AT TIME ZONE 'UTC'
    FROM public."Order" AS o JOIN public."Venue" AS v ON v.id = o."venueId"
    WHERE o.status = 'COMPLETED' AND o."customerId" IS NOT NULL
    GROUP BY o."venueId", o."customerId""#;
/// Totals without visits, under the platform's own ids.
const LEAN: &str = r#"
    INSERT INTO rival.lean
    SELECT 1, o."venueId", o."customerId", count(*), sum(o.total - o."refundedAmount"), max(o.total - o."refundedAmount"),
           min(o."completedAt"), max(o."completedAt")
    FROM public."Order" AS o WHERE o.status = 'COMPLETED' AND o."customerId" IS NOT NULL
    GROUP BY o."venueId", o."customerId""#;

pub fn run(bench: &Bench, platform: &Platform) -> Result<Section, Failure> {
    let (mut whole, mut counting, mut equal, mut lean) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..bench.options.long_rounds() {
        let copy = Copy::of(bench, &platform.pending, "backfill")?;
        let mut sql = copy.open()?;
        sql.run(
            "SET client_min_messages = warning;
             CREATE SCHEMA rival;
             CREATE TABLE rival.counted (LIKE crm.customer_venue_stats INCLUDING DEFAULTS, PRIMARY KEY (org_id, venue_id, customer_id));
             ALTER TABLE rival.counted ALTER label DROP NOT NULL, ALTER label_changed_at DROP NOT NULL;
             CREATE TABLE rival.lean (org_id int, venue_id text, customer_id text, total_orders int, total_spent numeric(14,2),
               highest_order numeric(14,2), first_order_at timestamp, last_order_at timestamp, PRIMARY KEY (org_id, venue_id, customer_id));
             CHECKPOINT",
        )?;
        for step in (0..3).map(|n| (n + round) % 3) {
            match step {
                0 => {
                    whole.push(sql.milliseconds(BACKFILL)?);
                    counting.push(sql.value("SELECT sum(milliseconds) FROM crm.job_run WHERE job = 'backfill' AND venue_id IS NOT NULL")?);
                }
                1 => equal.push(sql.milliseconds(EQUAL)?),
                _ => lean.push(sql.milliseconds(LEAN)?),
            }
        }
        sql.expect_no_warning()?;
        compare(&mut sql)?;
    }
    let row = |what: &str, ours: &[f64], against: &str, theirs: &[f64], target| {
        let found = format!("{} ms against {} ms", median(ours), median(theirs));
        Row::ratio(what, against, found, &ratios(ours, theirs), target)
    };
    let target = Some(Target::AtMost(1.5));
    let same = "INSERT … SELECT … GROUP BY of the same totals and keys";
    Ok(Section {
        title: "Backfill".to_owned(),
        method: "A copy of the platform a round, its history not counted yet, in memory. The whole `CALL crm.backfill()` mirrors the customers, counts and \
                 scores every guest, writes the stats with three indexes and two foreign keys, repairs, analyses and runs the first night; the count alone is what \
                 `crm.job_run` says of the venues. The bare insert leaves out customers, scores, labels, cut points and all indexes but the same primary \
                 key; the lean one also visits and the CRM's keys. Both sides hold the same totals, row by row."
            .to_owned(),
        rows: vec![
            row("the whole backfill", &whole, same, &equal, target),
            row("the count of the venues", &counting, same, &equal, None),
            row("the whole backfill", &whole, "the lean insert: no visits, the platform's own ids", &lean, None),
        ],
        plans: Vec::new(),
    })
}

fn compare(sql: &mut Session) -> Result<(), Failure> {
    let totals = "SELECT org_id, venue_id, customer_id, total_orders, total_visits, total_spent, highest_order, first_order_at, last_order_at FROM";
    let (ours, theirs) = (format!("{totals} crm.customer_venue_stats"), format!("{totals} rival.counted"));
    sql.expect_none(
        "guests whom the backfill and the bare insert count differently",
        &format!("SELECT count(*) FROM (({ours} EXCEPT {theirs}) UNION ALL ({theirs} EXCEPT {ours})) AS d"),
    )
}
