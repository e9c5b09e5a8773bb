//! Live segments: those of each venue and organisation, kept per session, compiled, with their plans.
//!
//! A trigger of `crm.segment` tells all sessions of a change, as for the scoring of venues. How membership follows is in
//! [`crate::segment_follow`].

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::CStr;
use std::rc::Rc;

use crm_core::criteria::Criteria;
use crm_core::criteria::tree::Scope as CriteriaScope;
use pgrx::datum::Uuid;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{AllocatedByRust, PgTriggerError, WhoAllocated};

use crate::plan::{LatestPlan, internal, internal_error, read_latest};
use crate::segment_follow::Plan;
use crate::segment_statement::{Occasion, Segment, concerned, in_order};

const READ: &CStr = c"
    SELECT o.segments_inline, s.segment_id, s.key, s.criteria, s.has_overrides, s.is_sensitive, s.label IS NOT NULL,
           CASE WHEN $2 <> '00000000-0000-0000-0000-000000000000' THEN $2 ELSE
             (SELECT v.venue_id FROM crm.venue AS v JOIN crm.venue_scoring AS c ON c.org_id = v.org_id AND c.venue_id = v.venue_id
              WHERE v.org_id = $1 ORDER BY v.created_at, v.venue_id LIMIT 1) END,
           ARRAY(SELECT a.segment_id FROM crm.segment AS a
                 WHERE a.org_id = $1 AND a.scope_id = $2 AND a.archived_at IS NOT NULL AND a.is_sensitive)
    FROM crm.organisation AS o
    LEFT JOIN crm.segment AS s ON s.org_id = o.org_id AND s.scope_id = $2 AND s.archived_at IS NULL
    WHERE o.org_id = $1
    ORDER BY s.segment_id";

/// Scopes kept per session.
const MOST: usize = 256;

/// The segments of a venue, or of an organisation.
pub(crate) struct Scope {
    pub(crate) org_id: i32,
    /// Venue, or nil for the organisation.
    pub(crate) id: Uuid,
    /// Whether membership follows at once.
    pub(crate) inline: bool,
    pub(crate) segments: Vec<Segment>,
    /// Whose days are its days: an organisation's are those of its first venue.
    pub(crate) venue_of_days: Option<Uuid>,
    /// Segments whose members are not told to consumers, those that are archived too.
    pub(crate) untold: HashSet<i32>,
    plans: RefCell<HashMap<Occasion, Rc<Plan>>>,
}

impl Scope {
    pub(crate) fn of_organisation(&self) -> bool {
        self.id == nil()
    }

    /// Whether it has segments other than those of the labels.
    pub(crate) fn has_its_own(&self) -> bool {
        self.segments.iter().any(|segment| !segment.of_label)
    }

    /// What is evaluated at an occasion.
    pub(crate) fn plan(&self, occasion: Occasion) -> Rc<Plan> {
        if let Some(plan) = self.plans.borrow().get(&occasion) {
            return Rc::clone(plan);
        }
        let plan = Rc::new(Plan::new(self, occasion));
        self.plans.borrow_mut().insert(occasion, Rc::clone(&plan));
        plan
    }
}

#[derive(Default)]
struct Kept {
    scopes: HashMap<(i32, [u8; 16]), Rc<Scope>>,
    tables: Option<[pg_sys::Oid; 2]>,
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
    static READ_PLAN: LatestPlan = const { Cell::new(std::ptr::null_mut()) };
}

/// In place of a venue: the organisation.
pub(crate) fn nil() -> Uuid {
    Uuid::from_bytes([0; 16])
}

/// The segments of a venue, or (nil) of an organisation.
pub(crate) fn scope(org_id: i32, id: Uuid) -> Result<Rc<Scope>, ErrorReport> {
    let key = (org_id, *id.as_bytes());
    if let Some(scope) = KEPT.with_borrow(|kept| kept.scopes.get(&key).map(Rc::clone)) {
        return Ok(scope);
    }
    let Saved { inline, segments, venue_of_days, untold } = read(org_id, id)?;
    let segments = in_order(segments).map_err(|circle| {
        internal_error(format!("segments refer to each other in a circle: {}", circle.join(", ")))
    })?;
    let scope =
        Rc::new(Scope { org_id, id, inline, segments, venue_of_days, untold, plans: RefCell::default() });
    let tables = tables()?;
    KEPT.with_borrow_mut(|kept| {
        if kept.scopes.len() >= MOST {
            kept.scopes.clear();
        }
        kept.tables = tables;
        kept.scopes.insert(key, Rc::clone(&scope));
    });
    Ok(scope)
}

/// What is saved of a scope.
pub(crate) struct Saved {
    inline: bool,
    pub(crate) segments: Vec<Segment>,
    venue_of_days: Option<Uuid>,
    untold: HashSet<i32>,
}

pub(crate) fn read(org_id: i32, id: Uuid) -> Result<Saved, ErrorReport> {
    let mut saved = Saved { inline: true, segments: Vec::new(), venue_of_days: None, untold: HashSet::new() };
    let mut sensitive = Vec::new();
    read_latest(&READ_PLAN, READ, &[org_id.into(), id.into()], |row| {
        // SAFETY: the types are those of the columns.
        let (inline, segment, venue_of_days, gone) = unsafe {
            let segment = (
                row.get::<i32>(2),
                row.get::<String>(3),
                row.get::<String>(4),
                row.get::<bool>(5),
                row.get::<bool>(6),
                row.get::<bool>(7),
            );
            (row.get::<bool>(1), segment, row.get::<Uuid>(8), row.get::<Vec<i32>>(9))
        };
        saved.inline = inline.unwrap_or(true);
        saved.venue_of_days = venue_of_days;
        saved.untold = gone.unwrap_or_default().into_iter().collect();
        // An organisation without segments has one row.
        if let (Some(id), Some(key), Some(text), Some(has_overrides), Some(is_sensitive), Some(of_label)) =
            segment
        {
            let criteria = Criteria::parse(&text)
                .map_err(|_| internal_error(format!("segment {id} has criteria that cannot be read")))?;
            let segment = Segment::new(id, key, criteria, has_overrides, of_label);
            saved.segments.push(segment);
            sensitive.extend(is_sensitive.then_some(id));
        }
        Ok(())
    })?;
    saved.untold.extend(sensitive);
    Ok(saved)
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

/// Whether a scope has segments other than those of the labels.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn has_segments(org_id: i32, scope_id: Uuid) -> Result<bool, ErrorReport> {
    Ok(scope(org_id, scope_id)?.has_its_own())
}

/// Whether a segment of a scope asks for the profile.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn asks_for_profile(org_id: i32, scope_id: Uuid) -> Result<bool, ErrorReport> {
    Ok(!concerned(&scope(org_id, scope_id)?.segments, Occasion::Profile).is_empty())
}

/// Whether a segment of a scope asks for needs or preferences.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn asks_for_preferences(org_id: i32, scope_id: Uuid) -> Result<bool, ErrorReport> {
    Ok(!concerned(&scope(org_id, scope_id)?.segments, Occasion::Preference).is_empty())
}

/// Segments that ask for health data, or name one that does: who is a member tells of it.
fn sensitive(segments: &[Segment]) -> BTreeSet<&str> {
    let mut keys = BTreeSet::new();
    loop {
        let before = keys.len();
        keys.extend(
            segments
                .iter()
                .filter(|s| tells_of_health(&s.criteria, &keys))
                .map(|s| s.key.as_str())
                .collect::<Vec<_>>(),
        );
        if keys.len() == before {
            return keys;
        }
    }
}

fn tells_of_health(criteria: &Criteria, sensitive: &BTreeSet<&str>) -> bool {
    criteria.asks_for_health()
        || criteria.segments().iter().any(|key| sensitive.contains(key.as_str()))
        || (criteria.refers_to_all_segments() && !sensitive.is_empty())
}

/// The segments of a scope whose members tell of their health.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn sensitive_segments(org_id: i32, scope_id: Uuid) -> Result<Vec<i32>, ErrorReport> {
    let segments = read(org_id, scope_id)?.segments;
    let keys = sensitive(&segments);
    Ok(segments
        .iter()
        .filter(|segment| keys.contains(segment.key.as_str()))
        .map(|segment| segment.id)
        .collect())
}

/// Whether good criteria, for a segment of a scope, tell of health.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn criteria_are_sensitive(org_id: i32, scope_id: Uuid, criteria: &str) -> Result<bool, ErrorReport> {
    let criteria = crate::criteria::read(Criteria::parse(criteria), "criteria_are_sensitive")?;
    Ok(tells_of_health(&criteria, &sensitive(&read(org_id, scope_id)?.segments)))
}

/// Keys of the segments of a scope that name another.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn segments_referring_to(org_id: i32, scope_id: Uuid, key: &str) -> Result<Vec<String>, ErrorReport> {
    let segments = read(org_id, scope_id)?.segments;
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
    let mut segments = read(org_id, scope_id)?.segments;
    segments.retain(|segment| segment.key != key);
    for named in criteria.segments() {
        if named == key {
            problems.push(format!("/where: the segment refers to itself (\"{named}\")"));
        } else if !segments.iter().any(|segment| segment.key == named) {
            problems.push(format!("/where: there is no segment \"{named}\" to refer to"));
        }
    }
    if problems.is_empty() {
        segments.push(Segment::new(0, key.to_owned(), criteria, false, false));
        if let Err(circle) = in_order(segments) {
            problems.push(format!(
                "/where: segments would refer to each other in a circle: {}",
                circle.join(", ")
            ));
        }
    }
    Ok(problems)
}
