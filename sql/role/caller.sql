-- In plpgsql, which keeps its plans: in SQL, the statement would be parsed and planned anew for every call of anything.
CREATE OR REPLACE FUNCTION crm.caller() RETURNS TABLE (principal_id uuid, org_id int, role text, venue_ids uuid[])
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  named uuid := crm.named_caller();
BEGIN
  IF named IS NULL THEN
    RETURN QUERY SELECT p.principal_id, p.org_id, p.role, p.venue_ids FROM crm.principal AS p WHERE p.db_user = session_user;
  ELSE
    RETURN QUERY SELECT p.principal_id, p.org_id, p.role, p.venue_ids FROM crm.principal AS p WHERE p.principal_id = named;
  END IF;
END
$$;
ALTER FUNCTION crm.caller() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.caller() IS 'The principal of this transaction: the one named by the service, else the one tied to the session''s database user; no row for others';
GRANT EXECUTE ON FUNCTION crm.caller() TO crm_reader, crm_staff;

CREATE OR REPLACE FUNCTION crm.caller_org() RETURNS int
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (SELECT c.org_id FROM crm.caller() AS c);
END
$$;
COMMENT ON FUNCTION crm.caller_org() IS 'Organisation of the caller; null where there is none, so that policies show nothing';
GRANT EXECUTE ON FUNCTION crm.caller_org() TO crm_reader, crm_staff;

CREATE OR REPLACE FUNCTION crm.caller_venues() RETURNS uuid[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (SELECT c.venue_ids FROM crm.caller() AS c);
END
$$;
COMMENT ON FUNCTION crm.caller_venues() IS 'Venues the caller is limited to; null for all of the organisation';
GRANT EXECUTE ON FUNCTION crm.caller_venues() TO crm_reader, crm_staff;

CREATE OR REPLACE FUNCTION crm.require_caller() RETURNS TABLE (org_id int, venue_ids uuid[])
LANGUAGE plpgsql STABLE ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM crm.require_schema();
  RETURN QUERY SELECT c.org_id, c.venue_ids FROM crm.caller() AS c;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no organisation is known for database user "%"', session_user
      USING ERRCODE = '42501', HINT = 'Tie the user to an organisation with crm.create_principal(name, org, role, venues, db_user).';
  END IF;
END
$$;
COMMENT ON FUNCTION crm.require_caller() IS 'Organisation and venues of the caller; 42501 where there is none';
GRANT EXECUTE ON FUNCTION crm.require_caller() TO crm_reader, crm_staff;

COMMENT ON FUNCTION crm.set_caller(uuid) IS 'Names the principal for the rest of the transaction. For the service only.';
GRANT EXECUTE ON FUNCTION crm.set_caller(uuid) TO crm_service;
COMMENT ON FUNCTION crm.named_caller() IS 'The principal named by crm.set_caller in this transaction, as text; null where none was';
