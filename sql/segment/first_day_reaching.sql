CREATE OR REPLACE FUNCTION crm.first_day_reaching(day date, months int, days int) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  -- Where the day's month lacks the day found, the month moved to begins too late by one. One expression, so that it is inlined.
  SELECT (day - days - pg_catalog.make_interval(months => months))::date
    + CASE WHEN (day - days - pg_catalog.make_interval(months => months))::date + pg_catalog.make_interval(months => months) >= day - days
           THEN 0 ELSE 1 END
$$;
COMMENT ON FUNCTION crm.first_day_reaching(date, int, int) IS 'The first day that, moved by so many months and then so many days (both may be negative), is the given day or later';
GRANT EXECUTE ON FUNCTION crm.first_day_reaching(date, int, int) TO crm_reader, crm_staff;
