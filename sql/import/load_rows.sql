-- Loading a file, a chunk of rows at a time. What runs inside crm.load_chunk, which pins the path, is given the file.
CREATE OR REPLACE FUNCTION crm.load_chunk(org int, import int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- The tables grow under a plan that is kept.
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_variable
DECLARE
  i crm.import;
  file crm.known_import;
  last_row int;
BEGIN
  SELECT * INTO i FROM crm.import AS f WHERE f.org_id = org AND f.import_id = import AND f.state IN ('queued', 'running') FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 0;
  END IF;
  last_row := LEAST(i.done_to + 1000, i.rows);
  file := ROW(i.org_id, i.import_id, i.venue_id, i.options, i.created_by, i.started_at, i.finished_at)::crm.known_import;
  PERFORM crm.act_for(i.created_by);
  BEGIN
    PERFORM crm.load_rows(file, i.done_to + 1, last_row);
  EXCEPTION
    WHEN lock_not_available OR deadlock_detected OR serialization_failure OR query_canceled THEN
      RAISE;
    WHEN OTHERS THEN
      -- One of them cannot be loaded: row by row, so that only it is rejected.
      FOR n IN i.done_to + 1 .. last_row LOOP
        BEGIN
          PERFORM crm.load_rows(file, n, n);
        EXCEPTION
          WHEN lock_not_available OR deadlock_detected OR serialization_failure OR query_canceled THEN
            RAISE;
          WHEN OTHERS THEN
            UPDATE crm.import_row AS r SET outcome = 'rejected', reason = SQLERRM, customer_id = NULL WHERE r.org_id = org AND r.import_id = import AND r.row_no = n;
        END;
      END LOOP;
  END;
  UPDATE crm.import AS f
  SET state = CASE WHEN last_row = i.rows THEN 'done' ELSE 'running' END, done_to = last_row, failure = NULL, started_at = COALESCE(i.started_at, clock_timestamp()),
      finished_at = CASE WHEN last_row = i.rows THEN clock_timestamp() END
  WHERE f.org_id = org AND f.import_id = import;
  RETURN last_row - i.done_to;
END
$$;
ALTER FUNCTION crm.load_chunk(int, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.load_chunk(int, int) IS 'Loads the next 1,000 rows of a file; returns how many, 0 when there are no more';

CREATE OR REPLACE FUNCTION crm.act_for(principal uuid) RETURNS void
LANGUAGE sql
AS $$
  SELECT crm.set_caller(p.principal_id) FROM crm.principal AS p WHERE p.principal_id = principal
$$;
COMMENT ON FUNCTION crm.act_for(uuid) IS 'Does what follows in the transaction in the name of a principal, if there still is one';

CREATE OR REPLACE FUNCTION crm.load_rows(i crm.known_import, from_row int, to_row int) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
  rows int[];
  guests uuid[];
  made uuid[];
  changed uuid[];
BEGIN
  PERFORM crm.reject_rows(i.org_id, i.import_id, from_row, to_row);
  -- As crm.capture_customer does, so that the second finds whom the first has made: the look-up is a statement of its own.
  PERFORM pg_advisory_xact_lock(k.key) FROM (
    SELECT DISTINCT hashtextextended('crm.capture ' || i.org_id || ' ' || (r.guest ->> 'phone_e164'), 0) AS key FROM crm.import_row AS r
    WHERE r.org_id = i.org_id AND r.import_id = i.import_id AND r.row_no BETWEEN from_row AND to_row AND r.outcome = 'new' AND r.guest ? 'phone_e164' ORDER BY 1) AS k;
  SELECT COALESCE(array_agg(m.row_no ORDER BY m.row_no), '{}'), COALESCE(array_agg(m.customer_id ORDER BY m.row_no), '{}') INTO rows, guests
  FROM crm.match_rows(i.org_id, i.import_id, from_row, to_row) AS m;
  UPDATE crm.import_row AS r SET customer_id = NULL
  WHERE r.org_id = i.org_id AND r.import_id = i.import_id AND r.row_no BETWEEN from_row AND to_row AND r.customer_id IS NOT NULL AND r.row_no <> ALL (rows);
  PERFORM crm.note_guests(i, rows, guests, NULL);
  PERFORM crm.reject_unmatched(i.org_id, i.import_id, from_row, to_row);
  made := crm.make_guests(i, from_row, to_row);
  UPDATE crm.import_row AS r
  SET customer_id = f.customer_id, outcome = CASE WHEN f.customer_id IS NULL THEN 'rejected' ELSE r.outcome END,
      reason = CASE WHEN f.customer_id IS NULL THEN format('the same guest as line %s, which was rejected', f.line) ELSE r.reason END
  FROM crm.import_row AS f
  WHERE r.org_id = i.org_id AND r.import_id = i.import_id AND r.row_no BETWEEN from_row AND to_row AND r.outcome = 'duplicate'
    AND f.org_id = i.org_id AND f.import_id = i.import_id AND f.row_no = r.same_as;
  changed := crm.fill_guests(i, from_row, to_row)
    || crm.load_tags(i, from_row, to_row) || crm.load_addresses(i, from_row, to_row);
  PERFORM crm.load_notes(i, from_row, to_row);
  PERFORM crm.load_consents(i, from_row, to_row);
  UPDATE crm.import_row AS r SET outcome = CASE WHEN r.written IS NOT NULL THEN 'filled' WHEN r.same_as IS NOT NULL THEN 'duplicate' ELSE 'unchanged' END
  WHERE r.org_id = i.org_id AND r.import_id = i.import_id AND r.row_no BETWEEN from_row AND to_row AND r.outcome NOT IN ('rejected', 'created');
  -- Last, as sales wait for guests who are being looked at.
  PERFORM crm.follow_scope(i.org_id, '00000000-0000-0000-0000-000000000000', crm.hold_guests(i.org_id, '00000000-0000-0000-0000-000000000000', made, false), 'profile')
  WHERE cardinality(made) > 0;
  PERFORM crm.follow_profiles(i.org_id, ARRAY(SELECT u.id FROM unnest(changed) AS u(id) EXCEPT SELECT u.id FROM unnest(made) AS u(id)));
END
$$;
COMMENT ON FUNCTION crm.load_rows(crm.known_import, int, int) IS 'Loads some rows of a file';

CREATE OR REPLACE FUNCTION crm.note_guests(i crm.known_import, rows int[], guests uuid[], outcome text) RETURNS void
LANGUAGE sql
-- Rows that were just written look like none to the planner.
SET enable_nestloop = off
AS $$
  UPDATE crm.import_row AS r SET customer_id = n.customer_id, outcome = COALESCE(note_guests.outcome, r.outcome)
  FROM unnest(rows, guests) AS n(row_no, customer_id)
  WHERE r.org_id = i.org_id AND r.import_id = i.import_id AND r.row_no BETWEEN rows[1] AND rows[cardinality(rows)] AND r.row_no = n.row_no
    AND r.outcome <> 'rejected' AND (r.customer_id IS DISTINCT FROM n.customer_id OR note_guests.outcome IS NOT NULL)
$$;
COMMENT ON FUNCTION crm.note_guests(crm.known_import, int[], uuid[], text) IS 'Notes whose some rows of a file are, ascending, and their outcome unless it is null';

CREATE OR REPLACE FUNCTION crm.make_guests(i crm.known_import, from_row int, to_row int) RETURNS uuid[]
LANGUAGE plpgsql
AS $$
DECLARE
  rows int[];
  profiles jsonb[];
  refs text[];
  made text[];
  guests uuid[];
  bound text[] := crm.bound_customer_fields();
BEGIN
  SELECT array_agg(r.row_no ORDER BY r.row_no), array_agg(r.guest -> 'profile' ORDER BY r.row_no),
         array_agg(COALESCE(r.guest ->> 'ref', crm.new_id()::text) ORDER BY r.row_no) INTO rows, profiles, refs
  FROM crm.import_row AS r
  WHERE r.org_id = i.org_id AND r.import_id = i.import_id AND r.row_no BETWEEN from_row AND to_row
    AND r.customer_id IS NULL AND r.same_as IS NULL AND r.outcome <> 'rejected';
  IF rows IS NULL THEN
    RETURN '{}';
  END IF;
  IF bound IS NOT NULL THEN
    refs := crm.platform_ids(cardinality(rows));
  END IF;
  -- Ahead of the platform, whose trigger then finds them there and writes only what the platform made of them.
  INSERT INTO crm.customer (org_id, customer_id, ref, name, phone, phone_region, email, birth_date, birthday, gender, language, document, source, created_by)
  SELECT i.org_id, crm.key(n.ref), n.ref, p.name, p.phone, p.phone_region, p.email, p.birth_date, p.birthday, p.gender, p.language, p.document, 'import', i.created_by
  FROM unnest(refs, profiles) AS n(ref, profile) CROSS JOIN LATERAL jsonb_populate_record(NULL::crm.customer, n.profile) AS p
  WHERE n.ref IS NOT NULL;
  IF bound IS NOT NULL THEN
    made := crm.create_platform_customers(i.org_id, profiles, refs);
    IF made IS DISTINCT FROM refs THEN
      -- The ids are the platform's own.
      DELETE FROM crm.customer AS c WHERE c.org_id = i.org_id AND c.customer_id IN (SELECT crm.key(n.ref) FROM unnest(refs) AS n(ref)) AND c.ref <> ALL (made);
      -- Where its trigger could not bring them.
      PERFORM crm.ensure_customers(i.org_id, made);
      UPDATE crm.customer AS c
      SET (birth_date, birthday, phone_region, gender, language, document, source, created_by) = (
        SELECT p.birth_date, p.birthday, p.phone_region, p.gender, p.language, p.document, 'import', i.created_by
        FROM jsonb_populate_record(c, n.profile - bound) AS p)
      FROM unnest(made, profiles) AS n(ref, profile)
      WHERE c.org_id = i.org_id AND c.customer_id = crm.key(n.ref);
      refs := made;
    END IF;
  END IF;
  guests := ARRAY(SELECT crm.key(n.ref) FROM unnest(refs) WITH ORDINALITY AS n(ref, place) ORDER BY n.place);
  PERFORM crm.unlist_guests(i.org_id, guests);
  PERFORM crm.note_guests(i, rows, guests, 'created');
  RETURN guests;
END
$$;
COMMENT ON FUNCTION crm.make_guests(crm.known_import, int, int) IS 'Makes guests of rows of a file that were matched with none, in the platform''s own table where that is bound';

CREATE OR REPLACE FUNCTION crm.fill_guests(i crm.known_import, from_row int, to_row int) RETURNS uuid[]
LANGUAGE plpgsql
AS $$
DECLARE
  overwrite boolean := COALESCE((i.options ->> 'overwrite')::boolean, false);
  bound text[] := COALESCE(crm.bound_customer_fields(), '{}');
  change record;
  platform_has boolean;
  guests uuid[] := '{}';
BEGIN
  FOR change IN
    WITH given AS MATERIALIZED (
      -- Of several rows of one guest, the first that says something is taken at its word.
      SELECT r.customer_id, min(r.row_no) AS row_no,
             jsonb_build_object('profile', (array_agg(r.guest -> 'profile' ORDER BY r.row_no))[1], 'phone_e164', (array_agg(r.guest -> 'phone_e164' ORDER BY r.row_no))[1],
                                'email_key', (array_agg(r.guest -> 'email_key' ORDER BY r.row_no))[1]) AS first,
             array_agg(r.guest ORDER BY r.row_no) AS all_rows
      FROM crm.import_row AS r
      WHERE r.org_id = i.org_id AND r.import_id = i.import_id AND r.row_no BETWEEN from_row AND to_row AND r.outcome NOT IN ('rejected', 'created')
      GROUP BY r.customer_id
    ), told AS (
      SELECT g.customer_id, g.row_no, CASE WHEN cardinality(g.all_rows) = 1 THEN g.first ELSE crm.merged_rows(g.all_rows) END AS guest FROM given AS g
    ), held AS MATERIALIZED (
      SELECT c AS guest, t.row_no, t.guest AS given FROM told AS t JOIN crm.customer AS c ON c.org_id = i.org_id AND c.customer_id = t.customer_id
      ORDER BY c.customer_id FOR NO KEY UPDATE OF c
    )
    SELECT (h.guest).customer_id, (h.guest).ref, h.row_no, f.fields, to_jsonb(h.guest) AS former
    FROM held AS h CROSS JOIN LATERAL (SELECT crm.guest_changes(h.guest, h.given, overwrite) AS fields OFFSET 0) AS f
    WHERE f.fields <> '{}'
  LOOP
    platform_has := change.fields ?| bound AND crm.write_platform_customer(change.ref, change.fields);
    UPDATE crm.customer AS c
    SET (name, phone, phone_region, email, birth_date, birthday, gender, language, document, updated_at) = (
      SELECT p.name, p.phone, p.phone_region, p.email, p.birth_date, p.birthday, p.gender, p.language, p.document, clock_timestamp()
      FROM jsonb_populate_record(c, CASE WHEN platform_has THEN change.fields - bound ELSE change.fields END) AS p)
    WHERE c.org_id = i.org_id AND c.customer_id = change.customer_id;
    UPDATE crm.import_row AS r
    SET written = jsonb_build_object('fields', (
      SELECT jsonb_object_agg(k.key, jsonb_build_array(change.former -> k.key, to_jsonb(c) -> k.key))
      FROM crm.customer AS c
      -- With the day its year goes.
      CROSS JOIN LATERAL (SELECT jsonb_object_keys(change.fields) UNION SELECT 'birthday' WHERE change.fields ? 'birth_date') AS k(key)
      WHERE c.org_id = i.org_id AND c.customer_id = change.customer_id AND change.former -> k.key IS DISTINCT FROM to_jsonb(c) -> k.key))
    WHERE r.org_id = i.org_id AND r.import_id = i.import_id AND r.row_no = change.row_no;
    guests := guests || change.customer_id;
  END LOOP;
  RETURN guests;
END
$$;
COMMENT ON FUNCTION crm.fill_guests(crm.known_import, int, int) IS 'Writes what rows of a file say of guests who were known, in the platform''s own table where it has them; returns whom it changed';

CREATE OR REPLACE FUNCTION crm.merged_rows(guests jsonb[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE
AS $$
  SELECT jsonb_build_object('profile', (SELECT jsonb_object_agg(p.key, p.value ORDER BY g.n DESC) FROM unnest(guests) WITH ORDINALITY AS g(guest, n), jsonb_each(g.guest -> 'profile') AS p),
    'phone_e164', (SELECT g.guest -> 'phone_e164' FROM unnest(guests) WITH ORDINALITY AS g(guest, n) WHERE g.guest ? 'phone_e164' ORDER BY g.n LIMIT 1),
    'email_key', (SELECT g.guest -> 'email_key' FROM unnest(guests) WITH ORDINALITY AS g(guest, n) WHERE g.guest ? 'email_key' ORDER BY g.n LIMIT 1))
$$;
COMMENT ON FUNCTION crm.merged_rows(jsonb[]) IS 'Several rows of one guest as one: of each field the first';

CREATE OR REPLACE FUNCTION crm.load_tags(i crm.known_import, from_row int, to_row int) RETURNS uuid[]
LANGUAGE plpgsql
SET enable_nestloop = off
AS $$
DECLARE
  guests uuid[];
  full_of text;
BEGIN
  INSERT INTO crm.tag (org_id, name, name_key, created_by)
  SELECT DISTINCT ON (crm.tag_key(g.name)) i.org_id, crm.tag_name(g.name), crm.tag_key(g.name), i.created_by
  FROM crm.import_row AS r CROSS JOIN LATERAL jsonb_array_elements_text(r.guest -> 'tags') AS g(name)
  WHERE r.org_id = i.org_id AND r.import_id = i.import_id AND r.row_no BETWEEN from_row AND to_row AND r.outcome <> 'rejected'
  ORDER BY crm.tag_key(g.name), r.row_no
  ON CONFLICT (org_id, name_key) DO NOTHING;
  WITH put AS (
    INSERT INTO crm.customer_tag (org_id, origin_id, tag_id, customer_id, added_by)
    SELECT DISTINCT i.org_id, r.customer_id, t.tag_id, r.customer_id, i.created_by
    FROM crm.import_row AS r CROSS JOIN LATERAL jsonb_array_elements_text(r.guest -> 'tags') AS g(name)
    JOIN crm.tag AS t ON t.org_id = i.org_id AND t.name_key = crm.tag_key(g.name)
    WHERE r.org_id = i.org_id AND r.import_id = i.import_id AND r.row_no BETWEEN from_row AND to_row AND r.outcome <> 'rejected'
    ON CONFLICT (org_id, origin_id, tag_id) DO NOTHING
    RETURNING customer_id, tag_id
  ), of_guest AS (
    SELECT p.customer_id, jsonb_agg(p.tag_id) AS tags, f.row_no FROM put AS p JOIN crm.first_rows_of_guests(i, from_row, to_row) AS f ON f.customer_id = p.customer_id
    GROUP BY p.customer_id, f.row_no
  ), noted AS (
    UPDATE crm.import_row AS r SET written = COALESCE(r.written, '{}') || jsonb_build_object('tags', g.tags)
    FROM of_guest AS g WHERE r.org_id = i.org_id AND r.import_id = i.import_id AND r.row_no BETWEEN from_row AND to_row AND r.row_no = g.row_no
  )
  SELECT array_agg(g.customer_id) INTO guests FROM of_guest AS g;
  SELECT c.ref INTO full_of FROM crm.customer AS c
  WHERE c.org_id = i.org_id AND c.customer_id = ANY (guests)
    AND (SELECT count(DISTINCT t.tag_id) FROM crm.customer_tag AS t WHERE t.org_id = i.org_id AND t.customer_id = c.customer_id) > 50 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'customer "%" would have more than 50 tags', full_of USING ERRCODE = 'CR409', COLUMN = 'tags';
  END IF;
  RETURN COALESCE(guests, '{}');
END
$$;
COMMENT ON FUNCTION crm.load_tags(crm.known_import, int, int) IS 'Puts the tags of rows of a file on their guests; returns on whom';

CREATE OR REPLACE FUNCTION crm.first_rows_of_guests(i crm.known_import, from_row int, to_row int) RETURNS TABLE (customer_id uuid, row_no int)
LANGUAGE sql STABLE
AS $$
  SELECT r.customer_id, min(r.row_no) FROM crm.import_row AS r
  WHERE r.org_id = i.org_id AND r.import_id = i.import_id AND r.row_no BETWEEN from_row AND to_row AND r.customer_id IS NOT NULL
  GROUP BY r.customer_id
$$;
COMMENT ON FUNCTION crm.first_rows_of_guests(crm.known_import, int, int) IS 'The first of some rows of a file that is of each guest: it keeps what was written about him';

CREATE OR REPLACE FUNCTION crm.load_addresses(i crm.known_import, from_row int, to_row int) RETURNS uuid[]
LANGUAGE plpgsql
SET enable_nestloop = off
AS $$
DECLARE
  guests uuid[];
BEGIN
  WITH given AS (
    SELECT DISTINCT ON (r.customer_id) r.customer_id, r.guest -> 'address' AS address FROM crm.import_row AS r
    WHERE r.org_id = i.org_id AND r.import_id = i.import_id AND r.row_no BETWEEN from_row AND to_row AND r.outcome <> 'rejected' AND r.guest ? 'address'
    ORDER BY r.customer_id, r.row_no
  ), put AS (
    INSERT INTO crm.customer_contact (org_id, origin_id, customer_id, kind, value, value_key, city, postal_code, created_by)
    SELECT i.org_id, g.customer_id, g.customer_id, 'address', g.address ->> 'value', lower(left(g.address ->> 'value', 200)), g.address ->> 'city',
           g.address ->> 'postal_code', i.created_by
    FROM given AS g WHERE NOT crm.has_address(i.org_id, g.customer_id, g.address)
    RETURNING customer_id, contact_id, value
  ), noted AS (
    UPDATE crm.import_row AS r SET written = COALESCE(r.written, '{}') || jsonb_build_object('contact', p.contact_id)
    FROM put AS p JOIN crm.first_rows_of_guests(i, from_row, to_row) AS f ON f.customer_id = p.customer_id
    WHERE r.org_id = i.org_id AND r.import_id = i.import_id AND r.row_no BETWEEN from_row AND to_row AND r.row_no = f.row_no
  ), logged AS (
    INSERT INTO crm.profile_change (org_id, customer_id, field, new_value, changed_by)
    SELECT i.org_id, p.customer_id, 'contact.address', p.value, i.created_by FROM put AS p
  )
  SELECT array_agg(p.customer_id) INTO guests FROM put AS p;
  IF EXISTS (SELECT FROM unnest(guests) AS u(id) WHERE (SELECT count(*) FROM crm.customer_contact AS c WHERE c.org_id = i.org_id AND c.customer_id = u.id) > 50) THEN
    RAISE EXCEPTION 'a guest has at most 50 contacts' USING ERRCODE = 'CR409', COLUMN = 'address';
  END IF;
  RETURN COALESCE(guests, '{}');
END
$$;
COMMENT ON FUNCTION crm.load_addresses(crm.known_import, int, int) IS 'Records the addresses of rows of a file, where they were not known; returns whose';

CREATE OR REPLACE FUNCTION crm.load_notes(i crm.known_import, from_row int, to_row int) RETURNS void
LANGUAGE sql
SET enable_nestloop = off
AS $$
  WITH given AS (
    SELECT DISTINCT ON (r.customer_id) r.customer_id, r.row_no, r.guest ->> 'note' AS body FROM crm.import_row AS r
    WHERE r.org_id = i.org_id AND r.import_id = i.import_id AND r.row_no BETWEEN from_row AND to_row AND r.outcome <> 'rejected' AND r.guest ? 'note'
    ORDER BY r.customer_id, r.row_no
  ), put AS (
    INSERT INTO crm.note (org_id, venue_id, origin_id, customer_id, body, author_id, author)
    SELECT i.org_id, i.venue_id, g.customer_id, g.customer_id, g.body, i.created_by,
           COALESCE((SELECT p.name FROM crm.principal AS p WHERE p.org_id = i.org_id AND p.principal_id = i.created_by), 'database administrator')
    FROM given AS g WHERE NOT crm.has_note(i.org_id, i.venue_id, g.customer_id, g.body)
    RETURNING customer_id, note_id
  )
  UPDATE crm.import_row AS r SET written = COALESCE(r.written, '{}') || jsonb_build_object('note', p.note_id)
  FROM put AS p JOIN crm.first_rows_of_guests(i, from_row, to_row) AS f ON f.customer_id = p.customer_id
    WHERE r.org_id = i.org_id AND r.import_id = i.import_id AND r.row_no BETWEEN from_row AND to_row AND r.row_no = f.row_no
$$;
COMMENT ON FUNCTION crm.load_notes(crm.known_import, int, int) IS 'Writes the notes of rows of a file at its venue, where they are not there';
