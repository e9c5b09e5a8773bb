CREATE OR REPLACE FUNCTION crm.survey_venue(
  of_venue crm.venue_key, from_day date,
  OUT cohort bytea, OUT changes bigint[], OUT days date[], OUT guests int[], OUT orders int[], OUT revenue numeric[], OUT in_step boolean
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
  s crm.venue_scoring;
  changed date[];
BEGIN
  -- Stable, so that all of this sees one moment: a sale is in the orders, the totals and the changed days, or in none.
  SELECT * INTO STRICT s FROM crm.venue_scoring AS x WHERE x.org_id = of_venue.org_id AND x.venue_id = of_venue.venue_id;
  SELECT array_agg(c.change_id), array_agg(DISTINCT c.day) FILTER (WHERE c.day < from_day) INTO changes, changed
  FROM crm.changed_day AS c WHERE c.org_id = of_venue.org_id AND c.venue_id = of_venue.venue_id;

  SELECT crm.cohort(t.customer_id, t.total_orders, t.total_visits, t.total_spent, t.first_order_at, t.last_order_at,
                    t.recency_score, t.frequency_score, t.monetary_score, t.label, t.next_label_at)
  INTO cohort
  FROM crm.customer_venue_stats AS t WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id;

  SELECT array_agg(d.day ORDER BY d.day), array_agg(d.guests ORDER BY d.day), array_agg(d.orders ORDER BY d.day), array_agg(d.revenue ORDER BY d.day)
  INTO days, guests, orders, revenue
  FROM (
    SELECT o.day, count(DISTINCT o.customer_ref)::int AS guests, count(*)::int AS orders, crm.money_sum(sum(o.total)) AS revenue
    FROM (SELECT w.customer_ref, w.total, crm.local_day(w.completed_at, s.timezone, s.day_starts_at) AS day
          FROM crm.counted_orders_within(s.ref,
                 CASE WHEN isfinite(from_day) THEN (crm.local_day_span(from_day, s.timezone, s.day_starts_at)).from_at ELSE '-infinity' END,
                 'infinity') AS w) AS o
    WHERE o.day >= from_day
    GROUP BY o.day
    UNION ALL
    SELECT c.day, count(DISTINCT o.customer_ref)::int, count(*)::int, crm.money_sum(sum(o.total))
    FROM unnest(changed) AS c(day)
    CROSS JOIN LATERAL crm.local_day_span(c.day, s.timezone, s.day_starts_at) AS span
    JOIN LATERAL crm.counted_orders_within(s.ref, span.from_at, span.before) AS o
      ON crm.local_day(o.completed_at, s.timezone, s.day_starts_at) = c.day
    GROUP BY c.day
  ) AS d;

  -- Every counted order is one of a guest's and one of a day's.
  SELECT t.orders = k.orders + COALESCE(n.orders, 0) AND t.spent = (k.revenue + COALESCE(n.revenue, 0)) * 100
  INTO in_step
  FROM crm.cohort_totals(cohort) AS t(orders, spent),
       (SELECT COALESCE(sum(v.orders), 0), COALESCE(sum(v.revenue), 0) FROM crm.venue_day AS v
        WHERE v.org_id = of_venue.org_id AND v.venue_id = of_venue.venue_id AND v.day < from_day
          AND NOT COALESCE(v.day = ANY (changed), false)) AS k(orders, revenue),
       (SELECT sum(u.orders), sum(u.revenue) FROM unnest(orders, revenue) AS u(orders, revenue)) AS n(orders, revenue);
END
$$;
ALTER FUNCTION crm.survey_venue(crm.venue_key, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.survey_venue(crm.venue_key, date) IS 'What the night needs of a venue, as of one moment: its guests (packed), the orders of each day from the given one on and of each day that changed before it, the changes seen, and whether the guests'' totals add up to the orders of those days and of the days kept';
