CREATE OR REPLACE FUNCTION crm.venue_days(venue text, from_day date, to_day date)
RETURNS TABLE (day date, guests int, new_guests int, returning_guests int, orders int, revenue numeric,
               champions int, loyal int, potential int, new int, at_risk int, lost int, inactive int)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  of_venue crm.venue_key := crm.visible_venue(venue);
BEGIN
  IF from_day IS NULL OR NOT isfinite(from_day) THEN
    RAISE EXCEPTION 'from_day must be a day' USING ERRCODE = '22023', COLUMN = 'from_day';
  ELSIF to_day IS NULL OR NOT isfinite(to_day) OR to_day < from_day OR to_day - from_day > 1100 THEN
    RAISE EXCEPTION 'to_day must be a day from from_day on, at most three years later' USING ERRCODE = '22023', COLUMN = 'to_day';
  END IF;
  RETURN QUERY
  SELECT d.day, d.guests, d.new_guests, d.returning_guests, d.orders, d.revenue, d.champions, d.loyal, d.potential, d.new, d.at_risk, d.lost, d.inactive
  FROM crm.venue_day AS d
  WHERE d.org_id = of_venue.org_id AND d.venue_id = of_venue.venue_id AND d.day BETWEEN from_day AND to_day ORDER BY d.day;
END
$$;
ALTER FUNCTION crm.venue_days(text, date, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.venue_days(text, date, date) IS 'Days of a venue (the CRM''s id or the platform''s) as the night keeps them, both ends included. CR404 for an unknown venue, 22023 for other days.';
GRANT EXECUTE ON FUNCTION crm.venue_days(text, date, date) TO crm_reader, crm_staff;
