CREATE OR REPLACE FUNCTION crm.read_settings(current_settings jsonb, settings jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  setting record;
  read jsonb := current_settings;
BEGIN
  IF settings IS NULL OR jsonb_typeof(settings) <> 'object' THEN
    RAISE EXCEPTION 'settings must be a JSON object' USING ERRCODE = '22023', COLUMN = 'settings', HINT = 'Such as {"at_risk_days": 45}.';
  END IF;
  FOR setting IN
    SELECT s.key, s.value, jsonb_typeof(s.value) AS type, s.value #>> '{}' AS text, k.lowest, k.highest
    FROM jsonb_each(settings) AS s
    LEFT JOIN (VALUES ('min_cohort', 1, 2147483647), ('regular_visits', 1, 2147483647), ('at_risk_days', 1, 36500),
                      ('lost_days', 1, 36500), ('new_days', 0, 36500)) AS k(name, lowest, highest) ON k.name = s.key
    ORDER BY s.key
  LOOP
    IF setting.lowest IS NOT NULL THEN
      IF setting.type <> 'number' OR setting.text::numeric NOT BETWEEN setting.lowest AND setting.highest
         OR setting.text::numeric <> trunc(setting.text::numeric) THEN
        RAISE EXCEPTION '% must be a whole number, not %', setting.key, left(setting.value::text, 50) USING ERRCODE = '22023',
          COLUMN = setting.key, HINT = format('From %s to %s.', setting.lowest, setting.highest);
      END IF;
      read := read || jsonb_build_object(setting.key, setting.text::numeric::int);
    ELSIF setting.key = 'day_starts_at' THEN
      IF setting.type <> 'string' OR setting.text !~ '^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$' THEN
        RAISE EXCEPTION 'day_starts_at must be a time of day, not %', left(setting.value::text, 50) USING ERRCODE = '22023',
          COLUMN = 'day_starts_at', HINT = 'Such as "04:00", from "00:00" to "23:59".';
      END IF;
      read := read || jsonb_build_object('day_starts_at', setting.text::time);
    ELSIF setting.key IN ('require_double_opt_in', 'crm_enabled', 'loyalty_enabled') THEN
      PERFORM crm.require_boolean(setting.key, setting.value);
      read := read || jsonb_build_object(setting.key, setting.value);
    ELSIF setting.key = 'quiet_hours' THEN
      read := read || (SELECT jsonb_build_object('quiet_hours', crm.quiet_hours_of(q.quiet_from, q.quiet_to)) FROM crm.read_quiet_hours(setting.value) AS q);
    ELSIF setting.key = 'closures' THEN
      read := read || jsonb_build_object('closures', crm.read_closures(setting.value));
    ELSE
      RAISE EXCEPTION 'unknown setting "%"', setting.key USING ERRCODE = '22023', COLUMN = setting.key,
        HINT = 'The settings are min_cohort, regular_visits, at_risk_days, lost_days, new_days, day_starts_at, require_double_opt_in, crm_enabled, loyalty_enabled, quiet_hours and closures.';
    END IF;
  END LOOP;
  IF (read ->> 'lost_days')::int < (read ->> 'at_risk_days')::int THEN
    RAISE EXCEPTION 'lost_days (%) is less than at_risk_days (%)', read ->> 'lost_days', read ->> 'at_risk_days' USING ERRCODE = '22023',
      COLUMN = CASE WHEN settings ? 'lost_days' THEN 'lost_days' ELSE 'at_risk_days' END,
      HINT = 'A guest is at risk before he is lost: give both.';
  END IF;
  RETURN read;
END
$$;
COMMENT ON FUNCTION crm.read_settings(jsonb, jsonb) IS 'Settings of a venue with those given in place of its own; 22023 for what cannot be, with the setting as the error''s COLUMN';

CREATE OR REPLACE FUNCTION crm.read_closures(closures jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  closure record;
  from_day date;
  to_day date;
  seen date[] := '{}';
  read jsonb := '[]';
  fault text;
BEGIN
  IF jsonb_typeof(closures) <> 'array' OR jsonb_array_length(closures) > 1000 THEN
    fault := 'must be a list of at most 1000';
  ELSE
    FOR closure IN SELECT c.value, c.n - 1 AS n FROM jsonb_array_elements(closures) WITH ORDINALITY AS c(value, n) LOOP
      fault := format('[%s] ', closure.n) || CASE
        WHEN jsonb_typeof(closure.value) <> 'object' OR closure.value - '{from_day,to_day}'::text[] <> '{}' THEN 'is not an object of from_day and to_day'
        WHEN (closure.value ->> 'from_day' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' AND closure.value ->> 'to_day' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$') IS NOT TRUE
          THEN 'needs from_day and to_day as days' END;
      EXIT WHEN fault IS NOT NULL;
      BEGIN
        from_day := closure.value ->> 'from_day';
        to_day := closure.value ->> 'to_day';
      EXCEPTION WHEN datetime_field_overflow THEN
        fault := format('[%s] names a day that the calendar does not have', closure.n);
        EXIT;
      END;
      fault := format('[%s] ', closure.n) || CASE
        WHEN from_day > to_day THEN 'ends before it starts'
        WHEN from_day < '1900-01-01' OR to_day >= '2200-01-01' THEN 'is not between 1900 and 2199'
        WHEN from_day = ANY (seen) THEN 'starts on the same day as another' END;
      EXIT WHEN fault IS NOT NULL;
      seen := seen || from_day;
      read := read || jsonb_build_object('from_day', from_day, 'to_day', to_day);
    END LOOP;
  END IF;
  IF fault IS NOT NULL THEN
    RAISE EXCEPTION 'closures: %', fault USING ERRCODE = '22023', COLUMN = 'closures',
      HINT = 'Such as [{"from_day": "2025-08-04", "to_day": "2025-08-17"}], first and last closed day.';
  END IF;
  RETURN read;
END
$$;
COMMENT ON FUNCTION crm.read_closures(jsonb) IS 'Closures given as JSON, checked; 22023 for what cannot be, with closures as the error''s COLUMN';
