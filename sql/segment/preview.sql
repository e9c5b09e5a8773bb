COMMENT ON FUNCTION crm.count_criteria(int, uuid, text, int) IS 'Counts whom criteria mean among the guests of a venue or (nil UUID) an organisation: guests looked at, the count of each node, who would join and leave a saved segment, up to ten of each, and which share of the guests was counted within two seconds';
COMMENT ON FUNCTION crm.criteria_nodes(text) IS 'The nodes of criteria, the whole document first: JSON pointer, what each says in English, its field';
GRANT EXECUTE ON FUNCTION crm.criteria_nodes(text) TO crm_reader, crm_staff;
COMMENT ON FUNCTION crm.explain_criteria(int, uuid, uuid, text) IS 'Verdict and the guest''s own value (JSON) for each node of criteria; no rows for somebody who is no guest there';

CREATE OR REPLACE FUNCTION crm.preview_segment(criteria text, venue text DEFAULT NULL, segment int DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_venue crm.venue_key;
  saved crm.known_segment;
  scope uuid;
  c record;
  guests jsonb;
BEGIN
  IF segment IS NOT NULL THEN
    saved := crm.visible_segment(segment);
    of_venue := ROW(saved.org_id, saved.venue_id);
    IF venue IS NOT NULL AND saved.venue_id IS DISTINCT FROM crm.key(venue) THEN
      RAISE EXCEPTION 'segment % is none of venue "%"', segment, venue USING ERRCODE = '22023', COLUMN = 'segment';
    END IF;
  ELSIF venue IS NOT NULL THEN
    of_venue := crm.visible_venue(venue);
  ELSE
    of_venue.org_id := crm.whole_organisation();
  END IF;
  scope := COALESCE(of_venue.venue_id, '00000000-0000-0000-0000-000000000000');
  PERFORM crm.require_criteria(of_venue.org_id, scope, COALESCE(saved.key, ''), criteria);
  SELECT * INTO c FROM crm.count_criteria(of_venue.org_id, scope, criteria, segment);
  RETURN jsonb_build_object(
    'members', round(c.nodes[1] / c.counted), 'base', round(c.guests / c.counted),
    'share', CASE WHEN c.guests > 0 THEN round(c.nodes[1]::numeric / c.guests, 4) END, 'estimated', c.counted < 1,
    'sentence', crm.describe_criteria(criteria),
    'nodes', (SELECT jsonb_agg(jsonb_build_object('pointer', n.pointer, 'sentence', n.sentence, 'members', round(c.nodes[n.n] / c.counted)) ORDER BY n.n)
              FROM crm.criteria_nodes(criteria) AS n),
    'reachable', (SELECT jsonb_object_agg(h.channel, round(c.reachable[h.n] / c.counted)) FROM unnest(crm.consent_channels()) WITH ORDINALITY AS h(channel, n)),
    'samples', crm.sample_guests(of_venue.org_id, c.samples))
    || CASE WHEN segment IS NULL THEN '{}' ELSE jsonb_build_object(
    'joining', round(c.joining / c.counted), 'leaving', round(c.leaving / c.counted),
    'joining_samples', crm.sample_guests(of_venue.org_id, c.joining_samples),
    'leaving_samples', crm.sample_guests(of_venue.org_id, c.leaving_samples)) END;
END
$$;
ALTER FUNCTION crm.preview_segment(text, text, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.preview_segment(text, text, int) IS 'Whom criteria would mean at a venue (null for the organisation): members, base and share, the count of each node, members who may be written to on each channel, ten samples and, against a saved segment, who would join and leave. What takes longer than two seconds is an estimate over a part of the guests, and says so. 22023 with all problems of bad criteria.';
GRANT EXECUTE ON FUNCTION crm.preview_segment(text, text, int) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.sample_guests(org int, guests uuid[]) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT COALESCE(jsonb_agg(jsonb_build_object('customer_id', c.customer_id, 'ref', c.ref, 'name', c.name) ORDER BY c.customer_id), '[]')
  FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = ANY (guests)
$$;
COMMENT ON FUNCTION crm.sample_guests(int, uuid[]) IS 'Guests with their names, as JSON';

CREATE OR REPLACE FUNCTION crm.explain_segment(customer text, segment int)
RETURNS TABLE (pointer text, sentence text, field text, verdict boolean, value jsonb)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  saved crm.known_segment := crm.visible_segment(segment);
  guest uuid := crm.key(customer);
BEGIN
  IF saved.is_sensitive THEN
    PERFORM crm.require_manager();
  END IF;
  RETURN QUERY
  SELECT '/override', CASE WHEN o.included THEN 'Put in by hand: ' ELSE 'Kept out by hand: ' END || o.reason, NULL::text, o.included, NULL::jsonb
  FROM crm.segment_override AS o WHERE o.org_id = saved.org_id AND o.segment_id = explain_segment.segment AND o.customer_id = guest;
  RETURN QUERY
  SELECT n.pointer, n.sentence, n.field, e.verdict, e.value::jsonb
  FROM crm.explain_criteria(saved.org_id, saved.scope_id, guest, saved.criteria) AS e
  JOIN crm.criteria_nodes(saved.criteria) AS n ON n.n = e.n
  ORDER BY n.n;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown customer "%"', customer USING ERRCODE = 'CR404', COLUMN = 'customer', HINT = 'A segment of a venue has that venue''s guests.';
  END IF;
END
$$;
ALTER FUNCTION crm.explain_segment(text, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.explain_segment(text, int) IS 'Why a guest (the CRM''s id or the platform''s) is a member of a segment or not: what was done by hand, then each node of the criteria with what it says, whether it holds and what the guest has there. CR404 for an unknown guest or segment, 42501 for staff where it asks for health data.';
GRANT EXECUTE ON FUNCTION crm.explain_segment(text, int) TO crm_staff;
