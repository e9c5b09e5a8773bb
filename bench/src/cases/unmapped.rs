//! Updates of columns that no binding maps: what the CRM's triggers cost where they have nothing to do.

use std::time::Instant;

use super::Bench;
use super::triggers::{Follower, follow};
use crate::Failure;
use crate::platform::Platform;
use crate::report::{Row, Section, Target, median};
use crate::session::{Session, explained};
use crate::statistics::{ratios, spread};

const SIDES: [Follower; 2] = [Follower::Nobody, Follower::Crm];
/// Rows updated one by one in a batch.
const BATCH: usize = 200;

pub fn run(bench: &Bench, platform: &Platform) -> Result<Section, Failure> {
    let copy = platform.copy(bench, "unmapped")?;
    let mut sql = copy.open()?;
    sql.run("CHECKPOINT")?;
    let mut rows = Vec::new();
    let judge = |what: &str, unit: &str, [bare, crm]: &[Vec<f64>; 2]| {
        let found = format!("{} {unit} with pg_crm, {} bare", median(crm), median(bare));
        Row::ratio(what, "the same without triggers", found, &ratios(crm, bare), Some(Target::AtMost(1.1)))
    };

    let passes = 4 * bench.options.rounds;
    let orders = sql
        .column(&format!(r#"SELECT id FROM public."Order" ORDER BY md5(id) LIMIT {}"#, 2 * passes * BATCH))?;
    let size = orders.len() / (2 * passes);
    let mut batches = orders.chunks_exact(size);
    for commit in ["off", "on"] {
        sql.run(&format!("SET synchronous_commit = {commit}"))?;
        let mut found = [Vec::new(), Vec::new()];
        for (n, batch) in batches.by_ref().take(passes).enumerate() {
            // Bare, CRM, CRM, bare: each is first as often as second.
            let side = (n + n / 2) % 2;
            found[side].push(one_by_one(&mut sql, SIDES[side], batch)?);
        }
        rows.push(judge(&format!("one row, synchronous_commit {commit}"), "µs", &found));
    }

    let many = bench.options.bulk();
    let bounds = sql.column(&format!(
        r#"SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM public."Order") AS o WHERE n % {many} = 1 ORDER BY id"#
    ))?;
    let ranges: Vec<_> = bounds.windows(2).collect();
    let mut bulk = [Vec::new(), Vec::new()];
    for n in 0..2 * bench.options.rounds {
        let side = (n + n / 2) % 2;
        follow(&mut sql, SIDES[side])?;
        let range = ranges[n % ranges.len()];
        bulk[side].push(sql.milliseconds(&format!(
            r#"UPDATE public."Order" SET note = 'seen {n}' WHERE id >= '{}' AND id < '{}'"#,
            range[0], range[1]
        ))?);
        sql.settle(r#"public."Order""#)?;
    }
    rows.push(judge(&format!("{many} rows"), "ms", &bulk));
    sql.expect_no_warning()?;
    follow(&mut sql, Follower::Crm)?;
    sql.expect_none("guests whose stats changed", "SELECT count(*) FROM crm.verify_stats('venue-1')")?;

    Ok(Section {
        title: "Updating a column that is not mapped".to_owned(),
        method: format!(
            "`note` of orders that were completed long ago. One row: prepared, by primary key, a transaction each, {} batches of {size} a side; a batch \
             counts with the median of its statements. Many: {many} neighbouring rows in one statement, vacuumed after each.",
            passes / 2
        ),
        rows,
        plans: Vec::new(),
    })
}

/// Median time of one update, in microseconds.
fn one_by_one(sql: &mut Session, side: Follower, orders: &[String]) -> Result<f64, Failure> {
    const UPDATE: &str = r#"UPDATE public."Order" SET note = 'seen' WHERE id = $1"#;
    follow(sql, side)?;
    let statement = sql.client.prepare(UPDATE).map_err(|e| explained(&e, UPDATE))?;
    let (warm, timed) = orders.split_at(orders.len() / 20);
    for order in warm {
        sql.client.execute(&statement, &[order]).map_err(|e| explained(&e, UPDATE))?;
    }
    let mut times = Vec::with_capacity(timed.len());
    for order in timed {
        let start = Instant::now();
        sql.client.execute(&statement, &[order]).map_err(|e| explained(&e, UPDATE))?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    Ok(spread(&times).map_or(f64::INFINITY, |s| s.median))
}
