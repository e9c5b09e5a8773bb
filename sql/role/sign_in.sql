CREATE OR REPLACE FUNCTION crm.sign_in(hash bytea) RETURNS TABLE (principal_id uuid, org_id int, role text)
LANGUAGE plpgsql SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
  of_key record;
BEGIN
  SELECT k.org_id, k.key_hash, k.last_used_on, p.principal_id, p.role INTO of_key
  FROM crm.api_key AS k JOIN crm.principal AS p ON p.org_id = k.org_id AND p.principal_id = k.principal_id
  WHERE k.key_hash = COALESCE((SELECT s.key_hash FROM crm.session AS s WHERE s.session_hash = hash AND s.expires_at > clock_timestamp()), hash)
    AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp());
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown or expired key' USING ERRCODE = 'CR401';
  END IF;
  -- Once a day, and nobody waits for another who does the same.
  IF of_key.last_used_on IS DISTINCT FROM today AND NOT pg_is_in_recovery() THEN
    UPDATE crm.api_key AS k SET last_used_on = today
    FROM (SELECT x.org_id, x.key_hash FROM crm.api_key AS x
          WHERE x.org_id = of_key.org_id AND x.key_hash = of_key.key_hash FOR NO KEY UPDATE SKIP LOCKED) AS free
    WHERE k.org_id = free.org_id AND k.key_hash = free.key_hash;
  END IF;
  PERFORM crm.set_caller(of_key.principal_id);
  RETURN QUERY SELECT of_key.principal_id, of_key.org_id, 'crm_' || of_key.role;
END
$$;
ALTER FUNCTION crm.sign_in(bytea) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.sign_in(bytea) IS 'Names the principal of an API key, or of a session opened with one, given by the SHA-256, for this transaction and returns the database role to assume; CR401 for an unknown or expired one. For the service only.';
GRANT EXECUTE ON FUNCTION crm.sign_in(bytea) TO crm_service;
