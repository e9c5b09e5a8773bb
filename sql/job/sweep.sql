CREATE OR REPLACE FUNCTION crm.sweep(as_of timestamptz DEFAULT crm.now()) RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- A row is found to be due once it is listed.
  PERFORM crm.list_guests(1000);
  RETURN crm.sweep_some(as_of, NULL);
END
$$;
COMMENT ON FUNCTION crm.sweep(timestamptz) IS 'Repairs what could not be followed at once, at most 1,000 guests, and rewrites the labels that time alone has changed by an instant, at most 1,000; returns changes repaired and rows written, 0 when nothing was left to do. Carries at most 1,000 guests into the tables behind the list, which are not counted. Does not commit: it may be called inside a transaction.';

CREATE OR REPLACE FUNCTION crm.sweep_some(as_of timestamptz, tried_before timestamptz) RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  due record;
  of_venue crm.venue_key;
  guests text[];
  written int;
BEGIN
  PERFORM crm.require_schema();
  IF as_of IS NULL OR NOT isfinite(as_of) THEN
    RAISE EXCEPTION 'as_of must be an instant' USING ERRCODE = '22023', COLUMN = 'as_of';
  END IF;
  SELECT r.repaired INTO written FROM crm.repair_some(1000, tried_before) AS r;
  -- A venue whose orders may all have changed, one at a time.
  SELECT ROW(s.org_id, s.venue_id)::crm.venue_key AS key INTO due FROM crm.venue_scoring AS s
  WHERE s.counting = 'live' AND s.recounted_at IS NULL ORDER BY s.org_id, s.venue_id LIMIT 1;
  IF FOUND THEN
    of_venue := due.key;
    guests := crm.differing_guests(of_venue, true);
    written := written + crm.recount_guests(of_venue, guests[1 : 1000]);
    IF cardinality(guests) <= 1000 THEN
      UPDATE crm.venue_scoring AS s SET recounted_at = clock_timestamp() WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id;
    END IF;
  END IF;
  FOR due IN
    SELECT ROW(d.org_id, d.venue_id)::crm.venue_key AS key,
           crm.cohort(d.customer_id, d.total_orders, d.total_visits, d.total_spent, d.first_order_at, d.last_order_at,
                      d.recency_score, d.frequency_score, d.monetary_score, d.label, d.next_label_at) AS guests
    FROM (SELECT t.* FROM crm.customer_venue_stats AS t
          WHERE t.listed AND t.next_label_at <= as_of
            -- Where orders are not counted nobody knows who stayed away.
            AND (t.org_id, t.venue_id) NOT IN (SELECT s.org_id, s.venue_id FROM crm.venue_scoring AS s WHERE s.counting IN ('off', 'resuming'))
          ORDER BY t.next_label_at LIMIT 1000
          -- A guest whose order is being counted is scored by it.
          FOR NO KEY UPDATE SKIP LOCKED) AS d
    GROUP BY d.org_id, d.venue_id
  LOOP
    SELECT written + r.changed INTO written FROM crm.rescore_guests(due.key, as_of, due.guests, 'time') AS r;
    IF crm.has_segments((due.key).org_id, (due.key).venue_id) THEN
      PERFORM crm.follow_chunk((due.key).org_id, (due.key).venue_id, as_of, crm.cohort_keys(due.guests), 'time', true);
    END IF;
  END LOOP;
  written := written + crm.expire_tags(1000) + crm.expire_opt_ins(1000) + crm.seal_consents(1000) + crm.forget_expired(1000);
  written := written + crm.sweep_segments(as_of);
  RETURN written;
END
$$;
COMMENT ON FUNCTION crm.sweep_some(timestamptz, timestamptz) IS 'One sweep as of an instant, that tries again only what was not tried since another (null for all)';

-- Commits between chunks, so it cannot pin its search_path for good: it sets it anew in each transaction.
CREATE OR REPLACE PROCEDURE crm.run_sweep()
LANGUAGE plpgsql
AS $$
DECLARE
  run bigint;
  written int;
  failure text;
  total bigint := 0;
  started timestamptz := pg_catalog.clock_timestamp();
BEGIN
  IF NOT crm.begin_step('crm.run_sweep', false) THEN
    RAISE NOTICE 'pg_crm: another session sweeps';
    RETURN;
  END IF;
  COMMIT;
  CALL crm.resume_venues('crm.run_sweep', failure);
  -- In transactions of its own, which hold rows for a few milliseconds; a row is found to be due once it is listed.
  CALL crm.list_in_chunks('crm.run_sweep', failure);
  -- Bounded, so that changes which cannot be repaired do not keep it going.
  FOR chunk IN 1 .. 1000 LOOP
    IF NOT crm.begin_step('crm.run_sweep', false) THEN
      RAISE NOTICE 'pg_crm: another session sweeps';
      RETURN;
    END IF;
    written := crm.sweep_some(crm.now(), started);
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
  CALL crm.refresh_edited_in_chunks('crm.run_sweep', failure);
  CALL crm.list_in_chunks('crm.run_sweep', failure);
  IF failure IS NOT NULL THEN
    PERFORM crm.begin_step('crm.run_sweep');
    PERFORM crm.end_run(COALESCE(run, crm.start_run('sweep', NULL)), total, failure);
    COMMIT;
  END IF;
END
$$;
COMMENT ON PROCEDURE crm.run_sweep() IS 'Carries what changed into the list of guests, sweeps until nothing is left to do, and finds the members of segments whose edit was too large for one transaction; commits after each part. Call it alone, outside a transaction.';
