-- Fills the demo's schema with one large venue, and optionally five small ones beside it, up to a fixed day.
--   psql -v guests=170000 -v other_guests=30000 -v usual=8 -v exact=3 -v deep_guests=425 -v deep_orders=500 -v copies=1
-- usual is the mean number of orders of a guest; of ten guests, the first `exact` have exactly ten; deep_guests guests have
-- deep_orders. Each order stands `copies` times, a minute apart, with an id of its own. About a third of the guests are active and come about
-- weekly; the others stopped coming some day in the past two years. Chance is a hash: the same sizes give the same bytes.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET timezone = 'UTC';
SET work_mem = '256MB';
SET maintenance_work_mem = '512MB';
-- Foreign keys hold by construction.
SET session_replication_role = replica;

CREATE SCHEMA bench;
CREATE FUNCTION bench.chance(stream text, n bigint) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((hashtextextended(stream, n) & 4503599627370495) + 1) / 4503599627370497.0::float8;
CREATE FUNCTION bench.bell(stream text, n bigint) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN sqrt(-2 * ln(bench.chance(stream || '/radius', n))) * cos(2 * pi() * bench.chance(stream || '/angle', n));

INSERT INTO public."Organization" (id, name) VALUES ('house', 'The House');
INSERT INTO public."Venue" (id, "organizationId", name, city, timezone, currency, "openedOn")
SELECT 'venue-' || v, 'house', 'Venue ' || v, 'Vilnius', 'Europe/Vilnius', 'EUR', date '2024-01-01'
FROM generate_series(1, CASE WHEN :other_guests > 0 THEN 6 ELSE 1 END) AS v;

CREATE TABLE bench.guest AS
WITH drawn AS (
    SELECT n, 'cg' || lpad(to_hex(n), 8, '0') || substr(md5('guest' || n), 1, 15) AS id,
           CASE WHEN n <= :guests THEN 'venue-1' ELSE 'venue-' || 2 + n % 5 END AS venue,
           -- Of those with exactly ten orders more are active, of the others fewer, about a third of all.
           n <= :deep_guests OR bench.chance('active', n) < CASE WHEN :exact = 0 THEN 0.35 WHEN n % 10 < :exact THEN 0.7 ELSE 0.2 END AS active,
           CASE WHEN n <= :deep_guests THEN :deep_orders WHEN n % 10 < :exact THEN 10
                -- Log-normal: most guests come seldom, a few often.
                ELSE least(400, greatest(1, round(exp(ln(:usual) - 0.72 + 1.2 * bench.bell('orders', n))))) END::int AS orders,
           7 * exp(0.5 * bench.bell('pace', n)) AS pace
    FROM generate_series(1, :guests + :other_guests) AS n
), spanned AS (
    SELECT *, least(700, orders * pace) AS span FROM drawn
)
SELECT n, id, venue, active, orders, span,
       CASE WHEN active THEN least(14, pace) ELSE 725 - span END * bench.chance('ended', n) AS ended
FROM spanned;
ALTER TABLE bench.guest ADD PRIMARY KEY (n);

INSERT INTO public."Customer" (id, name, phone, email)
SELECT id,
       ('{Ana,Jonas,Ruta,Marta,Lukas,Emma,Paul,Sofia,Peter,Nora,Adam,Greta,Oskar,Laura,Simon,Julia}'::text[])[1 + n % 16] || ' '
         || initcap(translate(substr(md5('family' || n % 5000), 1, 7), '0123456789', 'aeioulmnrs')),
       '+370 6' || lpad((n::bigint * 7919 % 10000000)::text, 7, '0'),
       'guest' || n || '@example.com'
FROM bench.guest ORDER BY n;

DROP INDEX public."Order_customerId_idx", public."Order_venueId_completedAt_idx";
INSERT INTO public."Order" (id, "venueId", "customerId", status, total, "refundedAmount", channel, "tableNumber", "placedAt", "completedAt")
SELECT 'cm' || lpad(to_hex(row_number() OVER (ORDER BY o.at, o.seed)), 10, '0') || substr(md5('order' || o.seed), 1, 13),
       o.venue, o.id, 'COMPLETED', o.total, CASE WHEN o.seed % 50 = 0 THEN round(o.total / 4, 2) ELSE 0 END,
       'DINE_IN', (1 + o.seed % 30)::text, o.at - interval '40 minutes', o.at
FROM (
    SELECT g.venue, CASE WHEN g.venue = 'venue-1' OR k % 20 > 0 THEN g.id END AS id, s.seed + c AS seed,
           round((6 + 50 * power(bench.chance('total', s.seed), 2) + 10 * bench.chance('taste', g.n))::numeric, 2) AS total,
           date_trunc('milliseconds', timestamp '2026-06-30 20:00'
             - make_interval(secs => 86400 * (g.ended + g.span * CASE k WHEN 1 THEN 0 ELSE bench.chance('at', s.seed) END) + 60 * (c - 1))) AS at
    FROM bench.guest AS g
    CROSS JOIN LATERAL generate_series(1, g.orders) AS k
    CROSS JOIN LATERAL (SELECT (g.n::bigint * 1000 + k) * 16 AS seed) AS s
    CROSS JOIN generate_series(1, :copies) AS c
) AS o
ORDER BY o.at, o.seed;
CREATE INDEX "Order_customerId_idx" ON public."Order" ("customerId");
CREATE INDEX "Order_venueId_completedAt_idx" ON public."Order" ("venueId", "completedAt");
-- A column that no binding knows.
ALTER TABLE public."Order" ADD COLUMN note text;
VACUUM (FREEZE, ANALYZE);
