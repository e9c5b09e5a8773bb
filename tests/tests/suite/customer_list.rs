//! The list of guests against a naive query over the stats: every filter and sort, page by page, for callers of every reach.

use crm_tests::restaurant;
use crm_tests::sequence::Sequence;
use crm_tests::{Session, TestDatabase};

/// House has four venues in three time zones and two currencies, rival one. Many equal amounts and counts, guests of several
/// venues, guests without orders, without a name, and some whose orders were all taken back.
struct House {
    database: TestDatabase,
    sql: Session,
}

impl House {
    fn new(purpose: &str) -> Self {
        let database = TestDatabase::new(purpose);
        let mut sql = database.session();
        restaurant::create(&mut sql);
        sql.run(
            r#"INSERT INTO "Venue" VALUES ('bistro', 'house', 'Bistro', 'Europe/Paris', 'EUR'), ('bar', 'house', 'Bar', 'Europe/Paris', 'EUR'),
                 ('grill', 'house', 'Grill', 'America/New_York', 'EUR'), ('pub', 'house', 'Pub', 'Pacific/Auckland', 'NZD'),
                 ('rival', 'rival', 'Rival', 'UTC', 'EUR');
               INSERT INTO "Customer" (id, "orgId") SELECT 'idle' || i, 'house' FROM generate_series(1, 12) i;
               SELECT setseed(0.25);
               SELECT dine('g' || g, (ARRAY['bistro', 'bistro', 'bar', 'grill', 'pub'])[1 + floor(random() * 5)::int],
                           timestamp '2025-06-01 12:00' - floor(power(random(), 2) * 200) * interval '1 day' + floor(random() * 3) * interval '5 hours',
                           (10 * floor(1 + random() * 5))::numeric)
                 FROM generate_series(1, 90) g, generate_series(0, (g % 7) * (g % 3)) k;
               SELECT dine('spy', 'rival', timestamp '2025-06-01 20:00', 500);
               UPDATE "Customer" SET name = CASE WHEN id ~ '[05]$' THEN NULL ELSE (ARRAY['Ana', 'ana', 'Ángel', 'Zoë', 'Bob O''Hara', '100% Bob', 'a_b', 'back\slash', 'Łukasz de la Cruz'])[1 + length(id) + ascii(right(id, 1)) % 6] END,
                      phone = '+33 6 ' || lpad(ascii(right(id, 1))::text, 3, '0') || ' ' || length(id), email = id || '.mail@example.org'"#,
        );
        restaurant::bind_with_organisations(&mut sql);
        // Guests who lost all their orders at a venue keep a row there.
        sql.run(r#"DELETE FROM "Order" WHERE "customerId" IN ('g1', 'g2', 'g8', 'g11') AND "venueId" IN ('bistro', 'bar')"#);
        sql.run("SET crm.as_of = '2025-06-02 12:00+00'");
        sql.run("CALL crm.run_night()");
        Self { database, sql }
    }

    fn member(&mut self, name: &str, org: &str, venues: &str) -> Session {
        let login = format!("{}_{name}", self.database.name());
        self.sql.run(&format!(
            "DROP ROLE IF EXISTS {login}; CREATE ROLE {login} LOGIN;
             SELECT crm.create_principal('{login}', '{org}', 'staff', {venues}, '{login}')"
        ));
        self.database.session_as(&login)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let name = self.database.name();
        for login in self.sql.rows(&format!("SELECT rolname FROM pg_roles WHERE rolname LIKE '{name}%'")) {
            let _ = self.sql.attempt(&format!("DROP OWNED BY {login}; DROP ROLE {login}"));
        }
    }
}

/// A request, as the list is asked and as the oracle reads it.
#[derive(Default)]
struct Request {
    venue: Option<&'static str>,
    labels: Vec<&'static str>,
    search: Option<&'static str>,
    /// Field, and the two ends of its range.
    ranges: Vec<(&'static str, Option<String>, Option<String>)>,
    sort: &'static str,
    descending: bool,
}

const LABELS: [&str; 7] = ["CHAMPION", "LOYAL", "POTENTIAL", "NEW", "AT_RISK", "LOST", "INACTIVE"];
const SEARCHES: [&str; 16] = [
    "ana",
    "Á",
    "zoë",
    "o'h",
    "%",
    "_b",
    "\\",
    "33 6",
    "+336",
    "(0)0336 05",
    "052",
    "g1",
    "mail",
    "EXAMPLE.org",
    "de la",
    "bob  o",
];

fn chance(sequence: &mut Sequence, one_in: u64) -> bool {
    sequence.below(one_in) == 0
}

impl Request {
    fn random(sequence: &mut Sequence, venues: &[&'static str], currencies: usize) -> Self {
        let mut request = Self::default();
        if chance(sequence, 2) {
            request.venue =
                Some(venues[usize::try_from(sequence.below(venues.len() as u64)).expect("small")]);
        }
        if chance(sequence, 3) {
            request.labels = LABELS.into_iter().filter(|_| chance(sequence, 3)).collect();
        }
        if chance(sequence, 4) {
            request.search = Some(SEARCHES[usize::try_from(sequence.below(16)).expect("small")]);
        }
        for (field, bound) in [("spend", 400), ("orders", 9), ("visits", 7), ("last_visit", 200)] {
            if chance(sequence, 5) {
                let (low, high) = (sequence.below(bound), sequence.below(bound));
                let (low, high) = (low.min(high), low.max(high));
                let end = |n: u64| match field {
                    // Counted back, so that the range is the right way round.
                    "last_visit" => format!("date '2025-06-02' - {}", n),
                    "spend" => format!("{n}.00"),
                    _ => n.to_string(),
                };
                let (low, high) = if field == "last_visit" { (high, low) } else { (low, high) };
                let (open_below, open_above) = (chance(sequence, 3), chance(sequence, 3));
                request.ranges.push((
                    field,
                    (!open_below).then(|| end(low)),
                    (!open_above).then(|| end(high)),
                ));
            }
        }
        request.sort = ["last_visit", "spend", "orders", "visits", "name"]
            [usize::try_from(sequence.below(5)).expect("small")];
        request.descending = chance(sequence, 2);
        let by_money = request.sort == "spend" || request.ranges.iter().any(|(field, ..)| *field == "spend");
        // Money of several currencies does not compare.
        if currencies > 1 && request.venue.is_none() && by_money {
            request.venue =
                Some(venues[usize::try_from(sequence.below(venues.len() as u64)).expect("small")]);
        }
        request
    }

    fn call(&self, after: Option<&str>, page_size: usize) -> String {
        let mut arguments = vec![
            format!("sort => '{}{}'", if self.descending { "-" } else { "" }, self.sort),
            format!("page_size => {page_size}"),
        ];
        let text = |value: &str| format!("'{}'", value.replace('\'', "''"));
        arguments.extend(self.venue.map(|v| format!("venue => {}", text(v))));
        arguments.extend(self.search.map(|s| format!("search => {}", text(s))));
        arguments.extend(after.map(|a| format!("after => {}", text(a))));
        if !self.labels.is_empty() {
            arguments.push(format!("labels => '{{{}}}'", self.labels.join(",")));
        }
        for (field, low, high) in &self.ranges {
            arguments.extend(low.as_ref().map(|low| format!("{field}_from => {low}")));
            arguments.extend(high.as_ref().map(|high| format!("{field}_to => {high}")));
        }
        format!("crm.customer_list({})", arguments.join(", "))
    }

    /// The guests in order, with what the list shows of them, by a plain query over all rows.
    fn expected(&self, sql: &mut Session, org: &str, reach: &[&str], limited: bool) -> Vec<String> {
        let venues: Vec<_> = reach
            .iter()
            .filter(|v| self.venue.is_none_or(|wanted| wanted == **v))
            .map(|v| format!("'{v}'"))
            .collect();
        let direction = if self.descending { "DESC" } else { "ASC" };
        let key = match self.sort {
            "last_visit" => format!("coalesce(last_at, '-infinity') {direction}"),
            "spend" => format!("spent {direction}"),
            "orders" => format!("orders {direction}"),
            "visits" => format!("visits {direction}"),
            _ => format!("name IS NULL {direction}, name COLLATE \"und-x-icu\" {direction}"),
        };
        let mut conditions = vec!["true".to_owned()];
        if !self.labels.is_empty() {
            conditions.push(format!("label = ANY ('{{{}}}')", self.labels.join(",")));
        }
        for (field, low, high) in &self.ranges {
            let column = match *field {
                "spend" => "spent",
                "last_visit" => "last_day",
                other => other,
            };
            conditions.extend(low.as_ref().map(|low| format!("{column} >= {low}")));
            conditions.extend(high.as_ref().map(|high| format!("{column} <= {high}")));
            if low.is_some() || high.is_some() {
                conditions.push(format!("{column} IS NOT NULL"));
            }
        }
        if let Some(search) = self.search {
            conditions.push(format!("public.found('{}', name, email, phone)", search.replace('\'', "''")));
        }
        let registered = self.venue.is_none() && !limited;
        sql.rows(&format!(
            "WITH row AS (
               SELECT t.*, v.currency, (t.last_order_at AT TIME ZONE v.timezone)::date AS day
                 FROM crm.customer_venue_stats t JOIN crm.venue v USING (org_id, venue_id)
                WHERE v.ref IN ({venues})
             ), guest AS (
               SELECT c.customer_id, c.name, c.email, c.phone, count(r.venue_id) AS venues,
                      coalesce(sum(r.total_orders), 0) AS orders, coalesce(sum(r.total_visits), 0) AS visits, coalesce(sum(r.total_spent), 0) AS spent,
                      count(DISTINCT r.currency) AS currencies, max(r.highest_order) AS highest, min(r.first_order_at) AS first_at, max(r.last_order_at) AS last_at,
                      (SELECT x.day FROM row x WHERE x.customer_id = c.customer_id ORDER BY x.last_order_at DESC NULLS LAST LIMIT 1) AS last_day,
                      (SELECT x.label FROM row x WHERE x.customer_id = c.customer_id
                        ORDER BY CASE x.label WHEN 'CHAMPION' THEN 1 WHEN 'LOYAL' THEN 2 WHEN 'POTENTIAL' THEN 3 WHEN 'NEW' THEN 4 WHEN 'AT_RISK' THEN 5 WHEN 'LOST' THEN 6 ELSE 7 END LIMIT 1) AS label
                 FROM crm.customer c JOIN crm.organisation o ON o.org_id = c.org_id AND o.ref = '{org}' LEFT JOIN row r ON r.customer_id = c.customer_id
                GROUP BY c.org_id, c.customer_id
             )
             SELECT customer_id, name, venues, orders, visits, CASE WHEN currencies < 2 THEN spent + 0.00 END, CASE WHEN currencies = 1 THEN highest END, label, first_at, last_at
               FROM guest WHERE (venues > 0 OR {registered}) AND customer_id NOT IN (SELECT customer_id FROM crm.merged_customer) AND {} ORDER BY {key}, customer_id {direction}",
            conditions.join(" AND "),
            venues = venues.join(", "),
        ))
    }
}

/// What a search means, character by character and without LIKE: a part of name, e-mail or phone in any case; digits and phone
/// punctuation alone also a part of the phone's digits, less zeroes in front of five and more; one or two characters only the beginning of a word.
const FOUND: &str = r"
  CREATE FUNCTION public.found(search text, name text, email text, phone text) RETURNS boolean LANGUAGE plpgsql AS $$
  DECLARE
    wanted text := lower(regexp_replace(trim(search), '\s+', ' ', 'g'));
    digits text := CASE WHEN search ~ '^[-+()./ 0-9]+$' THEN nullif(regexp_replace(regexp_replace(replace(search, '(0)', ''), '\D', '', 'g'), '^0+([1-9]\d{4,})$', '\1'), '') END;
    field text;
    part text;
  BEGIN
    FOREACH field IN ARRAY ARRAY[lower(name), lower(email), lower(phone), regexp_replace(phone, '\D', '', 'g')] LOOP
      FOREACH part IN ARRAY array_remove(ARRAY[wanted, digits], NULL) LOOP
        IF length(part) >= 3 AND position(part in field) > 0 THEN
          RETURN true;
        END IF;
        IF length(part) < 3 AND (starts_with(field, part) OR position(' ' || part in field) > 0) THEN
          RETURN true;
        END IF;
      END LOOP;
    END LOOP;
    RETURN false;
  END $$";

const SHOWN: &str = "customer_id, name, venues, total_orders, total_visits, total_spent + 0.00, highest_order, label, first_order_at, last_order_at";

/// A share of the guests is not listed as it is now, in each of the ways that rows can tell: what the tables behind the list hold of
/// them is wrong or missing.
const UNLIST: &str = r"
  CREATE FUNCTION public.unlist(share float8) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    UPDATE crm.customer_venue_stats SET listed = false WHERE random() < share;
    INSERT INTO crm.unlisted_guest (org_id, customer_id) SELECT org_id, customer_id FROM crm.customer WHERE random() < share / 3 ON CONFLICT DO NOTHING;
    UPDATE crm.listed_guest l SET label = 2, total_orders = 4, total_visits = 3, spent = 3000, last_order_at = '2025-05-20 12:00+00', unnamed = false, name = 'Nobody'
     WHERE EXISTS (SELECT FROM crm.customer_venue_stats t WHERE (t.org_id, t.customer_id) = (l.org_id, l.customer_id) AND NOT t.listed
                   AND (l.scope_id = t.venue_id OR l.scope_id = '00000000-0000-0000-0000-000000000000'))
        OR EXISTS (SELECT FROM crm.unlisted_guest u WHERE (u.org_id, u.customer_id) = (l.org_id, l.customer_id));
    DELETE FROM crm.listed_guest l WHERE name = 'Nobody' AND random() < 0.3;
    UPDATE crm.guest_text x SET search_text = E' nobody\n \n \n ' FROM crm.unlisted_guest u WHERE (u.org_id, u.customer_id) = (x.org_id, x.customer_id);
    DELETE FROM crm.guest_text x WHERE search_text LIKE ' nobody%' AND random() < 0.3;
  END $$";

/// All pages of a request; something may happen after each.
fn pages(
    member: &mut Session,
    request: &Request,
    page_size: usize,
    meanwhile: &mut dyn FnMut(),
) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut after = None;
    loop {
        let call = request.call(after.as_deref(), page_size);
        // The cursor comes first, as a name may hold the separator.
        let page = member.rows(&format!("SELECT cursor, {SHOWN} FROM {call}"));
        assert!(page.len() <= page_size, "{call}");
        for line in &page {
            let end = line.find("}|").expect("a cursor ends with a brace") + 1;
            after = Some(line[..end].to_owned());
            all.push(line[end + 1..].to_owned());
        }
        if page.len() < page_size {
            return all;
        }
        meanwhile();
        assert!(all.len() < 1000, "the pages end: {call}");
    }
}

#[test]
fn every_list_is_what_a_plain_query_finds() {
    let mut house = House::new("list");
    house.sql.run(FOUND);
    house.sql.run(UNLIST);
    house.sql.run("SELECT crm.merge_customers('g3', 'g33', 'one person'), crm.merge_customers('g40', 'g1', 'one person'), crm.merge_customers('idle1', 'idle2', 'one person')");
    let all: &[&str] = &["bistro", "bar", "grill", "pub"];
    let mut sequence = Sequence::from_seed(20_250_601);
    let mut seen = 0;
    let (mut none_unlisted, mut all_unlisted) = (0, 0);
    for (name, org, limit, reach) in [
        ("chief", "house", "NULL", all),
        ("all_by_name", "house", "ARRAY['bistro', 'bar', 'grill', 'pub']", all),
        ("area", "house", "ARRAY['bistro', 'pub']", &["bistro", "pub"]),
        ("euro_area", "house", "ARRAY['bar', 'grill']", &["bar", "grill"]),
        ("local", "house", "ARRAY['bar']", &["bar"]),
        ("rival", "rival", "NULL", &["rival"]),
    ] {
        let mut member = house.member(name, org, limit);
        let currencies = if reach.contains(&"pub") && reach.len() > 1 { 2 } else { 1 };
        for round in 0..72 {
            match round % 4 {
                0 => house.sql.run("SELECT crm.list_guests(100000)"),
                1 => house.sql.run("SELECT public.unlist(0.1)"),
                2 => house.sql.run("SELECT public.unlist(0.6)"),
                _ => house.sql.run("SELECT public.unlist(1)"),
            }
            let unlisted = house.sql.number("SELECT count(*) FROM crm.customer_venue_stats WHERE NOT listed");
            none_unlisted += usize::from(unlisted == 0);
            all_unlisted += usize::from(
                unlisted > 150
                    && house.sql.number("SELECT count(*) FROM crm.customer_venue_stats WHERE listed") == 0,
            );
            let request = Request::random(&mut sequence, reach, currencies);
            let page_size = usize::try_from(1 + sequence.below(40)).expect("small");
            let expected = request.expected(&mut house.sql, org, reach, limit != "NULL");
            // A sweep between two pages brings some of them where they belong.
            let found =
                pages(&mut member, &request, page_size, &mut || house.sql.run("SELECT crm.list_guests(9)"));
            assert_eq!(found, expected, "{name} {}", request.call(None, page_size));
            seen += found.len();
        }
    }
    assert!(seen > 3000, "the requests find guests: {seen}");
    assert!(none_unlisted > 100 && all_unlisted > 100, "{none_unlisted} {all_unlisted}");
    house.sql.run("SELECT crm.list_guests(100000)");
    house.sql.expect_none("SELECT * FROM crm.verify_list()");
}

#[test]
fn a_bad_parameter_is_named() {
    let mut house = House::new("list_refusals");
    let mut chief = house.member("chief", "house", "NULL");
    let cursor = chief.value("SELECT cursor FROM crm.customer_list(sort => '-orders', page_size => 1)");
    for (arguments, column) in [
        ("labels => '{CHAMPION,CHAMPIGNON}'", "labels"),
        ("labels => '{NULL}'", "labels"),
        ("labels => '{}'", "labels"),
        ("sort => 'beauty'", "sort"),
        ("sort => NULL", "sort"),
        ("sort => '--name'", "sort"),
        ("sort => 'name; DROP TABLE crm.customer'", "sort"),
        ("page_size => 0", "page_size"),
        ("page_size => 201", "page_size"),
        ("page_size => NULL", "page_size"),
        ("search => repeat('x', 10000)", "search"),
        ("spend_from => 2, spend_to => 1", "spend_to"),
        ("spend_from => 'NaN'", "spend_from"),
        ("orders_from => 2, orders_to => 1", "orders_to"),
        ("visits_from => 2, visits_to => 1", "visits_to"),
        ("last_visit_from => '2025-01-02', last_visit_to => '2025-01-01'", "last_visit_to"),
        ("last_visit_from => 'infinity'", "last_visit_from"),
        ("last_visit_to => '5874897-12-31'", "last_visit_to"),
        // Euros and New Zealand dollars do not compare.
        ("sort => '-spend'", "venue"),
        ("spend_from => 10", "venue"),
        ("sort => 'orders', after => '%'", "after"),
        ("sort => '-visits', after => '%'", "after"),
        ("after => '{}'", "after"),
        ("after => '[]'", "after"),
        ("after => 'null'", "after"),
        (
            r#"sort => 'orders', after => '{"sort": "orders", "value": "many", "customer": "00000000-0000-0000-0000-000000000000"}'"#,
            "after",
        ),
        (
            r#"sort => 'orders', after => '{"sort": "orders", "value": null, "customer": "00000000-0000-0000-0000-000000000000"}'"#,
            "after",
        ),
        (r#"sort => 'name', after => '{"sort": "name", "value": "Ana", "customer": "ana"}'"#, "after"),
    ] {
        let call = format!("SELECT * FROM crm.customer_list({})", arguments.replace('%', &cursor));
        let refusal = chief.expect_refusal(&call, &["22023"], "");
        assert_eq!(refusal.column.as_deref(), Some(column), "{call}");
    }
    for venue in ["nowhere", "rival", ""] {
        chief.expect_refusal(&format!("SELECT * FROM crm.customer_list(venue => '{venue}')"), &["CR404"], "");
    }
    let mut local = house.member("local", "house", "ARRAY['bar']");
    local.expect_refusal("SELECT * FROM crm.customer_list(venue => 'bistro')", &["CR404"], "");
    // One venue has one currency: nothing to choose, and no word of the others.
    local.run("SELECT * FROM crm.customer_list(sort => '-spend')");
}

#[test]
fn a_caller_of_one_venue_infers_nothing_of_others() {
    let mut house = House::new("list_reach");
    let mut local = house.member("local", "house", "ARRAY['bar']");
    let everything = "SELECT l FROM crm.customer_list(page_size => 200) l ORDER BY l.customer_id";
    let before = local.rows(everything);
    assert!(before.len() > 5 && before.len() < 90, "{}", before.len());
    local.expect_none("SELECT * FROM crm.customer_list(search => 'idle')");
    // Whatever the guests do elsewhere, and whoever joins there.
    house.sql.run(
        r#"SELECT dine("customerId", 'bistro', '2025-06-01 13:00', 999) FROM (SELECT DISTINCT "customerId" FROM "Order" WHERE "venueId" = 'bar') o;
           SELECT dine('stranger' || i, 'grill', '2025-06-01 13:00', 50) FROM generate_series(1, 5) i"#,
    );
    assert_eq!(local.rows(everything), before);
}

#[test]
fn guests_who_stay_as_they_are_are_met_once_while_others_change() {
    let mut house = House::new("list_changes");
    let mut chief = house.member("chief", "house", "NULL");
    let quiet = house.sql.rows(r#"SELECT DISTINCT "customerId" FROM "Order" WHERE "customerId" ~ '[2468]$' AND "customerId" LIKE 'g%' ORDER BY 1"#);
    for sort in ["-last_visit", "last_visit", "-orders", "orders", "-visits", "name"] {
        let mut met = Vec::new();
        let mut after = "NULL".to_owned();
        loop {
            let page = chief.rows(&format!("SELECT cursor, ref FROM crm.customer_list(sort => '{sort}', after => {after}, page_size => 9)"));
            for line in &page {
                let (cursor, guest) = line.rsplit_once('|').expect("two columns");
                met.push(guest.to_owned());
                after = format!("'{}'", cursor.replace('\'', "''"));
            }
            if page.len() < 9 {
                break;
            }
            house.sql.run(
                r#"SELECT dine("customerId", 'grill', '2025-06-01 21:00', 15) FROM (SELECT DISTINCT "customerId" FROM "Order"
                     WHERE "customerId" ~ '[13579]$' AND "customerId" LIKE 'g%' ORDER BY 1) o WHERE random() < 0.2"#,
            );
        }
        for guest in &quiet {
            assert_eq!(met.iter().filter(|m| *m == guest).count(), 1, "{sort} {guest}");
        }
    }
}

#[test]
fn totals_over_several_venues_follow_every_change() {
    let mut house = House::new("chain_totals");
    let sql = &mut house.sql;
    sql.run("SELECT crm.create_principal('tester', 'house', 'manager', NULL, session_user)");
    let settle = |sql: &mut Session| {
        sql.expect_none("SELECT * FROM crm.verify_list()");
        sql.run("SELECT crm.list_guests()");
        sql.expect_none("SELECT * FROM crm.customer_venue_stats WHERE NOT listed");
        sql.expect_none("SELECT * FROM crm.unlisted_guest");
        sql.expect_none("SELECT * FROM crm.verify_list()");
    };
    settle(sql);
    // Two first orders of a new guest at once, and two more of one who has been to a third venue.
    sql.run("SELECT dine('late', 'pub', '2025-05-01 20:00', 10); INSERT INTO \"Customer\" (id, \"orgId\") VALUES ('new', 'house')");
    for guest in ["new", "late"] {
        let mut at_bistro = house.database.session();
        let mut at_bar = house.database.session();
        at_bistro.run(&format!("BEGIN; SELECT dine('{guest}', 'bistro', '2025-06-01 20:00', 20)"));
        let waiting = std::thread::spawn({
            let call = format!("SELECT dine('{guest}', 'bar', '2025-06-01 22:00', 30)");
            move || {
                at_bar.run(&call);
                at_bar
            }
        });
        // Whether the second waits a moment or is put off to the repair, nothing is lost.
        std::thread::sleep(std::time::Duration::from_millis(40));
        at_bistro.run("COMMIT");
        drop(waiting.join().expect("the second sale goes through"));
        sql.run("SELECT crm.repair_failed()");
        settle(sql);
    }
    sql.expect_rows(
        "SELECT c.ref, g.total_orders, g.total_visits, g.spent FROM crm.listed_guest g JOIN crm.customer c USING (org_id, customer_id)
          WHERE c.ref IN ('new', 'late') AND g.scope_id = '00000000-0000-0000-0000-000000000000' ORDER BY 1",
        &["late|3|3|6000", "new|2|2|5000"],
    );
    for change in [
        r#"UPDATE "Order" SET total = total + 5 WHERE "customerId" IN ('new', 'late')"#,
        r#"UPDATE "Order" SET "customerId" = 'late' WHERE "customerId" = 'g4'"#,
        r#"DELETE FROM "Order" WHERE "customerId" = 'late' AND "venueId" = 'bar'"#,
        r#"UPDATE "Order" SET "venueId" = 'grill' WHERE "customerId" LIKE 'g1%'"#,
        r#"UPDATE "Customer" SET name = 'Renamed ' || id WHERE id LIKE 'g2%'"#,
        "SET crm.as_of = '2025-09-20 12:00+00'",
        "CALL crm.run_night()",
    ] {
        sql.run(change);
        settle(sql);
    }
    // What is wrong is found, shown right at once, and mended.
    const NIL: &str = "00000000-0000-0000-0000-000000000000";
    for (wrong, guest) in [
        (format!("UPDATE crm.listed_guest SET total_orders = 77 WHERE scope_id = '{NIL}'"), "late"),
        (format!("UPDATE crm.listed_guest SET spent = 1 WHERE scope_id <> '{NIL}'"), "new"),
        (format!("UPDATE crm.listed_guest SET label = label % 7 + 1 WHERE scope_id <> '{NIL}'"), "g10"),
        (format!("UPDATE crm.listed_guest SET total_visits = 99, last_order_at = 'infinity' WHERE scope_id = '{NIL}'"), "g16"),
        ("UPDATE crm.listed_guest SET last_venue_id = crm.key('nowhere') WHERE true".to_owned(), "g17"),
        ("UPDATE crm.listed_guest SET text_bits_a = text_bits_a # 1 WHERE true".to_owned(), "g28"),
        (format!("DELETE FROM crm.listed_guest WHERE scope_id <> '{NIL}'"), "g7"),
        ("UPDATE crm.listed_guest SET name = 'Nobody' WHERE true".to_owned(), "g13"),
        (format!("DELETE FROM crm.listed_guest WHERE scope_id = '{NIL}'"), "idle3"),
        ("INSERT INTO crm.listed_guest SELECT org_id, customer_id, crm.key('nowhere'), label, total_orders, total_visits, spent, last_order_at, last_venue_id, unnamed, name, text_bits_a, text_bits_b FROM crm.listed_guest WHERE true".to_owned(), "idle4"),
        ("UPDATE crm.guest_text SET search_text = 'x' WHERE true".to_owned(), "g14"),
        ("UPDATE crm.guest_text SET venue_ids = venue_ids || crm.key('nowhere') WHERE true".to_owned(), "g16"),
        ("DELETE FROM crm.guest_text WHERE true".to_owned(), "g22"),
    ] {
        let guests = sql.rows("SELECT l FROM crm.customer_list(page_size => 200) l");
        sql.run(&format!("{wrong} AND customer_id = crm.key('{guest}')"));
        sql.expect_rows("SELECT customer_id = crm.key('{guest}') FROM crm.verify_list()".replace("{guest}", guest).as_str(), &["t"]);
        sql.expect_rows("SELECT crm.repair_list()", &["1"]);
        sql.expect_rows("SELECT crm.repair_list()", &["0"]);
        assert_eq!(sql.rows("SELECT l FROM crm.customer_list(page_size => 200) l"), guests, "{wrong}");
        settle(sql);
    }
    // So does the night that looks at everything, as it does once a week.
    sql.run("UPDATE crm.listed_guest SET spent = 1 WHERE customer_id = crm.key('g19')");
    sql.run("CALL crm.run_night(recount => true)");
    settle(sql);
}

#[test]
fn a_lifetime_sums_every_venue_per_currency() {
    let mut house = House::new("lifetime");
    let mut local = house.member("local", "house", "ARRAY['bar']");
    for guest in ["g5", "g11", "g20", "idle1"] {
        let expected = house.sql.rows(&format!(
            r#"SELECT v.currency, count(DISTINCT v.id), count(*), count(DISTINCT (v.id, (o."completedAt" AT TIME ZONE v.tz)::date)), sum(o.total), max(o.total)
                 FROM "Order" o JOIN "Venue" v ON v.id = o."venueId" WHERE o."customerId" = '{guest}' AND o.status = 'COMPLETED' GROUP BY 1 ORDER BY 1"#
        ));
        let found = local.rows(&format!(
            "SELECT currency, venues, total_orders, total_visits, total_spent, highest_order FROM crm.lifetime('{guest}')"
        ));
        assert_eq!(found, expected, "{guest}");
    }
    local.expect_refusal("SELECT * FROM crm.lifetime('spy')", &["CR404"], "");
}

/// As many rows that the planner has a choice: 90,000 of one venue and 30,000 each of three others, 10,000 guests of two venues.
#[test]
fn a_page_is_read_from_indexes_alone() {
    let database = TestDatabase::new("list_plans");
    let mut sql = database.session();
    restaurant::create(&mut sql);
    for venue in ["bistro", "bar", "grill", "pub"] {
        restaurant::add_venue(&mut sql, venue, "UTC");
    }
    restaurant::bind(&mut sql);
    sql.run(&format!(
        "SET crm.as_of = '2025-06-02';
         INSERT INTO crm.customer (org_id, customer_id, ref, name, phone, email)
         SELECT 1, crm.key('c' || i), 'c' || i, (ARRAY['Ana', 'Bob', 'Zoë'])[1 + i % 3] || ' ' || md5(i::text), '+33 ' || i, 'c' || i || '@example.org' FROM generate_series(1, 175000) i;
         INSERT INTO crm.customer_venue_stats (org_id, venue_id, customer_id, total_orders, total_visits, total_spent, highest_order, first_order_at, last_order_at, label, label_changed_at)
         SELECT 1, crm.key(v), crm.key('c' || i), n, 1 + n / 2, n * 10 + i % 10, 20, '2024-01-01', timestamptz '2025-06-01' - (i * 7919 % 600) * interval '1 day' - i * interval '1 second',
                (ARRAY['{}'])[1 + (n * 7919 + i) % 7], now()
           FROM (SELECT i, k, (1 + 60 * power((i * 7919 % 1009) / 1009.0, 4))::int AS n, CASE WHEN k = 2 THEN 'bar' WHEN i <= 90000 THEN 'bistro' WHEN i <= 110000 THEN 'bar' WHEN i <= 140000 THEN 'grill' ELSE 'pub' END AS v
                   FROM generate_series(1, 170000) i, generate_series(1, CASE WHEN i <= 10000 THEN 2 ELSE 1 END) k) g",
        LABELS.join("','")
    ));
    sql.run("INSERT INTO crm.unlisted_guest SELECT org_id, customer_id FROM crm.customer; SELECT crm.list_guests(200000)");
    sql.expect_none("SELECT * FROM crm.verify_list()");
    sql.run("VACUUM ANALYZE");
    // Some had an order since.
    sql.run("UPDATE crm.customer_venue_stats SET total_orders = total_orders + 1, total_spent = total_spent + 10 WHERE customer_id < '00800000-0000-0000-0000-000000000000'");
    sql.expect_rows(
        "SELECT count(*) BETWEEN 200 AND 600 FROM crm.customer_venue_stats WHERE NOT listed",
        &["t"],
    );
    sql.run("SELECT crm.create_principal('tester', NULL, 'manager', NULL, session_user); LOAD 'auto_explain';
             SET auto_explain.log_min_duration = 0; SET auto_explain.log_analyze = on; SET auto_explain.log_timing = off; SET auto_explain.log_nested_statements = on; SET auto_explain.log_level = warning");
    for (arguments, index) in [
        ("venue => 'bistro'", "listed_guest_by_last_visit"),
        ("venue => 'bistro', sort => 'spend'", "listed_guest_by_spend"),
        ("venue => 'bistro', sort => '-orders', labels => '{LOST}'", "listed_guest_by_orders"),
        ("venue => 'grill', sort => '-visits', spend_from => 100", "listed_guest_by_visits"),
        ("venue => 'grill', spend_from => 590", "listed_guest_by_spend"),
        ("venue => 'bistro', sort => 'name'", "listed_guest_by_name"),
        ("venue => 'bistro', sort => '-name', orders_from => 3", "listed_guest_by_name"),
        ("sort => 'name'", "listed_guest_by_name"),
        ("sort => '-last_visit'", "listed_guest_by_last_visit"),
        ("sort => '-spend', labels => '{LOST,AT_RISK}'", "listed_guest_by_spend"),
        ("sort => 'visits', last_visit_to => '2025-01-31'", "listed_guest_by_visits"),
        ("search => 'bob c4ca42'", "guest_text_by_text"),
        ("search => 'ana', sort => '-spend'", "listed_guest_by_spend"),
        ("search => '+33 1234', venue => 'bistro'", "guest_text_by_text"),
    ] {
        for deep in [false, true] {
            let after = if deep {
                let cursor = sql.value(&format!(
                    "SELECT cursor FROM crm.customer_list({arguments}) ORDER BY cursor LIMIT 1"
                ));
                format!(", after => '{cursor}'")
            } else {
                String::new()
            };
            sql.warnings();
            sql.run(&format!("SELECT count(*) FROM crm.customer_list({arguments}{after})"));
            let plans = sql.warnings().join("\n");
            assert!(plans.contains(&format!("{index} ")), "{arguments}{after}: no {index} in\n{plans}");
            if index.starts_with("listed_guest") {
                let index_only = ["using", "Backward using"]
                    .iter()
                    .any(|how| plans.contains(&format!("Index Only Scan {how} {index} ")));
                assert!(index_only, "{arguments}{after} fetches the rows it walks:\n{plans}");
            }
            // No step reads, sorts or hands on a whole venue.
            for line in plans.lines() {
                let number = |what: &str| {
                    let (_, rest) = line.split_once(what)?;
                    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
                };
                if let (Some(rows), Some(loops)) = (number("(actual rows="), number(" loops=")) {
                    assert!(rows * loops < 25_000, "{arguments}{after}: {line}\n{plans}");
                }
            }
            for relation in [
                "customer_venue_stats",
                "listed_guest",
                "customer",
                "guest_text",
                "unlisted_guest",
                "label_change",
            ] {
                assert!(!plans.contains(&format!("Seq Scan on {relation} ")), "{arguments}{after}:\n{plans}");
            }
            // The platform's tables: its orders, and the functions over them.
            for text in
                ["\"Order\"", "\"OrderItem\"", "\"Customer\"", "crm.orders", "counted_orders", "bound_"]
            {
                assert!(!plans.contains(text), "{arguments}{after} reads {text}:\n{plans}");
            }
        }
    }
}
