CREATE OR REPLACE FUNCTION crm.open_session(hash bytea, lifetime interval DEFAULT '12 hours', OUT token text, OUT expires_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
  -- Each of the two carries 122 random bits from the server's strong generator.
  token := 'crs_' || replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
  INSERT INTO crm.session AS s (org_id, session_hash, key_hash, expires_at)
  SELECT k.org_id, sha256(convert_to(token, 'UTF8')), k.key_hash, LEAST(clock_timestamp() + lifetime, k.expires_at)
  FROM crm.api_key AS k WHERE k.key_hash = hash AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())
  RETURNING s.expires_at INTO expires_at;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown or expired key' USING ERRCODE = 'CR401';
  END IF;
END
$$;
ALTER FUNCTION crm.open_session(bytea, interval) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.open_session(bytea, interval) IS 'Opens a session with an API key, given by its SHA-256, which ends after a while and with the key; returns its token, this once: only the SHA-256 is kept. CR401 for an unknown or expired key. For the service only.';
GRANT EXECUTE ON FUNCTION crm.open_session(bytea, interval) TO crm_service;

CREATE OR REPLACE FUNCTION crm.close_session(hash bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ DELETE FROM crm.session AS s WHERE s.session_hash = hash $$;
ALTER FUNCTION crm.close_session(bytea) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.close_session(bytea) IS 'Ends a session, given by its token''s SHA-256; harmless for an unknown one. For the service only.';
GRANT EXECUTE ON FUNCTION crm.close_session(bytea) TO crm_service;

CREATE OR REPLACE FUNCTION crm.whoami() RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_build_object(
    'principal_id', p.principal_id, 'name', p.name, 'role', p.role,
    'organisation', jsonb_build_object('ref', o.ref, 'name', o.name),
    'all_venues', p.venue_ids IS NULL,
    'venues', (SELECT COALESCE(jsonb_agg(jsonb_build_object('venue_id', v.venue_id, 'ref', v.ref, 'name', v.name, 'timezone', v.timezone, 'currency', v.currency) ORDER BY v.name, v.ref), '[]')
               FROM crm.venue AS v WHERE v.org_id = p.org_id AND (p.venue_ids IS NULL OR v.venue_id = ANY (p.venue_ids))))
  FROM crm.require_caller() AS r
  CROSS JOIN crm.caller() AS c
  JOIN crm.principal AS p ON p.org_id = c.org_id AND p.principal_id = c.principal_id
  JOIN crm.organisation AS o ON o.org_id = p.org_id
$$;
ALTER FUNCTION crm.whoami() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.whoami() IS 'The caller, JSON: name, role, organisation, and the venues within reach; 42501 without one';
GRANT EXECUTE ON FUNCTION crm.whoami() TO crm_reader, crm_staff;
