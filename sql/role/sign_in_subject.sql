CREATE OR REPLACE FUNCTION crm.sign_in_subject(subject text, org text) RETURNS TABLE (principal_id uuid, org_id int, role text)
LANGUAGE plpgsql SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  found_principal crm.principal;
BEGIN
  IF org IS NULL AND (SELECT count(*) FROM crm.organisation) > 1 THEN
    RAISE EXCEPTION 'the token names no organisation' USING ERRCODE = 'CR401';
  END IF;
  SELECT p.* INTO found_principal
  FROM crm.principal AS p JOIN crm.organisation AS o ON o.org_id = p.org_id
  WHERE p.subject = sign_in_subject.subject AND (sign_in_subject.org IS NULL OR o.ref = sign_in_subject.org);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown principal' USING ERRCODE = 'CR401';
  END IF;
  PERFORM crm.set_caller(found_principal.principal_id);
  RETURN QUERY SELECT found_principal.principal_id, found_principal.org_id, 'crm_' || found_principal.role;
END
$$;
ALTER FUNCTION crm.sign_in_subject(text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.sign_in_subject(text, text) IS 'Names the principal whom the platform''s identity provider knows by a subject, in an organisation (the platform''s id; null for the only one), for this transaction and returns the database role to assume; CR401 for an unknown one. For the service only, which checks the token.';
GRANT EXECUTE ON FUNCTION crm.sign_in_subject(text, text) TO crm_service;
