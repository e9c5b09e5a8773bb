//! Where the facts stand that a statement over segments reads: of all guests of a scope, of some, or of one.

use std::fmt::Write;

use crm_core::criteria::facts::{CUSTOMER_FACTS, ROWS_OF_ALL};
use crm_core::criteria::{RowsAddedUp, Sql};
use pgrx::prelude::*;

/// The relation of facts about the guests of a venue or an organisation.
pub(crate) fn relation(of_organisation: bool) -> &'static str {
    if of_organisation { "crm.organisation_facts" } else { "crm.customer_facts" }
}

/// Leaves out of such a relation whoever is not profiled: at a venue, who has no label.
pub(crate) fn only_profiled(of_organisation: bool, alias: &str) -> String {
    if of_organisation {
        format!(
            "NOT EXISTS (SELECT FROM crm.unprofiled_guest AS o WHERE o.org_id = {alias}.org_id AND o.customer_id = {alias}.customer_id)"
        )
    } else {
        format!("{alias}.label IS NOT NULL")
    }
}

/// All columns that facts have.
pub(crate) fn fact_columns() -> impl Iterator<Item = &'static str> {
    ["venue_id", "customer_id", "timezone", "day_starts_at"]
        .into_iter()
        .chain(CUSTOMER_FACTS.iter().map(|(name, _)| *name))
}

/// Whether a text has a name that does not go on.
pub(crate) fn mentions(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        !text[at + name.len()..].starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_')
    })
}

/// Whose facts a statement reads. Its parameters begin with organisation and scope.
#[derive(Clone, Copy)]
pub(crate) enum Guests {
    /// All of the scope; the third parameter is free.
    All { of_organisation: bool },
    /// One for each row of `u`, made of the third parameter.
    Some { of_organisation: bool },
    /// The one whose facts are parameters, as [`ONE_GUEST`] has them: nothing is read but what is asked for besides.
    One,
}

/// A guest's facts as parameters. The customer is joined by his key, and only where something asks for him.
const ONE_GUEST: &str = "(SELECT $1::int AS org_id, $2::uuid AS venue_id, $3::uuid AS customer_id, c.ref AS customer_ref,
    $4::text AS venue_ref, $5::text AS timezone, $6::time AS day_starts_at, $7::date AS today,
    $8::int AS total_orders, $9::int AS total_visits, $10::numeric AS total_spent,
    round($10::numeric / NULLIF($8::int, 0), 2) AS aov, $11::numeric AS highest_order,
    $12::date AS first_order_day, $13::date AS last_order_day,
    CASE WHEN $9::int > 1 THEN round(($13::date - $12::date)::numeric / ($9::int - 1), 2) END AS avg_gap_days,
    $14::smallint AS recency_score, $15::smallint AS frequency_score, $16::smallint AS monetary_score,
    $17::text AS label, $18::text AS previous_label, $19::date AS label_changed_day,
    CASE WHEN $8::int > 0 THEN width_bucket($10::numeric - 0.01,
      (SELECT p.cuts FROM crm.venue_spend AS p WHERE p.org_id = $1 AND p.venue_id = $2)) END AS spend_percentile,
    c.name, c.phone, c.email, c.birth_date, crm.annual_day(c.birth_date, c.birthday) AS birthday, c.kind, c.status = 'blocked' AS blocked, c.language,
    crm.city_of($1, $3) AS city, crm.tags_of($1, $3) AS tags, crm.consent_states($1, $2, $3) AS consent_states, crm.reachable_on($1, $2, $3) AS reachable_on, crm.local_day(c.created_at, $5::text, $6::time) AS created_day,
    '{}'::text[] AS segments, crm.random_bucket($3::uuid) AS random_bucket,
    n.allergens, n.dietary, n.favourites, n.dislikes, n.preferred_category, n.preferred_daypart, n.preferred_table, n.preferred_channel,
    n.preferred_payment_method, n.spend_trend
  FROM (SELECT) AS one LEFT JOIN crm.customer AS c ON c.org_id = $1 AND c.customer_id = $3
  CROSS JOIN LATERAL crm.preference_facts($1, $2, $3) AS n)";

/// The types of its parameters.
pub(crate) const ONE_GUEST_TYPES: [PgBuiltInOids; 19] = [
    PgBuiltInOids::INT4OID,
    PgBuiltInOids::UUIDOID,
    PgBuiltInOids::UUIDOID,
    PgBuiltInOids::TEXTOID,
    PgBuiltInOids::TEXTOID,
    PgBuiltInOids::TIMEOID,
    PgBuiltInOids::DATEOID,
    PgBuiltInOids::INT4OID,
    PgBuiltInOids::INT4OID,
    PgBuiltInOids::NUMERICOID,
    PgBuiltInOids::NUMERICOID,
    PgBuiltInOids::DATEOID,
    PgBuiltInOids::DATEOID,
    PgBuiltInOids::INT2OID,
    PgBuiltInOids::INT2OID,
    PgBuiltInOids::INT2OID,
    PgBuiltInOids::TEXTOID,
    PgBuiltInOids::TEXTOID,
    PgBuiltInOids::DATEOID,
];

impl Guests {
    /// How many parameters come before those of the criteria.
    pub(crate) fn given(self) -> usize {
        match self {
            Guests::All { .. } | Guests::Some { .. } => 3,
            Guests::One => ONE_GUEST_TYPES.len(),
        }
    }

    /// What stands in FROM for the facts `f`, given how expressions become text. `OFFSET 0` has the planner compute each
    /// once, however often it is asked for.
    pub(crate) fn facts(
        self,
        asked: &[&str],
        rows: &RowsAddedUp,
        mut render: impl FnMut(&Sql) -> String,
    ) -> String {
        let mut measures = String::new();
        let mut joins = String::new();
        for of_all in ROWS_OF_ALL {
            let (alias, of_guest) = (of_all.alias, rows.of(of_all).join(", "));
            let (column, none) = (of_all.measures, of_guest.is_empty());
            let _ = match self {
                _ if none => write!(measures, ", NULL::numeric[] AS {column}"),
                Guests::All { .. } => write!(measures, ", r{alias}.m AS {column}"),
                _ => write!(
                    measures,
                    ", (SELECT ARRAY[{of_guest}]::numeric[] FROM {}) AS {column}",
                    of_all.of_guest
                ),
            };
            if let (Guests::All { .. }, false) = (self, none) {
                let _ = write!(
                    joins,
                    " LEFT JOIN (SELECT {alias}.guest, ARRAY[{of_guest}]::numeric[] AS m
                        FROM crm.scope_days($1, $2) AS f CROSS JOIN LATERAL {}(f.org_id, f.venue_ref, {}) AS {alias}
                        GROUP BY {alias}.guest) AS r{alias}
                      ON r{alias}.guest = x.customer_id",
                    of_all.function,
                    render(&rows.since(of_all))
                );
            }
        }
        let none = ROWS_OF_ALL.iter().all(|of_all| rows.of(of_all).is_empty());
        match self {
            // The day is the same for all.
            Guests::All { of_organisation } => format!(
                "(SELECT {}{measures} FROM {} AS x CROSS JOIN crm.scope_days($1, $2) AS d{joins}
                  WHERE x.org_id = $1 AND x.venue_id = $2 AND {} OFFSET 0)",
                columns("x", asked).replace("x.today", "d.today"),
                relation(of_organisation),
                only_profiled(of_organisation, "x")
            ),
            Guests::Some { .. } if none => {
                format!("(SELECT f.*{measures} FROM {} AS f)", self.of_guest(asked))
            }
            Guests::One if none => {
                ONE_GUEST.replacen("(SELECT ", &format!("(SELECT {}, ", measures.trim_start_matches(", ")), 1)
            }
            // The measures ask for more than the predicates.
            Guests::Some { .. } | Guests::One => {
                let needed: Vec<&str> = fact_columns()
                    .filter(|name| {
                        ["org_id", "customer_ref", "venue_ref"].contains(name)
                            || asked.contains(name)
                            || mentions(&measures, &format!("f.{name}"))
                    })
                    .collect();
                format!("(SELECT f.*{measures} FROM {} AS f OFFSET 0)", self.of_guest(&needed))
            }
        }
    }

    /// Some facts of one guest, each computed once.
    fn of_guest(self, columns_asked: &[&str]) -> String {
        let columns = columns("f", columns_asked);
        match self {
            Guests::All { of_organisation } | Guests::Some { of_organisation } => format!(
                "(SELECT {columns} FROM {} AS f
                  WHERE f.org_id = $1 AND f.venue_id = $2 AND f.customer_id = u.customer_id AND {} OFFSET 0)",
                relation(of_organisation),
                only_profiled(of_organisation, "f")
            ),
            Guests::One => format!("(SELECT {columns} FROM {ONE_GUEST} AS f OFFSET 0)"),
        }
    }
}

pub(crate) fn columns(of: &str, names: &[&str]) -> String {
    let named: Vec<String> = names.iter().map(|name| format!("{of}.{name}")).collect();
    named.join(", ")
}
