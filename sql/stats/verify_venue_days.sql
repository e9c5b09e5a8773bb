CREATE OR REPLACE FUNCTION crm.verify_venue_days(venue text) RETURNS TABLE (day date, stored jsonb, expected jsonb)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
  of_venue crm.venue_key := crm.find_counted_venue(venue);
BEGIN
  RETURN QUERY
  WITH counted AS (
    SELECT g.customer_ref, g.day, o.total, min(g.day) OVER (PARTITION BY g.customer_ref) AS first_day
    FROM crm.venue_scoring AS s
    CROSS JOIN LATERAL crm.counted_orders_at(s.ref) AS o
    LEFT JOIN crm.merged_customer AS m ON m.org_id = s.org_id AND m.ref = o.customer_ref
    CROSS JOIN LATERAL (SELECT COALESCE(m.survivor_ref, o.customer_ref) AS customer_ref,
                               crm.local_day(o.completed_at, s.timezone, s.day_starts_at) AS day) AS g
    WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id
  ), per_day AS (
    SELECT c.day, count(DISTINCT c.customer_ref) AS guests, count(DISTINCT c.customer_ref) FILTER (WHERE c.first_day = c.day) AS new_guests,
           count(*) AS orders, crm.money_sum(sum(c.total)) AS revenue
    FROM counted AS c GROUP BY c.day
  ), compared AS (
    SELECT COALESCE(v.day, d.day) AS day,
           CASE WHEN v.day IS NOT NULL THEN jsonb_build_object('guests', v.guests, 'new_guests', v.new_guests, 'orders', v.orders, 'revenue', v.revenue::text) END AS stored,
           jsonb_build_object('guests', COALESCE(d.guests, 0), 'new_guests', COALESCE(d.new_guests, 0),
                              'orders', COALESCE(d.orders, 0), 'revenue', COALESCE(d.revenue, 0)::numeric(14,2)::text) AS expected
    FROM (SELECT k.* FROM crm.venue_day AS k WHERE k.org_id = of_venue.org_id AND k.venue_id = of_venue.venue_id) AS v
    FULL JOIN per_day AS d ON d.day = v.day
  )
  SELECT c.day, c.stored, c.expected
  FROM compared AS c, crm.venue_scoring AS s
  WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id
    -- Later days are open, and days that changed wait for the night.
    AND c.day <= s.closed_day AND c.stored IS DISTINCT FROM c.expected
    AND NOT EXISTS (SELECT FROM crm.changed_day AS n WHERE n.org_id = of_venue.org_id AND n.venue_id = of_venue.venue_id AND n.day = c.day)
  ORDER BY c.day;
END
$$;
ALTER FUNCTION crm.verify_venue_days(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.verify_venue_days(text) IS 'Recounts the closed days of a venue (the CRM''s id or the platform''s) from its orders and returns those whose row in crm.venue_day differs, none when all is well; days that the night has yet to count anew are left out. CR404 for an unknown venue, 55000 before its backfill.';
