//! The statements behind a page, one for each use, sort and direction. All filters are always there, with bounds that
//! bound nothing where none was asked for, so that a session plans each statement once.

use pgrx::pg_sys;

use super::Sort;

/// Rank of a label, 1 the best, as `crm.listed_guest.label` has it.
const RANK: &str = "COALESCE(array_position('{CHAMPION,LOYAL,POTENTIAL,NEW,AT_RISK,LOST,INACTIVE}'::text[], t.label), 8)::smallint";

/// Parameters 1 to 22 are those of the request; each statement has its own behind them.
const IN_RANGES: &str =
    "g.spent BETWEEN $3 AND $4 AND g.total_orders BETWEEN $5 AND $6 AND g.total_visits BETWEEN $7 AND $8
    AND g.last_order_at BETWEEN $9 AND $10";

/// Between the bounds that hold for sure, the day is asked for: the clocks change, or venues differ in time zone.
const ON_DAYS: &str = "
    AND (g.last_order_at BETWEEN $11 AND $12
         OR (SELECT crm.local_day(g.last_order_at, s.timezone, s.day_starts_at) BETWEEN $13 AND $14
             FROM crm.venue_scoring AS s WHERE s.org_id = $1 AND s.venue_id = COALESCE(g.last_venue_id, $2)))";

impl Sort {
    pub(super) fn column(self) -> &'static str {
        match self {
            Sort::LastVisit => "last_order_at",
            Sort::Spend => "spent",
            Sort::Orders => "total_orders",
            Sort::Visits => "total_visits",
            Sort::Name => "name",
        }
    }

    pub(super) fn type_oid(self) -> pg_sys::Oid {
        match self {
            Sort::LastVisit => pg_sys::TIMESTAMPTZOID,
            Sort::Spend => pg_sys::INT8OID,
            Sort::Orders | Sort::Visits => pg_sys::INT4OID,
            Sort::Name => pg_sys::TEXTOID,
        }
    }
}

/// What a page is read by.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) sort: Sort,
    pub(super) descending: bool,
    pub(super) search: bool,
    /// Whether days must be asked for row by row.
    pub(super) exact_days: bool,
}

impl Shape {
    fn direction(self) -> &'static str {
        if self.descending { "DESC" } else { "ASC" }
    }

    fn beyond(self) -> &'static str {
        if self.descending { "<" } else { ">" }
    }

    /// Whether a row of the index passes all filters.
    fn passes(self, search: bool) -> String {
        let days = if self.exact_days { ON_DAYS } else { "" };
        // What leaves out most comes first.
        let (bits, text) = if search {
            (
                "((g.text_bits_a & $19 = $19 AND g.text_bits_b & $20 = $20) OR (g.text_bits_a & $21 = $21 AND g.text_bits_b & $22 = $22)) AND ",
                " AND (SELECT x.search_text LIKE $15 OR x.search_text LIKE $16 FROM crm.guest_text AS x WHERE x.org_id = $1 AND x.customer_id = g.customer_id)",
            )
        } else {
            ("", "")
        };
        format!("({bits}{IN_RANGES}{days}{text}) IS TRUE")
    }

    /// Columns that the filters read: no more, so that the index has them all.
    fn columns(self) -> &'static str {
        if self.exact_days {
            "g.customer_id, g.spent, g.total_orders, g.total_visits, g.last_order_at, g.label, g.text_bits_a, g.text_bits_b, g.last_venue_id"
        } else {
            "g.customer_id, g.spent, g.total_orders, g.total_visits, g.last_order_at, g.label, g.text_bits_a, g.text_bits_b"
        }
    }

    /// Of each label's guests, so many from a place on ($23 budget, $24 last key, $25 labels, $26 keys, $27 guests): those who
    /// pass, and the one it ended at.
    pub(super) fn walk(self) -> String {
        format!(
            "SELECT w.stream, w.customer_id, w.key, w.passes, w.step
             FROM unnest($25::smallint[], $26, $27::uuid[]) WITH ORDINALITY AS s (label, key, customer_id, stream)
             CROSS JOIN LATERAL (
               SELECT s.stream, g.customer_id, g.{key} AS key, {passes} AS passes, row_number() OVER () AS step
               FROM (SELECT {columns} FROM crm.listed_guest AS g
                     WHERE g.org_id = $1 AND g.scope_id = $2 AND g.label = s.label
                       AND (g.{key}, g.customer_id) {beyond} (s.key, s.customer_id) AND g.{key} {not_beyond} $24
                     ORDER BY g.{key} {direction}, g.customer_id {direction} LIMIT $23) AS g) AS w
             WHERE w.passes OR w.step = $23",
            key = self.sort.column(),
            passes = self.passes(self.search),
            columns = self.columns(),
            beyond = self.beyond(),
            not_beyond = if self.descending { ">=" } else { "<=" },
            direction = self.direction(),
        )
    }

    /// Of each label's guests ($25), so many of those in the range of another column ($23, $24, $26 its bounds): those who pass,
    /// and the one it ended at.
    pub(super) fn probe(self, range: Sort) -> String {
        format!(
            "SELECT w.stream, w.customer_id, {key}, w.passes, w.step
             FROM unnest($25::smallint[]) WITH ORDINALITY AS s (label, stream)
             CROSS JOIN LATERAL (
               SELECT s.stream, g.*, {passes} AS passes, row_number() OVER () AS step
               FROM (SELECT {columns} FROM crm.listed_guest AS g
                     WHERE g.org_id = $1 AND g.scope_id = $2 AND g.label = s.label AND g.{range} BETWEEN $24 AND $26
                     ORDER BY g.{range} LIMIT $23) AS g) AS w
             WHERE w.passes OR w.step = $23",
            key = self.number_key("w"),
            passes = self.passes(self.search),
            columns = self.columns(),
            range = range.column(),
        )
    }

    /// Of the guests found by the text, so many ($23): those who pass, and the one it ended at.
    pub(super) fn find(self, of_organisation: bool) -> String {
        format!(
            "SELECT 1::bigint, w.customer_id, {key}, w.passes, w.step
             FROM (SELECT {columns}, ({passes} AND g.label = ANY ($17)) AS passes, x.step
                   FROM (SELECT x.customer_id, row_number() OVER () AS step
                         FROM (SELECT x.customer_id FROM crm.guest_text AS x
                               WHERE x.org_id = $1 AND (x.search_text LIKE $15 OR x.search_text LIKE $16){at_venue} LIMIT $23) AS x) AS x
                   JOIN crm.listed_guest AS g ON g.org_id = $1 AND g.customer_id = x.customer_id AND g.scope_id = $2) AS w
             WHERE w.passes OR w.step = $23",
            key = self.number_key("w"),
            passes = self.passes(false),
            columns = self.columns(),
            at_venue = if of_organisation { "" } else { " AND $2 = ANY (x.venue_ids)" },
        )
    }

    /// So many guests of some labels, in the order of the sort, from a place on ($23 budget; $24 last key, $26 guest; by name $24
    /// without name, $25 name, $26 guest): those who pass, and the one it ended at.
    pub(super) fn merged(self, labels: usize, filtered: bool) -> String {
        let (keys, start, place) = if self.sort == Sort::Name {
            (vec!["g.unnamed", "g.name"], "$24, $25, $26", ", w.unnamed, w.name")
        } else {
            (vec![self.key()], "$24, $26", "")
        };
        let order: Vec<String> =
            keys.iter().chain(&["g.customer_id"]).map(|key| format!("{key} {}", self.direction())).collect();
        let columns = if self.sort == Sort::Name {
            format!("{}, g.unnamed, g.name", self.columns())
        } else {
            self.columns().to_owned()
        };
        let branch = |label: usize| {
            format!(
                "(SELECT {columns} FROM crm.listed_guest AS g WHERE g.org_id = $1 AND g.scope_id = $2 AND g.label = ($17::smallint[])[{label}]
                   AND ({keys}, g.customer_id) {beyond} ({start}){bounds} ORDER BY {order} LIMIT $23)",
                keys = keys.join(", "),
                beyond = self.beyond(),
                bounds = self.own_range(),
                order = order.join(", "),
            )
        };
        let branches: Vec<String> = (1..=labels.max(1)).map(branch).collect();
        format!(
            "SELECT 1::bigint, w.customer_id, {key}, w.passes, w.step{place}
             FROM (SELECT g.*, {passes} AS passes, row_number() OVER () AS step
                   FROM (SELECT * FROM ({branches}) AS g ORDER BY {order} LIMIT $23) AS g) AS w
             WHERE w.passes OR w.step = $23",
            key = self.number_key("w"),
            passes = if filtered { self.passes(self.search) } else { "true".to_owned() },
            branches = branches.join(" UNION ALL "),
            order = order.join(", "),
        )
    }

    /// The range of what is sorted by.
    fn own_range(self) -> &'static str {
        match self.sort {
            Sort::Spend => " AND g.spent BETWEEN $3 AND $4",
            Sort::Orders => " AND g.total_orders BETWEEN $5 AND $6",
            Sort::Visits => " AND g.total_visits BETWEEN $7 AND $8",
            Sort::LastVisit => " AND g.last_order_at BETWEEN $9 AND $10",
            Sort::Name => "",
        }
    }

    /// Guests ($27) by name behind a place ($24 without name, $25 name, $26 guest), so many ($23).
    pub(super) fn sort_names(self) -> String {
        format!(
            "SELECT 1::bigint, c.customer_id, NULL, true, 0::bigint
             FROM (SELECT c.customer_id, c.name IS NULL AS unnamed, COALESCE(c.name, '') COLLATE \"und-x-icu\" AS name
                   FROM unnest($27::uuid[]) AS u (customer_id) JOIN crm.customer AS c ON c.org_id = $1 AND c.customer_id = u.customer_id) AS c
             WHERE (c.unnamed, c.name, c.customer_id) {beyond} ($24, $25, $26)
             ORDER BY c.unnamed {direction}, c.name {direction}, c.customer_id {direction} LIMIT $23",
            beyond = self.beyond(),
            direction = self.direction(),
        )
    }

    /// A page of guests by their rows of totals: of those given ($27), or of all with a row at the venues ($18). Behind a place:
    /// $24 key, $26 guest; by name $24 without name, $25 name, $26 guest.
    pub(super) fn live(self, of_all: bool, with_rows_only: bool) -> String {
        // Who has no row is given one of zeroes.
        let (of_guests, zeroes) = if of_all {
            ("", "")
        } else {
            (
                " AND t.customer_id = ANY ($27::uuid[])",
                "UNION ALL SELECT u.customer_id, NULL, 8::smallint, 0, 0, 0, '-infinity' FROM unnest($27::uuid[]) AS u (customer_id)",
            )
        };
        let by_name = self.sort == Sort::Name;
        let person = if by_name || self.search {
            "JOIN LATERAL (SELECT c.name IS NULL AS unnamed, COALESCE(c.name, '') COLLATE \"und-x-icu\" AS name, crm.search_text(c.name, c.email, c.phone) AS text
                           FROM crm.customer AS c WHERE c.org_id = $1 AND c.customer_id = g.customer_id) AS c ON true"
        } else {
            ""
        };
        let (place, start) =
            if by_name { ("c.unnamed, c.name", "$24, $25, $26") } else { (self.key(), "$24, $26") };
        let order: Vec<String> = place
            .split(", ")
            .chain(["g.customer_id"])
            .map(|part| format!("{part} {}", self.direction()))
            .collect();
        format!(
            "SELECT 1::bigint, g.customer_id, {key}, true, 0::bigint
             FROM (SELECT t.customer_id, min(t.label) AS label, sum(t.total_orders)::int AS total_orders, sum(t.total_visits)::int AS total_visits,
                          (sum(t.total_spent) * 100)::bigint AS spent, max(t.last_order_at) AS last_order_at, {last_venue} AS last_venue_id
                   FROM (SELECT t.customer_id, t.venue_id, {RANK} AS label, t.total_orders, t.total_visits, t.total_spent,
                                COALESCE(t.last_order_at, '-infinity') AS last_order_at
                         FROM crm.customer_venue_stats AS t WHERE t.org_id = $1 AND t.venue_id = ANY ($18){of_guests} {zeroes}) AS t
                   GROUP BY t.customer_id{rows}) AS g
             {person}
             WHERE {IN_RANGES} AND g.label = ANY ($17){days}{text} AND ({place}, g.customer_id) {beyond} ({start})
               AND g.customer_id NOT IN (SELECT m.customer_id FROM crm.merged_customer AS m WHERE m.org_id = $1)
               AND g.customer_id NOT IN (SELECT e.customer_id FROM crm.customer AS e WHERE e.org_id = $1 AND e.status = 'erased')
             ORDER BY {order} LIMIT $23",
            key = self.number_key("g"),
            last_venue = if self.exact_days {
                "(array_agg(t.venue_id ORDER BY t.last_order_at DESC, t.venue_id))[1]"
            } else {
                "NULL::uuid"
            },
            rows = if with_rows_only { " HAVING count(t.venue_id) > 0" } else { "" },
            days = if self.exact_days { ON_DAYS } else { "" },
            text = if self.search { " AND (c.text LIKE $15 OR c.text LIKE $16)" } else { "" },
            beyond = self.beyond(),
            order = order.join(", "),
        )
    }

    fn key(self) -> &'static str {
        match self.sort {
            Sort::LastVisit => "g.last_order_at",
            Sort::Spend => "g.spent",
            Sort::Orders => "g.total_orders",
            Sort::Visits => "g.total_visits",
            Sort::Name => "g.name",
        }
    }

    /// What the rows are sorted by, where that is a number.
    fn number_key(self, of: &str) -> String {
        if self.sort == Sort::Name { "NULL".to_owned() } else { format!("{of}.{}", self.sort.column()) }
    }
}

/// Guests whom the list does not know as they are: of one venue, or of the organisation.
pub(super) fn unlisted(of_organisation: bool) -> String {
    let at_venue = if of_organisation { "" } else { " AND t.venue_id = $2" };
    format!(
        "SELECT t.customer_id FROM crm.customer_venue_stats AS t WHERE t.org_id = $1{at_venue} AND NOT t.listed
         UNION ALL SELECT n.customer_id FROM crm.unlisted_guest AS n WHERE n.org_id = $1"
    )
}
