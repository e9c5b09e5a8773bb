CREATE OR REPLACE FUNCTION crm.follow_local_time(of_venue crm.venue_key) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- Visits are local days: another time zone or start of the day is another count, of guests and of days.
  UPDATE crm.venue_scoring AS s SET timezone = v.timezone, day_starts_at = v.day_starts_at, closed_day = NULL, recounted_at = NULL
  FROM crm.venue AS v
  WHERE v.org_id = of_venue.org_id AND v.venue_id = of_venue.venue_id AND s.org_id = v.org_id AND s.venue_id = v.venue_id
    AND (v.timezone, v.day_starts_at) IS DISTINCT FROM (s.timezone, s.day_starts_at) AND s.counting = 'live';
  RETURN FOUND;
END
$$;
COMMENT ON FUNCTION crm.follow_local_time(crm.venue_key) IS 'Takes over a changed time zone or start of the day of a venue; returns whether there was one, after which all its guests must be counted anew';

CREATE OR REPLACE FUNCTION crm.recompute_venue(venue text, as_of timestamptz DEFAULT crm.now()) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_venue crm.venue_key := crm.find_venue(venue);
  work record;
  total bigint := 0;
BEGIN
  IF as_of IS NULL OR NOT isfinite(as_of) THEN
    RAISE EXCEPTION 'as_of must be an instant' USING ERRCODE = '22023', COLUMN = 'as_of';
  END IF;
  IF crm.follow_local_time(of_venue) THEN
    total := crm.repair_stats_of(of_venue, true);
  END IF;
  SELECT * INTO work FROM crm.score_venue(of_venue, as_of, true);
  SELECT total + r.changed INTO total FROM crm.rescore_guests(of_venue, as_of, work.guests) AS r;
  RETURN total;
END
$$;
COMMENT ON FUNCTION crm.recompute_venue(text, timestamptz) IS 'Recomputes the cut points of a venue (the CRM''s id or the platform''s) and rewrites the scores and labels that change, as of an instant; returns the rows changed. CR404 for an unknown venue. In one transaction: sales of the guests it rewrites wait for its end at most 100 ms and are then counted by the next repair; CALL crm.run_night() commits in between.';
