CREATE OR REPLACE FUNCTION crm.list_cursor(
  sort text, last_order_at timestamptz, total_spent numeric, total_orders int, total_visits int, name text, customer uuid
) RETURNS jsonb
LANGUAGE sql STABLE
AS $$
  SELECT jsonb_build_object('sort', sort, 'customer', customer, 'value', CASE ltrim(sort, '-')
    WHEN 'last_visit' THEN COALESCE(last_order_at, '-infinity')::text WHEN 'spend' THEN total_spent::text
    WHEN 'orders' THEN total_orders::text WHEN 'visits' THEN total_visits::text ELSE name END)
$$;
COMMENT ON FUNCTION crm.list_cursor(text, timestamptz, numeric, int, int, text, uuid) IS 'The cursor behind a guest of a list';

CREATE OR REPLACE FUNCTION crm.tags_shown(org int, guest uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (SELECT COALESCE(jsonb_agg(jsonb_build_object('name', t.name, 'colour', t.colour) ORDER BY t.name), '[]')
          FROM crm.guest_tag AS t WHERE t.org_id = org AND t.customer_id = guest);
END
$$;
COMMENT ON FUNCTION crm.tags_shown(int, uuid) IS 'The tags that a guest has now, by hand or by a rule: an array of objects with name and colour, in the order of their names';

-- What a list shows of its guests, read from their rows in the snapshot that found them. Both are put into the statement of
-- crm.customer_list that calls them, so they have no settings.
CREATE OR REPLACE FUNCTION crm.list_rows_at(org int, of_venue uuid, sort text, guests uuid[]) RETURNS SETOF crm.listed_customer
LANGUAGE sql STABLE
AS $$
  SELECT c.customer_id, c.ref, c.name, c.phone, c.email, 1, of_venue, v.name, v.currency,
         t.label, t.previous_label, t.label_changed_at, t.recency_score, t.frequency_score, t.monetary_score,
         t.total_orders, t.total_visits, t.total_spent::numeric, t.highest_order::numeric, jsonb_build_object(v.currency, t.total_spent::text),
         t.first_order_at, t.last_order_at, crm.open_days_between(v.rule, crm.local_day(t.last_order_at, v.timezone, v.day_starts_at), v.today),
         CASE WHEN k.tagged THEN crm.tags_shown(org, c.customer_id) ELSE '[]' END,
         crm.list_cursor(sort, t.last_order_at, t.total_spent, t.total_orders, t.total_visits, c.name, c.customer_id)
  FROM (SELECT v.name, v.currency, s.rule, s.timezone, s.day_starts_at, crm.local_day(crm.now(), s.timezone, s.day_starts_at) AS today
        FROM crm.venue AS v JOIN crm.venue_scoring AS s ON s.org_id = v.org_id AND s.venue_id = v.venue_id
        WHERE v.org_id = org AND v.venue_id = of_venue OFFSET 0) AS v
  CROSS JOIN unnest(guests) WITH ORDINALITY AS p (customer_id, place)
  JOIN crm.customer AS c ON c.org_id = org AND c.customer_id = p.customer_id
  JOIN crm.customer_venue_stats AS t ON t.org_id = org AND t.venue_id = of_venue AND t.customer_id = p.customer_id
  -- Who has no tags pays nothing for them.
  CROSS JOIN (SELECT EXISTS (SELECT FROM crm.tag AS g WHERE g.org_id = org) AS tagged OFFSET 0) AS k
  ORDER BY p.place
$$;
COMMENT ON FUNCTION crm.list_rows_at(int, uuid, text, uuid[]) IS 'The guests of a page at a venue as crm.customer_list shows them, in the order given';

CREATE OR REPLACE FUNCTION crm.list_rows_over(org int, venues uuid[], sort text, guests uuid[]) RETURNS SETOF crm.listed_customer
LANGUAGE sql STABLE
AS $$
  WITH of_all AS MATERIALIZED (
    SELECT CASE WHEN min(v.currency) = max(v.currency) THEN min(v.currency) END AS currency FROM crm.venue AS v WHERE v.org_id = org AND v.venue_id = ANY (venues)
  ), at_venue AS MATERIALIZED (
    SELECT p.place, p.customer_id, t.venue_id, t.label, t.previous_label, t.label_changed_at, t.recency_score, t.frequency_score, t.monetary_score,
           t.total_orders, t.total_visits, t.total_spent, t.highest_order, t.first_order_at, t.last_order_at, t AS stats,
           count(t.venue_id) OVER (PARTITION BY p.place)::int AS venues
    FROM unnest(guests) WITH ORDINALITY AS p (customer_id, place)
    LEFT JOIN crm.customer_venue_stats AS t ON t.org_id = org AND t.customer_id = p.customer_id AND t.venue_id = ANY (venues)
  ), summed AS (
    -- Most guests have one row: only where there are several is anything added up.
    SELECT a.place, a.customer_id, a.venues, a.venue_id, a.label, a.previous_label, a.label_changed_at, a.recency_score, a.frequency_score, a.monetary_score,
           COALESCE(a.total_orders, 0) AS total_orders, COALESCE(a.total_visits, 0) AS total_visits, COALESCE(a.total_spent, 0)::numeric AS total_spent,
           a.highest_order::numeric AS highest_order, NULL::jsonb AS by_currency, a.first_order_at, a.last_order_at, a.venue_id AS last_venue_id
    FROM at_venue AS a WHERE a.venues <= 1
    UNION ALL
    SELECT n.place, n.customer_id, n.venues, (n.best).venue_id, (n.best).label, (n.best).previous_label, (n.best).label_changed_at,
           (n.best).recency_score, (n.best).frequency_score, (n.best).monetary_score, n.total_orders, n.total_visits, n.total_spent,
           n.highest_order, n.by_currency, n.first_order_at, n.last_order_at, n.last_venue_id
    FROM (SELECT a.place, a.customer_id, a.venues, sum(a.total_orders)::int AS total_orders, sum(a.total_visits)::int AS total_visits,
                 sum(a.total_spent) AS total_spent, max(a.highest_order) AS highest_order, min(a.first_order_at) AS first_order_at, max(a.last_order_at) AS last_order_at,
                 (array_agg(a.stats ORDER BY crm.label_rank(a.label), a.last_order_at DESC NULLS LAST, a.venue_id))[1] AS best,
                 (array_agg(a.venue_id ORDER BY a.last_order_at DESC NULLS LAST, a.venue_id))[1] AS last_venue_id,
                 CASE WHEN (SELECT o.currency FROM of_all AS o) IS NULL THEN crm.spent_by_currency(org, array_agg(a.venue_id), array_agg(a.total_spent)) END AS by_currency
          FROM at_venue AS a WHERE a.venues > 1 GROUP BY a.place, a.customer_id, a.venues) AS n
  )
  SELECT c.customer_id, c.ref, c.name, c.phone, c.email, n.venues, v.venue_id, v.name, CASE WHEN m.one THEN v.currency END,
         n.label, n.previous_label, n.label_changed_at, n.recency_score, n.frequency_score, n.monetary_score,
         n.total_orders, n.total_visits, CASE WHEN m.one THEN n.total_spent END, CASE WHEN m.one THEN n.highest_order END,
         COALESCE(n.by_currency, CASE WHEN n.venues = 0 THEN '{}' ELSE jsonb_build_object(v.currency, n.total_spent::text) END),
         n.first_order_at, n.last_order_at,
         crm.open_days_between(s.rule, crm.local_day(n.last_order_at, s.timezone, s.day_starts_at), crm.local_day(crm.now(), s.timezone, s.day_starts_at)),
         CASE WHEN k.tagged THEN crm.tags_shown(org, c.customer_id) ELSE '[]' END,
         crm.list_cursor(sort, n.last_order_at, n.total_spent, n.total_orders, n.total_visits, c.name, c.customer_id)
  FROM summed AS n
  JOIN crm.customer AS c ON c.org_id = org AND c.customer_id = n.customer_id
  LEFT JOIN crm.venue AS v ON v.org_id = org AND v.venue_id = n.venue_id
  LEFT JOIN crm.venue_scoring AS s ON s.org_id = org AND s.venue_id = n.last_venue_id
  CROSS JOIN (SELECT EXISTS (SELECT FROM crm.tag AS g WHERE g.org_id = org) AS tagged OFFSET 0) AS k
  CROSS JOIN LATERAL (SELECT CASE WHEN n.by_currency IS NULL THEN true ELSE n.by_currency - v.currency = '{}' END AS one) AS m
  ORDER BY n.place
$$;
COMMENT ON FUNCTION crm.list_rows_over(int, uuid[], text, uuid[]) IS 'The guests of a page over several venues as crm.customer_list shows them, in the order given';

CREATE OR REPLACE FUNCTION crm.spent_by_currency(org int, venues uuid[], amounts numeric[]) RETURNS jsonb
LANGUAGE sql STABLE
AS $$
  SELECT jsonb_object_agg(m.currency, m.spent::text)
  FROM (SELECT v.currency, sum(a.amount) AS spent FROM unnest(venues, amounts) AS a(venue_id, amount)
        JOIN crm.venue AS v ON v.org_id = org AND v.venue_id = a.venue_id GROUP BY v.currency) AS m
$$;
COMMENT ON FUNCTION crm.spent_by_currency(int, uuid[], numeric[]) IS 'Amounts of venues added up by currency';
