CREATE OR REPLACE FUNCTION crm.take_mail(max_rows int DEFAULT 20)
RETURNS TABLE (mail_id bigint, kind text, address text, name text, language text, sender text, wording text, token text, unsubscribe_token text, attempts int)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  PERFORM crm.require_schema();
  PERFORM crm.require_key();
  IF max_rows IS NULL OR max_rows NOT BETWEEN 1 AND 1000 THEN
    RAISE EXCEPTION 'max_rows must be from 1 to 1000' USING ERRCODE = '22023', COLUMN = 'max_rows';
  END IF;
  -- Due again, should the worker die: eight times at most.
  RETURN QUERY
  WITH taken AS (
    UPDATE crm.mail AS m SET attempts = m.attempts + 1, due_at = clock_timestamp() + interval '1 minute' * power(2, least(m.attempts, 8))
    WHERE m.mail_id = ANY (ARRAY(SELECT q.mail_id FROM crm.mail AS q WHERE q.state = 'QUEUED' AND q.due_at <= clock_timestamp()
                                 ORDER BY q.due_at, q.mail_id LIMIT max_rows FOR NO KEY UPDATE SKIP LOCKED))
    RETURNING m.org_id, m.mail_id, m.kind, m.request_id, m.customer_id, m.attempts)
  SELECT t.mail_id, t.kind, c.email, c.name, c.language,
         COALESCE((SELECT v.name FROM crm.venue AS v WHERE v.org_id = t.org_id AND v.venue_id = r.scope_id), (SELECT o.name FROM crm.organisation AS o WHERE o.org_id = t.org_id)),
         (SELECT w.body FROM crm.wording AS w WHERE w.org_id = t.org_id AND w.wording_id = r.wording_id),
         crm.token_of('opt_in', r.request_id), crm.link_token(t.org_id, r.customer_id, r.scope_id, 'unsubscribe', r.channel), t.attempts
  FROM taken AS t
  JOIN crm.opt_in_request AS r ON r.org_id = t.org_id AND r.request_id = t.request_id
  JOIN crm.customer AS c ON c.org_id = t.org_id AND c.customer_id = t.customer_id
  WHERE r.state = 'PENDING' AND crm.keyed_hash('email:' || c.email_key) = r.address_hash AND NOT crm.is_suppressed(t.org_id, 'email', c.email_key);
  -- What has nobody to go to any more.
  UPDATE crm.mail AS m SET state = 'OBSOLETE', due_at = NULL, decided_at = clock_timestamp()
  FROM crm.opt_in_request AS r
  WHERE m.state = 'QUEUED' AND m.attempts > 0 AND r.org_id = m.org_id AND r.request_id = m.request_id
    AND (r.state <> 'PENDING' OR NOT EXISTS (SELECT FROM crm.customer AS c WHERE c.org_id = m.org_id AND c.customer_id = m.customer_id
                                             AND crm.keyed_hash('email:' || c.email_key) = r.address_hash
                                             AND NOT crm.is_suppressed(m.org_id, 'email', c.email_key)));
END
$$;
ALTER FUNCTION crm.take_mail(int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.take_mail(int) IS 'Mails to be sent now, at most so many, each with address, name, language, sender, text of the consent, token of its link and token of the unsubscribe link; they are due again, later each time, until crm.mail_done says what became of them. Several workers never take the same. CR503 where the key is lost. For the service''s mail worker.';
GRANT EXECUTE ON FUNCTION crm.take_mail(int) TO crm_service;

CREATE OR REPLACE FUNCTION crm.mail_done(mail bigint, failure text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  became text;
BEGIN
  PERFORM crm.require_schema();
  UPDATE crm.mail AS m
  SET state = CASE WHEN failure IS NULL THEN 'SENT' WHEN m.attempts >= 8 THEN 'DEAD' ELSE 'QUEUED' END,
      due_at = CASE WHEN failure IS NOT NULL AND m.attempts < 8 THEN m.due_at END,
      last_error = left(failure, 1000), decided_at = CASE WHEN failure IS NULL OR m.attempts >= 8 THEN clock_timestamp() END
  WHERE m.mail_id = mail AND m.state = 'QUEUED'
  RETURNING m.state INTO became;
  -- A guest may have answered before the worker says that it was sent.
  IF became IS NULL THEN
    SELECT m.state INTO became FROM crm.mail AS m WHERE m.mail_id = mail AND m.attempts > 0;
  END IF;
  IF became IS NULL THEN
    RAISE EXCEPTION 'no such mail was taken: %', mail USING ERRCODE = 'CR404', COLUMN = 'mail';
  END IF;
  RETURN became;
END
$$;
ALTER FUNCTION crm.mail_done(bigint, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.mail_done(bigint, text) IS 'Says that a mail was sent, or why not; returns SENT, QUEUED (it will be tried again) or, after eight failures, DEAD. CR404 for a mail that nobody took. For the service''s mail worker.';
GRANT EXECUTE ON FUNCTION crm.mail_done(bigint, text) TO crm_service;
