CREATE OR REPLACE FUNCTION crm.verify_stats(venue text)
RETURNS TABLE (customer_id uuid, customer_ref text, stored jsonb, expected jsonb)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_venue crm.venue_key := crm.find_counted_venue(venue);
BEGIN
  RETURN QUERY SELECT d.customer_id, d.customer_ref, d.stored, d.expected FROM crm.stats_differences(of_venue, crm.now()) AS d;
END
$$;
COMMENT ON FUNCTION crm.verify_stats(text) IS 'Recounts a venue (the CRM''s id or the platform''s) from its orders, scores against the cut points in force and returns the guests whose row differs, none when all is well. A row whose next label is due is compared as of just before. CR404 for an unknown venue, 55000 before its backfill.';

CREATE OR REPLACE FUNCTION crm.stats_differences(of_venue crm.venue_key, as_of timestamptz)
RETURNS TABLE (customer_id uuid, customer_ref text, stored jsonb, expected jsonb)
LANGUAGE sql STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  WITH scoring AS (
    SELECT s.* FROM crm.venue_scoring AS s WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id
  ), counted AS (
    SELECT COALESCE(m.survivor_ref, o.customer_ref) AS customer_ref, count(*)::int AS total_orders,
           count(DISTINCT crm.local_day(o.completed_at, s.timezone, s.day_starts_at))::int AS total_visits,
           crm.money_sum(sum(o.total)) AS total_spent, max(o.total) AS highest_order,
           min(o.completed_at) AS first_order_at, max(o.completed_at) AS last_order_at
    FROM scoring AS s CROSS JOIN LATERAL crm.counted_orders_at(s.ref) AS o
    LEFT JOIN crm.merged_customer AS m ON m.org_id = s.org_id AND m.ref = o.customer_ref
    GROUP BY 1
  ), keyed AS (
    SELECT crm.key(c.customer_ref) AS customer_id, c.* FROM counted AS c
  ), stored_rows AS (
    SELECT t.* FROM crm.customer_venue_stats AS t WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id
  ), compared AS (
    SELECT COALESCE(t.customer_id, k.customer_id) AS customer_id, k.customer_ref, t.customer_id IS NOT NULL AS is_stored,
           -- A due row is not wrong: it should be as it was when last it was right.
           LEAST(as_of, t.next_label_at - interval '1 microsecond') AS right_at,
           COALESCE(k.total_orders, 0) AS total_orders, COALESCE(k.total_visits, 0) AS total_visits,
           COALESCE(k.total_spent, 0) AS total_spent, k.highest_order, k.first_order_at, k.last_order_at,
           t.total_orders AS had_orders, t.total_visits AS had_visits, t.total_spent AS had_spent, t.highest_order AS had_highest,
           t.first_order_at AS had_first, t.last_order_at AS had_last, t.recency_score AS had_recency,
           t.frequency_score AS had_frequency, t.monetary_score AS had_monetary, t.label AS had_label, t.next_label_at AS had_next,
           NOT EXISTS (SELECT FROM crm.unprofiled_guest AS u WHERE u.org_id = of_venue.org_id AND u.customer_id = COALESCE(t.customer_id, k.customer_id)) AS profiled
    FROM stored_rows AS t FULL JOIN keyed AS k ON k.customer_id = t.customer_id
  )
  SELECT c.customer_id, COALESCE(c.customer_ref, g.ref),
         CASE WHEN c.is_stored THEN jsonb_build_object(
           'total_orders', c.had_orders, 'total_visits', c.had_visits, 'total_spent', c.had_spent::text, 'highest_order', c.had_highest::text,
           'first_order_at', c.had_first, 'last_order_at', c.had_last, 'recency_score', c.had_recency,
           'frequency_score', c.had_frequency, 'monetary_score', c.had_monetary, 'label', c.had_label, 'next_label_at', c.had_next) END,
         jsonb_build_object(
           'total_orders', c.total_orders, 'total_visits', c.total_visits, 'total_spent', c.total_spent::text, 'highest_order', c.highest_order::text,
           'first_order_at', c.first_order_at, 'last_order_at', c.last_order_at, 'recency_score', r.recency_score,
           'frequency_score', r.frequency_score, 'monetary_score', r.monetary_score, 'label', r.label, 'next_label_at', r.next_label_at)
  FROM compared AS c
  CROSS JOIN scoring AS s
  -- Who is not profiled has neither scores nor a label.
  LEFT JOIN LATERAL crm.rate(s.rule, s.timezone, s.day_starts_at, c.total_orders, c.total_visits, c.total_spent,
                             c.first_order_at, c.last_order_at, c.right_at) AS r ON c.profiled
  LEFT JOIN crm.customer AS g ON g.org_id = of_venue.org_id AND g.customer_id = c.customer_id
  WHERE NOT c.is_stored
     OR (c.had_orders, c.had_visits, c.had_spent, c.had_highest, c.had_first, c.had_last, c.had_recency, c.had_frequency, c.had_monetary, c.had_label, c.had_next)
        IS DISTINCT FROM (c.total_orders, c.total_visits, c.total_spent, c.highest_order, c.first_order_at, c.last_order_at,
                          r.recency_score, r.frequency_score, r.monetary_score, r.label, r.next_label_at)
$$;
ALTER FUNCTION crm.stats_differences(crm.venue_key, timestamptz) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.stats_differences(crm.venue_key, timestamptz) IS 'Guests of a venue whose stored totals, scores or label differ from a recount of the orders under the rule in force';

CREATE OR REPLACE FUNCTION crm.repair_stats(venue text) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_venue crm.venue_key := crm.find_counted_venue(venue);
BEGIN
  RETURN crm.repair_stats_of(of_venue);
END
$$;
COMMENT ON FUNCTION crm.repair_stats(text) IS 'Re-reads every guest of a venue (the CRM''s id or the platform''s) whom crm.verify_stats would name; returns how many. CR404 for an unknown venue, 55000 before its backfill.';

CREATE OR REPLACE FUNCTION crm.repair_stats_of(of_venue crm.venue_key, totals_only boolean DEFAULT false) RETURNS bigint
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT crm.recount_guests(of_venue, crm.differing_guests(of_venue, totals_only))
$$;
COMMENT ON FUNCTION crm.repair_stats_of(crm.venue_key, boolean) IS 'Re-reads every guest of a venue whose row, or whose totals alone, differ from the orders; returns how many';

CREATE OR REPLACE FUNCTION crm.differing_guests(of_venue crm.venue_key, totals_only boolean) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- What follows from the totals, the rule and the day.
  derived CONSTANT text[] := '{recency_score,frequency_score,monetary_score,label,next_label_at}';
BEGIN
  -- Without its binding a venue has no orders, and every guest would seem to differ.
  PERFORM FROM crm.binding AS b WHERE b.entity = 'order' FOR SHARE;
  IF NOT FOUND THEN
    RETURN '{}';
  END IF;
  RETURN COALESCE((
    SELECT array_agg(d.customer_ref ORDER BY d.customer_id) FROM crm.stats_differences(of_venue, crm.now()) AS d
    WHERE NOT totals_only OR (d.stored - derived) IS DISTINCT FROM (d.expected - derived)), '{}');
END
$$;
ALTER FUNCTION crm.differing_guests(crm.venue_key, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.differing_guests(crm.venue_key, boolean) IS 'Guests of a venue, by the platform''s ids and in the order of their keys, whose row, or whose totals alone, differ from the orders';

CREATE OR REPLACE FUNCTION crm.recount_guests(of_venue crm.venue_key, customer_refs text[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- Who re-reads many guests waits for no sale: it holds others that sales may want.
SET lock_timeout = '50ms'
AS $$
DECLARE
  of_ref text := (SELECT v.ref FROM crm.venue AS v WHERE v.org_id = of_venue.org_id AND v.venue_id = of_venue.venue_id);
  done text[] := '{}';
BEGIN
  BEGIN
    done := crm.recount_guests(of_venue, of_ref, customer_refs, true);
  EXCEPTION WHEN lock_not_available THEN
    NULL;  -- a sale under way gives one of them his first row
  END;
  INSERT INTO crm.failed_change (entity, venue_ref, customer_ref, sqlstate, message)
  SELECT 'order', of_ref, left_over.ref, '55P03', 'a sale holds the guest'
  FROM (SELECT unnest(customer_refs) EXCEPT SELECT unnest(done)) AS left_over(ref);
  RETURN cardinality(done);
END
$$;
ALTER FUNCTION crm.recount_guests(crm.venue_key, text[]) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.recount_guests(crm.venue_key, text[]) IS 'Re-reads some guests of a venue, given by the platform''s ids, from the orders; returns how many. One that a sale holds is left to the next repair.';
