CREATE OR REPLACE FUNCTION crm.set_region(region text, venue text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  org int := crm.acting_org();
  of_venue crm.venue_key;
  written bigint := 0;
BEGIN
  IF NOT crm.known_region(region) THEN
    RAISE EXCEPTION 'unknown region "%"', left(region, 60) USING ERRCODE = '22023', COLUMN = 'region', HINT = 'Two capital letters of ISO 3166-1, such as DE.';
  END IF;
  IF venue IS NOT NULL THEN
    of_venue := crm.visible_venue(venue);
    UPDATE crm.venue AS v SET region = set_region.region WHERE v.org_id = of_venue.org_id AND v.venue_id = of_venue.venue_id;
    RETURN 0;
  END IF;
  UPDATE crm.organisation AS o SET default_region = region WHERE o.org_id = org;
  -- Numbers without a country's code are read anew, by the trigger.
  UPDATE crm.customer AS c SET phone = c.phone
  WHERE c.org_id = org AND c.phone IS NOT NULL AND c.phone_region IS NULL AND crm.phone_e164(c.phone, region) IS DISTINCT FROM c.phone_e164;
  GET DIAGNOSTICS written = ROW_COUNT;
  RETURN written;
END
$$;
ALTER FUNCTION crm.set_region(text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.set_region(text, text) IS 'Says in which region (ISO 3166-1 alpha-2) phone numbers without a country''s code are dialled: at a venue, for those written down there from now on, or (null) in the caller''s organisation, where all such numbers are read anew; returns how many now read differently. Reads all guests. 22023 for an unknown region, CR404 for an unknown venue.';
GRANT EXECUTE ON FUNCTION crm.set_region(text, text) TO crm_admin;
