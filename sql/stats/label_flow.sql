CREATE OR REPLACE FUNCTION crm.label_flow(venue text, from_day date, to_day date)
RETURNS TABLE (from_label text, to_label text, moves bigint, guests_moved bigint, net_guests bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  of_venue crm.venue_key := crm.visible_venue(label_flow.venue);
  opening timestamptz;
  closing timestamptz;
BEGIN
  IF (label_flow.from_day BETWEEN '1900-01-01' AND '2199-12-31') IS NOT TRUE THEN
    RAISE EXCEPTION 'from_day must be a day from 1900 to 2199' USING ERRCODE = '22023', COLUMN = 'from_day';
  ELSIF (label_flow.to_day BETWEEN label_flow.from_day AND '2199-12-31') IS NOT TRUE THEN
    RAISE EXCEPTION 'to_day must be a day from from_day to the end of 2199' USING ERRCODE = '22023', COLUMN = 'to_day';
  END IF;
  SELECT crm.day_opening(label_flow.from_day, s.timezone, s.day_starts_at), crm.day_opening(label_flow.to_day + 1, s.timezone, s.day_starts_at)
  INTO STRICT opening, closing
  FROM crm.venue_scoring AS s WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id;

  RETURN QUERY
  WITH change AS MATERIALIZED (
    SELECT c.customer_id, c.changed_at, c.change_id, c.from_label, c.to_label FROM crm.label_change AS c
    WHERE c.org_id = of_venue.org_id AND c.venue_id = of_venue.venue_id AND c.changed_at >= opening AND c.changed_at < closing
  ), arrived AS MATERIALIZED (
    SELECT t.customer_id, t.label FROM crm.customer_venue_stats AS t
    WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.first_order_at >= opening AND t.first_order_at < closing
  ), moved AS (
    SELECT c.customer_id, (array_agg(c.from_label ORDER BY c.changed_at, c.change_id))[1] AS at_start,
           (array_agg(c.to_label ORDER BY c.changed_at DESC, c.change_id DESC))[1] AS at_end
    FROM change AS c GROUP BY c.customer_id
  ), net AS (
    SELECT CASE WHEN a.customer_id IS NULL THEN m.at_start END AS at_start, m.at_end
    FROM moved AS m LEFT JOIN arrived AS a ON a.customer_id = m.customer_id
    UNION ALL
    -- Who came first in these days and kept his first label meanwhile: it is the one he left later, or has still.
    SELECT NULL, COALESCE(
        (SELECT l.from_label FROM crm.label_change AS l
         WHERE l.org_id = of_venue.org_id AND l.venue_id = of_venue.venue_id AND l.customer_id = a.customer_id AND l.changed_at >= closing
         ORDER BY l.changed_at, l.change_id LIMIT 1), a.label)
    FROM arrived AS a WHERE NOT EXISTS (SELECT FROM change AS c WHERE c.customer_id = a.customer_id)
  )
  SELECT flow.from_label, flow.to_label, sum(flow.moves)::bigint, sum(flow.guests)::bigint, sum(flow.net)::bigint
  FROM (
    SELECT c.from_label, c.to_label, count(*) AS moves, count(DISTINCT c.customer_id) AS guests, 0 AS net
    FROM change AS c GROUP BY c.from_label, c.to_label
    UNION ALL
    SELECT n.at_start, n.at_end, 0, 0, count(*) FROM net AS n WHERE n.at_start IS DISTINCT FROM n.at_end GROUP BY n.at_start, n.at_end
  ) AS flow
  GROUP BY flow.from_label, flow.to_label
  ORDER BY flow.from_label NULLS FIRST, flow.to_label;
END
$$;
ALTER FUNCTION crm.label_flow(text, date, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.label_flow(text, date, date) IS 'How the labels of a venue (the CRM''s id or the platform''s) moved from the opening of one local day to the end of another. moves: changes recorded from one label to the other; guests_moved: guests who made such a change, once or more often; net_guests: guests who had the one at the start and the other at the end, whatever lay between. from_label is null for guests whose first order lies in these days. The record of changes begins with the backfill. CR404 for an unknown venue, 22023 for other days.';
GRANT EXECUTE ON FUNCTION crm.label_flow(text, date, date) TO crm_reader, crm_staff;
