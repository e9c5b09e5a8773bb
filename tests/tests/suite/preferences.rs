//! What guests need and like, told or derived: cases computed by hand, who may know, and the segments that ask for it.

use crm_tests::sequence::Sequence;
use crm_tests::{Session, TestDatabase};

/// Venues r1 and r2 of red, b1 of blue, all in UTC. Ana ordered eleven times at r1, one order a day from 1 March on; Ben and
/// Cleo six times; soup was last sold on 8 March at noon, to somebody unknown.
struct Restaurants {
    database: TestDatabase,
    sql: Session,
}

const ORDERS: &str = r#"
    SELECT eat('ana', 'r1', '2025-03-01 19:00', 10, '{soup,pasta}', 'T2', 'pickup', 'card');
    SELECT eat('ana', 'r1', '2025-03-02 12:00', 10, '{pasta}', 'T2', 'pickup', 'card');
    SELECT eat('ana', 'r1', '2025-03-03 19:00', 10, '{pasta,wine}', 'T2', 'pickup', 'card');
    SELECT eat('ana', 'r1', '2025-03-04 19:00', 10, '{pasta,wine}', 'T2', 'pickup', 'card');
    SELECT eat('ana', 'r1', '2025-03-05 12:00', 10, '{pizza}', 'T2', 'pickup', 'card');
    SELECT eat('ana', 'r1', '2025-03-06 19:00', 10, '{wine}', 'T1', 'pickup', 'card');
    SELECT eat('ana', 'r1', '2025-03-07 19:00', 11, '{wine}', 'T1', 'delivery', NULL);
    SELECT eat('ana', 'r1', '2025-03-08 19:00', 11, '{pasta}', 'T1', 'delivery', NULL);
    SELECT eat('ana', 'r1', '2025-03-09 19:00', 11, '{}', 'T1', 'delivery', NULL);
    SELECT eat('ana', 'r1', '2025-03-10 19:00', 11, '{pizza}', 'T1', 'delivery', NULL);
    SELECT eat('ana', 'r1', '2025-03-11 19:00', 11, '{wine,pizza}', 'T1', 'delivery', NULL);
    SELECT eat('ben', 'r1', '2025-03-02 19:00', 10, '{soup}', NULL, NULL, NULL);
    SELECT eat('ben', 'r1', date '2025-03-02' + n + time '19:00', 10, CASE WHEN n < 3 THEN '{pasta}' ELSE '{pizza}' END::text[], NULL, NULL, NULL)
      FROM generate_series(1, 4) n;
    SELECT eat('ben', 'r1', '2025-03-08 11:59', 10, '{wine}', NULL, NULL, NULL);
    SELECT eat('cleo', 'r1', '2025-03-03 19:00', 10, '{soup}', NULL, NULL, NULL);
    SELECT eat('cleo', 'r1', date '2025-03-03' + n + time '19:00', 10, '{}', NULL, NULL, NULL) FROM generate_series(1, 4) n;
    SELECT eat('cleo', 'r1', '2025-03-08 12:01', 10, '{}', NULL, NULL, NULL);
    SELECT eat(NULL, 'r1', '2025-03-08 12:00', 10, '{soup}', NULL, NULL, NULL);
    SELECT eat('dora', 'b1', '2025-03-08 12:00', 10, '{soup}', NULL, NULL, NULL)"#;

impl Restaurants {
    fn new(purpose: &str) -> Self {
        let database = TestDatabase::new(purpose);
        let mut sql = database.session();
        sql.run(include_str!("../../platform/restaurant.sql"));
        sql.run(
            r#"ALTER TABLE "Order" ADD "table" text, ADD channel text, ADD payment text;
               CREATE TABLE "Product" (id text PRIMARY KEY, name text, category text);
               CREATE TABLE "Line" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "orderId" text, "productId" text, quantity numeric, amount numeric);
               CREATE INDEX ON "Line" ("orderId");
               INSERT INTO "Product" VALUES ('soup', 'Soup', 'Food'), ('pasta', 'Pasta', 'Food'), ('pizza', 'Pizza', 'Food'), ('wine', 'Red wine', 'Drinks'),
                 ('w2', 'White', 'Drinks'), ('w3', 'white', 'Drinks');
               INSERT INTO "Venue" VALUES ('r1', 'red', 'Red One', 'UTC', 'EUR'), ('r2', 'red', 'Red Two', 'UTC', 'EUR'), ('b1', 'blue', 'Blue One', 'UTC', 'EUR');
               INSERT INTO "Customer" (id, "orgId", name) VALUES ('ana', 'red', 'Ana'), ('ana2', 'red', 'Ana B.'), ('ben', 'red', 'Ben'), ('cleo', 'red', 'Cleo'), ('dora', 'blue', 'Dora');
               CREATE FUNCTION eat(guest text, venue text, at timestamp, total numeric, products text[], at_table text, by text, paid text) RETURNS void LANGUAGE sql AS $$
                 WITH made AS (
                   INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt", "table", channel, payment)
                   VALUES (concat_ws(' ', guest, venue, at), venue, guest, 'COMPLETED', total, at AT TIME ZONE 'UTC', at_table, by, paid) RETURNING id)
                 INSERT INTO "Line" ("orderId", "productId", quantity) SELECT m.id, p, 1 FROM made m, unnest(products) p
               $$"#,
        );
        sql.run(ORDERS);
        sql.run(
            r#"SET crm.as_of = '2025-03-12 12:00+00';
               SELECT crm.bind('venue', '"Venue"', '{"ref":"id","org":"orgId","name":"name","timezone":"tz","currency":"currency"}');
               SELECT crm.bind('customer', '"Customer"', '{"ref":"id","org":"orgId","name":"name"}');
               SELECT crm.bind('product', '"Product"', '{"ref":"id","name":"name","category":"category"}');
               SELECT crm.bind('order_item', '"Line"', '{"order":"orderId","product":"productId","quantity":"quantity","amount":"amount"}');
               SELECT crm.bind('order', '"Order"', '{"ref":"id","venue":"venueId","customer":"customerId","total":"total","completed_at":"completedAt",
                 "completed":{"column":"status","in":["COMPLETED"]},"table":"table","channel":"channel","payment_method":"payment"}')"#,
        );
        sql.run("CALL crm.backfill()");
        sql.run("CALL crm.run_night()");
        Self { database, sql }
    }

    /// A login of the organisation, limited to the venues if any are given.
    fn member(&mut self, org: &str, role: &str, venues: &str) -> Session {
        let login = format!("{}_{org}_{role}_{}", self.database.name(), venues.len());
        self.sql.run(&format!(
            "DROP ROLE IF EXISTS {login}; CREATE ROLE {login} LOGIN;
             SELECT crm.create_principal('{login}', '{org}', '{role}', {venues}, '{login}')"
        ));
        self.database.session_as(&login)
    }

    #[track_caller]
    fn expect_preferences(&mut self, guest: &str, expected: &[&str]) {
        self.sql.expect_rows(
            &format!(
                "SELECT kind, value, source, strength, orders, of_orders FROM crm.preferences('{guest}', 'r1') ORDER BY kind, strength DESC, last_seen DESC"
            ),
            expected,
        );
    }
}

impl Drop for Restaurants {
    fn drop(&mut self) {
        let name = self.database.name();
        for login in self.sql.rows(&format!("SELECT rolname FROM pg_roles WHERE rolname LIKE '{name}%'")) {
            // A login that still has a connection stays; the cluster is thrown away.
            let _ = self.sql.attempt(&format!("DROP OWNED BY {login}; DROP ROLE {login}"));
        }
    }
}

#[test]
fn likes_and_habits_are_what_the_orders_tell() {
    let mut red = Restaurants::new("told");
    // Wilson's lower bounds at 95 %: 8 of 11 is 0.434, 5 of 11 0.213, 3 of 11 0.097. Soup: on sale during six later orders.
    // Five of the last ten visits were deliveries, and five paid by card: too few. Six sat at T1.
    red.expect_preferences(
        "ana",
        &[
            "category|Food|derived|0.434|8|11",
            "daypart|dinner|derived|0.800|8|10",
            "disliked_product|soup|derived|0.545|1|7",
            "favourite_product|wine|derived|0.213|5|11",
            "favourite_product|pasta|derived|0.213|5|11",
            "favourite_product|pizza|derived|0.097|3|11",
            "table|T1|derived|0.600|6|10",
        ],
    );
    red.sql.expect_rows(
        "SELECT name, first_seen, last_seen FROM crm.preferences('ana', 'r1') WHERE value = 'wine'",
        &["Red wine|2025-03-03 19:00:00+00|2025-03-11 19:00:00+00"],
    );
    red.sql.expect_rows(
        "SELECT t ->> 'product', t ->> 'orders' FROM crm.guest_habit, jsonb_array_elements(top_products) t WHERE customer_id = crm.key('ana')",
        &["wine|5", "pasta|5", "pizza|3", "soup|1"],
    );
}

#[test]
fn five_orders_without_it_while_on_sale_make_a_dislike_and_four_do_not() {
    let mut red = Restaurants::new("dislike");
    red.expect_preferences(
        "ben",
        &[
            "category|Food|derived|0.436|5|6",
            "daypart|dinner|derived|0.833|5|6",
            "disliked_product|soup|derived|0.500|1|6",
        ],
    );
    red.expect_preferences("cleo", &["daypart|dinner|derived|0.833|5|6"]);
    // Sold once more after Cleo's last order.
    red.sql.run("SELECT eat(NULL, 'r1', '2025-03-09 12:00', 10, '{soup}', NULL, NULL, NULL)");
    red.sql.run("SELECT crm.derive_preferences('r1')");
    red.expect_preferences(
        "cleo",
        &["daypart|dinner|derived|0.833|5|6", "disliked_product|soup|derived|0.500|1|6"],
    );
}

#[test]
fn a_line_of_nothing_is_no_order_of_it() {
    let mut red = Restaurants::new("nothing");
    red.sql.run(r#"UPDATE "Line" SET quantity = 0 WHERE "productId" = 'pizza'; UPDATE "Line" SET quantity = NULL WHERE "productId" = 'wine'"#);
    red.sql.run("SELECT crm.derive_preferences('r1')");
    red.sql.expect_rows(
        "SELECT value FROM crm.preferences('ana', 'r1') WHERE kind = 'favourite_product' ORDER BY 1",
        &["pasta", "wine"],
    );
}

#[test]
fn spend_has_a_trend_from_the_tenth_order_on() {
    let mut red = Restaurants::new("trend");
    let trend = |sql: &mut Session, total: &str| {
        sql.run(&format!(r#"UPDATE "Order" SET total = {total} WHERE id = 'ana r1 2025-03-11 19:00:00'; SELECT crm.derive_preferences('r1', false)"#));
        sql.value("SELECT spend_trend FROM crm.guest_habit WHERE customer_id = crm.key('ana')")
    };
    // 55 after 50 is a tenth more, and 45 a tenth less.
    assert_eq!(trend(&mut red.sql, "11"), "steady");
    assert_eq!(trend(&mut red.sql, "11.01"), "up");
    assert_eq!(trend(&mut red.sql, "1"), "steady");
    assert_eq!(trend(&mut red.sql, "0.99"), "down");
    red.sql
        .expect_rows("SELECT spend_trend FROM crm.guest_habit WHERE customer_id = crm.key('ben')", &["null"]);
}

#[test]
fn a_visit_is_what_its_first_order_was() {
    let mut red = Restaurants::new("visit");
    // Five evenings, each of which went on late; and one late night.
    red.sql.run(
        "SELECT eat('cleo', 'r2', date '2025-03-01' + n + time '19:00', 10, '{}', NULL, 'dine-in', NULL) FROM generate_series(0, 4) n;
         SELECT eat('cleo', 'r2', date '2025-03-01' + n + time '23:00', 10, '{}', NULL, 'bar', NULL) FROM generate_series(0, 5) n;
         SELECT crm.derive_preferences('r2')",
    );
    red.sql.expect_rows(
        "SELECT kind, value, strength, orders, of_orders FROM crm.preferences('cleo', 'r2') ORDER BY kind",
        &["channel|dine-in|0.833|5|6", "daypart|dinner|0.833|5|6"],
    );
}

#[test]
fn the_night_derives_for_guests_whose_orders_changed() {
    let mut red = Restaurants::new("night");
    let runs = "SELECT v.ref, r.rows, r.error FROM crm.job_run r JOIN crm.venue v USING (venue_id) WHERE job = 'preferences' ORDER BY run_id DESC LIMIT 3";
    red.sql.expect_rows(
        &format!("SELECT * FROM ({runs}) x ORDER BY 1"),
        &["b1|0|null", "r1|3|null", "r2|0|null"],
    );
    red.sql.run("SELECT eat('ben', 'r1', '2025-03-11 19:00', 10, '{pasta}', NULL, NULL, NULL)");
    red.sql.run("CALL crm.run_night()");
    red.sql.expect_rows(
        &format!("SELECT * FROM ({runs}) x ORDER BY 1"),
        &["b1|0|null", "r1|1|null", "r2|0|null"],
    );
    // 3 of 7.
    red.sql.expect_rows(
        "SELECT value, strength FROM crm.preferences('ben', 'r1') WHERE kind = 'favourite_product'",
        &["pasta|0.158"],
    );
    red.sql.run(r#"UPDATE "Order" SET status = 'VOID' WHERE "customerId" = 'ben'"#);
    red.sql.run("CALL crm.run_night()");
    red.sql.expect_none("SELECT * FROM crm.preferences('ben')");
    red.sql.expect_none("SELECT * FROM crm.guest_habit WHERE customer_id = crm.key('ben')");
}

#[test]
fn looking_at_changed_guests_alone_finds_what_looking_at_all_finds() {
    let mut red = Restaurants::new("changed");
    let mut random = Sequence::from_seed(3);
    let mut hours = 0;
    red.sql.run(r#"SELECT eat(NULL, 'r1', '2025-03-11 23:59', 1, ARRAY(SELECT id FROM "Product"), NULL, NULL, NULL); SELECT crm.derive_preferences('r1')"#);
    for round in 0..25 {
        for _ in 0..1 + random.below(6) {
            hours += 1 + random.below(12);
            let guest = ["ana", "ana2", "ben", "cleo"][random.below(4) as usize];
            let meal = ["{soup}", "{pasta,wine}", "{w2}", "{pizza,w3}", "{}"][random.below(5) as usize];
            let table = ["T1", "T1", "T2"][random.below(3) as usize];
            red.sql.run(&format!(
                "SELECT eat('{guest}', 'r1', timestamp '2025-03-12' + interval '{hours} hours {round} minutes', {}, '{meal}', '{table}', NULL, NULL)",
                5 + random.below(20)
            ));
            if random.below(5) == 0 {
                red.sql.run(&format!(
                    r#"UPDATE "Order" SET status = 'VOID' WHERE id = (SELECT id FROM "Order" WHERE "customerId" = '{guest}' AND status = 'COMPLETED' ORDER BY md5(id || {round}) LIMIT 1)"#
                ));
            }
        }
        // Everything stays on sale.
        red.sql.run(&format!(
            "SELECT eat(NULL, 'r1', timestamp '2025-03-12' + interval '{hours} hours 59 minutes {round} seconds', 1, ARRAY(SELECT id FROM \"Product\"), NULL, NULL, NULL);
             SELECT set_config('crm.as_of', (timestamptz '2025-03-12 01:00+00' + interval '{hours} hours')::text, false)"
        ));
        red.sql.run("SELECT crm.derive_preferences('r1', false)");
        red.sql.expect_rows("SELECT crm.derive_preferences('r1')", &["0"]);
    }
    assert!(red.sql.number("SELECT count(*) FROM crm.derived_preference WHERE kind LIKE '%product'") > 10);
}

#[test]
fn what_is_said_wins_over_what_is_derived() {
    let mut red = Restaurants::new("said");
    let card = |sql: &mut Session, part: &str| {
        sql.value(&format!("SELECT crm.kitchen_card('ana', 'r1') -> '{part}'"))
    };
    assert_eq!(card(&mut red.sql, "favourites"), r#"["Pasta", "Red wine", "Pizza"]"#);
    assert_eq!(card(&mut red.sql, "dislikes"), r#"["Soup"]"#);
    red.sql.run(
        "SELECT crm.state_preference('ana', 'disliked_product', 'red wine', strength => 0.7);
         SELECT crm.state_preference('ana', 'favourite_product', 'soup', 'r1');
         SELECT crm.state_preference('ana', 'disliked_category', 'Offal', 'r1');
         SELECT crm.state_preference('ana', 'seating', 'window', 'r1')",
    );
    assert_eq!(card(&mut red.sql, "favourites"), r#"["Soup", "Pasta", "Pizza"]"#);
    assert_eq!(card(&mut red.sql, "dislikes"), r#"["Offal", "Red wine"]"#);
    assert_eq!(card(&mut red.sql, "seating"), r#"["window"]"#);
    assert_eq!(card(&mut red.sql, "usual_table"), r#""T1""#);
    red.sql.expect_rows(
        "SELECT kind, value, source, strength, orders, venue_id IS NULL FROM crm.preferences('ana', 'r1') WHERE value IN ('wine', 'soup') ORDER BY 1",
        &["disliked_product|wine|explicit|0.700|1|t", "favourite_product|soup|explicit|1.000|1|f"],
    );
    // The latest counts, wherever it was said; and said again, it is counted.
    red.sql.run("SET crm.as_of = '2025-03-13 12:00+00'; SELECT crm.state_preference('ana', 'favourite_product', 'wine', 'r1')");
    red.sql.run("SET crm.as_of = '2025-03-14 12:00+00'; SELECT crm.state_preference('ana', 'favourite_product', 'wine', 'r1', 0.5)");
    red.sql.expect_rows(
        "SELECT kind, strength, orders, first_seen::date, last_seen::date FROM crm.preferences('ana', 'r1') WHERE value = 'wine'",
        &["favourite_product|0.500|2|2025-03-13|2025-03-14"],
    );
    red.sql.run("SELECT crm.withdraw_preference('ana', 'favourite_product', 'Red wine', 'r1'); SELECT crm.withdraw_preference('ana', 'disliked_product', 'wine')");
    red.sql.run("SELECT crm.withdraw_preference('ana', 'favourite_product', 'soup', 'r1'); SELECT crm.withdraw_preference('ana', 'disliked_category', 'Offal', 'r1')");
    assert_eq!(card(&mut red.sql, "favourites"), r#"["Pasta", "Red wine", "Pizza"]"#);
    assert_eq!(card(&mut red.sql, "dislikes"), r#"["Soup"]"#);
}

#[test]
fn the_waiter_sees_what_a_guest_had_last() {
    let mut red = Restaurants::new("last_order");
    let last = |sql: &mut Session, of: &str| {
        sql.value(&format!("SELECT ({of} -> 'last_order') - 'completed_at' - 'venue_id' - 'order_ref'"))
    };
    let card = "crm.kitchen_card('ana', 'r1')";
    let wine_and_pizza = r#"{"items": [{"product": "Pizza", "quantity": 1}, {"product": "Red wine", "quantity": 1}], "table": "T1", "total": "11.00"}"#;
    assert_eq!(last(&mut red.sql, card), wine_and_pizza);
    assert_eq!(last(&mut red.sql, "crm.kitchen_card('ana', crm.key('r1')::text)"), wine_and_pizza);
    assert_eq!(last(&mut red.sql, "crm.dossier('ana')"), wine_and_pizza);
    // Two lines of one product are one, a void of a line takes it out; of another venue the card tells nothing, the dossier does.
    red.sql.run(
        r#"SELECT eat('ana', 'r2', '2025-03-12 09:00', 20, '{soup,soup,wine}', NULL, NULL, NULL);
           INSERT INTO "Line" ("orderId", "productId", quantity) SELECT id, 'wine', -1 FROM "Order" WHERE "venueId" = 'r2' AND "customerId" = 'ana'"#,
    );
    assert_eq!(last(&mut red.sql, card), wine_and_pizza);
    let soup = r#"{"items": [{"product": "Soup", "quantity": 2}], "total": "20.00"}"#;
    assert_eq!(last(&mut red.sql, "crm.dossier('ana')"), soup);
    let mut staff = red.member("red", "staff", "'{r1}'");
    assert_eq!(last(&mut staff, "crm.dossier('ana')"), wine_and_pizza);
    // Of one person under two names, the later; of nobody's orders, none.
    red.sql.expect_rows("SELECT crm.kitchen_card('ana2', 'r1') -> 'last_order'", &["null"]);
    red.sql.run("SELECT eat('ana2', 'r1', '2025-03-12 10:00', 5, '{pasta}', NULL, NULL, NULL); SELECT crm.merge_customers('ana', 'ana2', 'one person')");
    assert_eq!(
        last(&mut red.sql, card),
        r#"{"items": [{"product": "Pasta", "quantity": 1}], "total": "5.00"}"#
    );
}

#[test]
fn the_kitchen_knows_how_grave_an_allergy_is() {
    let mut red = Restaurants::new("severity");
    let card = |sql: &mut Session| {
        sql.value(
            "SELECT concat_ws(' ', c -> 'allergens', c -> 'severities') FROM crm.kitchen_card('ana', 'r1') c",
        )
    };
    red.sql.run(r#"SELECT crm.set_health_needs('ana', '{milk,nuts,fish}', severities => '{"nuts": "anaphylaxis", "milk": "intolerance"}')"#);
    assert_eq!(
        card(&mut red.sql),
        r#"["fish", "milk", "nuts"] {"milk": "intolerance", "nuts": "anaphylaxis"}"#
    );
    // What the venue knows beside counts where it is graver; who says nothing of a severity leaves it.
    red.sql.run(r#"SELECT crm.set_health_needs('ana', '{milk,nuts}', venue => 'r1', severities => '{"milk": "allergy", "nuts": "intolerance"}')"#);
    red.sql.run("SELECT crm.set_health_needs('ana', '{milk,nuts}', venue => 'r1')");
    assert_eq!(card(&mut red.sql), r#"["fish", "milk", "nuts"] {"milk": "allergy", "nuts": "anaphylaxis"}"#);
    red.sql.run(r#"SELECT crm.set_health_needs('ana', '{milk,nuts}', severities => '{"nuts": null}')"#);
    assert_eq!(card(&mut red.sql), r#"["milk", "nuts"] {"milk": "allergy", "nuts": "intolerance"}"#);
    red.sql.expect_rows(
        "SELECT value, severity, action FROM crm.health_change WHERE scope_id = '00000000-0000-0000-0000-000000000000' ORDER BY change_id",
        &["fish|null|recorded", "milk|intolerance|recorded", "nuts|anaphylaxis|recorded", "fish|null|removed", "nuts|null|recorded"],
    );
    // Of one person under two names the gravest counts, and what each said comes back.
    red.sql.run(
        r#"SELECT crm.set_health_needs('ana2', '{nuts}', severities => '{"nuts": "anaphylaxis"}'); SELECT crm.merge_customers('ana', 'ana2', 'one person')"#,
    );
    assert_eq!(card(&mut red.sql), r#"["milk", "nuts"] {"milk": "allergy", "nuts": "anaphylaxis"}"#);
    red.sql.run("SELECT crm.unmerge_customer('ana2')");
    assert_eq!(card(&mut red.sql), r#"["milk", "nuts"] {"milk": "allergy", "nuts": "intolerance"}"#);
}

#[test]
fn health_needs_are_set_as_a_whole_and_every_change_is_kept() {
    let mut red = Restaurants::new("health");
    red.sql.run("SELECT crm.set_health_needs('ana', ARRAY['milk', 'nuts', 'milk'], ARRAY['vegan']); SELECT crm.set_health_needs('ana', ARRAY['fish'], venue => 'r1')");
    let needs = "SELECT kind, value, v.ref FROM crm.health_needs('ana') n LEFT JOIN crm.venue v USING (venue_id) ORDER BY 1, 2";
    red.sql.expect_rows(
        needs,
        &["allergen|fish|r1", "allergen|milk|null", "allergen|nuts|null", "diet|vegan|null"],
    );
    red.sql.expect_rows(
        "SELECT crm.kitchen_card('ana', v) ->> 'allergens', crm.kitchen_card('ana', v) ->> 'diets' FROM unnest('{r1,r2}'::text[]) v",
        &[r#"["fish", "milk", "nuts"]|["vegan"]"#, r#"["milk", "nuts"]|["vegan"]"#],
    );
    red.sql.run("SELECT crm.set_health_needs('ana', ARRAY['nuts', 'eggs']); SELECT crm.set_health_needs('ana', diets => '{}')");
    red.sql.expect_rows(needs, &["allergen|eggs|null", "allergen|fish|r1", "allergen|nuts|null"]);
    red.sql.expect_rows(
        "SELECT action, string_agg(value, ',' ORDER BY change_id) FROM crm.health_change GROUP BY action ORDER BY 1",
        &["recorded|milk,nuts,vegan,fish,eggs", "removed|milk,vegan"],
    );
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let mut red = Restaurants::new("refused");
    for (call, code, column) in [
        ("set_health_needs('ana', ARRAY['peanut'])", "22023", "allergens"),
        ("set_health_needs('ana', ARRAY[NULL])", "22023", "allergens"),
        ("set_health_needs('ana', diets => ARRAY['milk'])", "22023", "diets"),
        ("set_health_needs('ana', ARRAY['milk'], severities => '{\"milk\":\"bad\"}')", "22023", "severities"),
        (
            "set_health_needs('ana', ARRAY['milk'], severities => '{\"eggs\":\"allergy\"}')",
            "22023",
            "severities",
        ),
        ("set_health_needs('ana', severities => '{\"milk\":\"allergy\"}')", "22023", "severities"),
        ("set_health_needs('ana', ARRAY['milk'], severities => '[]')", "22023", "severities"),
        ("set_health_needs('nobody', ARRAY['milk'])", "CR404", "customer"),
        ("set_health_needs(NULL, ARRAY['milk'])", "CR404", "customer"),
        ("set_health_needs('ana', ARRAY['milk'], venue => 'nowhere')", "CR404", "venue"),
        ("set_health_needs('ana', ARRAY['milk'], venue => 'b1')", "CR404", "customer"),
        ("state_preference('ana', 'allergen', 'milk')", "22023", "kind"),
        ("state_preference('ana', NULL, 'milk')", "22023", "kind"),
        ("state_preference('ana', 'seating', ' ')", "22023", "value"),
        ("state_preference('ana', 'seating', repeat('x', 201))", "22023", "value"),
        ("state_preference('ana', 'seating', NULL)", "22023", "value"),
        ("state_preference('ana', 'seating', 'bar', strength => 1.01)", "22023", "strength"),
        ("state_preference('ana', 'seating', 'bar', strength => 'NaN')", "22023", "strength"),
        ("state_preference('ana', 'favourite_product', 'caviar')", "CR404", "value"),
        ("state_preference('ana', 'favourite_product', 'white')", "22023", "value"),
        ("withdraw_preference('ana', 'seating', 'bar')", "CR404", "value"),
        ("preferences('nobody')", "CR404", "customer"),
        ("kitchen_card('ana', NULL)", "22023", "venue"),
        ("kitchen_card('dora', 'r1')", "CR404", "customer"),
    ] {
        let refusal = red.sql.expect_refusal(&format!("SELECT crm.{call}"), &[code], "");
        assert_eq!(refusal.column.as_deref(), Some(column), "{call}: {refusal:?}");
    }
    red.sql.expect_none("SELECT 1 FROM crm.health_need UNION ALL SELECT 1 FROM crm.stated_preference UNION ALL SELECT 1 FROM crm.health_change");
}

#[test]
fn needs_are_for_the_staff_of_the_venue_and_nobody_else() {
    let mut red = Restaurants::new("isolation");
    red.sql.run(
        "SELECT crm.set_health_needs('ana', ARRAY['fish'], venue => 'r1'); SELECT crm.set_health_needs('ana', ARRAY['milk']);
         SELECT crm.state_preference('ana', 'seating', 'window', 'r1'); SELECT crm.state_preference('ana', 'seating', 'quiet')",
    );
    let mut here = red.member("red", "staff", "ARRAY['r1']");
    let mut there = red.member("red", "staff", "ARRAY['r2', 'r2']");
    let mut reader = red.member("red", "reader", "NULL");
    let mut other = red.member("blue", "admin", "NULL");
    let needs = "SELECT value FROM crm.health_needs('ana') ORDER BY 1";
    let seating = "SELECT value FROM crm.preferences('ana') WHERE kind = 'seating' ORDER BY 1";
    here.expect_rows(needs, &["fish", "milk"]);
    here.expect_rows("SELECT value FROM crm.health_need ORDER BY 1", &["fish", "milk"]);
    here.expect_rows(seating, &["quiet", "window"]);
    there.expect_rows(needs, &["milk"]);
    there.expect_rows(seating, &["quiet"]);
    for table in ["health_need", "health_change", "stated_preference"] {
        assert_eq!(there.number(&format!("SELECT count(*) FROM crm.{table}")), 1, "{table}");
        assert_eq!(other.number(&format!("SELECT count(*) FROM crm.{table}")), 0, "{table}");
    }
    for table in ["derived_preference", "guest_habit"] {
        assert!(here.number(&format!("SELECT count(*) FROM crm.{table}")) > 0, "{table}");
        assert_eq!(there.number(&format!("SELECT count(*) FROM crm.{table}")), 0, "{table}");
        assert_eq!(other.number(&format!("SELECT count(*) FROM crm.{table}")), 0, "{table}");
    }
    for call in [
        "crm.set_health_needs('ana', ARRAY['eggs'], venue => 'r1')",
        "crm.state_preference('ana', 'seating', 'bar', 'r1')",
        "crm.withdraw_preference('ana', 'seating', 'window', 'r1')",
        "crm.kitchen_card('ana', 'r1')",
        "crm.preferences('ana', 'r1')",
    ] {
        there.expect_refusal(&format!("SELECT {call}"), &["CR404"], "unknown venue");
        other.expect_refusal(&format!("SELECT {call}"), &["CR404"], "unknown venue");
        reader.expect_refusal(&format!("SELECT {call}"), &["42501"], "");
        here.run(&format!("SELECT {call}"));
    }
    for table in ["health_need", "health_change", "stated_preference", "derived_preference", "guest_habit"] {
        reader.expect_refusal(&format!("SELECT * FROM crm.{table}"), &["42501"], "");
    }
    other.expect_refusal(needs, &["CR404"], "unknown customer");
    other.expect_refusal("SELECT crm.set_health_needs('ana', ARRAY['eggs'])", &["CR404"], "unknown customer");
    // Who wrote is kept.
    red.sql.expect_rows(
        "SELECT value, p.role FROM crm.health_change h JOIN crm.principal p ON p.principal_id = h.changed_by ORDER BY change_id",
        &["eggs|staff", "fish|staff"],
    );
}

const BY_HEALTH: &str = r#"{"v":1,"where":{"field":"allergens","op":"has","value":"nuts"}}"#;

#[test]
fn segments_by_health_are_for_managers_and_never_leave() {
    let mut red = Restaurants::new("sensitive");
    let mut manager = red.member("red", "manager", "ARRAY['r1']");
    let mut staff = red.member("red", "staff", "ARRAY['r1']");
    red.sql.run("TRUNCATE crm.outbox");
    let open = manager.value(r#"SELECT crm.create_segment('r1', 'drinkers', 'D', '{"v":1,"where":{"field":"favourites","op":"has","value":"Red wine"}}')"#);
    let id = manager.value(&format!("SELECT crm.create_segment('r1', 'nuts', 'Nuts', '{BY_HEALTH}')"));
    let naming = manager.value(r#"SELECT crm.create_segment('r1', 'no_nuts', 'No nuts', '{"v":1,"where":{"not":{"field":"in_segment","op":"has","value":"nuts"}}}')"#);
    red.sql.expect_rows(
        "SELECT key, is_sensitive FROM crm.segment WHERE NOT is_system ORDER BY 1",
        &["drinkers|f", "no_nuts|t", "nuts|t"],
    );
    staff.run("SELECT crm.set_health_needs('ana', ARRAY['nuts'], venue => 'r1'); SELECT crm.set_health_needs('ben', ARRAY['nuts'])");
    manager.expect_rows(
        &format!("SELECT crm.segment_size({id}), crm.segment_size({naming}), crm.segment_size({open})"),
        &["2|1|1"],
    );
    staff.run("SELECT crm.set_health_needs('ana', '{}', venue => 'r1')");
    manager.expect_rows(&format!("SELECT crm.segment_size({id}), crm.segment_size({naming})"), &["1|2"]);
    red.sql.expect_rows(
        &format!("SELECT event, cause, count(*) FROM crm.segment_event WHERE segment_id = {id} GROUP BY 1, 2 ORDER BY 1, 2"),
        &["entered|preference|2", "exited|preference|1"],
    );
    // Consumers hear of the others alone, one guest at a time, many at once, and at the end.
    red.sql.run(&format!(
        "SELECT crm.set_health_needs(c.ref, ARRAY['nuts']) FROM crm.customer c JOIN crm.customer_venue_stats t USING (org_id, customer_id)
         WHERE t.venue_id = crm.key('r1'); SELECT crm.refresh_segment({id}); SELECT crm.refresh_segment({naming})"
    ));
    manager.run(&format!("SELECT crm.archive_segment({naming}); SELECT crm.archive_segment({id}); SELECT crm.archive_segment({open})"));
    red.sql.expect_rows(
        "SELECT c ->> 'entered', c ->> 'exited' FROM crm.outbox o, jsonb_array_elements(o.payload -> 'changes') c WHERE topic = 'segment.membership' ORDER BY event_id",
        &[&format!("[{open}]|[]"), &format!("[]|[{open}]")],
    );
    let id = manager.value(&format!("SELECT crm.create_segment('r1', 'nuts2', 'Nuts', '{BY_HEALTH}')"));
    manager.expect_refusal(&format!("SELECT crm.recipients({id}, 'EMAIL_MARKETING')"), &["42501"], "health");
    manager.run(&format!(
        "SELECT crm.explain_segment('ana', {id}); SELECT crm.preview_segment('{BY_HEALTH}', 'r1')"
    ));
    staff.expect_refusal(&format!("SELECT crm.explain_segment('ana', {id})"), &["42501"], "managers");
    staff.expect_refusal(&format!("SELECT crm.preview_segment('{BY_HEALTH}', 'r1')"), &["42501"], "");
    // Granted too much, staff are still no managers.
    red.sql.run(&format!("GRANT crm_manager TO {}", staff.value("SELECT session_user")));
    for call in [
        format!("preview_segment('{BY_HEALTH}', 'r1')"),
        format!("create_segment('r1', 'mine', 'Mine', '{BY_HEALTH}')"),
        format!("update_segment({id}, criteria => '{}')", BY_HEALTH.replace("nuts", "milk")),
        r#"preview_segment('{"v":1,"where":{"field":"in_segment","op":"has","value":"nuts2"}}', 'r1')"#
            .to_owned(),
    ] {
        staff.expect_refusal(&format!("SELECT crm.{call}"), &["42501"], "managers");
    }
    manager.run(&format!(r#"SELECT crm.update_segment({id}, criteria => '{{"v":1,"where":{{"all":[]}}}}')"#));
    red.sql.expect_rows(&format!("SELECT is_sensitive FROM crm.segment WHERE segment_id = {id}"), &["f"]);
}

#[test]
fn an_organisation_asks_only_for_what_was_told_to_all_of_it() {
    let mut red = Restaurants::new("organisation");
    let mut admin = red.member("red", "admin", "NULL");
    let of_all = BY_HEALTH.replace(r#""v":1"#, r#""v":1,"scope":"org""#);
    let id = admin.value(&format!("SELECT crm.create_segment(NULL, 'nuts', 'Nuts', '{of_all}')"));
    red.sql.run("SELECT crm.set_health_needs('ana', ARRAY['nuts'], venue => 'r1')");
    admin.expect_rows(&format!("SELECT crm.segment_size({id})"), &["0"]);
    red.sql.run("SELECT crm.set_health_needs('ana', ARRAY['nuts'])");
    admin.expect_rows(&format!("SELECT crm.is_member({id}, 'ana'), crm.segment_size({id})"), &["t|1"]);
}

#[test]
fn segments_follow_what_is_stated_and_derived() {
    let mut red = Restaurants::new("live");
    let create = |sql: &mut Session, key: &str, field: &str, op: &str, value: &str| {
        sql.value(&format!(r#"SELECT crm.create_segment('r1', '{key}', 'S', '{{"v":1,"where":{{"field":"{field}","op":"{op}","value":{value}}}}}')"#))
    };
    let wine = create(&mut red.sql, "wine", "favourites", "has", r#""Red wine""#);
    let soup = create(&mut red.sql, "soup", "dislikes", "has_any", r#"["Soup"]"#);
    let dinner = create(&mut red.sql, "dinner", "preferred_daypart", "eq", r#""dinner""#);
    let table = create(&mut red.sql, "table", "preferred_table", "eq", r#""t1""#);
    let food = create(&mut red.sql, "food", "preferred_category", "eq", r#""food""#);
    let steady = create(&mut red.sql, "steady", "spend_trend", "eq", r#""steady""#);
    let sizes = format!(
        "SELECT string_agg(crm.segment_size(s)::text, ' ' ORDER BY s) FROM unnest(ARRAY[{wine},{soup},{dinner},{table},{food},{steady}]) s"
    );
    assert_eq!(red.sql.value(&sizes), "1 2 3 1 2 1");
    red.sql.run("SELECT crm.state_preference('ana', 'disliked_product', 'wine'); SELECT crm.state_preference('cleo', 'favourite_product', 'wine', 'r1')");
    red.sql.run("SELECT crm.state_preference('ben', 'favourite_product', 'soup')");
    assert_eq!(red.sql.value(&sizes), "1 1 3 1 2 1");
    red.sql.run("SELECT crm.withdraw_preference('ana', 'disliked_product', 'wine')");
    assert_eq!(red.sql.value(&sizes), "2 1 3 1 2 1");
    red.sql.run("DELETE FROM \"Line\"; SELECT crm.derive_preferences('r1')");
    assert_eq!(red.sql.value(&sizes), "1 0 3 1 0 1");
    red.sql.expect_rows("SELECT DISTINCT e.cause FROM crm.segment_event e JOIN crm.segment s USING (org_id, segment_id) WHERE NOT s.is_system AND e.cause NOT IN ('criteria', 'night')", &["preference"]);
}

#[test]
fn a_merge_moves_what_was_recorded_and_its_taking_back_returns_it() {
    let mut red = Restaurants::new("merge");
    red.sql.run(
        "SELECT crm.set_health_needs('ana', ARRAY['nuts']); SELECT crm.set_health_needs('ana2', ARRAY['nuts', 'milk'], venue => 'r1');
         SELECT crm.state_preference('ana2', 'seating', 'terrace'); SELECT crm.state_preference('ana', 'favourite_product', 'soup')",
    );
    let state = "SELECT 'need', n::text FROM crm.health_need n UNION ALL SELECT 'said', s::text FROM crm.stated_preference s
                 UNION ALL SELECT 'derived', d::text FROM crm.derived_preference d UNION ALL SELECT 'habit', h::text FROM crm.guest_habit h ORDER BY 1, 2";
    let before = red.sql.rows(state);
    let both = "ARRAY[crm.key('ana'), crm.key('ana2')]";
    red.sql.run(&format!("SELECT crm.merge_customers('ana', 'ana2', 'same phone'); SELECT crm.move_preferences(c.org_id, {both}) FROM crm.customer c WHERE ref = 'ana'"));
    red.sql.expect_rows(
        "SELECT crm.kitchen_card(c, 'r1') ->> 'allergens', crm.kitchen_card(c, 'r1') ->> 'seating', crm.kitchen_card(c, 'r1') ->> 'name' FROM unnest('{ana,ana2}'::text[]) c",
        &[r#"["milk", "nuts"]|["terrace"]|Ana"#, r#"["milk", "nuts"]|["terrace"]|Ana"#],
    );
    red.sql.run(&format!("SELECT crm.unmerge_customer('ana2'); SELECT crm.move_preferences(c.org_id, {both}) FROM crm.customer c WHERE ref = 'ana'"));
    assert_eq!(red.sql.rows(state), before);
    // Orders of both tell of one.
    red.sql.run("SELECT eat('ana2', 'r1', date '2025-02-01' + n + time '12:00', 10, '{w2}', NULL, NULL, NULL) FROM generate_series(1, 4) n; SELECT crm.derive_preferences('r1', false)");
    let white = "SELECT c.ref, d.orders, d.of_orders FROM crm.derived_preference d JOIN crm.customer c USING (customer_id) WHERE value = 'w2' ORDER BY 1";
    red.sql.expect_rows(white, &["ana2|4|4"]);
    red.sql.run(&format!("SELECT crm.merge_customers('ana', 'ana2', 'same phone'); SELECT crm.move_preferences(c.org_id, {both}) FROM crm.customer c WHERE ref = 'ana'"));
    red.sql.expect_rows(white, &["ana|4|15"]);
    red.sql.run(&format!("SELECT crm.unmerge_customer('ana2'); SELECT crm.move_preferences(c.org_id, {both}) FROM crm.customer c WHERE ref = 'ana'"));
    red.sql.expect_rows(white, &["ana2|4|4"]);
}

#[test]
fn the_catalogue_has_the_values_that_can_be_recorded() {
    let mut red = Restaurants::new("values");
    red.sql.expect_rows(
        "SELECT e ->> 'name', e -> 'values' = to_jsonb(crm.health_values(CASE e ->> 'name' WHEN 'allergens' THEN 'allergen' ELSE 'diet' END)), e ->> 'health'
           FROM jsonb_path_query(crm.criteria_schema()::jsonb, '$.\"$defs\".catalogue.enum[*]') e WHERE e ->> 'name' IN ('allergens', 'dietary') ORDER BY 1",
        &["allergens|t|true", "dietary|t|true"],
    );
}
