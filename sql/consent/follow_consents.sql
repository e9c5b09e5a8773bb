-- Put into the statements that ask: no settings.
CREATE OR REPLACE FUNCTION crm.consents_by_ledger(org int, guest uuid, of_channel text DEFAULT NULL) RETURNS TABLE (scope_id uuid, channel text, state text, since timestamptz, entry_id bigint)
LANGUAGE sql STABLE
AS $$
  WITH RECURSIVE merge AS (
    -- Who was merged into whom on the way to the guest, and since when.
    SELECT m.customer_id AS origin, m.into_id AS owner, m.merged_at AS since
    FROM crm.merged_customer AS m WHERE m.org_id = org AND m.survivor_id = guest
    UNION ALL
    SELECT b.origin, m.into_id, m.merged_at FROM merge AS b JOIN crm.merged_customer AS m ON m.org_id = org AND m.customer_id = b.owner
  ), said AS (
    SELECT DISTINCT ON (e.customer_id, e.scope_id, e.channel) e.customer_id, e.scope_id, e.channel, e.action, e.occurred_at, e.recorded_at, e.entry_id
    FROM (SELECT guest UNION SELECT m.origin FROM merge AS m) AS u(id)
    CROSS JOIN LATERAL (SELECT x.* FROM crm.consent_entry AS x WHERE x.org_id = org AND x.customer_id = u.id OFFSET 0) AS e
    WHERE of_channel IS NULL OR e.channel = of_channel
    ORDER BY e.customer_id, e.scope_id, e.channel, e.occurred_at DESC, e.entry_id DESC
  )
  SELECT DISTINCT ON (s.scope_id, s.channel) s.scope_id, s.channel, s.action, s.occurred_at, s.entry_id
  FROM said AS s
  -- What was said since the merge stands for both; of what was said before, the strictest.
  WHERE NOT EXISTS (SELECT FROM merge AS m JOIN said AS l ON l.customer_id = m.owner AND l.scope_id = s.scope_id AND l.channel = s.channel
                    WHERE m.origin = s.customer_id AND l.recorded_at > m.since)
  ORDER BY s.scope_id, s.channel, array_position('{REVOKED,EXPIRED,PENDING,GRANTED}'::text[], s.action), s.occurred_at DESC, s.entry_id DESC
$$;
COMMENT ON FUNCTION crm.consents_by_ledger(int, uuid, text) IS 'Where a guest stands by the ledger, on a channel or (null) all: for each scope and channel the latest entry; of guests merged into one the strictest, unless something was said since';

CREATE OR REPLACE FUNCTION crm.follow_consents(org int, guests uuid[], cause text DEFAULT 'consent', of_channel text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
-- For one guest, planning takes longer than all the rest; and a plan that was made while the tables were empty must not read them as a whole later.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET jit = off
AS $$
#variable_conflict use_variable
BEGIN
  WITH found AS MATERIALIZED (
    SELECT g.id, l.* FROM unnest(guests) AS g(id) CROSS JOIN LATERAL crm.consents_by_ledger(org, g.id, of_channel) AS l
    -- Whom he was merged into speaks for him.
    WHERE NOT EXISTS (SELECT FROM crm.merged_customer AS m WHERE m.org_id = org AND m.customer_id = g.id)
  ), gone AS (
    DELETE FROM crm.consent AS c WHERE c.org_id = org AND c.customer_id = ANY (guests) AND (of_channel IS NULL OR c.channel = of_channel)
      AND NOT EXISTS (SELECT FROM found AS f WHERE f.id = c.customer_id AND f.scope_id = c.scope_id AND f.channel = c.channel)
  )
  INSERT INTO crm.consent AS c (org_id, customer_id, scope_id, channel, state, since, entry_id)
  SELECT org, f.id, f.scope_id, f.channel, f.state, f.since, f.entry_id FROM found AS f
  ON CONFLICT (org_id, customer_id, scope_id, channel) DO UPDATE SET state = excluded.state, since = excluded.since, entry_id = excluded.entry_id
  WHERE (c.state, c.since, c.entry_id) IS DISTINCT FROM (excluded.state, excluded.since, excluded.entry_id);
  PERFORM crm.follow_reachable(org, guests, of_channel);
  PERFORM crm.follow_profiles(org, guests, cause);
END
$$;
COMMENT ON FUNCTION crm.follow_consents(int, uuid[], text, text) IS 'Brings what follows from the ledger up to date for some guests, on a channel or (null) all: where they stand, whether they may be written to, their segments';

CREATE OR REPLACE FUNCTION crm.follow_reachable(org int, guests uuid[], of_channel text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET jit = off
AS $$
BEGIN
  WITH open AS MATERIALIZED (
    SELECT c.customer_id, h.channel
    FROM crm.customer AS c
    CROSS JOIN LATERAL (
      SELECT c.email_key IS NOT NULL AND NOT crm.is_suppressed(org, 'email', c.email_key) AS mails,
             c.phone_e164 IS NOT NULL AND NOT crm.is_suppressed(org, 'phone', c.phone_e164) AS calls OFFSET 0) AS a
    CROSS JOIN LATERAL (VALUES ('EMAIL_MARKETING', a.mails), ('SMS_MARKETING', a.calls), ('WHATSAPP_MARKETING', a.calls), ('REVIEW_REQUEST', a.mails OR a.calls)) AS h(channel, has_address)
    WHERE c.org_id = org AND c.customer_id = ANY (guests) AND c.status = 'active' AND h.has_address AND (of_channel IS NULL OR h.channel = of_channel)
      -- Most guests have consented to nothing. Looked up guest by guest, however few the planner takes there to be.
      AND (SELECT true FROM crm.consent AS g WHERE g.org_id = org AND g.customer_id = c.customer_id AND g.channel = h.channel AND g.state = 'GRANTED' LIMIT 1)
      AND (SELECT true FROM crm.contact_ban AS b WHERE b.org_id = org AND b.customer_id = c.customer_id LIMIT 1) IS NULL
      AND NOT crm.erasure_pending(org, c.customer_id)
  ), said AS MATERIALIZED (
    SELECT o.customer_id, o.channel, c.scope_id, c.state, c.since, c.entry_id
    FROM open AS o
    CROSS JOIN LATERAL (SELECT s.* FROM crm.consent AS s
                        WHERE s.org_id = org AND s.customer_id = o.customer_id AND s.channel = o.channel AND s.state IN ('GRANTED', 'REVOKED') OFFSET 0) AS c
  ), reachable AS MATERIALIZED (
    SELECT s.customer_id, s.channel, s.scope_id,
           ARRAY(SELECT v.scope_id FROM said AS v WHERE v.customer_id = s.customer_id AND v.channel = s.channel AND v.state = 'REVOKED'
                 AND v.scope_id <> s.scope_id AND (v.since, v.entry_id) > (s.since, s.entry_id) ORDER BY v.scope_id) AS not_at
    FROM said AS s WHERE s.scope_id = '00000000-0000-0000-0000-000000000000' AND s.state = 'GRANTED'
    UNION ALL
    -- At a venue on its own, where the organisation was told nothing or, before, the contrary.
    SELECT s.customer_id, s.channel, s.scope_id, '{}'
    FROM said AS s LEFT JOIN said AS o ON o.customer_id = s.customer_id AND o.channel = s.channel AND o.scope_id = '00000000-0000-0000-0000-000000000000'
    WHERE s.scope_id <> '00000000-0000-0000-0000-000000000000' AND s.state = 'GRANTED'
      AND (o.state IS NULL OR o.state = 'REVOKED' AND (o.since, o.entry_id) < (s.since, s.entry_id))
  ), gone AS (
    DELETE FROM crm.reachable_guest AS r WHERE r.org_id = org AND r.customer_id = ANY (guests) AND (of_channel IS NULL OR r.channel = of_channel)
      AND NOT EXISTS (SELECT FROM reachable AS n WHERE n.customer_id = r.customer_id AND n.channel = r.channel AND n.scope_id = r.scope_id)
  )
  INSERT INTO crm.reachable_guest AS r (org_id, channel, scope_id, customer_id, not_at)
  SELECT org, n.channel, n.scope_id, n.customer_id, n.not_at FROM reachable AS n
  ON CONFLICT (org_id, channel, scope_id, customer_id) DO UPDATE SET not_at = excluded.not_at WHERE r.not_at <> excluded.not_at;
END
$$;
COMMENT ON FUNCTION crm.follow_reachable(int, uuid[], text) IS 'Finds anew who of some guests may be written to, on a channel or (null) all: the latest of what was said at a venue and to the organisation counts for the venue';

CREATE OR REPLACE FUNCTION crm.follow_address() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF EXISTS (SELECT FROM crm.consent AS c WHERE c.org_id = NEW.org_id AND c.customer_id = NEW.customer_id) THEN
    PERFORM crm.follow_reachable(NEW.org_id, ARRAY[NEW.customer_id]);
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION crm.follow_address() IS 'Follows a change of a guest''s addresses or status; trigger of crm.customer';
