-- Runs inside the pinned trigger functions of the platform's order table; every name is qualified.
CREATE OR REPLACE FUNCTION crm.noted_until(closed_day date, timezone text, day_starts_at time) RETURNS date
LANGUAGE sql STABLE
AS $$
  -- A night under way closes one day more, or all up to then where the days are to be counted anew; it does not see what
  -- commits after it has read.
  SELECT COALESCE(closed_day, crm.local_day(crm.now(), timezone, day_starts_at) - 2) + 1
$$;
COMMENT ON FUNCTION crm.noted_until(date, text, time) IS 'Last day whose changes are noted, from the last closed day of a venue (null where all days are to be counted anew) and its local time';

CREATE OR REPLACE FUNCTION crm.note_days(of_venue crm.venue_key, moments timestamptz[]) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  INSERT INTO crm.changed_day (org_id, venue_id, day)
  SELECT DISTINCT s.org_id, s.venue_id, crm.local_day(m.at, s.timezone, s.day_starts_at)
  FROM crm.venue_scoring AS s, unnest(moments) AS m(at)
  WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id
    AND crm.local_day(m.at, s.timezone, s.day_starts_at) <= crm.noted_until(s.closed_day, s.timezone, s.day_starts_at);
END
$$;
COMMENT ON FUNCTION crm.note_days(crm.venue_key, timestamptz[]) IS 'Notes that orders of those completions came, went or changed, where their days are closed already, or will be by a night under way: the night counts those days anew';
