-- Counted orders of Online Retail, from its invoices. Their times are London's.
CREATE VIEW oracle.counted_order AS
SELECT v.org_id, v.venue_id, c.customer_id, i.total, i.invoice_date AT TIME ZONE 'Europe/London' AS completed_at
  FROM public.invoice i
 CROSS JOIN crm.venue v
  JOIN crm.customer c ON c.org_id = v.org_id AND c.ref = i.customer_id::text
 WHERE i.status = 'COMPLETED';
