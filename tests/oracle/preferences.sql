-- What orders tell of likes and habits, guest by guest and product by product, as the rules read. Of the platform's orders at one
-- venue, those of nobody too: oracle.sale(guest, order_ref, at, day, total, daypart, table_name, channel, payment_method); of
-- their lines: oracle.sold(order_ref, product, category).

CREATE TABLE oracle.guest_product AS
  SELECT o.guest, l.product, count(DISTINCT o.order_ref) AS orders, min(o.at) AS first_seen, max(o.at) AS last_seen
  FROM oracle.sale o JOIN oracle.sold l USING (order_ref) WHERE o.guest IS NOT NULL GROUP BY 1, 2;
CREATE INDEX ON oracle.guest_product (guest);

CREATE TABLE oracle.guest_category AS
  SELECT o.guest, l.category, count(DISTINCT o.order_ref) AS orders, min(o.at) AS first_seen, max(o.at) AS last_seen
  FROM oracle.sale o JOIN oracle.sold l USING (order_ref) WHERE o.guest IS NOT NULL AND l.category IS NOT NULL GROUP BY 1, 2;

CREATE TABLE oracle.off_sale AS SELECT l.product, max(o.at) AS at FROM oracle.sale o JOIN oracle.sold l USING (order_ref) GROUP BY 1;

-- (k + z²/2)/(n + z²) − z/(n + z²) · √(k(n − k)/n + z²/4)
CREATE FUNCTION oracle.wilson(k numeric, n numeric) RETURNS numeric LANGUAGE sql AS $$
  SELECT round((k + 1.920729410347062) / (n + 3.841458820694124)
               - 1.959963984540054 / (n + 3.841458820694124) * sqrt(k * (n - k) / n + 0.960364705173531), 3)
$$;

CREATE VIEW oracle.preference AS
  WITH guest AS (SELECT guest, count(*) AS n, count(DISTINCT day) AS visits FROM oracle.sale WHERE guest IS NOT NULL GROUP BY 1),
  often AS (SELECT * FROM oracle.guest_product WHERE orders >= 3),
  visit AS (
    SELECT o.* FROM oracle.sale o JOIN guest g USING (guest)
    WHERE g.visits >= 5
      AND (SELECT count(DISTINCT l.day) FROM oracle.sale l WHERE l.guest = o.guest AND l.day > o.day) < 10
      AND NOT EXISTS (SELECT FROM oracle.sale e WHERE e.guest = o.guest AND e.day = o.day
                        AND (e.at < o.at OR e.at = o.at AND e.order_ref COLLATE "C" < o.order_ref))),
  habit AS (
    SELECT guest, at, 'daypart' AS kind, daypart AS value FROM visit UNION ALL SELECT guest, at, 'table', table_name FROM visit
    UNION ALL SELECT guest, at, 'channel', channel FROM visit UNION ALL SELECT guest, at, 'payment_method', payment_method FROM visit)
  SELECT p.guest, 'favourite_product' AS kind, p.product AS value, oracle.wilson(p.orders, g.n) AS strength, p.orders, g.n AS of_orders, p.first_seen, p.last_seen
  FROM often p JOIN guest g USING (guest)
  WHERE (SELECT count(*) FROM often o WHERE o.guest = p.guest
           AND (o.orders > p.orders OR o.orders = p.orders AND (o.last_seen > p.last_seen
                OR o.last_seen = p.last_seen AND o.product COLLATE "C" < p.product))) < 3
  UNION ALL
  SELECT d.guest, 'disliked_product', d.product, round(d.skips / (d.skips + 5.0), 3), 1, d.skips + 1, d.last_seen, d.last_seen
  FROM (SELECT p.*, (SELECT count(*) FROM oracle.sale l WHERE l.guest = p.guest AND l.at > p.last_seen AND l.at <= f.at) AS skips
        FROM oracle.guest_product p JOIN oracle.off_sale f USING (product) WHERE p.orders = 1) d
  WHERE d.skips >= 5
  UNION ALL
  SELECT * FROM (SELECT DISTINCT ON (c.guest) c.guest, 'category', c.category, oracle.wilson(c.orders, g.n), c.orders, g.n, c.first_seen, c.last_seen
                 FROM oracle.guest_category c JOIN guest g USING (guest)
                 ORDER BY c.guest, c.orders DESC, c.last_seen DESC, c.category COLLATE "C") c
  WHERE c.orders >= 3
  UNION ALL
  SELECT h.guest, h.kind, h.value, round(count(*) / LEAST(g.visits, 10.0), 3), count(*), LEAST(g.visits, 10), min(h.at), max(h.at)
  FROM habit h JOIN guest g USING (guest) WHERE h.value IS NOT NULL
  GROUP BY h.guest, h.kind, h.value, g.visits HAVING count(*) * 5 >= LEAST(g.visits, 10) * 3;

CREATE VIEW oracle.spend_trend AS
  SELECT guest, CASE WHEN count(*) < 10 THEN NULL
                     WHEN sum(total) FILTER (WHERE nth <= 5) > sum(total) FILTER (WHERE nth BETWEEN 6 AND 10) * 1.1 THEN 'up'
                     WHEN sum(total) FILTER (WHERE nth <= 5) < sum(total) FILTER (WHERE nth BETWEEN 6 AND 10) * 0.9 THEN 'down'
                     ELSE 'steady' END AS trend
  FROM (SELECT guest, total, row_number() OVER (PARTITION BY guest ORDER BY at DESC, order_ref COLLATE "C" DESC) AS nth
        FROM oracle.sale WHERE guest IS NOT NULL) o
  GROUP BY guest HAVING count(*) >= 3;

CREATE FUNCTION oracle.differing_preferences(at_venue text) RETURNS TABLE (what text, of_row text) LANGUAGE sql AS $$
  WITH found AS (
    SELECT c.ref, p.kind, p.value, p.strength, p.orders::bigint, p.of_orders::bigint, p.first_seen, p.last_seen
    FROM crm.derived_preference p JOIN crm.customer c USING (org_id, customer_id) WHERE p.venue_id = crm.key(at_venue)),
  trend AS (SELECT c.ref, h.spend_trend FROM crm.guest_habit h JOIN crm.customer c USING (org_id, customer_id) WHERE h.venue_id = crm.key(at_venue))
  SELECT 'missing', x::text FROM (SELECT * FROM oracle.preference EXCEPT SELECT * FROM found) x
  UNION ALL SELECT 'too many', x::text FROM (SELECT * FROM found EXCEPT SELECT * FROM oracle.preference) x
  UNION ALL SELECT 'trend missing', x::text FROM (SELECT * FROM oracle.spend_trend EXCEPT SELECT * FROM trend) x
  UNION ALL SELECT 'trend too many', x::text FROM (SELECT * FROM trend EXCEPT SELECT * FROM oracle.spend_trend) x
$$;
