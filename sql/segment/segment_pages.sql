CREATE OR REPLACE FUNCTION crm.readable_segment(segment int, page_size int) RETURNS crm.known_segment
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  found_segment crm.known_segment := crm.visible_segment(segment);
BEGIN
  IF page_size IS NULL OR page_size NOT BETWEEN 1 AND 200 THEN
    RAISE EXCEPTION 'a page has 1 to 200 rows' USING ERRCODE = '22023', COLUMN = 'page_size';
  ELSIF found_segment.is_sensitive THEN
    PERFORM crm.require_manager();
  END IF;
  RETURN found_segment;
END
$$;
COMMENT ON FUNCTION crm.readable_segment(int, int) IS 'A segment whose guests the caller may read, a page at a time: CR404 for one out of reach, 42501 for staff where it asks for health data, 22023 for the size of the page';

CREATE OR REPLACE FUNCTION crm.segment_members(segment int, after uuid DEFAULT NULL, page_size int DEFAULT 50)
RETURNS TABLE (customer_id uuid, ref text, name text, phone text, email text, label text, total_visits int, total_spent numeric, last_order_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  of_segment crm.known_segment := crm.readable_segment(segment, page_size);
BEGIN
  RETURN QUERY
  SELECT c.customer_id, c.ref, c.name, c.phone, c.email, t.label, t.total_visits, t.total_spent, t.last_order_at
  FROM crm.segment_member AS m
  JOIN crm.customer AS c ON c.org_id = m.org_id AND c.customer_id = m.customer_id
  LEFT JOIN crm.customer_venue_stats AS t ON t.org_id = m.org_id AND t.venue_id = of_segment.venue_id AND t.customer_id = m.customer_id
  WHERE m.org_id = of_segment.org_id AND m.segment_id = segment AND (after IS NULL OR m.customer_id > after)
  ORDER BY m.customer_id LIMIT page_size;
END
$$;
ALTER FUNCTION crm.segment_members(int, uuid, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.segment_members(int, uuid, int) IS 'Members of a segment in the order of their ids, after the one given; label and totals of its venue, null for a segment of the organisation. CR404, 42501 for staff where it asks for health data.';
GRANT EXECUTE ON FUNCTION crm.segment_members(int, uuid, int) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.segment_overrides(segment int) RETURNS TABLE (customer_id uuid, ref text, name text, included boolean, reason text, set_by text, set_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  of_segment crm.known_segment := crm.readable_segment(segment, 1);
BEGIN
  RETURN QUERY
  SELECT c.customer_id, c.ref, c.name, o.included, o.reason, p.name, o.set_at
  FROM crm.segment_override AS o
  JOIN crm.customer AS c ON c.org_id = o.org_id AND c.customer_id = o.customer_id
  LEFT JOIN crm.principal AS p ON p.org_id = o.org_id AND p.principal_id = o.set_by
  WHERE o.org_id = of_segment.org_id AND o.segment_id = segment ORDER BY o.set_at DESC, c.customer_id;
END
$$;
ALTER FUNCTION crm.segment_overrides(int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.segment_overrides(int) IS 'Guests put into a segment or kept out of it by hand, the latest first. CR404, 42501 for staff where it asks for health data.';
GRANT EXECUTE ON FUNCTION crm.segment_overrides(int) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.segment_events(segment int, after jsonb DEFAULT NULL, page_size int DEFAULT 50)
RETURNS TABLE (occurred_at timestamptz, event text, customer_id uuid, ref text, name text, cause text, order_ref text, criteria_version text, cursor jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
AS $$
#variable_conflict use_column
DECLARE
  of_segment crm.known_segment := crm.readable_segment(segment, page_size);
  before_at timestamptz := 'infinity';
  before_id uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  before_event text := '';
BEGIN
  IF after IS NOT NULL THEN
    BEGIN
      before_at := (after ->> 'at')::timestamptz;
      before_id := (after ->> 'id')::uuid;
      before_event := after ->> 'event';
      IF before_at IS NULL OR before_id IS NULL OR before_event IS NULL THEN
        RAISE invalid_parameter_value;
      END IF;
    EXCEPTION WHEN data_exception THEN
      RAISE EXCEPTION 'this is no cursor of a segment''s events' USING ERRCODE = '22023', COLUMN = 'after', HINT = 'Give back the cursor of the last row.';
    END;
  END IF;
  RETURN QUERY
  SELECT e.occurred_at, e.event, e.customer_id, c.ref, c.name, e.cause, e.order_ref, e.criteria_version,
         jsonb_build_object('at', e.occurred_at::text, 'id', e.customer_id, 'event', e.event)
  FROM crm.segment_event AS e
  JOIN crm.customer AS c ON c.org_id = e.org_id AND c.customer_id = e.customer_id
  WHERE e.org_id = of_segment.org_id AND e.segment_id = segment AND (e.occurred_at, e.customer_id, e.event) < (before_at, before_id, before_event)
  ORDER BY e.occurred_at DESC, e.customer_id DESC, e.event DESC LIMIT page_size;
END
$$;
ALTER FUNCTION crm.segment_events(int, jsonb, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.segment_events(int, jsonb, int) IS 'Entries into a segment and exits, latest first, a page after the cursor of the last row of the page before. CR404, 42501 for staff where it asks for health data, 22023 names the parameter at fault.';
GRANT EXECUTE ON FUNCTION crm.segment_events(int, jsonb, int) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.segments_of(customer text)
RETURNS TABLE (segment_id int, key text, name text, venue_id uuid, is_system boolean, sentence text, since timestamptz, cause text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  org int := crm.org_of_customer(customer, 'customer');
  guest uuid := crm.survivor_id_of(org, crm.key(customer));
  sees uuid[] := crm.caller_venues();
BEGIN
  RETURN QUERY
  SELECT s.segment_id, s.key, s.name, s.venue_id, s.is_system, crm.describe_criteria(s.criteria), e.occurred_at, e.cause
  FROM crm.segment_member AS m
  JOIN crm.segment AS s ON s.org_id = m.org_id AND s.segment_id = m.segment_id
  LEFT JOIN LATERAL (SELECT v.occurred_at, v.cause FROM crm.segment_event AS v
                     WHERE v.org_id = org AND v.customer_id = guest AND v.segment_id = s.segment_id AND v.event = 'entered'
                     ORDER BY v.occurred_at DESC LIMIT 1) AS e ON true
  WHERE m.org_id = org AND m.customer_id = guest AND (m.venue_id IS NULL OR sees IS NULL OR m.venue_id = ANY (sees))
    AND (NOT s.is_sensitive OR crm.may_manage())
  ORDER BY s.is_system, s.name, s.segment_id;
END
$$;
ALTER FUNCTION crm.segments_of(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.segments_of(text) IS 'Segments that a guest (the CRM''s id or the platform''s) is a member of, as far as the caller may see them: what each says, since when he is in it and why. Those that ask for health data for managers only. CR404 for an unknown guest.';
GRANT EXECUTE ON FUNCTION crm.segments_of(text) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.one_segment(segment int)
RETURNS TABLE (segment_id int, venue_id uuid, key text, name text, sentence text, criteria text, criteria_version text, is_system boolean,
               members bigint, computed_at timestamptz, archived_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  s crm.known_segment := crm.visible_segment(segment);
BEGIN
  RETURN QUERY SELECT segment, s.venue_id, s.key, s.name, crm.describe_criteria(s.criteria), s.criteria, s.criteria_version, s.is_system,
                      crm.segment_size(segment), x.computed_at, s.archived_at
               FROM crm.segment AS x WHERE x.org_id = s.org_id AND x.segment_id = segment;
END
$$;
ALTER FUNCTION crm.one_segment(int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.one_segment(int) IS 'A segment by its number, as of crm.segment_list. CR404 for one out of reach.';
GRANT EXECUTE ON FUNCTION crm.one_segment(int) TO crm_staff;
