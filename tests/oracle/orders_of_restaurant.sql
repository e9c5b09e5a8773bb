-- Counted orders read from the platform's own tables; only the ids are taken from the CRM's rows.
CREATE VIEW oracle.counted_order AS
SELECT v.org_id, v.venue_id, c.customer_id, o.total, o."completedAt" AS completed_at
  FROM public."Order" o
  JOIN crm.venue v ON v.ref = o."venueId"
  JOIN crm.customer c ON c.org_id = v.org_id AND c.ref = o."customerId"
 WHERE o.status = 'COMPLETED'
   AND o.total IS NOT NULL
   AND o."completedAt" IS NOT NULL;
