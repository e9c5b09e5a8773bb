-- As many more guests with an order each as make 100,000 of the first venue's.
WITH first AS (SELECT v.ref FROM crm.venue AS v WHERE v.org_id = (SELECT min(org_id) FROM crm.organisation) ORDER BY v.ref LIMIT 1),
made AS (
  INSERT INTO public."Customer" (id, name, phone, email)
  SELECT 'many-' || i, 'Guest ' || i || ' of many', '+49160' || (1000000 + i), 'many-' || i || '@example.org' FROM generate_series(1, 100000) AS i
  WHERE NOT EXISTS (SELECT FROM public."Customer" WHERE id = 'many-1')
  RETURNING id)
INSERT INTO public."Order" (id, "venueId", "customerId", status, total, channel, "completedAt")
SELECT 'many-' || m.id, f.ref, m.id, 'COMPLETED', 20, 'DINE_IN', (now() AT TIME ZONE 'UTC') - interval '1 hour' FROM made AS m, first AS f;
