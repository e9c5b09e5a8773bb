//! Cases in which totals once went wrong: triggers of the platform, ids written differently, absurd values, and
//! organisations that share ids.

use std::time::{Duration, Instant};

use crm_tests::restaurant::{self, totals};
use crm_tests::{Session, TestDatabase};

fn platform(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Berlin");
    sql.run("SELECT dine('ana', 'bistro', '2025-06-01 20:00', 10)");
    restaurant::bind(&mut sql);
    (database, sql)
}

#[test]
fn an_order_that_a_trigger_of_the_platform_hands_to_another_guest_counts_once() {
    let (_database, mut sql) = platform("handed_over");
    sql.run(
        r#"INSERT INTO "Customer" (id, name) VALUES ('card', 'Card'), ('member', 'Member');
           CREATE FUNCTION public.attach() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
             IF new."customerId" = 'card' THEN UPDATE public."Order" SET "customerId" = 'member' WHERE id = new.id; END IF; RETURN NULL; END$$;
           CREATE TRIGGER attach AFTER INSERT ON "Order" FOR EACH ROW EXECUTE FUNCTION public.attach();
           SELECT dine('card', 'bistro', '2025-06-02 20:00', 20)"#,
    );
    assert_eq!(totals(&mut sql, "bistro", "member"), "1 1 20.00");
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
}

#[test]
fn an_order_of_an_impossible_time_or_amount_is_skipped_and_stops_nothing() {
    let (_database, mut sql) = platform("absurd");
    sql.run(
        r#"INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt") VALUES
             ('late', 'bistro', 'ana', 'COMPLETED', 5, '294276-12-31 23:59:59+00'),
             ('early', 'bistro', 'ana', 'COMPLETED', 5, '0001-01-01 00:00+00'),
             ('rich', 'bistro', 'ana', 'COMPLETED', 900000000000, '2025-06-03 20:00+00')"#,
    );
    assert_eq!(totals(&mut sql, "bistro", "ana"), "1 1 10.00");
    sql.expect_rows(
        "SELECT order_ref, reason FROM crm.skipped_orders ORDER BY 1",
        &["early|no_completion_time", "late|no_completion_time", "rich|no_total"],
    );
    sql.expect_none("SELECT * FROM crm.failed_change");
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
    sql.run("SELECT crm.unbind('order')");
    sql.run(restaurant::BIND_ORDER);
    sql.run("CALL crm.backfill()");
    assert_eq!(totals(&mut sql, "bistro", "ana"), "1 1 10.00");
}

#[test]
fn a_night_between_unbinding_and_binding_keeps_the_totals() {
    let (_database, mut sql) = platform("unbound_night");
    sql.run("SELECT crm.unbind('order')");
    sql.run("CALL crm.run_night()");
    // A night that began before the unbinding still comes to the venue, which waits for a backfill by then.
    sql.expect_rows("SELECT crm.backfill_venue(crm.find_venue('bistro'), now())", &["0"]);
    assert_eq!(totals(&mut sql, "bistro", "ana"), "1 1 10.00");
    sql.run(restaurant::BIND_ORDER);
    sql.run("CALL crm.backfill()");
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
}

#[test]
fn ids_that_the_platforms_type_takes_for_equal_are_counted_as_written() {
    let database = TestDatabase::new("equal_ids");
    let mut sql = database.session();
    sql.run(
        r#"CREATE TABLE public.sale (id int PRIMARY KEY, guest numeric, total numeric, at timestamptz);
           INSERT INTO public.sale VALUES (1, 7, 10, '2025-06-01 12:00+00'), (2, 7.0, 20, '2025-06-02 12:00+00'), (3, 7.00, 30, '2025-06-03 12:00+00');
           SELECT crm.bind('venue', NULL, '{"ref":{"constant":"v"},"name":{"constant":"V"},"timezone":{"constant":"UTC"},"currency":{"constant":"EUR"}}');
           SELECT crm.bind('order', 'public.sale', '{"ref":"id","venue":{"constant":"v"},"customer":"guest","total":"total","completed_at":"at","completed":{"column":"at","not_null":true}}')"#,
    );
    sql.run("CALL crm.backfill()");
    sql.run("UPDATE public.sale SET total = 21 WHERE id = 2");
    assert_eq!(totals(&mut sql, "v", "7.0"), "1 1 21.00");
    sql.expect_none("SELECT * FROM crm.verify_stats('v')");
}

#[test]
fn customers_of_two_organisations_that_share_an_id_stay_apart() {
    let database = TestDatabase::new("shared_ids");
    let mut sql = database.session();
    sql.run(
        r#"CREATE TABLE public.place (id text PRIMARY KEY, org text);
           CREATE TABLE public.person (org text, id text, name text, PRIMARY KEY (org, id));
           CREATE TABLE public.sale (id int PRIMARY KEY, place text, person text, total numeric, at timestamptz);
           INSERT INTO public.place VALUES ('a', 'one'), ('b', 'two');
           INSERT INTO public.person VALUES ('one', '5', 'Anna'), ('two', '5', 'Bob'), ('one', '6', 'Carl');
           INSERT INTO public.sale VALUES (1, 'a', '5', 10, '2025-06-01 12:00+00'), (2, 'b', '5', 20, '2025-06-01 12:00+00');
           SELECT crm.bind('venue', 'public.place', '{"ref":"id","org":"org","name":"id","timezone":{"constant":"UTC"},"currency":{"constant":"EUR"}}');
           SELECT crm.bind('customer', 'public.person', '{"ref":"id","org":"org","name":"name"}');
           SELECT crm.bind('order', 'public.sale', '{"ref":"id","venue":"place","customer":"person","total":"total","completed_at":"at","completed":{"column":"at","not_null":true}}')"#,
    );
    sql.run("CALL crm.backfill()");
    let people = "SELECT o.ref, c.ref, c.name FROM crm.customer c JOIN crm.organisation o USING (org_id) ORDER BY 1, 2";
    sql.expect_rows(people, &["one|5|Anna", "one|6|Carl", "two|5|Bob"]);
    sql.run("UPDATE public.person SET name = 'Bert' WHERE org = 'two'");
    sql.expect_rows(people, &["one|5|Anna", "one|6|Carl", "two|5|Bert"]);
    // An order of a guest whom only the other organisation knows makes a stub, not a copy.
    sql.run("INSERT INTO public.sale VALUES (3, 'b', '6', 30, '2025-06-02 12:00+00')");
    sql.expect_rows(people, &["one|5|Anna", "one|6|Carl", "two|5|Bert", "two|6|null"]);
    sql.run("DELETE FROM public.person WHERE org = 'two'");
    sql.expect_rows(people, &["one|5|Anna", "one|6|Carl", "two|5|null", "two|6|null"]);
}

#[test]
fn a_statement_of_many_orders_waits_once_for_locked_guests() {
    let (database, mut sql) = platform("waits_once");
    sql.run("SELECT dine('g' || i, 'bistro', '2025-06-01 20:00', 10) FROM generate_series(1, 40) i");
    let mut other = database.session();
    other.run("BEGIN; SELECT * FROM crm.customer_venue_stats FOR UPDATE");
    let start = Instant::now();
    sql.run(r#"UPDATE "Order" SET total = total + 1"#);
    assert!(start.elapsed() < Duration::from_secs(1), "41 orders took {:?}", start.elapsed());
    other.run("COMMIT");
    sql.run("SELECT crm.repair_failed()");
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
    sql.expect_none("SELECT * FROM crm.failed_change");
}

#[test]
fn a_sale_in_flight_while_the_cut_points_change_is_scored_anew() {
    let (database, mut sql) = platform("in_flight");
    sql.run(
        "UPDATE crm.venue SET min_cohort = 5;
         SELECT dine('h' || i, 'bistro', now()::timestamp - interval '9 days', 10) FROM generate_series(1, 100) i",
    );
    sql.run("CALL crm.run_night()");
    let mut sale = database.session();
    sale.run("BEGIN; SELECT dine('new', 'bistro', now()::timestamp - interval '3 days', 300)");
    let mut night = database.session();
    std::thread::scope(|threads| {
        threads.spawn(move || {
            night.run("SELECT dine('h' || i, 'bistro', now()::timestamp - interval '1 day', 1000) FROM generate_series(1, 100) i");
            night.run("CALL crm.run_night()");
        });
        std::thread::sleep(Duration::from_secs(2));
        sale.run("COMMIT");
    });
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
}

#[test]
fn the_owner_of_a_bound_table_gains_no_superuser_through_the_night() {
    let (_database, mut sql) = platform("owner");
    let owner = format!("crm_test_host_{}", std::process::id());
    sql.run(&format!(
        r#"DROP ROLE IF EXISTS {owner}; CREATE ROLE {owner};
           GRANT ALL ON SCHEMA public TO {owner}; ALTER TABLE "Order" OWNER TO {owner};
           SET ROLE {owner};
           CREATE TYPE public.state AS (s text);
           CREATE FUNCTION public.evil(x public.state) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
             BEGIN EXECUTE 'ALTER ROLE {owner} SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END; RETURN x.s; END $$;
           CREATE CAST (public.state AS text) WITH FUNCTION public.evil(public.state);
           ALTER TABLE "Order" ALTER status DROP DEFAULT, ALTER status TYPE public.state USING row(status)::public.state;
           RESET ROLE"#
    ));
    sql.run("CALL crm.run_night()");
    sql.run("CALL crm.run_sweep()");
    sql.run("SELECT crm.verify_stats('bistro'), crm.repair_stats('bistro')");
    sql.expect_rows(
        &format!("SELECT rolname FROM pg_roles WHERE rolname = '{owner}' AND NOT rolsuper"),
        &[&owner],
    );
    sql.run(&format!("DROP OWNED BY {owner} CASCADE; DROP ROLE {owner}"));
}

#[test]
fn a_total_that_a_trigger_of_the_platform_lowers_at_once_is_never_the_highest() {
    let (_database, mut sql) = platform("discount");
    // Fires before the CRM's own trigger, which then sees the order as it was inserted.
    sql.run(
        r#"CREATE FUNCTION public.discount() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
             UPDATE public."Order" SET total = total * 0.75 WHERE id = new.id; RETURN NULL; END$$;
           CREATE TRIGGER a_discount AFTER INSERT ON "Order" FOR EACH ROW EXECUTE FUNCTION public.discount();
           SELECT dine('ana', 'bistro', '2025-06-02 20:00', 100)"#,
    );
    sql.expect_rows(
        "SELECT total_orders, total_spent, highest_order FROM crm.customer_venue_stats",
        &["2|85.00|75.00"],
    );
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
}

#[test]
fn what_a_trigger_of_the_platform_takes_back_does_not_take_the_statement_under_way_with_it() {
    let (_database, mut sql) = platform("taken_back");
    // The statement of its own settles also what the one under way has left so far.
    sql.run(
        r#"INSERT INTO "Customer" (id, name) VALUES ('ben', 'Ben'), ('cleo', 'Cleo');
           CREATE FUNCTION public.try() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
             UPDATE public."Order" SET total = total + 1 WHERE "customerId" = 'ana';
             RAISE EXCEPTION 'in vain';
           EXCEPTION WHEN raise_exception THEN RETURN NULL; END$$;
           CREATE TRIGGER z_try AFTER INSERT ON "Order" FOR EACH ROW EXECUTE FUNCTION public.try();
           INSERT INTO "Order" ("venueId", "customerId", status, total, "completedAt")
           SELECT 'bistro', g, 'COMPLETED', 7, '2025-06-03 18:00+00' FROM unnest('{ana,ben,cleo,ana}'::text[]) g"#,
    );
    assert_eq!(totals(&mut sql, "bistro", "ana"), "3 2 24.00");
    assert_eq!(totals(&mut sql, "bistro", "ben"), "1 1 7.00");
    assert_eq!(totals(&mut sql, "bistro", "cleo"), "1 1 7.00");
    sql.expect_none("SELECT * FROM crm.failed_change");
    sql.expect_none("SELECT * FROM crm.verify_stats('bistro')");
}
