-- One row per guest and venue with a counted order. A visit is a distinct local day, the day beginning at day_starts_at.
CREATE VIEW oracle.guest AS
SELECT o.org_id, o.venue_id, o.customer_id,
       count(*)              AS total_orders,
       count(DISTINCT d.day) AS total_visits,
       sum(o.total)          AS total_spent,
       max(o.total)          AS highest_order,
       min(o.completed_at)   AS first_order_at,
       max(o.completed_at)   AS last_order_at,
       min(d.day)            AS first_day,
       max(d.day)            AS last_day
  FROM oracle.counted_order o
  JOIN crm.venue v USING (org_id, venue_id)
 CROSS JOIN LATERAL (SELECT ((o.completed_at AT TIME ZONE v.timezone) - v.day_starts_at::interval)::date AS day) d
 GROUP BY o.org_id, o.venue_id, o.customer_id;

-- The ceil(n/2)-th smallest order total, walk-ins aside.
CREATE VIEW oracle.median_bill AS
SELECT org_id, venue_id, total AS median
  FROM (SELECT org_id, venue_id, total,
               row_number() OVER (PARTITION BY org_id, venue_id ORDER BY total) AS place,
               count(*)     OVER (PARTITION BY org_id, venue_id)                AS n
          FROM oracle.counted_order) o
 WHERE place = (n + 1) / 2;

-- What regulars of a venue do: the ceil(n/2)-th smallest of their visits and of their spend, each by itself.
CREATE VIEW oracle.median_regular AS
SELECT org_id, venue_id, n AS regulars,
       min(total_visits) FILTER (WHERE visits_place = (n + 1) / 2) AS median_visits,
       min(total_spent)  FILTER (WHERE spend_place  = (n + 1) / 2) AS median_spend
  FROM (SELECT g.*,
               row_number() OVER (PARTITION BY g.org_id, g.venue_id ORDER BY g.total_visits) AS visits_place,
               row_number() OVER (PARTITION BY g.org_id, g.venue_id ORDER BY g.total_spent)  AS spend_place,
               count(*)     OVER (PARTITION BY g.org_id, g.venue_id)                         AS n
          FROM oracle.guest g
          JOIN crm.venue v USING (org_id, venue_id)
         WHERE g.total_visits >= v.regular_visits) r
 GROUP BY org_id, venue_id, n;
