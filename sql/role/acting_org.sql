CREATE OR REPLACE FUNCTION crm.acting_org() RETURNS int
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_org int;
  found_orgs bigint;
BEGIN
  PERFORM crm.require_schema();
  of_org := crm.caller_org();
  IF of_org IS NULL THEN
    IF NOT crm.is_administrator() THEN
      PERFORM crm.require_caller();
    END IF;
    SELECT count(*), min(o.org_id) INTO found_orgs, of_org FROM crm.organisation AS o;
    IF found_orgs <> 1 THEN
      RAISE EXCEPTION 'there are % organisations', found_orgs USING ERRCODE = '22023', COLUMN = 'org', HINT = 'Call as a principal of one of them.';
    END IF;
  END IF;
  RETURN of_org;
END
$$;
COMMENT ON FUNCTION crm.acting_org() IS 'The caller''s organisation; for a superuser acting as himself the only one there is. 42501 without a caller, 22023 where there are several';

CREATE OR REPLACE FUNCTION crm.may_manage() RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT COALESCE((SELECT c.role IN ('manager', 'admin') FROM crm.caller() AS c), crm.is_administrator())
$$;
COMMENT ON FUNCTION crm.may_manage() IS 'Whether the caller is a manager or an admin of his organisation, or a superuser acting as himself';

CREATE OR REPLACE FUNCTION crm.region_of(org int, venue text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_venue crm.venue_key;
BEGIN
  IF venue IS NOT NULL THEN
    of_venue := crm.visible_venue(venue);
    IF of_venue.org_id <> org THEN
      PERFORM crm.refuse_venue(venue);
    END IF;
  END IF;
  RETURN (SELECT COALESCE(v.region, o.default_region) FROM crm.organisation AS o
          LEFT JOIN crm.venue AS v ON v.org_id = o.org_id AND v.venue_id = of_venue.venue_id
          WHERE o.org_id = org);
END
$$;
COMMENT ON FUNCTION crm.region_of(int, text) IS 'Region in which numbers are dialled at a venue, or (null) in the organisation; CR404 for a venue unknown to the caller';
