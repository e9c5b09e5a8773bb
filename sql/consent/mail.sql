CREATE OR REPLACE FUNCTION crm.take_mail(max_rows int DEFAULT 20)
RETURNS TABLE (mail_id bigint, kind text, address text, name text, language text, sender text, wording text, token text, unsubscribe_token text,
               preferences_token text, attempts int)
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
    RETURNING m.org_id, m.mail_id, m.kind, m.request_id, m.erasure_id, m.customer_id, m.attempts)
  SELECT t.mail_id, t.kind, c.email, c.name, c.language,
         COALESCE((SELECT v.name FROM crm.venue AS v WHERE v.org_id = t.org_id AND v.venue_id = r.scope_id), (SELECT o.name FROM crm.organisation AS o WHERE o.org_id = t.org_id)),
         (SELECT w.body FROM crm.wording AS w WHERE w.org_id = t.org_id AND w.wording_id = r.wording_id),
         CASE t.kind WHEN 'confirm_opt_in' THEN crm.token_of('opt_in', r.request_id) ELSE crm.erasure_token(t.org_id, t.erasure_id) END,
         CASE t.kind WHEN 'confirm_opt_in' THEN crm.link_token(t.org_id, r.customer_id, r.scope_id, 'unsubscribe', r.channel) END,
         CASE t.kind WHEN 'confirm_opt_in' THEN crm.link_token(t.org_id, r.customer_id, r.scope_id, 'preferences', '') END,
         t.attempts
  FROM taken AS t
  JOIN crm.customer AS c ON c.org_id = t.org_id AND c.customer_id = t.customer_id
  LEFT JOIN crm.opt_in_request AS r ON r.org_id = t.org_id AND r.request_id = t.request_id
  WHERE crm.mail_goes_to(t.org_id, t.request_id, t.erasure_id, t.customer_id);
  -- What has nobody to go to any more.
  UPDATE crm.mail AS m SET state = 'OBSOLETE', due_at = NULL, decided_at = clock_timestamp()
  WHERE m.state = 'QUEUED' AND m.attempts > 0 AND NOT crm.mail_goes_to(m.org_id, m.request_id, m.erasure_id, m.customer_id);
END
$$;
ALTER FUNCTION crm.take_mail(int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.take_mail(int) IS 'Mails to be sent now, at most so many, each with address, name, language, sender, text of the consent, token of its link, and tokens of the unsubscribe and the preference link (null for mails that advertise nothing); they are due again, later each time, until crm.mail_done says what became of them. Several workers never take the same. CR503 where the key is lost. For the service''s mail worker.';
GRANT EXECUTE ON FUNCTION crm.take_mail(int) TO crm_service;

CREATE OR REPLACE FUNCTION crm.mail_goes_to(org int, request uuid, erasure bigint, guest uuid) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN erasure IS NULL THEN EXISTS (
           SELECT FROM crm.opt_in_request AS r JOIN crm.customer AS c ON c.org_id = r.org_id AND c.customer_id = guest
           WHERE r.org_id = org AND r.request_id = request AND r.state = 'PENDING' AND crm.keyed_hash('email:' || c.email_key) = r.address_hash
             AND NOT crm.is_suppressed(org, 'email', c.email_key))
         -- He asked for it himself a moment ago: a suppressed address gets it too.
         ELSE EXISTS (
           SELECT FROM crm.erasure_request AS e JOIN crm.customer AS c ON c.org_id = e.org_id AND c.customer_id = guest
           WHERE e.org_id = org AND e.request_id = erasure AND e.state = 'UNCONFIRMED' AND e.requested_at > clock_timestamp() - interval '7 days'
             AND e.token_hash = crm.token_hash(crm.erasure_token(org, erasure)) AND c.email IS NOT NULL AND c.status NOT IN ('erased', 'merged')) END
$$;
COMMENT ON FUNCTION crm.mail_goes_to(int, uuid, bigint, uuid) IS 'Whether what a mail asks is still to be answered, by somebody who can still be reached';

CREATE OR REPLACE FUNCTION crm.mail_done(mail bigint, failure text DEFAULT NULL, permanent boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  became text;
BEGIN
  PERFORM crm.require_schema();
  UPDATE crm.mail AS m
  SET state = d.state, due_at = CASE d.state WHEN 'QUEUED' THEN m.due_at END, last_error = left(failure, 1000),
      decided_at = CASE WHEN d.state <> 'QUEUED' THEN clock_timestamp() END
  FROM (SELECT q.mail_id, CASE WHEN failure IS NULL THEN 'SENT' WHEN permanent OR q.attempts >= 8 THEN 'DEAD' ELSE 'QUEUED' END AS state
        FROM crm.mail AS q WHERE q.mail_id = mail) AS d
  WHERE m.mail_id = d.mail_id AND m.state = 'QUEUED'
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
ALTER FUNCTION crm.mail_done(bigint, text, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.mail_done(bigint, text, boolean) IS 'Says that a mail was sent, or why not, and whether another try is in vain; returns SENT, QUEUED (it will be tried again) or, at once or after eight failures, DEAD. CR404 for a mail that nobody took. For the service''s mail worker.';
GRANT EXECUTE ON FUNCTION crm.mail_done(bigint, text, boolean) TO crm_service;
