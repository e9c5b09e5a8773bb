CREATE OR REPLACE FUNCTION crm.outbox_length() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT count(*) FROM (SELECT FROM crm.outbox AS o LIMIT 100000) AS waiting $$;
ALTER FUNCTION crm.outbox_length() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.outbox_length() IS 'How many events wait in crm.outbox, counted up to 100,000. For monitoring.';
GRANT EXECUTE ON FUNCTION crm.outbox_length() TO crm_service;
