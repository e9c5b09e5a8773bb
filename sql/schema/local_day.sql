CREATE OR REPLACE FUNCTION crm.local_day(at timestamptz, timezone text, day_starts_at time) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT ((at AT TIME ZONE timezone) - day_starts_at::interval)::date
$$;
COMMENT ON FUNCTION crm.local_day(timestamptz, text, time) IS 'The business day an instant belongs to at a venue';
GRANT EXECUTE ON FUNCTION crm.local_day(timestamptz, text, time) TO crm_reader, crm_staff;

CREATE OR REPLACE FUNCTION crm.day_opening(day date, timezone text, day_starts_at time) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT (day + day_starts_at) AT TIME ZONE timezone
$$;
COMMENT ON FUNCTION crm.day_opening(date, text, time) IS 'The instant at which a business day starts at a venue';
GRANT EXECUTE ON FUNCTION crm.day_opening(date, text, time) TO crm_reader, crm_staff;
