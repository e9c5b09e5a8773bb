CREATE OR REPLACE FUNCTION crm.upcoming_labels(venue text, days int DEFAULT 7)
RETURNS TABLE (customer_id uuid, ref text, name text, phone text, label text, next_label text, changes_on date,
               days_since_last_order int, usual_gap_days numeric, overdue numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  of_venue crm.venue_key := crm.visible_venue(upcoming_labels.venue);
  s crm.venue_scoring;
  today date;
BEGIN
  IF upcoming_labels.days IS NULL OR upcoming_labels.days NOT BETWEEN 1 AND 90 THEN
    RAISE EXCEPTION 'days must be 1 to 90' USING ERRCODE = '22023', COLUMN = 'days';
  END IF;
  SELECT * INTO STRICT s FROM crm.venue_scoring AS x WHERE x.org_id = of_venue.org_id AND x.venue_id = of_venue.venue_id;
  today := crm.local_day(crm.now(), s.timezone, s.day_starts_at);
  RETURN QUERY
  SELECT c.customer_id, c.ref, c.name, c.phone, soon.label, soon.next_label, soon.day, soon.since, soon.gap, round(soon.since / NULLIF(soon.gap, 0), 2)
  FROM (
    SELECT t.org_id, t.customer_id, t.label, change.day, change.next_label,
           crm.open_days_between(s.rule, g.last_day, today) AS since,
           round((g.last_day - g.first_day)::numeric / NULLIF(t.total_visits - 1, 0), 1) AS gap
    FROM crm.customer_venue_stats AS t
    CROSS JOIN LATERAL (SELECT crm.local_day(t.first_order_at, s.timezone, s.day_starts_at) AS first_day,
                               crm.local_day(t.last_order_at, s.timezone, s.day_starts_at) AS last_day) AS g
    -- The time of the next change may be the recency score's alone: look for the label's own.
    CROSS JOIN LATERAL (
      SELECT today + n AS day, then_label.label AS next_label
      FROM generate_series(1, upcoming_labels.days) AS n
      CROSS JOIN LATERAL (SELECT crm.label(s.rule, t.total_orders, t.total_visits, (t.total_spent * 100)::bigint, g.first_day, g.last_day,
                                           t.last_order_at, today + n) AS label) AS then_label
      WHERE then_label.label <> t.label
      ORDER BY n LIMIT 1) AS change
    WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id
      AND t.next_label_at < crm.day_opening(today + upcoming_labels.days + 1, s.timezone, s.day_starts_at)
  ) AS soon
  JOIN crm.customer AS c ON c.org_id = soon.org_id AND c.customer_id = soon.customer_id
  ORDER BY soon.day, round(soon.since / NULLIF(soon.gap, 0), 2) DESC NULLS LAST, c.customer_id;
END
$$;
ALTER FUNCTION crm.upcoming_labels(text, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.upcoming_labels(text, int) IS 'Guests of a venue (the CRM''s id or the platform''s) whose label changes within so many days (1 to 90) if they do not come: the label then, the local day, the days since the last order, the usual gap between visits (mean, days) and how often that gap has passed since. CR404 for an unknown venue, 22023 for other days.';
GRANT EXECUTE ON FUNCTION crm.upcoming_labels(text, int) TO crm_staff;
