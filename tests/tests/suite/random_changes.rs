//! Long random histories of everything that can change an order, on platforms of several shapes: after each change the
//! totals are those of the orders, without any repair.

use crm_tests::restaurant;
use crm_tests::sequence::Sequence;
use crm_tests::{Session, TestDatabase, oracle};

/// Labels of that day vary: orders are of the three weeks before.
const TODAY: &str = "2025-03-20 12:00+00";

/// When the nights were, of which the first week's days are closed: a change of one of them is followed another way.
const NIGHT: &str = "2025-03-08 04:00+00";

/// How the platform keeps its orders.
struct Shape {
    partitioned: bool,
    /// The platform's own triggers change orders in the course of changes.
    busy: bool,
}

const PARTITIONED: &str = r#"
    DROP TABLE "Order";
    CREATE TABLE "Order" (id text, "venueId" text, "customerId" text, status text NOT NULL DEFAULT 'PENDING', total numeric(14,2),
      "completedAt" timestamptz, note text, PRIMARY KEY (id, "venueId")) PARTITION BY LIST ("venueId");
    CREATE INDEX ON "Order" ("customerId");
    CREATE TABLE order_east PARTITION OF "Order" FOR VALUES IN ('east') PARTITION BY HASH (id);
    CREATE TABLE order_east_0 PARTITION OF order_east FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE order_east_1 PARTITION OF order_east FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    CREATE TABLE order_other PARTITION OF "Order" DEFAULT"#;

/// Keys with actions on the orders, whichever way they are kept.
const CASCADES: &str = r#"
    ALTER TABLE "Order" ADD FOREIGN KEY ("customerId") REFERENCES "Customer" ON UPDATE CASCADE ON DELETE SET NULL,
      ADD FOREIGN KEY ("venueId") REFERENCES "Venue" ON DELETE CASCADE"#;

/// Triggers that fire before and after the CRM's, on rows and statements, and change orders in statements of their own:
/// of the same row, of others, some taken back again.
const BUSY: &str = r#"
    CREATE FUNCTION before_row() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN new.total := LEAST(new.total, 45); RETURN new; END$$;
    CREATE FUNCTION after_row() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
      IF pg_trigger_depth() > 1 THEN RETURN NULL; END IF;
      CASE right(new.id, 1)
        WHEN '1' THEN UPDATE "Order" SET total = total * 0.75 WHERE id = new.id;
        WHEN '2' THEN UPDATE "Order" SET "customerId" = 'g1' WHERE id = new.id AND "customerId" = 'g2';
        WHEN '3' THEN UPDATE "Order" SET "completedAt" = "completedAt" + interval '1 hour' WHERE "customerId" = new."customerId";
        WHEN '4' THEN DELETE FROM "Order" WHERE id = new.id AND total < 5;
        WHEN '5' THEN
          BEGIN
            UPDATE "Order" SET total = total + 1 WHERE "customerId" = 'g3';
            RAISE EXCEPTION 'never mind';
          EXCEPTION WHEN raise_exception THEN NULL;
          END;
        WHEN '6' THEN UPDATE "Order" SET total = total + 0.01 WHERE id = 'o6' OR id = 'o16';
        ELSE NULL;
      END CASE;
      RETURN NULL;
    END$$;
    CREATE FUNCTION after_statement() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
      IF pg_trigger_depth() = 1 THEN UPDATE "Order" SET total = total + 0.01 WHERE id = 'o8' OR id = 'o9'; END IF;
      RETURN NULL;
    END$$;
    CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
      IF right(new.id, 1) = '0' THEN UPDATE "Order" SET total = total + 0.02 WHERE id = 'o11' OR id = 'o12'; END IF;
      RETURN NULL;
    END$$;
    CREATE TRIGGER a_row BEFORE INSERT OR UPDATE ON "Order" FOR EACH ROW EXECUTE FUNCTION before_row();
    CREATE TRIGGER a_after AFTER INSERT ON "Order" FOR EACH ROW EXECUTE FUNCTION after_row();
    CREATE TRIGGER z_after AFTER UPDATE ON "Order" FOR EACH ROW EXECUTE FUNCTION after_row();
    CREATE TRIGGER a_statement AFTER INSERT OR UPDATE ON "Order" FOR EACH STATEMENT EXECUTE FUNCTION after_statement();
    CREATE TRIGGER z_statement AFTER DELETE ON "Order" FOR EACH STATEMENT EXECUTE FUNCTION after_statement();
    CREATE CONSTRAINT TRIGGER z_commit AFTER INSERT ON "Order" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit()"#;

fn platform(purpose: &str, shape: &Shape) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    sql.run(&format!("SET crm.as_of = '{NIGHT}'; SET synchronous_commit = off"));
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "east", "Asia/Tokyo");
    restaurant::add_venue(&mut sql, "west", "America/Los_Angeles");
    restaurant::add_venue(&mut sql, "north", "Europe/Oslo");
    sql.run(r#"INSERT INTO "Customer" (id) SELECT 'g' || i FROM generate_series(1, 7) i"#);
    if shape.partitioned {
        sql.run(PARTITIONED);
    }
    sql.run(CASCADES);
    restaurant::bind_with_refunds(&mut sql);
    if shape.busy {
        sql.run(BUSY);
    }
    sql.run(&format!("SET crm.as_of = '{TODAY}'"));
    oracle::install(&mut sql, oracle::Source::RestaurantWithRefunds);
    (database, sql)
}

/// One change of a careless application, in one or several statements.
fn change(random: &mut Sequence, shape: &Shape, number: u32) -> String {
    let (order, other) = (random.below(60), random.below(60));
    let guest = match random.below(8) {
        0 => "NULL".to_owned(),
        n => format!("'g{n}'"),
    };
    let venue = ["east", "west", "north"][random.below(3) as usize];
    let total = random.below(5000);
    // Few hours on few days, so that days are shared, emptied and filled again.
    let time = format!("timestamptz '2025-03-01 00:00+00' + interval '{} hours'", random.below(60) * 7);
    let status = ["COMPLETED", "COMPLETED", "COMPLETED", "CANCELLED"][random.below(4) as usize];
    let key = if shape.partitioned { r#"(id, "venueId")"# } else { "(id)" };
    let columns = r#""Order" (id, "venueId", "customerId", status, total, "completedAt")"#;
    let values = format!("'{venue}', {guest}, '{status}', {total} / 100.0, {time}");
    match random.below(27) {
        0..=3 => format!(
            r#"INSERT INTO {columns} VALUES ('o{order}', {values})
               ON CONFLICT {key} DO UPDATE SET total = excluded.total, status = excluded.status, "completedAt" = excluded."completedAt""#
        ),
        4 => format!(r#"UPDATE "Order" SET status = '{status}' WHERE id = 'o{order}'"#),
        5 => format!(r#"UPDATE "Order" SET "customerId" = {guest} WHERE id = 'o{order}'"#),
        6 => format!(r#"UPDATE "Order" SET "venueId" = '{venue}', total = {total} / 100.0 WHERE id = 'o{order}' AND NOT EXISTS (SELECT FROM "Order" WHERE id = 'o{order}' AND "venueId" = '{venue}')"#),
        7 => format!(r#"UPDATE "Order" SET "completedAt" = {time} WHERE id IN ('o{order}', 'o{other}')"#),
        8 => format!(r#"DELETE FROM "Order" WHERE id = 'o{order}' OR (id NOT LIKE 'o%' AND hashtext(id || {number}) % 2 = 0)"#),
        9 => format!(
            r#"UPDATE "Order" SET status = CASE WHEN hashtext(id || {number}) % 2 = 0 THEN 'COMPLETED' ELSE 'PENDING' END,
                      "customerId" = CASE WHEN hashtext(id || {number}) % 3 = 0 THEN {guest} ELSE "customerId" END
                WHERE hashtext(id || {number}) % 6 = 0"#
        ),
        10 => format!(
            r#"WITH gone AS (DELETE FROM "Order" WHERE id = 'o{order}' RETURNING *),
                    corrected AS (UPDATE "Order" SET total = total + 1 WHERE id = 'o{other}' AND id <> 'o{order}' RETURNING *)
               INSERT INTO {columns} SELECT id || 'x{number}', '{venue}', {guest}, '{status}', total + 1, {time} FROM gone"#
        ),
        11 => format!(r#"UPDATE "Order" SET refunded = CASE {total} % 4 WHEN 0 THEN total WHEN 1 THEN NULL ELSE total / 3 END WHERE id IN ('o{order}', 'o{other}')"#),
        12 => format!(r#"UPDATE "Order" SET total = total + {} WHERE id = 'o{order}'"#, i64::try_from(random.below(20)).unwrap_or(0) - 10),
        13 => format!(
            r#"MERGE INTO "Order" o USING (VALUES ('o{order}', {total} / 100.0), ('o{other}', 3), ('m{number}', 4)) AS v(id, total) ON o.id = v.id
               WHEN MATCHED AND o.total < 10 THEN DELETE
               WHEN MATCHED THEN UPDATE SET total = v.total, status = '{status}'
               WHEN NOT MATCHED AND v.id LIKE 'm%' THEN INSERT (id, "venueId", "customerId", status, total, "completedAt") VALUES (v.id, '{venue}', {guest}, '{status}', v.total, {time})"#
        ),
        14 => format!(
            r#"UPDATE "Order" o SET total = v.total, "completedAt" = v.at FROM (VALUES ('o{order}', 1.5, {time}), ('o{other}', 2.5, NULL)) AS v(id, total, at) WHERE o.id = v.id"#
        ),
        15 => format!(
            r#"DO $$DECLARE due CURSOR FOR SELECT * FROM "Order" WHERE "customerId" = {guest} FOR UPDATE; BEGIN
                 FOR one IN due LOOP
                   IF one.total > 20 THEN DELETE FROM "Order" WHERE CURRENT OF due; ELSE UPDATE "Order" SET total = total + 3 WHERE CURRENT OF due; END IF;
                 END LOOP; END$$"#
        ),
        16 => format!(
            r#"DO $$BEGIN FOR i IN 1 .. 4 LOOP
                 INSERT INTO {columns} VALUES ('d{number}-' || i, {values});
                 BEGIN
                   UPDATE "Order" SET "customerId" = 'g5', total = i WHERE id IN ('d{number}-' || i, 'o{order}');
                   IF i % 2 = 0 THEN RAISE EXCEPTION 'back'; END IF;
                 EXCEPTION WHEN raise_exception THEN UPDATE "Order" SET status = 'COMPLETED' WHERE id = 'o{other}';
                 END;
               END LOOP; END$$"#
        ),
        17 => format!(r#"INSERT INTO {columns} SELECT 'n{number}-' || i, {values} + i * interval '9 hours' FROM generate_series(1, 5) i"#),
        18 => r#"DELETE FROM "Customer" WHERE id IN ('g4', 'g6'); INSERT INTO "Customer" (id) VALUES ('g4'), ('g6')"#.to_owned(),
        19 => format!(r#"UPDATE "Customer" SET id = CASE id WHEN 'g7' THEN 'h7' ELSE 'g7' END WHERE id IN ('g7', 'h7'); INSERT INTO "Customer" (id) VALUES ('g7') ON CONFLICT DO NOTHING; DELETE FROM "Customer" WHERE id = 'h7' AND {number} % 2 = 0"#),
        20 => format!(
            r#"SET LOCAL session_replication_role = replica; INSERT INTO {columns} VALUES ('r{number}', {values}), ('s{number}', {values});
               UPDATE "Order" SET total = total + 1 WHERE id IN ('o{order}', 'r{number}'); SET LOCAL session_replication_role = origin"#
        ),
        21 => format!(r#"PREPARE correct(text, numeric) AS UPDATE "Order" SET total = $2 WHERE id = $1; EXECUTE correct('o{order}', 8); EXECUTE correct('o{other}', 9); DEALLOCATE correct"#),
        22 if shape.partitioned => match random.below(4) {
            0 => format!(r#"UPDATE order_east SET total = total + 1, "customerId" = {guest} WHERE hashtext(id || {number}) % 4 = 0"#),
            1 => format!(r#"INSERT INTO order_east VALUES ('p{number}', 'east', {guest}, '{status}', 5, {time}), ('q{number}', 'east', {guest}, '{status}', 6, {time}); UPDATE "Order" SET total = 7 WHERE id = 'p{number}'"#),
            2 => format!(r#"DELETE FROM order_other WHERE hashtext(id || {number}) % 5 = 0; UPDATE "Order" SET total = total + 2 WHERE hashtext(id || {number}) % 7 = 0"#),
            _ => format!(r#"UPDATE order_east_0 SET status = '{status}'; DELETE FROM order_east_1 WHERE id = 'o{order}'"#),
        },
        22 => format!(r#"UPDATE "Order" SET note = 'x'; UPDATE "Order" SET total = NULL WHERE id = 'o{order}'"#),
        23 => format!(
            r#"COPY {columns} FROM PROGRAM 'printf "c{number},{venue},g1,{status},7.5,2025-03-09 10:00+00\nk{number},{venue},g2,{status},8.5,2025-03-02 10:00+00\n"' (FORMAT csv)"#
        ),
        24 => r#"DELETE FROM "Venue" WHERE id = 'north'; INSERT INTO "Venue" (id, name, tz, currency) VALUES ('north', 'North', 'Europe/Oslo', 'NOK')"#.to_owned(),
        25 => r#"UPDATE "Order" SET "customerId" = CASE "customerId" WHEN 'g1' THEN 'g2' ELSE 'g1' END WHERE "customerId" IN ('g1', 'g2')"#.to_owned(),
        _ => format!(r#"UPDATE "Order" SET total = 100 - total WHERE "customerId" = {guest}"#),
    }
}

#[track_caller]
fn expect_in_step(sql: &mut Session, seed: u64, number: u32, step: &str) {
    let failed = sql.rows("SELECT venue_ref, customer_ref, sqlstate, message FROM crm.failed_change");
    let differing = sql.rows("SELECT * FROM oracle.differing_totals()");
    let unverified = sql.rows("SELECT v.ref, d.* FROM crm.venue v, crm.verify_stats(v.ref) d");
    assert!(
        failed.is_empty() && differing.is_empty() && unverified.is_empty(),
        "seed {seed}, step {number}:\n{step}\nfailed {failed:#?}\ndiffering {differing:#?}\nunverified {unverified:#?}"
    );
}

fn history(purpose: &str, shape: &Shape, seed: u64, steps: u32) {
    let (_database, mut sql) = platform(purpose, shape);
    let two_phases = sql.value("SHOW max_prepared_transactions") != "0";
    let mut random = Sequence::from_seed(seed);
    let mut refused = 0;
    for number in 1..=steps {
        let (one, two, three) = (
            change(&mut random, shape, number),
            change(&mut random, shape, number + steps),
            change(&mut random, shape, number + 2 * steps),
        );
        let step = match random.below(12) {
            0 => vec![format!("BEGIN; {one}; {two}; ROLLBACK")],
            1 => vec![format!("BEGIN; {one}; SAVEPOINT s; {two}; ROLLBACK TO s; {three}; COMMIT")],
            2 => vec![format!(
                "BEGIN; SAVEPOINT s; {one}; SAVEPOINT t; {two}; RELEASE t; ROLLBACK TO s; {two}; RELEASE s; {three}; COMMIT"
            )],
            3 => vec![format!("BEGIN ISOLATION LEVEL REPEATABLE READ; {one}; {two}; COMMIT")],
            4 => vec![format!("BEGIN ISOLATION LEVEL SERIALIZABLE; {one}; {two}; COMMIT")],
            5 if two_phases => {
                vec![
                    format!("BEGIN; {one}; {two}; PREPARE TRANSACTION 'p{number}'"),
                    format!("COMMIT PREPARED 'p{number}'"),
                ]
            }
            6 => vec!["BEGIN".to_owned(), one, two, three, "COMMIT".to_owned()],
            // Sent as one message: one transaction.
            _ => vec![format!("{one}; {two}")],
        };
        if let Some(refusal) = step.iter().find_map(|message| sql.attempt(message).err()) {
            // The platform's own keys may refuse, a row changed twice may; nothing of the CRM's may.
            assert!(
                ["23505", "23503", "21000"].contains(&refusal.code.as_str()),
                "seed {seed}, step {number}: {refusal:#?}\n{step:#?}"
            );
            sql.run("ROLLBACK; DEALLOCATE ALL");
            refused += 1;
        }
        if number % 4 == 0 || number == steps {
            expect_in_step(&mut sql, seed, number, &step.join(";\n"));
        }
        if number % 100 == 0 {
            sql.run(&format!("SELECT crm.recompute_venue(ref, '{NIGHT}') FROM crm.venue"));
        }
    }
    assert!(refused < steps / 5, "{refused} of {steps} changes were refused");
    expect_history_of_labels(&mut sql);
    sql.run(&format!("SELECT crm.recompute_venue(ref, '{TODAY}') FROM crm.venue"));
    oracle::expect_scores(&mut sql, TODAY);
    sql.expect_none("SELECT v.ref, d.* FROM crm.venue v, crm.verify_venue_days(v.ref) d");
}

/// Each change of a label is one row: from what it was to what it became, the last one to what it is.
#[track_caller]
fn expect_history_of_labels(sql: &mut Session) {
    assert!(sql.number("SELECT count(*) FROM crm.label_change") > 50, "labels changed");
    sql.expect_none(
        "SELECT * FROM (SELECT c.*, lag(to_label) OVER guest AS before, lead(from_label) OVER guest AS after, t.label
                          FROM crm.label_change c JOIN crm.customer_venue_stats t USING (org_id, venue_id, customer_id)
                        WINDOW guest AS (PARTITION BY org_id, venue_id, customer_id ORDER BY change_id)) c
          WHERE from_label = to_label OR before <> from_label OR (after IS NULL AND to_label <> label)",
    );
    sql.expect_none(
        "SELECT t.* FROM crm.customer_venue_stats t
           LEFT JOIN LATERAL (SELECT * FROM crm.label_change c WHERE (c.org_id, c.venue_id, c.customer_id) = (t.org_id, t.venue_id, t.customer_id)
                               ORDER BY change_id DESC LIMIT 1) c ON true
          WHERE t.previous_label IS DISTINCT FROM c.from_label OR (c.changed_at IS NOT NULL AND t.label_changed_at <> c.changed_at)",
    );
}

#[test]
fn a_history_of_a_plain_table() {
    history("plain", &Shape { partitioned: false, busy: false }, 20250301, 400);
}

#[test]
fn a_history_of_a_plain_table_whose_own_triggers_change_orders() {
    history("busy", &Shape { partitioned: false, busy: true }, 20250302, 300);
}

#[test]
fn a_history_of_a_partitioned_table() {
    history("partitioned", &Shape { partitioned: true, busy: false }, 20250303, 400);
}

#[test]
fn a_history_of_a_partitioned_table_whose_own_triggers_change_orders() {
    history("partitioned_busy", &Shape { partitioned: true, busy: true }, 20250304, 300);
}
