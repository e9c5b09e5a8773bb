-- Counted orders of the restaurant platform with a column of refunds: net of them, and none that was refunded in full.
CREATE VIEW oracle.counted_order AS
SELECT v.org_id, v.venue_id, c.customer_id, o.total - coalesce(o.refunded, 0) AS total, o."completedAt" AS completed_at
  FROM public."Order" o
  JOIN crm.venue v ON v.ref = o."venueId"
  JOIN crm.customer c ON c.org_id = v.org_id AND c.ref = o."customerId"
 WHERE o.status = 'COMPLETED'
   AND o.total IS NOT NULL
   AND o."completedAt" IS NOT NULL
   AND NOT (coalesce(o.refunded, 0) > 0 AND o.refunded >= o.total);
