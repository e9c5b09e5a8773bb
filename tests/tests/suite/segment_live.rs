//! Membership is live: after any changes of orders, profiles, criteria, exceptions and the clock it is what SQL written
//! by hand finds in the platform's tables.

use crm_tests::sequence::Sequence;
use crm_tests::{Session, TestDatabase};

/// Key, criteria, and whom they mean: SQL over the platform's tables with the guest `c`, `today` and the venue's own
/// completed orders `o(guest, day, total, channel, daypart)`,
/// what was told there (`told(guest, what)`), and whom the last derivation found to dine (`diner(guest)`).
const SEGMENTS: [(&str, &str, &str); 22] = [
    ("everyone", r#"{"all":[]}"#, "true"),
    ("twice", r#"{"field":"total_orders","op":"gte","value":2}"#, "(SELECT count(*) FROM o WHERE guest = c.id) >= 2"),
    ("spender", r#"{"field":"total_spent","op":"gt","value":"60.00"}"#, "(SELECT sum(total) FROM o WHERE guest = c.id) > 60"),
    (
        "recent",
        r#"{"field":"last_order_at","op":"within_last","value":"10d"}"#,
        "(SELECT max(day) FROM o WHERE guest = c.id) > today - 10",
    ),
    (
        "away",
        r#"{"field":"days_since_last_order","op":"between","value":[5,20]}"#,
        "today - (SELECT max(day) FROM o WHERE guest = c.id) BETWEEN 5 AND 20",
    ),
    (
        "monthly",
        r#"{"field":"orders","op":"count_gte","value":2,"within":{"last":"1mo"}}"#,
        "(SELECT count(*) FROM o WHERE guest = c.id AND day > (today - interval '1 month')::date) >= 2",
    ),
    (
        "delivery",
        r#"{"field":"orders","op":"any","where":{"field":"channel","op":"eq","value":"delivery"}}"#,
        "EXISTS (SELECT FROM o WHERE guest = c.id AND channel = 'delivery')",
    ),
    (
        "dinner",
        r#"{"field":"orders","op":"sum_gte","value":"30.00","within":{"last":"30d"},"where":{"field":"daypart","op":"eq","value":"dinner"}}"#,
        "(SELECT sum(total) FROM o WHERE guest = c.id AND day > today - 30 AND daypart = 'dinner') >= 30",
    ),
    ("named_a", r#"{"field":"name","op":"starts_with","value":"a"}"#, "c.name ILIKE 'a%'"),
    (
        "birthday",
        r#"{"field":"birth_date","op":"anniversary_within_next","value":"14d"}"#,
        "EXISTS (SELECT FROM generate_series(0, 13) d WHERE to_char(today + d, 'MMDD') = to_char(c.\"dateOfBirth\", 'MMDD'))",
    ),
    (
        "holdout",
        r#"{"field":"random_bucket","op":"lt","value":40}"#,
        "('x' || left(md5(crm.key(c.id)::text), 8))::bit(32)::bigint % 100 < 40",
    ),
    (
        "regular_a",
        r#"{"all":[{"field":"in_segment","op":"has_all","value":["twice","named_a"]},{"not":{"field":"in_segment","op":"has","value":"away"}}]}"#,
        "(SELECT count(*) FROM o WHERE guest = c.id) >= 2 AND c.name ILIKE 'a%'
         AND (today - (SELECT max(day) FROM o WHERE guest = c.id) BETWEEN 5 AND 20) IS NOT TRUE",
    ),
    (
        "deep",
        r#"{"any":[{"field":"in_segment","op":"has","value":"regular_a"},{"field":"in_segment","op":"has","value":"birthday"}]}"#,
        "((SELECT count(*) FROM o WHERE guest = c.id) >= 2 AND c.name ILIKE 'a%'
          AND (today - (SELECT max(day) FROM o WHERE guest = c.id) BETWEEN 5 AND 20) IS NOT TRUE)
         OR EXISTS (SELECT FROM generate_series(0, 13) d WHERE to_char(today + d, 'MMDD') = to_char(c.\"dateOfBirth\", 'MMDD'))",
    ),
    (
        "allergic",
        r#"{"field":"allergens","op":"has_any","value":["milk","nuts"]}"#,
        "EXISTS (SELECT FROM told WHERE guest = c.id AND what IN ('milk', 'nuts'))",
    ),
    ("no_soup", r#"{"field":"favourites","op":"has_none","value":["Soup"]}"#, "NOT EXISTS (SELECT FROM told WHERE guest = c.id AND what = 'Soup')"),
    (
        "safe_twice",
        r#"{"all":[{"field":"in_segment","op":"has_none","value":["allergic"]},{"field":"in_segment","op":"has","value":"twice"}]}"#,
        "NOT EXISTS (SELECT FROM told WHERE guest = c.id AND what IN ('milk', 'nuts')) AND (SELECT count(*) FROM o WHERE guest = c.id) >= 2",
    ),
    ("vip", r#"{"field":"tags","op":"has","value":"VIP"}"#, "EXISTS (SELECT FROM fact WHERE guest = c.id AND venue = '' AND what = 'tag VIP')"),
    (
        "welcome_twice",
        r#"{"all":[{"field":"blocked","op":"is","value":false},{"field":"language","op":"eq","value":"fr"},{"field":"in_segment","op":"has","value":"twice"}]}"#,
        "NOT EXISTS (SELECT FROM fact WHERE guest = c.id AND what = 'blocked') AND EXISTS (SELECT FROM fact WHERE guest = c.id AND what = 'speaks fr')
         AND (SELECT count(*) FROM o WHERE guest = c.id) >= 2",
    ),
    ("diner", r#"{"field":"preferred_daypart","op":"eq","value":"dinner"}"#, "EXISTS (SELECT FROM diner WHERE guest = c.id)"),
    (
        "subscriber",
        r#"{"field":"reachable.email_marketing","op":"is","value":true}"#,
        "c.email IS NOT NULL AND NOT EXISTS (SELECT FROM fact WHERE guest = c.id AND what = 'blocked')
         AND (SELECT granted FROM said WHERE guest = c.id ORDER BY n DESC LIMIT 1)",
    ),
    (
        "refuser_twice",
        r#"{"all":[{"field":"consent.email_marketing","op":"eq","value":"REVOKED"},{"field":"in_segment","op":"has","value":"twice"}]}"#,
        "NOT (SELECT granted FROM said WHERE guest = c.id ORDER BY n DESC LIMIT 1) AND (SELECT count(*) FROM o WHERE guest = c.id) >= 2",
    ),
    ("new_here", r#"{"field":"first_order_at","op":"within_last","value":"3d"}"#, "(SELECT min(day) FROM o WHERE guest = c.id) > today - 3"),
];

/// Two venues, of Auckland and Bogotá, whose days are never the same for long.
fn platform(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    sql.run(include_str!("../../platform/restaurant.sql"));
    sql.run(
        r#"ALTER TABLE "Order" ADD COLUMN channel text;
           INSERT INTO "Venue" (id, name, tz, currency) VALUES ('east', 'East', 'Pacific/Auckland', 'NZD'), ('west', 'West', 'America/Bogota', 'COP');
           CREATE TABLE mail (n int GENERATED ALWAYS AS IDENTITY, venue text, guest text, granted boolean);
           CREATE TABLE fact (venue text, guest text, what text, PRIMARY KEY (venue, guest, what));
           SET crm.as_of = '2025-02-10 12:00+00';
           SELECT crm.bind('venue', 'public."Venue"', '{"ref":"id","name":"name","timezone":"tz","currency":"currency"}');
           SELECT crm.bind('customer', 'public."Customer"', '{"ref":"id","name":"name","phone":"phone","email":"email","birth_date":"dateOfBirth"}');
           SELECT crm.bind('order', 'public."Order"', '{"ref":"id","venue":"venueId","customer":"customerId","total":"total","completed_at":"completedAt",
             "completed":{"column":"status","in":["COMPLETED"]},"channel":"channel"}')"#,
    );
    sql.run("CALL crm.backfill()");
    for venue in ["east", "west"] {
        for (key, criteria, _) in SEGMENTS {
            create(&mut sql, venue, key, criteria);
        }
    }
    sql.run(
        r#"SELECT crm.create_segment(NULL, 'both', 'Both', '{"v":1,"scope":"org","where":{"field":"total_orders","op":"gte","value":4}}');
           SELECT crm.create_segment(NULL, 'org_delivery', 'Delivery', '{"v":1,"scope":"org","where":{"field":"orders","op":"count_gte","value":2,"where":{"field":"channel","op":"eq","value":"delivery"}}}')"#,
    );
    (database, sql)
}

fn create(sql: &mut Session, venue: &str, key: &str, criteria: &str) {
    let document = format!(r#"{{"v":1,"where":{criteria}}}"#).replace('\'', "''");
    sql.run(&format!("SELECT crm.create_segment('{venue}', '{key}', 'A segment', '{document}')"));
}

/// Compares with the platform's tables, the ledger, the tally and a full recompute.
#[track_caller]
fn expect_live(sql: &mut Session, of: &str) {
    sql.expect_none("SELECT * FROM crm.failed_change");
    for (venue, zone) in [("east", "Pacific/Auckland"), ("west", "America/Bogota")] {
        let meant: Vec<String> = SEGMENTS
            .iter()
            .map(|(key, _, meant)| format!("SELECT '{key}' AS key, c.id FROM clock, guest JOIN \"Customer\" c USING (id) WHERE {meant}"))
            .collect();
        let rows = sql.rows(&format!(
            r#"WITH clock AS (SELECT (current_setting('crm.as_of')::timestamptz AT TIME ZONE '{zone}')::date AS today),
               o AS (SELECT "customerId" AS guest, ("completedAt" AT TIME ZONE '{zone}')::date AS day, total, channel,
                       CASE WHEN ("completedAt" AT TIME ZONE '{zone}')::time >= '17:00' AND ("completedAt" AT TIME ZONE '{zone}')::time < '22:00' THEN 'dinner' END AS daypart
                     FROM "Order" WHERE status = 'COMPLETED' AND "venueId" = '{venue}' AND "customerId" IS NOT NULL AND total IS NOT NULL AND "completedAt" IS NOT NULL),
               told AS (SELECT guest, what FROM fact WHERE venue IN ('', '{venue}') AND what <> 'dines'),
               diner AS (SELECT guest FROM fact WHERE venue = '{venue}' AND what = 'dines'),
               said AS (SELECT * FROM mail WHERE venue IN ('', '{venue}')),
               -- A guest is who ever had an order there.
               guest AS (SELECT k.ref AS id FROM crm.customer_venue_stats t JOIN crm.customer k USING (org_id, customer_id) WHERE t.venue_id = crm.key('{venue}')),
               expected AS ({expected}),
               by_hand AS (SELECT g.key, k.ref AS id, v.included FROM crm.segment_override v JOIN crm.segment g USING (org_id, segment_id)
                           JOIN crm.customer k USING (org_id, customer_id) WHERE g.venue_id = crm.key('{venue}')),
               wanted AS (SELECT key, id FROM expected EXCEPT SELECT key, id FROM by_hand WHERE NOT included UNION SELECT key, id FROM by_hand WHERE included),
               found AS (SELECT g.key, k.ref AS id FROM crm.segment_member m JOIN crm.segment g USING (org_id, segment_id)
                         JOIN crm.customer k USING (org_id, customer_id) WHERE g.venue_id = crm.key('{venue}') AND NOT g.is_system
                         UNION ALL SELECT upper(g.key), k.ref FROM crm.segment_member m JOIN crm.segment g USING (org_id, segment_id)
                         JOIN crm.customer k USING (org_id, customer_id) WHERE g.venue_id = crm.key('{venue}') AND g.is_system),
               labels AS (SELECT t.label, k.ref FROM crm.customer_venue_stats t JOIN crm.customer k USING (org_id, customer_id)
                          WHERE t.venue_id = crm.key('{venue}') AND t.label <> 'INACTIVE'),
               all_wanted AS (SELECT * FROM wanted UNION ALL SELECT * FROM labels)
               SELECT 'missing', * FROM (SELECT * FROM all_wanted EXCEPT SELECT * FROM found) AS x
               UNION ALL SELECT 'too many', * FROM (SELECT * FROM found EXCEPT SELECT * FROM all_wanted) AS x"#,
            expected = meant.join(" UNION ALL "),
        ));
        assert!(rows.is_empty(), "{of}: {venue}: {rows:#?}");
    }
    sql.expect_none(
        r#"SELECT * FROM (SELECT k.ref FROM crm.customer k JOIN "Order" o ON o."customerId" = k.ref
             WHERE o.status = 'COMPLETED' AND o."venueId" IS NOT NULL AND o.total IS NOT NULL AND o."completedAt" IS NOT NULL
             GROUP BY 1 HAVING count(*) >= 4) AS wanted
           FULL JOIN (SELECT k.ref FROM crm.segment_member m JOIN crm.segment g USING (org_id, segment_id) JOIN crm.customer k USING (org_id, customer_id)
             WHERE g.key = 'both') AS found USING (ref) WHERE wanted IS NULL OR found IS NULL"#,
    );
    sql.expect_none(
        "SELECT s.scope_id, u FROM (SELECT DISTINCT org_id, scope_id FROM crm.segment) s, unnest(crm.guests_to_follow(s.org_id, s.scope_id, NULL)) u
         WHERE EXISTS (SELECT FROM crm.guest_segments g WHERE g.scope_id = s.scope_id AND g.customer_id = u AND g.due_at > crm.now())
            OR NOT EXISTS (SELECT FROM crm.guest_segments g WHERE g.scope_id = s.scope_id AND g.customer_id = u)",
    );
    sql.expect_none(
        "SELECT s.key, crm.segment_size(s.segment_id), n FROM crm.segment s,
           LATERAL (SELECT count(*) AS n FROM crm.segment_member m WHERE m.segment_id = s.segment_id) AS m WHERE crm.segment_size(s.segment_id) <> n",
    );
    sql.expect_none(
        "SELECT s.key, x.* FROM crm.segment s, LATERAL (
           (SELECT customer_id FROM crm.segment_as_of(s.segment_id, 'infinity') EXCEPT SELECT customer_id FROM crm.segment_member m WHERE m.segment_id = s.segment_id)
           UNION ALL
           (SELECT customer_id FROM crm.segment_member m WHERE m.segment_id = s.segment_id EXCEPT SELECT customer_id FROM crm.segment_as_of(s.segment_id, 'infinity'))) x",
    );
}

/// One random statement of a busy and careless application.
fn random_change(random: &mut Sequence, hours: u64) -> String {
    let order = random.below(90);
    let guest = match random.below(9) {
        0 => "NULL".to_owned(),
        n => format!("'g{n}'"),
    };
    let venue = ["east", "west"][random.below(2) as usize];
    let total = random.below(4000);
    let time = format!(
        "timestamptz '2025-02-10 12:00+00' + interval '{} hours'",
        (hours + 1).saturating_sub(random.below(50) * 15)
    );
    let status = ["COMPLETED", "COMPLETED", "PENDING"][random.below(3) as usize];
    let channel = ["'delivery'", "'pickup'", "NULL"][random.below(3) as usize];
    let name = ["'Ana'", "'ava'", "'Ben'", "NULL"][random.below(4) as usize];
    let at = ["NULL", "'east'", "'west'"][random.below(3) as usize];
    let teller = 1 + random.below(8);
    match random.below(20) {
        0..=4 => format!(
            r#"INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt", channel)
               VALUES ('o{order}', '{venue}', {guest}, '{status}', {total} / 100.0, {time}, {channel})
               ON CONFLICT (id) DO UPDATE SET total = excluded.total, status = excluded.status, "completedAt" = excluded."completedAt", "customerId" = excluded."customerId""#
        ),
        5 => format!(r#"UPDATE "Order" SET status = '{status}' WHERE id = 'o{order}'"#),
        6 => format!(r#"UPDATE "Order" SET "customerId" = {guest} WHERE id = 'o{order}'"#),
        7 => format!(
            r#"UPDATE "Order" SET "venueId" = '{venue}', total = {total} / 100.0 WHERE id = 'o{order}'"#
        ),
        8 => format!(
            r#"UPDATE "Order" SET channel = {channel} WHERE id IN ('o{order}', 'o{}')"#,
            random.below(90)
        ),
        9 => format!(r#"DELETE FROM "Order" WHERE id = 'o{order}'"#),
        10 => format!(
            r#"UPDATE "Order" SET status = 'COMPLETED', "completedAt" = {time} WHERE "customerId" = {guest}"#
        ),
        11 => format!(
            r#"INSERT INTO "Customer" (id, name, "dateOfBirth") VALUES ('g{}', {name}, date '1990-01-01' + {})
               ON CONFLICT (id) DO UPDATE SET name = excluded.name, "dateOfBirth" = excluded."dateOfBirth""#,
            1 + random.below(8),
            random.below(700)
        ),
        12 => format!(r#"UPDATE "Customer" SET name = {name} WHERE id = 'g{}'"#, 1 + random.below(8)),
        13 => {
            let needs = ["'{milk}'", "'{nuts,fish}'", "'{fish}'", "'{}'"][random.below(4) as usize];
            format!(
                "DELETE FROM fact WHERE venue = COALESCE({at}, '') AND guest = 'g{teller}' AND what IN ('milk', 'nuts', 'fish');
                 INSERT INTO fact SELECT COALESCE({at}, ''), 'g{teller}', n FROM unnest({needs}::text[]) n;
                 SELECT crm.set_health_needs('g{teller}', {needs}, venue => {at})"
            )
        }
        14 if random.below(3) > 0 => format!(
            "INSERT INTO fact VALUES (COALESCE({at}, ''), 'g{teller}', 'Soup') ON CONFLICT DO NOTHING;
             SELECT crm.state_preference('g{teller}', 'favourite_category', 'Soup', {at})"
        ),
        14 => format!(
            "SELECT crm.withdraw_preference(guest, 'favourite_category', 'Soup', NULLIF(venue, '')) FROM fact WHERE guest = 'g{teller}' AND what = 'Soup';
             DELETE FROM fact WHERE guest = 'g{teller}' AND what = 'Soup'"
        ),
        15 => {
            let (put, done) = [("tag_customers", "INSERT INTO fact VALUES ('', 'g', 'tag VIP') ON CONFLICT DO NOTHING"), ("untag_customers", "DELETE FROM fact WHERE guest = 'g' AND what = 'tag VIP'")]
                [random.below(2) as usize];
            // Nobody can be relieved of a tag that was never made.
            format!("SELECT crm.save_tag('VIP'); SELECT crm.{put}('{{g{teller}}}', '{{VIP}}'); {}", done.replace("'g'", &format!("'g{teller}'")))
        }
        16 => match random.below(4) {
            0 => format!("SELECT crm.block_customer('g{teller}', 'a fight'); INSERT INTO fact VALUES ('', 'g{teller}', 'blocked') ON CONFLICT DO NOTHING"),
            1 => format!("SELECT crm.unblock_customer('g{teller}'); DELETE FROM fact WHERE guest = 'g{teller}' AND what = 'blocked'"),
            2 => format!(r#"SELECT crm.update_customer('g{teller}', '{{"language":"fr"}}'); INSERT INTO fact VALUES ('', 'g{teller}', 'speaks fr') ON CONFLICT DO NOTHING"#),
            _ => format!(r#"SELECT crm.update_customer('g{teller}', '{{"language":null}}'); DELETE FROM fact WHERE guest = 'g{teller}' AND what = 'speaks fr'"#),
        },
        17 => format!(
            r#"UPDATE "Customer" SET email = CASE WHEN email IS NULL THEN id || '@example.org' END WHERE id = 'g{teller}'"#
        ),
        18 => {
            let (action, granted) = [("GRANTED", true), ("GRANTED", true), ("REVOKED", false)][random.below(3) as usize];
            format!(
                "SELECT crm.record_consent('g{teller}', 'EMAIL_MARKETING', '{action}', 'checkout', {at});
                 INSERT INTO mail (venue, guest, granted) VALUES (COALESCE({at}, ''), 'g{teller}', {granted})"
            )
        }
        _ => {
            let by_hand = 1 + random.below(2);
            let verdict = ["true", "false", "NULL"][random.below(3) as usize];
            format!(
                "SELECT crm.set_segment_override(s.segment_id, 'g{by_hand}', {verdict}, 'as the guest wished')
                 FROM crm.segment s JOIN crm.customer_venue_stats t USING (org_id, venue_id)
                 WHERE s.key = 'spender' AND t.customer_id = crm.key('g{by_hand}')"
            )
        }
    }
}

/// How many changes: `CRM_SEGMENT_CHANGES`, or as many as a suite has time for.
fn changes() -> u64 {
    std::env::var("CRM_SEGMENT_CHANGES").map_or(2_000, |text| text.parse().expect("a number of changes"))
}

#[test]
fn membership_is_what_the_platforms_tables_say_after_changes_of_every_kind() {
    let (_database, mut sql) = platform("live");
    let mut random = Sequence::from_seed(11);
    let (mut done, mut hours, mut round) = (0, 0, 0);
    sql.run("INSERT INTO \"Customer\" (id, name, email) SELECT 'g' || n, 'Ana', 'g' || n || '@example.org' FROM generate_series(1, 8) n");
    while done < changes() {
        // Statements sent together are one transaction.
        for _ in 0..20 {
            let together = 1 + random.below(8);
            let batch: Vec<String> = (0..together).map(|_| random_change(&mut random, hours)).collect();
            sql.run(&batch.join(";\n"));
            done += together;
        }
        round += 1;
        if random.below(3) > 0 {
            hours += random.below(60);
            sql.run(&format!("SET crm.as_of = '{}'", sql_time(hours)));
        }
        match random.below(4) {
            0 => {
                sql.run("CALL crm.run_night()");
                derive(&mut sql);
            }
            _ => sql.run("CALL crm.run_sweep()"),
        }
        expect_live(&mut sql, &format!("round {round}, {done} changes, {hours} hours"));
    }
}

/// Derives from all orders, as the night does once a week: only then edits in the midst of a guest's orders are seen.
fn derive(sql: &mut Session) {
    for (venue, zone) in [("east", "Pacific/Auckland"), ("west", "America/Bogota")] {
        sql.run(&format!("SELECT crm.derive_preferences('{venue}')"));
        sql.run(&format!(
            r#"DELETE FROM fact WHERE venue = '{venue}' AND what = 'dines';
               INSERT INTO fact SELECT '{venue}', guest, 'dines'
               FROM (SELECT guest, dines, row_number() OVER (PARTITION BY guest ORDER BY day DESC) AS back, count(*) OVER (PARTITION BY guest) AS n
                     FROM (SELECT DISTINCT ON ("customerId", at::date) "customerId" AS guest, at::date AS day, at::time >= '17:00' AND at::time < '22:00' AS dines
                           FROM (SELECT *, "completedAt" AT TIME ZONE '{zone}' AS at FROM "Order") o
                           WHERE status = 'COMPLETED' AND "venueId" = '{venue}' AND "customerId" IS NOT NULL AND total IS NOT NULL AND "completedAt" IS NOT NULL
                           ORDER BY "customerId", at::date, at) AS visit) AS visit
               WHERE back <= 10 AND n >= 5 GROUP BY guest, n HAVING count(*) FILTER (WHERE dines) * 5 >= LEAST(n, 10) * 3"#
        ));
    }
}

fn sql_time(hours: u64) -> String {
    let start = chrono::NaiveDate::from_ymd_opt(2025, 2, 10)
        .and_then(|day| day.and_hms_opt(12, 0, 0))
        .expect("a time");
    format!("{}+00", start + chrono::TimeDelta::hours(i64::try_from(hours).expect("few")))
}
