CREATE OR REPLACE FUNCTION crm.rescore_guests(of_venue crm.venue_key, as_of timestamptz, guests bytea, OUT changed int, OUT busy int)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
-- It waits for no sale: it holds other guests that sales may want.
SET lock_timeout = '20ms'
AS $$
DECLARE
  free bytea;
BEGIN
  busy := 0;
  BEGIN
    changed := crm.write_ratings(of_venue, as_of, guests);
  EXCEPTION WHEN lock_not_available THEN
    -- In the order of their keys, as every job locks. A guest whose order is being counted is scored by it.
    SELECT crm.cohort(l.customer_id, l.total_orders, l.total_visits, l.total_spent, l.first_order_at, l.last_order_at,
                      l.recency_score, l.frequency_score, l.monetary_score, l.label, l.next_label_at, l.version),
           octet_length(guests) / 64 - count(*)
    INTO free, busy
    FROM (SELECT t.*, t.xmin AS version FROM crm.customer_venue_stats AS t
          WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.customer_id = ANY (crm.cohort_keys(guests))
          ORDER BY t.customer_id FOR NO KEY UPDATE SKIP LOCKED) AS l;
    changed := crm.write_ratings(of_venue, as_of, free);
  END;
END
$$;
COMMENT ON FUNCTION crm.rescore_guests(crm.venue_key, timestamptz, bytea) IS 'Writes the scores and labels of some guests of a venue (packed) where they differ under its rule, as of an instant, unless their rows have changed since they were read; returns how many rows, and how many a sale held';

CREATE OR REPLACE FUNCTION crm.write_ratings(of_venue crm.venue_key, as_of timestamptz, guests bytea) RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  keys uuid[] := crm.cohort_keys(guests);
  changed int;
BEGIN
  UPDATE crm.customer_venue_stats AS t
  SET recency_score = r.recency_score, frequency_score = r.frequency_score, monetary_score = r.monetary_score,
      label = r.label, next_label_at = r.next_label_at,
      previous_label = CASE WHEN r.label <> t.label THEN t.label ELSE t.previous_label END,
      label_changed_at = CASE WHEN r.label <> t.label THEN as_of ELSE t.label_changed_at END
  FROM crm.venue_scoring AS s
  CROSS JOIN LATERAL crm.cohort_ratings(guests, s.rule, s.timezone, s.day_starts_at, as_of) AS r
  WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id
    AND t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.customer_id = r.customer_id
    -- What was rated is what is written: a row that a sale has written since is scored by it, or found again.
    AND t.xmin = r.version
    -- For the planner: so many rows of the index, not a pass over the table.
    AND t.customer_id = ANY (keys);
  GET DIAGNOSTICS changed = ROW_COUNT;
  RETURN changed;
END
$$;
COMMENT ON FUNCTION crm.write_ratings(crm.venue_key, timestamptz, bytea) IS 'One statement that writes the scores and labels of some guests (packed) whose rows have not changed since they were read; returns how many';
