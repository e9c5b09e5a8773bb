CREATE OR REPLACE FUNCTION crm.explain_rfm(customer text, venue text) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_venue crm.venue_key := crm.visible_venue(venue);
  s crm.venue_scoring;
  v crm.venue;
  t crm.customer_venue_stats;
  worse record;
  today date;
  days int;
  gap int;
  regular boolean;
BEGIN
  SELECT * INTO t FROM crm.customer_venue_stats AS x
  WHERE x.org_id = of_venue.org_id AND x.venue_id = of_venue.venue_id AND x.customer_id = crm.key(customer);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'customer "%" has no orders at venue "%"', customer, venue USING ERRCODE = 'CR404', COLUMN = 'customer';
  END IF;
  SELECT * INTO STRICT s FROM crm.venue_scoring AS x WHERE x.org_id = of_venue.org_id AND x.venue_id = of_venue.venue_id;
  SELECT * INTO STRICT v FROM crm.venue AS x WHERE x.org_id = of_venue.org_id AND x.venue_id = of_venue.venue_id;
  today := crm.local_day(crm.now(), s.timezone, s.day_starts_at);
  days := crm.open_days_between(s.rule, crm.local_day(t.last_order_at, s.timezone, s.day_starts_at), today);
  regular := t.total_visits >= (s.rule::jsonb ->> 'regular_visits')::int;

  SELECT count(*) AS cohort, count(*) FILTER (WHERE x.last_order_at < t.last_order_at) AS recency,
         count(*) FILTER (WHERE x.total_visits < t.total_visits) AS frequency, count(*) FILTER (WHERE x.total_spent < t.total_spent) AS monetary
  INTO worse
  FROM crm.customer_venue_stats AS x
  WHERE x.org_id = of_venue.org_id AND x.venue_id = of_venue.venue_id AND x.total_orders > 0;

  SELECT crm.lower_median(array_agg(g.days::bigint)) INTO gap
  FROM (SELECT day - lag(day) OVER (ORDER BY day) AS days
        FROM (SELECT DISTINCT crm.local_day(o.completed_at, s.timezone, s.day_starts_at) AS day
              FROM crm.refs_of(t.org_id, (SELECT c.ref FROM crm.customer AS c WHERE c.org_id = t.org_id AND c.customer_id = t.customer_id)) AS known(ref)
              CROSS JOIN LATERAL crm.counted_orders_of(known.ref, s.ref) AS o) AS visits) AS g;

  RETURN jsonb_build_object(
    'label', t.label, 'previous_label', t.previous_label, 'label_changed_at', t.label_changed_at,
    'because', CASE
      WHEN NOT t.profiled THEN 'the guest objects to profiling'
      WHEN t.total_orders = 0 THEN 'no counted order'
      WHEN t.label IN ('LOST', 'AT_RISK', 'INACTIVE') THEN
        format('%s with %s visits, last order %s days ago (%s from %s)', CASE WHEN regular THEN 'regular' ELSE 'no regular' END, t.total_visits, days,
               t.label, CASE t.label WHEN 'AT_RISK' THEN s.rule::jsonb ->> 'at_risk_days' ELSE s.rule::jsonb ->> 'lost_days' END)
      WHEN t.label = 'CHAMPION' THEN format('regular with scores %s, %s and %s, all at least 4%s', t.recency_score, t.frequency_score, t.monetary_score,
        CASE WHEN s.rule::jsonb -> 'champion_floor' <> 'null' THEN ', visits and spend above the median regular''s' ELSE '' END)
      WHEN t.label = 'LOYAL' THEN format('regular, frequency %s + monetary %s is at least 6', t.frequency_score, t.monetary_score)
      WHEN t.label = 'NEW' THEN format('no regular yet, first order less than %s days ago', s.rule::jsonb ->> 'new_days')
      ELSE format('%s, last order %s days ago, and no other label fits', CASE WHEN regular THEN 'regular' ELSE 'no regular' END, days) END,
    -- The same in parts, for other languages.
    'regular', regular, 'profiled', t.profiled, 'limit_days', CASE t.label WHEN 'AT_RISK' THEN (s.rule::jsonb -> 'at_risk_days')::int WHEN 'NEW' THEN (s.rule::jsonb -> 'new_days')::int
      WHEN 'LOST' THEN (s.rule::jsonb -> 'lost_days')::int WHEN 'INACTIVE' THEN (s.rule::jsonb -> 'lost_days')::int END,
    'above_median_regular', t.label = 'CHAMPION' AND s.rule::jsonb -> 'champion_floor' <> 'null',
    'next_change_on', crm.local_day(t.next_label_at, s.timezone, s.day_starts_at),
    'due', COALESCE(t.next_label_at <= crm.now(), false),
    'as_of', crm.now(), 'method', s.method, 'cohort', worse.cohort, 'currency', v.currency,
    'total_orders', t.total_orders, 'total_visits', t.total_visits, 'usual_gap_days', gap,
    'recency', jsonb_build_object('score', t.recency_score, 'last_order_at', t.last_order_at, 'days', days,
      'cut_points', to_jsonb(s.recency_cuts), 'share_worse', CASE WHEN t.total_orders > 0 THEN round(worse.recency::numeric / worse.cohort, 4) END),
    'frequency', jsonb_build_object('score', t.frequency_score, 'visits', t.total_visits,
      'cut_points', to_jsonb(s.frequency_cuts), 'share_worse', CASE WHEN t.total_orders > 0 THEN round(worse.frequency::numeric / worse.cohort, 4) END),
    'monetary', jsonb_build_object('score', t.monetary_score, 'spent', t.total_spent::text, 'median_bill', s.median_bill::text,
      'cut_points', to_jsonb(s.monetary_cuts::text[]), 'share_worse', CASE WHEN t.total_orders > 0 THEN round(worse.monetary::numeric / worse.cohort, 4) END));
END
$$;
ALTER FUNCTION crm.explain_rfm(text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.explain_rfm(text, text) IS 'Why a guest (the CRM''s id or the platform''s) has his scores and label at a venue: the rule that fired, the values, the cut points and the share of the cohort strictly worse as it is now (0 to 1), his usual gap between visits (median, days) and the local day on which time alone changes label or recency. JSON; money as decimal strings. CR404 for an unknown guest or venue.';
GRANT EXECUTE ON FUNCTION crm.explain_rfm(text, text) TO crm_staff;
