//! What a change of a guest's segments is written to: his row, the ledger, the outbox and the tally.

use std::cell::RefCell;
use std::collections::BTreeMap;

use pgrx::datum::{DatumWithOid, TimestampWithTimeZone, Uuid};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::spi::OwnedPreparedStatement;

use crate::outbox;
use crate::plan::execute;
use crate::segment::Scope;
use crate::segment_follow::Cause;

const WRITE_MANY: &str = "SELECT crm.write_segments($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
const INSERT: &str = "
    INSERT INTO crm.guest_segments (org_id, scope_id, customer_id, segments, due_at) VALUES ($1, $2, $3, $4, $5)";
const UPDATE: &str = "
    UPDATE crm.guest_segments AS g SET segments = $4, due_at = $5
    WHERE g.org_id = $1 AND g.scope_id = $2 AND g.customer_id = $3";
/// The ledger, the outbox and the tally.
const RECORD: &str = "
    WITH recorded AS (
      INSERT INTO crm.segment_change (org_id, scope_id, customer_id, occurred_at, entered, exited, cause, order_ref)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ), announced AS (
      INSERT INTO crm.outbox (org_id, topic, payload, occurred_at)
      SELECT $1, 'segment.membership', $9::pg_catalog.jsonb, $4 WHERE $9 IS NOT NULL
    )
    INSERT INTO crm.segment_tally (org_id, segment_id, delta)
    SELECT $1, e.id, 1 FROM pg_catalog.unnest($5) AS e(id) UNION ALL SELECT $1, e.id, -1 FROM pg_catalog.unnest($6) AS e(id)";

type Kept = RefCell<Option<OwnedPreparedStatement>>;

thread_local! {
    static WRITE_PLAN: Kept = const { RefCell::new(None) };
    static INSERT_PLAN: Kept = const { RefCell::new(None) };
    static UPDATE_PLAN: Kept = const { RefCell::new(None) };
    static RECORD_PLAN: Kept = const { RefCell::new(None) };
}

/// What a guest's row becomes, and what it was.
pub(crate) struct Outcome {
    pub(crate) guest: Uuid,
    pub(crate) former: Vec<i32>,
    pub(crate) segments: Vec<i32>,
    pub(crate) due: Option<TimestampWithTimeZone>,
    /// Whether he has no row yet.
    pub(crate) is_new: bool,
}

impl Outcome {
    fn entered(&self) -> Vec<i32> {
        self.segments.iter().filter(|id| !self.former.contains(id)).copied().collect()
    }

    fn exited(&self) -> Vec<i32> {
        self.former.iter().filter(|id| !self.segments.contains(id)).copied().collect()
    }
}

impl Scope {
    /// What consumers are told of a change; nothing of segments by health data.
    fn told(&self, guest: Uuid, entered: &[i32], exited: &[i32], order_ref: Option<&str>) -> Option<String> {
        if self.untold.is_empty() {
            return Some(outbox::membership(guest, entered, exited, order_ref));
        }
        let told = |ids: &[i32]| -> Vec<i32> {
            ids.iter().filter(|id| !self.untold.contains(id)).copied().collect()
        };
        let (entered, exited) = (told(entered), told(exited));
        (entered.len() + exited.len() > 0).then(|| outbox::membership(guest, &entered, &exited, order_ref))
    }

    pub(crate) fn write_one(
        &self,
        outcome: &Outcome,
        cause: Cause<'_>,
        now: TimestampWithTimeZone,
    ) -> Result<(), ErrorReport> {
        let guest = outcome.guest;
        let (slot, text) = if outcome.is_new { (&INSERT_PLAN, INSERT) } else { (&UPDATE_PLAN, UPDATE) };
        let given: [DatumWithOid<'_>; 5] = [
            self.org_id.into(),
            self.id.into(),
            guest.into(),
            outcome.segments.clone().into(),
            outcome.due.into(),
        ];
        execute(slot, text, &given)?;
        let (entered, exited) = (outcome.entered(), outcome.exited());
        if entered.is_empty() && exited.is_empty() {
            return Ok(());
        }
        let order_ref = cause.order_of(guest);
        let payload = self
            .told(guest, &entered, &exited, order_ref.as_deref())
            .map(|change| outbox::payload(self.id, cause.name, &[change]));
        let given: [DatumWithOid<'_>; 9] = [
            self.org_id.into(),
            self.id.into(),
            guest.into(),
            now.into(),
            entered.into(),
            exited.into(),
            cause.name.into(),
            order_ref.as_deref().into(),
            payload.into(),
        ];
        execute(&RECORD_PLAN, RECORD, &given)
    }

    pub(crate) fn write_many(&self, outcomes: &[Outcome], cause: Cause<'_>) -> Result<i32, ErrorReport> {
        if outcomes.is_empty() {
            return Ok(0);
        }
        let array = |numbers: &[i32]| format!("{{{}}}", outbox::listed(numbers));
        let mut moved: (Vec<Uuid>, Vec<String>, Vec<String>, Vec<Option<String>>) = Default::default();
        let (mut changes, mut tally) = (Vec::new(), BTreeMap::<i32, i64>::new());
        for outcome in outcomes {
            let (entered, exited) = (outcome.entered(), outcome.exited());
            if entered.is_empty() && exited.is_empty() {
                continue;
            }
            let order_ref = cause.order_of(outcome.guest);
            changes.extend(self.told(outcome.guest, &entered, &exited, order_ref.as_deref()));
            moved.0.push(outcome.guest);
            moved.1.push(array(&entered));
            moved.2.push(array(&exited));
            moved.3.push(order_ref);
            entered.iter().for_each(|id| *tally.entry(*id).or_default() += 1);
            exited.iter().for_each(|id| *tally.entry(*id).or_default() -= 1);
        }
        tally.retain(|_, delta| *delta != 0);
        let payloads: Vec<String> = changes
            .chunks(outbox::MOST_GUESTS)
            .map(|changes| outbox::payload(self.id, cause.name, changes))
            .collect();
        let tally: Vec<i64> = tally.iter().flat_map(|(id, delta)| [i64::from(*id), *delta]).collect();
        let given = [
            self.org_id.into(),
            self.id.into(),
            outcomes.iter().map(|outcome| outcome.guest).collect::<Vec<_>>().into(),
            outcomes.iter().map(|outcome| array(&outcome.segments)).collect::<Vec<_>>().into(),
            outcomes.iter().map(|outcome| outcome.due).collect::<Vec<_>>().into(),
            cause.name.into(),
            moved.0.into(),
            moved.1.into(),
            moved.2.into(),
            moved.3.into(),
            payloads.into(),
            tally.into(),
        ];
        execute(&WRITE_PLAN, WRITE_MANY, &given)?;
        Ok(i32::try_from(outcomes.len()).unwrap_or(i32::MAX))
    }
}
