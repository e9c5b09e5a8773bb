-- A page of recipients: who stands in two lists, members and those who may be written to, both in the order of their ids. Neither is read as a whole.

CREATE OR REPLACE FUNCTION crm.reachable_bound(org int, of_channel text, scope uuid, after uuid, stretch int) RETURNS uuid
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN least(
    (SELECT r.customer_id FROM crm.reachable_guest AS r
     WHERE r.org_id = org AND r.channel = of_channel AND r.scope_id = scope AND r.customer_id > after
     ORDER BY r.customer_id OFFSET stretch - 1 LIMIT 1),
    (SELECT r.customer_id FROM crm.reachable_guest AS r
     WHERE r.org_id = org AND r.channel = of_channel AND r.scope_id = '00000000-0000-0000-0000-000000000000' AND r.customer_id > after AND scope <> ALL (r.not_at)
     ORDER BY r.customer_id OFFSET stretch - 1 LIMIT 1));
END
$$;
COMMENT ON FUNCTION crm.reachable_bound(int, text, uuid, uuid, int) IS 'An id up to which, from another, about so many guests may be written to on a channel, by a venue or (nil UUID) the organisation; null where there are fewer. Runs as crm_owner.';

CREATE OR REPLACE FUNCTION crm.reachable_within(org int, of_channel text, scope uuid, after uuid, upto uuid) RETURNS uuid[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN ARRAY(
    SELECT r.customer_id FROM crm.reachable_guest AS r
    WHERE r.org_id = org AND r.channel = of_channel AND r.scope_id = scope AND r.customer_id > after AND r.customer_id <= upto
    UNION
    SELECT r.customer_id FROM crm.reachable_guest AS r
    WHERE r.org_id = org AND r.channel = of_channel AND r.scope_id = '00000000-0000-0000-0000-000000000000' AND r.customer_id > after AND r.customer_id <= upto
      AND scope <> ALL (r.not_at));
END
$$;
COMMENT ON FUNCTION crm.reachable_within(int, text, uuid, uuid, uuid) IS 'Who may be written to on a channel, by a venue or (nil UUID) the organisation, of the guests whose ids are within bounds, the upper one included. Runs as crm_owner.';

CREATE OR REPLACE FUNCTION crm.reachable_among(org int, of_channel text, scope uuid, guests uuid[]) RETURNS uuid[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN ARRAY(
    SELECT p.customer_id FROM unnest(guests) AS p(customer_id)
    CROSS JOIN LATERAL (SELECT FROM crm.reachable_guest AS r
                        WHERE r.org_id = org AND r.customer_id = p.customer_id AND r.channel = of_channel
                          AND (r.scope_id = scope OR r.scope_id = '00000000-0000-0000-0000-000000000000' AND scope <> ALL (r.not_at)) LIMIT 1) AS found
    ORDER BY p.customer_id);
END
$$;
COMMENT ON FUNCTION crm.reachable_among(int, text, uuid, uuid[]) IS 'Which of these guests may be written to on a channel, by a venue or (nil UUID) the organisation, in the order of their ids. Runs as crm_owner.';

CREATE OR REPLACE FUNCTION crm.members_within(of_segment crm.known_segment, segment int, after uuid, upto uuid, max_rows int) RETURNS uuid[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF of_segment.label IS NOT NULL THEN
    RETURN ARRAY(SELECT t.customer_id FROM crm.customer_venue_stats AS t
                 WHERE t.org_id = of_segment.org_id AND t.venue_id = of_segment.venue_id AND t.customer_id > after AND t.customer_id <= upto AND t.label = of_segment.label
                 ORDER BY t.customer_id LIMIT max_rows);
  END IF;
  RETURN ARRAY(SELECT g.customer_id FROM crm.guest_segments AS g
               WHERE g.org_id = of_segment.org_id AND g.scope_id = of_segment.scope_id AND g.customer_id > after AND g.customer_id <= upto AND segment = ANY (g.segments)
               ORDER BY g.customer_id LIMIT max_rows);
END
$$;
COMMENT ON FUNCTION crm.members_within(crm.known_segment, int, uuid, uuid, int) IS 'The first members of a segment whose ids are within bounds, the upper one included. Runs as crm_owner.';

CREATE OR REPLACE FUNCTION crm.members_among(of_segment crm.known_segment, segment int, guests uuid[]) RETURNS uuid[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF of_segment.label IS NOT NULL THEN
    RETURN ARRAY(SELECT p.customer_id FROM unnest(guests) AS p(customer_id)
                 WHERE of_segment.label = (SELECT t.label FROM crm.customer_venue_stats AS t
                                           WHERE t.org_id = of_segment.org_id AND t.venue_id = of_segment.venue_id AND t.customer_id = p.customer_id)
                 ORDER BY p.customer_id);
  END IF;
  RETURN ARRAY(SELECT p.customer_id FROM unnest(guests) AS p(customer_id)
               WHERE segment = ANY ((SELECT g.segments FROM crm.guest_segments AS g
                                     WHERE g.org_id = of_segment.org_id AND g.scope_id = of_segment.scope_id AND g.customer_id = p.customer_id)::int[])
               ORDER BY p.customer_id);
END
$$;
COMMENT ON FUNCTION crm.members_among(crm.known_segment, int, uuid[]) IS 'Which of these guests are members of a segment, in the order of their ids. Runs as crm_owner.';

CREATE OR REPLACE FUNCTION crm.recipients(segment int, channel text, after uuid DEFAULT NULL, max_rows int DEFAULT 200)
RETURNS TABLE (customer_id uuid, ref text, name text, language text, address text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  of_segment crm.known_segment := crm.visible_segment(segment);
  place uuid := COALESCE(after, '00000000-0000-0000-0000-000000000000');
  stretch int := 2 * max_rows;
  bound uuid;
  members uuid[];
  found uuid[] := '{}';
BEGIN
  IF channel IS NULL OR channel <> ALL (crm.consent_channels()) THEN
    RAISE EXCEPTION 'unknown channel "%"', left(channel, 60) USING ERRCODE = '22023', COLUMN = 'channel', HINT = array_to_string(crm.consent_channels(), ', ') || '.';
  ELSIF max_rows IS NULL OR max_rows NOT BETWEEN 1 AND 10000 THEN
    RAISE EXCEPTION 'max_rows must be from 1 to 10000' USING ERRCODE = '22023', COLUMN = 'max_rows';
  END IF;
  IF of_segment.is_sensitive THEN
    RAISE EXCEPTION 'segment "%" asks for health data: its members are not handed on', of_segment.key USING ERRCODE = '42501';
  END IF;
  PERFORM crm.require_no_quiet_hours(of_segment.org_id, of_segment.scope_id);
  LOOP
    bound := crm.reachable_bound(of_segment.org_id, channel, of_segment.scope_id, place, stretch);
    members := CASE WHEN bound IS NOT NULL THEN crm.members_within(of_segment, segment, place, bound, stretch) END;
    -- Those of the list that is the shorter here are looked up in the other.
    found := found || CASE WHEN cardinality(members) < stretch THEN crm.reachable_among(of_segment.org_id, channel, of_segment.scope_id, members)
                      ELSE crm.members_among(of_segment, segment, crm.reachable_within(of_segment.org_id, channel, of_segment.scope_id, place,
                                                                                       COALESCE(bound, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))) END;
    EXIT WHEN bound IS NULL OR cardinality(found) >= max_rows;
    place := bound;
    stretch := least(2 * stretch, 20000);
  END LOOP;
  RETURN QUERY
  SELECT p.customer_id, c.ref, c.name, c.language, crm.address_for(channel, c.email, c.phone_e164)
  FROM unnest(found[:max_rows]) AS p(customer_id)
  -- Guest by guest: a page is short.
  CROSS JOIN LATERAL (SELECT x.ref, x.name, x.language, x.email, x.phone_e164 FROM crm.customer AS x
                      WHERE x.org_id = of_segment.org_id AND x.customer_id = p.customer_id OFFSET 0) AS c
  ORDER BY p.customer_id;
END
$$;
ALTER FUNCTION crm.recipients(int, text, uuid, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.recipients(int, text, uuid, int) IS 'Members of a segment who may be written to on a channel, as of crm.reachable, with name, language and address, in the order of their ids, after the one given (null from the start), at most so many; CR404 for an unknown segment, CR425 during the quiet hours of its venue (crm.quiet_until), 42501 for one that asks for health data, 22023 names the parameter at fault. crm.unsubscribe_tokens gives the links that their mails must have.';
GRANT EXECUTE ON FUNCTION crm.recipients(int, text, uuid, int) TO crm_manager;
