CREATE OR REPLACE FUNCTION crm.upcoming_birthdays(venue text, days int DEFAULT 7)
RETURNS TABLE (customer_id uuid, ref text, name text, phone text, falls_on date, turns int, label text, total_visits int, total_spent numeric,
               last_order_at timestamptz, reachable text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  of_venue crm.venue_key := crm.visible_venue(upcoming_birthdays.venue);
  today date;
BEGIN
  IF upcoming_birthdays.days IS NULL OR upcoming_birthdays.days NOT BETWEEN 0 AND 90 THEN
    RAISE EXCEPTION 'days must be 0 to 90' USING ERRCODE = '22023', COLUMN = 'days';
  END IF;
  SELECT (crm.now() AT TIME ZONE v.timezone)::date INTO STRICT today FROM crm.venue AS v WHERE v.org_id = of_venue.org_id AND v.venue_id = of_venue.venue_id;
  RETURN QUERY
  SELECT c.customer_id, c.ref, c.name, c.phone, g.falls_on, EXTRACT(year FROM g.falls_on)::int - EXTRACT(year FROM c.birth_date)::int,
         t.label, t.total_visits, t.total_spent, t.last_order_at,
         ARRAY(SELECT h.channel FROM unnest(crm.consent_channels()) WITH ORDINALITY AS h(channel, n)
               WHERE crm.is_reachable(c.org_id, c.customer_id, h.channel, of_venue.venue_id) ORDER BY h.n)
  FROM crm.customer AS c
  JOIN crm.customer_venue_stats AS t ON t.org_id = c.org_id AND t.venue_id = of_venue.venue_id AND t.customer_id = c.customer_id
  CROSS JOIN LATERAL (SELECT crm.next_anniversary(crm.annual_day(c.birth_date, c.birthday), today) AS falls_on) AS g
  WHERE c.org_id = of_venue.org_id AND c.status = 'active' AND t.total_orders > 0
    -- Few of the guests, found without computing for all when their birthday comes; who was born on a 29 February is among those of the 28th.
    AND c.birthday = ANY (ARRAY(SELECT to_char(today + n, 'MM-DD') FROM generate_series(0, upcoming_birthdays.days) AS n) || '02-29'::text)
    AND g.falls_on <= today + upcoming_birthdays.days
  ORDER BY g.falls_on, t.total_spent DESC, c.customer_id;
END
$$;
ALTER FUNCTION crm.upcoming_birthdays(text, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.upcoming_birthdays(text, int) IS 'Guests of a venue (the CRM''s id or the platform''s) whose birthday falls on today or one of the next days (0 to 90), by its calendar: the day, the age then where the year is known, label and totals there, and the channels on which the venue may write to them. Soonest first, of one day who spent most. Blocked guests are left out. CR404 for an unknown venue, 22023 for other days.';
GRANT EXECUTE ON FUNCTION crm.upcoming_birthdays(text, int) TO crm_staff;
