CREATE OR REPLACE FUNCTION crm.open_refresh(org int, scope uuid, one int, as_of timestamptz) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET crm.as_of = ''
AS $$
BEGIN
  PERFORM set_config('crm.as_of', as_of::text, true);
  RETURN crm.guests_to_follow(org, scope, one);
END
$$;
ALTER FUNCTION crm.open_refresh(int, uuid, int, timestamptz) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.open_refresh(int, uuid, int, timestamptz) IS 'The guests of a venue or (nil UUID) an organisation whose segments (all, or one of them) are not what they are as of an instant, in one pass';

CREATE OR REPLACE FUNCTION crm.follow_chunk(org int, scope uuid, as_of timestamptz, guests uuid[], cause text, leave_held boolean, as_found boolean DEFAULT false) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET crm.as_of = ''
AS $$
DECLARE
  held uuid[];
BEGIN
  PERFORM set_config('crm.as_of', as_of::text, true);
  -- Who changed since he was found is evaluated once more, under the lock.
  held := crm.hold_guests(org, scope, guests, leave_held);
  RETURN crm.follow_scope(org, scope, held, cause, as_found);
END
$$;
ALTER FUNCTION crm.follow_chunk(int, uuid, timestamptz, uuid[], text, boolean, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.follow_chunk(int, uuid, timestamptz, uuid[], text, boolean, boolean) IS 'Evaluates all segments of a venue or (nil UUID) an organisation for some guests, under their locks (those that a sale holds are left to it, or waited for), as of an instant, or (as_found) takes what crm.guests_to_follow found last where the guest is the same since; returns the rows written';

CREATE OR REPLACE FUNCTION crm.close_refresh(org int, scope uuid, one int, as_of timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM crm.fold_tallies();
  UPDATE crm.segment AS s SET computed_at = as_of
  WHERE s.org_id = org AND s.scope_id = scope AND (one IS NULL OR s.segment_id = one) AND (s.archived_at IS NULL OR s.computed_at IS NULL);
END
$$;
ALTER FUNCTION crm.close_refresh(int, uuid, int, timestamptz) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.close_refresh(int, uuid, int, timestamptz) IS 'Notes that segments were looked at for all their guests';

CREATE OR REPLACE FUNCTION crm.fold_tallies() RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  WITH gone AS (
    DELETE FROM crm.segment_tally AS t
    WHERE (t.org_id, t.segment_id) IN (SELECT m.org_id, m.segment_id FROM crm.segment_tally AS m GROUP BY m.org_id, m.segment_id HAVING count(*) > 1)
    RETURNING t.org_id, t.segment_id, t.delta)
  INSERT INTO crm.segment_tally (org_id, segment_id, delta) SELECT g.org_id, g.segment_id, sum(g.delta) FROM gone AS g GROUP BY g.org_id, g.segment_id
$$;
ALTER FUNCTION crm.fold_tallies() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.fold_tallies() IS 'Sums up the changes of the numbers of members';

CREATE OR REPLACE FUNCTION crm.refresh_scope(org int, scope uuid, one int, cause text, most int DEFAULT NULL) RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  as_of timestamptz := crm.now();
  guests uuid[] := crm.open_refresh(org, scope, one, as_of);
  written int := 0;
BEGIN
  IF cardinality(guests) > most THEN
    UPDATE crm.segment AS s SET computed_at = NULL WHERE s.org_id = org AND s.scope_id = scope AND s.segment_id = one;
    RETURN NULL;
  END IF;
  FOR first_of IN 1 .. cardinality(guests) BY 1000 LOOP
    written := written + crm.follow_chunk(org, scope, as_of, guests[first_of : first_of + 999], cause, false, true);
  END LOOP;
  PERFORM crm.close_refresh(org, scope, one, as_of);
  RETURN written;
END
$$;
COMMENT ON FUNCTION crm.refresh_scope(int, uuid, int, text, int) IS 'Brings the segments of a venue or (nil UUID) an organisation up to date, all or one of them with those that refer to it, by difference; returns the guests written. In one transaction, which holds them: where more than so many differ, that is left to the next crm.run_sweep(), and null returned.';

CREATE OR REPLACE FUNCTION crm.refresh_edited(org int, scope uuid, segment int) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
  -- A sale of a guest who is held would wait, and then be put off.
  SELECT crm.refresh_scope(org, scope, segment, 'criteria', 1000)
$$;
COMMENT ON FUNCTION crm.refresh_edited(int, uuid, int) IS 'Finds the members of a segment that was made, edited or archived: at once where few guests differ, else with the next crm.run_sweep()';

CREATE OR REPLACE FUNCTION crm.refresh_segment(segment int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_segment crm.known_segment := crm.visible_segment(segment);
BEGIN
  IF of_segment.archived_at IS NOT NULL THEN
    RAISE EXCEPTION 'segment "%" is archived', of_segment.key USING ERRCODE = 'CR409', COLUMN = 'segment';
  END IF;
  IF of_segment.label IS NULL THEN
    PERFORM crm.refresh_scope(of_segment.org_id, of_segment.scope_id, segment, 'criteria');
  END IF;
  RETURN crm.segment_size(segment);
END
$$;
ALTER FUNCTION crm.refresh_segment(int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.refresh_segment(int) IS 'Looks at all guests of a segment anew, writes what differs and returns the number of members; holds those guests until the transaction ends. CR404 for an unknown one, CR409 for an archived one.';
GRANT EXECUTE ON FUNCTION crm.refresh_segment(int) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.sweep_segments(as_of timestamptz) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  work record;
  written int := 0;
BEGIN
  FOR work IN
    SELECT d.org_id, d.scope_id, array_agg(d.customer_id ORDER BY d.customer_id) AS guests
    FROM (SELECT g.org_id, g.scope_id, g.customer_id FROM crm.guest_segments AS g WHERE g.due_at <= as_of ORDER BY g.due_at LIMIT 1000) AS d
    GROUP BY d.org_id, d.scope_id ORDER BY d.org_id, d.scope_id
  LOOP
    written := written + crm.follow_chunk(work.org_id, work.scope_id, as_of, work.guests, 'time', true);
  END LOOP;
  PERFORM crm.fold_tallies();
  RETURN written;
END
$$;
ALTER FUNCTION crm.sweep_segments(timestamptz) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.sweep_segments(timestamptz) IS 'Looks at the guests who are due by an instant, at most 1,000, an index range; returns how many were written. Whom a sale holds stays due.';

-- Commits between chunks, as do the other parts of the jobs: see sql/job/in_chunks.sql.
CREATE OR REPLACE PROCEDURE crm.refresh_in_chunks(of_job text, org int, scope uuid, as_of timestamptz, cause text, INOUT written bigint, INOUT failure text)
LANGUAGE plpgsql
AS $$
DECLARE
  guests uuid[];
BEGIN
  written := 0;
  PERFORM crm.begin_step(of_job);
  BEGIN
    guests := crm.open_refresh(org, scope, NULL, as_of);
  EXCEPTION WHEN OTHERS THEN
    failure := SQLSTATE || ' ' || SQLERRM;
  END;
  COMMIT;
  FOR first_of IN 1 .. COALESCE(cardinality(guests), 0) BY 1000 LOOP
    PERFORM crm.begin_step(of_job);
    BEGIN
      written := written + crm.follow_chunk(org, scope, as_of, guests[first_of : first_of + 999], cause, true, true);
    EXCEPTION WHEN OTHERS THEN
      failure := SQLSTATE || ' ' || SQLERRM;
    END;
    COMMIT;
    EXIT WHEN failure IS NOT NULL;
    IF first_of IN (1, 8001, 80001) THEN
      -- Of a table that fills up from nothing, nothing is known, and all of its rows would be read for each chunk.
      ANALYZE crm.guest_segments;
      COMMIT;
    END IF;
  END LOOP;
  IF failure IS NULL THEN
    PERFORM crm.begin_step(of_job);
    PERFORM crm.close_refresh(org, scope, NULL, as_of);
    COMMIT;
  END IF;
END
$$;
COMMENT ON PROCEDURE crm.refresh_in_chunks(text, int, uuid, timestamptz, text, bigint, text) IS 'Brings all segments of a venue or (nil UUID) an organisation up to date by difference, for a cause, with a commit after each thousand guests; returns the guests written, and what went wrong';

CREATE OR REPLACE FUNCTION crm.is_counted(org int, venue uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
  SELECT venue IS NULL OR EXISTS (SELECT FROM crm.venue_scoring AS v WHERE v.org_id = org AND v.venue_id = venue AND v.counting = 'live')
$$;
COMMENT ON FUNCTION crm.is_counted(int, uuid) IS 'Whether the orders of a venue are counted as they change; true for an organisation (null)';

CREATE OR REPLACE PROCEDURE crm.run_segments_night(of_job text, as_of timestamptz)
LANGUAGE plpgsql
AS $$
DECLARE
  work record;
  run bigint;
  written bigint;
  failure text;
BEGIN
  PERFORM crm.begin_step(of_job);
  FOR work IN
    SELECT DISTINCT s.org_id, s.scope_id, s.venue_id FROM crm.segment AS s
    WHERE s.label IS NULL AND (s.archived_at IS NULL OR s.computed_at IS NULL) AND crm.is_counted(s.org_id, s.venue_id)
    ORDER BY s.org_id, s.scope_id
  LOOP
    PERFORM crm.begin_step(of_job);
    run := crm.start_run('segments', CASE WHEN work.venue_id IS NOT NULL THEN ROW(work.org_id, work.venue_id)::crm.venue_key END);
    COMMIT;
    failure := NULL;
    CALL crm.refresh_in_chunks(of_job, work.org_id, work.scope_id, as_of, 'night', written, failure);
    PERFORM crm.begin_step(of_job);
    PERFORM crm.end_run(run, written, failure);
    COMMIT;
  END LOOP;
END
$$;
COMMENT ON PROCEDURE crm.run_segments_night(text, timestamptz) IS 'The part of the night that brings every segment up to date where there are others than those of labels, scope by scope';

CREATE OR REPLACE PROCEDURE crm.refresh_edited_in_chunks(of_job text, INOUT failure text)
LANGUAGE plpgsql
AS $$
DECLARE
  work record;
  written bigint;
BEGIN
  PERFORM crm.begin_step(of_job);
  FOR work IN
    SELECT DISTINCT s.org_id, s.scope_id FROM crm.segment AS s
    WHERE s.computed_at IS NULL AND crm.is_counted(s.org_id, s.venue_id)
    ORDER BY s.org_id, s.scope_id
  LOOP
    CALL crm.refresh_in_chunks(of_job, work.org_id, work.scope_id, crm.now(), 'criteria', written, failure);
  END LOOP;
  COMMIT;
END
$$;
COMMENT ON PROCEDURE crm.refresh_edited_in_chunks(text, text) IS 'Finds the members of segments that were made, edited or archived and had too many guests to look at at once, with a commit after each thousand; returns what went wrong';
