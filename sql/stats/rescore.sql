CREATE OR REPLACE FUNCTION crm.rescore(of_venue crm.venue_key, as_of timestamptz, INOUT last_guest uuid, most int, OUT changed int)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  due uuid[];
BEGIN
  SELECT array_agg(found_guest.customer_id) INTO due FROM (
    SELECT t.customer_id
    FROM crm.customer_venue_stats AS t
    JOIN crm.venue_scoring AS s ON s.org_id = t.org_id AND s.venue_id = t.venue_id
    CROSS JOIN LATERAL crm.rate(s.rule, s.timezone, s.day_starts_at, t.total_orders, t.total_visits, t.total_spent,
                                t.first_order_at, t.last_order_at, as_of) AS r
    WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id
      AND (last_guest IS NULL OR t.customer_id > last_guest)
      AND (t.recency_score, t.frequency_score, t.monetary_score, t.label, t.next_label_at)
          IS DISTINCT FROM (r.recency_score, r.frequency_score, r.monetary_score, r.label, r.next_label_at)
    ORDER BY t.customer_id
    LIMIT most) AS found_guest;

  changed := crm.rescore_guests(of_venue, as_of, due);
  last_guest := CASE WHEN cardinality(due) = most THEN due[most] END;
END
$$;
COMMENT ON FUNCTION crm.rescore(crm.venue_key, timestamptz, uuid, int) IS 'Rewrites the scores and labels that differ under the venue''s rule, for at most so many guests after the given one, in the order of their keys; returns the last guest written (null when none is left) and how many';

CREATE OR REPLACE FUNCTION crm.rescore_guests(of_venue crm.venue_key, as_of timestamptz, guests uuid[]) RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET crm.as_of = ''
AS $$
DECLARE
  free uuid[];
  changed int;
BEGIN
  PERFORM set_config('crm.as_of', as_of::text, true);
  -- In the order of their keys, as every job locks; a guest whose order is being counted is scored by it.
  SELECT array_agg(l.customer_id) INTO free FROM (
    SELECT t.customer_id FROM crm.customer_venue_stats AS t
    WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.customer_id = ANY (guests)
    ORDER BY t.customer_id FOR UPDATE SKIP LOCKED) AS l;
  -- The trigger of the table scores the row as it is once locked: an order may have counted meanwhile.
  UPDATE crm.customer_venue_stats AS t SET label = t.label
  WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.customer_id = ANY (free);
  GET DIAGNOSTICS changed = ROW_COUNT;
  RETURN changed;
END
$$;
COMMENT ON FUNCTION crm.rescore_guests(crm.venue_key, timestamptz, uuid[]) IS 'Writes the scores and labels of some guests of a venue under its rule, as of an instant; returns how many rows';
