CREATE OR REPLACE FUNCTION crm.list_members(org int, of_caller uuid[], tags text[], segment int) RETURNS uuid[]
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
  RETURN guests;
END
$$;
COMMENT ON FUNCTION crm.list_members(int, uuid[], text[], int) IS 'Guests who have all of some tags and are members of a segment (either may be null); CR404 for one unknown to the caller';
