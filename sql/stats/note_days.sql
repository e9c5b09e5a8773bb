-- Runs inside the pinned trigger functions of the platform's order table; every name is qualified.
CREATE OR REPLACE FUNCTION crm.note_days(of_venue crm.venue_key, moments timestamptz[]) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  INSERT INTO crm.changed_day (org_id, venue_id, day)
  SELECT DISTINCT s.org_id, s.venue_id, crm.local_day(m.at, s.timezone, s.day_starts_at)
  FROM crm.venue_scoring AS s, unnest(moments) AS m(at)
  WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id
    AND crm.local_day(m.at, s.timezone, s.day_starts_at) <= s.closed_day;
END
$$;
COMMENT ON FUNCTION crm.note_days(crm.venue_key, timestamptz[]) IS 'Notes that orders of those completions came, went or changed, where their days are closed already: the night counts those days anew';
