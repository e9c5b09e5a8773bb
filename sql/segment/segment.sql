CREATE OR REPLACE FUNCTION crm.visible_segment(segment int) RETURNS crm.known_segment
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  found_segment crm.known_segment;
  caller record;
  known boolean;
BEGIN
  PERFORM crm.require_schema();
  SELECT s.org_id, s.scope_id, s.venue_id, s.key, s.name, s.criteria, s.criteria_version, s.is_system, s.is_sensitive, s.label, s.archived_at INTO found_segment
  FROM crm.segment AS s WHERE s.segment_id = segment;
  known := FOUND;
  SELECT * INTO caller FROM crm.caller();
  IF NOT FOUND THEN
    IF NOT crm.is_administrator() THEN
      PERFORM crm.require_caller();
    END IF;
  ELSIF caller.org_id <> found_segment.org_id OR found_segment.venue_id <> ALL (caller.venue_ids) THEN
    known := false;
  END IF;
  IF NOT known THEN
    RAISE EXCEPTION 'unknown segment %', COALESCE(segment::text, 'null') USING ERRCODE = 'CR404', COLUMN = 'segment', HINT = 'crm.segment_list lists them.';
  END IF;
  RETURN found_segment;
END
$$;
COMMENT ON FUNCTION crm.visible_segment(int) IS 'A segment that the caller may see; CR404 for any other, whether it exists or not. Superusers acting as themselves see all.';

CREATE OR REPLACE FUNCTION crm.refuse_system_segment(refused crm.known_segment) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION 'segment "%" is the system''s: its members are the guests with the label %', refused.key, refused.label
    USING ERRCODE = 'CR409', COLUMN = 'segment', HINT = 'Duplicate it (crm.duplicate_segment) and change the copy.';
END
$$;
COMMENT ON FUNCTION crm.refuse_system_segment(crm.known_segment) IS 'Refuses to change the segment of a label: CR409';

CREATE OR REPLACE FUNCTION crm.editable_segment(segment int) RETURNS crm.known_segment
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  found_segment crm.known_segment := crm.visible_segment(segment);
BEGIN
  IF found_segment.venue_id IS NULL AND EXISTS (SELECT FROM crm.caller() AS c WHERE c.venue_ids IS NOT NULL) THEN
    RAISE EXCEPTION 'segments of the organisation belong to those who manage all its venues' USING ERRCODE = '42501';
  ELSIF found_segment.is_system THEN
    PERFORM crm.refuse_system_segment(found_segment);
  ELSIF found_segment.archived_at IS NOT NULL THEN
    RAISE EXCEPTION 'segment "%" is archived', found_segment.key USING ERRCODE = 'CR409', COLUMN = 'segment';
  END IF;
  RETURN found_segment;
END
$$;
COMMENT ON FUNCTION crm.editable_segment(int) IS 'A segment that the caller may change; CR404 for one he may not see, CR409 for the system''s and archived ones, 42501 for the organisation''s where he is limited to venues';

CREATE OR REPLACE FUNCTION crm.lock_segments(org int, scope uuid) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT pg_advisory_xact_lock(hashtextextended(format('crm.segments %s %s', org, scope), 0))
$$;
COMMENT ON FUNCTION crm.lock_segments(int, uuid) IS 'Keeps other edits of the segments of a venue or an organisation out until the end of the transaction, so that no two of them make a circle';

CREATE OR REPLACE FUNCTION crm.require_criteria(org int, scope uuid, key text, criteria text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  problems text[];
BEGIN
  IF criteria IS NULL THEN
    RAISE EXCEPTION 'a segment needs criteria' USING ERRCODE = '22023', COLUMN = 'criteria';
  END IF;
  problems := crm.segment_problems(org, scope, key, criteria);
  IF cardinality(problems) > 0 THEN
    RAISE EXCEPTION 'criteria with % problem%', cardinality(problems), CASE WHEN cardinality(problems) > 1 THEN 's' ELSE '' END
      USING ERRCODE = '22023', COLUMN = 'criteria', DETAIL = array_to_string(problems, E'\n'), HINT = 'crm.validate_criteria lists the problems of a document as rows.';
  END IF;
  IF crm.criteria_are_sensitive(org, scope, criteria) THEN
    PERFORM crm.require_manager();
  END IF;
END
$$;
COMMENT ON FUNCTION crm.require_criteria(int, uuid, text, text) IS 'Refuses criteria that a segment of this key cannot have, with all their problems: 22023, and those on health data from callers who are no managers: 42501';
COMMENT ON FUNCTION crm.segment_problems(int, uuid, text, text) IS 'All problems of criteria for a segment of a venue or (nil UUID) the organisation, of this key; none for good ones';
COMMENT ON FUNCTION crm.criteria_version(text) IS 'SHA-256 of the canonical form of criteria, hexadecimal. 22023 for invalid ones.';
GRANT EXECUTE ON FUNCTION crm.criteria_version(text) TO crm_reader, crm_staff;

CREATE OR REPLACE FUNCTION crm.require_segment_name(name text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NULLIF(btrim(name), '') IS NULL OR length(name) > 200 THEN
    RAISE EXCEPTION 'a segment needs a name of at most 200 characters' USING ERRCODE = '22023', COLUMN = 'name';
  END IF;
END
$$;
COMMENT ON FUNCTION crm.require_segment_name(text) IS 'Refuses what is no name: 22023';

CREATE OR REPLACE FUNCTION crm.create_segment(venue text, key text, name text, criteria text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_venue crm.venue_key;
  scope uuid;
  made int;
BEGIN
  IF venue IS NOT NULL THEN
    of_venue := crm.visible_venue(venue);
  ELSE
    of_venue.org_id := crm.whole_organisation();
  END IF;
  scope := COALESCE(of_venue.venue_id, '00000000-0000-0000-0000-000000000000');
  PERFORM crm.require_segment_name(name);
  IF key IS NULL OR key !~ '^[a-z0-9][a-z0-9_]{0,62}$' THEN
    RAISE EXCEPTION 'not a key: "%"', key USING ERRCODE = '22023', COLUMN = 'key', HINT = 'Lower-case letters, digits and underscores, at most 63.';
  END IF;
  PERFORM crm.lock_segments(of_venue.org_id, scope);
  IF EXISTS (SELECT FROM crm.segment AS s WHERE s.org_id = of_venue.org_id AND s.scope_id = scope AND s.key = create_segment.key) THEN
    RAISE EXCEPTION 'there is a segment "%" already', key USING ERRCODE = 'CR409', COLUMN = 'key', HINT = 'An archived segment keeps its key, too.';
  END IF;
  PERFORM crm.require_criteria(of_venue.org_id, scope, key, criteria);
  INSERT INTO crm.segment (org_id, venue_id, key, name, criteria, criteria_version)
  VALUES (of_venue.org_id, of_venue.venue_id, key, btrim(name), crm.canonical_criteria(criteria), crm.criteria_version(criteria))
  RETURNING segment_id INTO made;
  PERFORM crm.keep_version(of_venue.org_id, made);
  PERFORM crm.mark_sensitive(of_venue.org_id, scope);
  PERFORM crm.refresh_edited(of_venue.org_id, scope, made);
  RETURN made;
END
$$;
ALTER FUNCTION crm.create_segment(text, text, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.create_segment(text, text, text, text) IS 'Saves criteria as a segment of a venue (the CRM''s id or the platform''s; null for the organisation), under a key that criteria of others may name and a name to show, and returns its number. Its members are found at once, or by the next sweep where more than 1,000 guests join: computed_at is null until then. 22023 with all problems of bad criteria, CR409 for a key that is taken.';
GRANT EXECUTE ON FUNCTION crm.create_segment(text, text, text, text) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.whole_organisation() RETURNS int
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  caller record;
BEGIN
  IF crm.is_administrator() AND NOT EXISTS (SELECT FROM crm.caller()) THEN
    IF (SELECT count(*) FROM crm.organisation) <> 1 THEN
      RAISE EXCEPTION 'there are several organisations, or none' USING ERRCODE = '22023', COLUMN = 'venue', HINT = 'Call as a principal of one of them.';
    END IF;
    RETURN (SELECT o.org_id FROM crm.organisation AS o);
  END IF;
  SELECT * INTO caller FROM crm.require_caller();
  IF caller.venue_ids IS NOT NULL THEN
    RAISE EXCEPTION 'segments of the organisation belong to those who manage all its venues' USING ERRCODE = '42501';
  END IF;
  RETURN caller.org_id;
END
$$;
COMMENT ON FUNCTION crm.whole_organisation() IS 'The caller''s organisation, where he is not limited to venues of it: else 42501';

CREATE OR REPLACE FUNCTION crm.keep_version(org int, segment int) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO crm.segment_version (org_id, segment_id, from_at, criteria, criteria_version, edited_by)
  SELECT s.org_id, s.segment_id, crm.now(), s.criteria, s.criteria_version, (SELECT c.principal_id FROM crm.caller() AS c)
  FROM crm.segment AS s WHERE s.org_id = org AND s.segment_id = segment
  ON CONFLICT (org_id, segment_id, from_at) DO UPDATE
    SET criteria = excluded.criteria, criteria_version = excluded.criteria_version, edited_by = excluded.edited_by
$$;
COMMENT ON FUNCTION crm.keep_version(int, int) IS 'Keeps the criteria of a segment as they are from now on';

CREATE OR REPLACE FUNCTION crm.update_segment(segment int, name text DEFAULT NULL, criteria text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  former crm.known_segment := crm.editable_segment(segment);
BEGIN
  IF name IS NOT NULL THEN
    PERFORM crm.require_segment_name(name);
  END IF;
  PERFORM crm.lock_segments(former.org_id, former.scope_id);
  IF criteria IS NOT NULL THEN
    PERFORM crm.require_criteria(former.org_id, former.scope_id, former.key, criteria);
  END IF;
  UPDATE crm.segment AS s
  SET name = COALESCE(btrim(update_segment.name), s.name), criteria = COALESCE(crm.canonical_criteria(update_segment.criteria), s.criteria),
      criteria_version = COALESCE(crm.criteria_version(update_segment.criteria), s.criteria_version), updated_at = clock_timestamp()
  WHERE s.org_id = former.org_id AND s.segment_id = segment;
  IF criteria IS NOT NULL AND crm.criteria_version(criteria) <> former.criteria_version THEN
    PERFORM crm.keep_version(former.org_id, segment);
    PERFORM crm.mark_sensitive(former.org_id, former.scope_id);
    PERFORM crm.refresh_edited(former.org_id, former.scope_id, segment);
  END IF;
END
$$;
ALTER FUNCTION crm.update_segment(int, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.update_segment(int, text, text) IS 'Changes the name or the criteria of a segment, or both (null keeps); its members, and those of segments that refer to it, change with the criteria: at once, or with the next sweep where more than 1,000 guests differ. CR404 for an unknown one, CR409 for the system''s and archived ones, 22023 with all problems of bad criteria.';
GRANT EXECUTE ON FUNCTION crm.update_segment(int, text, text) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.archive_segment(segment int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  former crm.known_segment := crm.editable_segment(segment);
  referring text[];
BEGIN
  PERFORM crm.lock_segments(former.org_id, former.scope_id);
  referring := crm.segments_referring_to(former.org_id, former.scope_id, former.key);
  IF cardinality(referring) > 0 THEN
    RAISE EXCEPTION 'segment "%" is named by others', former.key USING ERRCODE = 'CR409', COLUMN = 'segment',
      HINT = 'First change the criteria of ' || array_to_string(referring, ', ') || '.';
  END IF;
  UPDATE crm.segment AS s SET archived_at = crm.now(), updated_at = clock_timestamp() WHERE s.org_id = former.org_id AND s.segment_id = segment;
  PERFORM crm.refresh_edited(former.org_id, former.scope_id, segment);
END
$$;
ALTER FUNCTION crm.archive_segment(int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.archive_segment(int) IS 'Ends a segment: its members leave, at once or with the next sweep where they are more than 1,000; its history stays. CR404 for an unknown one, CR409 for the system''s, for one archived already and for one that criteria of others name.';
GRANT EXECUTE ON FUNCTION crm.archive_segment(int) TO crm_manager;
COMMENT ON FUNCTION crm.segments_referring_to(int, uuid, text) IS 'Keys of the living segments of a venue or (nil UUID) the organisation whose criteria name another';

CREATE OR REPLACE FUNCTION crm.duplicate_segment(segment int, key text, name text DEFAULT NULL) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  former crm.known_segment := crm.visible_segment(segment);
BEGIN
  RETURN crm.create_segment(former.venue_id::text, key, COALESCE(name, left(former.name, 193) || ' (copy)'), former.criteria);
END
$$;
ALTER FUNCTION crm.duplicate_segment(int, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.duplicate_segment(int, text, text) IS 'Makes a segment with the criteria of another under a new key, without what was done by hand, and returns its number; errors as of crm.create_segment';
GRANT EXECUTE ON FUNCTION crm.duplicate_segment(int, text, text) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.seed_segments(org int, venue uuid) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
  WITH made AS (
    INSERT INTO crm.segment (org_id, venue_id, key, name, criteria, criteria_version, is_system, computed_at)
    SELECT org, venue, t.key, t.name, crm.canonical_criteria(t.criteria), crm.criteria_version(t.criteria), true, crm.now()
    FROM crm.segment_templates() AS t WHERE t.system
    ON CONFLICT (org_id, scope_id, key) DO NOTHING
    RETURNING org_id, segment_id, criteria, criteria_version)
  INSERT INTO crm.segment_version (org_id, segment_id, from_at, criteria, criteria_version)
  SELECT m.org_id, m.segment_id, '-infinity', m.criteria, m.criteria_version FROM made AS m
$$;
COMMENT ON FUNCTION crm.seed_segments(int, uuid) IS 'Gives a venue the segments that every venue has';
