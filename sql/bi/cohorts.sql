CREATE OR REPLACE FUNCTION crm.cohort_months()
RETURNS TABLE (venue_id uuid, cohort_month date, months_since int, guests bigint, orders bigint, revenue numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1000
SET search_path = pg_catalog, pg_temp
SET jit = off
SET work_mem = '64MB'
AS $$
#variable_conflict use_column
DECLARE
  caller record;
  v record;
BEGIN
  SELECT * INTO caller FROM crm.require_caller();
  -- Venue by venue: each has its own days, and the platform's index on the venue serves.
  FOR v IN
    SELECT s.org_id, s.venue_id, s.ref, s.timezone, s.day_starts_at FROM crm.venue_scoring AS s
    WHERE s.org_id = caller.org_id AND (caller.venue_ids IS NULL OR s.venue_id = ANY (caller.venue_ids))
  LOOP
    RETURN QUERY
    WITH guest AS (
      -- Orders under the id of somebody who was merged are his survivor's.
      SELECT n.ref, t.customer_id, date_trunc('month', crm.local_day(t.first_order_at, v.timezone, v.day_starts_at)::timestamp)::date AS month
      FROM (SELECT c.customer_id, c.ref FROM crm.customer AS c WHERE c.org_id = v.org_id AND c.status <> 'merged'
            UNION ALL
            SELECT m.survivor_id, m.ref FROM crm.merged_customer AS m WHERE m.org_id = v.org_id) AS n
      JOIN crm.customer_venue_stats AS t ON t.org_id = v.org_id AND t.venue_id = v.venue_id AND t.customer_id = n.customer_id
      WHERE t.total_orders > 0
    ), spent AS (
      SELECT g.customer_id, g.month, date_trunc('month', crm.local_day(o.completed_at, v.timezone, v.day_starts_at)::timestamp)::date AS in_month,
             count(*) AS orders, sum(o.total) AS revenue
      FROM crm.counted_orders_at(v.ref) AS o JOIN guest AS g ON g.ref = o.customer_ref
      GROUP BY 1, 2, 3
    )
    SELECT v.venue_id, s.month,
           (date_part('year', s.in_month) * 12 + date_part('month', s.in_month) - date_part('year', s.month) * 12 - date_part('month', s.month))::int,
           count(*), sum(s.orders)::bigint, sum(s.revenue)
    FROM spent AS s
    GROUP BY s.month, s.in_month;
  END LOOP;
END
$$;
ALTER FUNCTION crm.cohort_months() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.cohort_months() IS 'For each venue that the caller sees, each month of first orders and each month since: how many of those guests ordered, how often and for how much. Reads all orders; crm_bi.cohorts shows it.';
GRANT EXECUTE ON FUNCTION crm.cohort_months() TO crm_reader;
