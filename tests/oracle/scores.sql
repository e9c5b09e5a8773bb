-- Scores and label of every guest at a moment, for a venue (its own id, null for all).
-- With a full cohort a score counts the guests strictly worse: rank() - 1 is their exact number, integer division the floor.
CREATE FUNCTION oracle.expected(p_venue text, p_as_of timestamptz)
RETURNS TABLE (org_id int, venue_id uuid, customer_id uuid, d int,
               recency_score int, frequency_score int, monetary_score int, label text)
LANGUAGE sql STABLE AS $$
WITH venue AS MATERIALIZED (
    SELECT v.*, ((p_as_of AT TIME ZONE v.timezone) - v.day_starts_at::interval)::date AS today
      FROM crm.venue v
     WHERE p_venue IS NULL OR v.ref = p_venue
), closed AS MATERIALIZED (
    SELECT DISTINCT c.org_id, c.venue_id, day::date AS day
      FROM crm.venue_closure c
      JOIN venue v USING (org_id, venue_id)
     CROSS JOIN LATERAL generate_series(c.from_day, least(c.to_day, v.today), interval '1 day') AS day
), cohort AS MATERIALIZED (
    SELECT g.*,
           count(*) OVER venue                                AS n,
           rank()   OVER (venue ORDER BY g.last_order_at) - 1 AS earlier,
           rank()   OVER (venue ORDER BY g.total_visits)  - 1 AS rarer,
           rank()   OVER (venue ORDER BY g.total_spent)   - 1 AS poorer
      FROM oracle.guest g
      JOIN venue v USING (org_id, venue_id)
    WINDOW venue AS (PARTITION BY g.org_id, g.venue_id)
), aged AS MATERIALIZED (
    SELECT c.*, v.min_cohort, v.regular_visits, v.at_risk_days, v.lost_days,
           greatest(0, v.today - c.last_day
                       - (SELECT count(*) FROM closed k
                           WHERE k.org_id = c.org_id AND k.venue_id = c.venue_id
                             AND k.day > c.last_day AND k.day <= v.today))::int AS d,
           v.today - c.first_day < v.new_days AS is_new,
           c.total_visits >= v.regular_visits AS is_regular,
           b.median                           AS median_bill,
           coalesce(r.regulars, 0)            AS regulars,
           r.median_visits, r.median_spend
      FROM cohort c
      JOIN venue v USING (org_id, venue_id)
      LEFT JOIN oracle.median_bill b USING (org_id, venue_id)
      LEFT JOIN oracle.median_regular r USING (org_id, venue_id)
), scored AS (
    SELECT a.*,
           CASE WHEN n >= min_cohort THEN 1 + least(4, 5 * earlier / n)
                WHEN d <= 7  THEN 5
                WHEN d <= 14 THEN 4
                WHEN d < 30  THEN 3
                WHEN d < 90  THEN 2
                ELSE 1 END::int AS r,
           CASE WHEN n >= min_cohort THEN 1 + least(4, 5 * rarer / n)
                WHEN total_visits >= 10 THEN 5
                WHEN total_visits >= 6  THEN 4
                WHEN total_visits >= 3  THEN 3
                WHEN total_visits = 2   THEN 2
                ELSE 1 END::int AS f,
           CASE WHEN n >= min_cohort THEN 1 + least(4, 5 * poorer / n)
                WHEN total_spent >= 12  * median_bill THEN 5
                WHEN total_spent >= 6   * median_bill THEN 4
                WHEN total_spent >= 3   * median_bill THEN 3
                WHEN total_spent >= 1.5 * median_bill THEN 2
                ELSE 1 END::int AS m
      FROM aged a
)
SELECT org_id, venue_id, customer_id, d, r, f, m,
       CASE WHEN d >= lost_days AND is_regular THEN 'LOST'
            WHEN d >= lost_days                THEN 'INACTIVE'
            WHEN d >= at_risk_days AND is_regular THEN 'AT_RISK'
            WHEN is_regular AND r >= 4 AND f >= 4 AND m >= 4
                 AND (regulars < 10 OR n < min_cohort
                      OR (total_visits > median_visits AND total_spent > median_spend)) THEN 'CHAMPION'
            WHEN is_regular AND f + m >= 6 THEN 'LOYAL'
            WHEN NOT is_regular AND is_new THEN 'NEW'
            ELSE 'POTENTIAL' END
  FROM scored
$$;
