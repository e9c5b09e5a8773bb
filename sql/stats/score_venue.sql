CREATE OR REPLACE FUNCTION crm.score_venue(
  of_venue crm.venue_key, as_of timestamptz, with_gap boolean, OUT gap boolean, OUT guests bytea, OUT since xid8
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
  s crm.venue_scoring;
  today date;
  former_day date;
  from_day date;
  from_at timestamptz := '-infinity';
  cohort bytea;
  days bigint[];
  changes bigint[];
BEGIN
  -- Without its binding a venue has no orders to compare with.
  PERFORM FROM crm.binding AS b WHERE b.entity = 'order' FOR SHARE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT * INTO STRICT s FROM crm.venue_scoring AS x
  WHERE x.org_id = of_venue.org_id AND x.venue_id = of_venue.venue_id FOR UPDATE;
  IF s.counting <> 'live' THEN
    RETURN;
  END IF;
  today := crm.local_day(as_of, s.timezone, s.day_starts_at);
  former_day := crm.local_day(s.computed_at, s.timezone, s.day_starts_at);
  -- Open days, and yesterday once more: sales that were under way last night knew it as open.
  from_day := '-infinity';
  IF s.closed_day IS NOT NULL THEN
    from_day := LEAST(s.closed_day + 1, today - 1);
    SELECT span.from_at INTO from_at FROM crm.local_day_span(from_day, s.timezone, s.day_starts_at) AS span;
  END IF;
  since := pg_snapshot_xmin(pg_current_snapshot());

  -- One statement, so that all of it sees one moment: a sale is in the totals, the orders and the changed days, or in none.
  SELECT
    crm.cohort(t.customer_id, t.total_orders, t.total_visits, t.total_spent, t.first_order_at, t.last_order_at,
               t.recency_score, t.frequency_score, t.monetary_score, COALESCE(t.label, '-'), t.next_label_at),
    -- A span may reach into the days beside its own.
    (SELECT array_agg(v.n ORDER BY d.day, v.at)
     FROM (SELECT crm.day_totals(COALESCE(m.survivor_ref, o.customer_ref), o.total, o.completed_at, s.timezone, s.day_starts_at) AS packed
           FROM crm.counted_orders_within(s.ref, from_at, 'infinity') AS o
           LEFT JOIN crm.merged_customer AS m ON m.org_id = of_venue.org_id AND m.ref = o.customer_ref) AS counted
     CROSS JOIN LATERAL crm.day_totals_rows(counted.packed) AS d
     CROSS JOIN LATERAL unnest(ARRAY[d.day - date '2000-01-01', d.guests, d.orders, d.hundredths]) WITH ORDINALITY AS v(n, at)
     WHERE d.day >= from_day)
    || (SELECT array_agg(v.n ORDER BY d.day, v.at)
        FROM (SELECT DISTINCT x.day FROM crm.changed_day AS x
              WHERE x.org_id = of_venue.org_id AND x.venue_id = of_venue.venue_id AND x.day < from_day) AS c
        CROSS JOIN LATERAL crm.local_day_span(c.day, s.timezone, s.day_starts_at) AS span
        CROSS JOIN LATERAL (SELECT crm.day_totals(COALESCE(m.survivor_ref, o.customer_ref), o.total, o.completed_at, s.timezone, s.day_starts_at) AS packed
                            FROM crm.counted_orders_within(s.ref, span.from_at, span.before) AS o
                            LEFT JOIN crm.merged_customer AS m ON m.org_id = of_venue.org_id AND m.ref = o.customer_ref) AS counted
        CROSS JOIN LATERAL crm.day_totals_rows(counted.packed) AS d
        CROSS JOIN LATERAL unnest(ARRAY[d.day - date '2000-01-01', d.guests, d.orders, d.hundredths]) WITH ORDINALITY AS v(n, at)
        WHERE d.day = c.day),
    (SELECT array_agg(x.change_id) FROM crm.changed_day AS x WHERE x.org_id = of_venue.org_id AND x.venue_id = of_venue.venue_id)
  INTO cohort, days, changes
  FROM crm.customer_venue_stats AS t WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id;
  -- A plan of its own for each statement would take a copy of the cohort.
  PERFORM set_config('plan_cache_mode', 'force_generic_plan', true);

  PERFORM crm.keep_days(of_venue, from_day, cohort, changes, days);
  -- Every counted order is one of a guest's and one of a day's.
  SELECT t.orders <> COALESCE(sum(v.orders), 0) OR t.spent <> COALESCE(sum(v.revenue), 0) * 100 INTO gap
  FROM crm.cohort_totals(cohort) AS t
  LEFT JOIN crm.venue_day AS v ON v.org_id = of_venue.org_id AND v.venue_id = of_venue.venue_id
  GROUP BY t.orders, t.spent;
  IF gap AND NOT with_gap THEN
    RETURN;
  END IF;

  PERFORM crm.write_scoring(of_venue, as_of, cohort);
  UPDATE crm.venue_scoring AS x SET closed_day = today - 2
  WHERE x.org_id = of_venue.org_id AND x.venue_id = of_venue.venue_id
  RETURNING * INTO STRICT s;
  -- The first night after a day has the last word about its labels.
  PERFORM crm.keep_labels(of_venue, l.day, l.guests)
  FROM crm.cohort_labels(cohort, s.rule, s.timezone, s.day_starts_at, today) AS l
  WHERE CASE WHEN l.day = today THEN former_day IS NULL OR former_day <= today ELSE former_day < today END;
  guests := crm.cohort_differing(cohort, s.rule, s.timezone, s.day_starts_at, as_of);
END
$$;
ALTER FUNCTION crm.score_venue(crm.venue_key, timestamptz, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.score_venue(crm.venue_key, timestamptz, boolean) IS 'Reads a venue once, as of an instant: keeps its days and computes its rule anew. Returns the guests whose scores or label must change for it (packed), and the first transaction that the pass may not have seen. Where the guests'' totals do not add up to the orders of all days there is a gap, and the rule stays unless wanted with it.';

CREATE OR REPLACE FUNCTION crm.late_guests(of_venue crm.venue_key, as_of timestamptz, since xid8) RETURNS bytea
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
  SELECT crm.cohort_differing(
      crm.cohort(t.customer_id, t.total_orders, t.total_visits, t.total_spent, t.first_order_at, t.last_order_at,
                 t.recency_score, t.frequency_score, t.monetary_score, COALESCE(t.label, '-'), t.next_label_at),
      s.rule, s.timezone, s.day_starts_at, as_of)
  FROM crm.venue_scoring AS s
  JOIN crm.customer_venue_stats AS t ON t.org_id = s.org_id AND t.venue_id = s.venue_id
    AND (since IS NULL OR age(t.xmin) <= age(since::xid))
  WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id
  GROUP BY s.rule, s.timezone, s.day_starts_at
$$;
COMMENT ON FUNCTION crm.late_guests(crm.venue_key, timestamptz, xid8) IS 'Guests of a venue (packed) whose scores or label are not those of its rule as of an instant, among the rows written by the given transaction or later ones (null for all)';
