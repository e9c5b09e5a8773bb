CREATE OR REPLACE FUNCTION crm.mapped_expression(fields jsonb, field text, row_name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  f jsonb := fields -> field;
  cell text := row_name || '.' || quote_ident(f ->> 'column');
  amount text;
BEGIN
  IF f ->> 'constant' IS NOT NULL THEN
    RETURN format('%L::text', f ->> 'constant');
  END IF;
  CASE f ->> 'kind'
    WHEN 'ref', 'text' THEN
      IF f -> 'walk_in' IS NOT NULL THEN
        RETURN format('CASE WHEN %1$s::text = ANY (%2$L::text[]) THEN NULL ELSE %1$s::text END', cell,
                      ARRAY(SELECT jsonb_array_elements_text(f -> 'walk_in')));
      END IF;
      RETURN cell || '::text';
    WHEN 'day' THEN
      RETURN cell || '::date';
    WHEN 'number' THEN
      RETURN cell || '::numeric';
    WHEN 'money' THEN
      -- Outside these bounds, and not a number, is no amount.
      IF f ->> 'declared' ~ '^numeric\((1[0-2]|[1-9]),[0-2]\)$' AND f -> 'minor_units' IS NULL THEN
        RETURN format('NULLIF(%s::numeric, ''NaN'')', cell);  -- its type keeps the bounds
      END IF;
      amount := cell || '::numeric' || COALESCE(' / ' || (10 ^ (f ->> 'minor_units')::int)::int, '');
      RETURN format('CASE WHEN %1$s > -9999999999.99 AND %1$s < 9999999999.99 THEN (%1$s)::numeric(14,2) END', amount);
    WHEN 'time' THEN
      -- Outside these years a time is a mistake, and near the ends of the calendar it cannot be moved between zones.
      RETURN format('CASE WHEN %1$s::%2$s >= ''1900-01-01'' AND %1$s::%2$s < ''2200-01-01'' THEN %3$s END', cell, f ->> 'type', CASE f ->> 'type'
        WHEN 'timestamptz' THEN cell || '::timestamptz'
        WHEN 'timestamp' THEN format('%s::timestamp AT TIME ZONE %L', cell, f ->> 'zone')
        -- A date is a business day: its opening at the venue, whatever the session's time zone.
        ELSE CASE WHEN row_name = 'h' THEN format('crm.day_opening(%s::date, s.timezone, s.day_starts_at)', cell)
                  ELSE format('crm.day_opening_at(%s::date, %s)', cell, crm.mapped_expression(fields, 'venue', row_name)) END
        END);
    WHEN 'state' THEN
      IF f -> 'in' IS NULL THEN
        RETURN cell || ' IS NOT NULL';
      END IF;
      RETURN format('COALESCE(%s::text = ANY (%L::text[]), false)', cell, ARRAY(SELECT jsonb_array_elements_text(f -> 'in')));
    ELSE
      RETURN 'NULL';
  END CASE;
END
$$;
COMMENT ON FUNCTION crm.mapped_expression(jsonb, text, text) IS 'SQL expression of a mapped field over a row variable (h in reads, OLD and NEW in triggers); every identifier and value is quoted';

CREATE OR REPLACE FUNCTION crm.mapped_detail(fields jsonb, field text, row_name text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
  -- A column that must not be null holds an empty text where nothing is known.
  SELECT CASE WHEN fields ? field THEN format('NULLIF(btrim(%s::text), '''')', crm.mapped_expression(fields, field, row_name)) ELSE 'NULL::text' END
$$;
COMMENT ON FUNCTION crm.mapped_detail(jsonb, text, text) IS 'SQL expression of a mapped text of a guest; null where it is empty';

CREATE OR REPLACE FUNCTION crm.day_opening_at(day date, venue_ref text) RETURNS timestamptz
LANGUAGE sql STABLE
AS $$
  SELECT crm.day_opening(day, COALESCE(s.timezone, 'UTC'), COALESCE(s.day_starts_at, '00:00'))
  FROM (SELECT 1) AS always LEFT JOIN crm.venue_scoring AS s ON s.ref = venue_ref
$$;
COMMENT ON FUNCTION crm.day_opening_at(date, text) IS 'The instant at which a business day starts at a venue given by the platform''s id; in UTC while the venue is unknown';
