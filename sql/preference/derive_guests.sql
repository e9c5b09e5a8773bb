CREATE OR REPLACE FUNCTION crm.wilson_lower_bound(successes bigint, trials bigint) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  -- Wilson (1927); z of 95 % two-sided.
  SELECT round(((p + z2 / (2 * n) - sqrt(z2 * (p * (1 - p) + z2 / (4 * n)) / n)) / (1 + z2 / n))::numeric, 3)
  FROM (SELECT successes::float8 / trials AS p, trials::float8 AS n, 1.959963984540054::float8 ^ 2 AS z2) AS x
$$;
COMMENT ON FUNCTION crm.wilson_lower_bound(bigint, bigint) IS 'Lower bound of the 95 % Wilson score interval of a share, to three decimals';

-- Called with a thousand guests at a time; every name is qualified, as it runs inside pinned functions.
CREATE OR REPLACE FUNCTION crm.derived_of(of_venue crm.venue_key, guests uuid[])
RETURNS TABLE (customer_id uuid, derived crm.derived_value[], spend_trend text, top_products jsonb, seen_orders int, seen_spent numeric, seen_first_at timestamptz, seen_last_at timestamptz)
LANGUAGE sql STABLE
AS $$
  WITH o AS MATERIALIZED (
    SELECT c.customer_id, o.order_ref, o.total, o.completed_at, o.day, o.daypart, o.table_name, o.channel, o.payment_method,
           row_number() OVER last_first AS back
    FROM unnest(guests) AS u(id)
    JOIN crm.customer AS c ON c.org_id = of_venue.org_id AND c.customer_id = u.id
    JOIN crm.venue AS v ON v.org_id = of_venue.org_id AND v.venue_id = of_venue.venue_id
    CROSS JOIN LATERAL crm.orders_of(of_venue.org_id, c.ref, v.ref) AS o
    WHERE NOT EXISTS (SELECT FROM crm.merged_customer AS m WHERE m.org_id = c.org_id AND m.customer_id = c.customer_id)
      AND NOT EXISTS (SELECT FROM crm.unprofiled_guest AS n WHERE n.org_id = c.org_id AND n.customer_id = c.customer_id)
    WINDOW last_first AS (PARTITION BY c.customer_id ORDER BY o.completed_at DESC, o.order_ref COLLATE "C" DESC)
  ), guest AS MATERIALIZED (
    SELECT o.customer_id, count(*) AS orders, sum(o.total) AS spent, min(o.completed_at) AS first_at, max(o.completed_at) AS last_at,
           array_agg(o.completed_at ORDER BY o.completed_at) AS times,
           sum(o.total) FILTER (WHERE o.back <= 5) AS lately, sum(o.total) FILTER (WHERE o.back BETWEEN 6 AND 10) AS before
    FROM o GROUP BY o.customer_id HAVING count(*) >= 3
  ), product AS MATERIALIZED (
    SELECT COALESCE(p.ref, s.product_ref) AS ref, p.name, p.category, s.last_sold_at
    FROM crm.bound_products() AS p
    FULL JOIN (SELECT * FROM crm.product_sale AS s WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id) AS s ON s.product_ref = p.ref
  ), line AS MATERIALIZED (
    SELECT o.customer_id, o.back, o.completed_at, i.product_ref
    FROM o JOIN guest AS g ON g.customer_id = o.customer_id
    CROSS JOIN LATERAL crm.items_of_order(o.order_ref, o.day) AS i
    WHERE i.product_ref IS NOT NULL AND (i.quantity > 0) IS NOT FALSE
    GROUP BY o.customer_id, o.back, o.completed_at, i.product_ref
  ), bought AS MATERIALIZED (
    SELECT l.*, row_number() OVER (PARTITION BY l.customer_id ORDER BY l.orders DESC, l.last_seen DESC, l.product_ref COLLATE "C") AS rank
    FROM (SELECT l.*, g.orders AS of_orders, p.name,
                 -- Of the guest's orders those after the one with it, up to the last sale of the product.
                 CASE WHEN l.orders = 1 THEN width_bucket(p.last_sold_at, g.times) - width_bucket(l.last_seen, g.times) END AS skips
          FROM (SELECT l.customer_id, l.product_ref, count(*) AS orders, min(l.completed_at) AS first_seen, max(l.completed_at) AS last_seen
                FROM line AS l GROUP BY l.customer_id, l.product_ref) AS l
          JOIN guest AS g ON g.customer_id = l.customer_id
          LEFT JOIN product AS p ON p.ref = l.product_ref
          -- Computed before the sort, which need not carry the times of all orders.
          OFFSET 0) AS l
  ), found AS (
    SELECT b.customer_id, 'favourite_product' AS kind, b.product_ref AS value, b.name, crm.wilson_lower_bound(b.orders, b.of_orders) AS strength,
           b.orders, b.of_orders, b.first_seen, b.last_seen
    FROM bought AS b WHERE b.rank <= 3 AND b.orders >= 3
    UNION ALL
    SELECT b.customer_id, 'disliked_product', b.product_ref, b.name, round(b.skips::numeric / (b.skips + 5), 3), 1, 1 + b.skips, b.first_seen, b.last_seen
    FROM bought AS b WHERE b.skips >= 5
    UNION ALL
    SELECT c.customer_id, 'category', c.category, NULL, crm.wilson_lower_bound(c.orders, g.orders), c.orders, g.orders, c.first_seen, c.last_seen
    FROM (SELECT c.*, row_number() OVER (PARTITION BY c.customer_id ORDER BY c.orders DESC, c.last_seen DESC, c.category COLLATE "C") AS rank
          FROM (SELECT l.customer_id, p.category, count(DISTINCT l.back) AS orders, min(l.completed_at) AS first_seen, max(l.completed_at) AS last_seen
                FROM line AS l JOIN product AS p ON p.ref = l.product_ref WHERE p.category IS NOT NULL GROUP BY l.customer_id, p.category) AS c) AS c
    JOIN guest AS g ON g.customer_id = c.customer_id
    WHERE c.rank = 1 AND c.orders >= 3
    UNION ALL
    -- A visit is what its first order was.
    SELECT h.customer_id, h.kind, h.value, NULL, round(h.visits::numeric / h.of_visits, 3), h.visits, h.of_visits, h.first_seen, h.last_seen
    FROM (SELECT v.customer_id, a.kind, a.value, count(*) AS visits, v.of_visits, min(v.completed_at) AS first_seen, max(v.completed_at) AS last_seen
          FROM (SELECT v.*, LEAST(count(*) OVER (PARTITION BY v.customer_id), 10) AS of_visits,
                       row_number() OVER (PARTITION BY v.customer_id ORDER BY v.day DESC) AS back
                FROM (SELECT DISTINCT ON (o.customer_id, o.day) o.customer_id, o.day, o.completed_at, o.daypart, o.table_name, o.channel, o.payment_method
                      FROM o ORDER BY o.customer_id, o.day, o.back DESC) AS v) AS v
          CROSS JOIN LATERAL (VALUES ('daypart', v.daypart), ('table', v.table_name), ('channel', v.channel), ('payment_method', v.payment_method)) AS a(kind, value)
          WHERE v.back <= 10 AND v.of_visits >= 5 AND a.value IS NOT NULL
          GROUP BY v.customer_id, a.kind, a.value, v.of_visits) AS h
    WHERE h.visits >= 0.6 * h.of_visits
  )
  SELECT g.customer_id, f.derived,
         CASE WHEN g.orders < 10 THEN NULL WHEN g.lately > 1.1 * g.before THEN 'up' WHEN g.lately < 0.9 * g.before THEN 'down' ELSE 'steady' END,
         COALESCE(t.products, '[]'), g.orders::int, g.spent, g.first_at, g.last_at
  FROM guest AS g
  LEFT JOIN (SELECT f.customer_id, array_agg(ROW(f.kind, f.value, f.name, f.strength, f.orders, f.of_orders, f.first_seen, f.last_seen)::crm.derived_value) AS derived
             FROM found AS f GROUP BY f.customer_id) AS f ON f.customer_id = g.customer_id
  LEFT JOIN (SELECT b.customer_id, jsonb_agg(jsonb_build_object('product', b.product_ref, 'name', b.name, 'orders', b.orders) ORDER BY b.rank) AS products
             FROM bought AS b WHERE b.rank <= 10 GROUP BY b.customer_id) AS t ON t.customer_id = g.customer_id
$$;
COMMENT ON FUNCTION crm.derived_of(crm.venue_key, uuid[]) IS 'What the orders of some guests of a venue tell, those with three orders at least. A line without quantity, or with one above zero, is an order of its product.';

CREATE OR REPLACE FUNCTION crm.derive_guests(of_venue crm.venue_key, guests uuid[]) RETURNS uuid[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
-- The tables grow under a plan that is kept.
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
DECLARE
  changed uuid[];
BEGIN
  WITH wanted AS MATERIALIZED (
    SELECT * FROM crm.derived_of(of_venue, guests)
  ), told AS MATERIALIZED (
    SELECT w.customer_id, d.* FROM wanted AS w CROSS JOIN LATERAL unnest(w.derived) AS d
  ), gone AS (
    DELETE FROM crm.derived_preference AS p
    WHERE p.org_id = of_venue.org_id AND p.venue_id = of_venue.venue_id AND p.customer_id = ANY (guests)
      AND NOT EXISTS (SELECT FROM told AS t WHERE t.customer_id = p.customer_id AND t.kind = p.kind AND t.value = p.value)
    RETURNING p.customer_id
  ), come AS (
    INSERT INTO crm.derived_preference AS p (org_id, venue_id, customer_id, kind, value, name, strength, orders, of_orders, first_seen, last_seen)
    SELECT of_venue.org_id, of_venue.venue_id, t.* FROM told AS t
    ON CONFLICT (org_id, venue_id, customer_id, kind, value) DO UPDATE
      SET name = excluded.name, strength = excluded.strength, orders = excluded.orders, of_orders = excluded.of_orders,
          first_seen = excluded.first_seen, last_seen = excluded.last_seen
      WHERE (p.name, p.strength, p.orders, p.of_orders, p.first_seen, p.last_seen)
            IS DISTINCT FROM (excluded.name, excluded.strength, excluded.orders, excluded.of_orders, excluded.first_seen, excluded.last_seen)
    RETURNING p.customer_id
  ), without AS (
    DELETE FROM crm.guest_habit AS h
    WHERE h.org_id = of_venue.org_id AND h.venue_id = of_venue.venue_id AND h.customer_id = ANY (guests)
      AND NOT EXISTS (SELECT FROM wanted AS w WHERE w.customer_id = h.customer_id)
    RETURNING h.customer_id
  ), seen AS (
    INSERT INTO crm.guest_habit AS h (org_id, venue_id, customer_id, spend_trend, top_products, seen_orders, seen_spent, seen_first_at, seen_last_at)
    SELECT of_venue.org_id, of_venue.venue_id, w.customer_id, w.spend_trend, w.top_products, w.seen_orders, w.seen_spent, w.seen_first_at, w.seen_last_at
    FROM wanted AS w
    ON CONFLICT (org_id, venue_id, customer_id) DO UPDATE
      SET spend_trend = excluded.spend_trend, top_products = excluded.top_products, seen_orders = excluded.seen_orders,
          seen_spent = excluded.seen_spent, seen_first_at = excluded.seen_first_at, seen_last_at = excluded.seen_last_at
      WHERE (h.spend_trend, h.top_products, h.seen_orders, h.seen_spent, h.seen_first_at, h.seen_last_at)
            IS DISTINCT FROM (excluded.spend_trend, excluded.top_products, excluded.seen_orders, excluded.seen_spent, excluded.seen_first_at, excluded.seen_last_at)
    RETURNING h.customer_id
  )
  SELECT array_agg(c.customer_id ORDER BY c.customer_id) INTO changed
  FROM (SELECT * FROM gone UNION SELECT * FROM come UNION SELECT * FROM without UNION SELECT * FROM seen) AS c;
  RETURN COALESCE(changed, '{}');
END
$$;
COMMENT ON FUNCTION crm.derive_guests(crm.venue_key, uuid[]) IS 'Derives anew what the orders of some guests of a venue tell of their likes and habits, and writes what differs; returns whose rows changed';
