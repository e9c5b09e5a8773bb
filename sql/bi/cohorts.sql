CREATE OR REPLACE FUNCTION crm.cohort_months()
RETURNS TABLE (venue_id uuid, cohort_month date, months_since int, guests bigint, orders bigint, revenue numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  caller record;
  v record;
BEGIN
  SELECT * INTO caller FROM crm.require_caller();
  -- Venue by venue: the platform's index on venue and completion serves, and the numbers of one day stand for all its orders.
  FOR v IN
    SELECT s.org_id, s.venue_id, s.ref, s.timezone, s.day_starts_at FROM crm.venue_scoring AS s
    WHERE s.org_id = caller.org_id AND (caller.venue_ids IS NULL OR s.venue_id = ANY (caller.venue_ids))
  LOOP
    RETURN QUERY
    WITH guest AS (
      SELECT t.customer_id, c.ref, date_trunc('month', crm.local_day(t.first_order_at, v.timezone, v.day_starts_at))::date AS month
      FROM crm.customer_venue_stats AS t JOIN crm.customer AS c ON c.org_id = t.org_id AND c.customer_id = t.customer_id
      WHERE t.org_id = v.org_id AND t.venue_id = v.venue_id AND t.total_orders > 0
    ), spent AS (
      SELECT COALESCE(m.survivor_ref, o.customer_ref) AS ref, o.month, sum(o.orders) AS orders, sum(o.revenue) AS revenue
      FROM (SELECT o.customer_ref, date_trunc('month', crm.local_day(o.completed_at, v.timezone, v.day_starts_at))::date AS month,
                   count(*) AS orders, sum(o.total) AS revenue
            FROM crm.counted_orders_at(v.ref) AS o GROUP BY 1, 2) AS o
      LEFT JOIN crm.merged_customer AS m ON m.org_id = v.org_id AND m.ref = o.customer_ref
      GROUP BY 1, 2
    )
    SELECT v.venue_id, g.month,
           (date_part('year', s.month) * 12 + date_part('month', s.month) - date_part('year', g.month) * 12 - date_part('month', g.month))::int AS since,
           count(*), sum(s.orders)::bigint, sum(s.revenue)
    FROM spent AS s JOIN guest AS g ON g.ref = s.ref
    GROUP BY g.month, since;
  END LOOP;
END
$$;
ALTER FUNCTION crm.cohort_months() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.cohort_months() IS 'For each venue that the caller sees, each month of first orders and each month since: how many of those guests ordered, how often and for how much. Reads all orders; crm_bi.cohorts shows it.';
GRANT EXECUTE ON FUNCTION crm.cohort_months() TO crm_reader;
