-- Run inside crm.load_chunk and crm.undo_chunk.
CREATE OR REPLACE FUNCTION crm.load_consents(i crm.known_import, from_row int, to_row int) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  scope uuid := COALESCE(i.venue_id, '00000000-0000-0000-0000-000000000000');
  said record;
  guests uuid[] := '{}';
  made bigint;
BEGIN
  FOR said IN
    SELECT r.customer_id, min(r.row_no) AS row_no, h.channel, bool_and(h.granted) AS granted, min(r.guest #>> '{consent,date}')::date AS day, min(r.guest #>> '{consent,source}') AS source
    FROM crm.import_row AS r
    CROSS JOIN LATERAL (SELECT e.key AS channel, e.value = 'true' AS granted FROM jsonb_each(r.guest -> 'consent') AS e WHERE jsonb_typeof(e.value) = 'boolean') AS h
    WHERE r.org_id = i.org_id AND r.import_id = i.import_id AND r.row_no BETWEEN from_row AND to_row AND r.outcome <> 'rejected' AND r.guest ? 'consent'
    GROUP BY r.customer_id, h.channel
    ORDER BY r.customer_id, h.channel
  LOOP
    PERFORM FROM crm.customer AS c WHERE c.org_id = i.org_id AND c.customer_id = said.customer_id FOR NO KEY UPDATE;
    -- Again, it is not said again; and what is later by its date stands whatever comes with a file.
    CONTINUE WHEN EXISTS (SELECT FROM crm.consent_entry AS e WHERE e.org_id = i.org_id AND e.customer_id = said.customer_id AND e.scope_id = scope AND e.channel = said.channel
                          AND e.source = 'import' AND e.action = CASE WHEN said.granted THEN 'GRANTED' ELSE 'REVOKED' END
                          AND (said.day IS NULL OR e.occurred_at = said.day::timestamp AT TIME ZONE 'UTC'));
    -- Whoever was forgotten, or complained, is not won back by a file.
    CONTINUE WHEN said.granted AND (SELECT CASE said.channel WHEN 'EMAIL_MARKETING' THEN crm.is_suppressed(i.org_id, 'email', c.email_key)
                                                ELSE crm.is_suppressed(i.org_id, 'phone', c.phone_e164) END
                                    FROM crm.customer AS c WHERE c.org_id = i.org_id AND c.customer_id = said.customer_id
                                      AND CASE said.channel WHEN 'EMAIL_MARKETING' THEN c.email_key ELSE c.phone_e164 END IS NOT NULL);
    made := crm.add_consent_entry(i.org_id, said.customer_id, scope, said.channel, CASE WHEN said.granted THEN 'GRANTED' ELSE 'REVOKED' END, 'import', 'marketing', NULL,
      i.created_by, NULL, NULL, concat_ws(', ', 'import ' || i.import_id, said.source), said.day::timestamp AT TIME ZONE 'UTC');
    UPDATE crm.import_row AS r SET written = jsonb_set(COALESCE(r.written, '{}'), '{consents}', COALESCE(r.written -> 'consents', '[]') || to_jsonb(made))
    WHERE r.org_id = i.org_id AND r.import_id = i.import_id AND r.row_no = said.row_no;
    guests := guests || said.customer_id;
  END LOOP;
  IF guests <> '{}' THEN
    PERFORM crm.follow_consents(i.org_id, ARRAY(SELECT DISTINCT g.id FROM unnest(guests) AS g(id) ORDER BY g.id));
  END IF;
END
$$;
COMMENT ON FUNCTION crm.load_consents(crm.known_import, int, int) IS 'Records the consents of rows of a file that have their date and source, and its refusals, for its venue or the organisation; those of suppressed addresses are left out. A file is proof of what was said before: nobody is asked to confirm';

CREATE OR REPLACE FUNCTION crm.take_back_consents(org int, customer uuid, entries jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  standing record;
BEGIN
  FOR standing IN
    SELECT c.scope_id, c.channel FROM crm.consent AS c
    WHERE c.org_id = org AND c.customer_id = customer AND c.state = 'GRANTED' AND entries @> to_jsonb(c.entry_id) ORDER BY c.scope_id, c.channel
  LOOP
    PERFORM crm.add_consent_entry(org, customer, standing.scope_id, standing.channel, 'REVOKED', 'import', 'marketing', NULL,
                                  (SELECT p.principal_id FROM crm.caller() AS p), NULL, NULL, 'the import was taken back', NULL);
  END LOOP;
  PERFORM crm.follow_consents(org, ARRAY[customer]);
END
$$;
COMMENT ON FUNCTION crm.take_back_consents(int, uuid, jsonb) IS 'Revokes what a guest consented to by entries of the ledger that came with a file, where he has said nothing since. Runs inside crm.undo_chunk';
