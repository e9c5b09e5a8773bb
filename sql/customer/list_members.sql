CREATE OR REPLACE FUNCTION crm.list_members(org int, of_caller uuid[], scope uuid, tags text[], segment int, category text, reachable text) RETURNS uuid[]
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  tag text;
  found_tag int;
  guests uuid[];
BEGIN
  IF cardinality(tags) NOT BETWEEN 1 AND 50 OR array_position(tags, NULL) IS NOT NULL THEN
    PERFORM crm.refuse_list_parameter('tags', 'give 1 to 50 tags', NULL);
  END IF;
  IF segment IS NOT NULL THEN
    IF NOT EXISTS (SELECT FROM crm.segment AS s WHERE s.org_id = org AND s.segment_id = segment
                   AND (s.venue_id IS NULL OR of_caller IS NULL OR s.venue_id = ANY (of_caller))) THEN
      RAISE EXCEPTION 'unknown segment %', segment USING ERRCODE = 'CR404', COLUMN = 'segment';
    END IF;
    guests := ARRAY(SELECT m.customer_id FROM crm.segment_member AS m WHERE m.org_id = org AND m.segment_id = segment);
  END IF;
  FOREACH tag IN ARRAY COALESCE(tags, '{}') LOOP
    SELECT t.tag_id INTO found_tag FROM crm.tag AS t WHERE t.org_id = org AND t.name_key = crm.tag_key(tag);
    IF NOT FOUND THEN
      RAISE EXCEPTION 'unknown tag "%"', tag USING ERRCODE = 'CR404', COLUMN = 'tags';
    END IF;
    guests := ARRAY(SELECT DISTINCT g.customer_id FROM crm.guest_tag AS g WHERE g.org_id = org AND g.tag_id = found_tag AND (guests IS NULL OR g.customer_id = ANY (guests)));
  END LOOP;
  IF category IS NOT NULL THEN
    IF NULLIF(btrim(category), '') IS NULL OR length(category) > 200 THEN
      PERFORM crm.refuse_list_parameter('category', 'a category has 1 to 200 characters', NULL);
    END IF;
    guests := ARRAY(
      SELECT f.customer_id FROM (
        SELECT s.customer_id FROM crm.stated_preference AS s
        WHERE s.org_id = org AND s.kind = 'favourite_category' AND lower(s.value) = lower(btrim(category))
          AND (s.scope_id = '00000000-0000-0000-0000-000000000000' OR of_caller IS NULL OR s.scope_id = ANY (of_caller))
        UNION
        SELECT d.customer_id FROM crm.derived_preference AS d
        WHERE d.org_id = org AND d.kind = 'category' AND lower(d.value) = lower(btrim(category)) AND (of_caller IS NULL OR d.venue_id = ANY (of_caller))) AS f
      WHERE guests IS NULL OR f.customer_id = ANY (guests));
  END IF;
  IF reachable IS NOT NULL THEN
    IF reachable <> ALL (crm.consent_channels()) THEN
      PERFORM crm.refuse_list_parameter('reachable', format('unknown channel "%s"', left(reachable, 60)), array_to_string(crm.consent_channels(), ', ') || '.');
    END IF;
    guests := ARRAY(
      SELECT r.customer_id FROM crm.reachable_guest AS r
      WHERE r.org_id = org AND r.channel = reachable
        AND (r.scope_id = scope OR r.scope_id = '00000000-0000-0000-0000-000000000000' AND COALESCE(scope, r.scope_id) <> ALL (r.not_at))
        AND (guests IS NULL OR r.customer_id = ANY (guests)));
  END IF;
  RETURN guests;
END
$$;
COMMENT ON FUNCTION crm.list_members(int, uuid[], uuid, text[], int, text, text) IS 'Guests who have all of some tags, are members of a segment, favour a category, and may be written to on a channel (any of these may be null); CR404 for one unknown to the caller';
