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
  SELECT p.opening, p.closing INTO STRICT opening, closing FROM crm.period_of(of_venue, label_flow.from_day, label_flow.to_day) AS p;
  RETURN QUERY
  SELECT flow.from_label, flow.to_label, sum(flow.moves)::bigint, sum(flow.guests)::bigint, sum(flow.net)::bigint
  FROM (
    SELECT c.from_label, c.to_label, count(*) AS moves, count(DISTINCT c.customer_id) AS guests, 0 AS net
    FROM crm.label_change AS c
    WHERE c.org_id = of_venue.org_id AND c.venue_id = of_venue.venue_id AND c.changed_at >= opening AND c.changed_at < closing
    GROUP BY c.from_label, c.to_label
    UNION ALL
    SELECT n.at_start, n.at_end, 0, 0, count(*) FROM crm.net_moves(of_venue, opening, closing) AS n WHERE n.at_start IS DISTINCT FROM n.at_end GROUP BY n.at_start, n.at_end
  ) AS flow
  GROUP BY flow.from_label, flow.to_label
  ORDER BY flow.from_label NULLS FIRST, flow.to_label;
END
$$;
ALTER FUNCTION crm.label_flow(text, date, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.label_flow(text, date, date) IS 'How the labels of a venue (the CRM''s id or the platform''s) moved from the opening of one local day to the end of another. moves: changes recorded from one label to the other; guests_moved: guests who made such a change, once or more often; net_guests: guests who had the one at the start and the other at the end, whatever lay between. from_label is null for guests whose first order lies in these days. The record of changes begins with the backfill. CR404 for an unknown venue, 22023 for other days.';
GRANT EXECUTE ON FUNCTION crm.label_flow(text, date, date) TO crm_reader, crm_staff;

CREATE OR REPLACE FUNCTION crm.label_movers(venue text, from_day date, to_day date, was text DEFAULT NULL, became text DEFAULT NULL)
RETURNS TABLE (customer_id uuid, ref text, name text, phone text, from_label text, to_label text, label text, changed_at timestamptz,
               total_visits int, total_spent numeric, last_order_at timestamptz, days_since_last_order int)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  of_venue crm.venue_key := crm.visible_venue(label_movers.venue);
  s crm.venue_scoring;
  opening timestamptz;
  closing timestamptz;
  wrong text := CASE WHEN crm.label_rank(label_movers.was) IS NULL AND label_movers.was IS NOT NULL THEN 'was'
                     WHEN crm.label_rank(label_movers.became) IS NULL AND label_movers.became IS NOT NULL THEN 'became' END;
BEGIN
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'unknown label "%"', CASE wrong WHEN 'was' THEN label_movers.was ELSE label_movers.became END
      USING ERRCODE = '22023', COLUMN = wrong, HINT = 'CHAMPION, LOYAL, POTENTIAL, NEW, AT_RISK, LOST or INACTIVE.';
  END IF;
  SELECT p.opening, p.closing INTO STRICT opening, closing FROM crm.period_of(of_venue, label_movers.from_day, label_movers.to_day) AS p;
  SELECT * INTO STRICT s FROM crm.venue_scoring AS x WHERE x.org_id = of_venue.org_id AND x.venue_id = of_venue.venue_id;
  RETURN QUERY
  SELECT c.customer_id, c.ref, c.name, c.phone, n.at_start, n.at_end, t.label, t.label_changed_at, t.total_visits, t.total_spent, t.last_order_at,
         CASE WHEN t.last_order_at IS NOT NULL THEN crm.local_day(crm.now(), s.timezone, s.day_starts_at) - crm.local_day(t.last_order_at, s.timezone, s.day_starts_at) END
  FROM crm.net_moves(of_venue, opening, closing) AS n
  JOIN crm.customer AS c ON c.org_id = of_venue.org_id AND c.customer_id = n.customer_id
  JOIN crm.customer_venue_stats AS t ON t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.customer_id = n.customer_id
  WHERE n.at_start IS NOT DISTINCT FROM label_movers.was
    AND (label_movers.became IS NULL OR n.at_end = label_movers.became) AND (n.at_start IS DISTINCT FROM n.at_end OR n.arrived)
  ORDER BY t.total_spent DESC, c.customer_id;
END
$$;
ALTER FUNCTION crm.label_movers(text, date, date, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.label_movers(text, date, date, text, text) IS 'The guests behind net_guests of crm.label_flow: who had the label was at the opening of one local day and became (null for any other) at the end of another; was null for who came first in these days. With the label of today, since when, and totals at the venue (the CRM''s id or the platform''s); who spent most comes first. CR404 for an unknown venue, 22023 names the parameter at fault.';
GRANT EXECUTE ON FUNCTION crm.label_movers(text, date, date, text, text) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.period_of(of_venue crm.venue_key, from_day date, to_day date, OUT opening timestamptz, OUT closing timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF (from_day BETWEEN '1900-01-01' AND '2199-12-31') IS NOT TRUE THEN
    RAISE EXCEPTION 'from_day must be a day from 1900 to 2199' USING ERRCODE = '22023', COLUMN = 'from_day';
  ELSIF (to_day BETWEEN from_day AND '2199-12-31') IS NOT TRUE THEN
    RAISE EXCEPTION 'to_day must be a day from from_day to the end of 2199' USING ERRCODE = '22023', COLUMN = 'to_day';
  END IF;
  SELECT crm.day_opening(from_day, s.timezone, s.day_starts_at), crm.day_opening(to_day + 1, s.timezone, s.day_starts_at)
  INTO STRICT opening, closing
  FROM crm.venue_scoring AS s WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id;
END
$$;
COMMENT ON FUNCTION crm.period_of(crm.venue_key, date, date) IS 'From the opening of one local day of a venue to the end of another; 22023 names the day at fault. Runs as crm_owner.';

CREATE OR REPLACE FUNCTION crm.net_moves(of_venue crm.venue_key, opening timestamptz, closing timestamptz)
RETURNS TABLE (customer_id uuid, at_start text, at_end text, arrived boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
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
  )
  SELECT m.customer_id, CASE WHEN a.customer_id IS NULL THEN m.at_start END, m.at_end, a.customer_id IS NOT NULL
  FROM moved AS m LEFT JOIN arrived AS a ON a.customer_id = m.customer_id
  UNION ALL
  -- Who came first in these days and kept his first label meanwhile: it is the one he left later, or has still.
  SELECT a.customer_id, NULL, COALESCE(
      (SELECT l.from_label FROM crm.label_change AS l
       WHERE l.org_id = of_venue.org_id AND l.venue_id = of_venue.venue_id AND l.customer_id = a.customer_id AND l.changed_at >= closing
       ORDER BY l.changed_at, l.change_id LIMIT 1), a.label), true
  FROM arrived AS a WHERE NOT EXISTS (SELECT FROM change AS c WHERE c.customer_id = a.customer_id)
$$;
COMMENT ON FUNCTION crm.net_moves(crm.venue_key, timestamptz, timestamptz) IS 'Guests of a venue who changed their label or came first between two instants: the label before (null for who came first) and after, which may be the same. Runs as crm_owner.';
