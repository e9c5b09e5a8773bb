-- Every guest of the venue with totals, scores and label, computed from the orders as they are: what a page of the list shows
-- where nothing is kept. Percentiles a hair below k/5, as 0.2 × 35 is more than 7 in binary.
WITH guest AS (
    SELECT "customerId" AS ref, count(*) AS orders, count(DISTINCT ("completedAt" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Vilnius')::date) AS visits,
           sum(total - "refundedAmount") AS spent, max(total - "refundedAmount") AS highest,
           min("completedAt") AT TIME ZONE 'UTC' AS first_at, max("completedAt") AT TIME ZONE 'UTC' AS last_at
    FROM public."Order"
    WHERE "venueId" = 'venue-1' AND status = 'COMPLETED' AND "customerId" IS NOT NULL
    GROUP BY "customerId"
), cut AS (
    SELECT percentile_disc('{0.1999999999,0.3999999999,0.5999999999,0.7999999999}'::float8[]) WITHIN GROUP (ORDER BY last_at) AS recency,
           percentile_disc('{0.1999999999,0.3999999999,0.5999999999,0.7999999999}'::float8[]) WITHIN GROUP (ORDER BY visits) AS frequency,
           percentile_disc('{0.1999999999,0.3999999999,0.5999999999,0.7999999999}'::float8[]) WITHIN GROUP (ORDER BY spent) AS monetary,
           count(*) FILTER (WHERE visits >= 3) AS regulars,
           percentile_disc(0.4999999999) WITHIN GROUP (ORDER BY visits) FILTER (WHERE visits >= 3) AS median_visits,
           percentile_disc(0.4999999999) WITHIN GROUP (ORDER BY spent) FILTER (WHERE visits >= 3) AS median_spent
    FROM guest
), scored AS (
    SELECT g.*, cut.regulars, cut.median_visits, cut.median_spent,
           1 + (recency[1] < last_at)::int + (recency[2] < last_at)::int + (recency[3] < last_at)::int + (recency[4] < last_at)::int AS r,
           1 + (frequency[1] < visits)::int + (frequency[2] < visits)::int + (frequency[3] < visits)::int + (frequency[4] < visits)::int AS f,
           1 + (monetary[1] < spent)::int + (monetary[2] < spent)::int + (monetary[3] < spent)::int + (monetary[4] < spent)::int AS m,
           (crm.now() AT TIME ZONE 'Europe/Vilnius')::date - (last_at AT TIME ZONE 'Europe/Vilnius')::date AS days,
           (crm.now() AT TIME ZONE 'Europe/Vilnius')::date - (first_at AT TIME ZONE 'Europe/Vilnius')::date AS known
    FROM guest AS g CROSS JOIN cut
), labelled AS (
    SELECT *, CASE WHEN days >= 90 THEN CASE WHEN visits >= 3 THEN 'LOST' ELSE 'INACTIVE' END
                   WHEN days >= 30 AND visits >= 3 THEN 'AT_RISK'
                   WHEN visits >= 3 AND r >= 4 AND f >= 4 AND m >= 4 AND (regulars < 10 OR (visits > median_visits AND spent > median_spent)) THEN 'CHAMPION'
                   WHEN visits >= 3 AND f + m >= 6 THEN 'LOYAL'
                   WHEN visits < 3 AND known < 30 THEN 'NEW'
                   ELSE 'POTENTIAL' END AS label
    FROM scored
)
SELECT c.id, c.name, c.phone, c.email, t.label, t.r, t.f, t.m, t.orders, t.visits, t.spent, t.highest, t.first_at, t.last_at, t.days
FROM labelled AS t JOIN public."Customer" AS c ON c.id = t.ref
