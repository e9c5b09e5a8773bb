//! What criteria mean before they are saved, and why a guest is meant or not.

use std::fmt::Write;
use std::time::{Duration, Instant};

use crm_core::criteria::field::Group;
use crm_core::criteria::tree::Scope;
use crm_core::criteria::{Criteria, Explanation};
use pgrx::datum::{DatumWithOid, Uuid};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::criteria::read;
use crate::plan::internal;
use crate::segment_facts::{Guests, only_profiled, relation};
use crate::segment_follow::Settings;
use crate::segment_statement::{Statement, datum};

/// After this the preview is an estimate.
const MOST_TIME: Duration = Duration::from_millis(1800);
/// So many orders are read at once in less than that.
const MOST_ORDERS: i64 = 600_000;
/// Guests fall into so many parts by a hash of their keys.
const PARTS: i32 = 64;

/// Counts over the guests looked at.
#[derive(Default)]
struct Counts {
    guests: i64,
    /// Node by node, the whole document first.
    nodes: Vec<i64>,
    /// Members who may be written to, channel by channel.
    reachable: Vec<i64>,
    joining: i64,
    leaving: i64,
    samples: Vec<Uuid>,
    joining_samples: Vec<Uuid>,
    leaving_samples: Vec<Uuid>,
}

impl Counts {
    fn add(&mut self, other: Counts) {
        self.guests += other.guests;
        for (sums, others) in [(&mut self.nodes, &other.nodes), (&mut self.reachable, &other.reachable)] {
            sums.resize(others.len(), 0);
            for (sum, more) in sums.iter_mut().zip(others) {
                *sum += more;
            }
        }
        self.joining += other.joining;
        self.leaving += other.leaving;
        for (list, more) in [
            (&mut self.samples, other.samples),
            (&mut self.joining_samples, other.joining_samples),
            (&mut self.leaving_samples, other.leaving_samples),
        ] {
            list.extend(more);
            list.truncate(10);
        }
    }
}

/// Who may be written to, beside the guests looked at.
const REACHABLE: &str = " LEFT JOIN (SELECT r.customer_id, array_agg(r.channel) AS channels FROM crm.reachable_guest AS r
      WHERE r.org_id = $1 AND (r.scope_id = $2 OR r.scope_id = '00000000-0000-0000-0000-000000000000' AND $2 <> ALL (r.not_at))
      GROUP BY r.customer_id) AS w ON w.customer_id = e.customer_id";

/// Over all guests at once, reading the rows of relations once, or over a part of them, guest by guest.
fn statement(explanation: &Explanation, of_organisation: bool, at_once: bool) -> Statement {
    // Organisation, scope, parts, and the saved segment compared with.
    let mut statement = if at_once { Statement::over_facts(4) } else { Statement::new(4) };
    statement.push("SELECT count(*), ARRAY[");
    for node in 1..=explanation.nodes.len() {
        let comma = if node == 1 { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(statement.text, "{comma}count(*) FILTER (WHERE e.v[{node}])");
    }
    statement.push(
        "]::int8[], count(*) FILTER (WHERE e.v[1] AND NOT e.was), count(*) FILTER (WHERE e.was AND NOT e.v[1]),
           (array_agg(e.customer_id) FILTER (WHERE e.v[1]))[1:10],
           (array_agg(e.customer_id) FILTER (WHERE e.v[1] AND NOT e.was))[1:10],
           (array_agg(e.customer_id) FILTER (WHERE e.was AND NOT e.v[1]))[1:10],
           ARRAY[count(*) FILTER (WHERE e.v[1] AND w.channels @> '{EMAIL_MARKETING}'), count(*) FILTER (WHERE e.v[1] AND w.channels @> '{SMS_MARKETING}'),
                 count(*) FILTER (WHERE e.v[1] AND w.channels @> '{WHATSAPP_MARKETING}'), count(*) FILTER (WHERE e.v[1] AND w.channels @> '{REVIEW_REQUEST}')]::int8[]
         FROM (SELECT f.customer_id, ",
    );
    statement.push_sql(&explanation.verdicts());
    statement.push(
        " AS v, $4::int IS NOT NULL AND (
             EXISTS (SELECT FROM crm.guest_segments AS g
                     WHERE g.org_id = f.org_id AND g.scope_id = $2 AND g.customer_id = f.customer_id AND $4 = ANY (g.segments))
             OR COALESCE(f.label = (SELECT s.label FROM crm.segment AS s WHERE s.org_id = $1 AND s.segment_id = $4), false)) AS was FROM ",
    );
    if at_once {
        statement.push_facts();
        statement.push(" AS f WHERE $3::int[] IS NULL OFFSET 0) AS e");
        statement.push(REACHABLE);
        statement.settle(Guests::All { of_organisation });
    } else {
        let asked = statement.columns_asked("x");
        let _ = write!(
            statement.text,
            "(SELECT {asked} FROM {} AS x WHERE x.org_id = $1 AND x.venue_id = $2 AND (uuid_hash(x.customer_id) & {}) = ANY ($3::int[]) AND {} OFFSET 0) AS f OFFSET 0) AS e",
            relation(of_organisation),
            PARTS - 1,
            only_profiled(of_organisation, "x")
        );
        statement.push(REACHABLE);
    }
    statement
}

fn count(
    statement: &Statement,
    org_id: i32,
    scope_id: Uuid,
    parts: Option<Vec<i32>>,
    segment: Option<i32>,
) -> Result<Counts, ErrorReport> {
    let types = statement.types(&[
        PgBuiltInOids::INT4OID,
        PgBuiltInOids::UUIDOID,
        PgBuiltInOids::INT4ARRAYOID,
        PgBuiltInOids::INT4OID,
    ]);
    let mut given: Vec<DatumWithOid<'_>> = vec![org_id.into(), scope_id.into(), parts.into(), segment.into()];
    for param in &statement.params {
        given.push(datum(param)?);
    }
    let _without_jit = Settings::one_run();
    Spi::connect_mut(|client| {
        let prepared = client.prepare_mut(statement.text.as_str(), &types).map_err(internal)?;
        let row = client.update(&prepared, Some(1), &given).map_err(internal)?.first();
        Ok(Counts {
            guests: row.get(1).map_err(internal)?.unwrap_or_default(),
            nodes: row.get(2).map_err(internal)?.unwrap_or_default(),
            joining: row.get(3).map_err(internal)?.unwrap_or_default(),
            leaving: row.get(4).map_err(internal)?.unwrap_or_default(),
            samples: row.get(5).map_err(internal)?.unwrap_or_default(),
            joining_samples: row.get(6).map_err(internal)?.unwrap_or_default(),
            leaving_samples: row.get(7).map_err(internal)?.unwrap_or_default(),
            reachable: row.get(8).map_err(internal)?.unwrap_or_default(),
        })
    })
}

/// Counts whom criteria mean: all guests at once or, where too many orders would have to be read for that, guest by
/// guest, part by part until the time is over. Returns the share of the parts that were counted too.
fn counted(
    criteria: &Criteria,
    org_id: i32,
    scope_id: Uuid,
    segment: Option<i32>,
) -> Result<(Counts, i32), ErrorReport> {
    let (explanation, of_organisation) = (criteria.explain(), criteria.scope() == Scope::Org);
    if readable_at_once(criteria, org_id, scope_id)? {
        let statement = statement(&explanation, of_organisation, true);
        return Ok((count(&statement, org_id, scope_id, None, segment)?, PARTS));
    }
    let statement = &statement(&explanation, of_organisation, false);
    let started = Instant::now();
    let (mut sum, mut done, mut next) = (Counts::default(), 0, 1);
    while done < PARTS && next > 0 {
        let before = started.elapsed();
        sum.add(count(statement, org_id, scope_id, Some((done..done + next).collect()), segment)?);
        let a_part = (started.elapsed() - before) / u32::try_from(next).unwrap_or(1);
        done += next;
        let left = MOST_TIME.saturating_sub(started.elapsed());
        let fitting = left.as_micros() / a_part.as_micros().max(1);
        next = i32::try_from(fitting).unwrap_or(PARTS).min(next * 4).min(PARTS - done);
    }
    Ok((sum, done))
}

/// Whether all orders that criteria ask for, or their lines, are read in less than [`MOST_TIME`].
fn readable_at_once(criteria: &Criteria, org_id: i32, scope_id: Uuid) -> Result<bool, ErrorReport> {
    let groups = criteria.groups();
    let most = match (groups.contains(&Group::Items), groups.contains(&Group::Orders)) {
        (true, _) => MOST_ORDERS / 5,
        (false, true) => MOST_ORDERS,
        (false, false) => return Ok(true),
    };
    let orders = Spi::get_one_with_args::<i64>(
        "SELECT COALESCE(sum(t.total_orders), 0)::bigint FROM crm.customer_venue_stats AS t
         WHERE t.org_id = $1 AND ($2 = '00000000-0000-0000-0000-000000000000' OR t.venue_id = $2)",
        &[org_id.into(), scope_id.into()],
    );
    Ok(orders.map_err(internal)?.unwrap_or_default() <= most)
}

#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
#[allow(clippy::type_complexity)]
fn count_criteria(
    org_id: i32,
    scope_id: Uuid,
    criteria: &str,
    segment: Option<i32>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(guests, i64),
            name!(nodes, Vec<i64>),
            name!(reachable, Vec<i64>),
            name!(joining, i64),
            name!(leaving, i64),
            name!(samples, Vec<Uuid>),
            name!(joining_samples, Vec<Uuid>),
            name!(leaving_samples, Vec<Uuid>),
            name!(counted, f64),
        ),
    >,
    ErrorReport,
> {
    let criteria = read(Criteria::parse(criteria), "crm.preview_segment")?;
    let (sum, done) = counted(&criteria, org_id, scope_id, segment)?;
    Ok(TableIterator::once((
        sum.guests,
        sum.nodes,
        sum.reachable,
        sum.joining,
        sum.leaving,
        sum.samples,
        sum.joining_samples,
        sum.leaving_samples,
        f64::from(done) / f64::from(PARTS),
    )))
}

/// The nodes of criteria, each before those below it.
#[pg_extern(schema = "crm", immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn criteria_nodes(
    criteria: &str,
) -> Result<
    TableIterator<
        'static,
        (name!(n, i32), name!(pointer, String), name!(sentence, String), name!(field, Option<&'static str>)),
    >,
    ErrorReport,
> {
    let criteria = read(Criteria::parse(criteria), "crm.criteria_nodes")?;
    let nodes = (1..).zip(criteria.explain().nodes);
    Ok(TableIterator::new(
        nodes.map(|(n, node)| (n, node.pointer, node.sentence, node.field.map(|field| field.name))),
    ))
}

/// Verdict and actual value (JSON) of each node for a guest; no row for one who is none.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn explain_criteria(
    org_id: i32,
    scope_id: Uuid,
    customer_id: Uuid,
    criteria: &str,
) -> Result<
    TableIterator<'static, (name!(n, i32), name!(verdict, bool), name!(value, Option<String>))>,
    ErrorReport,
> {
    let criteria = read(Criteria::parse(criteria), "crm.explain_segment")?;
    let explanation = criteria.explain();
    let mut statement = Statement::new(3);
    statement.push("SELECT ");
    statement.push_sql(&explanation.verdicts());
    statement.push(", ");
    statement.push_sql(&explanation.values());
    statement.push("::text[] FROM ");
    let of_organisation = criteria.scope() == Scope::Org;
    statement.push(relation(of_organisation));
    statement.push(" AS f WHERE f.org_id = $1 AND f.venue_id = $2 AND f.customer_id = $3 AND ");
    statement.push(&only_profiled(of_organisation, "f"));
    let types = statement.types(&[PgBuiltInOids::INT4OID, PgBuiltInOids::UUIDOID, PgBuiltInOids::UUIDOID]);
    let mut given: Vec<DatumWithOid<'_>> = vec![org_id.into(), scope_id.into(), customer_id.into()];
    for param in &statement.params {
        given.push(datum(param)?);
    }
    let (verdicts, values) = Spi::connect_mut(|client| {
        let prepared = client.prepare_mut(statement.text.as_str(), &types).map_err(internal)?;
        let row = client.update(&prepared, Some(1), &given).map_err(internal)?.first();
        if row.is_empty() {
            return Ok::<_, ErrorReport>((Vec::new(), Vec::new()));
        }
        Ok((
            row.get::<Vec<bool>>(1).map_err(internal)?.unwrap_or_default(),
            row.get::<Vec<Option<String>>>(2).map_err(internal)?.unwrap_or_default(),
        ))
    })?;
    Ok(TableIterator::new(
        (1..).zip(verdicts.into_iter().zip(values)).map(|(n, (verdict, value))| (n, verdict, value)),
    ))
}
