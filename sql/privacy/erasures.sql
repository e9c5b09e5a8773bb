CREATE OR REPLACE FUNCTION crm.erasures(of_state text DEFAULT NULL, most int DEFAULT 100, before bigint DEFAULT NULL)
RETURNS TABLE (request_id bigint, customer_id uuid, state text, origin text, reason text, requested_at timestamptz, due_at timestamptz,
               cancelled_at timestamptz, executed_at timestamptz, execution_reason text, residue int, reappeared_at timestamptz, report jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  org int := crm.acting_org();
BEGIN
  IF of_state IS NOT NULL AND of_state NOT IN ('UNCONFIRMED', 'REQUESTED', 'CANCELLED', 'EXECUTED') THEN
    RAISE EXCEPTION 'unknown state "%"', of_state USING ERRCODE = '22023', COLUMN = 'of_state', HINT = 'UNCONFIRMED, REQUESTED, CANCELLED or EXECUTED.';
  ELSIF most IS NULL OR most NOT BETWEEN 1 AND 200 THEN
    RAISE EXCEPTION 'a page has 1 to 200 requests' USING ERRCODE = '22023', COLUMN = 'most';
  END IF;
  RETURN QUERY
  SELECT r.request_id, r.customer_id, r.state, r.origin, r.reason, r.requested_at, r.due_at, r.cancelled_at, r.executed_at, r.execution_reason, r.residue,
         r.reappeared_at, r.report
  FROM crm.erasure_request AS r
  WHERE r.org_id = org AND (of_state IS NULL OR r.state = of_state) AND (before IS NULL OR r.request_id < before)
  ORDER BY r.request_id DESC LIMIT most;
END
$$;
ALTER FUNCTION crm.erasures(text, int, bigint) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.erasures(text, int, bigint) IS 'Requests for erasure of the caller''s organisation, latest first: of a state (null for all), so many (up to 200), those before a number (null for the first page). 22023 names the parameter at fault.';
GRANT EXECUTE ON FUNCTION crm.erasures(text, int, bigint) TO crm_admin;

CREATE OR REPLACE FUNCTION crm.export_erasures(since timestamptz DEFAULT '-infinity') RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT COALESCE(jsonb_agg(jsonb_build_object('org', o.ref, 'customer_id', e.customer_id, 'executed_at', e.executed_at) ORDER BY e.executed_at, e.customer_id), '[]')
  FROM (SELECT r.org_id, g.id AS customer_id, max(r.executed_at) AS executed_at
        FROM crm.erasure_request AS r CROSS JOIN LATERAL unnest(crm.same_person(r.org_id, r.customer_id)) AS g(id)
        WHERE r.state = 'EXECUTED' AND r.executed_at >= since GROUP BY r.org_id, g.id) AS e
  JOIN crm.organisation AS o ON o.org_id = e.org_id
$$;
COMMENT ON FUNCTION crm.export_erasures(timestamptz) IS 'Who was erased since an instant, all organisations, as keys only: to be kept beside the backups, and given to crm.replay_erasures() after one was restored. For database administrators.';

CREATE OR REPLACE FUNCTION crm.replay_erasures(erasures jsonb) RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  again record;
  replayed int := 0;
BEGIN
  IF jsonb_typeof(erasures) IS DISTINCT FROM 'array' THEN
    RAISE EXCEPTION 'erasures are a JSON array' USING ERRCODE = '22023', COLUMN = 'erasures', HINT = 'What crm.export_erasures() returned.';
  END IF;
  FOR again IN
    SELECT c.org_id, c.customer_id
    FROM jsonb_to_recordset(erasures) AS e(org text, customer_id uuid)
    JOIN crm.organisation AS o ON o.ref = e.org
    JOIN crm.customer AS c ON c.org_id = o.org_id AND c.customer_id = e.customer_id
    WHERE c.status <> 'erased' ORDER BY c.org_id, c.customer_id
  LOOP
    -- One erased with the guest before him is done.
    CONTINUE WHEN EXISTS (SELECT FROM crm.customer AS c WHERE c.org_id = again.org_id AND c.customer_id = again.customer_id AND c.status = 'erased');
    PERFORM crm.run_erasure(again.org_id, crm.open_erasure(again.org_id, (crm.survivor_id_of(again.org_id, again.customer_id)), 'replay', 'erased before a backup was restored'));
    replayed := replayed + 1;
  END LOOP;
  RETURN replayed;
END
$$;
COMMENT ON FUNCTION crm.replay_erasures(jsonb) IS 'Erases anew, after a backup was restored, whoever had been erased since it was made, as crm.export_erasures() wrote it down; returns how many guests, those of an organisation or a key unknown now left out. For database administrators.';
