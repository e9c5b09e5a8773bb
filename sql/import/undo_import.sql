CREATE OR REPLACE FUNCTION crm.undo_import(import int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
#variable_conflict use_variable
DECLARE
  org int := crm.org_of_import(import, '{queued,running,done}');
BEGIN
  UPDATE crm.import AS i SET state = CASE WHEN i.done_to = 0 THEN 'undone' ELSE 'undoing' END, failure = NULL,
    started_at = clock_timestamp(), finished_at = COALESCE(i.finished_at, clock_timestamp())
  WHERE i.org_id = org AND i.import_id = import;
END
$$;
ALTER FUNCTION crm.undo_import(int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.undo_import(int) IS 'Has the next crm.run_imports take a file back: fields that nobody changed since get their former values, its tags, addresses and notes go, and so do the guests it made whom nobody said anything of since and who never ordered. crm.import_rows(import, ''left'') says what stays, and why. CR404; CR409 for one that was not loaded.';
GRANT EXECUTE ON FUNCTION crm.undo_import(int) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.undo_chunk(org int, import int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_variable
DECLARE
  i crm.import;
  first_row int;
  at record;
  left_over text;
  changed uuid[] := '{}';
BEGIN
  SELECT * INTO i FROM crm.import AS f WHERE f.org_id = org AND f.import_id = import AND f.state = 'undoing' FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 0;
  END IF;
  first_row := GREATEST(i.done_to - 999, 1);
  PERFORM crm.act_for(i.created_by);
  -- Backwards: a guest goes after what later rows wrote about him.
  FOR at IN
    SELECT r.row_no, r.outcome, r.customer_id, r.written FROM crm.import_row AS r
    WHERE r.org_id = org AND r.import_id = import AND r.row_no BETWEEN first_row AND i.done_to AND (r.written IS NOT NULL OR r.outcome = 'created') ORDER BY r.row_no DESC
  LOOP
    left_over := crm.take_back(org, at.customer_id, COALESCE(at.written, '{}'));
    IF at.outcome = 'created' THEN
      left_over := COALESCE(left_over, crm.remove_guest(ROW(i.org_id, i.import_id, i.venue_id, i.options, i.created_by, i.started_at, i.finished_at)::crm.known_import, at.customer_id));
    END IF;
    UPDATE crm.import_row AS r SET outcome = CASE WHEN left_over IS NULL THEN 'undone' ELSE 'left' END, reason = left_over
    WHERE r.org_id = org AND r.import_id = import AND r.row_no = at.row_no;
    changed := changed || at.customer_id;
  END LOOP;
  PERFORM crm.follow_profiles(org, ARRAY(SELECT c.customer_id FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = ANY (changed)));
  UPDATE crm.import AS f
  SET done_to = first_row - 1, failure = NULL, state = CASE first_row WHEN 1 THEN 'undone' ELSE 'undoing' END, finished_at = CASE first_row WHEN 1 THEN clock_timestamp() ELSE f.finished_at END
  WHERE f.org_id = org AND f.import_id = import;
  RETURN i.done_to - first_row + 1;
END
$$;
ALTER FUNCTION crm.undo_chunk(int, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.undo_chunk(int, int) IS 'Takes the last 1,000 rows back of a file that were loaded; returns how many, 0 when there are no more';

-- Run inside crm.undo_chunk, which pins the path; every name is qualified.
CREATE OR REPLACE FUNCTION crm.take_back(org int, customer uuid, written jsonb) RETURNS text
LANGUAGE plpgsql
AS $$
#variable_conflict use_variable
DECLARE
  guest crm.customer;
  back jsonb;
  changed_since text;
BEGIN
  SELECT * INTO guest FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = customer FOR UPDATE;
  IF guest.status IN ('merged', 'erased') THEN
    RETURN format('the guest was %s since', guest.status);
  END IF;
  SELECT jsonb_object_agg(f.key, f.value -> 0) FILTER (WHERE to_jsonb(guest) -> f.key IS NOT DISTINCT FROM f.value -> 1),
         string_agg(f.key, ', ' ORDER BY f.key) FILTER (WHERE to_jsonb(guest) -> f.key IS DISTINCT FROM f.value -> 1) INTO back, changed_since
  FROM jsonb_each(written -> 'fields') AS f;
  PERFORM crm.write_profile(org, customer, back);
  DELETE FROM crm.customer_tag AS t WHERE t.org_id = org AND t.origin_id = customer AND t.tag_id IN (SELECT g.id::int FROM jsonb_array_elements_text(written -> 'tags') AS g(id));
  WITH gone AS (DELETE FROM crm.customer_contact AS c WHERE c.org_id = org AND c.contact_id = (written ->> 'contact')::bigint RETURNING c.customer_id, c.value)
  INSERT INTO crm.profile_change (org_id, customer_id, field, old_value, changed_by)
  SELECT org, g.customer_id, 'contact.address', g.value, (SELECT c.principal_id FROM crm.caller() AS c) FROM gone AS g;
  IF EXISTS (SELECT FROM crm.note AS n WHERE n.org_id = org AND n.corrects = (written ->> 'note')::bigint) THEN
    changed_since := concat_ws(', ', changed_since, 'note');
  ELSE
    DELETE FROM crm.note AS n WHERE n.org_id = org AND n.note_id = (written ->> 'note')::bigint;
  END IF;
  IF written ? 'consents' THEN
    PERFORM crm.take_back_consents(org, customer, written -> 'consents');
  END IF;
  RETURN CASE WHEN changed_since IS NOT NULL THEN 'changed since: ' || changed_since END;
EXCEPTION WHEN SQLSTATE 'CR409' OR SQLSTATE '55000' THEN
  RETURN SQLERRM;
END
$$;
COMMENT ON FUNCTION crm.take_back(int, uuid, jsonb) IS 'Takes back what a row of a file wrote about a guest, as far as it is as it was written; returns what is not';

CREATE OR REPLACE FUNCTION crm.remove_guest(i crm.known_import, customer uuid) RETURNS text
LANGUAGE plpgsql
AS $$
#variable_conflict use_variable
DECLARE
  guest crm.customer;
  reason text;
BEGIN
  SELECT * INTO guest FROM crm.customer AS c WHERE c.org_id = i.org_id AND c.customer_id = customer;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  reason := CASE
    WHEN guest.status = 'erased' THEN 'the guest was erased since'
    WHEN EXISTS (SELECT FROM crm.customer_venue_stats AS t WHERE t.org_id = i.org_id AND t.customer_id = customer) THEN 'the guest has ordered'
    WHEN EXISTS (SELECT FROM crm.note AS n WHERE n.org_id = i.org_id AND n.origin_id = customer) THEN 'there are notes about the guest'
    WHEN EXISTS (SELECT FROM crm.customer_tag AS t WHERE t.org_id = i.org_id AND t.origin_id = customer)
      OR EXISTS (SELECT FROM crm.customer_contact AS t WHERE t.org_id = i.org_id AND t.origin_id = customer) THEN 'the guest has tags or contacts'
    WHEN EXISTS (SELECT FROM crm.health_need AS t WHERE t.org_id = i.org_id AND t.origin_id = customer)
      OR EXISTS (SELECT FROM crm.stated_preference AS t WHERE t.org_id = i.org_id AND t.origin_id = customer) THEN 'the guest has needs or preferences'
    WHEN EXISTS (SELECT FROM crm.contact_ban AS t WHERE t.org_id = i.org_id AND t.origin_id = customer) THEN 'the guest is not to be contacted'
    WHEN EXISTS (SELECT FROM crm.consent_entry AS e WHERE e.org_id = i.org_id AND e.customer_id = customer AND e.source <> 'import') THEN 'the guest has said something of consent'
    WHEN EXISTS (SELECT FROM crm.profile_change AS p WHERE p.org_id = i.org_id AND p.customer_id = customer
                 -- What is being taken back is a change too.
                 AND p.changed_at > i.finished_at AND p.changed_at < i.started_at)
      THEN 'the profile was changed since' END;
  IF reason IS NOT NULL THEN
    RETURN reason;
  END IF;
  PERFORM crm.remove_platform_customer(guest.ref);
  -- The ledger stays.
  DELETE FROM crm.reachable_guest AS r WHERE r.org_id = i.org_id AND r.customer_id = customer;
  DELETE FROM crm.consent AS c WHERE c.org_id = i.org_id AND c.customer_id = customer;
  DELETE FROM crm.guest_link AS l WHERE l.org_id = i.org_id AND l.customer_id = customer;
  DELETE FROM crm.customer AS c WHERE c.org_id = i.org_id AND c.customer_id = customer;
  -- Who is not there is a member of nothing: he leaves his segments, on the ledger.
  PERFORM crm.follow_scope(i.org_id, '00000000-0000-0000-0000-000000000000', ARRAY[customer], 'profile');
  DELETE FROM crm.guest_segments AS g WHERE g.org_id = i.org_id AND g.customer_id = customer;
  DELETE FROM crm.listed_guest AS g WHERE g.org_id = i.org_id AND g.customer_id = customer;
  DELETE FROM crm.guest_text AS g WHERE g.org_id = i.org_id AND g.customer_id = customer;
  DELETE FROM crm.unlisted_guest AS g WHERE g.org_id = i.org_id AND g.customer_id = customer;
  RETURN NULL;
EXCEPTION
  WHEN insufficient_privilege THEN
    RETURN 'the platform''s table of customers may not be deleted from';
  WHEN integrity_constraint_violation OR SQLSTATE 'CR409' THEN
    RETURN SQLERRM;
END
$$;
COMMENT ON FUNCTION crm.remove_guest(crm.known_import, uuid) IS 'Removes a guest whom a file made, in the platform''s own table too, if nobody said anything of him since; returns why not';
