-- 100,000 more guests of one venue, with an order each; before the platform is bound.
INSERT INTO public."Customer" (id, name, phone, email)
SELECT 'many-' || i, 'Guest ' || i || ' of many', '+49160' || (1000000 + i), 'many-' || i || '@example.org' FROM generate_series(1, 100000) AS i;
INSERT INTO public."Order" (id, "venueId", "customerId", status, total, channel, "completedAt")
SELECT c.id, v.id, c.id, 'COMPLETED', 20, 'DINE_IN', (now() AT TIME ZONE 'UTC') - interval '1 hour'
FROM public."Customer" AS c, (SELECT id FROM public."Venue" ORDER BY "organizationId", id LIMIT 1) AS v WHERE c.id LIKE 'many-%';
