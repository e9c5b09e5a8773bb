CREATE OR REPLACE FUNCTION crm.is_member(segment int, customer text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_segment crm.known_segment := crm.visible_segment(segment);
BEGIN
  IF of_segment.label IS NOT NULL THEN
    RETURN EXISTS (SELECT FROM crm.customer_venue_stats AS t
                   WHERE t.org_id = of_segment.org_id AND t.venue_id = of_segment.venue_id AND t.customer_id = crm.key(customer) AND t.label = of_segment.label);
  END IF;
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
  RETURN crm.members_of(of_segment.org_id, segment, of_segment.venue_id, of_segment.label);
END
$$;
ALTER FUNCTION crm.segment_size(int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.segment_size(int) IS 'The exact number of members of a segment; CR404 for an unknown one';
GRANT EXECUTE ON FUNCTION crm.segment_size(int) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.members_of(org int, segment int, venue uuid, label text) RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
BEGIN
  IF label IS NOT NULL THEN
    RETURN crm.guests_with_label(org, venue, label);
  END IF;
  RETURN (SELECT COALESCE(sum(t.delta), 0) FROM crm.segment_tally AS t WHERE t.org_id = org AND t.segment_id = segment);
END
$$;
COMMENT ON FUNCTION crm.members_of(int, int, uuid, text) IS 'The exact number of members of a segment, which stands for a label of a venue or (null) does not';

CREATE OR REPLACE FUNCTION crm.guests_with_label(org int, venue uuid, label text) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
  rank smallint := crm.label_rank(label);
BEGIN
  RETURN (
    -- Counted in the index of the list, but for those whom it does not know as they are now. These are looked up one by one, as
    -- their number changes faster than what the planner knows of it.
    WITH unlisted AS MATERIALIZED (
      SELECT t.customer_id FROM crm.customer_venue_stats AS t WHERE t.org_id = org AND t.venue_id = venue AND NOT t.listed
      UNION SELECT n.customer_id FROM crm.unlisted_guest AS n WHERE n.org_id = org
    )
    SELECT (SELECT count(*) FROM crm.listed_guest AS l WHERE l.org_id = org AND l.scope_id = venue AND l.label = rank)
      + (SELECT COALESCE(sum((t.label = guests_with_label.label)::int), 0) FROM unlisted AS u
         CROSS JOIN LATERAL (SELECT x.label FROM crm.customer_venue_stats AS x
                             WHERE x.org_id = org AND x.venue_id = venue AND x.customer_id = u.customer_id OFFSET 0) AS t)
      - (SELECT COALESCE(sum((l.label = rank)::int), 0) FROM unlisted AS u
         CROSS JOIN LATERAL (SELECT x.label FROM crm.listed_guest AS x
                             WHERE x.org_id = org AND x.customer_id = u.customer_id AND x.scope_id = venue OFFSET 0) AS l));
END
$$;
COMMENT ON FUNCTION crm.guests_with_label(int, uuid, text) IS 'The exact number of guests of a venue who have a label, other than INACTIVE. Runs as crm_owner.';

CREATE OR REPLACE FUNCTION crm.reachable_members(segment int) RETURNS TABLE (channel text, members bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  of_segment crm.known_segment := crm.visible_segment(segment);
BEGIN
  RETURN QUERY
  SELECT h.channel, (SELECT count(*) FROM crm.reachable_guest AS r JOIN crm.segment_member AS m ON m.org_id = r.org_id AND m.customer_id = r.customer_id
                     WHERE r.org_id = of_segment.org_id AND r.channel = h.channel AND m.segment_id = reachable_members.segment
                       AND (r.scope_id = of_segment.scope_id OR r.scope_id = '00000000-0000-0000-0000-000000000000' AND of_segment.scope_id <> ALL (r.not_at)))
  FROM unnest(crm.consent_channels()) WITH ORDINALITY AS h(channel, n) ORDER BY h.n;
END
$$;
ALTER FUNCTION crm.reachable_members(int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.reachable_members(int) IS 'How many members of a segment may be written to on each channel. CR404 for an unknown segment.';
GRANT EXECUTE ON FUNCTION crm.reachable_members(int) TO crm_staff;

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
  IF of_segment.label IS NOT NULL THEN
    RETURN QUERY
    SELECT l.customer_id, l.since, l.cause
    FROM (SELECT DISTINCT ON (e.customer_id) e.customer_id, e.since, e.label, e.cause
          FROM (SELECT c.customer_id, c.changed_at AS since, c.to_label AS label, c.cause, c.change_id FROM crm.label_change AS c
                WHERE c.org_id = of_segment.org_id AND c.venue_id = of_segment.venue_id AND c.changed_at <= at
                UNION ALL
                -- The label that a guest got first.
                SELECT c.customer_id, c.labelled_at, c.from_label, 'order', 0 FROM crm.label_change AS c
                WHERE c.org_id = of_segment.org_id AND c.venue_id = of_segment.venue_id AND c.labelled_at <= at
                UNION ALL
                SELECT t.customer_id, t.label_changed_at, t.label, 'order', 0 FROM crm.customer_venue_stats AS t
                WHERE t.org_id = of_segment.org_id AND t.venue_id = of_segment.venue_id AND t.previous_label IS NULL AND t.label_changed_at <= at) AS e
          ORDER BY e.customer_id, e.change_id DESC) AS l
    WHERE l.label = of_segment.label
    ORDER BY l.customer_id;
    RETURN;
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
  PERFORM crm.require_schema();
  IF venue IS NOT NULL THEN
    of_venue := crm.visible_venue(venue);
  ELSIF caller_org IS NULL AND NOT crm.is_administrator() THEN
    PERFORM crm.require_caller();
  END IF;
  RETURN QUERY
  SELECT s.segment_id, s.venue_id, s.key, s.name, crm.describe_criteria(s.criteria), s.criteria, s.criteria_version, s.is_system,
         CASE WHEN s.label IS NOT NULL THEN crm.guests_with_label(s.org_id, s.venue_id, s.label) ELSE
           COALESCE((SELECT sum(t.delta) FROM crm.segment_tally AS t WHERE t.org_id = s.org_id AND t.segment_id = s.segment_id), 0)::bigint END,
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
