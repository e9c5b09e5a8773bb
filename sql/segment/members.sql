CREATE OR REPLACE FUNCTION crm.is_member(segment int, customer text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_segment crm.known_segment := crm.visible_segment(segment);
BEGIN
  RETURN EXISTS (SELECT FROM crm.guest_segments AS g
                 WHERE g.org_id = of_segment.org_id AND g.scope_id = of_segment.scope_id AND g.customer_id = crm.key(customer)
                   AND segment = ANY (g.segments));
END
$$;
ALTER FUNCTION crm.is_member(int, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.is_member(int, text) IS 'Whether a guest (the CRM''s id or the platform''s) is a member of a segment; false for an unknown guest, CR404 for an unknown segment';
GRANT EXECUTE ON FUNCTION crm.is_member(int, text) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.segment_size(segment int) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_segment crm.known_segment := crm.visible_segment(segment);
BEGIN
  RETURN (SELECT COALESCE(sum(t.delta), 0) FROM crm.segment_tally AS t WHERE t.org_id = of_segment.org_id AND t.segment_id = segment);
END
$$;
ALTER FUNCTION crm.segment_size(int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.segment_size(int) IS 'The exact number of members of a segment; CR404 for an unknown one';
GRANT EXECUTE ON FUNCTION crm.segment_size(int) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.recipients(segment int, after uuid DEFAULT NULL, max_rows int DEFAULT 200)
RETURNS TABLE (customer_id uuid, ref text, name text, phone text, email text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_segment crm.known_segment := crm.visible_segment(segment);
BEGIN
  IF max_rows IS NULL OR max_rows NOT BETWEEN 1 AND 10000 THEN
    RAISE EXCEPTION 'max_rows must be from 1 to 10000' USING ERRCODE = '22023', COLUMN = 'max_rows';
  END IF;
  IF of_segment.is_sensitive THEN
    RAISE EXCEPTION 'segment "%" asks for health data: its members are not handed on', of_segment.key USING ERRCODE = '42501';
  END IF;
  RETURN QUERY
  SELECT m.customer_id, c.ref, c.name, c.phone, c.email
  -- In the order of the primary key: a page of a small segment reads at most its venue's guests once.
  FROM (SELECT g.customer_id FROM crm.guest_segments AS g
        WHERE g.org_id = of_segment.org_id AND g.scope_id = of_segment.scope_id AND g.customer_id > COALESCE(after, '00000000-0000-0000-0000-000000000000')
          AND segment = ANY (g.segments)
        ORDER BY g.customer_id LIMIT max_rows) AS m
  JOIN crm.customer AS c ON c.org_id = of_segment.org_id AND c.customer_id = m.customer_id
  ORDER BY m.customer_id;
END
$$;
ALTER FUNCTION crm.recipients(int, uuid, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.recipients(int, uuid, int) IS 'Members of a segment with their addresses, in the order of their ids, after the one given (null from the start), at most so many; CR404 for an unknown segment, 42501 for one that asks for health data. For a channel, consent must be asked first.';
GRANT EXECUTE ON FUNCTION crm.recipients(int, uuid, int) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.segment_as_of(segment int, at timestamptz) RETURNS TABLE (customer_id uuid, since timestamptz, cause text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_segment crm.known_segment := crm.visible_segment(segment);
BEGIN
  IF at IS NULL THEN
    RAISE EXCEPTION 'at must be an instant' USING ERRCODE = '22023', COLUMN = 'at';
  END IF;
  RETURN QUERY
  SELECT l.customer_id, l.occurred_at, l.cause
  FROM (SELECT DISTINCT ON (c.customer_id) c.customer_id, c.occurred_at, c.cause, segment = ANY (c.entered) AS entered
        FROM crm.segment_change AS c
        WHERE c.org_id = of_segment.org_id AND c.scope_id = of_segment.scope_id AND c.occurred_at <= at
          AND (segment = ANY (c.entered) OR segment = ANY (c.exited))
        ORDER BY c.customer_id, c.change_id DESC) AS l
  WHERE l.entered
  ORDER BY l.customer_id;
END
$$;
ALTER FUNCTION crm.segment_as_of(int, timestamptz) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.segment_as_of(int, timestamptz) IS 'Who was a member of a segment at an instant, since when and why, by the ledger of entries and exits; CR404 for an unknown segment';
GRANT EXECUTE ON FUNCTION crm.segment_as_of(int, timestamptz) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.segment_list(venue text DEFAULT NULL, archived boolean DEFAULT false)
RETURNS TABLE (segment_id int, venue_id uuid, key text, name text, sentence text, criteria text, criteria_version text, is_system boolean,
               members bigint, computed_at timestamptz, archived_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_venue crm.venue_key;
  caller_org int := crm.caller_org();
  caller_venues uuid[] := crm.caller_venues();
BEGIN
  IF venue IS NOT NULL THEN
    of_venue := crm.visible_venue(venue);
  ELSIF caller_org IS NULL AND NOT crm.is_administrator() THEN
    PERFORM crm.require_caller();
  END IF;
  RETURN QUERY
  SELECT s.segment_id, s.venue_id, s.key, s.name, crm.describe_criteria(s.criteria), s.criteria, s.criteria_version, s.is_system,
         COALESCE((SELECT sum(t.delta) FROM crm.segment_tally AS t WHERE t.org_id = s.org_id AND t.segment_id = s.segment_id), 0)::bigint,
         s.computed_at, s.archived_at
  FROM crm.segment AS s
  WHERE (caller_org IS NULL OR s.org_id = caller_org) AND (s.venue_id IS NULL OR caller_venues IS NULL OR s.venue_id = ANY (caller_venues))
    AND (of_venue.venue_id IS NULL OR (s.org_id, s.venue_id) = (of_venue.org_id, of_venue.venue_id))
    AND (archived OR s.archived_at IS NULL)
  ORDER BY s.venue_id NULLS FIRST, NOT s.is_system, s.segment_id;
END
$$;
ALTER FUNCTION crm.segment_list(text, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.segment_list(text, boolean) IS 'Segments of a venue (the CRM''s id or the platform''s), or all that the caller may see, those of the organisation too; what each says in English, and its exact number of members';
GRANT EXECUTE ON FUNCTION crm.segment_list(text, boolean) TO crm_staff;
