-- As orders_with_refunds.sql, each order under the guest who his guest was merged into.
CREATE OR REPLACE VIEW oracle.counted_order AS
SELECT v.org_id, v.venue_id, coalesce(m.survivor_id, c.customer_id) AS customer_id, o.total - coalesce(o.refunded, 0) AS total, o."completedAt" AS completed_at
  FROM public."Order" o
  JOIN crm.venue v ON v.ref = o."venueId"
  JOIN crm.customer c ON c.org_id = v.org_id AND c.ref = o."customerId"
  LEFT JOIN crm.merged_customer m ON m.org_id = c.org_id AND m.customer_id = c.customer_id
 WHERE o.status = 'COMPLETED'
   AND o.total IS NOT NULL
   AND o."completedAt" IS NOT NULL
   AND NOT (coalesce(o.refunded, 0) > 0 AND o.refunded >= o.total);
