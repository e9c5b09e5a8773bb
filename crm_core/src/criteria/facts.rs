//! What the database must provide for the SQL of criteria.
//!
//! Predicates are over one row `f` of `crm.customer_facts`: a guest at a venue or, for criteria of the
//! organisation, of `crm.organisation_facts`, which has the same columns: a guest over all its venues (`venue_ref` null). Rows of relations come from functions, so that
//! the platform's own index finds them; a column that nothing asks for should cost nothing, so both had better
//! be inlined.
//!
//! - A column is null only where the catalogue calls its field nullable; `segments` and the other sets,
//!   amounts and quantities may be.
//! - `today` is the local day of [`crm.now()`] at the venue; every other day is a local day there too.
//! - `segments` holds the keys of the segments that the guest is a member of; segments that refer to others are
//!   evaluated after them, with their verdicts in its place.
//! - `spend_percentile` is floor(100 × share of the cohort that spent strictly less), as the night found it.
//! - `crm.next_anniversary(birthday, today)` is the first day from today on, today included, on which the date
//!   comes round; 29 February does so on the 28th where there is none.
//! - `crm.first_day_reaching(day, months, days)` is the first day that, moved by so many months and then days
//!   (both may be negative), is `day` or later.
//!
//! [`crm.now()`]: https://www.postgresql.org/docs/15/functions-datetime.html

use super::field::RowsOfAll;

pub(super) const ORDERS_OF_GUEST: &str = "crm.orders_of(f.org_id, f.customer_ref, f.venue_ref) AS o";
pub(super) const ITEMS_OF_GUEST: &str = "crm.items_of(f.org_id, f.customer_ref, f.venue_ref) AS i";

/// Orders of all guests of a scope: `crm.orders_at(org_id integer, venue_ref text, since date)` has the columns of
/// [`ORDERS_OF`] and the guest's key before them, for orders of that day or later.
pub static ORDERS_OF_ALL: RowsOfAll = RowsOfAll {
    function: "crm.orders_at",
    of_guest: ORDERS_OF_GUEST,
    alias: "o",
    measures: "order_measures",
};

/// Lines of those orders: `crm.items_at(org_id integer, venue_ref text, since date)`, likewise with [`ITEMS_OF`].
pub static ITEMS_OF_ALL: RowsOfAll =
    RowsOfAll { function: "crm.items_at", of_guest: ITEMS_OF_GUEST, alias: "i", measures: "item_measures" };

/// All of them.
pub static ROWS_OF_ALL: [&RowsOfAll; 2] = [&ORDERS_OF_ALL, &ITEMS_OF_ALL];

/// A column and its type.
pub type Column = (&'static str, &'static str);

/// The columns of `crm.customer_facts` that criteria read.
pub const CUSTOMER_FACTS: &[Column] = &[
    ("org_id", "integer"),
    ("customer_ref", "text"),
    ("venue_ref", "text"),
    ("today", "date"),
    ("total_orders", "integer"),
    ("total_visits", "integer"),
    ("total_spent", "numeric"),
    ("aov", "numeric"),
    ("highest_order", "numeric"),
    ("first_order_day", "date"),
    ("last_order_day", "date"),
    ("avg_gap_days", "numeric"),
    ("recency_score", "smallint"),
    ("frequency_score", "smallint"),
    ("monetary_score", "smallint"),
    ("label", "text"),
    ("previous_label", "text"),
    ("label_changed_day", "date"),
    ("spend_percentile", "integer"),
    ("name", "text"),
    ("phone", "text"),
    ("email", "text"),
    ("birth_date", "date"),
    ("birthday", "date"),
    ("kind", "text"),
    ("blocked", "boolean"),
    ("language", "text"),
    ("city", "text"),
    ("tags", "text[]"),
    ("consent_states", "jsonb"),
    ("reachable_on", "text[]"),
    ("created_day", "date"),
    ("segments", "text[]"),
    ("random_bucket", "integer"),
    ("allergens", "text[]"),
    ("dietary", "text[]"),
    ("favourites", "text[]"),
    ("dislikes", "text[]"),
    ("preferred_category", "text"),
    ("preferred_daypart", "text"),
    ("preferred_table", "text"),
    ("preferred_channel", "text"),
    ("preferred_payment_method", "text"),
    ("spend_trend", "text"),
];

/// The columns of `crm.orders_of(org_id integer, customer_ref text, venue_ref text)`: the guest's counted orders.
/// `weekday` is the English name in lower case, of the local day; `daypart` follows the local time.
pub const ORDERS_OF: &[Column] = &[
    ("order_ref", "text"),
    ("total", "numeric"),
    ("day", "date"),
    ("daypart", "text"),
    ("weekday", "text"),
    ("channel", "text"),
    ("table_name", "text"),
    ("payment_method", "text"),
    ("promo_code", "text"),
];

/// The columns of `crm.items_of(org_id integer, customer_ref text, venue_ref text)`, the lines of those orders, and
/// of `crm.items_of_order(order_ref text, day date)`, the lines of one, which hands its day through.
pub const ITEMS_OF: &[Column] = &[
    ("product", "text"),
    ("category", "text"),
    ("quantity", "numeric"),
    ("amount", "numeric"),
    ("day", "date"),
];
