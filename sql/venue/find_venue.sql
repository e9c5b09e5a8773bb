CREATE OR REPLACE FUNCTION crm.find_venue(venue text) RETURNS crm.venue_key
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  found_venue crm.venue_key;
BEGIN
  PERFORM crm.require_schema();
  SELECT v.org_id, v.venue_id INTO found_venue FROM crm.venue AS v WHERE v.venue_id = crm.key(venue);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown venue "%"', venue
      USING ERRCODE = 'CR404', COLUMN = 'venue', HINT = 'Give the CRM''s id or the platform''s own id of a venue; crm.venue lists them.';
  END IF;
  RETURN found_venue;
END
$$;
COMMENT ON FUNCTION crm.find_venue(text) IS 'Key of a venue given by the CRM''s id or the platform''s; CR404 for an unknown one';
