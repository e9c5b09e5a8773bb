CREATE OR REPLACE FUNCTION crm.scoring_rule(
  method text, recency_cuts timestamptz[], frequency_cuts int[], monetary_cuts numeric[], median_bill numeric,
  regular_visits int, at_risk_days int, lost_days int, new_days int,
  regulars int, median_regular_visits int, median_regular_spent numeric, closures jsonb
) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT (jsonb_build_object(
      'method', method,
      'regular_visits', regular_visits, 'at_risk_days', at_risk_days, 'lost_days', lost_days, 'new_days', new_days,
      -- The medians of the regulars bind only with a full cohort of at least ten regulars.
      'champion_floor', CASE WHEN method = 'quintile' AND regulars >= 10 THEN
        jsonb_build_object('visits', median_regular_visits, 'spent', (median_regular_spent * 100)::bigint) END,
      'closures', closures)
    || CASE method WHEN 'quintile' THEN jsonb_build_object(
      'recency_cuts', (SELECT jsonb_agg((extract(epoch FROM c) * 1000000)::bigint ORDER BY n) FROM unnest(recency_cuts) WITH ORDINALITY AS u(c, n)),
      'frequency_cuts', to_jsonb(frequency_cuts),
      'monetary_cuts', (SELECT jsonb_agg((c * 100)::bigint ORDER BY n) FROM unnest(monetary_cuts) WITH ORDINALITY AS u(c, n)))
    ELSE jsonb_build_object('median_bill', (median_bill * 100)::bigint) END)::text
$$;
COMMENT ON FUNCTION crm.scoring_rule(text, timestamptz[], int[], numeric[], numeric, int, int, int, int, int, int, numeric, jsonb) IS 'The scoring rule of a venue in the form that the scoring functions read: JSON with hundredths, day numbers since 2000-01-01 and microseconds since 1970-01-01';

CREATE OR REPLACE FUNCTION crm.closures_of(closures jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT COALESCE(jsonb_agg(jsonb_build_array(c.from_day - date '2000-01-01', c.to_day - date '2000-01-01') ORDER BY c.from_day), '[]')
  FROM jsonb_to_recordset(closures) AS c(from_day date, to_day date)
$$;
COMMENT ON FUNCTION crm.closures_of(jsonb) IS 'Closures as of crm.venue_settings in the form of a scoring rule: pairs of day numbers since 2000-01-01';
