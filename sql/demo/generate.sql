-- Fills the demo platform of schema.sql with two years of orders.
--   psql -X -v seed=42 -v today=2026-11-22 -f sql/demo/generate.sql
-- seed is 42 and today is the current date (UTC) unless given. Chance is a hash of the seed, a stream and a number, and every insert
-- is ordered: the same seed and day give the same bytes. The last day ends at 10:00 venue time. Loaded on that very day before 10:00
-- has come at every venue, what lies after now() is left out or still PENDING, since a platform holds nothing from the future.

\set ON_ERROR_STOP on
\set demo_quiet :QUIET
\set QUIET on
\if :{?seed}
\else
    \set seed 42
\endif

BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL timezone = 'UTC';
SET LOCAL jit = off;
SET LOCAL work_mem = '96MB';

\if :{?today}
\else
    SELECT current_date AS today
    \gset
\endif

SELECT EXISTS (SELECT FROM public."Organization") AS demo_filled
\gset
\if :demo_filled
    DO $$ BEGIN RAISE EXCEPTION 'the demo platform already holds data' USING HINT = 'Generate into an empty one: drop its tables and run schema.sql again.'; END $$;
\endif

-- Helpers and working tables live in a schema of their own and go with it.
CREATE SCHEMA demo_generator;
SET LOCAL search_path = demo_generator, pg_catalog, pg_temp;

CREATE FUNCTION seed() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN :'seed'::bigint;
CREATE FUNCTION today() RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN :'today'::date;
CREATE FUNCTION first_day() RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN (today() - interval '2 years')::date;

-- Uniform on [0, 1): 52 bits of the hash, which a double holds exactly.
CREATE FUNCTION demo_rand(stream text, n bigint) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (hashtextextended(stream || n::text, seed()) & 4503599627370495) / 4503599627370496.0::float8;

-- Bell-shaped on (-1, 1), standard deviation 1/3.
CREATE FUNCTION demo_bell(stream text, n bigint) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (demo_rand(stream || '/1/', n) + demo_rand(stream || '/2/', n) + demo_rand(stream || '/3/', n)) / 1.5 - 1;

-- Weights to the thresholds that width_bucket() takes: bucket 0 is the first weight's.
CREATE FUNCTION thresholds(weights integer[]) RETURNS float8[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT array_agg(upto ORDER BY i)
              FROM (SELECT i, sum(weight) OVER (ORDER BY i) / sum(weight) OVER ()::float8 AS upto
                      FROM unnest(weights) WITH ORDINALITY AS w (weight, i)) AS cumulated
             WHERE i < cardinality(weights));

-- Looks like an ORM's cuid: 25 characters that sort by time first. In both alphabets 16 characters stand for hex digits.
CREATE FUNCTION cuid(at timestamp, stream text, n bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 'cm' || translate(right(to_hex((extract(epoch FROM at) * 1000)::bigint), 10), '0123456789abcdef', '0258acfhjkmprtwz')
                || translate(substr(md5(seed()::text || stream || n::text), 1, 13), '0123456789abcdef', '0g1n3ky4vq7xs9be');

\echo Generating with seed :seed up to :today
\ir venues.sql
\ir people.sql

ALTER TABLE house
    ADD COLUMN id text, ADD COLUMN organization_id text, ADD COLUMN opened date, ADD COLUMN horizon timestamp,
    ADD COLUMN day_at float8[], ADD COLUMN weekday_part_at float8[], ADD COLUMN weekend_part_at float8[];
UPDATE house SET
    id = cuid(timestamp '2024-01-15 09:00' + v * interval '41 days', 'venue', v),
    organization_id = cuid(timestamp '2023-11-02 09:00' + org * interval '17 days', 'organization', org),
    opened = today() - opened_days_ago,
    horizon = least((today() + time '10:00') AT TIME ZONE timezone, now()) AT TIME ZONE 'UTC',
    day_at = thresholds(day_weights);
UPDATE house SET (weekday_part_at, weekend_part_at) = (
    SELECT thresholds(array_agg(coalesce(weekday_weight, 0) ORDER BY part)), thresholds(array_agg(coalesce(weekend_weight, 0) ORDER BY part))
      FROM generate_series(1, 5) AS part
      LEFT JOIN (SELECT * FROM daypart WHERE daypart.v = house.v) AS served USING (part));

INSERT INTO public."Organization" (id, name, "createdAt")
SELECT DISTINCT ON (org) organization_id,
       CASE org WHEN 1 THEN 'Gintaras ir Bernstein, UAB' ELSE 'Mulberry & Pine Hospitality LLC' END,
       opened + time '08:00'
  FROM house ORDER BY org, v;

INSERT INTO public."Venue" (id, "organizationId", name, city, timezone, currency, "openedOn", "createdAt")
SELECT id, organization_id, name, city, timezone, currency, opened, opened - 12 + time '08:30'
  FROM house ORDER BY v;

ALTER TABLE menu ADD COLUMN id text;
UPDATE menu SET id = cuid(timestamp '2024-03-01 10:00' + product * interval '7 minutes', 'product', product);
INSERT INTO public."Product" (id, "venueId", name, category, price, "createdAt")
SELECT menu.id, house.id, menu.name, category, price, house.opened - 10 + time '09:00' + product * interval '1 minute'
  FROM menu JOIN house USING (v) ORDER BY product;

\echo Inviting the guests

-- behaviour: what brings a guest back. Days are counted from the first of the two years; appetite scales what a guest spends.
CREATE UNLOGGED TABLE guest AS
WITH chosen AS (
    SELECT n,
           CASE WHEN n % 2000 = 7 THEN 3
                ELSE (SELECT v FROM (SELECT v, sum(home_share) OVER (ORDER BY v) AS upto FROM house) AS shares
                       WHERE demo_rand('home', n) < upto ORDER BY v LIMIT 1) END::smallint AS home,
           demo_rand('behaviour', n) AS kind,
           today() - first_day() AS days
      FROM generate_series(1, 20000) AS n
), behaved AS (
    SELECT n, home, days,
           CASE WHEN kind < 0.36 THEN 'one-timer' WHEN kind < 0.71 THEN 'occasional' WHEN kind < 0.83 THEN 'monthly'
                WHEN kind < 0.905 THEN 'regular' WHEN kind < 0.995 THEN 'lapsed' ELSE 'registered' END AS behaviour
      FROM chosen
), timed AS (
    SELECT *,
           CASE WHEN home = 3                                  THEN days - floor(28 * demo_rand('start', n))
                WHEN behaviour IN ('one-timer', 'registered')  THEN floor((days + 1) * demo_rand('start', n))
                WHEN behaviour = 'occasional'                  THEN greatest(0, floor((days + 300) * demo_rand('start', n)) - 300)
                WHEN behaviour = 'lapsed'                      THEN greatest(0, floor(900 * demo_rand('start', n)) - 330)
                ELSE greatest(0, floor((days + 700) * demo_rand('start', n)) - 700) END::integer AS started
      FROM behaved
)
SELECT n, home, city, behaviour, started,
       CASE behaviour WHEN 'one-timer' THEN started
                      WHEN 'lapsed' THEN least(days - 24, started + 45 + floor(300 * demo_rand('stay', n))::integer)
                      ELSE days END AS ended,
       CASE behaviour WHEN 'occasional' THEN 0.036 * exp(1.6 * demo_bell('pace', n))
                      WHEN 'monthly'    THEN 0.24 * exp(0.6 * demo_bell('pace', n)) * pace
                      WHEN 'regular'    THEN 0.78 * exp(0.8 * demo_bell('pace', n)) * pace
                      WHEN 'lapsed'     THEN 0.60 * exp(0.7 * demo_bell('pace', n)) * pace END AS visits_a_week,
       exp(0.9 * demo_bell('appetite', n)) AS appetite,
       demo_rand('party', n) AS company,
       1 + width_bucket(demo_rand('favourite day', n), day_at) AS favourite_day,
       1 + width_bucket(demo_rand('favourite part', n), weekday_part_at) AS favourite_part,
       width_bucket(demo_rand('channel', n), '{0.78,0.90,0.96}'::float8[]) AS favourite_channel
  FROM timed JOIN house ON house.v = home;
ALTER TABLE guest ADD PRIMARY KEY (n);
ANALYZE guest;

-- A guest's tie to a venue: home, a second one in the group, the new kiosk, and for a few travellers one of the other group.
CREATE UNLOGGED TABLE tie AS
SELECT row_number() OVER (ORDER BY n, v) AS tie, *
  FROM (
    SELECT n, home AS v, true AS at_home, started, ended,
           CASE WHEN behaviour = 'one-timer' THEN 1
                WHEN home = 3 THEN 1 + floor(6 * power(demo_rand('kiosk visits', n), 2))::integer
                ELSE greatest(1, round(visits_a_week * (ended - started + 1) / 7.0))::integer END AS visits
      FROM guest WHERE behaviour <> 'registered'
    UNION ALL
    SELECT n, CASE home WHEN 1 THEN 2 WHEN 2 THEN 1 WHEN 4 THEN 5 ELSE 4 END, false, started, ended,
           CASE WHEN home IN (1, 2) THEN 1 + floor(2.4 * demo_rand('second visits', n))::integer
                ELSE 1 + floor(visits_a_week * (ended - started + 1) / 7.0 * 0.5 * demo_rand('second visits', n))::integer END
      FROM guest
     WHERE behaviour NOT IN ('registered', 'one-timer') AND home <> 3
       AND demo_rand('second venue', n) < CASE WHEN home IN (1, 2) THEN 0.07 ELSE 0.22 END
    UNION ALL
    (SELECT n, 3, false, today() - first_day() - 27, today() - first_day(), 1 + floor(5 * power(demo_rand('kiosk visits', n), 2))::integer
       FROM guest WHERE home = 2 AND behaviour IN ('regular', 'monthly') ORDER BY demo_rand('kiosk', n), n LIMIT 16)
    UNION ALL
    SELECT n, CASE WHEN home IN (1, 2) THEN 4 + floor(2 * demo_rand('abroad', n)) ELSE 1 + floor(2 * demo_rand('abroad', n)) END,
           false, started, ended, 1 + floor(3.5 * power(demo_rand('abroad visits', n), 2))::integer
      FROM guest
     WHERE behaviour IN ('occasional', 'monthly', 'regular', 'lapsed') AND home <> 3 AND demo_rand('traveller', n) < 0.008
  ) AS ties (n, v, at_home, started, ended, visits);

-- Regulars come at fairly even gaps, the others whenever; then the day moves inside its week to a day the venue, or the guest, prefers.
CREATE UNLOGGED TABLE visit AS
WITH spread AS (
    SELECT row_number() OVER (ORDER BY tie, i) AS visit, n, v, i, at_home, visits,
           first_day() + started + floor((ended - started + 1)
               * CASE WHEN at_home AND behaviour IN ('monthly', 'regular', 'lapsed')
                      THEN (i - 1 + 0.5 + 1.1 * (demo_rand('gap', tie * 1000 + i) - 0.5)) / visits
                      ELSE demo_rand('gap', tie * 1000 + i) END)::integer AS day
      FROM tie JOIN (SELECT n, behaviour FROM guest) AS guest USING (n), generate_series(1, visits) AS i
     WHERE v <> 3 OR i <= 8
), moved AS (
    SELECT visit, n, v, at_home,
           day - extract(isodow FROM day)::integer
               + CASE WHEN at_home AND visits > 3 AND demo_rand('habit', visit) < 0.4 THEN favourite_day
                      ELSE 1 + width_bucket(demo_rand('day', visit), day_at) END AS day
      FROM spread JOIN guest USING (n) JOIN house USING (v)
), timely AS (
    SELECT visit, n, v, at_home, CASE WHEN day > today() THEN day - 7 WHEN day < opened THEN day + 7 ELSE day END AS day
      FROM moved JOIN house USING (v)
)
SELECT visit, n, v, at_home, day
  FROM timely
 WHERE demo_rand('season', visit) < ('{0.87,0.88,0.93,0.95,0.98,0.99,0.93,0.90,0.98,0.98,0.97,1.00}'::float8[])[extract(month FROM day)::integer]
UNION ALL
-- Walk-ins have no account; numbers from ten million keep their streams apart from the guests'.
SELECT 10000000 + row_number() OVER (ORDER BY day, v, i), NULL, v, false, day
  FROM (SELECT v, day::date, i
          FROM house, generate_series(greatest(first_day(), opened), today(), '1 day') AS day,
               generate_series(1, 90) AS i
         WHERE i <= round(walk_ins * 7 * day_weights[extract(isodow FROM day)::integer] / (SELECT sum(w) FROM unnest(day_weights) AS w)
                    * (1 + 0.6 * demo_bell('bustle', (day::date - first_day()) * 10 + v)))) AS passers_by;
DELETE FROM visit WHERE day < first_day() OR (extract(month FROM day), extract(day FROM day)) IN ((1, 1), (12, 25));

\echo Taking the orders

-- A table may order in up to three rounds of an evening: one order each.
CREATE UNLOGGED TABLE sale AS
WITH dined AS (
    SELECT visit, n, v, day, at_home, appetite, company, favourite_channel,
           CASE WHEN at_home AND extract(isodow FROM day) < 6 AND demo_rand('usual part', visit) < 0.55 THEN favourite_part
                ELSE 1 + width_bucket(demo_rand('part', visit),
                                      CASE WHEN extract(isodow FROM day) < 6 THEN weekday_part_at ELSE weekend_part_at END) END AS part
      FROM visit JOIN house USING (v) LEFT JOIN guest USING (n)
), served AS (
    SELECT dined.*, daypart.opens, daypart.closes,
           coalesce(appetite, exp(0.5 * demo_bell('walk-in appetite', visit))) AS hunger,
           CASE WHEN n IS NULL THEN width_bucket(demo_rand('at', visit), '{0.66,0.99,0.995}'::float8[])
                WHEN demo_rand('at', visit) < 0.7 THEN favourite_channel
                ELSE width_bucket(demo_rand('other channel', visit), '{0.55,0.75,0.88}'::float8[]) END AS channel_no,
           1 + width_bucket(0.65 * demo_rand('tonight', visit) + 0.35 * coalesce(company, 0.4),
                            CASE WHEN v IN (3, 5) THEN '{0.72,0.90,0.97}'::float8[]
                                 WHEN dined.part <= 3 THEN '{0.48,0.80,0.92}'::float8[] ELSE '{0.22,0.66,0.85}'::float8[] END) AS party
      FROM dined JOIN daypart USING (v, part)
), rounds AS (
    SELECT visit * 4 + round AS sale, visit, round, n, v, part, hunger, party,
           CASE WHEN v IN (3, 5) AND channel_no = 0 AND demo_rand('to go', visit) < 0.5 THEN 1 ELSE channel_no END AS channel_no,
           day + make_interval(secs => 60 * (opens + (closes - opens) * (demo_rand('arrives', visit) + demo_rand('arrives too', visit)) / 2)
                                       + CASE WHEN round > 1 THEN (round - 1) * (1700 + 1900 * demo_rand('thirst', visit * 4 + round)) ELSE 0 END) AS local_time
      FROM served, generate_series(1, 3) AS round
     WHERE round = 1
        OR (part >= 4 AND party > 1 AND channel_no = 0 AND demo_rand('rounds', visit) < CASE round WHEN 2 THEN 0.20 ELSE 0.05 END)
)
SELECT sale, visit, round, n, v, part, hunger, party,
       ('{DINE_IN,TAKEAWAY,DELIVERY,WEB}'::text[])[channel_no + 1] AS channel,
       CASE channel_no WHEN 0 THEN (1 + floor(tables * demo_rand('table', visit)))::integer::text END AS table_number,
       date_trunc('milliseconds', local_time AT TIME ZONE timezone AT TIME ZONE 'UTC') AS placed_at,
       horizon
  FROM rounds JOIN house USING (v)
 WHERE local_time AT TIME ZONE timezone AT TIME ZONE 'UTC' <= horizon;
ALTER TABLE sale ADD PRIMARY KEY (sale);
ANALYZE sale;

-- A guest's first order may use the welcome code; the other codes follow the calendar.
ALTER TABLE sale ADD COLUMN promo_code text;
UPDATE sale SET promo_code = CASE WHEN first AND demo_rand('welcome', sale.sale) < 0.35 THEN 'WELCOME10'
                                  WHEN extract(month FROM placed_at) IN (7, 8) THEN 'SUMMER' || to_char(placed_at, 'YY')
                                  WHEN extract(month FROM placed_at) IN (11, 12) THEN 'WINTER' || to_char(placed_at, 'YY')
                                  WHEN part = 2 THEN 'LUNCH15'
                                  ELSE 'FRIENDS10' END
  FROM (SELECT sale, row_number() OVER (PARTITION BY n ORDER BY placed_at, sale) = 1 AS first FROM sale WHERE n IS NOT NULL) AS nth
 WHERE nth.sale = sale.sale
   AND ((first AND demo_rand('welcome', sale.sale) < 0.35) OR demo_rand('promo', sale.sale) < CASE channel WHEN 'DINE_IN' THEN 0.02 ELSE 0.07 END);

-- What is on offer for a course at a daypart, by price, popular products several times.
CREATE UNLOGGED TABLE offer AS
SELECT v, part, course, array_agg(product ORDER BY price, product, copy) AS products
  FROM menu, unnest(parts) AS part, generate_series(1, popularity) AS copy
 GROUP BY v, part, course;

-- Hungry guests reach for the dearer end of the menu. Prices rose by some 6 per cent a year ago.
CREATE UNLOGGED TABLE line AS
WITH wanted AS (
    SELECT sale, position, sale.v, part, course, party, hunger, promo_code, placed_at, round,
           CASE course WHEN 'main' THEN main WHEN 'drink' THEN drink WHEN 'starter' THEN starter ELSE dessert END
           * CASE WHEN round = 1 THEN 1 WHEN course = 'drink' THEN 2 WHEN course = 'main' THEN 0.05 ELSE 0.6 END
           * CASE WHEN course = 'main' OR round > 1 THEN 1 ELSE sqrt(least(hunger, 1.4)) END AS appeal
      FROM sale JOIN daypart USING (v, part), (VALUES (1, 'main'), (2, 'drink'), (3, 'starter'), (4, 'dessert')) AS courses (position, course)
), ordered AS (
    SELECT *, bool_or(demo_rand('wants', sale * 4 + position) < appeal) OVER (PARTITION BY sale) AS any_wanted
      FROM wanted
), picked AS (
    SELECT sale, position, promo_code, placed_at,
           products[1 + floor(cardinality(products) * power(demo_rand('dish', sale * 4 + position), 1 / hunger))::integer] AS product,
           CASE WHEN course IN ('main', 'drink') THEN party ELSE (party + 1) / 2 END AS quantity
      FROM ordered JOIN offer USING (v, part, course)
     WHERE demo_rand('wants', sale * 4 + position) < appeal OR (NOT any_wanted AND course = 'drink')
)
SELECT sale, position, product, quantity,
       round(quantity * CASE WHEN placed_at < today() - interval '1 year' THEN round(price * 0.94 * 20) / 20 ELSE price END
                      * CASE WHEN promo_code = 'LUNCH15' THEN 0.85 WHEN promo_code IS NOT NULL THEN 0.90 ELSE 1 END, 2) AS line_total
  FROM picked JOIN menu USING (product);
ANALYZE line;

-- Orders still open at the horizon are PENDING, and so are a few that somebody forgot to close in the last hours.
CREATE UNLOGGED TABLE bill AS
WITH totalled AS (
    SELECT sale, sum(line_total) AS total, min(line_total) AS smallest, count(*) AS lines FROM line GROUP BY sale
), paid AS (
    SELECT sale.*, total, smallest, lines, demo_rand('fate', sale) AS fate,
           placed_at + make_interval(secs => CASE channel WHEN 'DINE_IN' THEN CASE WHEN v IN (3, 5) THEN 240 + 1500 * demo_rand('pays', sale)
                                                                                   ELSE 1500 + 3600 * demo_rand('pays', sale) END
                                                          WHEN 'DELIVERY' THEN 1300 + 2200 * demo_rand('pays', sale)
                                                          ELSE 200 + 1300 * demo_rand('pays', sale) END) AS closes_at
      FROM sale JOIN totalled USING (sale)
), decided AS (
    SELECT *, date_trunc('milliseconds', closes_at) AS closed_at,
           CASE WHEN fate < 0.024 AND (channel <> 'DINE_IN' OR fate < 0.012) THEN 'CANCELLED'
                WHEN closes_at > horizon OR (placed_at > horizon - interval '10 hours' AND fate > 0.95) THEN 'PENDING'
                WHEN fate BETWEEN 0.024 AND 0.032 THEN 'REFUNDED'
                ELSE 'COMPLETED' END AS status
      FROM paid
)
SELECT sale, cuid(placed_at, 'order', sale) AS id, n, v, channel, table_number, promo_code, placed_at, total, status,
       CASE WHEN status = 'REFUNDED' THEN total
            WHEN status = 'COMPLETED' AND fate BETWEEN 0.032 AND 0.044 THEN CASE WHEN lines > 1 THEN smallest ELSE round(total / 2, 2) END
            ELSE 0 END AS refunded,
       CASE WHEN status IN ('COMPLETED', 'REFUNDED') THEN closed_at END AS completed_at,
       CASE WHEN status IN ('COMPLETED', 'REFUNDED') THEN
            CASE WHEN channel IN ('WEB', 'DELIVERY') THEN ('{CARD,APPLE_PAY,GOOGLE_PAY,PAYPAL}'::text[])[1 + width_bucket(demo_rand('tender', sale), '{0.50,0.74,0.90}'::float8[])]
                 ELSE ('{CARD,CASH,APPLE_PAY,GOOGLE_PAY}'::text[])[1 + width_bucket(demo_rand('tender', sale), CASE WHEN n IS NULL THEN '{0.48,0.80,0.92}'::float8[] ELSE '{0.60,0.76,0.90}'::float8[] END)] END
       END AS payment_method
  FROM decided;
ALTER TABLE bill ADD PRIMARY KEY (sale);
ANALYZE bill;

\echo Writing the customers

-- Accents and the letters that do not decompose are folded for e-mail addresses.
CREATE FUNCTION ascii_name(name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN regexp_replace(translate(replace(normalize(lower(name), NFD), 'ß', 'ss'), 'łøđı', 'lodi'), '[^a-z]', '', 'g');

ALTER TABLE guest ADD COLUMN id text;
UPDATE guest SET id = cuid(timestamp '2024-05-01 08:00' + n * interval '37 minutes', 'customer', n);

INSERT INTO public."Customer" (id, name, phone, email, "dateOfBirth", city, "createdAt")
WITH placed AS (
    SELECT guest.n, guest.id, region.*, culture.*,
           dial_prefixes[1 + dialled / (10 ^ dial_digits)::integer] || lpad((dialled % (10 ^ dial_digits)::integer)::text, dial_digits, '0') AS dial
      FROM (SELECT *, row_number() OVER (PARTITION BY city ORDER BY n) AS nth FROM guest) AS guest
      JOIN region USING (city)
      JOIN culture ON code = cultures[1 + width_bucket(demo_rand('culture', n), thresholds(culture_weights))],
           -- A multiplier without a common factor makes every number another one.
   LATERAL (SELECT ((nth * 7919 + abs(seed() % 1000003)) % (cardinality(dial_prefixes) * (10 ^ dial_digits)::bigint))::integer AS dialled) AS line
), named AS (
    SELECT *, given[1 + floor(cardinality(given) * demo_rand('given', n))::integer] AS first_name,
           family[1 + floor(cardinality(family) * demo_rand('family', n))::integer] AS last_name
      FROM placed
), addressed AS (
    SELECT *, CASE WHEN demo_rand('address', n) < 0.6 THEN ascii_name(first_name) || '.' || ascii_name(last_name)
                   WHEN demo_rand('address', n) < 0.8 THEN left(ascii_name(first_name), 1) || ascii_name(last_name)
                   ELSE ascii_name(last_name) || '.' || ascii_name(first_name) END AS mailbox
      FROM named
), first_order AS (
    SELECT n, min(placed_at) AS placed_at FROM bill WHERE n IS NOT NULL GROUP BY n
)
SELECT id,
       first_name || ' ' || last_name,
       CASE WHEN demo_rand('has phone', n) < 0.91 THEN dial END,
       CASE WHEN demo_rand('has e-mail', n) < 0.83 THEN
            mailbox || coalesce(nullif(row_number() OVER (PARTITION BY mailbox ORDER BY n), 1)::text, '')
                    || CASE WHEN demo_rand('domain', n) < 0.7 THEN '@example.com' ELSE '@example.org' END END,
       CASE WHEN demo_rand('has birthday', n) < 0.58 THEN date '2007-06-30' - floor(22500 * power(demo_rand('age', n), 1.3))::integer END,
       CASE WHEN demo_rand('has town', n) < 0.8 THEN towns[1 + width_bucket(demo_rand('town', n), thresholds(town_weights))] END,
       created_at
  FROM addressed
  JOIN guest AS known USING (n, id)
  LEFT JOIN first_order USING (n)
  JOIN (SELECT v AS home, opened, horizon FROM house) AS house USING (home),
       -- Guests who came before the two years began have older accounts; the others sign up as they first order.
  LATERAL (SELECT date_trunc('milliseconds', CASE
              WHEN placed_at IS NULL THEN least(first_day() + started + make_interval(secs => 28800 + 43200 * demo_rand('account', n)), horizon - interval '1 hour')
              WHEN known.started = 0 AND house.opened < first_day() THEN placed_at - make_interval(secs => 86400 * (20 + 380 * demo_rand('account', n)))
              ELSE placed_at - make_interval(secs => 60 + 900 * demo_rand('account', n)) END) AS created_at) AS account
 ORDER BY created_at, n;

\echo Writing the orders
INSERT INTO public."Order" (id, "venueId", "customerId", status, total, "refundedAmount", channel, "tableNumber", "paymentMethod", "promoCode", "placedAt", "completedAt")
SELECT bill.id, house.id, guest.id, status::public."OrderStatus", total, refunded, channel, table_number, payment_method, promo_code, placed_at, completed_at
  FROM bill JOIN house USING (v) LEFT JOIN guest USING (n)
 ORDER BY placed_at, sale;

\echo Writing their items
INSERT INTO public."OrderItem" (id, "orderId", "productId", quantity, "lineTotal")
SELECT cuid(placed_at, 'item', sale * 4 + position), bill.id, menu.id, quantity, line_total
  FROM line JOIN bill USING (sale) JOIN menu USING (product)
 ORDER BY placed_at, sale, position;

DROP SCHEMA demo_generator CASCADE;
COMMIT;

ANALYZE public."Organization", public."Venue", public."Customer", public."Product", public."Order", public."OrderItem";
SELECT (SELECT count(*) FROM public."Customer") AS customers, (SELECT count(*) FROM public."Order") AS orders,
       (SELECT count(*) FROM public."OrderItem") AS items
\gset demo_
\echo Done: :demo_customers customers, :demo_orders orders, :demo_items items
\set QUIET :demo_quiet
