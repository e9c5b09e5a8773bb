CREATE OR REPLACE FUNCTION crm.now() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT COALESCE(NULLIF(pg_catalog.current_setting('crm.as_of', true), '')::timestamptz, pg_catalog.now())
$$;
COMMENT ON FUNCTION crm.now() IS 'The clock of everything that depends on dates: the setting crm.as_of where it is set, else now(). Evidence uses the real clock.';
GRANT EXECUTE ON FUNCTION crm.now() TO crm_reader, crm_staff;
