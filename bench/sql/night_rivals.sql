-- The night as it is usually done: three NTILEs over everything, every time.
CREATE SCHEMA rival;

CREATE FUNCTION rival.rank() RETURNS TABLE (customer_id text, orders bigint, spent numeric, last_order_at timestamptz, recency int, frequency int, monetary int)
LANGUAGE sql STABLE AS $$
    SELECT o.*, ntile(5) OVER (ORDER BY o.last_at), ntile(5) OVER (ORDER BY o.orders), ntile(5) OVER (ORDER BY o.spent)
    FROM (SELECT "customerId", count(*) AS orders, sum(total - "refundedAmount") AS spent, max("completedAt") AT TIME ZONE 'UTC' AS last_at
          FROM public."Order"
          WHERE "venueId" = 'venue-1' AND status = 'COMPLETED' AND "customerId" IS NOT NULL
          GROUP BY "customerId") AS o
$$;
CREATE TABLE rival.ranked (
    customer_id text PRIMARY KEY, orders bigint, spent numeric(14,2), last_order_at timestamptz, recency smallint, frequency smallint, monetary smallint
);
INSERT INTO rival.ranked SELECT * FROM rival.rank();

CREATE MATERIALIZED VIEW rival.ranking AS SELECT * FROM rival.rank();
CREATE UNIQUE INDEX ON rival.ranking (customer_id);

-- The CRM's table as a platform would keep it: the same columns and indexes, no triggers.
CREATE TABLE rival.kept (LIKE crm.customer_venue_stats INCLUDING INDEXES);
INSERT INTO rival.kept TABLE crm.customer_venue_stats;

CREATE FUNCTION rival.follow_totals() RETURNS void LANGUAGE sql AS $$
    UPDATE rival.kept AS k
    SET total_orders = t.total_orders, total_visits = t.total_visits, total_spent = t.total_spent,
        highest_order = t.highest_order, last_order_at = t.last_order_at
    FROM crm.customer_venue_stats AS t
    WHERE t.org_id = k.org_id AND t.venue_id = k.venue_id AND t.customer_id = k.customer_id AND t.total_orders <> k.total_orders
$$;
CREATE FUNCTION rival.rank_kept() RETURNS void LANGUAGE sql AS $$
    UPDATE rival.kept AS k
    SET recency_score = r.recency, frequency_score = r.frequency, monetary_score = r.monetary
    FROM (SELECT org_id, venue_id, customer_id, ntile(5) OVER (ORDER BY last_order_at) AS recency,
                 ntile(5) OVER (ORDER BY total_visits) AS frequency, ntile(5) OVER (ORDER BY total_spent) AS monetary
          FROM rival.kept WHERE total_orders > 0) AS r
    WHERE r.org_id = k.org_id AND r.venue_id = k.venue_id AND r.customer_id = k.customer_id
$$;
VACUUM (FREEZE, ANALYZE) rival.ranked, rival.kept;
