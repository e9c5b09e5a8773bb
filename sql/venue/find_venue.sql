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
    PERFORM crm.refuse_venue(venue);
  END IF;
  RETURN found_venue;
END
$$;
COMMENT ON FUNCTION crm.find_venue(text) IS 'Key of a venue given by the CRM''s id or the platform''s; CR404 for an unknown one';

CREATE OR REPLACE FUNCTION crm.find_counted_venue(venue text) RETURNS crm.venue_key
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_venue crm.venue_key := crm.find_venue(venue);
BEGIN
  IF NOT EXISTS (SELECT FROM crm.venue_scoring AS s
                 WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id AND s.counting = 'live') THEN
    RAISE EXCEPTION 'the history of venue "%" is not counted yet', venue USING ERRCODE = '55000',
      HINT = CASE (SELECT s.counting FROM crm.venue_scoring AS s WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id)
        WHEN 'off' THEN 'The CRM is not enabled there: crm_enabled of the venue''s or the organisation''s settings.' WHEN 'resuming' THEN 'CALL crm.run_sweep();'
        ELSE 'CALL crm.backfill();' END;
  END IF;
  RETURN of_venue;
END
$$;
COMMENT ON FUNCTION crm.find_counted_venue(text) IS 'Key of a venue whose orders are counted as they change; CR404 for an unknown one, 55000 before its backfill';

CREATE OR REPLACE FUNCTION crm.refuse_venue(venue text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION 'unknown venue "%"', venue
    USING ERRCODE = 'CR404', COLUMN = 'venue', HINT = 'Give the CRM''s id or the platform''s own id of a venue; crm.venue lists them.';
END
$$;
COMMENT ON FUNCTION crm.refuse_venue(text) IS 'Raises CR404 for a venue that is not there, or not for the caller: both read the same';
