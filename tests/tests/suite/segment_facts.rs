//! Criteria over the real `crm.customer_facts` choose the guests that a naive evaluator chooses, who reads the
//! platform's tables.

use chrono::NaiveDate;
use crm_core::criteria::Criteria;
use crm_tests::criteria::guests::{Guest, Item, Order};
use crm_tests::criteria::{documents, naive, rows};
use crm_tests::sequence::Sequence;
use crm_tests::{Session, TestDatabase};

const TODAY: &str = "2025-03-31";

/// Sixty guests in Tokyo, whose day is another than the server's for nine hours; nulls wherever the platform allows.
fn platform() -> (TestDatabase, Session) {
    let database = TestDatabase::new("facts");
    let mut sql = database.session();
    sql.run(
        r#"CREATE TABLE "Venue" (id text PRIMARY KEY, name text, tz text, currency text);
           CREATE TABLE "Customer" (id text PRIMARY KEY, name text, phone text, email text, born date);
           CREATE TABLE "Order" (id bigint PRIMARY KEY, "venueId" text, "customerId" text, status text, total numeric(14,2), at timestamptz,
                                 channel text, "table" text, payment text, promo text);
           CREATE TABLE "Product" (id int PRIMARY KEY, name text, category text);
           CREATE TABLE "Line" (id int PRIMARY KEY, "orderId" bigint, "productId" int, quantity numeric, amount numeric(14,2));
           CREATE INDEX ON "Order" ("customerId"); CREATE INDEX ON "Line" ("orderId");
           CREATE FUNCTION pick(stream text, n bigint, list text[]) RETURNS text LANGUAGE sql AS
             'SELECT list[1 + (hashtextextended(stream || n, 5) & 1048575) % (cardinality(list) + 1)]';
           CREATE FUNCTION number(stream text, n bigint, below int) RETURNS int LANGUAGE sql AS
             'SELECT ((hashtextextended(stream || n, 5) & 1048575) % below)::int';
           INSERT INTO "Venue" VALUES ('east', 'East', 'Asia/Tokyo', 'JPY'), ('west', 'West', 'Asia/Tokyo', 'JPY');
           INSERT INTO "Customer" SELECT 'g' || n, pick('name', n, '{ana,Ana Maria,Ben,Cleo,O''Brien,100% Joe,a_b,axb,漢字}'),
               pick('phone', n, '{+33155,+33299,0044123,5}'), pick('mail', n, '{Ana@example.org,ben@example.org,x@example.com}'),
               CASE WHEN n % 5 = 0 THEN NULL WHEN n % 9 = 0 THEN date '1992-02-29' ELSE date '1960-01-01' + number('born', n, 20000) END
             FROM generate_series(1, 60) n;
           INSERT INTO "Product" SELECT n, COALESCE(pick('product', n, '{pizza,Pasta,wine}'), 'water'), pick('category', n, '{Food,drinks}')
             FROM generate_series(1, 12) n;
           INSERT INTO "Order" SELECT n, CASE WHEN n % 11 = 0 THEN 'west' ELSE 'east' END, 'g' || 1 + number('guest', n, 15) + 15 * number('tier', n, 4),
               CASE WHEN n % 13 = 0 THEN 'PENDING' ELSE 'COMPLETED' END, 5 + number('total', n, 5500) / 100.0,
               timestamptz '2025-03-31 10:00+09' - number('day', n, 140) * interval '1 day' - number('hour', n, 1440) * interval '1 minute',
               pick('channel', n, '{Delivery,pickup,dine-in}'), pick('table', n, '{T1,T2,12}'), pick('payment', n, '{card,cash}'),
               pick('promo', n, '{Summer,SUMMER10,x}')
             FROM generate_series(1, 330) n;
           INSERT INTO "Line" SELECT n, 1 + n % 330, 1 + number('of', n, 14), 1 + number('quantity', n, 8) / 2.0, 2 + number('amount', n, 3800) / 100.0
             FROM generate_series(1, 500) n;
           SET crm.as_of = '2025-03-31 10:00+09';
           SELECT crm.bind('venue', '"Venue"', '{"ref":"id","name":"name","timezone":"tz","currency":"currency"}');
           SELECT crm.bind('customer', '"Customer"', '{"ref":"id","name":"name","phone":"phone","email":"email","birth_date":"born"}');
           SELECT crm.bind('product', '"Product"', '{"ref":"id","name":"name","category":"category"}');
           SELECT crm.bind('order_item', '"Line"', '{"order":"orderId","product":"productId","quantity":"quantity","amount":"amount"}');
           SELECT crm.bind('order', '"Order"', '{"ref":"id","venue":"venueId","customer":"customerId","total":"total","completed_at":"at",
             "completed":{"column":"status","in":["COMPLETED"]},"channel":"channel","table":"table","payment_method":"payment","promo_code":"promo"}');
           UPDATE crm.venue SET min_cohort = 20, lunch_from = '10:30', late_from = '21:30'"#,
    );
    sql.run("CALL crm.backfill()");
    // What guests said is kept beside, for the naive evaluator: products by their ids.
    sql.run(
        r#"CREATE TABLE need AS SELECT 'g' || n AS guest, k.kind, v.value FROM generate_series(1, 60) n,
             (VALUES ('allergen', '{milk,nuts,gluten}'::text[]), ('diet', '{vegan,halal,low_sodium}')) k(kind, list), unnest(k.list) v(value)
             WHERE number(v.value, n, 2) = 0;
           CREATE TABLE said AS SELECT DISTINCT ON (guest, what, thing) * FROM (
             SELECT 'g' || n AS guest, CASE number('likes' || t, n, 2) WHEN 0 THEN 'favourite' ELSE 'disliked' END AS how, CASE WHEN t < 3 THEN 'category' ELSE 'product' END AS what,
               CASE WHEN t < 3 THEN (ARRAY['Food','drinks'])[t] ELSE (1 + number('said' || t, n, 12))::text END AS thing
             FROM generate_series(1, 60) n, generate_series(1, 4) t WHERE number('says' || t, n, 3) = 0) s;
           SELECT crm.set_health_needs(guest, array_agg(value) FILTER (WHERE kind = 'allergen'), array_agg(value) FILTER (WHERE kind = 'diet'),
             CASE WHEN number('told', hashtext(guest), 2) = 0 THEN 'east' END) FROM need GROUP BY guest;
           SELECT crm.state_preference(guest, how || '_' || what, thing, CASE WHEN number('told', hashtext(thing), 2) = 0 THEN 'east' END) FROM said;
           CREATE TABLE known AS SELECT 'g' || n AS guest, CASE WHEN n % 4 = 0 THEN 'wholesale' ELSE 'guest' END AS kind, n % 7 = 0 AS blocked,
             pick('language', n, '{pt-BR,en,fr}') AS language, pick('city', n, '{Lyon,são paulo}') AS city,
             CASE WHEN n % 10 = 0 THEN '02-29' WHEN n % 15 = 0 THEN '05-17' END AS birthday FROM generate_series(1, 60) n;
           CREATE TABLE tagged AS SELECT 'g' || n AS guest, t.tag FROM generate_series(1, 60) n, (VALUES ('VIP'), ('wine'), ('o''brien')) t(tag) WHERE number(t.tag, n, 2) = 0;
           SELECT crm.update_customer(guest, jsonb_strip_nulls(jsonb_build_object('kind', kind, 'language', language,
             'birthday', CASE WHEN (SELECT born IS NULL FROM "Customer" WHERE id = guest) THEN '--' || birthday END))) FROM known;
           SELECT crm.block_customer(guest, 'for a reason') FROM known WHERE blocked;
           SELECT crm.add_contact(guest, 'address', '1 Main Street', NULL, true, jsonb_build_object('city', city)) FROM known WHERE city IS NOT NULL;
           SELECT crm.tag_customers(array_agg(guest), ARRAY[tag]) FROM tagged GROUP BY tag;
           CREATE TABLE consented AS SELECT 'g' || n AS guest, c.channel, pick('consent' || c.channel, n, '{GRANTED,REVOKED,GRANTED}') AS state,
             number('consent', n, 2) = 0 AS here FROM generate_series(1, 60) n, (VALUES ('EMAIL_MARKETING'), ('SMS_MARKETING')) c(channel);
           DELETE FROM consented WHERE state IS NULL;
           SELECT crm.record_consent(guest, channel, state, 'checkout', CASE WHEN here THEN 'east' END) FROM consented;
           SELECT crm.record_consent('g' || n, 'REVIEW_REQUEST', 'GRANTED', 'checkout', 'west') FROM generate_series(1, 60, 5) n;
           -- Told to the other venue, which is none of this one's business.
           SELECT crm.set_health_needs('g' || n, '{fish}', '{kosher}', 'west'), crm.state_preference('g' || n, 'favourite_category', 'Sweets', 'west')
             FROM generate_series(1, 60, 7) n"#,
    );
    // The days on which somebody was first seen and labelled are the CRM's own.
    sql.run(
        r#"UPDATE crm.customer SET created_at = timestamptz '2025-03-30 23:00+09' - number('seen', hashtext(ref), 700) * interval '1 day';
           SELECT crm.create_segment('east', 'vip', 'VIP', '{"v":1,"where":{"field":"spend_percentile","op":"gte","value":80}}');
           SELECT crm.create_segment('east', 'lunch_guests', 'Lunch', '{"v":1,"where":{"field":"orders","op":"any","where":{"field":"daypart","op":"eq","value":"lunch"}}}')"#,
    );
    (database, sql)
}

fn number(text: &str) -> Option<i64> {
    (text != "null").then(|| text.parse().unwrap_or_else(|_| panic!("no number: {text}")))
}

fn day(text: &str) -> Option<NaiveDate> {
    (text != "null").then(|| text.parse().unwrap_or_else(|_| panic!("no day: {text}")))
}

fn text(text: &str) -> Option<String> {
    (text != "null").then(|| text.to_owned())
}

/// The members of a set, none for null.
fn members(list: &str) -> Vec<String> {
    if list == "null" { Vec::new() } else { list.split(',').map(str::to_owned).collect() }
}

/// Likes as plain SQL finds them in the platform's tables and in what was said, which wins.
fn find_likes(sql: &mut Session) {
    sql.run(
        r#"CREATE SCHEMA oracle;
           CREATE TABLE oracle.sale AS
             SELECT "customerId" AS guest, id::text AS order_ref, at, local::date AS day, total, channel, "table" AS table_name, payment AS payment_method,
               CASE WHEN local::time < '05:00' OR local::time >= '21:30' THEN 'late' WHEN local::time < '10:30' THEN 'breakfast' WHEN local::time < '15:00' THEN 'lunch'
                    WHEN local::time < '17:00' THEN 'afternoon' ELSE 'dinner' END AS daypart
             FROM (SELECT *, at AT TIME ZONE 'Asia/Tokyo' AS local FROM "Order") o WHERE status = 'COMPLETED' AND "venueId" = 'east';
           CREATE TABLE oracle.sold AS SELECT "orderId"::text AS order_ref, "productId"::text AS product, p.category
             FROM "Line" l LEFT JOIN "Product" p ON p.id = l."productId" WHERE "productId" IS NOT NULL"#,
    );
    sql.run(include_str!("../../oracle/preferences.sql"));
    sql.expect_none("SELECT * FROM oracle.differing_preferences('east')");
    sql.run(
        r#"CREATE VIEW liked AS
             SELECT DISTINCT x.guest, x.how, COALESCE(p.name, x.thing) AS name
             FROM (SELECT guest, how, what, thing FROM said
                   UNION ALL
                   SELECT guest, split_part(kind, '_', 1), 'product', value FROM oracle.preference d WHERE kind IN ('favourite_product', 'disliked_product')
                     AND NOT EXISTS (SELECT FROM said s WHERE s.guest = d.guest AND s.what = 'product' AND s.thing = d.value)) x
             LEFT JOIN "Product" p ON x.what = 'product' AND p.id::text = x.thing"#,
    );
}

/// The guests as the platform's tables tell of them, each with the platform's number. Scores and labels are the CRM's.
fn guests(sql: &mut Session) -> Vec<Guest> {
    let mut guests: Vec<Guest> = sql
        .rows(
            r#"WITH o AS (SELECT *, (at AT TIME ZONE 'Asia/Tokyo')::date AS day FROM "Order" WHERE status = 'COMPLETED' AND "venueId" = 'east'),
                    t AS (SELECT "customerId" AS id, count(*) n, count(DISTINCT day) visits, sum(total) spent, max(total) highest, min(day) first, max(day) last
                          FROM o GROUP BY 1)
               SELECT substr(c.id, 2), t.n, t.visits, (t.spent * 100)::bigint, round(t.spent / t.n * 100)::bigint, (t.highest * 100)::bigint, t.first, t.last,
                 CASE WHEN t.visits > 1 THEN round((t.last - t.first) * 100.0 / (t.visits - 1))::bigint END,
                 s.recency_score, s.frequency_score, s.monetary_score, s.label, s.previous_label, (s.label_changed_at AT TIME ZONE 'Asia/Tokyo')::date,
                 (SELECT count(*) FROM t AS l WHERE l.spent < t.spent) * 100 / (SELECT count(*) FROM t), c.name, c.phone, c.email, c.born,
                 (k.created_at AT TIME ZONE 'Asia/Tokyo')::date,
                 (SELECT string_agg(g.key, ',') FROM crm.segment_member m JOIN crm.segment g USING (org_id, segment_id) WHERE m.customer_id = k.customer_id AND g.venue_id = s.venue_id),
                 ('x' || left(md5(k.customer_id::text), 8))::bit(32)::bigint % 100,
                 COALESCE(c.born, make_date(2000, left(p.birthday, 2)::int, right(p.birthday, 2)::int)), p.kind, p.blocked, p.language, p.city,
                 (SELECT string_agg(tag, ',') FROM tagged WHERE guest = c.id),
                 (SELECT string_agg(channel || '=' || state, ',') FROM consented WHERE guest = c.id),
                 (SELECT string_agg(channel, ',') FROM consented WHERE guest = c.id AND state = 'GRANTED' AND NOT p.blocked
                    AND (channel = 'EMAIL_MARKETING' AND c.email IS NOT NULL OR channel = 'SMS_MARKETING' AND k.phone_e164 IS NOT NULL)),
                 (SELECT string_agg(value, ',') FROM need WHERE guest = c.id AND kind = 'allergen'),
                 (SELECT string_agg(value, ',') FROM need WHERE guest = c.id AND kind = 'diet'),
                 (SELECT string_agg(name, ',') FROM liked WHERE guest = c.id AND how = 'favourite'),
                 (SELECT string_agg(name, ',') FROM liked WHERE guest = c.id AND how = 'disliked'),
                 (SELECT value FROM oracle.preference WHERE guest = c.id AND kind = 'category'), (SELECT value FROM oracle.preference WHERE guest = c.id AND kind = 'daypart'),
                 (SELECT value FROM oracle.preference WHERE guest = c.id AND kind = 'table'), (SELECT value FROM oracle.preference WHERE guest = c.id AND kind = 'channel'),
                 (SELECT value FROM oracle.preference WHERE guest = c.id AND kind = 'payment_method'), (SELECT trend FROM oracle.spend_trend WHERE guest = c.id)
               FROM t JOIN "Customer" c USING (id) JOIN known p ON p.guest = c.id JOIN crm.customer k ON k.ref = c.id
               JOIN crm.customer_venue_stats s ON s.customer_id = k.customer_id AND s.venue_id = crm.key('east') "#,
        )
        .iter()
        .map(|row| {
            let [id, orders, visits, spent, aov, highest, first, last, gap, r, f, m, label, previous, changed, percentile, name, phone, email, born, seen, keys, bucket, birthday, kind, blocked, language, city, tags, consents, reachable, allergens, diets, favourites, dislikes, category, daypart, table, channel, payment, trend] =
                row.split('|').collect::<Vec<_>>()[..]
            else {
                panic!("{row}")
            };
            Guest {
                number: id.parse().expect("a number"),
                total_orders: number(orders).unwrap_or_default(),
                total_visits: number(visits).unwrap_or_default(),
                total_spent: number(spent).unwrap_or_default(),
                aov: number(aov),
                highest_order: number(highest),
                first_order_day: day(first),
                last_order_day: day(last),
                avg_gap_days: number(gap),
                recency_score: number(r),
                frequency_score: number(f),
                monetary_score: number(m),
                label: text(label),
                previous_label: text(previous),
                label_changed_day: day(changed),
                spend_percentile: number(percentile),
                name: text(name),
                phone: text(phone),
                email: text(email),
                birth_date: day(born),
                birthday: day(birthday),
                kind: kind.to_owned(),
                blocked: blocked == "t",
                language: text(language),
                city: text(city),
                tags: members(tags),
                consents: members(consents).iter().filter_map(|said| said.split_once('=')).map(|(channel, state)| (channel.to_owned(), state.to_owned())).collect(),
                reachable_on: members(reachable),
                created_day: day(seen).expect("a day"),
                segments: text(keys).map(|keys| keys.split(',').map(str::to_owned).collect()),
                random_bucket: number(bucket).unwrap_or_default(),
                allergens: members(allergens),
                dietary: members(diets),
                favourites: members(favourites),
                dislikes: members(dislikes),
                preferred_category: text(category),
                preferred_daypart: text(daypart),
                preferred_table: text(table),
                preferred_channel: text(channel),
                preferred_payment_method: text(payment),
                spend_trend: text(trend),
                orders: Vec::new(),
            }
        })
        .collect();
    let orders = sql.rows(
        r#"SELECT substr("customerId", 2), id, (total * 100)::bigint, (at AT TIME ZONE 'Asia/Tokyo')::date,
             CASE WHEN at AT TIME ZONE 'Asia/Tokyo' - date_trunc('day', at AT TIME ZONE 'Asia/Tokyo') >= '21:30' THEN 'late'
                  WHEN at AT TIME ZONE 'Asia/Tokyo' - date_trunc('day', at AT TIME ZONE 'Asia/Tokyo') >= '17:00' THEN 'dinner'
                  WHEN at AT TIME ZONE 'Asia/Tokyo' - date_trunc('day', at AT TIME ZONE 'Asia/Tokyo') >= '15:00' THEN 'afternoon'
                  WHEN at AT TIME ZONE 'Asia/Tokyo' - date_trunc('day', at AT TIME ZONE 'Asia/Tokyo') >= '10:30' THEN 'lunch'
                  WHEN at AT TIME ZONE 'Asia/Tokyo' - date_trunc('day', at AT TIME ZONE 'Asia/Tokyo') >= '05:00' THEN 'breakfast' ELSE 'late' END,
             channel, "table", payment, promo,
             (SELECT string_agg(concat_ws(';', COALESCE(p.name, 'null'), COALESCE(p.category, 'null'), (l.quantity * 1000)::bigint, (l.amount * 100)::bigint), '&')
              FROM "Line" l LEFT JOIN "Product" p ON p.id = l."productId" WHERE l."orderId" = o.id)
           FROM "Order" o WHERE status = 'COMPLETED' AND "venueId" = 'east' ORDER BY id"#,
    );
    for row in orders {
        let [guest, id, total, on, daypart, channel, table, payment, promo, lines] =
            row.split('|').collect::<Vec<_>>()[..]
        else {
            panic!("{row}")
        };
        let items = lines.split('&').filter(|line| *line != "null").map(|line| {
            let [product, category, quantity, amount] = line.split(';').collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            Item {
                product: text(product),
                category: text(category),
                quantity: number(quantity),
                amount: number(amount),
            }
        });
        let order = Order {
            number: id.parse().expect("a number"),
            total: number(total).unwrap_or_default(),
            day: day(on).expect("a day"),
            daypart: daypart.to_owned(),
            channel: text(channel),
            table: text(table),
            payment_method: text(payment),
            promo_code: text(promo),
            items: items.collect(),
        };
        let guest: usize = guest.parse().expect("a number");
        let of = guests.iter_mut().find(|g| g.number == guest).expect("every order has its guest");
        of.orders.push(order);
    }
    guests
}

#[test]
fn criteria_over_the_real_facts_choose_whom_a_naive_evaluator_chooses() {
    let (_database, mut sql) = platform();
    sql.run("SELECT crm.derive_preferences('east')");
    find_likes(&mut sql);
    let guests = guests(&mut sql);
    assert!(guests.len() > 40, "{} guests", guests.len());
    let today: NaiveDate = TODAY.parse().expect("a day");
    let mut telling = 0;
    for seed in 0..1_500 {
        let mut random = Sequence::from_seed(seed);
        let document = documents::document(&mut |below| random.below(below));
        let mut expected: Vec<usize> = guests
            .iter()
            .filter(|guest| naive::means(&document, guest, today))
            .map(|guest| guest.number)
            .collect();
        expected.sort_unstable();
        let predicate = Criteria::parse(&document.to_string()).expect("a valid document").predicate();
        let statement = format!(
            "SELECT substr(f.customer_ref, 2) FROM crm.customer_facts AS f WHERE f.venue_id = crm.key('east') AND {}",
            predicate.render(0)
        );
        let found = rows(&mut sql, &statement, &predicate.params().iter().collect::<Vec<_>>());
        let mut found: Vec<usize> = found.iter().map(|row| row.parse().expect("a number")).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "seed {seed}: {document}");
        telling += usize::from(!found.is_empty() && found.len() < guests.len());
    }
    assert!(telling > 700, "only {telling} documents tell guests apart");
}

#[test]
fn preview_membership_and_explanation_agree_for_random_criteria() {
    let (_database, mut sql) = platform();
    let mut compared = 0;
    for seed in 0..60 {
        let mut random = Sequence::from_seed(90_000 + seed);
        let document = documents::document(&mut |below| random.below(below)).to_string();
        let literal = document.replace('\'', "''");
        // Those that name segments which are not there are refused.
        let preview = format!("SELECT crm.preview_segment('{literal}', 'east') ->> 'members'");
        if sql.attempt(&preview).is_err() {
            continue;
        }
        let preview = sql.value(&preview);
        let id = sql.value(&format!("SELECT crm.create_segment('east', 's{seed}', 'S', '{literal}')"));
        assert_eq!(sql.value(&format!("SELECT crm.segment_size({id})")), preview, "{document}");
        assert_eq!(
            sql.value(&format!("SELECT count(*) FROM crm.segment_member WHERE segment_id = {id}")),
            preview,
            "{document}"
        );
        sql.expect_none(&format!(
            "SELECT c.ref FROM crm.customer c JOIN crm.customer_venue_stats t USING (org_id, customer_id)
              WHERE t.venue_id = crm.key('east')
                AND (SELECT verdict FROM crm.explain_segment(c.ref, {id}) WHERE pointer = '/where') <> crm.is_member({id}, c.ref)"
        ));
        compared += 1;
    }
    assert!(compared > 30, "only {compared} were compared");
}
