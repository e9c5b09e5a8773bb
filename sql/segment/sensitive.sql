CREATE OR REPLACE FUNCTION crm.require_manager() RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NOT crm.may_manage() THEN
    RAISE EXCEPTION 'segments by health data are for managers' USING ERRCODE = '42501';
  END IF;
END
$$;
COMMENT ON FUNCTION crm.require_manager() IS 'Refuses callers who are neither managers nor administrators: 42501';

CREATE OR REPLACE FUNCTION crm.mark_sensitive(org int, scope uuid) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
  UPDATE crm.segment AS s SET is_sensitive = NOT s.is_sensitive
  WHERE s.org_id = org AND s.scope_id = scope AND s.archived_at IS NULL
    AND s.is_sensitive <> (s.segment_id = ANY (crm.sensitive_segments(org, scope)))
$$;
COMMENT ON FUNCTION crm.mark_sensitive(int, uuid) IS 'Marks the segments of a venue or (nil UUID) an organisation that ask for health data or name one that does, and no others';
COMMENT ON FUNCTION crm.sensitive_segments(int, uuid) IS 'The living segments of a venue or (nil UUID) an organisation that ask for health data or name one that does';
COMMENT ON FUNCTION crm.criteria_are_sensitive(int, uuid, text) IS 'Whether criteria, for a segment of a venue or (nil UUID) an organisation, ask for health data or name a segment that does. 22023 for invalid ones.';
