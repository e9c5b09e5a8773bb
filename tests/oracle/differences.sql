-- Rows of crm.customer_venue_stats that disagree with the orders. A guest without counted orders may keep a row of zeros.
CREATE FUNCTION oracle.differing_totals()
RETURNS TABLE (venue text, customer text, expected text, found text)
LANGUAGE sql STABLE AS $$
WITH compared AS (
    SELECT coalesce(g.org_id, s.org_id) AS org_id,
           coalesce(g.venue_id, s.venue_id) AS venue_id,
           coalesce(g.customer_id, s.customer_id) AS customer_id,
           concat_ws(' ', coalesce(g.total_orders, 0), coalesce(g.total_visits, 0),
                     coalesce(g.total_spent, 0)::numeric(14,2), coalesce(g.highest_order, 0)::numeric(14,2),
                     coalesce(g.first_order_at::text, '-'), coalesce(g.last_order_at::text, '-')) AS expected,
           CASE WHEN s.customer_id IS NULL THEN 'no row'
                ELSE concat_ws(' ', s.total_orders, s.total_visits,
                               s.total_spent::numeric(14,2), coalesce(s.highest_order, 0)::numeric(14,2),
                               coalesce(s.first_order_at::text, '-'), coalesce(s.last_order_at::text, '-')) END AS found
      FROM oracle.guest g
      FULL JOIN crm.customer_venue_stats s USING (org_id, venue_id, customer_id)
)
SELECT v.ref, coalesce(c.ref, d.customer_id::text), d.expected, d.found
  FROM compared d
  LEFT JOIN crm.venue v USING (org_id, venue_id)
  LEFT JOIN crm.customer c USING (org_id, customer_id)
 WHERE d.expected IS DISTINCT FROM d.found
$$;

-- The same for scores and labels too, right after a night at p_as_of.
CREATE FUNCTION oracle.differences(p_venue text, p_as_of timestamptz)
RETURNS TABLE (venue text, customer text, expected text, found text)
LANGUAGE sql STABLE AS $$
SELECT venue, customer, 'totals ' || expected, 'totals ' || found
  FROM oracle.differing_totals()
 WHERE p_venue IS NULL OR venue = p_venue
UNION ALL
SELECT v.ref, coalesce(c.ref, s.customer_id::text),
       concat_ws(' ', 'd', e.d, 'scores', e.recency_score, e.frequency_score, e.monetary_score,
                 coalesce(e.label, 'INACTIVE')),
       concat_ws(' ', s.recency_score, s.frequency_score, s.monetary_score, s.label)
  FROM crm.customer_venue_stats s
  JOIN crm.venue v USING (org_id, venue_id)
  LEFT JOIN oracle.expected(p_venue, p_as_of) e USING (org_id, venue_id, customer_id)
  LEFT JOIN crm.customer c USING (org_id, customer_id)
 WHERE (p_venue IS NULL OR v.ref = p_venue)
   AND (s.recency_score, s.frequency_score, s.monetary_score, s.label)
       IS DISTINCT FROM (e.recency_score, e.frequency_score, e.monetary_score, coalesce(e.label, 'INACTIVE'))
$$;
