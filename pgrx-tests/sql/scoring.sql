-- The scoring functions as SQL callers see them; every expectation is computed by hand.

-- 35 values: cut points are the 7th, 14th, 21st and 28th smallest.
SELECT crm.cut_points(array_agg(i::bigint ORDER BY i DESC)) FROM generate_series(1, 35) AS i;
-- No values, and nulls among values.
SELECT crm.cut_points('{}'::bigint[]) IS NULL AS nothing, crm.cut_points('{NULL,3,NULL}'::bigint[]) AS one;
-- The lower median of 1, 2, 3, 10 is 2.
SELECT crm.lower_median('{10,1,3,2}');

-- Sixty of a hundred guests came once: all sixty score 1; 61st to 80th 4, the best twenty 5.
WITH guests AS (
  SELECT i AS guest, CASE WHEN i <= 60 THEN 1 ELSE i END AS visits FROM generate_series(1, 100) AS i
), cuts AS (
  SELECT crm.cut_points(array_agg(visits::bigint)) AS c FROM guests
), scored AS (
  SELECT g.visits, crm.frequency_score(jsonb_build_object('method', 'quintile', 'recency_cuts', '[0,0,0,0]'::jsonb,
      'frequency_cuts', to_jsonb(cuts.c), 'monetary_cuts', '[0,0,0,0]'::jsonb, 'regular_visits', 3, 'at_risk_days', 30,
      'lost_days', 90, 'new_days', 30, 'champion_floor', NULL)::text, g.visits) AS score
  FROM guests AS g, cuts
)
SELECT score, count(*), min(visits), max(visits) FROM scored GROUP BY score ORDER BY score;

-- A rule that cannot be read is an error, not a crash.
SELECT crm.frequency_score('{"method":"guess"}', 1);

-- A business day that starts at four in the morning: 03:59 belongs to the day before. 29 February included.
SELECT crm.local_day('2024-03-01 02:59+00', 'Europe/Berlin', '04:00') AS before_four,
       crm.local_day('2024-03-01 03:00+00', 'Europe/Berlin', '04:00') AS from_four,
       crm.local_day('2024-03-01 10:30+00', 'Pacific/Auckland', '00:00') AS auckland,
       crm.local_day('2024-03-01 07:30+00', 'America/Los_Angeles', '00:00') AS los_angeles;
