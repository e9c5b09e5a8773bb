CREATE OR REPLACE FUNCTION crm.require_admin() RETURNS int
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  org int := crm.acting_org();
BEGIN
  IF NOT COALESCE((SELECT c.role = 'admin' AND c.venue_ids IS NULL FROM crm.caller() AS c), crm.is_administrator()) THEN
    RAISE EXCEPTION 'this takes an admin of the whole organisation' USING ERRCODE = '42501';
  END IF;
  RETURN org;
END
$$;
COMMENT ON FUNCTION crm.require_admin() IS 'Organisation of the caller, who must be an admin of all its venues, or a superuser acting as himself; 42501 for others';

CREATE OR REPLACE FUNCTION crm.principal_list() RETURNS TABLE (principal_id uuid, name text, role text, venue_ids uuid[], keys bigint, created_at timestamptz, subject text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  org int := crm.require_admin();
BEGIN
  RETURN QUERY
  SELECT p.principal_id, p.name, p.role, p.venue_ids,
         (SELECT count(*) FROM crm.api_key AS k WHERE k.org_id = p.org_id AND k.principal_id = p.principal_id), p.created_at, p.subject
  FROM crm.principal AS p WHERE p.org_id = org ORDER BY p.name, p.principal_id;
END
$$;
ALTER FUNCTION crm.principal_list() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.principal_list() IS 'Who may act for the caller''s organisation, with how many keys';
GRANT EXECUTE ON FUNCTION crm.principal_list() TO crm_admin;

CREATE OR REPLACE FUNCTION crm.add_principal(name text, role text, venues text[] DEFAULT NULL, subject text DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  org int := crm.require_admin();
  made uuid := crm.create_principal(name, (SELECT o.ref FROM crm.organisation AS o WHERE o.org_id = org), role, venues);
BEGIN
  IF length(subject) NOT BETWEEN 1 AND 255 THEN
    RAISE EXCEPTION 'a subject has 1 to 255 characters' USING ERRCODE = '22023', COLUMN = 'subject';
  ELSIF EXISTS (SELECT FROM crm.principal AS p WHERE p.org_id = org AND p.subject = subject) THEN
    RAISE EXCEPTION 'there is a principal of this subject already' USING ERRCODE = 'CR409', COLUMN = 'subject';
  END IF;
  UPDATE crm.principal AS p SET subject = subject WHERE p.org_id = org AND p.principal_id = made AND subject IS NOT NULL;
  RETURN made;
END
$$;
ALTER FUNCTION crm.add_principal(text, text, text[], text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.add_principal(text, text, text[], text) IS 'Lets somebody act for the caller''s organisation by keys, or by tokens of the platform''s identity provider that name him as a subject: as reader, staff, manager or admin, limited to some venues or (null) not. 22023 names the parameter at fault, CR404 an unknown venue, CR409 a subject that is taken.';
GRANT EXECUTE ON FUNCTION crm.add_principal(text, text, text[], text) TO crm_admin;

CREATE OR REPLACE FUNCTION crm.change_principal(principal uuid, role text, venues text[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  org int := crm.require_admin();
  of_venues uuid[];
  known crm.principal;
BEGIN
  -- One after the other, so that two administrators cannot take each other's role at once.
  PERFORM FROM crm.organisation AS o WHERE o.org_id = org FOR NO KEY UPDATE;
  SELECT * INTO known FROM crm.principal AS p WHERE p.org_id = org AND p.principal_id = principal;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown principal "%"', principal USING ERRCODE = 'CR404', COLUMN = 'principal';
  END IF;
  of_venues := crm.reach_of(org, role, venues);
  IF known.db_user IS NOT NULL AND role <> known.role THEN
    RAISE EXCEPTION 'the role of "%" is granted to a database user too', known.name
      USING ERRCODE = 'CR409', COLUMN = 'role', HINT = 'A database administrator changes both.';
  END IF;
  IF NOT (role = 'admin' AND venues IS NULL) AND NOT EXISTS (
      SELECT FROM crm.principal AS p WHERE p.org_id = org AND p.principal_id <> principal AND p.role = 'admin' AND p.venue_ids IS NULL) THEN
    RAISE EXCEPTION 'nobody would be left who may change this' USING ERRCODE = 'CR409', COLUMN = 'role',
      HINT = 'Make another an administrator of all venues first.';
  END IF;
  UPDATE crm.principal AS p SET role = role, venue_ids = of_venues WHERE p.org_id = org AND p.principal_id = principal;
END
$$;
ALTER FUNCTION crm.change_principal(uuid, text, text[]) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.change_principal(uuid, text, text[]) IS 'Gives somebody who acts for the caller''s organisation another role, and the venues he is limited to (null for all), from the next request on. CR409 for the last administrator of all venues, and for another role of a database user; CR404, and 22023 for the parameter at fault.';
GRANT EXECUTE ON FUNCTION crm.change_principal(uuid, text, text[]) TO crm_admin;

CREATE OR REPLACE FUNCTION crm.key_list() RETURNS TABLE (key_id uuid, name text, principal_id uuid, principal text, role text, created_at timestamptz, expires_at timestamptz, last_used_on date)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  org int := crm.require_admin();
BEGIN
  RETURN QUERY
  SELECT k.key_id, k.name, p.principal_id, p.name, p.role, k.created_at, k.expires_at, k.last_used_on
  FROM crm.api_key AS k JOIN crm.principal AS p ON p.org_id = k.org_id AND p.principal_id = k.principal_id
  WHERE k.org_id = org ORDER BY k.created_at, k.key_id;
END
$$;
ALTER FUNCTION crm.key_list() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.key_list() IS 'Keys of the caller''s organisation, without the keys themselves';
GRANT EXECUTE ON FUNCTION crm.key_list() TO crm_admin;

CREATE OR REPLACE FUNCTION crm.add_key(principal uuid, name text DEFAULT NULL, expires_at timestamptz DEFAULT NULL, OUT key_id uuid, OUT key text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  org int := crm.require_admin();
BEGIN
  IF NOT EXISTS (SELECT FROM crm.principal AS p WHERE p.org_id = org AND p.principal_id = principal) THEN
    RAISE EXCEPTION 'unknown principal "%"', principal USING ERRCODE = 'CR404', COLUMN = 'principal';
  ELSIF length(name) > 200 THEN
    RAISE EXCEPTION 'a name has at most 200 characters' USING ERRCODE = '22023', COLUMN = 'name';
  ELSIF expires_at <= clock_timestamp() OR NOT isfinite(expires_at) THEN
    RAISE EXCEPTION 'expires_at must be to come' USING ERRCODE = '22023', COLUMN = 'expires_at';
  END IF;
  key := crm.create_api_key(principal, expires_at);
  UPDATE crm.api_key AS k SET name = btrim(name) WHERE k.org_id = org AND k.key_hash = sha256(convert_to(key, 'UTF8')) RETURNING k.key_id INTO key_id;
END
$$;
ALTER FUNCTION crm.add_key(uuid, text, timestamptz) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.add_key(uuid, text, timestamptz) IS 'Makes a key for a principal of the caller''s organisation and returns it, this once, with the id to revoke it by. 22023 names the parameter at fault; CR404.';
GRANT EXECUTE ON FUNCTION crm.add_key(uuid, text, timestamptz) TO crm_admin;

CREATE OR REPLACE FUNCTION crm.revoke_key(key uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  org int := crm.require_admin();
BEGIN
  DELETE FROM crm.api_key AS k WHERE k.org_id = org AND k.key_id = key;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown key %', key USING ERRCODE = 'CR404', COLUMN = 'key';
  END IF;
END
$$;
ALTER FUNCTION crm.revoke_key(uuid) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.revoke_key(uuid) IS 'Ends a key of the caller''s organisation, by its id, and the sessions opened with it. CR404.';
GRANT EXECUTE ON FUNCTION crm.revoke_key(uuid) TO crm_admin;
