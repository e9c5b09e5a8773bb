CREATE OR REPLACE FUNCTION crm.recall_answer(key text, request_hash bytea) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  caller record;
  kept record;
BEGIN
  SELECT * INTO caller FROM crm.caller();
  IF NOT FOUND THEN
    PERFORM crm.require_caller();
  ELSIF COALESCE(length(key) NOT BETWEEN 1 AND 255, true) THEN
    RAISE EXCEPTION 'an idempotency key has 1 to 255 characters' USING ERRCODE = '22023', COLUMN = 'idempotency_key';
  END IF;
  -- Of two equal requests at once, the second waits for what comes of the first, then looks in a new statement.
  PERFORM pg_advisory_xact_lock(hashtextextended(caller.principal_id::text || key, 0));
  SELECT a.request_hash AS hash, a.answer INTO kept FROM crm.kept_answer AS a
  WHERE a.org_id = caller.org_id AND a.principal_id = caller.principal_id AND a.key = key AND a.created_at > clock_timestamp() - interval '1 day';
  IF kept.hash <> request_hash THEN
    RAISE EXCEPTION 'this idempotency key was used for another request' USING ERRCODE = 'CR422', COLUMN = 'idempotency_key',
      HINT = 'Use a new key for each request, and the same only to send one again.';
  END IF;
  RETURN kept.answer;
END
$$;
ALTER FUNCTION crm.recall_answer(text, bytea) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.recall_answer(text, bytea) IS 'The answer that the caller got within a day to the request of this idempotency key; null for a new one, which others of the same key then wait for. CR422 where the key was used for another request.';
GRANT EXECUTE ON FUNCTION crm.recall_answer(text, bytea) TO crm_reader, crm_staff;

CREATE OR REPLACE FUNCTION crm.keep_answer(key text, request_hash bytea, answer text) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO crm.kept_answer AS a (org_id, principal_id, key, request_hash, answer)
  SELECT c.org_id, c.principal_id, key, request_hash, answer FROM crm.caller() AS c
  ON CONFLICT (org_id, principal_id, key) DO UPDATE
    SET request_hash = excluded.request_hash, answer = excluded.answer, created_at = excluded.created_at
$$;
ALTER FUNCTION crm.keep_answer(text, bytea, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.keep_answer(text, bytea, text) IS 'Keeps the answer to the caller''s request of an idempotency key, after crm.recall_answer in the same transaction';
GRANT EXECUTE ON FUNCTION crm.keep_answer(text, bytea, text) TO crm_reader, crm_staff;

CREATE OR REPLACE FUNCTION crm.forget_expired(most int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  sessions int;
  answers int;
BEGIN
  DELETE FROM crm.session AS s WHERE s.session_hash IN (
    SELECT x.session_hash FROM crm.session AS x WHERE x.expires_at <= clock_timestamp() ORDER BY x.expires_at LIMIT most FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS sessions = ROW_COUNT;
  DELETE FROM crm.kept_answer AS a USING (
    SELECT x.org_id, x.principal_id, x.key FROM crm.kept_answer AS x
    WHERE x.created_at <= clock_timestamp() - interval '1 day' ORDER BY x.created_at LIMIT most FOR UPDATE SKIP LOCKED) AS old
  WHERE a.org_id = old.org_id AND a.principal_id = old.principal_id AND a.key = old.key;
  GET DIAGNOSTICS answers = ROW_COUNT;
  RETURN sessions + answers;
END
$$;
ALTER FUNCTION crm.forget_expired(int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.forget_expired(int) IS 'Removes sessions that have expired and answers kept for longer than a day, at most so many of each; returns how many. For the sweep.';
