CREATE OR REPLACE FUNCTION crm.begin_night(moment timestamptz, given boolean, INOUT anew boolean, OUT started timestamptz)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  former crm.job_progress;
BEGIN
  SELECT * INTO former FROM crm.job_progress AS p WHERE p.job = 'night' FOR UPDATE;
  IF former.job IS NOT NULL AND former.finished_at IS NULL AND former.updated_at > clock_timestamp() - interval '12 hours' THEN
    -- Between two of its transactions the leader holds no lock, but it is there.
    IF former.pid <> pg_backend_pid() AND EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.pid = former.pid AND a.datname = current_database()
      -- After a restart its number may be another's; and a night that was cancelled leaves its session idle.
      AND a.backend_start < former.updated_at AND a.state IS DISTINCT FROM 'idle') THEN
      RETURN;
    END IF;
    IF (former.as_of = moment OR NOT given) AND (former.recount OR NOT anew) THEN
      UPDATE crm.job_progress AS p SET pid = pg_backend_pid(), updated_at = clock_timestamp() WHERE p.job = 'night';
      started := former.started_at;
      anew := former.recount;
      RETURN;
    END IF;
  END IF;
  started := crm.start_progress('night', moment, anew, (SELECT count(*)::int FROM crm.venue_scoring AS s WHERE s.counting = 'live'));
END
$$;
COMMENT ON FUNCTION crm.begin_night(timestamptz, boolean, boolean) IS 'Starts a night, or goes on with the one that was cut off less than twelve hours ago (another only where its instant was given): returns when that started and whether it counts anew; null while another session is at it';

CREATE OR REPLACE FUNCTION crm.open_night(of_venue crm.venue_key, as_of timestamptz, anew boolean, OUT recount boolean, OUT guests bytea, OUT since xid8, OUT top xid8)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  work record;
BEGIN
  top := pg_current_xact_id();
  -- A venue that came up while the backfill ended may still wait for its own.
  PERFORM crm.backfill_venue(of_venue, as_of);
  recount := crm.follow_local_time(of_venue) OR anew
    OR (SELECT COALESCE(s.recounted_at, '-infinity') < clock_timestamp() - interval '6 days 12 hours' FROM crm.venue_scoring AS s
        WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id);
  IF recount THEN
    RETURN;
  END IF;
  SELECT * INTO work FROM crm.score_venue(of_venue, as_of, false);
  recount := COALESCE(work.gap, false);
  guests := work.guests;
  since := work.since;
END
$$;
COMMENT ON FUNCTION crm.open_night(crm.venue_key, timestamptz, boolean) IS 'First step of the night for a venue: whether all must be counted anew (as asked, once a week, after a change of the venue''s local time, or where totals and orders do not add up); where not, its new rule is in force and the guests to rewrite are returned';

-- Commits between its steps, as do all that it calls: see sql/job/in_chunks.sql.
CREATE OR REPLACE PROCEDURE crm.run_venue_night(
  of_venue crm.venue_key, as_of timestamptz, anew boolean, INOUT written bigint, INOUT late boolean, INOUT since xid8, INOUT earlier text[], INOUT failure text
)
LANGUAGE plpgsql
AS $$
DECLARE
  work record;
  guests bytea;
  rescored bigint;
  busy bigint;
  others text[];
BEGIN
  written := 0;
  late := false;
  failure := NULL;
  PERFORM crm.begin_step('crm.run_night');
  BEGIN
    SELECT * INTO work FROM crm.open_night(of_venue, as_of, anew);
    guests := work.guests;
    since := work.since;
  EXCEPTION WHEN OTHERS THEN
    failure := SQLSTATE || ' ' || SQLERRM;
  END;
  COMMIT;
  IF failure IS NULL AND work.recount THEN
    CALL crm.recount_in_chunks('crm.run_night', of_venue, written, failure);
    IF failure IS NULL THEN
      PERFORM crm.begin_step('crm.run_night');
      BEGIN
        SELECT s.guests, s.since INTO guests, since FROM crm.score_venue(of_venue, as_of, true) AS s;
      EXCEPTION WHEN OTHERS THEN
        failure := SQLSTATE || ' ' || SQLERRM;
      END;
      COMMIT;
    END IF;
  END IF;
  IF failure IS NOT NULL THEN
    RETURN;
  END IF;
  -- Sales under way may still write with the former rule, and others may have while it was computed. There were none where
  -- no transaction but that one, with its exception block, took a number.
  PERFORM crm.begin_step('crm.run_night');
  others := crm.transactions_under_way();
  late := work.recount OR others IS NOT NULL OR since IS DISTINCT FROM work.top
    OR pg_snapshot_xmax(pg_current_snapshot())::text::bigint <> work.top::text::bigint + 2;
  COMMIT;
  CALL crm.rescore_in_chunks('crm.run_night', of_venue, as_of, guests, rescored, busy, failure);
  written := written + rescored;
  earlier := earlier || others;
  IF busy > 0 THEN
    late := true;
    -- Who was held may be let go unchanged: look at all.
    since := NULL;
  END IF;
END
$$;
COMMENT ON PROCEDURE crm.run_venue_night(crm.venue_key, timestamptz, boolean, bigint, boolean, xid8, text[], text) IS 'The night of one venue; returns the rows written, whether sales may have written with the former rule, the first transaction that may (null for any), those under way, and what went wrong';

CREATE OR REPLACE PROCEDURE crm.run_night(as_of timestamptz DEFAULT NULL, recount boolean DEFAULT false, preferences boolean DEFAULT true)
LANGUAGE plpgsql
AS $$
DECLARE
  moment timestamptz;
  night record;
  work record;
  of_venue crm.venue_key;
  run bigint;
  written bigint;
  late boolean;
  since xid8;
  earlier text[] := '{}';
  failure text;
  late_venues crm.venue_key[] := '{}';
  late_since xid8[] := '{}';
  guests bytea;
  busy bigint;
BEGIN
  IF NOT crm.begin_step('crm.run_night', false) THEN
    RAISE NOTICE 'pg_crm: another session runs the night';
    RETURN;
  END IF;
  PERFORM crm.require_schema();
  moment := COALESCE(as_of, crm.now());
  IF NOT isfinite(moment) THEN
    RAISE EXCEPTION 'as_of must be an instant' USING ERRCODE = '22023', COLUMN = 'as_of';
  END IF;
  SELECT * INTO night FROM crm.begin_night(moment, as_of IS NOT NULL, COALESCE(recount, false));
  IF night.started IS NULL THEN
    RAISE NOTICE 'pg_crm: another session runs the night';
    RETURN;
  END IF;
  run := crm.start_run('repair', NULL);
  COMMIT;
  CALL crm.resume_venues('crm.run_night', failure);
  CALL crm.repair_in_chunks('crm.run_night', written);
  PERFORM crm.begin_step('crm.run_night');
  PERFORM crm.end_run(run, written, failure);

  FOR work IN SELECT s.org_id, s.venue_id FROM crm.venue_scoring AS s
              WHERE s.counting = 'live' OR s.counting = 'pending' AND EXISTS (SELECT FROM crm.binding AS b WHERE b.entity = 'order' AND b.backfilled_at IS NOT NULL)
              ORDER BY s.org_id, s.venue_id LOOP
    of_venue := ROW(work.org_id, work.venue_id);
    PERFORM crm.begin_step('crm.run_night');
    IF EXISTS (SELECT FROM crm.job_run AS r
               WHERE r.job = 'night' AND r.venue_id = of_venue.venue_id AND r.finished_at >= night.started AND r.error IS NULL) THEN
      -- Done before this night was cut off, but for sales then under way.
      late_venues := late_venues || of_venue;
      late_since := late_since || NULL::xid8;
      CONTINUE;
    END IF;
    run := crm.start_run('night', of_venue);
    PERFORM crm.show_progress('night', of_venue.venue_id, 0);
    COMMIT;
    CALL crm.run_venue_night(of_venue, moment, night.anew, written, late, since, earlier, failure);
    PERFORM crm.begin_step('crm.run_night');
    PERFORM crm.end_run(run, written, failure);
    PERFORM crm.show_progress('night', NULL, 0, 1);
    COMMIT;
    IF late THEN
      late_venues := late_venues || of_venue;
      late_since := late_since || since;
    END IF;
  END LOOP;

  -- A sale that began under the former rule may have written with it: its row is found once such sales have ended.
  CALL crm.await_transactions(earlier);
  FOR n IN 1 .. cardinality(late_venues) LOOP
    PERFORM crm.begin_step('crm.run_night');
    failure := NULL;
    BEGIN
      guests := crm.late_guests(late_venues[n], moment, late_since[n]);
    EXCEPTION WHEN OTHERS THEN
      failure := SQLSTATE || ' ' || SQLERRM;
    END;
    COMMIT;
    IF failure IS NULL THEN
      CALL crm.rescore_in_chunks('crm.run_night', late_venues[n], moment, guests, written, busy, failure);
    END IF;
    IF failure IS NOT NULL THEN
      PERFORM crm.begin_step('crm.run_night');
      PERFORM crm.end_run(crm.start_run('night', late_venues[n]), 0, failure);
      COMMIT;
    END IF;
  END LOOP;
  CALL crm.run_erasures('crm.run_night');
  CALL crm.run_retention('crm.run_night');
  IF COALESCE(preferences, true) THEN
    CALL crm.run_preferences_night('crm.run_night', moment);
  END IF;
  CALL crm.run_segments_night('crm.run_night', moment);
  PERFORM crm.begin_step('crm.run_night');
  -- What the night rewrote is carried into the list by the next sweep; once a week the list is proven against all rows.
  IF COALESCE(recount, false) OR NOT EXISTS (
    SELECT FROM crm.job_run AS r WHERE r.job = 'list' AND r.error IS NULL AND r.finished_at > clock_timestamp() - interval '6 days 12 hours') THEN
    run := crm.start_run('list', NULL);
    failure := NULL;
    BEGIN
      written := crm.repair_list();
    EXCEPTION WHEN OTHERS THEN
      failure := SQLSTATE || ' ' || SQLERRM;
    END;
    PERFORM crm.end_run(run, written, failure);
    COMMIT;
    PERFORM crm.begin_step('crm.run_night');
  END IF;
  PERFORM crm.end_progress('night');
  COMMIT;
END
$$;
COMMENT ON PROCEDURE crm.run_night(timestamptz, boolean, boolean) IS 'Repairs what failed, then per venue computes the cut points anew, keeps its days and rewrites the scores and labels that change, as of an instant (null for now), at most 1,000 rows per transaction; erases guests whose erasure is due and those no longer kept, derives the preferences of guests whose orders changed (not with preferences => false) and brings all segments up to date; once a week, where totals and orders do not add up, or when told to (recount => true), it recounts all guests and days from the orders; once a week it proves the list of guests against their rows. A night that was cut off is gone on with. Waits up to ten seconds for sales that began under the former cut points. Call it alone, outside a transaction; crm.job_run and crm.job_progress show what it does.';
