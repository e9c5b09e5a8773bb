-- What a list shows of its guests, read from their rows in the snapshot that found them. Runs inside crm.customer_list.
CREATE OR REPLACE FUNCTION crm.list_rows(org int, of_scope uuid, venues uuid[], sort text, guests uuid[]) RETURNS SETOF crm.listed_customer
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  field text := ltrim(sort, '-');
  venue record;
BEGIN
  IF of_scope = venues[1] THEN
    SELECT v.name, v.currency, s.rule, s.timezone, s.day_starts_at, crm.local_day(crm.now(), s.timezone, s.day_starts_at) AS today INTO venue
    FROM crm.venue AS v JOIN crm.venue_scoring AS s ON s.org_id = v.org_id AND s.venue_id = v.venue_id
    WHERE v.org_id = org AND v.venue_id = of_scope;
    RETURN QUERY
    SELECT c.customer_id, c.ref, c.name, c.phone, c.email, 1, of_scope, venue.name, venue.currency,
           t.label, t.previous_label, t.label_changed_at, t.recency_score, t.frequency_score, t.monetary_score,
           t.total_orders, t.total_visits, t.total_spent::numeric, t.highest_order::numeric, jsonb_build_object(venue.currency, t.total_spent::text),
           t.first_order_at, t.last_order_at,
           crm.open_days_between(venue.rule, crm.local_day(t.last_order_at, venue.timezone, venue.day_starts_at), venue.today),
           crm.list_cursor(sort, field, t.last_order_at, t.total_spent, t.total_orders, t.total_visits, c.name, c.customer_id)
    FROM unnest(guests) WITH ORDINALITY AS p (customer_id, place)
    JOIN crm.customer AS c ON c.org_id = org AND c.customer_id = p.customer_id
    JOIN crm.customer_venue_stats AS t ON t.org_id = org AND t.venue_id = of_scope AND t.customer_id = p.customer_id
    ORDER BY p.place;
    RETURN;
  END IF;
  RETURN QUERY
  SELECT c.customer_id, c.ref, c.name, c.phone, c.email, n.venues, v.venue_id, v.name, CASE WHEN n.one_currency THEN v.currency END,
         n.label, n.previous_label, n.label_changed_at, n.recency_score, n.frequency_score, n.monetary_score,
         n.total_orders, n.total_visits, CASE WHEN n.venues = 0 THEN 0 WHEN n.one_currency THEN n.total_spent END,
         CASE WHEN n.one_currency THEN n.highest_order END, n.by_currency, n.first_order_at, n.last_order_at,
         crm.open_days_between(s.rule, crm.local_day(n.last_order_at, s.timezone, s.day_starts_at), crm.local_day(crm.now(), s.timezone, s.day_starts_at)),
         crm.list_cursor(sort, field, n.last_order_at, n.total_spent, n.total_orders, n.total_visits, c.name, c.customer_id)
  FROM unnest(guests) WITH ORDINALITY AS p (customer_id, place)
  JOIN crm.customer AS c ON c.org_id = org AND c.customer_id = p.customer_id
  CROSS JOIN LATERAL (
    SELECT count(*)::int AS venues, min(w.currency) = max(w.currency) AS one_currency,
           COALESCE(sum(w.total_orders), 0)::int AS total_orders, COALESCE(sum(w.total_visits), 0)::int AS total_visits,
           COALESCE(sum(w.total_spent), 0) AS total_spent, max(w.highest_order) AS highest_order,
           min(w.first_order_at) AS first_order_at, max(w.last_order_at) AS last_order_at,
           (array_agg(w.venue_id ORDER BY w.last_order_at DESC NULLS LAST, w.venue_id))[1] AS last_venue_id,
           max(w.venue_id::text) FILTER (WHERE w.best)::uuid AS best_venue_id,
           max(w.label) FILTER (WHERE w.best) AS label, max(w.previous_label) FILTER (WHERE w.best) AS previous_label,
           max(w.label_changed_at) FILTER (WHERE w.best) AS label_changed_at, max(w.recency_score) FILTER (WHERE w.best) AS recency_score,
           max(w.frequency_score) FILTER (WHERE w.best) AS frequency_score, max(w.monetary_score) FILTER (WHERE w.best) AS monetary_score,
           COALESCE(jsonb_object_agg(w.currency, w.spent_in_currency::text) FILTER (WHERE w.currency IS NOT NULL), '{}') AS by_currency
    FROM (SELECT t.*, o.currency, sum(t.total_spent) OVER (PARTITION BY o.currency) AS spent_in_currency,
                 row_number() OVER (ORDER BY crm.label_rank(t.label), t.last_order_at DESC NULLS LAST, t.venue_id) = 1 AS best
          FROM crm.customer_venue_stats AS t JOIN crm.venue AS o ON o.org_id = org AND o.venue_id = t.venue_id
          WHERE t.org_id = org AND t.customer_id = p.customer_id AND t.venue_id = ANY (venues)) AS w) AS n
  LEFT JOIN crm.venue AS v ON v.org_id = org AND v.venue_id = n.best_venue_id
  LEFT JOIN crm.venue_scoring AS s ON s.org_id = org AND s.venue_id = n.last_venue_id
  ORDER BY p.place;
END
$$;
COMMENT ON FUNCTION crm.list_rows(int, uuid, uuid[], text, uuid[]) IS 'The guests of a page as crm.customer_list shows them, in the order given';

CREATE OR REPLACE FUNCTION crm.list_cursor(
  sort text, field text, last_order_at timestamptz, total_spent numeric, total_orders int, total_visits int, name text, customer uuid
) RETURNS jsonb
LANGUAGE sql STABLE
AS $$
  SELECT jsonb_build_object('sort', sort, 'customer', customer, 'value', CASE field
    WHEN 'last_visit' THEN COALESCE(last_order_at, '-infinity')::text WHEN 'spend' THEN total_spent::text
    WHEN 'orders' THEN total_orders::text WHEN 'visits' THEN total_visits::text ELSE name END)
$$;
COMMENT ON FUNCTION crm.list_cursor(text, text, timestamptz, numeric, int, int, text, uuid) IS 'The cursor behind a guest of a list';
