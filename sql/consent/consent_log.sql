CREATE OR REPLACE FUNCTION crm.consent_log(of_channel text DEFAULT NULL, of_action text DEFAULT NULL, venue text DEFAULT NULL, since timestamptz DEFAULT NULL,
                                           until timestamptz DEFAULT NULL, after bigint DEFAULT NULL, page_size int DEFAULT 50)
RETURNS TABLE (entry_id bigint, occurred_at timestamptz, recorded_at timestamptz, customer_id uuid, name text, venue_id uuid, channel text, action text,
               source text, actor text, wording_key text, wording_version int, sealed_position bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  org int := crm.acting_org();
  sees uuid[] := crm.caller_venues();
  at_venue uuid;
  read int;
BEGIN
  IF of_channel <> ALL (crm.consent_channels()) THEN
    RAISE EXCEPTION 'unknown channel "%"', left(of_channel, 60) USING ERRCODE = '22023', COLUMN = 'of_channel', HINT = array_to_string(crm.consent_channels(), ', ') || '.';
  ELSIF of_action NOT IN ('GRANTED', 'REVOKED', 'PENDING', 'EXPIRED') THEN
    RAISE EXCEPTION 'unknown action "%"', left(of_action, 60) USING ERRCODE = '22023', COLUMN = 'of_action', HINT = 'GRANTED, REVOKED, PENDING or EXPIRED.';
  ELSIF page_size IS NULL OR page_size NOT BETWEEN 1 AND 200 THEN
    RAISE EXCEPTION 'a page has 1 to 200 rows' USING ERRCODE = '22023', COLUMN = 'page_size';
  END IF;
  IF consent_log.venue IS NOT NULL THEN
    at_venue := (crm.visible_venue(consent_log.venue)).venue_id;
  END IF;
  RETURN QUERY
  SELECT e.entry_id, e.occurred_at, e.recorded_at, e.customer_id, c.name, NULLIF(e.scope_id, '00000000-0000-0000-0000-000000000000'), e.channel, e.action,
         e.source, COALESCE(p.name, e.actor_id::text), w.key, w.version, s.position
  FROM crm.consent_entry AS e
  LEFT JOIN crm.customer AS c ON c.org_id = e.org_id AND c.customer_id = e.customer_id
  LEFT JOIN crm.principal AS p ON p.org_id = e.org_id AND p.principal_id = e.actor_id
  LEFT JOIN crm.wording AS w ON w.org_id = e.org_id AND w.wording_id = e.wording_id
  LEFT JOIN crm.consent_seal AS s ON s.org_id = e.org_id AND s.entry_id = e.entry_id
  WHERE e.org_id = org AND e.entry_id < COALESCE(consent_log.after, 9223372036854775807)
    AND (of_channel IS NULL OR e.channel = of_channel) AND (of_action IS NULL OR e.action = of_action)
    AND (at_venue IS NULL OR e.scope_id = at_venue)
    AND (sees IS NULL OR e.scope_id = '00000000-0000-0000-0000-000000000000' OR e.scope_id = ANY (sees))
    AND e.occurred_at >= COALESCE(consent_log.since, '-infinity') AND e.occurred_at < COALESCE(consent_log.until, 'infinity')
  ORDER BY e.entry_id DESC LIMIT page_size;
  GET DIAGNOSTICS read = ROW_COUNT;
  PERFORM crm.log_access(org, 'consent_log', NULL, read, at_venue);
END
$$;
ALTER FUNCTION crm.consent_log(text, text, text, timestamptz, timestamptz, bigint, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.consent_log(text, text, text, timestamptz, timestamptz, bigint, int) IS 'The ledger of consent of the caller''s organisation, what was recorded last first: of a channel, an action and a venue (null for all), said from an instant until before another; a page after the entry_id of the last row of the page before. name is null for who was erased, sealed_position until the next sweep. Managers of some venues see these and what was said to the organisation. CR404 for an unknown venue, 22023 names the parameter at fault. Noted in crm.access_log.';
GRANT EXECUTE ON FUNCTION crm.consent_log(text, text, text, timestamptz, timestamptz, bigint, int) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.pending_opt_ins(most int DEFAULT 200)
RETURNS TABLE (customer_id uuid, name text, venue_id uuid, channel text, requested_at timestamptz, expires_at timestamptz, sends int, last_sent_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  org int := crm.acting_org();
  sees uuid[] := crm.caller_venues();
BEGIN
  IF most IS NULL OR most NOT BETWEEN 1 AND 1000 THEN
    RAISE EXCEPTION 'most is 1 to 1000' USING ERRCODE = '22023', COLUMN = 'most';
  END IF;
  RETURN QUERY
  SELECT r.customer_id, c.name, NULLIF(r.scope_id, '00000000-0000-0000-0000-000000000000'), r.channel, r.requested_at, r.expires_at, r.sends, r.last_sent_at
  FROM crm.opt_in_request AS r JOIN crm.customer AS c ON c.org_id = r.org_id AND c.customer_id = r.customer_id
  WHERE r.org_id = org AND r.state = 'PENDING' AND r.expires_at > clock_timestamp()
    AND (sees IS NULL OR r.scope_id = '00000000-0000-0000-0000-000000000000' OR r.scope_id = ANY (sees))
  ORDER BY r.expires_at, r.customer_id LIMIT most;
END
$$;
ALTER FUNCTION crm.pending_opt_ins(int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.pending_opt_ins(int) IS 'Guests of the caller''s organisation who asked to be written to and have not confirmed it yet, those whose time runs out first before the others: for which channel and venue (null for the organisation), how often the mail went out. 22023 for another number than 1 to 1000.';
GRANT EXECUTE ON FUNCTION crm.pending_opt_ins(int) TO crm_manager;
