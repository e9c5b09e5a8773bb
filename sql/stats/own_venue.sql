CREATE OR REPLACE FUNCTION crm.recompute_own_venue(venue text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_venue crm.venue_key := crm.visible_venue(venue);
BEGIN
  RETURN crm.recompute_venue(of_venue.venue_id::text);
END
$$;
ALTER FUNCTION crm.recompute_own_venue(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.recompute_own_venue(text) IS 'As crm.recompute_venue, for a venue of the caller''s: CR404 for any other';
GRANT EXECUTE ON FUNCTION crm.recompute_own_venue(text) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.verify_own_venue(venue text, most int DEFAULT 200) RETURNS TABLE (customer_id uuid, ref text, stored jsonb, expected jsonb)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_venue crm.venue_key := crm.visible_venue(venue);
BEGIN
  RETURN QUERY SELECT v.customer_id, v.customer_ref, v.stored, v.expected FROM crm.verify_stats(of_venue.venue_id::text) AS v ORDER BY v.customer_id LIMIT most;
END
$$;
ALTER FUNCTION crm.verify_own_venue(text, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.verify_own_venue(text, int) IS 'As crm.verify_stats, for a venue of the caller''s and at most so many guests: CR404 for any other';
GRANT EXECUTE ON FUNCTION crm.verify_own_venue(text, int) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.repair_own_venue(venue text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_venue crm.venue_key := crm.visible_venue(venue);
BEGIN
  RETURN crm.repair_stats(of_venue.venue_id::text);
END
$$;
ALTER FUNCTION crm.repair_own_venue(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.repair_own_venue(text) IS 'As crm.repair_stats, for a venue of the caller''s: CR404 for any other';
GRANT EXECUTE ON FUNCTION crm.repair_own_venue(text) TO crm_manager;
