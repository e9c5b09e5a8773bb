CREATE OR REPLACE FUNCTION crm.reach_of(org int, role text, venues text[]) RETURNS uuid[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  known uuid[];
BEGIN
  IF role IS NULL OR role NOT IN ('reader', 'staff', 'manager', 'admin') THEN
    RAISE EXCEPTION 'unknown role "%"', role USING ERRCODE = '22023', COLUMN = 'role', HINT = 'reader, staff, manager or admin.';
  ELSIF cardinality(venues) = 0 THEN
    RAISE EXCEPTION 'a principal has one venue at least' USING ERRCODE = '22023', COLUMN = 'venues', HINT = 'Give none (null) for all venues.';
  END IF;
  SELECT array_agg(v.venue_id ORDER BY w.place) INTO known
  FROM unnest(venues) WITH ORDINALITY AS w(wanted, place) LEFT JOIN crm.venue AS v ON v.org_id = org AND v.venue_id = crm.key(w.wanted);
  IF array_position(known, NULL) IS NOT NULL THEN
    RAISE EXCEPTION 'unknown venue "%"', venues[array_position(known, NULL)] USING ERRCODE = 'CR404', COLUMN = 'venues';
  END IF;
  RETURN known;
END
$$;
COMMENT ON FUNCTION crm.reach_of(int, text, text[]) IS 'The venues (the CRM''s ids or the platform''s) that a principal of a role is to be limited to, null for all; 22023 for no role and no venue, CR404 for an unknown venue';

CREATE OR REPLACE FUNCTION crm.create_principal(name text, org text, role text, venues text[] DEFAULT NULL, db_user text DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  of_org int;
  of_venues uuid[];
  made uuid;
BEGIN
  IF org IS NULL AND (SELECT count(*) FROM crm.organisation) > 1 THEN
    RAISE EXCEPTION 'there are several organisations' USING ERRCODE = '22023', COLUMN = 'org',
      HINT = 'Give the platform''s id of the organisation.';
  END IF;
  SELECT o.org_id INTO of_org FROM crm.organisation AS o WHERE o.ref = org OR org IS NULL;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown organisation "%"', org USING ERRCODE = 'CR404', COLUMN = 'org';
  END IF;
  of_venues := crm.reach_of(of_org, role, venues);
  IF name IS NULL OR btrim(name) = '' THEN
    RAISE EXCEPTION 'a principal needs a name' USING ERRCODE = '22023', COLUMN = 'name';
  END IF;
  IF db_user IS NOT NULL AND NOT EXISTS (SELECT FROM pg_roles WHERE rolname = db_user) THEN
    RAISE EXCEPTION 'there is no database user "%"', db_user USING ERRCODE = '42704', COLUMN = 'db_user';
  END IF;
  INSERT INTO crm.principal (org_id, name, role, venue_ids, db_user)
  VALUES (of_org, name, role, of_venues, db_user) RETURNING principal_id INTO made;
  IF db_user IS NOT NULL THEN
    EXECUTE format('GRANT %I TO %I', 'crm_' || role, db_user);
  END IF;
  RETURN made;
END
$$;
COMMENT ON FUNCTION crm.create_principal(text, text, text, text[], text) IS 'Lets somebody act for an organisation (the platform''s id of it; null for the only one) as reader, staff, manager or admin, limited to some venues or not; a database user given here is granted the role. For database administrators.';

CREATE OR REPLACE FUNCTION crm.create_api_key(principal_id uuid, expires_at timestamptz DEFAULT NULL) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  -- Each of the two carries 122 random bits from the server's strong generator.
  secret text := 'crm_' || replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
BEGIN
  INSERT INTO crm.api_key (org_id, key_hash, principal_id, expires_at)
  SELECT p.org_id, sha256(convert_to(secret, 'UTF8')), p.principal_id, expires_at
  FROM crm.principal AS p WHERE p.principal_id = principal_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown principal "%"', principal_id USING ERRCODE = 'CR404', COLUMN = 'principal_id';
  END IF;
  RETURN secret;
END
$$;
COMMENT ON FUNCTION crm.create_api_key(uuid, timestamptz) IS 'Makes a bearer key for a principal and returns it, this once: only its SHA-256 is kept. For database administrators.';
