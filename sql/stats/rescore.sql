CREATE OR REPLACE FUNCTION crm.rescore_guests(of_venue crm.venue_key, as_of timestamptz, guests uuid[], OUT changed int, OUT busy int)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET crm.as_of = ''
AS $$
DECLARE
  locked bytea;
  differing uuid[];
  s crm.venue_scoring;
BEGIN
  SELECT * INTO STRICT s FROM crm.venue_scoring AS x WHERE x.org_id = of_venue.org_id AND x.venue_id = of_venue.venue_id;
  -- In the order of their keys, as every job locks, and as they are once locked: an order may have counted meanwhile. A
  -- guest whose order is being counted is scored by it.
  SELECT crm.cohort(l.customer_id, l.total_orders, l.total_visits, l.total_spent, l.first_order_at, l.last_order_at,
                    l.recency_score, l.frequency_score, l.monetary_score, l.label, l.next_label_at),
         cardinality(guests) - count(*)
  INTO locked, busy
  FROM (SELECT t.* FROM crm.customer_venue_stats AS t
        WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.customer_id = ANY (guests)
        ORDER BY t.customer_id FOR NO KEY UPDATE SKIP LOCKED) AS l;
  differing := crm.cohort_differing(locked, s.rule, s.timezone, s.day_starts_at, as_of);
  -- The table's own trigger scores them.
  PERFORM set_config('crm.as_of', as_of::text, true);
  UPDATE crm.customer_venue_stats AS t SET label = t.label
  WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.customer_id = ANY (differing);
  GET DIAGNOSTICS changed = ROW_COUNT;
END
$$;
COMMENT ON FUNCTION crm.rescore_guests(crm.venue_key, timestamptz, uuid[]) IS 'Writes the scores and labels that differ among some guests of a venue under its rule, as of an instant; returns how many rows, and how many guests a sale held';
