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
