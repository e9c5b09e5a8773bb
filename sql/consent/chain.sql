CREATE OR REPLACE FUNCTION crm.chain_hash(former bytea, at_position bigint, entry_hash bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE
AS $$ SELECT sha256(COALESCE(former, decode(repeat('00', 32), 'hex')) || int8send(at_position) || entry_hash) $$;
COMMENT ON FUNCTION crm.chain_hash(bytea, bigint, bytea) IS 'Hash of a link of the chain of consent, from that of the link before (null for the first)';

CREATE OR REPLACE FUNCTION crm.seal_consents(max_rows int) RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  open record;
  head crm.consent_head;
  of_org int;
  sealed int := 0;
BEGIN
  FOR of_org IN SELECT DISTINCT u.org_id FROM crm.unsealed_consent AS u ORDER BY u.org_id LOOP
    -- Left to whoever seals already.
    CONTINUE WHEN NOT pg_try_advisory_xact_lock(hashtext('crm.seal_consents'), of_org);
    SELECT * INTO head FROM crm.consent_head AS h WHERE h.org_id = of_org;
    head.position := COALESCE(head.position, 0);
    FOR open IN
      WITH taken AS (
        DELETE FROM crm.unsealed_consent AS u
        WHERE u.org_id = of_org AND u.entry_id = ANY (ARRAY(SELECT x.entry_id FROM crm.unsealed_consent AS x WHERE x.org_id = of_org ORDER BY x.entry_id LIMIT max_rows - sealed))
        RETURNING u.entry_id)
      SELECT e.entry_id, e.entry_hash FROM taken AS t JOIN crm.consent_entry AS e ON e.org_id = of_org AND e.entry_id = t.entry_id ORDER BY e.entry_id
    LOOP
      head.position := head.position + 1;
      head.chain_hash := crm.chain_hash(head.chain_hash, head.position, open.entry_hash);
      INSERT INTO crm.consent_seal (org_id, position, entry_id, entry_hash, chain_hash, sealed_at)
      VALUES (of_org, head.position, open.entry_id, open.entry_hash, head.chain_hash, clock_timestamp());
      sealed := sealed + 1;
    END LOOP;
    INSERT INTO crm.consent_head AS h (org_id, position, chain_hash, sealed_at)
    SELECT of_org, head.position, head.chain_hash, clock_timestamp() WHERE head.position > 0
    ON CONFLICT (org_id) DO UPDATE SET position = excluded.position, chain_hash = excluded.chain_hash, sealed_at = excluded.sealed_at
    WHERE h.position <> excluded.position;
    EXIT WHEN sealed >= max_rows;
  END LOOP;
  RETURN sealed;
END
$$;
COMMENT ON FUNCTION crm.seal_consents(int) IS 'Adds entries of the ledger that are not sealed yet to the chain of their organisation, at most so many, and returns how many. Part of the sweep';

CREATE OR REPLACE FUNCTION crm.consent_heads() RETURNS TABLE (organisation text, "position" bigint, chain_hash text, sealed_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_caller int := crm.caller_org();
BEGIN
  PERFORM crm.require_schema();
  IF of_caller IS NULL AND NOT crm.is_administrator() THEN
    PERFORM crm.require_caller();
  END IF;
  RETURN QUERY SELECT o.ref, h.position, encode(h.chain_hash, 'hex'), h.sealed_at
    FROM crm.consent_head AS h JOIN crm.organisation AS o ON o.org_id = h.org_id WHERE of_caller IS NULL OR h.org_id = of_caller ORDER BY o.org_id;
END
$$;
ALTER FUNCTION crm.consent_heads() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.consent_heads() IS 'The last link of the chain of consent of the caller''s organisation (for a superuser, of all): keep it elsewhere, and crm.verify_consent_log finds whatever is changed before it';
GRANT EXECUTE ON FUNCTION crm.consent_heads() TO crm_manager;

CREATE OR REPLACE FUNCTION crm.verify_consent_log(known_position bigint DEFAULT NULL, known_hash text DEFAULT NULL)
RETURNS TABLE (organisation text, "position" bigint, entry_id bigint, problem text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  of_caller int := crm.caller_org();
  org record;
BEGIN
  PERFORM crm.require_schema();
  IF of_caller IS NULL AND NOT crm.is_administrator() THEN
    PERFORM crm.require_caller();
  ELSIF (known_position IS NULL) <> (known_hash IS NULL) OR known_hash !~ '^[0-9a-f]{64}$' OR known_position < 1 THEN
    RAISE EXCEPTION 'a head is a position and its chain_hash' USING ERRCODE = '22023', COLUMN = 'known_hash', HINT = 'As crm.consent_heads() returned them.';
  ELSIF known_position IS NOT NULL THEN
    PERFORM crm.acting_org();
  END IF;
  FOR org IN SELECT o.org_id, o.ref FROM crm.organisation AS o WHERE of_caller IS NULL OR o.org_id = of_caller ORDER BY o.org_id LOOP
    RETURN QUERY
    -- The chain: each link by the one before, each position there.
    SELECT org.ref, l.position, l.entry_id, l.problem FROM (
      SELECT s.position, s.entry_id, CASE
          WHEN s.position <> COALESCE(lag(s.position) OVER w, 0) + 1 THEN format('links %s to %s are missing', COALESCE(lag(s.position) OVER w, 0) + 1, s.position - 1)
          WHEN s.chain_hash <> crm.chain_hash(lag(s.chain_hash) OVER w, s.position, s.entry_hash) THEN 'the link was not made with the one before'
          WHEN e.entry_id IS NULL THEN 'the entry is missing'
          WHEN e.entry_hash <> s.entry_hash THEN 'the entry has another hash than was sealed'
          WHEN e.entry_hash <> crm.consent_entry_hash(e.org_id, e.entry_id, e.customer_id, e.scope_id, e.channel, e.action, e.source, e.purpose, e.wording_id,
                                                      e.actor_id, e.evidence_hash, e.occurred_at, e.recorded_at) THEN 'the entry was changed'
          WHEN v.entry_id IS NOT NULL AND crm.evidence_hash(v.salt, v.ip, v.user_agent, v.detail) IS DISTINCT FROM e.evidence_hash THEN 'the evidence was changed' END AS problem
      FROM crm.consent_seal AS s
      LEFT JOIN crm.consent_entry AS e ON e.org_id = s.org_id AND e.entry_id = s.entry_id
      LEFT JOIN crm.consent_evidence AS v ON v.org_id = s.org_id AND v.entry_id = s.entry_id
      WHERE s.org_id = org.org_id WINDOW w AS (ORDER BY s.position)) AS l
    WHERE l.problem IS NOT NULL
    UNION ALL
    SELECT org.ref, s.last + 1, NULL, format('the chain was cut off: it had %s links', h.position)
    FROM crm.consent_head AS h CROSS JOIN LATERAL (SELECT COALESCE(max(x.position), 0) AS last FROM crm.consent_seal AS x WHERE x.org_id = h.org_id) AS s
    WHERE h.org_id = org.org_id AND h.position <> s.last
    UNION ALL
    SELECT org.ref, h.position, NULL, 'the head is not the last link'
    FROM crm.consent_head AS h JOIN crm.consent_seal AS s ON s.org_id = h.org_id AND s.position = h.position
    WHERE h.org_id = org.org_id AND s.chain_hash <> h.chain_hash
    UNION ALL
    SELECT org.ref, known_position, NULL, 'the chain is not the one that the head was taken from'
    WHERE known_position IS NOT NULL AND NOT EXISTS (SELECT FROM crm.consent_seal AS s WHERE s.org_id = org.org_id AND s.position = known_position AND encode(s.chain_hash, 'hex') = known_hash)
    UNION ALL
    SELECT org.ref, NULL, u.entry_id, 'the entry is missing' FROM crm.unsealed_consent AS u
    WHERE u.org_id = org.org_id AND NOT EXISTS (SELECT FROM crm.consent_entry AS e WHERE e.org_id = u.org_id AND e.entry_id = u.entry_id)
    UNION ALL
    SELECT org.ref, NULL, e.entry_id, CASE WHEN u.entry_id IS NULL THEN 'the entry is not sealed, and not waiting to be' ELSE 'the entry was changed' END
    FROM crm.consent_entry AS e LEFT JOIN crm.unsealed_consent AS u ON u.org_id = e.org_id AND u.entry_id = e.entry_id
    WHERE e.org_id = org.org_id AND NOT EXISTS (SELECT FROM crm.consent_seal AS s WHERE s.org_id = e.org_id AND s.entry_id = e.entry_id)
      AND (u.entry_id IS NULL OR e.entry_hash <> crm.consent_entry_hash(e.org_id, e.entry_id, e.customer_id, e.scope_id, e.channel, e.action, e.source, e.purpose, e.wording_id,
                                                                     e.actor_id, e.evidence_hash, e.occurred_at, e.recorded_at))
    UNION ALL
    SELECT org.ref, NULL, c.entry_id, 'a guest does not stand where the ledger says: ' || c.channel
    FROM (SELECT * FROM crm.consent AS c WHERE c.org_id = org.org_id) AS c
    FULL JOIN (SELECT k.customer_id, l.* FROM (SELECT DISTINCT COALESCE(m.survivor_id, e.customer_id) AS customer_id FROM crm.consent_entry AS e
                                               LEFT JOIN crm.merged_customer AS m ON m.org_id = e.org_id AND m.customer_id = e.customer_id WHERE e.org_id = org.org_id) AS k
               -- A guest whom a file had made may be gone with it.
               JOIN crm.customer AS g ON g.org_id = org.org_id AND g.customer_id = k.customer_id
               CROSS JOIN LATERAL crm.consents_by_ledger(org.org_id, k.customer_id) AS l) AS l
      ON l.customer_id = c.customer_id AND l.scope_id = c.scope_id AND l.channel = c.channel
    WHERE (l.state, l.since, l.entry_id) IS DISTINCT FROM (c.state, c.since, c.entry_id)
    ORDER BY 2 NULLS LAST, 3;
  END LOOP;
END
$$;
ALTER FUNCTION crm.verify_consent_log(bigint, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.verify_consent_log(bigint, text) IS 'Whatever is wrong with the ledger of consent of the caller''s organisation (for a superuser, of all), the first broken or missing link first; no rows where all is as it was written. A head that was kept elsewhere (position and chain_hash of crm.consent_heads) also proves that the chain is still the same. Entries since the last sweep are not sealed yet: crm.consent_log_state tells since when.';
GRANT EXECUTE ON FUNCTION crm.verify_consent_log(bigint, text) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.consent_log_state() RETURNS TABLE (entries bigint, sealed bigint, unsealed bigint, oldest_unsealed_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT (SELECT count(*) FROM crm.consent_entry AS e WHERE e.org_id = o.org), COALESCE((SELECT h.position FROM crm.consent_head AS h WHERE h.org_id = o.org), 0),
         (SELECT count(*) FROM crm.unsealed_consent AS u WHERE u.org_id = o.org),
         (SELECT min(e.recorded_at) FROM crm.unsealed_consent AS u JOIN crm.consent_entry AS e ON e.org_id = u.org_id AND e.entry_id = u.entry_id WHERE u.org_id = o.org)
  FROM (SELECT crm.acting_org() AS org) AS o
$$;
ALTER FUNCTION crm.consent_log_state() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.consent_log_state() IS 'How many entries the caller''s organisation has in the ledger of consent, how many are sealed, how many are not, and since when the oldest of those waits';
GRANT EXECUTE ON FUNCTION crm.consent_log_state() TO crm_staff;
