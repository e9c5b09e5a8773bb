CREATE OR REPLACE FUNCTION crm.same_person(org int, guest uuid) RETURNS uuid[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT ARRAY(
    SELECT crm.survivor_id_of(org, guest)
    UNION
    SELECT m.customer_id FROM crm.merged_customer AS m WHERE m.org_id = org AND m.survivor_id = crm.survivor_id_of(org, guest)
    ORDER BY 1)
$$;
COMMENT ON FUNCTION crm.same_person(int, uuid) IS 'A guest, or who he was merged into, and everybody merged into that guest';

-- Of one guest, in one transaction: a crash half way leaves him as he was.
CREATE OR REPLACE FUNCTION crm.erase_guest(org int, guest uuid) RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
DECLARE
  guests uuid[] := crm.same_person(org, guest);
  refs text[];
  known text[];
  at record;
  written bigint;
  tables jsonb := '{}';
  platform jsonb;
  residue jsonb;
BEGIN
  -- In the order of their keys, as merges lock; a merge that came first changes who is meant.
  PERFORM FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = ANY (guests) ORDER BY c.customer_id FOR UPDATE;
  IF crm.same_person(org, guest) <> guests THEN
    RAISE EXCEPTION 'the guest was merged, or his merge taken back, meanwhile' USING ERRCODE = '40001';
  END IF;
  refs := ARRAY(SELECT c.ref FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = ANY (guests) ORDER BY c.customer_id);
  known := crm.known_values(org, guests, refs);

  -- While his addresses are still there; the ledger ends with REVOKED.
  FOR at IN SELECT g FROM unnest(guests) AS g LOOP
    PERFORM crm.suppress_guest(org, at.g, 'erasure'), crm.revoke_all(org, at.g, 'erasure');
  END LOOP;

  -- First what the mirror asks: it takes nothing in of a guest who was erased.
  FOR at IN SELECT r.relation, crm.erasure_statement(r.relation) AS statement FROM crm.pii_rows() AS r ORDER BY r.relation <> 'customer', r.relation LOOP
    IF at.statement IS NOT NULL THEN
      EXECUTE at.statement USING org, guests, known;
      GET DIAGNOSTICS written = ROW_COUNT;
      IF written > 0 THEN
        tables := tables || jsonb_build_object('crm.' || at.relation, written);
      END IF;
    END IF;
    IF at.relation = 'customer' THEN
      platform := CASE WHEN crm.known_elsewhere(org, refs) THEN NULL ELSE crm.erase_platform(refs) END;
    END IF;
  END LOOP;
  -- Rows of files in which he stands and was not recognised.
  UPDATE crm.import_row AS t SET cells = '{}', guest = NULL, written = NULL, reason = NULL, readable = false
  WHERE t.org_id = org AND t.customer_id IS NULL AND (lower(t.cells::text) ~ crm.mention_pattern(known) OR lower(t.guest::text) ~ crm.mention_pattern(known));
  GET DIAGNOSTICS written = ROW_COUNT;
  IF written > 0 THEN
    tables := jsonb_set(tables, '{crm.import_row}', to_jsonb(COALESCE((tables ->> 'crm.import_row')::bigint, 0) + written));
  END IF;
  -- What was not loaded yet must not make him anew, or somebody of nothing.
  UPDATE crm.import_row AS t SET outcome = 'rejected' FROM crm.import AS i
  WHERE i.org_id = org AND i.state IN ('new', 'checked', 'queued', 'running') AND t.org_id = i.org_id AND t.import_id = i.import_id AND t.row_no > i.done_to
    AND t.guest IS NULL AND NOT t.readable AND t.outcome IS DISTINCT FROM 'rejected';
  PERFORM crm.leave_profiling(org, guests);
  residue := crm.residue_of(org, guests, CASE WHEN platform IS NULL THEN '{}' ELSE refs END, known);
  RETURN jsonb_build_object('guests', cardinality(guests), 'searched_for', cardinality(known), 'tables', tables,
    'platform', COALESCE(platform, to_jsonb('kept: he is a guest of another organisation too'::text)), 'residue', residue);
END
$$;
COMMENT ON FUNCTION crm.erase_guest(int, uuid) IS 'Erases a guest and everybody merged into him, as the map of personal data says, in the CRM and in the platform''s own tables; orders, totals and keys stay. Returns what was done and what a search for his former values still finds, nothing personal';

CREATE OR REPLACE FUNCTION crm.known_elsewhere(org int, refs text[]) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT NOT COALESCE((SELECT b.fields ? 'org' FROM crm.binding AS b WHERE b.entity = 'customer'), false)
     AND EXISTS (SELECT FROM crm.customer AS c JOIN unnest(refs) AS r(ref) ON c.customer_id = crm.key(r.ref)
                 WHERE c.org_id <> org AND c.status <> 'erased')
$$;
COMMENT ON FUNCTION crm.known_elsewhere(int, text[]) IS 'Whether another organisation still knows one of some customers in a table of the platform that is common to all: then its rows are not this organisation''s to change';
