-- In plpgsql, which keeps its plan: every call of anything asks it.
CREATE OR REPLACE FUNCTION crm.is_administrator() RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN crm.named_caller() IS NULL AND current_setting('role') = 'none' AND EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = session_user AND r.rolsuper);
END
$$;
COMMENT ON FUNCTION crm.is_administrator() IS 'Whether a superuser of the database acts as himself: such a session sees every organisation';

CREATE OR REPLACE FUNCTION crm.visible_venue(venue text) RETURNS crm.venue_key
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_venue crm.venue_key := crm.find_venue(venue);
  caller record;
BEGIN
  SELECT * INTO caller FROM crm.caller();
  IF NOT FOUND THEN
    IF crm.is_administrator() THEN
      RETURN of_venue;
    END IF;
    PERFORM crm.require_caller();
  ELSIF caller.org_id <> of_venue.org_id OR of_venue.venue_id <> ALL (caller.venue_ids) THEN
    PERFORM crm.refuse_venue(venue);
  END IF;
  RETURN of_venue;
END
$$;
COMMENT ON FUNCTION crm.visible_venue(text) IS 'Key of a venue (the CRM''s id or the platform''s) that the caller may see; CR404 for any other, whether it exists or not. Superusers acting as themselves see all.';
