CREATE OR REPLACE FUNCTION crm.guest_version(customer text, hold boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  org int := crm.org_of_customer(customer, 'customer');
BEGIN
  IF hold THEN
    PERFORM FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = crm.key(customer) FOR NO KEY UPDATE;
  END IF;
  RETURN (SELECT encode(sha256(convert_to((to_jsonb(c) - '{created_at,created_by,updated_at,name_lexemes}'::text[])::text, 'UTF8')), 'hex')
          FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = crm.key(customer));
END
$$;
ALTER FUNCTION crm.guest_version(text, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.guest_version(text, boolean) IS 'Version of a guest''s profile (the CRM''s id or the platform''s), another after every change of it; holds the guest until the end of the transaction if asked to. CR404.';
GRANT EXECUTE ON FUNCTION crm.guest_version(text, boolean) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.settings_version(venue text, hold boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_venue crm.venue_key := crm.visible_venue(venue);
BEGIN
  IF hold THEN
    PERFORM FROM crm.venue AS v WHERE v.org_id = of_venue.org_id AND v.venue_id = of_venue.venue_id FOR NO KEY UPDATE;
  END IF;
  RETURN encode(sha256(convert_to(crm.settings_of(of_venue)::text, 'UTF8')), 'hex');
END
$$;
ALTER FUNCTION crm.settings_version(text, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.settings_version(text, boolean) IS 'Version of a venue''s settings (the CRM''s id or the platform''s), another after every change of them; holds the venue until the end of the transaction if asked to. CR404.';
GRANT EXECUTE ON FUNCTION crm.settings_version(text, boolean) TO crm_reader, crm_staff;

CREATE OR REPLACE FUNCTION crm.saved_version(segment int, hold boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  s crm.known_segment := crm.visible_segment(segment);
BEGIN
  IF hold THEN
    -- In the order of crm.update_segment: the scope, then the row.
    PERFORM crm.lock_segments(s.org_id, s.scope_id);
    s := crm.visible_segment(segment);
  END IF;
  RETURN encode(sha256(convert_to(jsonb_build_array(s.name, s.criteria_version, s.archived_at)::text, 'UTF8')), 'hex');
END
$$;
ALTER FUNCTION crm.saved_version(int, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.saved_version(int, boolean) IS 'Version of a segment, another after every edit; keeps other edits out until the end of the transaction if asked to. CR404.';
GRANT EXECUTE ON FUNCTION crm.saved_version(int, boolean) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.expect_version(present text, wanted text[]) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF present <> ALL (wanted) THEN
    RAISE EXCEPTION 'it was changed since it was read' USING ERRCODE = 'CR412', COLUMN = 'if_match', HINT = 'Read it again, and change what it is now.';
  END IF;
END
$$;
COMMENT ON FUNCTION crm.expect_version(text, text[]) IS 'Refuses with CR412 a version that is none of those wanted';
GRANT EXECUTE ON FUNCTION crm.expect_version(text, text[]) TO crm_reader, crm_staff;
