//! Fifty segments of the large venue: found, kept, asked, and what they add to a sale.

use std::time::Instant;

use super::Bench;
use crate::Failure;
use crate::plans;
use crate::platform::{Platform, VENUE, root};
use crate::report::{Row, Section, Target, figure, median};
use crate::session::Session;
use crate::statistics::{differences, ratios};

const SCOPE: &str = "(SELECT v.org_id FROM crm.venue AS v WHERE v.ref = 'venue-1'), crm.key('venue-1')";
/// Orders of a batch, of which each side has one in each round.
const BATCH: usize = 200;
/// Of these so many are not timed.
const WARM: usize = 10;

pub fn run(bench: &Bench, platform: &Platform) -> Result<Section, Failure> {
    let copy = platform.copy(bench, "segments")?;
    bench.cluster.psql(&copy.name, &root().join("bench/sql/segments.sql"), &[])?;
    let mut sql = copy.open()?;
    // A third of the guests may be written to.
    sql.run(&format!(
        "SELECT crm.record_consent(c.ref, 'EMAIL_MARKETING', 'GRANTED', 'checkout', '{VENUE}') FROM crm.customer AS c WHERE uuid_hash(c.customer_id) % 3 = 1"
    ))?;
    let mut rows = vec![materialise(bench, &mut sql)?, small_night(&mut sql)?];
    rows.extend(asked(&mut sql)?);
    rows.push(inline(bench, &mut sql)?);
    let mut watched = copy.open()?;
    plans::watch(&mut watched)?;
    let refresh = format!("SELECT cardinality(crm.guests_to_follow({SCOPE}, NULL))");
    let plans = plans::of(&mut watched, "All segments of all guests, looked at once", &refresh, 0.05, 1)?;
    Ok(Section {
        title: "Fifty segments".to_owned(),
        method: format!(
            "Forty-four criteria (`bench/sql/segments.sql`: totals, days, shares, profile, counts of orders within months) beside the six of the labels. Found from nothing with \
             `crm.refresh_scope`, which writes the ledger, the outbox and the tally as well (the six are the labels, and have no rows), against fifty separate `INSERT … SELECT` into a table of members, \
             written by hand; both sides find the same members. A sale: one UPDATE completing an order, {BATCH} a batch, with the six segments of the labels and with \
             fourteen more, in turns; a batch counts with the mean of all but its slowest twentieth."
        ),
        rows,
        plans,
    })
}

fn materialise(bench: &Bench, sql: &mut Session) -> Result<Row, Failure> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..bench.options.long_rounds() {
        sql.run(
            "TRUNCATE bench.member, crm.guest_segments, crm.segment_change, crm.segment_tally, crm.outbox",
        )?;
        sql.settle("")?;
        let refresh = format!("SELECT crm.refresh_scope({SCOPE}, NULL, 'night')");
        if round % 2 == 0 {
            ours.push(sql.milliseconds(&refresh)?);
        }
        theirs.push(sql.milliseconds("SELECT bench.keep_all()")?);
        if round % 2 == 1 {
            ours.push(sql.milliseconds(&refresh)?);
        }
        sql.expect_none(
            "members that both sides do not share",
            "SELECT count(*) FROM (SELECT s.key, m.customer_id FROM crm.segment_member AS m JOIN crm.segment AS s USING (org_id, segment_id)
               WHERE s.venue_id = crm.key('venue-1') AND s.key LIKE 'bench%') AS a
             FULL JOIN (SELECT * FROM bench.member AS m WHERE m.key LIKE 'bench%') AS b ON b.key = a.key AND b.customer_id = a.customer_id
             WHERE a.key IS NULL OR b.key IS NULL",
        )?;
    }
    let guests: String =
        sql.value("SELECT count(*) FROM crm.guest_segments WHERE scope_id = crm.key('venue-1')")?;
    let found = format!("{} ms against {} ms", median(&ours), median(&theirs));
    Ok(Row::ratio(
        &format!("50 segments of {guests} guests found"),
        "50 separate INSERT … SELECT",
        found,
        &ratios(&theirs, &ours),
        Some(Target::AtLeast(4.0)),
    ))
}

/// One guest in a hundred is not what his row says.
fn small_night(sql: &mut Session) -> Result<Row, Failure> {
    sql.settle("crm.guest_segments, crm.segment_change")?;
    let planted: i64 = sql.value(
        "WITH planted AS (UPDATE crm.guest_segments AS g SET segments = '{}'
           WHERE g.scope_id = crm.key('venue-1') AND g.segments <> '{}' AND uuid_hash(g.customer_id) % 100 = 7 RETURNING 1)
         SELECT count(*) FROM planted",
    )?;
    let start = Instant::now();
    let written: i64 = sql.value(&format!("SELECT crm.refresh_scope({SCOPE}, NULL, 'night')"))?;
    let time = start.elapsed().as_secs_f64() * 1e3;
    if written != planted {
        return Err(format!("{written} rows written where {planted} differed").into());
    }
    let found = format!("{} ms, {written} rows written, those that differed", figure(time));
    Ok(Row::time("a night in which 1 % changed", "–", found, time, None))
}

fn asked(sql: &mut Session) -> Result<Vec<Row>, Failure> {
    let largest: i32 = sql.value(
        "SELECT s.segment_id FROM crm.segment AS s WHERE s.venue_id = crm.key('venue-1') ORDER BY crm.segment_size(s.segment_id) DESC LIMIT 1",
    )?;
    let members: String = sql.value(&format!("SELECT crm.segment_size({largest})"))?;
    let preview = r#"{"v":1,"where":{"all":[{"field":"total_visits","op":"gte","value":2},{"field":"aov","op":"gt","value":"30"},{"field":"last_order_at","op":"within_last","value":"90d"}]}}"#;
    let mut rows = Vec::new();
    for (what, statement, calls, bound) in [
        (
            format!("{members} recipients counted"),
            format!("SELECT crm.segment_size({largest})"),
            200,
            Some(5.0),
        ),
        (
            "a page of 200 of them, of whom a third may be written to".to_owned(),
            format!(
                "SELECT * FROM crm.recipients({largest}, 'EMAIL_MARKETING', '80000000-0000-0000-0000-000000000000', 200)"
            ),
            100,
            Some(2.0),
        ),
        ("is_member".to_owned(), format!("SELECT crm.is_member({largest}, 'g1')"), 300, Some(0.2)),
        (
            "preview of a typical segment".to_owned(),
            format!("SELECT crm.preview_segment('{preview}', '{VENUE}')"),
            7,
            Some(200.0),
        ),
    ] {
        let mut times = sql.prepared(&statement, calls)?;
        let found = format!("{} ms, the median of {calls} prepared calls over TCP", median(&times));
        times.sort_by(f64::total_cmp);
        rows.push(Row::time(&what, "–", found, times[calls / 2], bound.map(Target::WithinMs)));
    }
    Ok(rows)
}

/// What fourteen live segments beside the six add to a sale.
fn inline(bench: &Bench, sql: &mut Session) -> Result<Row, Failure> {
    sql.run("SET synchronous_commit = off")?;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let kept = "key IN (SELECT k.key FROM crm.segment AS k WHERE k.key LIKE 'bench%' AND k.criteria NOT LIKE '%\"orders\"%' ORDER BY k.segment_id LIMIT 14)";
    for round in 0..bench.options.rounds * 2 {
        for side in [round % 2 == 0, round % 2 == 1] {
            sql.run(&format!(
                "UPDATE crm.segment SET archived_at = CASE WHEN {side} AND {kept} THEN NULL ELSE crm.now() END WHERE NOT is_system"
            ))?;
            let orders = sql.column(&format!(
                r#"INSERT INTO public."Order" (id, "venueId", "customerId", status, total, channel, "placedAt")
                   SELECT 'seg-{round}-{side}-' || row_number() OVER (), '{VENUE}', g.id, 'PENDING', 21, 'DINE_IN', crm.now() AT TIME ZONE 'UTC'
                   FROM (SELECT id FROM bench.guest WHERE venue = '{VENUE}' AND active ORDER BY bench.chance('seg-{round}-{side}', n) LIMIT {BATCH}) AS g
                   RETURNING id"#
            ))?;
            let complete = sql.client.prepare(
                r#"UPDATE public."Order" SET status = 'COMPLETED', "completedAt" = "placedAt" WHERE id = $1"#,
            )?;
            let mut times = Vec::new();
            for order in &orders {
                let start = Instant::now();
                sql.client.execute(&complete, &[order])?;
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
            // Plans are made anew after the switch; and what else the machine does hits a few sales hard.
            let mut times = times.split_off(WARM.min(times.len()));
            times.sort_by(f64::total_cmp);
            times.truncate((times.len() * 19).div_ceil(20));
            let mean = times.iter().sum::<f64>() / times.len().max(1) as f64;
            if side { with.push(mean) } else { without.push(mean) }
        }
    }
    sql.expect_no_warning()?;
    let mut added = differences(&with, &without);
    added.sort_by(f64::total_cmp);
    let middle = added[added.len() / 2];
    let found = format!(
        "{} ms: {} ms against {} ms with the six alone",
        figure(middle),
        median(&with),
        median(&without)
    );
    Ok(Row::time("a sale with 20 live segments: added", "–", found, middle, Some(Target::WithinMs(0.15))))
}
