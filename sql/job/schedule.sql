CREATE OR REPLACE FUNCTION crm.scheduled_job() RETURNS TABLE (name text, schedule text, command text)
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
  VALUES ('pg_crm night', '30 3 * * *', 'CALL crm.run_night()'),
         ('pg_crm sweep', '*/5 * * * *', 'CALL crm.run_sweep()'),
         ('pg_crm imports', '* * * * *', 'CALL crm.run_imports()')
$$;
COMMENT ON FUNCTION crm.scheduled_job() IS 'The jobs to schedule: name, cron schedule in UTC, statement';

CREATE OR REPLACE FUNCTION crm.schedule() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  job record;
BEGIN
  PERFORM crm.require_schema();
  IF to_regclass('cron.job') IS NULL THEN
    RAISE EXCEPTION 'pg_cron is not installed in this database' USING ERRCODE = '55000',
      HINT = 'CREATE EXTENSION pg_cron here; or, where it lives in another database, run there: '
        || (SELECT string_agg(format('SELECT cron.schedule_in_database(%L, %L, %L, %L);', j.name, j.schedule, j.command, current_database()), ' ')
            FROM crm.scheduled_job() AS j)
        || ' or let any other scheduler run these statements at these times, in UTC.';
  END IF;
  FOR job IN SELECT * FROM crm.scheduled_job() LOOP
    EXECUTE format('SELECT cron.schedule(%L, %L, %L)', job.name, job.schedule, job.command);
  END LOOP;
END
$$;
COMMENT ON FUNCTION crm.schedule() IS 'Has pg_cron run the night at 03:30 UTC and the sweep every five minutes, and load queued files every minute; again is harmless. 55000 where pg_cron is not in this database, with what to run instead.';

CREATE OR REPLACE FUNCTION crm.unschedule() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  job record;
BEGIN
  IF to_regclass('cron.job') IS NOT NULL THEN
    FOR job IN SELECT * FROM crm.scheduled_job() LOOP
      EXECUTE format('SELECT cron.unschedule(jobid) FROM cron.job WHERE jobname = %L', job.name);
    END LOOP;
  END IF;
END
$$;
COMMENT ON FUNCTION crm.unschedule() IS 'Takes the CRM''s jobs out of pg_cron; harmless where they are not in it';
