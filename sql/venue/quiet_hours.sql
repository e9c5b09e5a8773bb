CREATE OR REPLACE FUNCTION crm.read_quiet_hours(quiet_hours jsonb, OUT quiet_from time, OUT quiet_to time)
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF jsonb_typeof(quiet_hours) = 'null' THEN
    RETURN;
  END IF;
  IF jsonb_typeof(quiet_hours) <> 'object' OR quiet_hours - '{from,to}'::text[] <> '{}'
     OR (quiet_hours ->> 'from' ~ '^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$' AND quiet_hours ->> 'to' ~ '^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$') IS NOT TRUE THEN
    RAISE EXCEPTION 'quiet_hours must be null or two times of day, not %', left(quiet_hours::text, 50) USING ERRCODE = '22023',
      COLUMN = 'quiet_hours', HINT = 'Such as {"from": "21:00", "to": "09:00"}, local times from "00:00" to "23:59".';
  END IF;
  quiet_from := quiet_hours ->> 'from';
  quiet_to := quiet_hours ->> 'to';
  IF quiet_from = quiet_to THEN
    RAISE EXCEPTION 'quiet_hours end when they start' USING ERRCODE = '22023', COLUMN = 'quiet_hours', HINT = 'Null where there are none.';
  END IF;
END
$$;
COMMENT ON FUNCTION crm.read_quiet_hours(jsonb) IS 'Quiet hours given as JSON, checked; null for none; 22023 for what cannot be, with quiet_hours as the error''s COLUMN';

CREATE OR REPLACE FUNCTION crm.quiet_hours_of(quiet_from time, quiet_to time) RETURNS jsonb
LANGUAGE sql IMMUTABLE
AS $$ SELECT CASE WHEN quiet_from IS NULL THEN 'null' ELSE jsonb_build_object('from', quiet_from, 'to', quiet_to) END $$;
COMMENT ON FUNCTION crm.quiet_hours_of(time, time) IS 'Quiet hours as JSON, as crm.read_quiet_hours takes them';

CREATE OR REPLACE FUNCTION crm.quiet_end(quiet_from time, quiet_to time, timezone text, at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE
AS $$
  SELECT CASE
    WHEN local.clock < quiet_to AND (quiet_from > quiet_to OR local.clock >= quiet_from) THEN (local.day + quiet_to) AT TIME ZONE timezone
    WHEN local.clock >= quiet_from AND quiet_from > quiet_to THEN (local.day + 1 + quiet_to) AT TIME ZONE timezone END
  FROM (SELECT (at AT TIME ZONE timezone)::time AS clock, (at AT TIME ZONE timezone)::date AS day) AS local
$$;
COMMENT ON FUNCTION crm.quiet_end(time, time, text, timestamptz) IS 'When the quiet hours end that an instant is in, by the clock of a time zone; null where it is in none. Where the clocks are put back over the end, its second passing.';

CREATE OR REPLACE FUNCTION crm.quiet_end(org int, scope uuid, at timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  moment timestamptz := at;
  ends timestamptz;
BEGIN
  -- Of the whole organisation: while it is quiet at one of its venues. After two days of that it always is.
  FOR attempt IN 1 .. 100 LOOP
    SELECT max(crm.quiet_end(COALESCE(v.quiet_from, o.quiet_from), COALESCE(v.quiet_to, o.quiet_to), v.timezone, moment)) INTO ends
    FROM crm.organisation AS o JOIN crm.venue AS v ON v.org_id = o.org_id
    WHERE o.org_id = org AND (scope = '00000000-0000-0000-0000-000000000000' OR v.venue_id = scope);
    IF ends IS NULL THEN
      RETURN NULLIF(moment, at);
    ELSIF moment > at + interval '2 days' THEN
      RETURN 'infinity';
    END IF;
    moment := ends;
  END LOOP;
  RETURN 'infinity';
END
$$;
COMMENT ON FUNCTION crm.quiet_end(int, uuid, timestamptz) IS 'When the quiet hours end that an instant is in, of a venue or (nil UUID) of any venue of the organisation; null where it is in none, infinity where it is always quiet at one of them';

CREATE OR REPLACE FUNCTION crm.quiet_until(venue text DEFAULT NULL) RETURNS timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  at record := crm.scope_of(venue);
BEGIN
  RETURN crm.quiet_end(at.org_id, at.scope_id, crm.now());
END
$$;
ALTER FUNCTION crm.quiet_until(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.quiet_until(text) IS 'When the quiet hours end that it is in now, at a venue or (null) at any of the organisation''s, by their local times: until then crm.reachable and crm.recipients hand out nobody (CR425). Null where it is not quiet, infinity where it always is at one of the venues. CR404 for an unknown venue.';
GRANT EXECUTE ON FUNCTION crm.quiet_until(text) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.require_no_quiet_hours(org int, scope uuid) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  ends timestamptz := crm.quiet_end(org, scope, crm.now());
BEGIN
  IF ends IS NOT NULL THEN
    RAISE EXCEPTION 'quiet hours: guests are not written to now' USING ERRCODE = 'CR425', DETAIL = to_char(ends AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
      HINT = CASE WHEN ends = 'infinity' THEN 'It is always quiet at one of the venues: write for each venue on its own.'
                  ELSE 'Again from ' || to_char(ends AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || '; crm.quiet_until() tells.' END;
  END IF;
END
$$;
COMMENT ON FUNCTION crm.require_no_quiet_hours(int, uuid) IS 'CR425 during the quiet hours of a venue or (nil UUID) of any of the organisation''s; their end is the error''s DETAIL';
