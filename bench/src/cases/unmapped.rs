//! Updates of columns that no binding maps: what the CRM's triggers cost where they have nothing to do.

use super::Bench;
use super::triggers::{Follower, follow};
use crate::Failure;
use crate::platform::Platform;
use crate::report::{Row, Section, Target, median};
use crate::session::{Session, explained};
use crate::statistics::ratios;

const SIDES: [Follower; 2] = [Follower::Nobody, Follower::Crm];
/// Rows updated one by one in a batch.
const BATCH: usize = 400;

pub fn run(bench: &Bench, platform: &Platform) -> Result<Section, Failure> {
    let copy = platform.copy(bench, "unmapped")?;
    let mut sql = copy.open()?;
    sql.run("CHECKPOINT; SET synchronous_commit = off")?;
    let mut one = [Vec::new(), Vec::new()];
    let passes = bench.options.rounds * 3;
    let orders = sql
        .column(&format!(r#"SELECT id FROM public."Order" ORDER BY md5(id) LIMIT {}"#, 2 * passes * BATCH))?;
    for (n, batch) in orders.chunks_exact(BATCH.min(orders.len() / (2 * passes))).take(2 * passes).enumerate()
    {
        // Bare, CRM, CRM, bare: each is first as often as second.
        let side = (n + n / 2) % 2;
        one[side].push(one_by_one(&mut sql, SIDES[side], batch)?);
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
    sql.expect_no_warning()?;
    follow(&mut sql, Follower::Crm)?;
    sql.expect_none("guests whose stats changed", "SELECT count(*) FROM crm.verify_stats('venue-1')")?;

    let row = |what: &str, unit: &str, [bare, crm]: &[Vec<f64>; 2]| {
        let found = format!("bare {} {unit}, with pg_crm {} {unit}", median(bare), median(crm));
        Row::ratio(what, "the same without triggers", found, &ratios(crm, bare), Some(Target::AtMost(1.1)))
    };
    Ok(Section {
        title: "Updating a column that is not mapped".to_owned(),
        method: format!(
            "`note` of orders that were completed long ago, asynchronous commit. One row: prepared, by primary key, a transaction each, \
             {} batches of {BATCH} rows or fewer. Many: {many} neighbouring rows in one statement, vacuumed after each.",
            one[1].len()
        ),
        rows: vec![row("one row", "µs", &one), row(&format!("{many} rows"), "ms", &bulk)],
        plans: Vec::new(),
    })
}

/// Microseconds of one update.
fn one_by_one(sql: &mut Session, side: Follower, orders: &[String]) -> Result<f64, Failure> {
    const UPDATE: &str = r#"UPDATE public."Order" SET note = 'seen' WHERE id = $1"#;
    follow(sql, side)?;
    let statement = sql.client.prepare(UPDATE).map_err(|e| explained(&e, UPDATE))?;
    let (warm, timed) = orders.split_at(orders.len() / 20);
    for order in warm {
        sql.client.execute(&statement, &[order]).map_err(|e| explained(&e, UPDATE))?;
    }
    let start = std::time::Instant::now();
    for order in timed {
        sql.client.execute(&statement, &[order]).map_err(|e| explained(&e, UPDATE))?;
    }
    Ok(start.elapsed().as_secs_f64() * 1e6 / timed.len() as f64)
}
