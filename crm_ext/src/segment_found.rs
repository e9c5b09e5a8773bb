//! Whose segments are not what they are, found in one pass over a scope, and what was found kept until it is written.
//!
//! A night writes a thousand guests a transaction, each under his lock. Who is the same by then as he was when he was
//! looked at is not looked at again: his row of totals, his profile and the row of his segments are of the versions that
//! the pass read, and the segments of the scope those that it asked for. Whatever else changes a verdict leaves another
//! version of one of these (`crm.mark_changed`).

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use pgrx::datum::{DatumWithOid, TimestampWithTimeZone, Uuid};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi::{OwnedPreparedStatement, SpiTupleTable};

use crate::clock;
use crate::plan::{internal, kept};
use crate::segment::{Scope, scope};
use crate::segment_facts::Guests;
use crate::segment_follow::Settings;
use crate::segment_statement::{Occasion, concerned, datum, evaluation, with_related};
use crate::segment_write::Outcome;

/// What is found of more guests than these is looked at again, for want of memory.
const MOST: usize = 250_000;

/// Versions of a guest's row of totals, of his profile and of the row of his segments; null where he has none.
macro_rules! versions {
    () => {
        "t.xmin, c.xmin, g.xmin"
    };
}
type Versions = [Option<pg_sys::TransactionId>; 3];

const VERSIONS_NOW: &str = concat!(
    "SELECT u.customer_id, ",
    versions!(),
    " FROM unnest($3::uuid[]) AS u(customer_id)
      LEFT JOIN LATERAL (SELECT x.xmin FROM crm.customer_venue_stats AS x
                         WHERE x.org_id = $1 AND x.venue_id = $2 AND x.customer_id = u.customer_id OFFSET 0) AS t ON true
      LEFT JOIN LATERAL (SELECT x.xmin FROM crm.customer AS x WHERE x.org_id = $1 AND x.customer_id = u.customer_id OFFSET 0) AS c ON true
      LEFT JOIN LATERAL (SELECT x.xmin FROM crm.guest_segments AS x
                         WHERE x.org_id = $1 AND x.scope_id = $2 AND x.customer_id = u.customer_id OFFSET 0) AS g ON true"
);

struct Found {
    scope: Rc<Scope>,
    /// As of when.
    now: TimestampWithTimeZone,
    guests: HashMap<[u8; 16], (Outcome, Versions)>,
}

thread_local! {
    static FOUND: RefCell<Option<Found>> = const { RefCell::new(None) };
    static VERSIONS_PLAN: RefCell<Option<OwnedPreparedStatement>> = const { RefCell::new(None) };
}

fn versions(row: &SpiTupleTable<'_>, first: usize) -> Result<Versions, ErrorReport> {
    Ok([
        row.get(first).map_err(internal)?,
        row.get(first + 1).map_err(internal)?,
        row.get(first + 2).map_err(internal)?,
    ])
}

/// The guests of a scope whose segments differ from what they are, or who are due sooner, in the order of their keys.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn guests_to_follow(org_id: i32, scope_id: Uuid, only: Option<i32>) -> Result<Vec<Uuid>, ErrorReport> {
    FOUND.set(None);
    let (scope, now) = (scope(org_id, scope_id)?, clock::now()?);
    let asked = match only.and_then(|id| scope.segments.iter().position(|segment| segment.id == id)) {
        Some(index) => with_related(&scope.segments, BTreeSet::from([index])),
        None => concerned(&scope.segments, Occasion::Any),
    };
    let own = |index: &usize| !scope.segments[*index].of_label;
    let considered: Vec<String> =
        asked.iter().filter(|index| own(index)).map(|index| scope.segments[*index].id.to_string()).collect();
    let all = considered.len() == (0..scope.segments.len()).filter(own).count();
    let present = if all {
        "g.segments".to_owned()
    } else {
        format!(
            "ARRAY(SELECT m FROM unnest(g.segments) AS m WHERE m = ANY ('{{{}}}'::int[]))",
            considered.join(",")
        )
    };
    // Sales at any venue change what is found of the organisation.
    let remembered = all && !scope.of_organisation();
    let (version_columns, version_rows) = if remembered {
        (
            concat!(", ", versions!()),
            " LEFT JOIN crm.customer_venue_stats AS t ON t.org_id = $1 AND t.venue_id = $2 AND t.customer_id = COALESCE(e.customer_id, g.customer_id)
              LEFT JOIN crm.customer AS c ON c.org_id = $1 AND c.customer_id = COALESCE(e.customer_id, g.customer_id)",
        )
    } else {
        ("", "")
    };
    let evaluation =
        evaluation(&scope.segments, &asked, Guests::All { of_organisation: scope.of_organisation() });
    let text = format!(
        "SELECT COALESCE(e.customer_id, g.customer_id), e.found, e.due_at, g.segments, g.customer_id{version_columns}
         FROM ({}) AS e
         FULL JOIN (SELECT m.*, m.xmin FROM crm.guest_segments AS m WHERE m.org_id = $1 AND m.scope_id = $2) AS g ON g.customer_id = e.customer_id
         {version_rows}
         WHERE (COALESCE(e.found, '{{}}') <> COALESCE({present}, '{{}}') OR e.due_at < COALESCE(g.due_at, 'infinity') OR g.due_at <= crm.now())
           AND $3::uuid[] IS NULL
         ORDER BY 1",
        evaluation.text
    );
    let types =
        evaluation.types(&[PgBuiltInOids::INT4OID, PgBuiltInOids::UUIDOID, PgBuiltInOids::UUIDARRAYOID]);
    let mut given: Vec<DatumWithOid<'_>> = vec![org_id.into(), scope_id.into(), None::<Vec<Uuid>>.into()];
    for param in &evaluation.params {
        given.push(datum(param)?);
    }
    let mut differing = Vec::new();
    let mut guests = HashMap::new();
    let _settings = Settings::one_run();
    Spi::connect_mut(|client| {
        let statement = client.prepare_mut(text.as_str(), &types).map_err(internal)?;
        let mut rows = client.update(&statement, None, &given).map_err(internal)?;
        while rows.next().is_some() {
            let Some(guest) = rows.get::<Uuid>(1).map_err(internal)? else {
                continue;
            };
            differing.push(guest);
            if remembered && guests.len() < MOST {
                let outcome = Outcome {
                    guest,
                    segments: rows.get(2).map_err(internal)?.unwrap_or_default(),
                    due: rows.get(3).map_err(internal)?,
                    former: rows.get(4).map_err(internal)?.unwrap_or_default(),
                    is_new: rows.get::<Uuid>(5).map_err(internal)?.is_none(),
                };
                guests.insert(*guest.as_bytes(), (outcome, versions(&rows, 6)?));
            }
        }
        Ok::<_, ErrorReport>(())
    })?;
    FOUND.set(Some(Found { scope, now, guests }));
    Ok(differing)
}

/// What was found of guests who are held and are the same since, and the others.
pub(crate) fn of_unchanged(
    scope: &Rc<Scope>,
    guests: Vec<Uuid>,
) -> Result<(Vec<Outcome>, Vec<Uuid>), ErrorReport> {
    let now = clock::now()?;
    let mut found = FOUND.take();
    let Some(Found { guests: remembered, .. }) = found
        .as_mut()
        .filter(|found| Rc::ptr_eq(&found.scope, scope) && found.now == now && !found.guests.is_empty())
    else {
        return Ok((Vec::new(), guests));
    };
    let given: [DatumWithOid<'_>; 3] = [scope.org_id.into(), scope.id.into(), guests.into()];
    let (mut unchanged, mut others) = (Vec::new(), Vec::new());
    Spi::connect_mut(|client| {
        VERSIONS_PLAN.with_borrow_mut(|slot| {
            let types: Vec<PgOid> = given.iter().map(|value| PgOid::from(value.oid())).collect();
            let _settings = Settings::few_rows();
            let plan = kept(slot, client, VERSIONS_NOW, &types)?;
            let mut rows = client.update(plan, None, &given).map_err(internal)?;
            while rows.next().is_some() {
                let Some(guest) = rows.get::<Uuid>(1).map_err(internal)? else {
                    continue;
                };
                match remembered.remove(guest.as_bytes()) {
                    Some((outcome, then)) if then == versions(&rows, 2)? => unchanged.push(outcome),
                    _ => others.push(guest),
                }
            }
            Ok::<_, ErrorReport>(())
        })
    })?;
    FOUND.set(found);
    Ok((unchanged, others))
}
