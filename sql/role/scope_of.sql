CREATE OR REPLACE FUNCTION crm.scope_of(venue text, OUT org_id int, OUT scope_id uuid)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_venue crm.venue_key;
BEGIN
  IF venue IS NULL THEN
    org_id := crm.acting_org();
    scope_id := '00000000-0000-0000-0000-000000000000';
  ELSE
    of_venue := crm.visible_venue(venue);
    org_id := of_venue.org_id;
    scope_id := of_venue.venue_id;
  END IF;
END
$$;
COMMENT ON FUNCTION crm.scope_of(text) IS 'Organisation and scope of what is said of a venue that the caller may see (the CRM''s id or the platform''s), or (null) of his organisation, whose scope is the nil UUID; CR404 for an unknown venue';
