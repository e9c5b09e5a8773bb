CREATE OR REPLACE FUNCTION crm.sign_in(hash bytea) RETURNS TABLE (principal_id uuid, org_id int, role text)
LANGUAGE plpgsql SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  found_principal crm.principal;
BEGIN
  SELECT p.* INTO found_principal
  FROM crm.api_key AS k JOIN crm.principal AS p ON p.org_id = k.org_id AND p.principal_id = k.principal_id
  WHERE k.key_hash = hash AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp());
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown or expired key' USING ERRCODE = 'CR401';
  END IF;
  PERFORM crm.set_caller(found_principal.principal_id);
  RETURN QUERY SELECT found_principal.principal_id, found_principal.org_id, 'crm_' || found_principal.role;
END
$$;
ALTER FUNCTION crm.sign_in(bytea) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.sign_in(bytea) IS 'Names the principal of an API key, given by its SHA-256, for this transaction and returns the database role to assume; CR401 for an unknown or expired key. For the service only.';
GRANT EXECUTE ON FUNCTION crm.sign_in(bytea) TO crm_service;
