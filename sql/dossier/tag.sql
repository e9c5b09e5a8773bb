CREATE OR REPLACE FUNCTION crm.tag_name(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT NULLIF(btrim(regexp_replace(normalize(name, NFKC), '[\s[:cntrl:]]+', ' ', 'g')), '') $$;
COMMENT ON FUNCTION crm.tag_name(text) IS 'A tag''s name as it is shown: in Unicode''s form NFKC, with single blanks; null for an empty one';

CREATE OR REPLACE FUNCTION crm.tag_key(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT lower(crm.tag_name(name)) $$;
COMMENT ON FUNCTION crm.tag_key(text) IS 'A tag''s name as it is compared: in lower case; null for an empty one';

CREATE OR REPLACE FUNCTION crm.tags_named(org int, tags text[], make boolean) RETURNS int[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  given text;
  shown text;
  found_id int;
  by_rule boolean;
  found_ids int[] := '{}';
BEGIN
  IF COALESCE(cardinality(tags), 0) NOT BETWEEN 1 AND 50 THEN
    RAISE EXCEPTION 'give 1 to 50 tags' USING ERRCODE = '22023', COLUMN = 'tags';
  END IF;
  FOREACH given IN ARRAY tags LOOP
    shown := crm.tag_name(given);
    IF COALESCE(shown, '') = '' OR length(shown) > 60 THEN
      RAISE EXCEPTION 'a tag has 1 to 60 characters' USING ERRCODE = '22023', COLUMN = 'tags';
    END IF;
    IF make THEN
      INSERT INTO crm.tag (org_id, name, name_key, created_by) VALUES (org, shown, crm.tag_key(given), (SELECT c.principal_id FROM crm.caller() AS c))
      ON CONFLICT (org_id, name_key) DO NOTHING;
    END IF;
    SELECT t.tag_id, t.segment_id IS NOT NULL INTO found_id, by_rule FROM crm.tag AS t WHERE t.org_id = org AND t.name_key = crm.tag_key(given);
    IF NOT FOUND THEN
      RAISE EXCEPTION 'unknown tag "%"', given USING ERRCODE = 'CR404', COLUMN = 'tags';
    ELSIF by_rule THEN
      RAISE EXCEPTION 'tag "%" is given by a rule', shown USING ERRCODE = 'CR409', COLUMN = 'tags', HINT = 'Put the guest into its segment, or keep him out, with crm.set_segment_override.';
    END IF;
    found_ids := found_ids || found_id;
  END LOOP;
  RETURN found_ids;
END
$$;
COMMENT ON FUNCTION crm.tags_named(int, text[], boolean) IS 'Tags by their names, those not there made or refused (CR404); CR409 for one given by a rule';

CREATE OR REPLACE FUNCTION crm.hold_customers(org int, customers text[]) RETURNS uuid[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  wanted uuid[] := ARRAY(SELECT DISTINCT crm.key(c) FROM unnest(customers) AS c WHERE c IS NOT NULL);
  held uuid[];
  unfit text;
BEGIN
  IF cardinality(wanted) NOT BETWEEN 1 AND 10000 THEN
    RAISE EXCEPTION 'give 1 to 10000 guests' USING ERRCODE = '22023', COLUMN = 'customers';
  END IF;
  SELECT array_agg(h.customer_id) INTO held FROM (
    SELECT c.customer_id FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = ANY (wanted) AND c.status IN ('active', 'blocked')
    ORDER BY c.customer_id FOR NO KEY UPDATE) AS h;
  IF cardinality(held) IS DISTINCT FROM cardinality(wanted) THEN
    SELECT min(c) INTO unfit FROM unnest(customers) AS c WHERE crm.key(c) <> ALL (COALESCE(held, '{}'));
    IF EXISTS (SELECT FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = crm.key(unfit)) THEN
      RAISE EXCEPTION 'customer "%" was merged or erased', unfit USING ERRCODE = 'CR409', COLUMN = 'customers';
    END IF;
    RAISE EXCEPTION 'unknown customer "%"', unfit USING ERRCODE = 'CR404', COLUMN = 'customers';
  END IF;
  RETURN held;
END
$$;
COMMENT ON FUNCTION crm.hold_customers(int, text[]) IS 'Locks guests of an organisation in the order of their keys; CR404 for an unknown one, CR409 for one who was merged or erased';

CREATE OR REPLACE FUNCTION crm.tag_customers(customers text[], tags text[], expires_at timestamptz DEFAULT NULL) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
#variable_conflict use_variable
DECLARE
  org int := crm.acting_org();
  guests uuid[];
  wanted int[];
  full_of text;
  added uuid[];
  written int;
BEGIN
  IF expires_at <= crm.now() OR NOT isfinite(expires_at) THEN
    RAISE EXCEPTION 'expires_at must be to come' USING ERRCODE = '22023', COLUMN = 'expires_at';
  END IF;
  wanted := crm.tags_named(org, tags, true);
  guests := crm.hold_customers(org, customers);
  WITH put AS (
    INSERT INTO crm.customer_tag AS t (org_id, origin_id, tag_id, customer_id, added_by, expires_at)
    SELECT org, g, w, g, (SELECT c.principal_id FROM crm.caller() AS c), expires_at FROM unnest(guests) AS g CROSS JOIN unnest(wanted) AS w
    ON CONFLICT (org_id, origin_id, tag_id) DO UPDATE SET expires_at = excluded.expires_at, added_by = excluded.added_by, added_at = excluded.added_at
      WHERE t.expires_at IS DISTINCT FROM excluded.expires_at
    RETURNING t.customer_id
  )
  SELECT count(*), array_agg(DISTINCT p.customer_id) INTO written, added FROM put AS p;
  SELECT c.ref INTO full_of FROM crm.customer AS c
  WHERE c.org_id = org AND c.customer_id = ANY (added)
    AND (SELECT count(DISTINCT t.tag_id) FROM crm.customer_tag AS t WHERE t.org_id = org AND t.customer_id = c.customer_id) > 50 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'customer "%" would have more than 50 tags', full_of USING ERRCODE = 'CR409', COLUMN = 'tags';
  END IF;
  PERFORM crm.follow_profiles(org, added, 'tag');
  RETURN written;
END
$$;
ALTER FUNCTION crm.tag_customers(text[], text[], timestamptz) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.tag_customers(text[], text[], timestamptz) IS 'Puts tags, by name (new ones are made), on guests (the CRM''s ids or the platform''s), at most 50 tags and 10,000 guests, until an instant or (null) for good; again changes when they expire. Returns how many were put on or changed. All or nothing: CR404 for an unknown guest, CR409 for one merged, erased or with more than 50 tags, or a tag given by a rule; 22023 names the parameter at fault.';
GRANT EXECUTE ON FUNCTION crm.tag_customers(text[], text[], timestamptz) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.untag_customers(customers text[], tags text[]) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  org int := crm.acting_org();
  wanted int[] := crm.tags_named(org, tags, false);
  guests uuid[] := crm.hold_customers(org, customers);
  removed uuid[];
  written int;
BEGIN
  WITH gone AS (
    DELETE FROM crm.customer_tag AS t WHERE t.org_id = org AND t.customer_id = ANY (guests) AND t.tag_id = ANY (wanted) RETURNING t.customer_id, t.tag_id
  )
  SELECT count(DISTINCT (g.customer_id, g.tag_id)), array_agg(DISTINCT g.customer_id) INTO written, removed FROM gone AS g;
  PERFORM crm.follow_profiles(org, removed, 'tag');
  RETURN written;
END
$$;
ALTER FUNCTION crm.untag_customers(text[], text[]) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.untag_customers(text[], text[]) IS 'Takes tags, by name, off guests (the CRM''s ids or the platform''s); returns how many were taken off. CR404 for an unknown guest or tag, CR409 for a merged or erased guest, or a tag given by a rule.';
GRANT EXECUTE ON FUNCTION crm.untag_customers(text[], text[]) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.save_tag(name text, colour text DEFAULT NULL, segment int DEFAULT NULL, new_name text DEFAULT NULL) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
#variable_conflict use_variable
DECLARE
  org int := crm.acting_org();
  shown text := crm.tag_name(COALESCE(new_name, name));
  found_tag crm.tag;
BEGIN
  IF COALESCE(shown, '') = '' OR length(shown) > 60 THEN
    RAISE EXCEPTION 'a tag has 1 to 60 characters' USING ERRCODE = '22023', COLUMN = CASE WHEN new_name IS NULL THEN 'name' ELSE 'new_name' END;
  END IF;
  IF lower(colour) !~ '^#[0-9a-f]{6}$' THEN
    RAISE EXCEPTION '"%" is no colour', left(colour, 60) USING ERRCODE = '22023', COLUMN = 'colour', HINT = 'Such as #c0392b.';
  END IF;
  IF segment IS NOT NULL AND NOT EXISTS (SELECT FROM crm.segment AS s WHERE s.org_id = org AND s.segment_id = segment AND s.archived_at IS NULL) THEN
    RAISE EXCEPTION 'unknown segment %', segment USING ERRCODE = 'CR404', COLUMN = 'segment';
  END IF;
  SELECT * INTO found_tag FROM crm.tag AS t WHERE t.org_id = org AND t.name_key = crm.tag_key(name) FOR UPDATE;
  IF NOT FOUND AND new_name IS NOT NULL THEN
    RAISE EXCEPTION 'unknown tag "%"', name USING ERRCODE = 'CR404', COLUMN = 'name';
  END IF;
  IF segment IS NOT NULL AND EXISTS (SELECT FROM crm.customer_tag AS t WHERE t.org_id = org AND t.tag_id = found_tag.tag_id) THEN
    RAISE EXCEPTION 'tag "%" was put on guests by hand', name USING ERRCODE = 'CR409', COLUMN = 'segment', HINT = 'A tag is given either by hand or by a rule: make another for the rule.';
  END IF;
  IF found_tag.tag_id IS NULL THEN
    INSERT INTO crm.tag (org_id, name, name_key, colour, segment_id, created_by)
    VALUES (org, shown, crm.tag_key(shown), lower(colour), segment, (SELECT c.principal_id FROM crm.caller() AS c)) RETURNING * INTO found_tag;
  ELSE
    UPDATE crm.tag AS t SET name = shown, name_key = crm.tag_key(shown), colour = lower(colour), segment_id = segment WHERE t.org_id = org AND t.tag_id = found_tag.tag_id;
    IF crm.tag_key(shown) <> found_tag.name_key THEN
      PERFORM crm.follow_profiles(org, ARRAY(SELECT t.customer_id FROM crm.customer_tag AS t WHERE t.org_id = org AND t.tag_id = found_tag.tag_id), 'tag');
    END IF;
  END IF;
  RETURN found_tag.tag_id;
EXCEPTION WHEN unique_violation THEN
  RAISE EXCEPTION 'there is a tag "%" already', shown USING ERRCODE = 'CR409', COLUMN = 'new_name';
END
$$;
ALTER FUNCTION crm.save_tag(text, text, int, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.save_tag(text, text, int, text) IS 'Makes a tag or changes it: its colour (#rrggbb), the segment whose members have it (null: it is put on by hand), its name. Returns its number. 22023 names the parameter at fault; CR404 for an unknown segment, or tag to rename; CR409 for a name that is taken, or a rule for a tag that was put on by hand.';
GRANT EXECUTE ON FUNCTION crm.save_tag(text, text, int, text) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.delete_tag(name text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  org int := crm.acting_org();
  gone int;
  guests uuid[];
BEGIN
  SELECT t.tag_id INTO gone FROM crm.tag AS t WHERE t.org_id = org AND t.name_key = crm.tag_key(delete_tag.name) FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown tag "%"', name USING ERRCODE = 'CR404', COLUMN = 'name';
  END IF;
  guests := ARRAY(SELECT DISTINCT t.customer_id FROM crm.customer_tag AS t WHERE t.org_id = org AND t.tag_id = gone);
  DELETE FROM crm.tag AS t WHERE t.org_id = org AND t.tag_id = gone;
  PERFORM crm.follow_profiles(org, guests, 'tag');
  RETURN cardinality(guests);
END
$$;
ALTER FUNCTION crm.delete_tag(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.delete_tag(text) IS 'Deletes a tag and takes it off all guests; returns how many had it by hand. CR404 for an unknown one.';
GRANT EXECUTE ON FUNCTION crm.delete_tag(text) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.tag_list() RETURNS TABLE (tag_id int, name text, colour text, segment_id int, guests bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT t.tag_id, t.name, t.colour, t.segment_id,
         CASE WHEN t.segment_id IS NOT NULL THEN (SELECT crm.members_of(s.org_id, s.segment_id, s.venue_id, s.label) FROM crm.segment AS s WHERE s.org_id = t.org_id AND s.segment_id = t.segment_id)
              ELSE (SELECT count(DISTINCT g.customer_id) FROM crm.customer_tag AS g
                    WHERE g.org_id = t.org_id AND g.tag_id = t.tag_id AND (g.expires_at IS NULL OR g.expires_at > crm.now())) END
  FROM crm.tag AS t WHERE t.org_id = crm.acting_org() ORDER BY t.name_key
$$;
ALTER FUNCTION crm.tag_list() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.tag_list() IS 'Tags of the caller''s organisation, with the segment whose rule gives them and how many guests have them now';
GRANT EXECUTE ON FUNCTION crm.tag_list() TO crm_staff;

CREATE OR REPLACE FUNCTION crm.guests_with_tag(org int, tag text) RETURNS SETOF uuid
LANGUAGE sql STABLE
AS $$
  SELECT g.customer_id FROM crm.guest_tag AS g
  WHERE g.org_id = org AND g.tag_id = (SELECT t.tag_id FROM crm.tag AS t WHERE t.org_id = org AND t.name_key = crm.tag_key(tag)) LIMIT 200
$$;
COMMENT ON FUNCTION crm.guests_with_tag(int, text) IS 'At most 200 guests who have a tag';

CREATE OR REPLACE FUNCTION crm.expire_tags(most int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  gone record;
  written int := 0;
BEGIN
  FOR gone IN
    WITH due AS (
      SELECT t.org_id, t.origin_id, t.tag_id FROM crm.customer_tag AS t WHERE t.expires_at <= crm.now() ORDER BY t.expires_at LIMIT most FOR UPDATE SKIP LOCKED
    ), removed AS (
      DELETE FROM crm.customer_tag AS t USING due AS d WHERE t.org_id = d.org_id AND t.origin_id = d.origin_id AND t.tag_id = d.tag_id RETURNING t.org_id, t.customer_id
    )
    SELECT r.org_id, array_agg(DISTINCT r.customer_id) AS guests, count(*)::int AS tags FROM removed AS r GROUP BY r.org_id
  LOOP
    PERFORM crm.follow_profiles(gone.org_id, gone.guests, 'tag');
    written := written + gone.tags;
  END LOOP;
  RETURN written;
END
$$;
ALTER FUNCTION crm.expire_tags(int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.expire_tags(int) IS 'Removes at most so many tags whose time is over and has segments follow; returns how many. Part of the sweep.';
