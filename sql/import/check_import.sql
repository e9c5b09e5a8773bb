CREATE OR REPLACE FUNCTION crm.check_import(import int) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
SET jit = off
SET plan_cache_mode = force_custom_plan
SET enable_nestloop = on
AS $$
#variable_conflict use_variable
DECLARE
  org int := crm.org_of_import(import, '{new,checked}');
  of_import crm.import;
BEGIN
  SELECT * INTO of_import FROM crm.import AS i WHERE i.org_id = org AND i.import_id = import;
  -- Nothing is known of rows that were just written, and many take a hash join.
  PERFORM set_config('enable_nestloop', CASE WHEN of_import.rows < 1000 THEN 'on' ELSE 'off' END, true);
  UPDATE crm.import_row AS r
  SET guest = CASE WHEN n.guest ->> 'problem' IS NULL THEN n.guest END, outcome = CASE WHEN n.guest ->> 'problem' IS NOT NULL THEN 'rejected' END,
      reason = n.guest ->> 'problem', same_as = NULL, customer_id = NULL
  FROM (SELECT i.row_no, crm.read_guest_row(i.cells, of_import.fields, of_import.day_first, crm.import_region(org, of_import.venue_id), crm.now()::date) AS guest
        FROM crm.import_row AS i WHERE i.org_id = org AND i.import_id = import AND i.readable OFFSET 0) AS n
  WHERE r.org_id = org AND r.import_id = import AND r.row_no = n.row_no;
  PERFORM crm.find_same_rows(org, import);
  PERFORM crm.reject_rows(org, import, 1, of_import.rows);
  UPDATE crm.import_row AS r
  SET customer_id = m.customer_id,
      outcome = CASE WHEN c.customer_id IS NULL THEN 'new' WHEN crm.changes_guest(c, r.guest, of_import.venue_id, COALESCE((of_import.options ->> 'overwrite')::boolean, false)) THEN 'matched' ELSE 'unchanged' END
  FROM crm.import_row AS n
  LEFT JOIN crm.match_rows(org, import, 1, of_import.rows) AS m ON m.row_no = n.row_no
  LEFT JOIN crm.customer AS c ON c.org_id = org AND c.customer_id = m.customer_id
  WHERE n.org_id = org AND n.import_id = import AND n.guest IS NOT NULL AND n.same_as IS NULL AND n.outcome IS NULL
    AND r.org_id = org AND r.import_id = import AND r.row_no = n.row_no;
  PERFORM crm.reject_unmatched(org, import, 1, of_import.rows);
  UPDATE crm.import_row AS r SET outcome = 'duplicate', reason = format('the same guest as line %s', f.line)
  FROM crm.import_row AS f
  WHERE r.org_id = org AND r.import_id = import AND r.outcome IS NULL AND f.org_id = org AND f.import_id = import AND f.row_no = r.same_as;
  UPDATE crm.import AS i SET state = 'checked' WHERE i.org_id = org AND i.import_id = import;
  RETURN crm.import_status(import);
END
$$;
ALTER FUNCTION crm.check_import(int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.check_import(int) IS 'Reads every row of a file as a guest and looks for him among those known, by reference, phone and e-mail, without changing any: returns crm.import_status with what would come of it. CR404; CR409 once it is queued.';
GRANT EXECUTE ON FUNCTION crm.check_import(int) TO crm_manager;

-- Run inside pinned functions; every name is qualified.
CREATE OR REPLACE FUNCTION crm.find_same_rows(org int, import int) RETURNS void
LANGUAGE plpgsql
AS $$
#variable_conflict use_variable
BEGIN
  -- Whoever has a reference is known by it alone: a family may share a phone.
  WITH keyed AS MATERIALIZED (
    SELECT r.row_no, k.key, r.guest ? 'ref' AND k.way > 1 AS has_ref
    FROM crm.import_row AS r
    CROSS JOIN LATERAL (VALUES (1, 'r' || (r.guest ->> 'ref')), (2, 'p' || (r.guest ->> 'phone_e164')), (3, 'e' || (r.guest ->> 'email_key'))) AS k(way, key)
    WHERE r.org_id = org AND r.import_id = import AND r.guest IS NOT NULL AND k.key IS NOT NULL
  ), same AS (
    SELECT k.row_no, min(k.first) AS first
    FROM (SELECT f.row_no, f.has_ref, min(f.row_no) OVER (PARTITION BY f.key) AS first FROM keyed AS f) AS k
    WHERE NOT k.has_ref GROUP BY k.row_no
  )
  UPDATE crm.import_row AS r SET same_as = s.first FROM same AS s
  WHERE r.org_id = org AND r.import_id = import AND r.row_no = s.row_no AND s.first < s.row_no;
  -- The same as one who is the same as another.
  WHILE FOUND LOOP
    UPDATE crm.import_row AS r SET same_as = f.same_as FROM crm.import_row AS f
    WHERE r.org_id = org AND r.import_id = import AND f.org_id = org AND f.import_id = import AND f.row_no = r.same_as AND f.same_as IS NOT NULL;
  END LOOP;
END
$$;
COMMENT ON FUNCTION crm.find_same_rows(int, int) IS 'Finds the rows of a file that are of one guest: each names the first of them';

CREATE OR REPLACE FUNCTION crm.match_rows(org int, import int, from_row int, to_row int) RETURNS TABLE (row_no int, customer_id uuid)
LANGUAGE sql STABLE
AS $$
  WITH wanted AS MATERIALIZED (
    SELECT r.row_no, r.guest ->> 'ref' AS ref, r.guest ->> 'phone_e164' AS phone_e164, crm.phone_digits(r.guest ->> 'phone_e164') AS digits,
           r.guest ->> 'email_key' AS email_key, r.guest #>> '{profile,name}' AS name
    FROM crm.import_row AS r
    WHERE r.org_id = match_rows.org AND r.import_id = match_rows.import AND r.row_no BETWEEN from_row AND to_row AND r.guest IS NOT NULL AND r.same_as IS NULL
  ), found AS (
    SELECT w.row_no, w.name, 1 AS way, crm.key(w.ref) AS customer_id FROM wanted AS w WHERE w.ref IS NOT NULL
    UNION ALL
    -- Looked up one by one: the planner takes a number for one that many have, and would read all guests for each chunk.
    SELECT w.row_no, w.name, 2, c.customer_id FROM wanted AS w
    CROSS JOIN LATERAL (SELECT c.customer_id FROM crm.customer AS c WHERE c.org_id = match_rows.org AND c.phone_digits IS NOT NULL
                          AND reverse(c.phone_digits) = reverse(w.digits) AND c.phone_e164 = w.phone_e164 OFFSET 0) AS c
    UNION ALL
    SELECT w.row_no, w.name, 2, c.customer_id FROM wanted AS w
    JOIN crm.customer_contact AS c ON c.org_id = match_rows.org AND c.kind = 'phone' AND reverse(c.value_key) = reverse(w.digits)
    UNION ALL
    SELECT w.row_no, w.name, 3, c.customer_id FROM wanted AS w JOIN crm.customer AS c ON c.org_id = match_rows.org AND c.email_key = w.email_key
    UNION ALL
    SELECT w.row_no, w.name, 3, c.customer_id FROM wanted AS w
    JOIN crm.customer_contact AS c ON c.org_id = match_rows.org AND c.kind = 'email' AND c.value_key = w.email_key
  )
  SELECT DISTINCT ON (f.row_no) f.row_no, c.customer_id
  FROM found AS f
  LEFT JOIN crm.merged_customer AS m ON m.org_id = match_rows.org AND m.customer_id = f.customer_id
  JOIN crm.customer AS c ON c.org_id = match_rows.org AND c.customer_id = COALESCE(m.survivor_id, f.customer_id)
  WHERE c.status IN ('active', 'blocked')
    -- A guest made of another row of the file: its check has told the rows of one guest.
    AND (f.way = 1 OR NOT EXISTS (SELECT FROM crm.import_row AS o WHERE o.org_id = match_rows.org AND o.customer_id = c.customer_id
                                  AND o.import_id = match_rows.import AND o.outcome = 'created'))
  ORDER BY f.row_no, f.way, crm.name_similarity(c.name, f.name) DESC NULLS LAST,
           (SELECT max(t.last_order_at) FROM crm.customer_venue_stats AS t WHERE t.org_id = match_rows.org AND t.customer_id = c.customer_id) DESC NULLS LAST, c.customer_id
$$;
COMMENT ON FUNCTION crm.match_rows(int, int, int, int) IS 'Guests who are those of some rows of a file, by reference, else by phone, else by e-mail; of several with one number the one whose name is nearest, then who came last. For one who was merged, the survivor';

CREATE OR REPLACE FUNCTION crm.reject_rows(org int, import int, from_row int, to_row int) RETURNS void
LANGUAGE sql
AS $$
  UPDATE crm.import_row AS r SET outcome = 'rejected', reason = format('tag "%s" is given by a rule', t.name)
  FROM crm.tag AS t
  WHERE r.org_id = reject_rows.org AND r.import_id = reject_rows.import AND r.row_no BETWEEN from_row AND to_row
    AND t.org_id = reject_rows.org AND t.segment_id IS NOT NULL
    AND t.name_key IN (SELECT crm.tag_key(g.name) FROM jsonb_array_elements_text(r.guest -> 'tags') AS g(name))
$$;
COMMENT ON FUNCTION crm.reject_rows(int, int, int, int) IS 'Rejects rows of a file that cannot be loaded, whoever their guests are';

CREATE OR REPLACE FUNCTION crm.reject_unmatched(org int, import int, from_row int, to_row int) RETURNS void
LANGUAGE plpgsql
AS $$
#variable_conflict use_variable
DECLARE
  bound boolean := EXISTS (SELECT FROM crm.binding AS b WHERE b.entity = 'customer');
BEGIN
  UPDATE crm.import_row AS r
  SET outcome = 'rejected', reason = CASE WHEN crm.is_erased(org, r.guest ->> 'ref') THEN 'the guest with this reference was erased'
                                          ELSE format('the platform knows no customer "%s", and there is neither phone nor e-mail', r.guest ->> 'ref') END
  WHERE r.org_id = org AND r.import_id = import AND r.row_no BETWEEN from_row AND to_row AND r.customer_id IS NULL AND r.same_as IS NULL AND r.guest ? 'ref'
    AND r.outcome IS DISTINCT FROM 'rejected' AND (bound AND NOT r.guest ?| '{phone_e164,email_key}' OR crm.is_erased(org, r.guest ->> 'ref'));
END
$$;
COMMENT ON FUNCTION crm.reject_unmatched(int, int, int, int) IS 'Rejects rows of a file of whose reference no guest can be made';

CREATE OR REPLACE FUNCTION crm.is_erased(org int, ref text) RETURNS boolean
LANGUAGE sql STABLE
AS $$
  SELECT EXISTS (SELECT FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = crm.key(is_erased.ref) AND c.status = 'erased')
$$;
COMMENT ON FUNCTION crm.is_erased(int, text) IS 'Whether a guest was erased';

-- Tables are made after functions: a guest is a row of crm.customer.
CREATE OR REPLACE FUNCTION crm.guest_changes(guest anyelement, given jsonb, overwrite boolean) RETURNS jsonb
LANGUAGE sql IMMUTABLE
AS $$
  SELECT COALESCE(jsonb_object_agg(p.key, p.value), '{}')
         -- A day without its year, where another day with one is known.
         || CASE WHEN overwrite AND (given #>> '{profile,birthday}') <> guest.birthday AND NOT given -> 'profile' ? 'birth_date' AND guest.birth_date IS NOT NULL
                 THEN '{"birth_date": null}' ELSE '{}'::jsonb END
  FROM jsonb_each_text(given -> 'profile') AS p
  WHERE CASE p.key
    WHEN 'name' THEN NULLIF(guest.name, '') IS NULL OR overwrite AND guest.name <> p.value
    WHEN 'email' THEN NULLIF(guest.email, '') IS NULL OR overwrite AND guest.email_key IS DISTINCT FROM given ->> 'email_key'
    WHEN 'birth_date' THEN guest.birth_date IS NULL AND (guest.birthday IS NULL OR guest.birthday = to_char(p.value::date, 'MM-DD')) OR overwrite AND guest.birth_date IS DISTINCT FROM p.value::date
    WHEN 'birthday' THEN guest.birthday IS NULL OR overwrite AND guest.birthday <> p.value
    WHEN 'gender' THEN guest.gender IS NULL OR overwrite AND guest.gender <> p.value
    WHEN 'language' THEN guest.language IS NULL OR overwrite AND guest.language <> p.value
    WHEN 'document' THEN guest.document IS NULL OR overwrite AND guest.document <> p.value
    -- The region goes with the number.
    ELSE NULLIF(guest.phone, '') IS NULL OR overwrite AND guest.phone_e164 IS DISTINCT FROM given ->> 'phone_e164' END
$$;
COMMENT ON FUNCTION crm.guest_changes(anyelement, jsonb, boolean) IS 'Columns of a guest that a row of a file (as crm.read_guest_row reads it) changes: those not known, or, to overwrite, those that differ';

CREATE OR REPLACE FUNCTION crm.changes_guest(guest anyelement, given jsonb, venue uuid, overwrite boolean) RETURNS boolean
LANGUAGE sql STABLE
AS $$
  SELECT crm.guest_changes(guest, given, overwrite) <> '{}'
    OR EXISTS (SELECT FROM jsonb_array_elements_text(given -> 'tags') AS g(name)
               WHERE NOT EXISTS (SELECT FROM crm.customer_tag AS t JOIN crm.tag AS k ON k.org_id = t.org_id AND k.tag_id = t.tag_id
                                 WHERE t.org_id = guest.org_id AND t.customer_id = guest.customer_id AND k.name_key = crm.tag_key(g.name)))
    OR given ? 'address' AND NOT crm.has_address(guest.org_id, guest.customer_id, given -> 'address')
    OR EXISTS (SELECT FROM jsonb_each(given -> 'consent') AS h
               WHERE jsonb_typeof(h.value) = 'boolean' AND NOT EXISTS (
                 SELECT FROM crm.consent_entry AS e WHERE e.org_id = guest.org_id AND e.customer_id = guest.customer_id AND e.source = 'import' AND e.channel = h.key
                   AND e.scope_id = COALESCE(venue, '00000000-0000-0000-0000-000000000000') AND e.action = CASE h.value WHEN 'true' THEN 'GRANTED' ELSE 'REVOKED' END))
    OR given ? 'note' AND NOT crm.has_note(guest.org_id, venue, guest.customer_id, given ->> 'note')
$$;
COMMENT ON FUNCTION crm.changes_guest(anyelement, jsonb, uuid, boolean) IS 'Whether a row of a file says anything of a guest that is not known';

CREATE OR REPLACE FUNCTION crm.has_address(org int, customer uuid, address jsonb) RETURNS boolean
LANGUAGE sql STABLE
AS $$
  SELECT EXISTS (SELECT FROM crm.customer_contact AS c
                 WHERE c.org_id = org AND c.customer_id = customer AND c.kind = 'address' AND c.value_key = lower(left(address ->> 'value', 200))
                   AND lower(c.city) IS NOT DISTINCT FROM lower(address ->> 'city') AND lower(c.postal_code) IS NOT DISTINCT FROM lower(address ->> 'postal_code'))
$$;
COMMENT ON FUNCTION crm.has_address(int, uuid, jsonb) IS 'Whether a guest has an address already';

CREATE OR REPLACE FUNCTION crm.has_note(org int, venue uuid, customer uuid, body text) RETURNS boolean
LANGUAGE sql STABLE
AS $$
  SELECT EXISTS (SELECT FROM crm.note AS n WHERE n.org_id = org AND n.customer_id = customer AND n.venue_id = venue AND n.body = has_note.body)
$$;
COMMENT ON FUNCTION crm.has_note(int, uuid, uuid, text) IS 'Whether there is a note of the same words about a guest at a venue';
