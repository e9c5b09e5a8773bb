CREATE OR REPLACE FUNCTION crm.prepare_venue(of_venue crm.venue_key, as_of timestamptz, look_for_gaps boolean) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  recounted bigint := 0;
  counted_otherwise boolean;
BEGIN
  -- Visits are local days: another time zone or start of the day is another count.
  UPDATE crm.venue_scoring AS s SET timezone = v.timezone, day_starts_at = v.day_starts_at
  FROM crm.venue AS v
  WHERE v.org_id = of_venue.org_id AND v.venue_id = of_venue.venue_id AND s.org_id = v.org_id AND s.venue_id = v.venue_id
    AND (v.timezone, v.day_starts_at) IS DISTINCT FROM (s.timezone, s.day_starts_at) AND s.counting = 'live';
  counted_otherwise := FOUND;
  IF counted_otherwise OR look_for_gaps THEN
    recounted := crm.repair_stats_of(of_venue, true);
  END IF;
  PERFORM crm.refresh_scoring(of_venue, as_of);
  RETURN recounted;
END
$$;
COMMENT ON FUNCTION crm.prepare_venue(crm.venue_key, timestamptz, boolean) IS 'What comes before rescoring a venue: a recount of the guests whose totals differ from the orders, where asked for or where the venue''s time zone or start of the day changed, and fresh cut points; returns the guests recounted';

CREATE OR REPLACE FUNCTION crm.recompute_venue(venue text, as_of timestamptz DEFAULT crm.now()) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_venue crm.venue_key := crm.find_venue(venue);
  last_guest uuid;
  changed int;
  total bigint;
BEGIN
  IF as_of IS NULL OR NOT isfinite(as_of) THEN
    RAISE EXCEPTION 'as_of must be an instant' USING ERRCODE = '22023', COLUMN = 'as_of';
  END IF;
  total := crm.prepare_venue(of_venue, as_of, false);
  LOOP
    SELECT r.last_guest, r.changed INTO last_guest, changed FROM crm.rescore(of_venue, as_of, last_guest, 1000) AS r;
    total := total + changed;
    EXIT WHEN last_guest IS NULL;
  END LOOP;
  RETURN total;
END
$$;
COMMENT ON FUNCTION crm.recompute_venue(text, timestamptz) IS 'Recomputes the cut points of a venue (the CRM''s id or the platform''s) and rewrites the scores and labels that change, as of an instant; returns the rows changed. CR404 for an unknown venue. In one transaction: sales of the guests it rewrites wait for its end at most 100 ms and are then counted by the next repair; CALL crm.run_night() commits in between.';
