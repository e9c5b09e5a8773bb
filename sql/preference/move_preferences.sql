CREATE OR REPLACE FUNCTION crm.move_preferences(org int, origins uuid[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  guests uuid[] := ARRAY(
    SELECT o.id FROM unnest(origins) AS o(id)
    UNION SELECT h.customer_id FROM crm.health_need AS h WHERE h.org_id = org AND h.origin_id = ANY (origins)
    UNION SELECT s.customer_id FROM crm.stated_preference AS s WHERE s.org_id = org AND s.origin_id = ANY (origins)
    UNION SELECT m.survivor_id FROM crm.merged_customer AS m WHERE m.org_id = org AND m.customer_id = ANY (origins));
  at record;
BEGIN
  UPDATE crm.health_need AS h SET customer_id = COALESCE(m.survivor_id, o.id)
  FROM unnest(origins) AS o(id) LEFT JOIN crm.merged_customer AS m ON m.org_id = org AND m.customer_id = o.id
  WHERE h.org_id = org AND h.origin_id = o.id AND h.customer_id <> COALESCE(m.survivor_id, o.id);
  UPDATE crm.stated_preference AS s SET customer_id = COALESCE(m.survivor_id, o.id)
  FROM unnest(origins) AS o(id) LEFT JOIN crm.merged_customer AS m ON m.org_id = org AND m.customer_id = o.id
  WHERE s.org_id = org AND s.origin_id = o.id AND s.customer_id <> COALESCE(m.survivor_id, o.id);
  -- What is derived follows the orders.
  FOR at IN SELECT DISTINCT t.venue_id FROM crm.customer_venue_stats AS t WHERE t.org_id = org AND t.customer_id = ANY (guests) ORDER BY t.venue_id LOOP
    PERFORM crm.derive_guests(ROW(org, at.venue_id)::crm.venue_key, guests);
  END LOOP;
END
$$;
COMMENT ON FUNCTION crm.move_preferences(int, uuid[]) IS 'Gives the needs and preferences recorded under guests to whoever they are now, after a merge or its taking back, and derives those of both anew; the segments are for the caller to follow';
