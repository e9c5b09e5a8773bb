CREATE OR REPLACE FUNCTION crm.local_day_span(
  day date, timezone text, day_starts_at time, OUT from_at timestamptz, OUT before timestamptz
)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  -- Local time is UTC plus an offset. Around one change of the clocks an instant has the offset before or that after, so
  -- local time less the larger one is no later than any instant of the day, and less the smaller one no earlier.
  SELECT LEAST(min(opening.at - offsets.at), crm.day_opening(day, timezone, day_starts_at)),
         GREATEST(max(closing.at - offsets.at), crm.day_opening(day + 1, timezone, day_starts_at))
  FROM (SELECT (day + day_starts_at) AT TIME ZONE 'UTC') AS opening(at),
       (SELECT (day + 1 + day_starts_at) AT TIME ZONE 'UTC') AS closing(at),
       LATERAL (SELECT (near.at AT TIME ZONE timezone) - (near.at AT TIME ZONE 'UTC')
                FROM unnest(ARRAY[opening.at - interval '48 hours', opening.at, closing.at, closing.at + interval '48 hours']) AS near(at)) AS offsets(at)
$$;
COMMENT ON FUNCTION crm.local_day_span(date, text, time) IS 'Instants between which every instant of a venue''s business day lies, whatever its clocks do: from the first on, before the second. A little more than the day where the clocks change near it.';
