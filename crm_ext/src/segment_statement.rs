//! One statement for all segments of a venue or an organisation.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crm_core::criteria::facts::{CUSTOMER_FACTS, ROWS_OF_ALL};
use crm_core::criteria::field::Group;
use crm_core::criteria::{Criteria, Param, RowsAddedUp, Sql};
use pgrx::datum::{Date, DatumWithOid};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::plan::internal_error;
use crate::segment_facts::{Guests, columns, fact_columns, mentions};

/// A saved segment.
pub(crate) struct Segment {
    pub(crate) id: i32,
    pub(crate) key: String,
    pub(crate) criteria: Criteria,
    /// Whether guests were put in or kept out by hand.
    pub(crate) has_overrides: bool,
    /// Whether it stands for a label, which the guest's row of totals has: it is evaluated only where another names it.
    pub(crate) of_label: bool,
    groups: BTreeSet<Group>,
    by_label_alone: bool,
    /// Segments of the same list that it refers to.
    refers_to: BTreeSet<usize>,
    /// One more than the highest level of those it refers to.
    level: usize,
}

/// What happened to a guest, and so which segments are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Occasion {
    /// Anything, time included.
    Any,
    /// His orders changed, and his label.
    OrderAndLabel,
    /// His orders changed, his label did not.
    Order,
    /// His profile changed.
    Profile,
    /// What is known of his needs and preferences changed.
    Preference,
}

impl Occasion {
    fn concerns(self, segment: &Segment) -> bool {
        let any_of = |groups: &[Group]| groups.iter().any(|group| segment.groups.contains(group));
        match self {
            Occasion::Any => true,
            Occasion::OrderAndLabel => any_of(&[Group::Stats, Group::Cohort, Group::Orders, Group::Items]),
            Occasion::Order => !segment.by_label_alone && Occasion::OrderAndLabel.concerns(segment),
            Occasion::Profile => any_of(&[Group::Profile]),
            Occasion::Preference => any_of(&[Group::Preferences]),
        }
    }
}

/// The segments of a list in an order in which each comes after those it refers to, or the keys of those that refer
/// to each other in a circle.
pub(crate) fn in_order(mut segments: Vec<Segment>) -> Result<Vec<Segment>, Vec<String>> {
    let by_key: BTreeMap<String, usize> =
        segments.iter().enumerate().map(|(index, segment)| (segment.key.clone(), index)).collect();
    for (index, segment) in segments.iter_mut().enumerate() {
        segment.refers_to =
            segment.criteria.segments().iter().filter_map(|key| by_key.get(key).copied()).collect();
        if segment.criteria.refers_to_all_segments() {
            segment.refers_to.extend((0..by_key.len()).filter(|other| *other != index));
        }
    }
    let mut settled = vec![false; segments.len()];
    for level in 0..segments.len() {
        let ready: Vec<usize> = (0..segments.len())
            .filter(|index| {
                !settled[*index] && segments[*index].refers_to.iter().all(|other| settled[*other])
            })
            .collect();
        if ready.is_empty() {
            break;
        }
        for index in ready {
            settled[index] = true;
            segments[index].level = level;
        }
    }
    if settled.contains(&false) {
        let circle = segments.iter().zip(&settled).filter(|(_, settled)| !**settled);
        return Err(circle.map(|(segment, _)| segment.key.clone()).collect());
    }
    Ok(segments)
}

impl Segment {
    pub(crate) fn new(id: i32, key: String, criteria: Criteria, has_overrides: bool, of_label: bool) -> Self {
        let groups = criteria.groups();
        let fields = criteria.fields();
        let by_label_alone = fields.len() == 1 && fields.contains("label");
        Self {
            id,
            key,
            criteria,
            has_overrides,
            of_label,
            groups,
            by_label_alone,
            refers_to: BTreeSet::new(),
            level: 0,
        }
    }
}

/// The segments that an occasion concerns, those that refer to them, and all that these refer to.
pub(crate) fn concerned(segments: &[Segment], occasion: Occasion) -> BTreeSet<usize> {
    with_related(segments, (0..segments.len()).filter(|index| occasion.concerns(&segments[*index])).collect())
}

/// Segments with those that refer to them, and all that these refer to; those of labels only where one of these does.
pub(crate) fn with_related(segments: &[Segment], mut found: BTreeSet<usize>) -> BTreeSet<usize> {
    let changed_labels: BTreeSet<usize> =
        found.iter().copied().filter(|index| segments[*index].of_label).collect();
    loop {
        let before = found.len();
        let also: Vec<usize> = (0..segments.len())
            .filter(|index| {
                segments[*index].refers_to.iter().any(|other| {
                    found.contains(other) && (!segments[*other].of_label || changed_labels.contains(other))
                })
            })
            .chain(found.iter().flat_map(|index| segments[*index].refers_to.iter().copied()))
            .collect();
        found.extend(also);
        if found.len() == before {
            break;
        }
    }
    let named: BTreeSet<usize> = found
        .iter()
        .filter(|index| !segments[**index].of_label)
        .flat_map(|index| segments[*index].refers_to.iter().copied())
        .collect();
    found.retain(|index| !segments[*index].of_label || named.contains(index));
    found
}

/// A statement under construction. Its first three parameters are organisation, scope and guests.
pub(crate) struct Statement {
    pub(crate) text: String,
    pub(crate) params: Vec<Param>,
    given: usize,
    /// Of a statement over facts, until it is settled.
    rows: Option<RowsAddedUp>,
}

/// Where the facts stand in a text until all is known that they must have.
const FACTS: &str = "{facts}";

impl Statement {
    /// One over the facts of guests, which stand where [`Self::push_facts`] puts them; [`Self::settle`] completes it.
    pub(crate) fn over_facts(given: usize) -> Self {
        Self { rows: Some(RowsAddedUp::default()), ..Self::new(given) }
    }

    pub(crate) fn new(given: usize) -> Self {
        Self { text: String::new(), params: Vec::new(), given, rows: None }
    }

    pub(crate) fn push_facts(&mut self) {
        self.text.push_str(FACTS);
    }

    /// Puts in the facts of guests: each that is asked for, once, and of rows of relations what they add up to.
    pub(crate) fn settle(&mut self, guests: Guests) {
        let Some(rows) = self.rows.take() else {
            return;
        };
        let asked: Vec<&str> =
            fact_columns().filter(|name| mentions(&self.text, &format!("f.{name}"))).collect();
        let (given, params) = (self.given, &mut self.params);
        let facts = guests.facts(&asked, &rows, |sql| {
            let text = sql.render(given + params.len());
            params.extend(sql.params().iter().cloned());
            text
        });
        self.text = self.text.replace(FACTS, &facts);
    }

    /// The facts asked for so far, as columns of a relation.
    pub(crate) fn columns_asked(&self, of: &str) -> String {
        let asked: Vec<&str> =
            fact_columns().filter(|name| mentions(&self.text, &format!("f.{name}"))).collect();
        columns(of, &asked)
    }

    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(crate) fn push_sql(&mut self, sql: &Sql) {
        let offset = self.given + self.params.len();
        let text = match &mut self.rows {
            Some(rows) => sql.render_added_up(offset, rows),
            None => sql.render(offset),
        };
        self.text.push_str(&text);
        self.params.extend(sql.params().iter().cloned());
    }

    fn push_text_param(&mut self, text: &str) {
        self.params.push(Param::Text(text.to_owned()));
        // Writing to a String cannot fail.
        let _ = write!(self.text, "${}::text", self.given + self.params.len());
    }

    pub(crate) fn types(&self, given: &[PgBuiltInOids]) -> Vec<PgOid> {
        let of_param = |param: &Param| match param {
            Param::Int4(_) => PgBuiltInOids::INT4OID,
            Param::Int4s(_) => PgBuiltInOids::INT4ARRAYOID,
            Param::Int8(_) => PgBuiltInOids::INT8OID,
            Param::Int8s(_) => PgBuiltInOids::INT8ARRAYOID,
            Param::Numeric(_) => PgBuiltInOids::NUMERICOID,
            Param::Numerics(_) => PgBuiltInOids::NUMERICARRAYOID,
            Param::Text(_) => PgBuiltInOids::TEXTOID,
            Param::Texts(_) => PgBuiltInOids::TEXTARRAYOID,
            Param::Bool(_) => PgBuiltInOids::BOOLOID,
            Param::Date(_) => PgBuiltInOids::DATEOID,
        };
        given.iter().copied().chain(self.params.iter().map(of_param)).map(PgOid::BuiltIn).collect()
    }
}

/// A parameter as PostgreSQL takes it.
pub(crate) fn datum(param: &Param) -> Result<DatumWithOid<'_>, ErrorReport> {
    let numeric = |number: &crm_core::criteria::number::Number| {
        number.to_string().parse::<AnyNumeric>().map_err(|error| internal_error(error.to_string()))
    };
    Ok(match param {
        Param::Int4(value) => (*value).into(),
        Param::Int4s(values) => values.clone().into(),
        Param::Int8(value) => (*value).into(),
        Param::Int8s(values) => values.clone().into(),
        Param::Numeric(value) => numeric(value)?.into(),
        Param::Numerics(values) => values.iter().map(numeric).collect::<Result<Vec<_>, _>>()?.into(),
        Param::Text(text) => text.as_str().into(),
        Param::Texts(texts) => texts.clone().into(),
        Param::Bool(value) => (*value).into(),
        Param::Date(day) => Date::try_from(*day).map_err(|error| internal_error(error.to_string()))?.into(),
    })
}

/// Which of the segments each guest is a member of: customer_id, found int[] ascending, due_at.
pub(crate) fn evaluation(segments: &[Segment], asked: &BTreeSet<usize>, guests: Guests) -> Statement {
    let given = guests.given();
    let mut statement = Statement::new(given);
    let levels = asked.iter().map(|index| segments[*index].level + 1).max().unwrap_or(1);
    let of_level = |level: usize| asked.iter().map(|i| &segments[*i]).filter(move |s| s.level == level);
    // From the inside out: each level reads the one below it, which must be rendered first.
    let mut inner = Statement::over_facts(given);
    inner.push_facts();
    inner.push(" AS f");
    let carried = facts_of(asked.iter().map(|index| &segments[*index]));
    for level in 0..levels.saturating_sub(1) {
        inner = next_level(inner, of_level(level).collect(), level, &carried, asked, segments);
    }
    // What the outermost level renders comes before its FROM in the text, but after it in the numbers.
    statement.params = std::mem::take(&mut inner.params);
    statement.rows = inner.rows.take();
    statement.push("SELECT f.customer_id, array_remove(ARRAY[");
    let mut due = Vec::new();
    for (place, segment) in asked.iter().map(|i| &segments[*i]).filter(|s| !s.of_label).enumerate() {
        statement.push(if place == 0 { "CASE WHEN " } else { ", CASE WHEN " });
        if segment.level + 1 == levels {
            verdict(&mut statement, segment);
            due.extend(segment.criteria.next_change());
        } else {
            let _ = write!(statement.text, "f.s{}", segment.id);
        }
        let _ = write!(statement.text, " THEN {} END", segment.id);
    }
    statement.push("]::int[], NULL) AS found, crm.day_opening(LEAST(NULL::date");
    for change in due {
        statement.push(", ");
        statement.push_sql(&change);
    }
    if levels > 1 {
        statement.push(", f.due_day");
    }
    statement.push("), f.timezone, f.day_starts_at) AS due_at FROM ");
    statement.push(&inner.text);
    statement.settle(guests);
    statement
}

/// The facts that segments ask for, but for the segments a guest is in.
fn facts_of<'a>(segments: impl Iterator<Item = &'a Segment>) -> Vec<&'static str> {
    let mut text = String::new();
    for segment in segments {
        text.push_str(&segment.criteria.predicate().render(0));
        text.extend(segment.criteria.next_change().map(|change| change.render(0)));
        text.push_str(if segment.has_overrides { " f.org_id" } else { "" });
    }
    let names = CUSTOMER_FACTS.iter().map(|(name, _)| *name);
    names.filter(|name| *name != "segments" && mentions(&text, &format!("f.{name}"))).collect()
}

/// Whether the guest `f` is a member.
fn verdict(statement: &mut Statement, segment: &Segment) {
    if segment.has_overrides {
        let _ = write!(
            statement.text,
            "COALESCE((SELECT v.included FROM crm.segment_override AS v WHERE v.org_id = f.org_id AND v.segment_id = {} AND v.customer_id = f.customer_id), ",
            segment.id
        );
        statement.push_sql(&segment.criteria.predicate());
        statement.push(")");
    } else {
        statement.push_sql(&segment.criteria.predicate());
    }
}

/// Wraps what was rendered so far: the verdicts of one level become columns, and its members' keys the segments that
/// the next level sees. `OFFSET 0` keeps the planner from evaluating them once more wherever they are asked for.
fn next_level(
    inner: Statement,
    of_level: Vec<&Segment>,
    level: usize,
    facts: &[&str],
    asked: &BTreeSet<usize>,
    segments: &[Segment],
) -> Statement {
    let mut outer = Statement::new(inner.given);
    outer.params = inner.params;
    outer.rows = inner.rows;
    let carried: Vec<&Segment> =
        asked.iter().map(|index| &segments[*index]).filter(|segment| segment.level < level).collect();
    let columns = |of: &str| {
        let mut list = format!("{of}.venue_id, {of}.customer_id, {of}.timezone, {of}.day_starts_at");
        for name in facts {
            let _ = write!(list, ", {of}.{name}");
        }
        for of_all in ROWS_OF_ALL {
            let _ = write!(list, ", {of}.{}", of_all.measures);
        }
        list
    };
    outer.push("(SELECT ");
    outer.push(&columns("l"));
    for segment in carried.iter().chain(&of_level) {
        let _ = write!(outer.text, ", l.s{}", segment.id);
    }
    outer.push(", l.due_day, array_remove(ARRAY[");
    for (place, segment) in carried.iter().chain(&of_level).enumerate() {
        let _ = write!(outer.text, "{}CASE WHEN l.s{} THEN ", if place == 0 { "" } else { ", " }, segment.id);
        outer.push_text_param(&segment.key);
        outer.push(" END");
    }
    outer.push("]::text[], NULL) AS segments FROM (SELECT ");
    outer.push(&columns("f"));
    for segment in &carried {
        let _ = write!(outer.text, ", f.s{}", segment.id);
    }
    let mut due = Vec::new();
    for segment in &of_level {
        outer.push(", ");
        verdict(&mut outer, segment);
        let _ = write!(outer.text, " AS s{}", segment.id);
        due.extend(segment.criteria.next_change());
    }
    outer.push(", LEAST(NULL::date");
    for change in due {
        outer.push(", ");
        outer.push_sql(&change);
    }
    if level > 0 {
        outer.push(", f.due_day");
    }
    outer.push(") AS due_day FROM ");
    outer.push(&inner.text);
    outer.push(" OFFSET 0) AS l OFFSET 0) AS f");
    outer
}
