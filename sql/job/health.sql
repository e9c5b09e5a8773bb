CREATE OR REPLACE FUNCTION crm.health() RETURNS TABLE (severity text, subject text, problem text, remedy text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM crm.require_schema();
  RETURN QUERY SELECT c.severity, 'binding of ' || c.entity, c.message, c.hint
    FROM crm.check_binding() AS c WHERE c.severity <> 'info';
  RETURN QUERY SELECT 'warning', 'venue ' || v.name, 'its history is not counted yet', 'CALL crm.backfill();'
    FROM crm.venue_scoring AS s JOIN crm.venue AS v ON v.org_id = s.org_id AND v.venue_id = s.venue_id WHERE s.counting = 'pending';
  RETURN QUERY SELECT 'warning', 'organisation ' || o.name, 'it has no region: phone numbers without a country''s code are found by their digits only', 'SELECT crm.set_region(''…''), such as DE, or map region of the venues.'
    FROM crm.organisation AS o WHERE o.default_region IS NULL
      AND EXISTS (SELECT FROM crm.customer AS c WHERE c.org_id = o.org_id AND c.phone_digits IS NOT NULL AND c.phone_e164 IS NULL);
  RETURN QUERY SELECT 'error', 'key of suppressed addresses', 'it is lost: who consents or changes now is not reachable, and no link can be mailed', 'Restore the file that the setting crm.key_file names, then SELECT crm.find_reachable_again();'
    WHERE crm.keyed_hash('') IS NULL;
  RETURN QUERY SELECT 'warning', 'consent', format('%s entries since %s are not sealed', count(*), min(e.recorded_at)), 'SELECT crm.schedule(); or CALL crm.run_sweep();'
    FROM crm.unsealed_consent AS u JOIN crm.consent_entry AS e ON e.org_id = u.org_id AND e.entry_id = u.entry_id
    HAVING min(e.recorded_at) < clock_timestamp() - interval '1 hour';
  RETURN QUERY SELECT 'warning', 'mail', format('%s mails could not be delivered', count(*)), 'SELECT * FROM crm.mail WHERE state = ''DEAD'';'
    FROM crm.mail AS m WHERE m.state = 'DEAD' AND m.decided_at > now() - interval '7 days' HAVING count(*) > 0;
  RETURN QUERY SELECT 'warning', 'changes put off: ' || c.entity,
      format('%s since %s: %s', count(*), min(c.occurred_at), max(c.message)), 'SELECT crm.repair_failed();'
    FROM crm.failed_change AS c GROUP BY c.entity;
  RETURN QUERY SELECT 'error', 'map of personal data', concat_ws(' ', concat_ws('.', 'crm.' || p.relation, p.column_name), p.problem), 'SELECT * FROM crm.check_pii_map();'
    FROM crm.check_pii_map() AS p;
  RETURN QUERY SELECT 'error', 'erasure ' || r.request_id, format('%s rows still hold what was known of a guest who was erased', r.residue),
      'crm.erasures() tells which tables; mend them (a segment or tag that names him is to be renamed), then crm.execute_erasure(…, force => true).'
    FROM crm.erasure_request AS r WHERE r.residue > 0
      AND NOT EXISTS (SELECT FROM crm.erasure_request AS l WHERE l.org_id = r.org_id AND l.customer_id = r.customer_id AND l.state = 'EXECUTED' AND l.request_id > r.request_id);
  RETURN QUERY SELECT 'warning', 'erasure ' || r.request_id, format('the platform sent data of a guest again at %s, who was erased; the CRM did not take them in', r.reappeared_at),
      'Remove them there, or SELECT crm.execute_erasure(…, force => true, reason => …).'
    FROM crm.erasure_request AS r WHERE r.reappeared_at IS NOT NULL;
  RETURN QUERY SELECT 'error', 'erasure ' || r.request_id, format('due since %s and not executed', r.due_at), 'crm.job_run tells why: job erasure. Mend the cause, then CALL crm.run_night();'
    FROM crm.erasure_request AS r WHERE r.state = 'REQUESTED' AND r.due_at < clock_timestamp() - interval '2 days';
  RETURN QUERY SELECT 'error', 'night of ' || v.name, r.error, 'Mend the cause, then CALL crm.run_night();'
    FROM (SELECT DISTINCT ON (j.venue_id) j.* FROM crm.job_run AS j WHERE j.job = 'night' ORDER BY j.venue_id, j.run_id DESC) AS r
    JOIN crm.venue AS v ON v.venue_id = r.venue_id WHERE r.error IS NOT NULL;
  RETURN QUERY SELECT 'warning', r.job || COALESCE(' of ' || v.name, ''), format('the run started at %s did not end', r.started_at),
      CASE r.job WHEN 'backfill' THEN 'CALL crm.backfill();' WHEN 'sweep' THEN 'CALL crm.run_sweep();' ELSE 'CALL crm.run_night();' END
    FROM (SELECT DISTINCT ON (j.job, j.venue_id) j.* FROM crm.job_run AS j ORDER BY j.job, j.venue_id, j.run_id DESC) AS r
    LEFT JOIN crm.venue AS v ON v.venue_id = r.venue_id
    WHERE r.finished_at IS NULL AND r.started_at < clock_timestamp() - interval '1 hour';
  RETURN QUERY SELECT 'warning', 'night of ' || v.name, 'scores and labels are older than two days', 'SELECT crm.schedule(); or CALL crm.run_night();'
    FROM crm.venue AS v JOIN crm.venue_scoring AS s ON s.org_id = v.org_id AND s.venue_id = v.venue_id
    WHERE s.counting = 'live' AND NOT EXISTS (
      SELECT FROM crm.job_run AS j WHERE j.job = 'night' AND j.venue_id = v.venue_id AND j.finished_at > now() - interval '2 days')
      AND v.created_at < now() - interval '2 days';
END
$$;
ALTER FUNCTION crm.health() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.health() IS 'What is wrong, each with its remedy; no rows when all is well';
GRANT EXECUTE ON FUNCTION crm.health() TO crm_service, crm_admin;
