//! Completing one order: what the CRM adds to the sale, against what a platform's own triggers add.

use std::sync::Barrier;
use std::time::Instant;

use postgres::Statement;

use super::Bench;
use super::triggers::{Follower, follow};
use crate::Failure;
use crate::plans::{self, Plan};
use crate::platform::{Copy, Platform, VENUE, deep_orders, root};
use crate::report::{Row, Section, Target, median};
use crate::session::{Session, explained};
use crate::statistics::{added_ratios, differences, ratios, spread};

const SIDES: [Follower; 4] = [Follower::Nobody, Follower::Crm, Follower::Aggregate, Follower::Delta];
const COMPLETE: &str = r#"UPDATE public."Order" SET status = 'COMPLETED', "completedAt" = "placedAt" + interval '40 minutes' WHERE id = $1"#;

/// Passes of short batches for each round: the sides alternate every few hundredths of a second.
const PASSES_PER_ROUND: usize = 2;
/// Orders timed in a batch; fewer where the history is long, as few guests have it and each order lengthens it.
const BATCH: usize = 100;
const DEEP_BATCH: usize = 40;
/// Orders of each client before a batch is timed: plans are made anew after the triggers were switched.
const WARM: usize = 8;

/// Guests of one length of history, each side its own, so that each side's totals can be checked.
struct Pool {
    past: u32,
    batch: usize,
    guests: [Vec<String>; SIDES.len()],
    used: [usize; SIDES.len()],
}

struct Client {
    session: Session,
    complete: Statement,
}

pub fn run(bench: &Bench, platform: &Platform) -> Result<Section, Failure> {
    let copy = platform.copy(bench, "complete")?;
    bench.cluster.psql(&copy.name, &root().join("bench/sql/rivals.sql"), &[])?;
    let mut sql = copy.open()?;
    sql.run("CHECKPOINT; SELECT pg_prewarm('rival.aggregated'), pg_prewarm('rival.aggregated_pkey'), pg_prewarm('rival.added'), pg_prewarm('rival.added_pkey')")?;
    let deep = deep_orders(bench.options.orders);
    let mut pools = [pool(&mut sql, 10, BATCH)?, pool(&mut sql, deep, DEEP_BATCH)?];
    let mut rows = Vec::new();
    let mut pass = 0;
    for pool in &mut pools {
        for commit in ["off", "on"] {
            for clients in [1, 2] {
                let mut workers =
                    (0..clients).map(|_| client(&copy, commit)).collect::<Result<Vec<_>, _>>()?;
                let mut found = SIDES.map(|_| Vec::new());
                for _ in 0..bench.options.rounds * PASSES_PER_ROUND {
                    pass += 1;
                    // Each side goes first in turn.
                    for side in (0..SIDES.len()).map(|n| (n + pass) % SIDES.len()) {
                        let orders = pool.take_orders(&mut sql, side, clients, pass)?;
                        follow(&mut sql, SIDES[side])?;
                        found[side].push(batch(&mut workers, &orders)?);
                    }
                    for worker in &mut workers {
                        worker.session.expect_no_warning()?;
                    }
                }
                judge(pool.past, clients, commit == "on", &found, &mut rows);
            }
        }
    }
    let plans = show_plans(&copy, &mut sql, &mut pools[1], pass + 1)?;
    let after: Vec<String> = pools.iter().map(|pool| pool.history_now(&mut sql)).collect::<Result<_, _>>()?;
    check(&mut sql, &pools)?;
    Ok(Section {
        title: "Completing one order".to_owned(),
        method: format!(
            "One prepared UPDATE of an order by its primary key in a transaction of its own, over TCP on the same machine; each order once, \
             placed just before the batch, one open order a guest at a time. Batches of {BATCH} orders, {DEEP_BATCH} with the long history, \
             the four sides in turns, {} batches a side and setting; a batch counts with the median of its statements. Guests of the pools ended with {} orders on \
             average. The aggregate trigger counts, scores and labels with cut points from a table, the delta trigger only adds totals; both fire \
             on completion alone, catch no error and know no refund after the fact (`bench/sql/rivals.sql`).",
            bench.options.rounds * PASSES_PER_ROUND,
            after.join(" and ")
        ),
        rows,
        plans,
    })
}

fn pool(sql: &mut Session, past: u32, batch: usize) -> Result<Pool, Failure> {
    let guests = sql.column(&format!(
        "SELECT id FROM bench.guest WHERE venue = '{VENUE}' AND active AND orders = {past} ORDER BY bench.chance('pool', n)"
    ))?;
    if guests.len() < SIDES.len() * 2 {
        return Err(format!("only {} active guests have {past} orders", guests.len()).into());
    }
    let share = |side: usize| guests.iter().skip(side).step_by(SIDES.len()).cloned().collect();
    Ok(Pool { past, batch, guests: [share(0), share(1), share(2), share(3)], used: [0; SIDES.len()] })
}

impl Pool {
    /// Places one order for each of the next guests of a side and returns the orders' ids.
    fn take_orders(
        &mut self,
        sql: &mut Session,
        side: usize,
        clients: usize,
        pass: usize,
    ) -> Result<Vec<String>, Failure> {
        let all = &self.guests[side];
        let wanted = (self.batch + WARM * clients).min(all.len());
        let from = self.used[side];
        let guests: Vec<&String> = (from..from + wanted).map(|n| &all[n % all.len()]).collect();
        self.used[side] = from + wanted;
        follow(sql, Follower::Nobody)?;
        let ids: Vec<String> = (0..wanted).map(|n| format!("open-{pass}-{side}-{n}")).collect();
        sql.client
            .execute(
                r#"INSERT INTO public."Order" (id, "venueId", "customerId", total, channel, "placedAt")
                   SELECT u.id, $3, u.guest, 20 + u.n % 7, 'DINE_IN', timestamp '2026-07-01 12:00' + make_interval(secs => $4)
                   FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS u(id, guest, n)"#,
                &[&ids, &guests, &VENUE, &(pass as f64)],
            )
            .map_err(|e| explained(&e, "placing orders"))?;
        Ok(ids)
    }

    fn history_now(&self, sql: &mut Session) -> Result<String, Failure> {
        let row = sql
            .client
            .query_one(
                r#"SELECT round(count(*)::numeric / cardinality($1::text[]), 1)::text FROM public."Order" WHERE "customerId" = ANY ($1)"#,
                &[&self.guests.concat()],
            )
            .map_err(|e| explained(&e, "the history of a pool"))?;
        Ok(row.get(0))
    }
}

fn client(copy: &Copy, commit: &str) -> Result<Client, Failure> {
    let mut session = copy.open()?;
    session.run(&format!("SET synchronous_commit = {commit}; SET crm.as_of = '2026-07-01 20:30+00'"))?;
    let complete = session.client.prepare(COMPLETE).map_err(|e| explained(&e, COMPLETE))?;
    Ok(Client { session, complete })
}

/// Completes the orders, shared among the clients, and returns the mean of the clients' medians, in microseconds.
fn batch(clients: &mut [Client], orders: &[String]) -> Result<f64, Failure> {
    let share = orders.len().div_ceil(clients.len());
    let warm = WARM.min(share / 2);
    let barrier = Barrier::new(clients.len());
    let medians = std::thread::scope(|scope| {
        let threads: Vec<_> = clients
            .iter_mut()
            .zip(orders.chunks(share))
            .map(|(client, orders)| scope.spawn(|| client.complete_all(orders, warm, &barrier)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| Failure::from("a client panicked"))?)
            .collect::<Result<Vec<f64>, Failure>>()
    })?;
    Ok(medians.iter().sum::<f64>() / medians.len() as f64)
}

impl Client {
    /// Completes some orders and returns the median time of one, in microseconds: a statement during which the machine did
    /// something else does not count for the others.
    fn complete_all(&mut self, orders: &[String], warm: usize, barrier: &Barrier) -> Result<f64, Failure> {
        let (first, timed) = orders.split_at(warm.min(orders.len() / 2));
        // Everyone comes to the barrier, also with a failure: the others wait for it.
        let warmed = first.iter().try_for_each(|order| self.complete(order));
        barrier.wait();
        warmed?;
        let mut times = Vec::with_capacity(timed.len());
        for order in timed {
            let start = Instant::now();
            self.complete(order)?;
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
        Ok(spread(&times).map_or(f64::INFINITY, |s| s.median))
    }

    fn complete(&mut self, order: &String) -> Result<(), Failure> {
        match self.session.client.execute(&self.complete, &[order]).map_err(|e| explained(&e, COMPLETE))? {
            1 => Ok(()),
            _ => Err(format!("order {order} is not there").into()),
        }
    }
}

fn judge(
    past: u32,
    clients: usize,
    durable: bool,
    [bare, crm, aggregate, delta]: &[Vec<f64>; SIDES.len()],
    rows: &mut Vec<Row>,
) {
    let what = format!(
        "{past} past orders, {clients} client{}, synchronous_commit {}",
        if clients > 1 { "s" } else { "" },
        if durable { "on" } else { "off" }
    );
    let added = |side: &[f64]| median(&differences(side, bare));
    let found = format!("{} µs with pg_crm, {} bare", median(crm), median(bare));
    rows.push(Row::ratio(
        &what,
        "bare UPDATE",
        found,
        &ratios(crm, bare),
        durable.then_some(Target::AtMost(1.25)),
    ));
    // Beyond a durable commit's own time, what is added drowns in the noise of the disk.
    let of_aggregate = if past > 10 { 0.12 } else { 0.6 };
    for (against, side, bound) in
        [("aggregate trigger, added", aggregate, of_aggregate), ("delta trigger, added", delta, 1.0)]
    {
        let found = format!("{} µs added by pg_crm, {} by the other", added(crm), added(side));
        let target = (!durable).then_some(Target::AtMost(bound));
        rows.push(Row::ratio(&what, against, found, &added_ratios(crm, side, bare), target));
    }
}

fn show_plans(copy: &Copy, sql: &mut Session, pool: &mut Pool, pass: usize) -> Result<Vec<Plan>, Failure> {
    let mut watched = copy.open()?;
    watched.run("SET crm.as_of = '2026-07-01 20:30+00'")?;
    plans::watch(&mut watched)?;
    let mut found = Vec::new();
    for (side, title) in [(1, "pg_crm"), (2, "the aggregate trigger")] {
        let orders = pool.take_orders(sql, side, 1, pass)?;
        follow(sql, SIDES[side])?;
        for order in &orders[1..] {
            watched.run(&COMPLETE.replace("$1", &format!("'{order}'")))?;
        }
        watched.notices();
        let statement = COMPLETE.replace("$1", &format!("'{}'", orders[0]));
        found.extend(plans::of(&mut watched, &format!("Completing an order, {title}"), &statement, 0.0, 3)?);
    }
    Ok(found)
}

/// Each side's totals are what its guests' orders add up to, read by a query of its own; and the labels of the
/// aggregate trigger are those of the CRM's rules.
fn check(sql: &mut Session, pools: &[Pool]) -> Result<(), Failure> {
    let oracle = r#"
        SELECT "customerId", count(*), count(DISTINCT ("completedAt" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Vilnius')::date),
               sum(total - "refundedAmount"), max(total - "refundedAmount"), min("completedAt") AT TIME ZONE 'UTC', max("completedAt") AT TIME ZONE 'UTC'
        FROM public."Order" WHERE status = 'COMPLETED' AND "customerId" IN (SELECT guest FROM checked) GROUP BY 1"#;
    let columns = "total_orders, total_visits, total_spent, highest_order, first_order_at, last_order_at";
    sql.run("CREATE TEMPORARY TABLE checked (guest text)")?;
    for (side, table) in [
        (
            1,
            "(SELECT c.ref AS customer_id, t.* FROM (SELECT org_id, customer_id AS id, ".to_owned()
                + columns
                + " FROM crm.customer_venue_stats) AS t JOIN crm.customer AS c ON c.org_id = t.org_id AND c.customer_id = t.id)",
        ),
        (2, "rival.aggregated".to_owned()),
        (3, "rival.added".to_owned()),
    ] {
        let guests: Vec<String> = pools.iter().flat_map(|pool| pool.guests[side].iter().cloned()).collect();
        sql.run("TRUNCATE checked")?;
        sql.client
            .execute("INSERT INTO checked SELECT unnest($1::text[])", &[&guests])
            .map_err(|e| explained(&e, "guests to check"))?;
        let kept = format!(
            "SELECT customer_id, {columns} FROM {table} AS kept WHERE customer_id IN (SELECT guest FROM checked)"
        );
        sql.expect_none(
            &format!("totals of {:?} that differ from the orders", SIDES[side]),
            &format!(
                "SELECT count(*) FROM (({oracle} EXCEPT {kept}) UNION ALL ({kept} EXCEPT {oracle})) AS d"
            ),
        )?;
    }
    sql.expect_none("changes that pg_crm put off", "SELECT count(*) FROM crm.failed_change")?;
    sql.expect_none(
        "labels of the aggregate trigger that are not pg_crm's",
        "SELECT count(*) FROM rival.aggregated AS a JOIN crm.venue_scoring AS s ON s.ref = a.venue_id
         CROSS JOIN LATERAL crm.rate(s.rule, s.timezone, s.day_starts_at, a.total_orders, a.total_visits, a.total_spent,
                                     a.first_order_at, a.last_order_at, '2026-07-01 20:30+00') AS r
         WHERE a.last_order_at > '2026-07-01 10:00+00'
           AND (a.recency_score, a.frequency_score, a.monetary_score, a.label)
               IS DISTINCT FROM (r.recency_score, r.frequency_score, r.monetary_score, r.label)",
    )
}
