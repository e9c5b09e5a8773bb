//! A guest's totals, scores and label, as a row of `crm.customer_venue_stats` has them or all his rows together.

use std::cell::RefCell;

use pgrx::datum::{DatumWithOid, TimestampWithTimeZone, Uuid};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi::{OwnedPreparedStatement, SpiTupleTable};

use crate::plan::{internal, internal_error, kept};

/// See the columns of the table.
pub(crate) struct GuestTotals {
    pub(crate) customer_id: Uuid,
    pub(crate) total_orders: i32,
    pub(crate) total_visits: i32,
    pub(crate) total_spent: AnyNumeric,
    pub(crate) highest_order: Option<AnyNumeric>,
    pub(crate) first_order_at: Option<TimestampWithTimeZone>,
    pub(crate) last_order_at: Option<TimestampWithTimeZone>,
    /// Recency, frequency, monetary.
    pub(crate) scores: [Option<i16>; 3],
    /// None over all venues, and for a guest who is not profiled.
    pub(crate) label: Option<String>,
    pub(crate) previous_label: Option<String>,
    pub(crate) label_changed_at: Option<TimestampWithTimeZone>,
}

/// The columns that make one, of a row `t`.
macro_rules! columns {
    () => {
        "t.customer_id, t.total_orders, t.total_visits, t.total_spent, t.highest_order, t.first_order_at, t.last_order_at,
         t.recency_score, t.frequency_score, t.monetary_score, t.label, t.previous_label, t.label_changed_at"
    };
}
pub(crate) use columns;

const AT_VENUE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM crm.customer_venue_stats AS t
      WHERE t.org_id = $1 AND t.venue_id = $2 AND t.customer_id = ANY ($3) AND t.profiled
        AND NOT EXISTS (SELECT FROM crm.merged_customer AS m WHERE m.org_id = $1 AND m.customer_id = t.customer_id)"
);
const OVER_ALL_VENUES: &str = "
    SELECT c.customer_id, COALESCE(sum(t.total_orders), 0)::int, COALESCE(sum(t.total_visits), 0)::int, COALESCE(sum(t.total_spent), 0),
           max(t.highest_order)::numeric, min(t.first_order_at), max(t.last_order_at),
           NULL::smallint, NULL::smallint, NULL::smallint, NULL::text, NULL::text, NULL::timestamptz
    FROM crm.customer AS c
    LEFT JOIN crm.customer_venue_stats AS t ON t.org_id = $1 AND t.customer_id = c.customer_id
    WHERE c.org_id = $1 AND c.customer_id = ANY ($2)
      AND NOT EXISTS (SELECT FROM crm.merged_customer AS m WHERE m.org_id = $1 AND m.customer_id = c.customer_id)
      AND NOT EXISTS (SELECT FROM crm.unprofiled_guest AS u WHERE u.org_id = $1 AND u.customer_id = c.customer_id)
    GROUP BY c.customer_id";

thread_local! {
    static VENUE_PLAN: RefCell<Option<OwnedPreparedStatement>> = const { RefCell::new(None) };
    static ALL_PLAN: RefCell<Option<OwnedPreparedStatement>> = const { RefCell::new(None) };
}

impl GuestTotals {
    /// The present row of these columns.
    pub(crate) fn of(row: &SpiTupleTable<'_>) -> Result<Self, ErrorReport> {
        fn needed<T>(value: Option<T>) -> Result<T, ErrorReport> {
            value.ok_or_else(|| internal_error("a row of totals without a value it must have".to_owned()))
        }
        Ok(Self {
            customer_id: needed(row.get(1).map_err(internal)?)?,
            total_orders: needed(row.get(2).map_err(internal)?)?,
            total_visits: needed(row.get(3).map_err(internal)?)?,
            total_spent: needed(row.get(4).map_err(internal)?)?,
            highest_order: row.get(5).map_err(internal)?,
            first_order_at: row.get(6).map_err(internal)?,
            last_order_at: row.get(7).map_err(internal)?,
            scores: [
                row.get(8).map_err(internal)?,
                row.get(9).map_err(internal)?,
                row.get(10).map_err(internal)?,
            ],
            label: row.get(11).map_err(internal)?,
            previous_label: row.get(12).map_err(internal)?,
            label_changed_at: Self::label_changed_at(row)?,
        })
    }

    /// Whether the present row, of one venue, is of a guest who may have a label.
    pub(crate) fn is_profiled(row: &SpiTupleTable<'_>) -> Result<bool, ErrorReport> {
        Ok(row.get::<&str>(11).map_err(internal)?.is_some())
    }

    /// The one column of the present row that says whether its label has just changed.
    pub(crate) fn label_changed_at(
        row: &SpiTupleTable<'_>,
    ) -> Result<Option<TimestampWithTimeZone>, ErrorReport> {
        row.get(13).map_err(internal)
    }

    /// Those of guests of a venue; of no guest who was merged into another or is not profiled.
    pub(crate) fn at_venue(org_id: i32, venue_id: Uuid, guests: &[Uuid]) -> Result<Vec<Self>, ErrorReport> {
        read(&VENUE_PLAN, AT_VENUE, &[org_id.into(), venue_id.into(), guests.to_vec().into()])
    }

    /// Those of guests of an organisation, with nothing where a guest has ordered nowhere.
    pub(crate) fn over_all_venues(org_id: i32, guests: &[Uuid]) -> Result<Vec<Self>, ErrorReport> {
        read(&ALL_PLAN, OVER_ALL_VENUES, &[org_id.into(), guests.to_vec().into()])
    }
}

fn read(
    slot: &'static std::thread::LocalKey<RefCell<Option<OwnedPreparedStatement>>>,
    text: &str,
    given: &[DatumWithOid<'_>],
) -> Result<Vec<GuestTotals>, ErrorReport> {
    Spi::connect_mut(|client| {
        slot.with_borrow_mut(|slot| {
            let types: Vec<PgOid> = given.iter().map(|value| PgOid::from(value.oid())).collect();
            let plan = kept(slot, client, text, &types)?;
            let mut rows = client.update(plan, None, given).map_err(internal)?;
            let mut guests = Vec::new();
            while rows.next().is_some() {
                guests.push(GuestTotals::of(&rows)?);
            }
            Ok(guests)
        })
    })
}
