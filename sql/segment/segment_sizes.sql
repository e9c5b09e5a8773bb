CREATE OR REPLACE FUNCTION crm.segment_sizes(venue text DEFAULT NULL, days int DEFAULT 30)
RETURNS TABLE (segment_id int, day date, members bigint, joined bigint, "left" bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
  IF segment_sizes.days IS NULL OR segment_sizes.days NOT BETWEEN 1 AND 366 THEN
    RAISE EXCEPTION 'days must be 1 to 366' USING ERRCODE = '22023', COLUMN = 'days';
  END IF;
  RETURN QUERY
  WITH listed AS MATERIALIZED (
    SELECT s.segment_id, s.members, x.org_id, z.timezone, (x.created_at AT TIME ZONE z.timezone)::date AS made, (crm.now() AT TIME ZONE z.timezone)::date AS today
    FROM crm.segment_list(segment_sizes.venue) AS s
    JOIN crm.segment AS x ON x.segment_id = s.segment_id
    LEFT JOIN crm.venue AS v ON v.org_id = x.org_id AND v.venue_id = x.venue_id
    CROSS JOIN LATERAL (SELECT COALESCE(v.timezone, 'UTC') AS timezone) AS z
  ), moved AS (
    SELECT l.segment_id, (e.occurred_at AT TIME ZONE l.timezone)::date AS day,
           count(*) FILTER (WHERE e.event = 'entered') AS joined, count(*) FILTER (WHERE e.event = 'exited') AS "left"
    FROM listed AS l
    JOIN crm.segment_event AS e ON e.org_id = l.org_id AND e.segment_id = l.segment_id
    WHERE e.occurred_at >= (l.today - segment_sizes.days)::timestamp AT TIME ZONE l.timezone
    GROUP BY 1, 2
  )
  SELECT l.segment_id, d.day,
         -- Backwards from what is counted now.
         l.members - COALESCE(sum(m.joined - m."left") OVER (PARTITION BY l.segment_id ORDER BY d.day DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::bigint,
         COALESCE(m.joined, 0), COALESCE(m."left", 0)
  FROM listed AS l
  CROSS JOIN LATERAL (SELECT l.today - segment_sizes.days + n FROM generate_series(0, segment_sizes.days) AS n) AS d(day)
  LEFT JOIN moved AS m ON m.segment_id = l.segment_id AND m.day = d.day
  -- Nothing is known of the days before.
  WHERE d.day >= LEAST(l.made, l.today, (SELECT min(f.day) FROM moved AS f WHERE f.segment_id = l.segment_id))
  ORDER BY l.segment_id, d.day;
END
$$;
ALTER FUNCTION crm.segment_sizes(text, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.segment_sizes(text, int) IS 'Members of each segment of crm.segment_list at the end of each of the last days (1 to 366; today: now; none before it was made), by the venue''s calendar (UTC for the organisation''s), and how many joined and left that day, by the ledger of entries and exits. CR404 for an unknown venue, 22023 for other days.';
GRANT EXECUTE ON FUNCTION crm.segment_sizes(text, int) TO crm_manager;
