CREATE OR REPLACE FUNCTION crm.random_bucket(customer_id uuid) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT (('x' || pg_catalog.left(pg_catalog.md5(customer_id::text), 8))::bit(32)::bigint % 100)::int
$$;
COMMENT ON FUNCTION crm.random_bucket(uuid) IS 'A number from 0 to 99 that a guest keeps for good';

CREATE OR REPLACE FUNCTION crm.keys_of_guest(org int, scope uuid, customer uuid) RETURNS text[]
LANGUAGE sql STABLE
AS $$
  SELECT ARRAY(SELECT s.key FROM crm.guest_segments AS g JOIN crm.segment AS s ON s.org_id = g.org_id AND s.segment_id = ANY (g.segments)
               WHERE g.org_id = org AND g.scope_id = scope AND g.customer_id = customer
               UNION ALL
               SELECT s.key FROM crm.customer_venue_stats AS t JOIN crm.segment AS s ON s.org_id = t.org_id AND s.venue_id = t.venue_id AND s.label = t.label
               WHERE t.org_id = org AND t.venue_id = scope AND t.customer_id = customer)
$$;
COMMENT ON FUNCTION crm.keys_of_guest(int, uuid, uuid) IS 'Keys of the segments a guest is a member of, at a venue or (the nil UUID) in the organisation';

CREATE OR REPLACE FUNCTION crm.daypart(at time, breakfast_from time, lunch_from time, afternoon_from time, dinner_from time, late_from time) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE WHEN at < breakfast_from OR at >= late_from THEN 'late' WHEN at < lunch_from THEN 'breakfast'
              WHEN at < afternoon_from THEN 'lunch' WHEN at < dinner_from THEN 'afternoon' ELSE 'dinner' END
$$;
COMMENT ON FUNCTION crm.daypart(time, time, time, time, time, time) IS 'Part of the day that a local time belongs to, by the times at which the venue''s parts begin';

CREATE OR REPLACE FUNCTION crm.weekday(day date) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT ('{monday,tuesday,wednesday,thursday,friday,saturday,sunday}'::text[])[EXTRACT(isodow FROM day)::int]
$$;
COMMENT ON FUNCTION crm.weekday(date) IS 'Weekday of a day, in English and lower case';

-- Not pinned, so that the planner inlines it.
CREATE OR REPLACE FUNCTION crm.items_of(org_id int, customer_ref text, venue_ref text)
RETURNS TABLE (product text, category text, quantity numeric, amount numeric, day date)
LANGUAGE sql STABLE
AS $$
  SELECT i.product, i.category, i.quantity, i.amount, i.day
  FROM crm.orders_of(org_id, customer_ref, venue_ref) AS o CROSS JOIN LATERAL crm.items_of_order(o.order_ref, o.day) AS i
$$;
COMMENT ON FUNCTION crm.items_of(int, text, text) IS 'Lines of the counted orders of a guest at a venue (null for all of the organisation)';

CREATE OR REPLACE FUNCTION crm.items_at(org_id int, venue_ref text, since date)
RETURNS TABLE (guest uuid, product text, category text, quantity numeric, amount numeric, day date)
LANGUAGE sql STABLE
AS $$
  SELECT o.guest, i.product, i.category, i.quantity, i.amount, i.day
  FROM crm.orders_at(org_id, venue_ref, since) AS o CROSS JOIN LATERAL crm.items_of_order(o.order_ref, o.day) AS i
$$;
COMMENT ON FUNCTION crm.items_at(int, text, date) IS 'Lines of the counted orders of all guests at a venue (null for all of the organisation), of orders of a day or later';

CREATE OR REPLACE FUNCTION crm.scope_days(org int, scope uuid) RETURNS TABLE (org_id int, venue_ref text, today date)
LANGUAGE sql STABLE
AS $$
  SELECT s.org_id, CASE WHEN scope <> '00000000-0000-0000-0000-000000000000' THEN s.ref END, crm.local_day(crm.now(), s.timezone, s.day_starts_at)
  FROM crm.venue AS v JOIN crm.venue_scoring AS s ON s.org_id = v.org_id AND s.venue_id = v.venue_id
  WHERE v.org_id = org AND scope IN (v.venue_id, '00000000-0000-0000-0000-000000000000')
  ORDER BY v.created_at, v.venue_id LIMIT 1
$$;
COMMENT ON FUNCTION crm.scope_days(int, uuid) IS 'The venue of a scope by the platform''s id, null for the organisation (nil UUID), and the day it is there: an organisation''s days are those of its first venue';

CREATE OR REPLACE FUNCTION crm.keep_spend(of_venue crm.venue_key, as_of timestamptz, cohort bytea) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO crm.venue_spend AS p (org_id, venue_id, cuts, computed_at)
  SELECT of_venue.org_id, of_venue.venue_id, ARRAY(SELECT c.spent / 100.0 FROM unnest(crm.cohort_spend(cohort)) WITH ORDINALITY AS c(spent, n) ORDER BY c.n), as_of
  ON CONFLICT (org_id, venue_id) DO UPDATE SET cuts = excluded.cuts, computed_at = excluded.computed_at
  WHERE p.cuts <> excluded.cuts
$$;
COMMENT ON FUNCTION crm.keep_spend(crm.venue_key, timestamptz, bytea) IS 'Keeps what spend_percentile compares with, of the packed cohort of a venue';
