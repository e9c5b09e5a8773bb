-- What a platform writes without pg_crm, at its leanest: triggers that fire on completion alone, catch no error, know no refund after
-- the fact, no merge and no closure, and have the venue's time zone written into them.
CREATE SCHEMA rival;

CREATE TABLE rival.cut_points (
    venue_id      text PRIMARY KEY,
    recency       timestamptz[] NOT NULL,
    frequency     int[] NOT NULL,
    monetary      numeric[] NOT NULL,
    regulars      int NOT NULL,
    median_visits int,
    median_spent  numeric
);
INSERT INTO rival.cut_points
SELECT s.ref, s.recency_cuts, s.frequency_cuts, s.monetary_cuts, s.regulars, s.median_regular_visits, s.median_regular_spent
FROM crm.venue_scoring AS s WHERE s.method = 'quintile';

CREATE TABLE rival.aggregated (
    venue_id        text,
    customer_id     text,
    total_orders    int NOT NULL,
    total_visits    int NOT NULL,
    total_spent     numeric(14,2) NOT NULL,
    highest_order   numeric(14,2) NOT NULL,
    first_order_at  timestamptz NOT NULL,
    last_order_at   timestamptz NOT NULL,
    recency_score   smallint,
    frequency_score smallint,
    monetary_score  smallint,
    label           text,
    PRIMARY KEY (venue_id, customer_id)
);
CREATE TABLE rival.added (LIKE rival.aggregated INCLUDING ALL);

INSERT INTO rival.aggregated
SELECT v.ref, c.ref, t.total_orders, t.total_visits, t.total_spent, t.highest_order, t.first_order_at, t.last_order_at,
       t.recency_score, t.frequency_score, t.monetary_score, t.label
FROM crm.customer_venue_stats AS t
JOIN crm.customer AS c ON c.org_id = t.org_id AND c.customer_id = t.customer_id
JOIN crm.venue AS v ON v.org_id = t.org_id AND v.venue_id = t.venue_id
WHERE t.total_orders > 0
ORDER BY t.venue_id, t.customer_id;
INSERT INTO rival.added TABLE rival.aggregated;

-- The usual way: one aggregate over the guest's orders, scores and label from it, one upsert.
CREATE FUNCTION rival.aggregate_guest() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rival.aggregated AS t
    SELECT NEW."venueId", NEW."customerId", n.*, s.r, s.f, s.m,
           CASE WHEN d.days >= 90 THEN CASE WHEN n.visits >= 3 THEN 'LOST' ELSE 'INACTIVE' END
                WHEN d.days >= 30 AND n.visits >= 3 THEN 'AT_RISK'
                WHEN n.visits >= 3 AND s.r >= 4 AND s.f >= 4 AND s.m >= 4
                     AND (c.regulars < 10 OR (n.visits > c.median_visits AND n.spent > c.median_spent)) THEN 'CHAMPION'
                WHEN n.visits >= 3 AND s.f + s.m >= 6 THEN 'LOYAL'
                WHEN n.visits < 3 AND (NEW."completedAt" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Vilnius')::date - (n.first_at AT TIME ZONE 'Europe/Vilnius')::date < 30 THEN 'NEW'
                ELSE 'POTENTIAL' END
    FROM (SELECT count(*) AS orders, count(DISTINCT (o."completedAt" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Vilnius')::date) AS visits,
                 sum(o.total - o."refundedAmount") AS spent, max(o.total - o."refundedAmount") AS highest,
                 min(o."completedAt") AT TIME ZONE 'UTC' AS first_at, max(o."completedAt") AT TIME ZONE 'UTC' AS last_at
          FROM public."Order" AS o
          WHERE o."customerId" = NEW."customerId" AND o."venueId" = NEW."venueId" AND o.status = 'COMPLETED') AS n
    JOIN rival.cut_points AS c ON c.venue_id = NEW."venueId"
    CROSS JOIN LATERAL (SELECT
        1 + (c.recency[1] < n.last_at)::int + (c.recency[2] < n.last_at)::int + (c.recency[3] < n.last_at)::int + (c.recency[4] < n.last_at)::int AS r,
        1 + (c.frequency[1] < n.visits)::int + (c.frequency[2] < n.visits)::int + (c.frequency[3] < n.visits)::int + (c.frequency[4] < n.visits)::int AS f,
        1 + (c.monetary[1] < n.spent)::int + (c.monetary[2] < n.spent)::int + (c.monetary[3] < n.spent)::int + (c.monetary[4] < n.spent)::int AS m) AS s
    CROSS JOIN LATERAL (SELECT (NEW."completedAt" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Vilnius')::date - (n.last_at AT TIME ZONE 'Europe/Vilnius')::date AS days) AS d
    ON CONFLICT (venue_id, customer_id) DO UPDATE
    SET total_orders = excluded.total_orders, total_visits = excluded.total_visits, total_spent = excluded.total_spent,
        highest_order = excluded.highest_order, first_order_at = excluded.first_order_at, last_order_at = excluded.last_order_at,
        recency_score = excluded.recency_score, frequency_score = excluded.frequency_score,
        monetary_score = excluded.monetary_score, label = excluded.label;
    RETURN NULL;
END
$$;

-- The delta: one upsert of the totals, no scores, no label.
CREATE FUNCTION rival.add_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rival.added AS t (venue_id, customer_id, total_orders, total_visits, total_spent, highest_order, first_order_at, last_order_at)
    VALUES (NEW."venueId", NEW."customerId", 1, 1, NEW.total - NEW."refundedAmount", NEW.total - NEW."refundedAmount",
            NEW."completedAt" AT TIME ZONE 'UTC', NEW."completedAt" AT TIME ZONE 'UTC')
    ON CONFLICT (venue_id, customer_id) DO UPDATE
    SET total_orders = t.total_orders + 1, total_spent = t.total_spent + excluded.total_spent,
        total_visits = t.total_visits
          + ((t.last_order_at AT TIME ZONE 'Europe/Vilnius')::date < (excluded.last_order_at AT TIME ZONE 'Europe/Vilnius')::date)::int,
        highest_order = GREATEST(t.highest_order, excluded.highest_order),
        first_order_at = LEAST(t.first_order_at, excluded.first_order_at),
        last_order_at = GREATEST(t.last_order_at, excluded.last_order_at);
    RETURN NULL;
END
$$;

CREATE TRIGGER rival_aggregate AFTER UPDATE ON public."Order" FOR EACH ROW
    WHEN (OLD.status <> 'COMPLETED' AND NEW.status = 'COMPLETED') EXECUTE FUNCTION rival.aggregate_guest();
CREATE TRIGGER rival_delta AFTER UPDATE ON public."Order" FOR EACH ROW
    WHEN (OLD.status <> 'COMPLETED' AND NEW.status = 'COMPLETED') EXECUTE FUNCTION rival.add_order();
VACUUM (FREEZE, ANALYZE) rival.aggregated, rival.added, rival.cut_points;
