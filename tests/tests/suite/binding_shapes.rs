//! Every shape of host table the binding promises to read, with one story told in each and one expectation.
//!
//! Paris, all times local: ana orders at 20:00 and 23:30 on 1 March and at 00:30 on 2 March 2025, together 50.00 in two visits; ben once
//! at noon on 5 March for 99.00, and once more without completing; a walk-in pays 5.00. After binding, cleo pays 64.00 at noon on 6 March.

use crm_tests::TestDatabase;

type Render = fn(&str) -> String;

/// How one host keeps its orders. `render` functions turn the story's words into SQL literals.
struct Shape {
    name: &'static str,
    types: &'static str,
    venue_id_type: &'static str,
    venue_id: Render,
    customer_id_type: &'static str,
    customer_id: Render,
    order_id_type: &'static str,
    order_id: fn(u32) -> String,
    time_type: &'static str,
    /// From local time in Paris.
    time: Render,
    time_mapping: &'static str,
    total_type: &'static str,
    /// From whole units of currency.
    total: fn(u32) -> String,
    total_mapping: &'static str,
    state_type: &'static str,
    done: &'static str,
    open: &'static str,
    completed_mapping: &'static str,
    walk_in: &'static str,
    customer_mapping: &'static str,
    /// A date has no hour: orders of one day share their instant.
    days_only: bool,
}

fn quoted(text: &str) -> String {
    format!("'{text}'")
}

/// A stable small number for a word of the story.
fn numbered(word: &str) -> String {
    word.bytes().map(u32::from).sum::<u32>().to_string()
}

fn as_uuid(word: &str) -> String {
    format!("'00000000-0000-4000-8000-{:0>12}'", numbered(word))
}

fn utc_instant(local: &str) -> String {
    format!("timestamp '{local}' AT TIME ZONE 'Europe/Paris'")
}

const PLAIN: Shape = Shape {
    name: "text",
    types: "",
    venue_id_type: "text",
    venue_id: quoted,
    customer_id_type: "text",
    customer_id: quoted,
    order_id_type: "text",
    order_id: |n| format!("'order-{n}'"),
    time_type: "timestamptz",
    time: utc_instant,
    time_mapping: r#""done_at""#,
    total_type: "numeric(10,2)",
    total: |units| format!("{units}.00"),
    total_mapping: r#""total""#,
    state_type: "text",
    done: "'PAID'",
    open: "'OPEN'",
    completed_mapping: r#"{"column":"state","in":["PAID","SETTLED"]}"#,
    walk_in: "NULL",
    customer_mapping: r#""customer_id""#,
    days_only: false,
};

fn shapes() -> Vec<Shape> {
    vec![
        PLAIN,
        Shape {
            name: "uuid_ids",
            venue_id_type: "uuid",
            venue_id: as_uuid,
            customer_id_type: "uuid",
            customer_id: as_uuid,
            order_id_type: "uuid",
            order_id: |n| format!("'00000000-0000-4000-9000-{n:0>12}'"),
            ..PLAIN
        },
        Shape {
            name: "bigint_ids",
            venue_id_type: "bigint",
            venue_id: numbered,
            customer_id_type: "bigint",
            customer_id: numbered,
            order_id_type: "bigint",
            order_id: |n| n.to_string(),
            ..PLAIN
        },
        Shape {
            name: "mixed_ids",
            venue_id_type: "smallint",
            venue_id: numbered,
            customer_id_type: "varchar(40)",
            order_id_type: "integer",
            order_id: |n| n.to_string(),
            ..PLAIN
        },
        Shape {
            name: "timestamp_utc",
            time_type: "timestamp(3)",
            time: |local| format!("({}) AT TIME ZONE 'UTC'", utc_instant(local)),
            time_mapping: r#"{"column":"done_at","zone":"UTC"}"#,
            ..PLAIN
        },
        Shape {
            name: "timestamp_local",
            time_type: "timestamp",
            time: |local| format!("timestamp '{local}'"),
            time_mapping: r#"{"column":"done_at","zone":"Europe/Paris"}"#,
            ..PLAIN
        },
        Shape {
            name: "date",
            time_type: "date",
            time: |local| format!("date '{}'", &local[..10]),
            days_only: true,
            ..PLAIN
        },
        Shape {
            name: "minor_units_2",
            total_type: "bigint",
            total: |units| format!("{units}00"),
            total_mapping: r#"{"column":"total","minor_units":2}"#,
            ..PLAIN
        },
        Shape {
            name: "minor_units_0",
            total_type: "integer",
            total: |units| units.to_string(),
            total_mapping: r#"{"column":"total","minor_units":0}"#,
            ..PLAIN
        },
        Shape { name: "numeric_total", total_type: "numeric", ..PLAIN },
        Shape { name: "float_total", total_type: "double precision", ..PLAIN },
        Shape { name: "integer_total", total_type: "integer", total: |units| units.to_string(), ..PLAIN },
        Shape {
            name: "status_enum",
            types: "CREATE TYPE order_state AS ENUM ('OPEN', 'PAID', 'SETTLED')",
            state_type: "order_state",
            ..PLAIN
        },
        Shape { name: "status_varchar", state_type: "varchar(10)", ..PLAIN },
        Shape {
            name: "status_boolean",
            state_type: "boolean",
            done: "true",
            open: "false",
            completed_mapping: r#"{"column":"state","in":["true"]}"#,
            ..PLAIN
        },
        Shape {
            name: "status_integer",
            state_type: "smallint",
            done: "3",
            open: "1",
            completed_mapping: r#"{"column":"state","in":["3","4"]}"#,
            ..PLAIN
        },
        Shape {
            name: "paid_at_not_null",
            state_type: "timestamptz",
            done: "now()",
            open: "NULL",
            completed_mapping: r#"{"column":"state","not_null":true}"#,
            ..PLAIN
        },
        Shape {
            name: "walk_in_list",
            walk_in: "'POS'",
            customer_mapping: r#"{"column":"customer_id","walk_in":["0","POS"]}"#,
            ..PLAIN
        },
        Shape {
            name: "walk_in_number",
            customer_id_type: "integer",
            customer_id: numbered,
            walk_in: "0",
            customer_mapping: r#"{"column":"customer_id","walk_in":["0"]}"#,
            ..PLAIN
        },
        Shape {
            name: "column_objects",
            total_mapping: r#"{"column":"total"}"#,
            time_mapping: r#"{"column":"done_at"}"#,
            ..PLAIN
        },
    ]
}

impl Shape {
    fn order(&self, number: u32, customer: Option<&str>, local: &str, units: u32, state: &str) -> String {
        format!(
            "INSERT INTO sale VALUES ({}, {}, {}, {}, {}, {state})",
            (self.order_id)(number),
            (self.venue_id)("paris"),
            customer.map_or_else(|| self.walk_in.to_owned(), self.customer_id),
            (self.total)(units),
            (self.time)(local),
        )
    }

    fn create_and_fill(&self) -> String {
        let venue = (self.venue_id)("paris");
        let mut statements = vec![
            self.types.to_owned(),
            format!("CREATE TABLE place (id {} PRIMARY KEY, name text)", self.venue_id_type),
            format!("INSERT INTO place VALUES ({venue}, 'Paris')"),
            format!("CREATE TABLE person (id {} PRIMARY KEY, name text)", self.customer_id_type),
            format!(
                "CREATE TABLE sale (id {} PRIMARY KEY, venue_id {}, customer_id {}, total {}, done_at {}, state {})",
                self.order_id_type,
                self.venue_id_type,
                self.customer_id_type,
                self.total_type,
                self.time_type,
                self.state_type
            ),
        ];
        for name in ["ana", "ben", "cleo"] {
            statements.push(format!("INSERT INTO person VALUES ({}, '{name}')", (self.customer_id)(name)));
        }
        statements.extend([
            self.order(1, Some("ana"), "2025-03-01 20:00", 13, self.done),
            self.order(2, Some("ana"), "2025-03-01 23:30", 7, self.done),
            self.order(3, Some("ana"), "2025-03-02 00:30", 30, self.done),
            self.order(4, Some("ben"), "2025-03-05 12:00", 99, self.done),
            self.order(5, Some("ben"), "2025-03-05 13:00", 77, self.open),
            self.order(6, None, "2025-03-05 12:00", 5, self.done),
        ]);
        statements.join(";\n")
    }

    fn bind_order(&self) -> String {
        format!(
            r#"SELECT crm.bind('order', 'public.sale', '{{"ref":"id","venue":"venue_id","customer":{},"total":{},"completed_at":{},"completed":{}}}')"#,
            self.customer_mapping, self.total_mapping, self.time_mapping, self.completed_mapping
        )
    }
}

const GUESTS: &str = "SELECT c.name, s.total_orders, s.total_visits, s.total_spent, s.highest_order,
        to_char(s.first_order_at AT TIME ZONE v.timezone, 'DD HH24:MI'), to_char(s.last_order_at AT TIME ZONE v.timezone, 'DD HH24:MI')
   FROM crm.customer_venue_stats s JOIN crm.venue v USING (org_id, venue_id) JOIN crm.customer c USING (org_id, customer_id)
  WHERE s.total_orders > 0 ORDER BY 1";

const GUEST_DAYS: &str = "SELECT c.name, s.total_orders, s.total_visits, s.total_spent, s.highest_order,
        to_char(s.first_order_at AT TIME ZONE v.timezone, 'DD'), to_char(s.last_order_at AT TIME ZONE v.timezone, 'DD')
   FROM crm.customer_venue_stats s JOIN crm.venue v USING (org_id, venue_id) JOIN crm.customer c USING (org_id, customer_id)
  WHERE s.total_orders > 0 ORDER BY 1";

/// The story in the given shape and session time zone: by backfill, then by trigger with a session of another time zone.
fn tell(shape: &Shape, zone: &str, other_zone: &str) {
    let database = TestDatabase::new(shape.name);
    let mut sql = database.session();
    sql.run(&format!("SET TimeZone = '{zone}'"));
    sql.run(&shape.create_and_fill());
    sql.run(
        r#"SELECT crm.bind('venue', 'public.place', '{"ref":"id","name":"name","timezone":{"constant":"Europe/Paris"},"currency":{"constant":"EUR"}}');
           SELECT crm.bind('customer', 'public.person', '{"ref":"id","name":"name"}')"#,
    );
    sql.run(&shape.bind_order());
    sql.run("CALL crm.backfill()");
    let (query, ana, ben, cleo) = if shape.days_only {
        (GUEST_DAYS, "ana|3|2|50.00|30.00|01|02", "ben|1|1|99.00|99.00|05|05", "cleo|1|1|64.00|64.00|06|06")
    } else {
        (
            GUESTS,
            "ana|3|2|50.00|30.00|01 20:00|02 00:30",
            "ben|1|1|99.00|99.00|05 12:00|05 12:00",
            "cleo|1|1|64.00|64.00|06 12:00|06 12:00",
        )
    };
    let told = format!("shape {} in {zone}", shape.name);
    assert_eq!(sql.rows(query), [ana, ben], "{told}, backfilled");
    sql.expect_rows("SELECT count(*) FROM crm.orders", &["4"]);
    sql.expect_rows("SELECT reason, count(*) FROM crm.skipped_orders GROUP BY 1", &["walk_in|1"]);

    // The application's connection has a time zone of its own and completes by update.
    let mut app = database.session();
    app.run(&format!("SET TimeZone = '{other_zone}'"));
    app.run(&shape.order(7, Some("cleo"), "2025-03-06 12:00", 64, shape.open));
    app.run(&format!("UPDATE sale SET state = {} WHERE id = {}", shape.done, (shape.order_id)(7)));
    assert_eq!(sql.rows(query), [ana, ben, cleo], "{told}, completed by trigger in {other_zone}");
    app.run(&format!("DELETE FROM sale WHERE id = {}", (shape.order_id)(4)));
    assert_eq!(sql.rows(query), [ana, cleo], "{told}, deleted");
    sql.expect_none("SELECT * FROM crm.failed_change");
    sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_stats(v.ref) d");
    sql.expect_none("SELECT * FROM crm.check_binding() WHERE severity = 'error'");
    // Orders since an instant, found by the platform's own column, are the orders whose time is not before it.
    sql.expect_none(
        "SELECT v.ref, since FROM crm.venue v, generate_series(timestamptz '2025-02-27 00:00+00', '2025-03-08 00:00+00', '30 minutes') AS since
          WHERE (SELECT array_agg(o::text ORDER BY o::text) FROM crm.counted_orders_within(v.ref, since, 'infinity') o)
                IS DISTINCT FROM (SELECT array_agg(o::text ORDER BY o::text) FROM crm.counted_orders_at(v.ref) o WHERE o.completed_at >= since)",
    );
}

#[test]
fn every_shape_tells_the_same_story_in_utc() {
    for shape in shapes() {
        tell(&shape, "UTC", "Asia/Tokyo");
    }
}

#[test]
fn every_shape_tells_the_same_story_in_tokyo() {
    for shape in shapes() {
        tell(&shape, "Asia/Tokyo", "UTC");
    }
}
