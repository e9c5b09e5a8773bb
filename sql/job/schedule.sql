CREATE OR REPLACE FUNCTION crm.schedule() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM crm.require_schema();
  IF to_regclass('cron.job') IS NULL THEN
    RAISE EXCEPTION 'pg_cron is not installed in this database' USING ERRCODE = '55000',
      HINT = format('CREATE EXTENSION pg_cron here; or, where it lives in another database, run there: '
        'SELECT cron.schedule_in_database(''pg_crm night'', ''30 3 * * *'', ''CALL crm.run_night()'', %L); '
        'or let any other scheduler run CALL crm.run_night() at 03:30 UTC.', current_database());
  END IF;
  EXECUTE 'SELECT cron.schedule(''pg_crm night'', ''30 3 * * *'', ''CALL crm.run_night()'')';
END
$$;
COMMENT ON FUNCTION crm.schedule() IS 'Has pg_cron run the night at 03:30 UTC; again is harmless. 55000 where pg_cron is not in this database, with what to run instead.';

CREATE OR REPLACE FUNCTION crm.unschedule() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF to_regclass('cron.job') IS NOT NULL THEN
    EXECUTE 'SELECT cron.unschedule(jobid) FROM cron.job WHERE jobname = ''pg_crm night''';
  END IF;
END
$$;
COMMENT ON FUNCTION crm.unschedule() IS 'Takes the CRM''s jobs out of pg_cron';
