-- Runs inside the pinned trigger function of the platform's order table; every name is qualified.
CREATE OR REPLACE FUNCTION crm.note_day(of_venue crm.venue_key, at timestamptz) RETURNS void
LANGUAGE sql
AS $$
  INSERT INTO crm.changed_day (org_id, venue_id, day)
  SELECT s.org_id, s.venue_id, crm.local_day(at, s.timezone, s.day_starts_at)
  FROM crm.venue_scoring AS s
  WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id
    AND crm.local_day(at, s.timezone, s.day_starts_at) <= s.closed_day
$$;
COMMENT ON FUNCTION crm.note_day(crm.venue_key, timestamptz) IS 'Notes that an order of that completion came, went or changed, where its day is closed already: the night counts that day anew';
