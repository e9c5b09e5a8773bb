-- Counted orders of the demo platform, from its own tables. Its times are UTC; a full refund takes an order out.
CREATE VIEW oracle.counted_order AS
SELECT v.org_id, v.venue_id, c.customer_id,
       o.total - o."refundedAmount" AS total,
       o."completedAt" AT TIME ZONE 'UTC' AS completed_at
  FROM public."Order" o
  JOIN crm.venue v ON v.ref = o."venueId"
  JOIN crm.customer c ON c.org_id = v.org_id AND c.ref = o."customerId"
 WHERE o.status = 'COMPLETED'
   AND o."completedAt" IS NOT NULL
   AND NOT (o."refundedAmount" > 0 AND o."refundedAmount" >= o.total);
