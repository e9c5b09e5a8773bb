CREATE OR REPLACE FUNCTION crm.sweep(as_of timestamptz DEFAULT crm.now()) RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  work record;
  written int;
BEGIN
  PERFORM crm.require_schema();
  IF as_of IS NULL OR NOT isfinite(as_of) THEN
    RAISE EXCEPTION 'as_of must be an instant' USING ERRCODE = '22023', COLUMN = 'as_of';
  END IF;
  written := crm.repair_failed();
  FOR work IN
    SELECT ROW(due.org_id, due.venue_id)::crm.venue_key AS of_venue, array_agg(due.customer_id ORDER BY due.customer_id) AS guests
    FROM (SELECT t.org_id, t.venue_id, t.customer_id FROM crm.customer_venue_stats AS t
          WHERE t.next_label_at <= as_of
          ORDER BY t.next_label_at LIMIT 1000
          -- A guest whose order is being counted is scored by it.
          FOR UPDATE SKIP LOCKED) AS due
    GROUP BY due.org_id, due.venue_id
  LOOP
    written := written + crm.rescore_guests(work.of_venue, as_of, work.guests);
  END LOOP;
  RETURN written;
END
$$;
COMMENT ON FUNCTION crm.sweep(timestamptz) IS 'Repairs what could not be followed at once and rewrites the labels that time alone has changed by an instant, at most 1,000; returns changes repaired and rows written, 0 when nothing was left to do. Does not commit: it may be called inside a transaction.';

-- Commits between chunks, so it cannot pin its search_path for good: it sets it anew in each transaction.
CREATE OR REPLACE PROCEDURE crm.run_sweep()
LANGUAGE plpgsql
AS $$
DECLARE
  run bigint;
  written int;
  total bigint := 0;
BEGIN
  -- Bounded, so that changes which cannot be repaired do not keep it going.
  FOR chunk IN 1 .. 1000 LOOP
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    IF NOT pg_try_advisory_xact_lock(hashtextextended('crm.run_sweep', 0)) THEN
      RAISE NOTICE 'pg_crm: another session sweeps';
      EXIT;
    END IF;
    EXIT WHEN crm.is_stopped();
    written := crm.sweep();
    IF written > 0 AND run IS NULL THEN
      run := crm.start_run('sweep', NULL);
    END IF;
    total := total + written;
    IF run IS NOT NULL THEN
      PERFORM crm.end_run(run, total, NULL);
    END IF;
    COMMIT;
    EXIT WHEN written = 0;
  END LOOP;
END
$$;
COMMENT ON PROCEDURE crm.run_sweep() IS 'Sweeps until nothing is left to do, with a commit after each crm.sweep(). Call it alone, outside a transaction.';
