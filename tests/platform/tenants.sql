-- What the tenants of the isolation tests add to the platform: lines of orders, and everything at their venues.
-- Texts of an organisation or a venue carry its mark (zqred, zqblue; zqr1, zqr2, zqb1, zqb2), and blue's bills are of a size
-- that red's never reach, so that a leak shows in any answer, sums included.
ALTER TABLE "Order" ADD "table" text, ADD channel text, ADD payment text;
CREATE TABLE "Product" (id text PRIMARY KEY, name text, category text);
CREATE TABLE "Line" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "orderId" text, "productId" text, quantity numeric, amount numeric);
CREATE INDEX ON "Line" ("orderId");

INSERT INTO "Venue" SELECT v, o, v || ' name', 'UTC', 'EUR' FROM (VALUES ('zqr1', 'zqred'), ('zqr2', 'zqred'), ('zqb1', 'zqblue'), ('zqb2', 'zqblue')) AS t(v, o);
INSERT INTO "Product" SELECT id || '-soup', id || ' soup', id || ' kitchen' FROM "Venue";
-- Three guests of each venue who also come to the other: the second is the first once more, the third is merged away.
INSERT INTO "Customer" (id, "orgId", name, phone, email, "dateOfBirth")
SELECT v."orgId" || '-' || right(v.id, 1) || g, v."orgId", initcap(v."orgId") || ' ' || (ARRAY['Ana', 'Bea', 'Cleo'])[g],
       '+3361' || (CASE v."orgId" WHEN 'zqred' THEN 10 ELSE 90 END + right(v.id, 1)::int) || '0000' || g, v."orgId" || '-' || right(v.id, 1) || g || '@example.org',
       '1980-02-01'
FROM "Venue" v, generate_series(1, 3) g;
INSERT INTO "Order" (id, "venueId", "customerId", status, total, "completedAt", "table", channel, payment)
SELECT v.id || '-' || c.id || '-' || d, v.id, c.id, 'COMPLETED', CASE v."orgId" WHEN 'zqred' THEN 10 ELSE 2000000 END + d, timestamptz '2025-03-01 19:00+00' + d * interval '1 day',
       v.id || ' table', v.id || ' channel', v.id || ' card'
FROM "Venue" v JOIN "Customer" c USING ("orgId"), generate_series(1, 6) d;
INSERT INTO "Order" (id, "venueId", status, total, "completedAt") SELECT id || '-nobody', id, 'COMPLETED', 9, '2025-03-08 19:00+00' FROM "Venue";
INSERT INTO "Line" ("orderId", "productId", quantity, amount) SELECT o.id, o."venueId" || '-soup', 1, 5 FROM "Order" o;

SELECT crm.bind('venue', '"Venue"', '{"ref":"id","org":"orgId","name":"name","timezone":"tz","currency":"currency"}');
SELECT crm.bind('customer', '"Customer"', '{"ref":"id","org":"orgId","name":"name","phone":"phone","email":"email","birth_date":"dateOfBirth"}');
SELECT crm.bind('product', '"Product"', '{"ref":"id","name":"name","category":"category"}');
SELECT crm.bind('order_item', '"Line"', '{"order":"orderId","product":"productId","quantity":"quantity","amount":"amount"}');
SELECT crm.bind('order', '"Order"', '{"ref":"id","venue":"venueId","customer":"customerId","total":"total","completed_at":"completedAt",
  "completed":{"column":"status","in":["COMPLETED"]},"table":"table","channel":"channel","payment_method":"payment"}');
