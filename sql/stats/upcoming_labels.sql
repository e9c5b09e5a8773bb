CREATE OR REPLACE FUNCTION crm.upcoming_labels(venue text, days int DEFAULT 7)
RETURNS TABLE (customer_id uuid, ref text, name text, phone text, label text, next_label text, changes_on date,
               days_since_last_order int, usual_gap_days numeric, overdue numeric, total_visits int, total_spent numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  of_venue crm.venue_key := crm.visible_venue(upcoming_labels.venue);
BEGIN
  IF upcoming_labels.days IS NULL OR upcoming_labels.days NOT BETWEEN 1 AND 90 THEN
    RAISE EXCEPTION 'days must be 1 to 90' USING ERRCODE = '22023', COLUMN = 'days';
  END IF;
  RETURN QUERY
  SELECT soon.customer_id, c.ref, c.name, c.phone, soon.label, soon.next_label, soon.changes_on,
         soon.days_since_last_order, soon.usual_gap_days, soon.overdue, soon.total_visits, soon.total_spent
  FROM crm.upcoming_labels_of(of_venue, upcoming_labels.days) AS soon
  JOIN crm.customer AS c ON c.org_id = of_venue.org_id AND c.customer_id = soon.customer_id
  -- Whom to call first: regulars who slip, the furthest beyond their own habit before the others.
  ORDER BY array_position('{AT_RISK,LOST}', soon.next_label), soon.overdue DESC NULLS LAST, soon.changes_on, soon.total_spent DESC, soon.customer_id;
END
$$;
ALTER FUNCTION crm.upcoming_labels(text, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.upcoming_labels(text, int) IS 'Guests of a venue (the CRM''s id or the platform''s) whose label changes within so many days (1 to 90) if they do not come: the label then, the local day, the open days since the last order, the usual gap between visits (mean, open days) and how often that gap has passed since. First who becomes AT_RISK, then LOST, then the others, each with the longest overdue first. CR404 for an unknown venue, 22023 for other days.';
GRANT EXECUTE ON FUNCTION crm.upcoming_labels(text, int) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.upcoming_labels_of(of_venue crm.venue_key, days int)
RETURNS TABLE (customer_id uuid, label text, next_label text, changes_on date, days_since_last_order int,
               usual_gap_days numeric, overdue numeric, total_visits int, total_spent numeric)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  s crm.venue_scoring;
  today date;
  horizon timestamptz;
BEGIN
  SELECT * INTO STRICT s FROM crm.venue_scoring AS x WHERE x.org_id = of_venue.org_id AND x.venue_id = of_venue.venue_id;
  today := crm.local_day(crm.now(), s.timezone, s.day_starts_at);
  horizon := crm.day_opening(today + upcoming_labels_of.days + 1, s.timezone, s.day_starts_at);
  RETURN QUERY
  SELECT t.customer_id, t.label,
         crm.label(s.rule, t.total_orders, t.total_visits, (t.total_spent * 100)::bigint, g.first_day, g.last_day, t.last_order_at, change.day),
         change.day, since.days, round(gap.days, 1), round(since.days / NULLIF(gap.days, 0), 2), t.total_visits, t.total_spent
  FROM crm.customer_venue_stats AS t
  CROSS JOIN LATERAL (SELECT crm.local_day(t.first_order_at, s.timezone, s.day_starts_at) AS first_day,
                             crm.local_day(t.last_order_at, s.timezone, s.day_starts_at) AS last_day,
                             GREATEST(today, crm.local_day(t.next_label_at, s.timezone, s.day_starts_at)) AS next_day) AS g
  CROSS JOIN LATERAL (SELECT crm.open_days_between(s.rule, g.last_day, today) AS days) AS since
  CROSS JOIN LATERAL (SELECT crm.open_days_between(s.rule, g.first_day, g.last_day)::numeric / NULLIF(t.total_visits - 1, 0) AS days) AS gap
  -- What changes next is the label, as a rule; else it is the recency score alone, and the label's own change is looked for.
  CROSS JOIN LATERAL (
    SELECT CASE
      WHEN crm.label(s.rule, t.total_orders, t.total_visits, (t.total_spent * 100)::bigint, g.first_day, g.last_day, t.last_order_at, g.next_day) <> t.label
        THEN g.next_day
      ELSE (SELECT min(g.next_day + n) FROM generate_series(1, today + upcoming_labels_of.days - g.next_day) AS n
            WHERE crm.label(s.rule, t.total_orders, t.total_visits, (t.total_spent * 100)::bigint, g.first_day, g.last_day, t.last_order_at,
                            g.next_day + n) <> t.label) END AS day) AS change
  WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.next_label_at < horizon AND change.day IS NOT NULL;
END
$$;
COMMENT ON FUNCTION crm.upcoming_labels_of(crm.venue_key, int) IS 'Guests of a venue whose label changes within so many days if they do not come, as of crm.upcoming_labels, in no order; today''s date as the day where the change is due already';
