CREATE OR REPLACE FUNCTION crm.score_venue(
  of_venue crm.venue_key, as_of timestamptz, with_gap boolean, OUT gap boolean, OUT guests uuid[], OUT since xid8
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  scoring crm.venue_scoring;
  today date;
  former_day date;
  from_day date;
  seen record;
BEGIN
  -- Without its binding a venue has no orders to compare with.
  PERFORM FROM crm.binding AS b WHERE b.entity = 'order' FOR SHARE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT * INTO STRICT scoring FROM crm.venue_scoring AS s
  WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id FOR UPDATE;
  today := crm.local_day(as_of, scoring.timezone, scoring.day_starts_at);
  former_day := crm.local_day(scoring.computed_at, scoring.timezone, scoring.day_starts_at);
  -- Yesterday once more: sales that were under way last night knew it as an open day.
  from_day := CASE WHEN scoring.closed_day IS NULL THEN '-infinity' ELSE LEAST(scoring.closed_day + 1, today - 1) END;
  since := pg_snapshot_xmin(pg_current_snapshot());

  SELECT * INTO STRICT seen FROM crm.survey_venue(of_venue, from_day);
  gap := NOT seen.in_step;
  IF gap AND NOT with_gap THEN
    RETURN;
  END IF;
  PERFORM crm.write_scoring(of_venue, as_of, seen.cohort);
  PERFORM crm.keep_days(of_venue, from_day, seen.cohort, seen.changes, seen.days, seen.guests, seen.orders, seen.revenue);
  UPDATE crm.venue_scoring AS s SET closed_day = today - 2
  WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id
  RETURNING * INTO STRICT scoring;
  -- The first night after a day has the last word about its labels.
  IF former_day IS NULL OR former_day <= today THEN
    PERFORM crm.keep_labels(of_venue, today, crm.cohort_labels(seen.cohort, scoring.rule, scoring.timezone, scoring.day_starts_at, today));
  END IF;
  IF former_day < today THEN
    PERFORM crm.keep_labels(of_venue, today - 1, crm.cohort_labels(seen.cohort, scoring.rule, scoring.timezone, scoring.day_starts_at, today - 1));
  END IF;
  guests := crm.cohort_differing(seen.cohort, scoring.rule, scoring.timezone, scoring.day_starts_at, as_of);
END
$$;
ALTER FUNCTION crm.score_venue(crm.venue_key, timestamptz, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.score_venue(crm.venue_key, timestamptz, boolean) IS 'Computes the rule of a venue anew in one pass over its rows, as of an instant, and keeps its days. Returns the guests whose scores or label must change for it, in the order of their keys, and the first transaction that the pass may not have seen. Where the guests'' totals do not add up to the orders there is a gap, and nothing is written unless wanted with it.';

CREATE OR REPLACE FUNCTION crm.late_guests(of_venue crm.venue_key, as_of timestamptz, since xid8) RETURNS uuid[]
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
  SELECT crm.cohort_differing(
      crm.cohort(t.customer_id, t.total_orders, t.total_visits, t.total_spent, t.first_order_at, t.last_order_at,
                 t.recency_score, t.frequency_score, t.monetary_score, t.label, t.next_label_at),
      s.rule, s.timezone, s.day_starts_at, as_of)
  FROM crm.venue_scoring AS s
  JOIN crm.customer_venue_stats AS t ON t.org_id = s.org_id AND t.venue_id = s.venue_id
    AND (since IS NULL OR age(t.xmin) <= age(since::xid))
  WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id
  GROUP BY s.rule, s.timezone, s.day_starts_at
$$;
COMMENT ON FUNCTION crm.late_guests(crm.venue_key, timestamptz, xid8) IS 'Guests of a venue whose scores or label are not those of its rule as of an instant, among the rows written by the given transaction or later ones (null for all)';
