CREATE OR REPLACE FUNCTION crm.consents(customer text) RETURNS TABLE (venue_id uuid, channel text, state text, since timestamptz, source text, entry_id bigint, reachable boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  guest record;
  sees uuid[] := crm.caller_venues();
BEGIN
  SELECT * INTO guest FROM crm.known_guest(customer, NULL);
  RETURN QUERY
  SELECT NULLIF(c.scope_id, '00000000-0000-0000-0000-000000000000'), c.channel, c.state, c.since, e.source, c.entry_id,
         crm.is_reachable(c.org_id, c.customer_id, c.channel, c.scope_id)
  FROM crm.consent AS c JOIN crm.consent_entry AS e ON e.org_id = c.org_id AND e.entry_id = c.entry_id
  WHERE c.org_id = guest.org_id AND c.customer_id = guest.customer_id
    AND (sees IS NULL OR c.scope_id = '00000000-0000-0000-0000-000000000000' OR c.scope_id = ANY (sees))
  ORDER BY c.scope_id, c.channel;
END
$$;
ALTER FUNCTION crm.consents(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.consents(text) IS 'Where a guest (the CRM''s id or the platform''s; for one who was merged, his survivor) stands now, for each channel, at each venue that the caller may see and (venue_id null) for the organisation, and whether he may be written to. CR404 for an unknown guest.';
GRANT EXECUTE ON FUNCTION crm.consents(text) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.is_reachable(org int, guest uuid, of_channel text, scope uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
  SELECT EXISTS (SELECT FROM crm.reachable_guest AS r WHERE r.org_id = org AND r.customer_id = guest AND r.channel = of_channel
                 AND (r.scope_id = scope OR r.scope_id = '00000000-0000-0000-0000-000000000000' AND scope <> ALL (r.not_at)))
$$;
COMMENT ON FUNCTION crm.is_reachable(int, uuid, text, uuid) IS 'Whether a guest may be written to on a channel, by a venue or (nil UUID) the organisation';

CREATE OR REPLACE FUNCTION crm.consent_history(customer text, at timestamptz DEFAULT NULL)
RETURNS TABLE (entry_id bigint, occurred_at timestamptz, recorded_at timestamptz, venue_id uuid, channel text, action text, source text, purpose text,
               wording_key text, wording_locale text, wording_version int, wording text, actor text, ip inet, user_agent text, detail text,
               recorded_for uuid, entry_hash text, sealed_position bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  guest record;
  sees uuid[] := crm.caller_venues();
BEGIN
  SELECT * INTO guest FROM crm.known_guest(customer, NULL);
  PERFORM crm.log_access(guest.org_id, 'consent_history', guest.customer_id);
  RETURN QUERY
  SELECT e.entry_id, e.occurred_at, e.recorded_at, NULLIF(e.scope_id, '00000000-0000-0000-0000-000000000000'), e.channel, e.action, e.source, e.purpose,
         w.key, w.locale, w.version, w.body, COALESCE(p.name, e.actor_id::text), v.ip, v.user_agent, v.detail,
         NULLIF(e.customer_id, guest.customer_id), encode(e.entry_hash, 'hex'), s.position
  FROM crm.consent_entry AS e
  LEFT JOIN crm.wording AS w ON w.org_id = e.org_id AND w.wording_id = e.wording_id
  LEFT JOIN crm.principal AS p ON p.org_id = e.org_id AND p.principal_id = e.actor_id
  LEFT JOIN crm.consent_evidence AS v ON v.org_id = e.org_id AND v.entry_id = e.entry_id
  LEFT JOIN crm.consent_seal AS s ON s.org_id = e.org_id AND s.entry_id = e.entry_id
  WHERE e.org_id = guest.org_id
    AND e.customer_id = ANY (guest.customer_id || ARRAY(SELECT m.customer_id FROM crm.merged_customer AS m WHERE m.org_id = guest.org_id AND m.survivor_id = guest.customer_id))
    AND (at IS NULL OR e.occurred_at <= at)
    AND (sees IS NULL OR e.scope_id = '00000000-0000-0000-0000-000000000000' OR e.scope_id = ANY (sees))
  ORDER BY e.occurred_at, e.entry_id;
END
$$;
ALTER FUNCTION crm.consent_history(text, timestamptz) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.consent_history(text, timestamptz) IS 'All that a guest (the CRM''s id or the platform''s) ever said about consent, or said up to an instant, the first first: when, on which channel, at which venue (null for the organisation), to what words, from where, recorded by whom, and its place in the sealed chain (null until the next sweep). recorded_for names the guest it was recorded under where that was one merged into him. Works after erasure, without the evidence. CR404 for an unknown guest. Noted in crm.access_log.';
GRANT EXECUTE ON FUNCTION crm.consent_history(text, timestamptz) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.consent_receipt(entry bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  org int := crm.acting_org();
  sees uuid[] := crm.caller_venues();
  receipt jsonb;
BEGIN
  SELECT jsonb_build_object(
      'receipt', 'pg_crm consent 1', 'entry_id', e.entry_id, 'organisation', jsonb_build_object('org_id', o.org_id, 'name', o.name),
      'venue', (SELECT jsonb_build_object('venue_id', v.venue_id, 'name', v.name) FROM crm.venue AS v WHERE v.org_id = org AND v.venue_id = e.scope_id),
      'scope_id', e.scope_id, 'customer_id', e.customer_id, 'channel', e.channel, 'action', e.action, 'source', e.source, 'purpose', e.purpose,
      'wording', (SELECT jsonb_build_object('wording_id', w.wording_id, 'key', w.key, 'locale', w.locale, 'version', w.version, 'body', w.body, 'sha256', encode(w.body_hash, 'hex'))
                  FROM crm.wording AS w WHERE w.org_id = org AND w.wording_id = e.wording_id),
      'actor_id', e.actor_id, 'occurred_at', crm.evidence_time(e.occurred_at), 'recorded_at', crm.evidence_time(e.recorded_at),
      'evidence', (SELECT jsonb_build_object('ip', host(v.ip), 'user_agent', v.user_agent, 'detail', v.detail, 'salt', encode(v.salt, 'hex'))
                   FROM crm.consent_evidence AS v WHERE v.org_id = org AND v.entry_id = e.entry_id),
      'evidence_hash', encode(e.evidence_hash, 'hex'), 'entry_hash', encode(e.entry_hash, 'hex'),
      'seal', (SELECT jsonb_build_object('position', s.position, 'chain_hash', encode(s.chain_hash, 'hex'), 'sealed_at', crm.evidence_time(s.sealed_at),
                 'chain_hash_before', (SELECT encode(b.chain_hash, 'hex') FROM crm.consent_seal AS b WHERE b.org_id = org AND b.position = s.position - 1))
               FROM crm.consent_seal AS s WHERE s.org_id = org AND s.entry_id = e.entry_id))
  INTO receipt
  FROM crm.consent_entry AS e JOIN crm.organisation AS o ON o.org_id = e.org_id
  WHERE e.org_id = org AND e.entry_id = entry AND (sees IS NULL OR e.scope_id = '00000000-0000-0000-0000-000000000000' OR e.scope_id = ANY (sees));
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown entry %', entry USING ERRCODE = 'CR404', COLUMN = 'entry';
  END IF;
  RETURN receipt;
END
$$;
ALTER FUNCTION crm.consent_receipt(bigint) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.consent_receipt(bigint) IS 'An entry of the ledger of consent as a receipt in JSON, with all that its hashes are made of, so that anybody can check them (docs/consent.md). CR404 for an unknown entry.';
GRANT EXECUTE ON FUNCTION crm.consent_receipt(bigint) TO crm_staff;
