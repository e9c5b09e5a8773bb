CREATE OR REPLACE FUNCTION crm.follow_preferences(org int, scope uuid, customer uuid) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  at record;
BEGIN
  -- What a night found of him before holds no more.
  PERFORM crm.touch_customers(org, ARRAY[customer]);
  FOR at IN SELECT t.venue_id FROM crm.customer_venue_stats AS t
            WHERE t.org_id = org AND t.customer_id = customer AND scope IN (t.venue_id, '00000000-0000-0000-0000-000000000000') ORDER BY t.venue_id LOOP
    IF crm.asks_for_preferences(org, at.venue_id) THEN
      PERFORM crm.follow_guests(org, at.venue_id, crm.hold_guests(org, at.venue_id, ARRAY[customer], false), 'preference');
    END IF;
  END LOOP;
  IF crm.asks_for_preferences(org, '00000000-0000-0000-0000-000000000000') THEN
    PERFORM crm.follow_guests(org, '00000000-0000-0000-0000-000000000000', ARRAY[customer], 'preference');
  END IF;
END
$$;
COMMENT ON FUNCTION crm.follow_preferences(int, uuid, uuid) IS 'Has the segments of a guest follow what was recorded for a venue or (nil UUID) the organisation, where they ask for it';
COMMENT ON FUNCTION crm.asks_for_preferences(int, uuid) IS 'Whether a segment of a venue or (nil UUID) an organisation depends on needs or preferences';
