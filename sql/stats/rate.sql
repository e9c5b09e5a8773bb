-- Not pinned, so that the planner inlines it into the statements that score.
CREATE OR REPLACE FUNCTION crm.rate(
  rule text, timezone text, day_starts_at time,
  total_orders int, total_visits int, total_spent numeric, first_order_at timestamptz, last_order_at timestamptz, as_of timestamptz
) RETURNS TABLE (recency_score smallint, frequency_score smallint, monetary_score smallint, label text, next_label_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
AS $$
  SELECT
    CASE WHEN total_orders > 0 THEN
      crm.recency_score(rule, crm.local_day(last_order_at, timezone, day_starts_at), last_order_at, crm.local_day(as_of, timezone, day_starts_at)) END,
    CASE WHEN total_orders > 0 THEN crm.frequency_score(rule, total_visits) END,
    CASE WHEN total_orders > 0 THEN crm.monetary_score(rule, total_visits, (total_spent * 100)::bigint) END,
    COALESCE(crm.label(rule, total_orders, total_visits, (total_spent * 100)::bigint,
      crm.local_day(first_order_at, timezone, day_starts_at), crm.local_day(last_order_at, timezone, day_starts_at),
      last_order_at, crm.local_day(as_of, timezone, day_starts_at)), 'INACTIVE'),
    crm.day_opening(crm.next_label_day(rule, total_orders, total_visits, (total_spent * 100)::bigint,
      crm.local_day(first_order_at, timezone, day_starts_at), crm.local_day(last_order_at, timezone, day_starts_at),
      last_order_at, crm.local_day(as_of, timezone, day_starts_at)), timezone, day_starts_at)
$$;
COMMENT ON FUNCTION crm.rate(text, text, time, int, int, numeric, timestamptz, timestamptz, timestamptz) IS 'Scores, label and the time of its next change for one guest''s totals under a venue''s rule, as of an instant';
