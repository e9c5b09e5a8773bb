//! How membership follows what happened to guests: evaluated with one statement for all segments concerned, written by
//! difference.
//!
//! A few guests are looked at one by one, their totals handed to a kept statement that then reads little else; many,
//! in one statement over the facts. Both are rendered from the same predicates. Whoever calls holds the guests' rows of
//! totals, so that the evaluations of one guest come one after the other.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::ffi::CStr;

use crm_core::criteria::Param;
use pgrx::datum::{Date, DatumWithOid, Time, TimestampWithTimeZone, Uuid};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi::{OwnedPreparedStatement, SpiTupleTable};

use crate::clock;
use crate::collected;
use crate::guest_totals::GuestTotals;
use crate::plan::{execute, internal, internal_error, kept};
use crate::segment::{Scope, nil, scope};
use crate::segment_facts::{Guests, ONE_GUEST_TYPES};
use crate::segment_found::of_unchanged;
use crate::segment_statement::{Occasion, concerned, datum, evaluation};
use crate::segment_write::Outcome;
use crate::venue_scoring;

const HOLD: &str = "SELECT crm.hold_guests($1, $2, $3, false)";
const MARK_DUE: &str = "SELECT crm.mark_due($1, $2, $3)";
/// Up to so many guests are looked at one by one: a statement for many is planned each time.
const FEW: usize = 16;

type Kept = RefCell<Option<OwnedPreparedStatement>>;

thread_local! {
    static HOLD_PLAN: Kept = const { RefCell::new(None) };
    static DUE_PLAN: Kept = const { RefCell::new(None) };
}

/// Follows a guest whose row of totals was just written for one order and returned as [`GuestTotals`] reads it.
pub(crate) fn after_totals(
    org_id: i32,
    venue_id: Uuid,
    order_ref: Option<&str>,
    row: &SpiTupleTable<'_>,
) -> Result<(), ErrorReport> {
    // Who is not profiled has no label, and joins nothing.
    if !GuestTotals::is_profiled(row)? {
        return Ok(());
    }
    let relabelled = GuestTotals::label_changed_at(row)? == Some(clock::now()?);
    let occasion = if relabelled { Occasion::OrderAndLabel } else { Occasion::Order };
    let cause = Cause { name: "order", order_ref };
    let at_venue = scope(org_id, venue_id)?;
    if at_venue.plan(occasion).asks_for_anything() {
        let totals = GuestTotals::of(row)?;
        if at_venue.inline {
            at_venue.follow_each(&[totals], occasion, cause)?;
        } else {
            at_venue.mark_due(&[totals.customer_id])?;
        }
    }
    let of_organisation = scope(org_id, nil())?;
    if of_organisation.plan(occasion).asks_for_anything() {
        let guest = row.get::<Uuid>(1).map_err(internal)?;
        of_organisation.follow(guest.as_slice(), occasion, cause)?;
    }
    Ok(())
}

/// Why membership changes.
#[derive(Clone, Copy)]
pub(crate) struct Cause<'a> {
    /// As `crm.segment_change` has it.
    pub(crate) name: &'a str,
    order_ref: Option<&'a str>,
}

impl Cause<'_> {
    /// The platform's id of the order that changes a guest's segments.
    pub(crate) fn order_of(self, guest: Uuid) -> Option<String> {
        match (self.name, self.order_ref) {
            ("order", None) => collected::last_order(guest),
            (_, order_ref) => order_ref.map(str::to_owned),
        }
    }
}

/// What is evaluated at an occasion.
pub(crate) struct Plan {
    occasion: Occasion,
    /// The segments evaluated: those of labels only for others that name them.
    asked: BTreeSet<usize>,
    /// Of these the numbers of those that are kept.
    considered: BTreeSet<i32>,
    one: OnceCell<Rendered>,
    /// Of one guest alone; what is planned for many depends on how many.
    kept: Kept,
    many: OnceCell<Rendered>,
}

struct Rendered {
    text: String,
    params: Vec<Param>,
    types: Vec<PgOid>,
}

impl Plan {
    pub(crate) fn new(scope: &Scope, occasion: Occasion) -> Self {
        let asked = concerned(&scope.segments, occasion);
        let own = asked.iter().map(|index| &scope.segments[*index]).filter(|segment| !segment.of_label);
        Self {
            occasion,
            considered: own.map(|segment| segment.id).collect(),
            asked,
            one: OnceCell::new(),
            kept: RefCell::new(None),
            many: OnceCell::new(),
        }
    }

    /// For one guest, whose totals are parameters.
    fn one(&self, scope: &Scope) -> &Rendered {
        self.one.get_or_init(|| {
            let one = evaluation(&scope.segments, &self.asked, Guests::One);
            Rendered {
                types: one.types(&ONE_GUEST_TYPES),
                text: format!(
                    "SELECT e.customer_id, e.found, e.due_at, g.segments, g.due_at, g.customer_id
                     FROM ({}) AS e LEFT JOIN crm.guest_segments AS g ON g.org_id = $1 AND g.scope_id = $2 AND g.customer_id = $3",
                    one.text
                ),
                params: one.params,
            }
        })
    }

    fn many(&self, scope: &Scope) -> &Rendered {
        self.many.get_or_init(|| {
            let of_organisation = scope.of_organisation();
            let many = evaluation(&scope.segments, &self.asked, Guests::Some { of_organisation });
            Rendered {
                types: many.types(&[PgBuiltInOids::INT4OID, PgBuiltInOids::UUIDOID, PgBuiltInOids::UUIDARRAYOID]),
                text: format!(
                    "SELECT u.customer_id, e.found, e.due_at, g.segments, g.due_at, g.customer_id
                     FROM unnest($3::uuid[]) AS u(customer_id)
                     LEFT JOIN LATERAL ({}) AS e ON true
                     LEFT JOIN LATERAL (SELECT m.* FROM crm.guest_segments AS m
                                        WHERE m.org_id = $1 AND m.scope_id = $2 AND m.customer_id = u.customer_id OFFSET 0) AS g ON true",
                    many.text
                ),
                params: many.params,
            }
        })
    }

    fn asks_for_anything(&self) -> bool {
        !self.considered.is_empty()
    }

    /// What becomes of the guests of such rows, where it differs.
    fn changes(
        &self,
        rows: SpiTupleTable<'_>,
        now: TimestampWithTimeZone,
    ) -> Result<Vec<Outcome>, ErrorReport> {
        let mut changes = Vec::new();
        for row in rows {
            let Some(guest) = row.get::<Uuid>(1).map_err(internal)? else {
                continue;
            };
            let found = row.get::<Vec<i32>>(2).map_err(internal)?.unwrap_or_default();
            let due = row.get::<TimestampWithTimeZone>(3).map_err(internal)?;
            let former = row.get::<Vec<i32>>(4).map_err(internal)?.unwrap_or_default();
            let former_due = row.get::<TimestampWithTimeZone>(5).map_err(internal)?;
            let is_new = row.get::<Uuid>(6).map_err(internal)?.is_none();
            let mut segments = found;
            if self.occasion != Occasion::Any {
                segments.extend(former.iter().filter(|id| !self.considered.contains(id)));
                segments.sort_unstable();
            }
            // An earlier look than needed costs less than a write for every order.
            let sooner = match (due, former_due) {
                (Some(due), Some(former)) => due < former,
                (due, _) => due.is_some(),
            };
            let overdue = self.occasion == Occasion::Any && former_due.is_some_and(|former| former <= now);
            if segments != former || sooner || overdue {
                let due = if overdue || sooner { due } else { former_due };
                changes.push(Outcome { guest, former, segments, due, is_new });
            }
        }
        Ok(changes)
    }
}

impl Scope {
    /// Evaluates guests and writes what differs; returns how many rows.
    fn follow(&self, guests: &[Uuid], occasion: Occasion, cause: Cause<'_>) -> Result<i32, ErrorReport> {
        let plan = self.plan(occasion);
        if guests.is_empty() || (!plan.asks_for_anything() && occasion != Occasion::Any) {
            return Ok(0);
        }
        if !self.inline && matches!(cause.name, "order" | "profile" | "tag" | "preference" | "consent") {
            self.mark_due(guests)?;
            return Ok(0);
        }
        if self.of_organisation() {
            // Sales at two venues hold different rows of totals.
            execute(&HOLD_PLAN, HOLD, &[self.org_id.into(), self.id.into(), guests.to_vec().into()])?;
        }
        if guests.len() <= FEW {
            let totals = if self.of_organisation() {
                GuestTotals::over_all_venues(self.org_id, guests)?
            } else {
                GuestTotals::at_venue(self.org_id, self.id, guests)?
            };
            if totals.len() == guests.len() {
                return self.follow_each(&totals, occasion, cause);
            }
            // Who was merged into another, or is not profiled, has none and leaves all his segments.
        }
        let mut given: Vec<DatumWithOid<'_>> =
            vec![self.org_id.into(), self.id.into(), guests.to_vec().into()];
        let many = plan.many(self);
        for param in &many.params {
            given.push(datum(param)?);
        }
        let now = clock::now()?;
        let _settings = Settings::few_rows();
        let changes = Spi::connect_mut(|client| {
            let statement = client.prepare_mut(many.text.as_str(), &many.types).map_err(internal)?;
            plan.changes(client.update(&statement, None, &given).map_err(internal)?, now)
        })?;
        self.write_many(&changes, cause)
    }

    /// The same for few guests, whose totals are at hand.
    fn follow_each(
        &self,
        guests: &[GuestTotals],
        occasion: Occasion,
        cause: Cause<'_>,
    ) -> Result<i32, ErrorReport> {
        let plan = self.plan(occasion);
        let Some(days) = self.days()? else {
            return Ok(0);
        };
        let now = clock::now()?;
        let date = |at: Option<TimestampWithTimeZone>| -> Result<Option<Date>, ErrorReport> {
            at.map(|at| Date::try_from(days.day(at)).map_err(|error| internal_error(error.to_string())))
                .transpose()
        };
        let opening =
            Time::try_from(days.day_starts_at).map_err(|error| internal_error(error.to_string()))?;
        let of_venue = (!self.of_organisation()).then_some(days.venue_ref.as_str());
        let mut written = 0;
        for guest in guests {
            let mut given: Vec<DatumWithOid<'_>> = vec![
                self.org_id.into(),
                self.id.into(),
                guest.customer_id.into(),
                of_venue.into(),
                days.timezone.as_str().into(),
                opening.into(),
                date(Some(now))?.into(),
                guest.total_orders.into(),
                guest.total_visits.into(),
                guest.total_spent.clone().into(),
                guest.highest_order.clone().into(),
                date(guest.first_order_at)?.into(),
                date(guest.last_order_at)?.into(),
                guest.scores[0].into(),
                guest.scores[1].into(),
                guest.scores[2].into(),
                guest.label.as_deref().into(),
                guest.previous_label.as_deref().into(),
                date(guest.label_changed_at)?.into(),
            ];
            let one = plan.one(self);
            for param in &one.params {
                given.push(datum(param)?);
            }
            let changes = Spi::connect_mut(|client| {
                let mut slot = plan.kept.borrow_mut();
                let statement = kept(&mut slot, client, &one.text, &one.types)?;
                plan.changes(client.update(statement, Some(1), &given).map_err(internal)?, now)
            })?;
            for change in &changes {
                self.write_one(change, cause, now)?;
                written += 1;
            }
        }
        Ok(written)
    }

    /// Whose days the scope's are: a venue's own, an organisation's first venue's.
    fn days(&self) -> Result<Option<std::rc::Rc<venue_scoring::VenueScoring>>, ErrorReport> {
        match self.venue_of_days {
            Some(venue_id) => venue_scoring::by_key(self.org_id, venue_id),
            None => Ok(None),
        }
    }

    fn mark_due(&self, guests: &[Uuid]) -> Result<(), ErrorReport> {
        execute(&DUE_PLAN, MARK_DUE, &[self.org_id.into(), self.id.into(), guests.to_vec().into()])
    }
}

/// Settings for a statement that runs once.
pub(crate) struct Settings(i32);

impl Settings {
    /// It is not compiled to machine code, which takes longer than to run it.
    pub(crate) fn one_run() -> Self {
        Self::off(&[c"jit"])
    }

    /// It reads few rows, each by its key, of tables that may have filled up from nothing in this transaction, of which the
    /// planner knows nothing yet.
    pub(crate) fn few_rows() -> Self {
        Self::off(&[c"jit", c"enable_seqscan"])
    }

    fn off(names: &[&CStr]) -> Self {
        // SAFETY: opens a nesting level of settings, which the drop closes, or the end of the (sub)transaction if that
        // is cut short; all strings are NUL-terminated and copied.
        unsafe {
            let level = pg_sys::NewGUCNestLevel();
            for name in names {
                pg_sys::set_config_option(
                    name.as_ptr(),
                    c"off".as_ptr(),
                    pg_sys::GucContext::PGC_USERSET,
                    pg_sys::GucSource::PGC_S_SESSION,
                    pg_sys::GucAction::GUC_ACTION_SAVE,
                    true,
                    0,
                    false,
                );
            }
            Self(level)
        }
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        // SAFETY: closes the level that was opened with it.
        unsafe { pg_sys::AtEOXact_GUC(true, self.0) }
    }
}

/// Evaluates guests of a venue, and of its organisation, whose rows of totals the caller holds.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn follow_guests(
    org_id: i32,
    venue_id: Uuid,
    guests: Vec<Uuid>,
    cause: &str,
    new_here: default!(bool, "false"),
) -> Result<i32, ErrorReport> {
    let occasion = match cause {
        "order" if !new_here => Occasion::OrderAndLabel,
        "profile" | "tag" | "consent" => Occasion::Profile,
        "preference" => Occasion::Preference,
        _ => Occasion::Any,
    };
    let mut written = 0;
    let scopes: &[Uuid] = if venue_id == nil() { &[nil()] } else { &[venue_id, nil()] };
    for id in scopes {
        let scope = scope(org_id, *id)?;
        if scope.has_its_own() {
            written += scope.follow(&guests, occasion, Cause { name: cause, order_ref: None })?;
        }
    }
    Ok(written)
}

/// Evaluates all segments of one scope for guests whose rows of totals the caller holds, but for those of whom the last
/// pass of this session over the scope says enough, where the caller allows it.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn follow_scope(
    org_id: i32,
    scope_id: Uuid,
    guests: Vec<Uuid>,
    cause: &str,
    as_found: default!(bool, "false"),
) -> Result<i32, ErrorReport> {
    let scope = scope(org_id, scope_id)?;
    if !scope.has_its_own() && cause == "profile" {
        return Ok(0);
    }
    let cause = Cause { name: cause, order_ref: None };
    let (found, others) = if as_found { of_unchanged(&scope, guests)? } else { (Vec::new(), guests) };
    Ok(scope.write_many(&found, cause)? + scope.follow(&others, Occasion::Any, cause)?)
}
