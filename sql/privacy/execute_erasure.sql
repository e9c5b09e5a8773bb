CREATE OR REPLACE FUNCTION crm.execute_erasure(customer text, force boolean DEFAULT false, reason text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  org int := crm.org_of_customer(customer, 'customer');
  guest uuid := crm.survivor_id_of(org, crm.key(customer));
  request bigint;
  due timestamptz;
BEGIN
  IF force AND NULLIF(btrim(reason), '') IS NULL THEN
    RAISE EXCEPTION 'to erase a guest at once takes a reason' USING ERRCODE = '22023', COLUMN = 'reason';
  END IF;
  SELECT r.request_id, r.due_at INTO request, due FROM crm.erasure_request AS r
  WHERE r.org_id = org AND r.customer_id = ANY (crm.same_person(org, guest)) AND r.state = 'REQUESTED' ORDER BY r.due_at, r.request_id LIMIT 1 FOR UPDATE;
  IF force THEN
    IF NOT FOUND THEN
      request := crm.open_erasure(org, guest, 'staff', reason);
    END IF;
  ELSIF NOT FOUND THEN
    RAISE EXCEPTION 'no erasure of customer "%" is open', customer USING ERRCODE = 'CR409', COLUMN = 'customer',
      HINT = 'SELECT crm.request_erasure(…), or force => true with a reason.';
  ELSIF due > clock_timestamp() THEN
    RAISE EXCEPTION 'the erasure of customer "%" is due at %', customer, due USING ERRCODE = 'CR409', COLUMN = 'customer',
      HINT = 'force => true with a reason, where it must not wait.';
  END IF;
  RETURN crm.run_erasure(org, request, reason);
END
$$;
ALTER FUNCTION crm.execute_erasure(text, boolean, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.execute_erasure(text, boolean, text) IS 'Erases a guest (the CRM''s id or the platform''s) and everybody merged into him, for good, as docs/privacy.md says: the request that is due, or (force, with a reason) at once and without one, also a guest who was erased and whose data the platform sent again. Returns the report: rows per table, and what a search for his former values still finds. CR404 for an unknown guest; CR409 where no request is due, or a constraint of the platform refuses; 55000 where a platform''s column is gone or may not be written.';
GRANT EXECUTE ON FUNCTION crm.execute_erasure(text, boolean, text) TO crm_admin;

CREATE OR REPLACE FUNCTION crm.run_erasure(org int, request bigint, reason text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  guest uuid;
  outcome jsonb;
BEGIN
  SELECT r.customer_id INTO guest FROM crm.erasure_request AS r WHERE r.org_id = org AND r.request_id = request AND r.state = 'REQUESTED' FOR UPDATE;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  UPDATE crm.erasure_request AS r SET execution_reason = left(btrim(reason), 1000) WHERE r.org_id = org AND r.request_id = request;
  outcome := crm.erase_guest(org, guest);
  UPDATE crm.erasure_request AS r
  SET state = 'EXECUTED', executed_at = clock_timestamp(), executed_by = (SELECT c.principal_id FROM crm.caller() AS c), report = outcome,
      residue = (SELECT COALESCE(sum(v.value::int), 0) FROM jsonb_each_text(outcome -> 'residue') AS v)
  WHERE r.org_id = org AND r.request_id = request;
  -- What the platform had sent again is gone with the rest; other open requests of the same person are answered too.
  UPDATE crm.erasure_request AS r SET reappeared_at = NULL
  WHERE r.org_id = org AND r.customer_id = ANY (crm.same_person(org, guest)) AND r.reappeared_at IS NOT NULL;
  UPDATE crm.erasure_request AS r
  SET state = 'CANCELLED', cancelled_at = clock_timestamp(), due_at = COALESCE(r.due_at, r.requested_at), token_hash = NULL
  WHERE r.org_id = org AND r.customer_id = ANY (crm.same_person(org, guest)) AND r.state IN ('UNCONFIRMED', 'REQUESTED');
  RETURN outcome;
END
$$;
ALTER FUNCTION crm.run_erasure(int, bigint, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.run_erasure(int, bigint, text) IS 'Executes a request for erasure and keeps its report; null where it is not open any more';

-- Commits after each guest: a run that was cut off is gone on with by the next night.
CREATE OR REPLACE PROCEDURE crm.run_erasures(of_job text)
LANGUAGE plpgsql
AS $$
DECLARE
  due record;
  run bigint;
  failure text;
BEGIN
  PERFORM crm.begin_step(of_job);
  FOR due IN SELECT r.org_id, r.request_id FROM crm.erasure_request AS r
             WHERE r.state = 'REQUESTED' AND r.due_at <= clock_timestamp() ORDER BY r.due_at, r.request_id LOOP
    PERFORM crm.begin_step(of_job);
    failure := NULL;
    run := crm.start_run('erasure', NULL);
    BEGIN
      PERFORM crm.run_erasure(due.org_id, due.request_id);
    EXCEPTION WHEN OTHERS THEN
      -- What went wrong may quote the guest.
      failure := SQLSTATE || ' request ' || due.request_id;
    END;
    PERFORM crm.end_run(run, CASE WHEN failure IS NULL THEN 1 ELSE 0 END, failure);
    COMMIT;
  END LOOP;
  COMMIT;
END
$$;
COMMENT ON PROCEDURE crm.run_erasures(text) IS 'Executes the requests for erasure that are due, one guest a transaction; one that fails is logged in crm.job_run and tried again the next night';
