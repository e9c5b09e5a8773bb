-- Forty-four segments beside the six that follow the labels, and for each of the fifty the statement that somebody would write
-- who keeps members in a table: psql runs this, then bench/src/cases/segments.rs.
CREATE TABLE bench.member (key text, customer_id uuid, PRIMARY KEY (key, customer_id));
CREATE TABLE bench.kept (key text PRIMARY KEY, statement text NOT NULL);

CREATE FUNCTION bench.insert_where(key text, condition text) RETURNS text LANGUAGE sql AS $$
  SELECT format($f$INSERT INTO bench.member SELECT %L, t.customer_id FROM crm.customer_venue_stats AS t
    JOIN crm.customer AS c ON c.org_id = t.org_id AND c.customer_id = t.customer_id,
    LATERAL (SELECT (crm.now() AT TIME ZONE 'Europe/Vilnius')::date AS today, (t.last_order_at AT TIME ZONE 'Europe/Vilnius')::date AS last_day,
                    (t.first_order_at AT TIME ZONE 'Europe/Vilnius')::date AS first_day) AS d
    WHERE t.venue_id = crm.key('venue-1') AND %s$f$, key, condition)
$$;

INSERT INTO bench.kept SELECT lower(l), bench.insert_where(lower(l), format('t.label = %L', l))
FROM unnest('{CHAMPION,LOYAL,POTENTIAL,NEW,AT_RISK,LOST}'::text[]) AS l;

CREATE TEMP TABLE wanted AS
SELECT 'bench_' || i AS key, w.criteria, w.statement FROM generate_series(1, 44) AS i, LATERAL (
  SELECT format('{"v":1,"where":{"field":"total_visits","op":"gte","value":%s}}', 2 + i / 8), bench.insert_where('bench_' || i, format('t.total_visits >= %s', 2 + i / 8)) WHERE i % 8 = 0
  UNION ALL
  SELECT format('{"v":1,"where":{"all":[{"field":"total_spent","op":"gt","value":"%s"},{"field":"last_order_at","op":"within_last","value":"%sd"}]}}', i * 20, i * 10),
         bench.insert_where('bench_' || i, format('t.total_spent > %s AND d.last_day > d.today - %s', i * 20, i * 10)) WHERE i % 8 = 1
  UNION ALL
  SELECT format('{"v":1,"where":{"field":"days_since_last_order","op":"gte","value":%s}}', i * 5), bench.insert_where('bench_' || i, format('d.today - d.last_day >= %s', i * 5)) WHERE i % 8 = 2
  UNION ALL
  SELECT format('{"v":1,"where":{"field":"highest_order","op":"gte","value":"%s"}}', 10 + i), bench.insert_where('bench_' || i, format('t.highest_order >= %s', 10 + i)) WHERE i % 8 = 3
  UNION ALL
  SELECT format('{"v":1,"where":{"all":[{"field":"aov","op":"between","value":["%s","%s"]},{"field":"label","op":"in","value":["LOYAL","CHAMPION","POTENTIAL"]}]}}', i, i + 20),
         bench.insert_where('bench_' || i, format('round(t.total_spent / NULLIF(t.total_orders, 0), 2) BETWEEN %s AND %s AND t.label IN (''LOYAL'', ''CHAMPION'', ''POTENTIAL'')', i, i + 20)) WHERE i % 8 = 4
  UNION ALL
  SELECT format('{"v":1,"where":{"any":[{"field":"first_order_at","op":"within_last","value":"%sd"},{"field":"frequency_score","op":"gte","value":4}]}}', i * 3),
         bench.insert_where('bench_' || i, format('(d.first_day > d.today - %s OR t.frequency_score >= 4)', i * 3)) WHERE i % 8 = 5
  UNION ALL
  SELECT format('{"v":1,"where":{"all":[{"not":{"field":"email","op":"is_null"}},{"field":"total_orders","op":"gte","value":%s}]}}', 1 + i / 4),
         bench.insert_where('bench_' || i, format('c.email IS NOT NULL AND t.total_orders >= %s', 1 + i / 4)) WHERE i % 8 = 6
  UNION ALL
  SELECT format('{"v":1,"where":{"field":"orders","op":"count_gte","value":%s,"within":{"last":"%smo"}}}', 1 + i / 16, 1 + i / 8),
         format($f$INSERT INTO bench.member SELECT %L, crm.key(o."customerId") FROM public."Order" AS o
           WHERE o."venueId" = 'venue-1' AND o.status = 'COMPLETED' AND o."customerId" IS NOT NULL
             AND (o."completedAt" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Vilnius')::date > ((crm.now() AT TIME ZONE 'Europe/Vilnius')::date - interval '%s months')::date
           GROUP BY o."customerId" HAVING count(*) >= %s$f$, 'bench_' || i, 1 + i / 8, 1 + i / 16) WHERE i % 8 = 7
) AS w(criteria, statement);

INSERT INTO bench.kept SELECT w.key, w.statement FROM wanted AS w;
INSERT INTO crm.segment (org_id, venue_id, key, name, criteria, criteria_version)
SELECT v.org_id, v.venue_id, w.key, w.key, crm.canonical_criteria(w.criteria), crm.criteria_version(w.criteria)
FROM wanted AS w, crm.venue AS v WHERE v.ref = 'venue-1';

CREATE FUNCTION bench.keep_all() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  one text;
BEGIN
  FOR one IN SELECT k.statement FROM bench.kept AS k LOOP
    EXECUTE one;
  END LOOP;
END
$$;
