CREATE OR REPLACE FUNCTION crm.set_profiling(customer text, allowed boolean, reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
#variable_conflict use_variable
DECLARE
  org int := crm.org_of_customer(customer, 'customer');
  guest uuid := crm.hold_customer(org, customer);
  changed bigint;
BEGIN
  IF allowed IS NULL THEN
    RAISE EXCEPTION 'say whether the guest may be profiled' USING ERRCODE = '22004', COLUMN = 'allowed';
  ELSIF NULLIF(btrim(reason), '') IS NULL THEN
    RAISE EXCEPTION 'an objection, or its taking back, needs a reason' USING ERRCODE = '22023', COLUMN = 'reason';
  END IF;
  IF allowed THEN
    -- Taken back for the person, under whichever of his accounts he objected.
    DELETE FROM crm.profiling_objection AS o WHERE o.org_id = org AND o.customer_id = ANY (crm.same_person(org, guest));
  ELSE
    INSERT INTO crm.profiling_objection (org_id, customer_id) VALUES (org, guest) ON CONFLICT DO NOTHING;
  END IF;
  GET DIAGNOSTICS changed = ROW_COUNT;
  IF changed > 0 THEN
    INSERT INTO crm.profiling_change (org_id, customer_id, allowed, reason, set_by)
    VALUES (org, guest, allowed, left(btrim(reason), 1000), (SELECT c.principal_id FROM crm.caller() AS c));
    PERFORM crm.follow_objections(org, crm.same_person(org, guest));
  END IF;
END
$$;
ALTER FUNCTION crm.set_profiling(text, boolean, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.set_profiling(text, boolean, text) IS 'Records that a guest (the CRM''s id or the platform''s) objects to profiling (GDPR art. 21), or with true that he takes it back, with a reason: at no venue he has scores or a label, he is in no segment, and nothing is derived from his orders, which count as before. Again is harmless. 22023 without a reason, CR404 for an unknown guest, CR409 for one who was merged or erased.';
GRANT EXECUTE ON FUNCTION crm.set_profiling(text, boolean, text) TO crm_staff;

-- Run inside pinned functions; every name is qualified.
CREATE OR REPLACE FUNCTION crm.follow_objections(org int, guests uuid[]) RETURNS void
LANGUAGE plpgsql
SET crm.cause = 'objection'
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  at record;
BEGIN
  FOR at IN SELECT t.venue_id, array_agg(t.customer_id ORDER BY t.customer_id) AS guests FROM crm.customer_venue_stats AS t
            WHERE t.org_id = org AND t.customer_id = ANY (guests)
              AND t.profiled = EXISTS (SELECT FROM crm.unprofiled_guest AS u WHERE u.org_id = org AND u.customer_id = t.customer_id)
            GROUP BY t.venue_id ORDER BY t.venue_id LOOP
    PERFORM crm.hold_guests(org, at.venue_id, at.guests, false);
    UPDATE crm.customer_venue_stats AS t
    SET profiled = NOT EXISTS (SELECT FROM crm.unprofiled_guest AS u WHERE u.org_id = org AND u.customer_id = t.customer_id)
    WHERE t.org_id = org AND t.venue_id = at.venue_id AND t.customer_id = ANY (at.guests);
    PERFORM crm.derive_guests(ROW(org, at.venue_id)::crm.venue_key, at.guests);
    PERFORM crm.follow_guests(org, at.venue_id, at.guests, 'objection');
  END LOOP;
  -- Also of one who never ordered.
  PERFORM crm.follow_guests(org, '00000000-0000-0000-0000-000000000000', guests, 'objection');
END
$$;
COMMENT ON FUNCTION crm.follow_objections(int, uuid[]) IS 'Has the rows of totals of guests say whether they are profiled, and their derived preferences and segments follow, at every venue';

CREATE OR REPLACE FUNCTION crm.leave_profiling(org int, guests uuid[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO crm.profiling_objection (org_id, customer_id) SELECT org, g FROM unnest(guests) AS g ON CONFLICT DO NOTHING;
  PERFORM crm.follow_objections(org, guests);
  PERFORM crm.unlist_guests(org, guests);
END
$$;
COMMENT ON FUNCTION crm.leave_profiling(int, uuid[]) IS 'Has guests who were erased leave labels, segments and the list for good';

CREATE OR REPLACE FUNCTION crm.note_reappeared(customer uuid, org_ref text, name text, phone text, email text, birth_date date) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- Of almost everybody: it is asked for every customer that the platform writes.
  IF NOT EXISTS (SELECT FROM crm.customer AS c WHERE c.customer_id = note_reappeared.customer AND c.status = 'erased') THEN
    RETURN;
  END IF;
  -- What took the place of his data is none of them.
  UPDATE crm.erasure_request AS r SET reappeared_at = clock_timestamp()
  FROM crm.customer AS c JOIN crm.organisation AS o ON o.org_id = c.org_id
  WHERE c.customer_id = note_reappeared.customer AND c.status = 'erased' AND (note_reappeared.org_ref IS NULL OR o.ref = note_reappeared.org_ref)
    AND (note_reappeared.name !~ '^erased-[0-9a-f]*$' OR note_reappeared.phone !~ '^erased-[0-9a-f]*$' OR note_reappeared.email !~ '^erased-[0-9a-f]*(@[a-z.]*)?$'
         OR note_reappeared.birth_date <> '1900-01-01')
    AND r.org_id = c.org_id AND r.request_id = (
      SELECT max(l.request_id) FROM crm.erasure_request AS l
      WHERE l.org_id = c.org_id AND l.customer_id IN (c.customer_id, crm.survivor_id_of(c.org_id, c.customer_id)) AND l.state IN ('EXECUTED', 'REQUESTED'));
END
$$;
COMMENT ON FUNCTION crm.note_reappeared(uuid, text, text, text, text, date) IS 'Notes that the platform sent personal data of a guest who was erased: they are not taken in, and crm.health() tells';
