CREATE OR REPLACE FUNCTION crm.rescore_guests(of_venue crm.venue_key, as_of timestamptz, guests bytea, cause text DEFAULT 'night', OUT changed int, OUT busy int, OUT relabelled uuid[])
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET crm.as_of = ''
SET crm.cause = ''
-- It waits for no sale: it holds other guests that sales may want.
SET lock_timeout = '20ms'
-- For the planner: so many rows of the index, not a pass over the table.
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  keys uuid[] := crm.cohort_keys(guests);
BEGIN
  PERFORM set_config('crm.as_of', as_of::text, true), set_config('crm.cause', cause, true);
  busy := 0;
  -- The table's own trigger scores each row as it is once locked: an order may have counted meanwhile.
  BEGIN
    WITH written AS (
      UPDATE crm.customer_venue_stats AS t SET label = t.label
      WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.customer_id = ANY (keys)
      RETURNING t.customer_id, t.label_changed_at)
    SELECT count(*), array_agg(w.customer_id) FILTER (WHERE w.label_changed_at = as_of) INTO changed, relabelled FROM written AS w;
  EXCEPTION WHEN lock_not_available THEN
    -- In the order of their keys, as every job locks. A guest whose order is being counted is scored by it; a lock of a
    -- table is waited for.
    PERFORM set_config('lock_timeout', '0', true);
    SELECT array_agg(l.customer_id), cardinality(keys) - count(*) INTO keys, busy
    FROM (SELECT t.customer_id FROM crm.customer_venue_stats AS t
          WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.customer_id = ANY (keys)
          ORDER BY t.customer_id FOR NO KEY UPDATE SKIP LOCKED) AS l;
    WITH written AS (
      UPDATE crm.customer_venue_stats AS t SET label = t.label
      WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.customer_id = ANY (keys)
      RETURNING t.customer_id, t.label_changed_at)
    SELECT count(*), array_agg(w.customer_id) FILTER (WHERE w.label_changed_at = as_of) INTO changed, relabelled FROM written AS w;
  END;
END
$$;
COMMENT ON FUNCTION crm.rescore_guests(crm.venue_key, timestamptz, bytea, text) IS 'Writes the scores and labels of some guests of a venue (packed) under its rule, as of an instant and for a cause (night, time); returns how many rows, how many guests a sale held, and who got another label';
