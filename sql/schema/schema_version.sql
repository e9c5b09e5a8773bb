CREATE OR REPLACE FUNCTION crm.schema_version() RETURNS int
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF to_regclass('crm.migration') IS NULL THEN
    RAISE EXCEPTION 'the CRM''s tables are not installed' USING ERRCODE = 'CR503', HINT = 'SELECT crm.install();';
  END IF;
  RETURN (SELECT max(version) FROM crm.migration);
END
$$;
ALTER FUNCTION crm.schema_version() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.schema_version() IS 'Number of the last migration applied; CR503 where the tables are not installed';
GRANT EXECUTE ON FUNCTION crm.schema_version() TO crm_service, crm_reader, crm_staff;

CREATE OR REPLACE FUNCTION crm.require_schema() RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF crm.schema_version() IS DISTINCT FROM crm.library_schema_version() THEN
    RAISE EXCEPTION 'the CRM''s tables are of version %, the library knows %', crm.schema_version(), crm.library_schema_version()
      USING ERRCODE = 'CR503', HINT = 'SELECT crm.migrate(); where the tables are older, else install the newer package of pg_crm.';
  END IF;
END
$$;
COMMENT ON FUNCTION crm.require_schema() IS 'Refuses to work on a schema that the library does not know: CR503';
GRANT EXECUTE ON FUNCTION crm.require_schema() TO crm_service, crm_reader, crm_staff;
