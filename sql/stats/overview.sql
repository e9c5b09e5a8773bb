CREATE OR REPLACE FUNCTION crm.overview(venue text) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
  of_venue crm.venue_key := crm.visible_venue(venue);
  v crm.venue;
  s crm.venue_scoring;
  guests record;
  soon record;
BEGIN
  SELECT * INTO STRICT v FROM crm.venue AS x WHERE x.org_id = of_venue.org_id AND x.venue_id = of_venue.venue_id;
  SELECT * INTO STRICT s FROM crm.venue_scoring AS x WHERE x.org_id = of_venue.org_id AND x.venue_id = of_venue.venue_id;

  SELECT sum(l.cohort) AS cohort, sum(l.returned) AS returned, sum(l.orders) AS orders, sum(l.visits) AS visits, sum(l.spent) AS spent,
         jsonb_agg(jsonb_build_object('label', l.label, 'guests', l.guests, 'spent', crm.money_sum(l.spent)::text,
                                      'share_of_revenue', round(l.spent / NULLIF(l.all_spent, 0), 4)) ORDER BY l.place) FILTER (WHERE l.label IS NOT NULL) AS labels
  INTO guests
  FROM (
    SELECT known.label, known.place, COALESCE(c.guests, 0) AS guests, COALESCE(c.cohort, 0) AS cohort, COALESCE(c.returned, 0) AS returned,
           COALESCE(c.orders, 0) AS orders, COALESCE(c.visits, 0) AS visits, COALESCE(c.spent, 0) AS spent, sum(c.spent) OVER () AS all_spent
    FROM unnest('{CHAMPION,LOYAL,POTENTIAL,NEW,AT_RISK,LOST,INACTIVE}'::text[]) WITH ORDINALITY AS known(label, place)
    -- Who has no label counts in the sums.
    FULL JOIN (
      SELECT t.label, count(*) AS guests, count(t.first_order_at) AS cohort, count(*) FILTER (WHERE t.total_visits > 1) AS returned,
             sum(t.total_orders) AS orders, sum(t.total_visits) AS visits, sum(t.total_spent) AS spent
      FROM crm.customer_venue_stats AS t
      WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id
      GROUP BY t.label) AS c ON c.label = known.label) AS l;

  SELECT count(*) AS guests, crm.money_sum(sum(u.total_spent)) AS spent INTO soon
  FROM crm.upcoming_labels_of(of_venue, 7) AS u WHERE u.next_label = 'AT_RISK';

  RETURN jsonb_build_object(
    'venue_id', v.venue_id, 'ref', v.ref, 'name', v.name, 'currency', v.currency, 'timezone', v.timezone, 'as_of', crm.now(),
    'cohort', guests.cohort, 'labels', guests.labels, 'repeat_rate', round(guests.returned / NULLIF(guests.cohort, 0), 4),
    'orders', guests.orders, 'visits', guests.visits, 'visits_per_guest', round(guests.visits / NULLIF(guests.cohort, 0), 2),
    'revenue', crm.money_sum(guests.spent)::text,
    'average_bill', round(guests.spent / NULLIF(guests.orders, 0), 2)::text,
    'sales', crm.sales_of(of_venue, crm.local_day(crm.now(), s.timezone, s.day_starts_at), s.closed_day),
    'at_risk_within_7_days', jsonb_build_object('guests', soon.guests, 'spent', soon.spent::text,
      'share_of_revenue', round(soon.spent / NULLIF(guests.spent, 0), 4)),
    'scores_computed_at', s.computed_at,
    'changes_put_off', (SELECT count(*) FROM crm.failed_change AS f WHERE f.entity = 'order' AND (f.venue_ref = v.ref OR f.venue_ref IS NULL)));
END
$$;
ALTER FUNCTION crm.overview(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.overview(text) IS 'A venue (the CRM''s id or the platform''s) at a glance, JSON. Of all time: cohort (guests with an order), labels (the seven, each with guests, spent and share_of_revenue), repeat_rate (share of the cohort with two visits or more), orders, visits (a guest on a local day), visits_per_guest, revenue, average_bill. sales: figures of today so far, of the last 7 and 30 whole days, and of the 7 and 30 before: from_day, to_day (local), orders, revenue, average_bill, visits (a guest on a day), new_guests, returning_visits (visits but a guest''s first), and the change of orders, revenue and visits (0.1 is a tenth more). at_risk_within_7_days: regulars who become AT_RISK if they do not come, and what they have spent. scores_computed_at; changes_put_off: changes of orders that wait for the next sweep. Money as decimal strings in the venue''s currency, shares 0 to 1, null where there is nothing to divide by. CR404 for an unknown venue.';
GRANT EXECUTE ON FUNCTION crm.overview(text) TO crm_reader, crm_staff;

CREATE OR REPLACE FUNCTION crm.sales_of(of_venue crm.venue_key, today date, closed_day date) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  oldest date := today - 60;
  kept_until date := LEAST(COALESCE(closed_day, oldest - 1), today - 1);
BEGIN
  RETURN (
    WITH sold AS MATERIALIZED (
      SELECT d.day, d.orders, d.revenue, d.guests, d.new_guests FROM crm.venue_day AS d
      WHERE d.org_id = of_venue.org_id AND d.venue_id = of_venue.venue_id AND d.day BETWEEN oldest AND kept_until
      UNION ALL
      SELECT d.day, d.orders, d.revenue, d.guests, d.new_guests
      FROM crm.days_of_orders(of_venue, GREATEST(kept_until + 1, oldest)) AS d
      WHERE d.day <= today
    ), figures AS (
      SELECT p.name, p.from_day, p.to_day, COALESCE(sum(d.orders), 0) AS orders, COALESCE(sum(d.revenue), 0) AS revenue,
             COALESCE(sum(d.guests), 0) AS visits, COALESCE(sum(d.new_guests), 0) AS new_guests
      FROM (VALUES ('today', today, today),
                   ('last_7_days', today - 7, today - 1), ('previous_7_days', today - 14, today - 8),
                   ('last_30_days', today - 30, today - 1), ('previous_30_days', today - 60, today - 31)) AS p(name, from_day, to_day)
      LEFT JOIN sold AS d ON d.day BETWEEN p.from_day AND p.to_day
      GROUP BY p.name, p.from_day, p.to_day
    )
    SELECT jsonb_object_agg(f.name,
      jsonb_build_object('from_day', f.from_day, 'to_day', f.to_day, 'orders', f.orders, 'revenue', crm.money_sum(f.revenue)::text,
        'average_bill', round(f.revenue / NULLIF(f.orders, 0), 2)::text,
        'visits', f.visits, 'new_guests', f.new_guests, 'returning_visits', f.visits - f.new_guests)
      || CASE WHEN before.name IS NULL THEN '{}' ELSE jsonb_build_object('change', jsonb_build_object(
        'orders', round((f.orders - before.orders) / NULLIF(before.orders, 0), 4),
        'revenue', round((f.revenue - before.revenue) / NULLIF(before.revenue, 0), 4),
        'visits', round((f.visits - before.visits) / NULLIF(before.visits, 0), 4))) END)
    FROM figures AS f LEFT JOIN figures AS before ON before.name = replace(f.name, 'last', 'previous') AND before.name <> f.name);
END
$$;
COMMENT ON FUNCTION crm.sales_of(crm.venue_key, date, date) IS 'Figures of today, the last 7 and 30 days and the 7 and 30 before, as of crm.overview: to the last closed day (null for none) from crm.venue_day, after it from the orders. Runs as crm_owner.';

CREATE OR REPLACE FUNCTION crm.days_of_orders(of_venue crm.venue_key, from_day date)
RETURNS TABLE (day date, guests bigint, new_guests bigint, orders bigint, revenue numeric)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
-- The platform's index serves only where the planner knows the instant.
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
DECLARE
  s crm.venue_scoring;
  opening timestamptz;
BEGIN
  SELECT * INTO STRICT s FROM crm.venue_scoring AS x WHERE x.org_id = of_venue.org_id AND x.venue_id = of_venue.venue_id;
  opening := crm.day_opening(from_day, s.timezone, s.day_starts_at);
  RETURN QUERY
  SELECT v.day, count(*), count(*) FILTER (WHERE COALESCE(crm.local_day(t.first_order_at, s.timezone, s.day_starts_at) >= v.day, true)),
         sum(v.orders)::bigint, sum(v.revenue)
  FROM (
    SELECT crm.local_day(o.completed_at, s.timezone, s.day_starts_at) AS day, crm.key(COALESCE(m.survivor_ref, o.customer_ref)) AS customer_id,
           count(*) AS orders, sum(o.total) AS revenue
    FROM crm.counted_orders_within(s.ref, opening, 'infinity') AS o
    LEFT JOIN crm.merged_customer AS m ON m.org_id = of_venue.org_id AND m.ref = o.customer_ref
    GROUP BY 1, 2) AS v
  -- A guest without a row yet, whose first order was put off, is new.
  LEFT JOIN crm.customer_venue_stats AS t
    ON t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.customer_id = v.customer_id
  GROUP BY v.day;
END
$$;
COMMENT ON FUNCTION crm.days_of_orders(crm.venue_key, date) IS 'Per local day of a venue from the given one on, read from the orders: guests, guests of whom it is the first day, orders and revenue. Runs as crm_owner.';
