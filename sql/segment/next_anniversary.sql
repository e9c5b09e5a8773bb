CREATE OR REPLACE FUNCTION crm.next_anniversary(birthday date, today date) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  -- Years are added to the birthday itself, so that 29 February comes back in leap years.
  SELECT CASE WHEN pg_catalog.isfinite(birthday) THEN
    (birthday + pg_catalog.make_interval(years => EXTRACT(year FROM today)::int - EXTRACT(year FROM birthday)::int
       + CASE WHEN (birthday + pg_catalog.make_interval(years => EXTRACT(year FROM today)::int - EXTRACT(year FROM birthday)::int))::date < today
              THEN 1 ELSE 0 END))::date END
$$;
COMMENT ON FUNCTION crm.next_anniversary(date, date) IS 'The first day, today included, on which a date comes round; 29 February does so on the 28th where there is none. Null for no date.';
GRANT EXECUTE ON FUNCTION crm.next_anniversary(date, date) TO crm_reader, crm_staff;
