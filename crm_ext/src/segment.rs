//! Live segments: which guests are members, evaluated in one statement for all segments of a venue or an organisation.
//!
//! The segments of each are kept per session, compiled, with their plans; a trigger of `crm.segment` tells all sessions
//! of a change, as for the scoring of venues. Whoever calls holds the guests' rows of totals, so that the evaluations
//! of one guest come one after the other.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use crm_core::criteria::tree::Scope as CriteriaScope;
use crm_core::criteria::{Criteria, Param};
use pgrx::datum::{DatumWithOid, TimestampWithTimeZone, Uuid};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi::OwnedPreparedStatement;
use pgrx::{AllocatedByRust, PgTriggerError, WhoAllocated};

use crate::clock;
use crate::collected;
use crate::plan::{internal, internal_error, kept};
use crate::segment_statement::{Occasion, Segment, concerned, datum, evaluation, in_order, with_related};

const READ: &str = "
    SELECT o.segments_inline, s.segment_id, s.key, s.criteria, s.has_overrides
    FROM crm.organisation AS o
    LEFT JOIN crm.segment AS s ON s.org_id = o.org_id AND s.scope_id = $2 AND s.archived_at IS NULL
    WHERE o.org_id = $1
    ORDER BY s.segment_id";

const HOLD: &str = "SELECT crm.hold_guests($1, $2, $3, false)";
const MARK_DUE: &str = "SELECT crm.mark_due($1, $2, $3)";
const WRITE: &str = "SELECT crm.write_segments($1, $2, $3, $4, $5, $6, $7)";

/// Scopes kept per session.
const MOST: usize = 256;
const XACT_REPEATABLE_READ: i32 = pg_sys::XACT_REPEATABLE_READ as i32;

/// The segments of a venue, or of an organisation.
pub(crate) struct Scope {
    org_id: i32,
    /// Venue, or nil for the organisation.
    id: Uuid,
    /// Whether membership follows at once.
    inline: bool,
    pub(crate) segments: Vec<Segment>,
    plans: RefCell<HashMap<Occasion, Rc<Plan>>>,
}

struct Plan {
    /// Of the segments evaluated.
    considered: BTreeSet<i32>,
    params: Vec<Param>,
    text: String,
    types: Vec<PgOid>,
    statement: RefCell<Option<OwnedPreparedStatement>>,
}

#[derive(Default)]
struct Kept {
    scopes: HashMap<(i32, [u8; 16]), Rc<Scope>>,
    tables: Option<[pg_sys::Oid; 2]>,
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
    static READ_PLAN: RefCell<Option<OwnedPreparedStatement>> = const { RefCell::new(None) };
    static HOLD_PLAN: RefCell<Option<OwnedPreparedStatement>> = const { RefCell::new(None) };
    static DUE_PLAN: RefCell<Option<OwnedPreparedStatement>> = const { RefCell::new(None) };
    static WRITE_PLAN: RefCell<Option<OwnedPreparedStatement>> = const { RefCell::new(None) };
    /// Whether the row of totals written last got another label.
    static LABEL_CHANGED: Cell<bool> = const { Cell::new(false) };
}

/// Notes whether the row of totals that is being written gets another label.
pub(crate) fn note_label(changed: bool) {
    if changed {
        LABEL_CHANGED.set(true);
    }
}

/// Forgets what was noted, before a row of totals is written.
pub(crate) fn before_totals() {
    LABEL_CHANGED.set(false);
}

/// Follows a guest whose row of totals was just written for one order.
pub(crate) fn after_totals(
    org_id: i32,
    venue_id: Uuid,
    guest: Uuid,
    order_ref: Option<&str>,
) -> Result<(), ErrorReport> {
    let occasion = if LABEL_CHANGED.get() { Occasion::OrderAndLabel } else { Occasion::Order };
    for id in [venue_id, nil()] {
        let scope = scope(org_id, id)?;
        if !scope.segments.is_empty() {
            scope.follow(&[guest], occasion, "order", order_ref)?;
        }
    }
    Ok(())
}

fn nil() -> Uuid {
    Uuid::from_bytes([0; 16])
}

impl Scope {
    fn of_organisation(&self) -> bool {
        *self.id.as_bytes() == [0; 16]
    }

    fn plan(&self, occasion: Occasion) -> Rc<Plan> {
        if let Some(plan) = self.plans.borrow().get(&occasion) {
            return Rc::clone(plan);
        }
        let asked = concerned(&self.segments, occasion);
        let evaluation = evaluation(&self.segments, &asked, self.of_organisation(), true);
        let given = [PgBuiltInOids::INT4OID, PgBuiltInOids::UUIDOID, PgBuiltInOids::UUIDARRAYOID];
        let plan = Rc::new(Plan {
            considered: asked.iter().map(|index| self.segments[*index].id).collect(),
            types: evaluation.types(&given),
            text: format!(
                "SELECT u.customer_id, e.found, e.due_at, g.segments, g.due_at
                 FROM unnest($3::uuid[]) AS u(customer_id)
                 LEFT JOIN LATERAL ({}) AS e ON true
                 LEFT JOIN crm.guest_segments AS g ON g.org_id = $1 AND g.scope_id = $2 AND g.customer_id = u.customer_id",
                evaluation.text
            ),
            params: evaluation.params,
            statement: RefCell::new(None),
        });
        self.plans.borrow_mut().insert(occasion, Rc::clone(&plan));
        plan
    }

    /// Evaluates guests and writes what differs; returns how many rows.
    fn follow(
        &self,
        guests: &[Uuid],
        occasion: Occasion,
        cause: &str,
        order_ref: Option<&str>,
    ) -> Result<i32, ErrorReport> {
        let plan = self.plan(occasion);
        if guests.is_empty() || (plan.considered.is_empty() && occasion != Occasion::Any) {
            return Ok(0);
        }
        let keys = guests.to_vec();
        let _settings = Settings::kept_plan();
        if !self.inline && matches!(cause, "order" | "profile") {
            self.call(&DUE_PLAN, MARK_DUE, &keys)?;
            return Ok(0);
        }
        if self.of_organisation() {
            // Sales at two venues hold different rows of totals.
            self.call(&HOLD_PLAN, HOLD, &keys)?;
        }
        let now = clock::now()?;
        let changes = self.changes(&plan, keys, occasion, now)?;
        if changes.is_empty() {
            return Ok(0);
        }
        self.write(&changes, cause, order_ref)?;
        Ok(i32::try_from(changes.len()).unwrap_or(i32::MAX))
    }

    fn call(
        &self,
        slot: &'static std::thread::LocalKey<RefCell<Option<OwnedPreparedStatement>>>,
        statement: &str,
        guests: &[Uuid],
    ) -> Result<(), ErrorReport> {
        Spi::connect_mut(|client| {
            slot.with_borrow_mut(|slot| {
                let types = [PgBuiltInOids::INT4OID, PgBuiltInOids::UUIDOID, PgBuiltInOids::UUIDARRAYOID];
                let plan = kept(slot, client, statement, &types.map(PgOid::BuiltIn))?;
                let given = [self.org_id.into(), self.id.into(), guests.to_vec().into()];
                client.update(plan, None, &given).map_err(internal).map(|_| ())
            })
        })
    }

    fn changes(
        &self,
        plan: &Plan,
        guests: Vec<Uuid>,
        occasion: Occasion,
        now: TimestampWithTimeZone,
    ) -> Result<Vec<Change>, ErrorReport> {
        let mut given: Vec<DatumWithOid<'_>> = vec![self.org_id.into(), self.id.into(), guests.into()];
        for param in &plan.params {
            given.push(datum(param)?);
        }
        Spi::connect_mut(|client| {
            let mut slot = plan.statement.borrow_mut();
            let statement = kept(&mut slot, client, &plan.text, &plan.types)?;
            let mut changes = Vec::new();
            for row in client.update(statement, None, &given).map_err(internal)? {
                let Some(guest) = row.get::<Uuid>(1).map_err(internal)? else {
                    continue;
                };
                let found = row.get::<Vec<i32>>(2).map_err(internal)?.unwrap_or_default();
                let due = row.get::<TimestampWithTimeZone>(3).map_err(internal)?;
                let former = row.get::<Vec<i32>>(4).map_err(internal)?.unwrap_or_default();
                let former_due = row.get::<TimestampWithTimeZone>(5).map_err(internal)?;
                let mut segments = found;
                if occasion != Occasion::Any {
                    segments.extend(former.iter().filter(|id| !plan.considered.contains(id)));
                    segments.sort_unstable();
                }
                // An earlier look than needed costs less than a write for every order.
                let sooner = match (due, former_due) {
                    (Some(due), Some(former)) => due < former,
                    (due, _) => due.is_some(),
                };
                let overdue = occasion == Occasion::Any && former_due.is_some_and(|former| former <= now);
                if segments != former || sooner || overdue {
                    let due = if overdue || sooner { due } else { former_due };
                    changes.push(Change { guest, segments, due });
                }
            }
            Ok(changes)
        })
    }

    fn write(&self, changes: &[Change], cause: &str, order_ref: Option<&str>) -> Result<(), ErrorReport> {
        let guests: Vec<Uuid> = changes.iter().map(|change| change.guest).collect();
        let segments: Vec<String> = changes.iter().map(Change::array).collect();
        let due: Vec<Option<TimestampWithTimeZone>> = changes.iter().map(|change| change.due).collect();
        let orders: Vec<Option<String>> = match (cause, order_ref) {
            (_, Some(order_ref)) => vec![Some(order_ref.to_owned()); changes.len()],
            ("order", None) => {
                let collected: BTreeMap<[u8; 16], String> = collected::last_orders();
                guests.iter().map(|guest| collected.get(guest.as_bytes()).cloned()).collect()
            }
            _ => vec![None; changes.len()],
        };
        Spi::connect_mut(|client| {
            WRITE_PLAN.with_borrow_mut(|slot| {
                let types = [
                    PgBuiltInOids::INT4OID,
                    PgBuiltInOids::UUIDOID,
                    PgBuiltInOids::UUIDARRAYOID,
                    PgBuiltInOids::TEXTARRAYOID,
                    PgBuiltInOids::TIMESTAMPTZARRAYOID,
                    PgBuiltInOids::TEXTOID,
                    PgBuiltInOids::TEXTARRAYOID,
                ];
                let plan = kept(slot, client, WRITE, &types.map(PgOid::BuiltIn))?;
                let given = [
                    self.org_id.into(),
                    self.id.into(),
                    guests.into(),
                    segments.into(),
                    due.into(),
                    cause.into(),
                    orders.into(),
                ];
                client.update(plan, None, &given).map_err(internal).map(|_| ())
            })
        })
    }
}

/// What a guest's row becomes.
struct Change {
    guest: Uuid,
    segments: Vec<i32>,
    due: Option<TimestampWithTimeZone>,
}

impl Change {
    fn array(&self) -> String {
        let list: Vec<String> = self.segments.iter().map(i32::to_string).collect();
        format!("{{{}}}", list.join(","))
    }
}

/// Settings for the statements of segments: none is compiled to machine code, which takes longer than to run it.
pub(crate) struct Settings(i32);

impl Settings {
    /// One plan is kept for all guests: making one anew takes longer than a hundred evaluations. It looks guests up by
    /// their keys, whatever the planner knows of tables that have just been filled.
    fn kept_plan() -> Self {
        Self::with(&[
            (c"plan_cache_mode", c"force_generic_plan"),
            (c"jit", c"off"),
            (c"enable_seqscan", c"off"),
            (c"enable_hashjoin", c"off"),
            (c"enable_mergejoin", c"off"),
        ])
    }

    /// A statement that runs once.
    pub(crate) fn one_run() -> Self {
        Self::with(&[(c"jit", c"off")])
    }

    fn with(settings: &[(&std::ffi::CStr, &std::ffi::CStr)]) -> Self {
        // SAFETY: opens a nesting level of settings, which the drop closes, or the end of the (sub)transaction if that
        // is cut short; both strings are NUL-terminated and copied.
        unsafe {
            let level = pg_sys::NewGUCNestLevel();
            for (name, value) in settings {
                pg_sys::set_config_option(
                    name.as_ptr(),
                    value.as_ptr(),
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

/// The segments of a venue, or (nil) of an organisation.
pub(crate) fn scope(org_id: i32, id: Uuid) -> Result<Rc<Scope>, ErrorReport> {
    let key = (org_id, *id.as_bytes());
    if let Some(scope) = KEPT.with_borrow(|kept| kept.scopes.get(&key).map(Rc::clone)) {
        return Ok(scope);
    }
    let (inline, segments) = read(org_id, id)?;
    let segments = in_order(segments).map_err(|circle| {
        internal_error(format!("segments refer to each other in a circle: {}", circle.join(", ")))
    })?;
    let scope = Rc::new(Scope { org_id, id, inline, segments, plans: RefCell::default() });
    // SAFETY: reads a plain integer of this session. What an old snapshot shows must not outlive its transaction.
    if unsafe { pg_sys::XactIsoLevel } < XACT_REPEATABLE_READ {
        let tables = tables()?;
        KEPT.with_borrow_mut(|kept| {
            if kept.scopes.len() >= MOST {
                kept.scopes.clear();
            }
            kept.tables = tables;
            kept.scopes.insert(key, Rc::clone(&scope));
        });
    }
    Ok(scope)
}

pub(crate) fn read(org_id: i32, id: Uuid) -> Result<(bool, Vec<Segment>), ErrorReport> {
    Spi::connect_mut(|client| {
        READ_PLAN.with_borrow_mut(|slot| {
            let types = [PgBuiltInOids::INT4OID, PgBuiltInOids::UUIDOID].map(PgOid::BuiltIn);
            let plan = kept(slot, client, READ, &types)?;
            let (mut inline, mut segments) = (true, Vec::new());
            for row in client.update(plan, None, &[org_id.into(), id.into()]).map_err(internal)? {
                inline = row.get::<bool>(1).map_err(internal)?.unwrap_or(true);
                let (Some(id), Some(key), Some(text), Some(has_overrides)) = (
                    row.get::<i32>(2).map_err(internal)?,
                    row.get::<String>(3).map_err(internal)?,
                    row.get::<String>(4).map_err(internal)?,
                    row.get::<bool>(5).map_err(internal)?,
                ) else {
                    continue;
                };
                let criteria = Criteria::parse(&text)
                    .map_err(|_| internal_error(format!("segment {id} has criteria that cannot be read")))?;
                segments.push(Segment::new(id, key, criteria, has_overrides));
            }
            Ok((inline, segments))
        })
    })
}

fn tables() -> Result<Option<[pg_sys::Oid; 2]>, ErrorReport> {
    if let Some(tables) = KEPT.with_borrow(|kept| kept.tables) {
        return Ok(Some(tables));
    }
    Spi::connect(|client| {
        let row = client
            .select("SELECT 'crm.segment'::regclass::oid, 'crm.organisation'::regclass::oid", Some(1), &[])
            .map_err(internal)?
            .first();
        let oids =
            (row.get::<pg_sys::Oid>(1).map_err(internal)?, row.get::<pg_sys::Oid>(2).map_err(internal)?);
        Ok(oids.0.zip(oids.1).map(|(segment, organisation)| [segment, organisation]))
    })
}

#[pg_guard]
unsafe extern "C-unwind" fn relation_changed(_argument: pg_sys::Datum, relation: pg_sys::Oid) {
    KEPT.with(|kept| {
        // Nothing here runs while the scopes are borrowed: they are only ever borrowed to look one up or to add one.
        if let Ok(mut kept) = kept.try_borrow_mut()
            && (relation == pg_sys::InvalidOid
                || kept.tables.is_some_and(|tables| tables.contains(&relation)))
        {
            kept.scopes.clear();
            if relation == pg_sys::InvalidOid {
                kept.tables = None;
            }
        }
    });
}

/// Has PostgreSQL tell this session of changes; runs when the library is loaded.
pub(crate) fn listen() {
    // SAFETY: registers a function that lives as long as the library, which is never unloaded; the argument is unused.
    unsafe { pg_sys::CacheRegisterRelcacheCallback(Some(relation_changed), pg_sys::Datum::from(0)) }
}

/// Tells every session, at commit, that segments changed.
#[pg_trigger(
    sql = "CREATE FUNCTION crm.forget_segments() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'forget_segments_wrapper';"
)]
fn forget_segments<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, impl WhoAllocated>>, PgTriggerError> {
    // SAFETY: takes the oid of the table that the trigger fires for, which is open.
    unsafe { pg_sys::CacheInvalidateRelcacheByRelid(trigger.relid()?) };
    Ok(None::<PgHeapTuple<'a, AllocatedByRust>>)
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
        "profile" => Occasion::Profile,
        _ => Occasion::Any,
    };
    let mut written = 0;
    let scopes: &[Uuid] = if venue_id == nil() { &[nil()] } else { &[venue_id, nil()] };
    for id in scopes {
        let scope = scope(org_id, *id)?;
        if !scope.segments.is_empty() {
            written += scope.follow(&guests, occasion, cause, None)?;
        }
    }
    Ok(written)
}

/// Evaluates all segments of one scope for guests whose rows of totals the caller holds.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn follow_scope(org_id: i32, scope_id: Uuid, guests: Vec<Uuid>, cause: &str) -> Result<i32, ErrorReport> {
    let scope = scope(org_id, scope_id)?;
    if scope.segments.is_empty() && cause == "profile" {
        return Ok(0);
    }
    scope.follow(&guests, Occasion::Any, cause, None)
}

/// Whether a segment of a scope asks for the profile.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn asks_for_profile(org_id: i32, scope_id: Uuid) -> Result<bool, ErrorReport> {
    Ok(!concerned(&scope(org_id, scope_id)?.segments, Occasion::Profile).is_empty())
}

/// Keys of the segments of a scope that name another.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn segments_referring_to(org_id: i32, scope_id: Uuid, key: &str) -> Result<Vec<String>, ErrorReport> {
    let (_, segments) = read(org_id, scope_id)?;
    let referring =
        segments.into_iter().filter(|segment| segment.criteria.segments().iter().any(|k| k == key));
    Ok(referring.map(|segment| segment.key).collect())
}

/// All that keeps a document from being the criteria of a segment of this key.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn segment_problems(
    org_id: i32,
    scope_id: Uuid,
    key: &str,
    criteria: &str,
) -> Result<Vec<String>, ErrorReport> {
    let criteria = match Criteria::parse(criteria) {
        Ok(criteria) => criteria,
        Err(problems) => return Ok(problems.iter().map(ToString::to_string).collect()),
    };
    let mut problems = Vec::new();
    let wanted = if scope_id == nil() { CriteriaScope::Org } else { CriteriaScope::Venue };
    if criteria.scope() != wanted {
        problems.push(format!(
            "/scope: a segment of {} has criteria of scope \"{}\"",
            if wanted == CriteriaScope::Org { "the organisation" } else { "a venue" },
            wanted.name()
        ));
    }
    let (_, mut segments) = read(org_id, scope_id)?;
    segments.retain(|segment| segment.key != key);
    for named in criteria.segments() {
        if named == key {
            problems.push(format!("/where: the segment refers to itself (\"{named}\")"));
        } else if !segments.iter().any(|segment| segment.key == named) {
            problems.push(format!("/where: there is no segment \"{named}\" to refer to"));
        }
    }
    if problems.is_empty() {
        segments.push(Segment::new(0, key.to_owned(), criteria, false));
        if let Err(circle) = in_order(segments) {
            problems.push(format!(
                "/where: segments would refer to each other in a circle: {}",
                circle.join(", ")
            ));
        }
    }
    Ok(problems)
}

/// The guests of a scope whose segments differ from what they are, or who are due sooner, in the order of their keys.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn guests_to_follow(org_id: i32, scope_id: Uuid, only: Option<i32>) -> Result<Vec<Uuid>, ErrorReport> {
    let scope = scope(org_id, scope_id)?;
    let asked = match only.and_then(|id| scope.segments.iter().position(|segment| segment.id == id)) {
        Some(index) => with_related(&scope.segments, BTreeSet::from([index])),
        None => (0..scope.segments.len()).collect(),
    };
    let considered: Vec<String> = asked.iter().map(|index| scope.segments[*index].id.to_string()).collect();
    let present = if considered.len() == scope.segments.len() {
        "g.segments".to_owned()
    } else {
        format!(
            "ARRAY(SELECT m FROM unnest(g.segments) AS m WHERE m = ANY ('{{{}}}'::int[]))",
            considered.join(",")
        )
    };
    let mut evaluation = evaluation(&scope.segments, &asked, scope.of_organisation(), false);
    evaluation.text = format!(
        "SELECT array_agg(d.customer_id ORDER BY d.customer_id)
         FROM (SELECT COALESCE(e.customer_id, g.customer_id) AS customer_id
               FROM ({}) AS e
               FULL JOIN (SELECT * FROM crm.guest_segments AS m WHERE m.org_id = $1 AND m.scope_id = $2) AS g ON g.customer_id = e.customer_id
               WHERE COALESCE(e.found, '{{}}') <> COALESCE({present}, '{{}}') OR e.due_at < COALESCE(g.due_at, 'infinity')
                  OR g.due_at <= crm.now()) AS d
         WHERE $3::uuid[] IS NULL",
        evaluation.text
    );
    let types =
        evaluation.types(&[PgBuiltInOids::INT4OID, PgBuiltInOids::UUIDOID, PgBuiltInOids::UUIDARRAYOID]);
    let mut given: Vec<DatumWithOid<'_>> = vec![org_id.into(), scope_id.into(), None::<Vec<Uuid>>.into()];
    for param in &evaluation.params {
        given.push(datum(param)?);
    }
    let _settings = Settings::one_run();
    Spi::connect_mut(|client| {
        let statement = client.prepare_mut(evaluation.text.as_str(), &types).map_err(internal)?;
        let found = client.update(&statement, Some(1), &given).map_err(internal)?.first();
        Ok(found.get::<Vec<Uuid>>(1).map_err(internal)?.unwrap_or_default())
    })
}
