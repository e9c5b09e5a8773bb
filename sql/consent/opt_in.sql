CREATE OR REPLACE FUNCTION crm.needs_confirmation(org int, scope uuid, channel text) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  -- Who consents for the whole organisation consents for its strictest venue.
  SELECT channel = 'EMAIL_MARKETING' AND EXISTS (SELECT FROM crm.venue AS v WHERE v.org_id = org AND v.require_double_opt_in
                                                 AND scope IN (v.venue_id, '00000000-0000-0000-0000-000000000000'))
$$;
COMMENT ON FUNCTION crm.needs_confirmation(int, uuid, text) IS 'Whether consent at a venue, or (nil UUID) for the organisation, counts only once it was confirmed from the mail box';

CREATE OR REPLACE FUNCTION crm.token_of(purpose text, id uuid) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT encode(crm.keyed_hash(purpose || ':' || id), 'hex') $$;
COMMENT ON FUNCTION crm.token_of(text, uuid) IS 'The token of a request or a link, made anew from the key each time it is mailed: only its hash is kept';

CREATE OR REPLACE FUNCTION crm.token_hash(token text) RETURNS bytea
LANGUAGE sql IMMUTABLE
AS $$ SELECT sha256(convert_to(token, 'UTF8')) $$;
COMMENT ON FUNCTION crm.token_hash(text) IS 'What a token is kept and found by';

CREATE OR REPLACE FUNCTION crm.open_opt_in(
  org int, guest uuid, scope uuid, channel text, source text, purpose text, wording int, actor uuid, ip inet, user_agent text, detail text
) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  standing record;
  address text := (SELECT c.email_key FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = guest);
  request uuid := gen_random_uuid();
  asked_at timestamptz := clock_timestamp();
  made bigint;
BEGIN
  SELECT c.state, c.entry_id INTO standing FROM crm.consent AS c WHERE c.org_id = org AND c.customer_id = guest AND c.scope_id = scope AND c.channel = channel;
  -- Asked again is asked once.
  IF standing.state = 'GRANTED' OR standing.state = 'PENDING' AND EXISTS (
       SELECT FROM crm.opt_in_request AS r WHERE r.org_id = org AND r.customer_id = guest AND r.scope_id = scope AND r.channel = channel
         AND r.state = 'PENDING' AND r.expires_at > asked_at AND r.address_hash = crm.keyed_hash('email:' || address)) THEN
    RETURN standing.entry_id;
  END IF;
  IF address IS NULL THEN
    RAISE EXCEPTION 'the guest has no e-mail address to confirm from' USING ERRCODE = '22023', COLUMN = 'customer', HINT = 'Give him one with crm.update_customer.';
  END IF;
  PERFORM crm.require_key();
  IF crm.is_suppressed(org, 'email', address) THEN
    RAISE EXCEPTION 'the guest''s e-mail address is suppressed' USING ERRCODE = 'CR409', COLUMN = 'customer', HINT = 'crm.lift_suppression(address), where he wishes so himself.';
  END IF;
  PERFORM crm.cancel_opt_ins(org, guest, scope, channel);
  INSERT INTO crm.opt_in_request (org_id, request_id, customer_id, scope_id, channel, purpose, wording_id, address_hash, token_hash, requested_at, expires_at)
  VALUES (org, request, guest, scope, channel, purpose, wording, crm.keyed_hash('email:' || address), crm.token_hash(crm.token_of('opt_in', request)),
          asked_at, asked_at + interval '7 days');
  made := crm.add_consent_entry(org, guest, scope, channel, 'PENDING', source, purpose, wording, actor, ip, user_agent, detail, NULL);
  INSERT INTO crm.mail (org_id, kind, customer_id, request_id) VALUES (org, 'confirm_opt_in', guest, request);
  PERFORM crm.follow_consents(org, ARRAY[guest], of_channel => channel);
  RETURN made;
END
$$;
COMMENT ON FUNCTION crm.open_opt_in(int, uuid, uuid, text, text, text, int, uuid, inet, text, text) IS 'Has a guest confirm his consent from his mail box, unless he has or is asked already; returns the entry that tells where he stands. Runs inside functions of crm_owner that hold him';

CREATE OR REPLACE FUNCTION crm.cancel_opt_ins(org int, guest uuid, scope uuid, channel text) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
  WITH cancelled AS (
    UPDATE crm.opt_in_request AS r SET state = 'CANCELLED', decided_at = clock_timestamp()
    WHERE r.org_id = org AND r.customer_id = guest AND r.scope_id = scope AND r.channel = cancel_opt_ins.channel AND r.state = 'PENDING'
    RETURNING r.request_id)
  UPDATE crm.mail AS m SET state = 'OBSOLETE', due_at = NULL, decided_at = clock_timestamp()
  FROM cancelled AS c WHERE m.org_id = org AND m.request_id = c.request_id AND m.state = 'QUEUED'
$$;
COMMENT ON FUNCTION crm.cancel_opt_ins(int, uuid, uuid, text) IS 'Cancels what a guest was asked to confirm, and its mails';

CREATE OR REPLACE FUNCTION crm.request_opt_in(
  customer text, venue text DEFAULT NULL, source text DEFAULT 'admin', purpose text DEFAULT 'marketing', wording int DEFAULT NULL,
  ip inet DEFAULT NULL, user_agent text DEFAULT NULL, detail text DEFAULT NULL
) RETURNS TABLE (entry_id bigint, state text, expires_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
#variable_conflict use_variable
DECLARE
  guest record;
BEGIN
  PERFORM crm.check_consent('EMAIL_MARKETING', 'GRANTED', source, purpose);
  SELECT * INTO guest FROM crm.held_guest(customer, venue);
  IF EXISTS (SELECT FROM crm.customer AS c WHERE c.org_id = guest.org_id AND c.customer_id = guest.customer_id AND c.status = 'erased') THEN
    RAISE EXCEPTION 'customer "%" was erased', customer USING ERRCODE = 'CR409', COLUMN = 'customer';
  ELSIF wording IS NOT NULL AND NOT EXISTS (SELECT FROM crm.wording AS w WHERE w.org_id = guest.org_id AND w.wording_id = wording) THEN
    RAISE EXCEPTION 'unknown wording %', wording USING ERRCODE = 'CR404', COLUMN = 'wording', HINT = 'crm.save_wording makes one.';
  ELSIF length(user_agent) > 1000 OR length(detail) > 1000 THEN
    RAISE EXCEPTION 'at most 1,000 characters' USING ERRCODE = '22023', COLUMN = CASE WHEN length(detail) > 1000 THEN 'detail' ELSE 'user_agent' END;
  END IF;
  entry_id := crm.open_opt_in(guest.org_id, guest.customer_id, guest.scope_id, 'EMAIL_MARKETING', source, purpose, wording,
                              (SELECT c.principal_id FROM crm.caller() AS c), ip, user_agent, detail);
  SELECT c.state INTO state FROM crm.consent AS c
  WHERE c.org_id = guest.org_id AND c.customer_id = guest.customer_id AND c.scope_id = guest.scope_id AND c.channel = 'EMAIL_MARKETING';
  SELECT r.expires_at INTO expires_at FROM crm.opt_in_request AS r
  WHERE r.org_id = guest.org_id AND r.customer_id = guest.customer_id AND r.scope_id = guest.scope_id AND r.channel = 'EMAIL_MARKETING' AND r.state = 'PENDING';
  RETURN NEXT;
END
$$;
ALTER FUNCTION crm.request_opt_in(text, text, text, text, int, inet, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.request_opt_in(text, text, text, text, int, inet, text, text) IS 'Has a guest (the CRM''s id or the platform''s) confirm consent to e-mail, at a venue or (null) for the organisation, by a mail that he has seven days to answer; the consent is PENDING until then. Asked again meanwhile changes nothing; who has consented already is not asked. Errors as of crm.record_consent, and 22023 for a guest without an address.';
GRANT EXECUTE ON FUNCTION crm.request_opt_in(text, text, text, text, int, inet, text, text) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.resend_opt_in(customer text, venue text DEFAULT NULL) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  guest record;
  request record;
BEGIN
  SELECT * INTO guest FROM crm.held_guest(customer, venue);
  SELECT r.* INTO request FROM crm.opt_in_request AS r
  WHERE r.org_id = guest.org_id AND r.customer_id = guest.customer_id AND r.scope_id = guest.scope_id AND r.state = 'PENDING' AND r.expires_at > clock_timestamp();
  IF NOT FOUND THEN
    RAISE EXCEPTION 'nothing waits for this guest''s confirmation' USING ERRCODE = 'CR404', COLUMN = 'customer';
  ELSIF request.sends >= 3 THEN
    RAISE EXCEPTION 'the mail was sent three times' USING ERRCODE = 'CR409', COLUMN = 'customer', HINT = 'Ask again when the request has expired.';
  ELSIF request.last_sent_at > clock_timestamp() - interval '10 minutes' THEN
    RAISE EXCEPTION 'the mail was sent less than ten minutes ago' USING ERRCODE = 'CR409', COLUMN = 'customer';
  END IF;
  UPDATE crm.opt_in_request AS r SET sends = r.sends + 1, last_sent_at = clock_timestamp() WHERE r.org_id = request.org_id AND r.request_id = request.request_id;
  INSERT INTO crm.mail (org_id, kind, customer_id, request_id) VALUES (request.org_id, 'confirm_opt_in', request.customer_id, request.request_id);
  RETURN request.sends + 1;
END
$$;
ALTER FUNCTION crm.resend_opt_in(text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.resend_opt_in(text, text) IS 'Sends the mail that asks a guest for confirmation again, at most three times in all and not within ten minutes; returns how often it was sent. CR404 where nothing waits, CR409 where it is too early or too often.';
GRANT EXECUTE ON FUNCTION crm.resend_opt_in(text, text) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.confirm_opt_in(token text, ip inet DEFAULT NULL, user_agent text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  request crm.opt_in_request;
  guest record;
BEGIN
  PERFORM crm.require_schema();
  SELECT r.* INTO request FROM crm.opt_in_request AS r WHERE r.token_hash = crm.token_hash(token);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown link' USING ERRCODE = 'CR404', COLUMN = 'token';
  END IF;
  -- Whoever he was merged into: then the request again, as it is once he is held.
  SELECT COALESCE(m.survivor_id, request.customer_id) AS customer_id INTO guest
  FROM (SELECT) AS one LEFT JOIN crm.merged_customer AS m ON m.org_id = request.org_id AND m.customer_id = request.customer_id;
  PERFORM FROM crm.customer AS c WHERE c.org_id = request.org_id AND c.customer_id = guest.customer_id FOR NO KEY UPDATE;
  SELECT r.* INTO request FROM crm.opt_in_request AS r WHERE r.org_id = request.org_id AND r.request_id = request.request_id FOR UPDATE;
  IF request.state = 'CONFIRMED' THEN
    RETURN 'CONFIRMED';
  ELSIF request.state <> 'PENDING' OR request.expires_at <= clock_timestamp() THEN
    RAISE EXCEPTION 'this link is not valid any more' USING ERRCODE = 'CR409', COLUMN = 'token', HINT = 'Ask for a new one.';
  ELSIF NOT EXISTS (SELECT FROM crm.customer AS c WHERE c.org_id = request.org_id AND c.customer_id = request.customer_id AND c.status <> 'erased'
                    AND crm.keyed_hash('email:' || c.email_key) = request.address_hash) THEN
    RAISE EXCEPTION 'this link was sent to another address' USING ERRCODE = 'CR409', COLUMN = 'token', HINT = 'Ask for a new one.';
  END IF;
  UPDATE crm.opt_in_request AS r SET state = 'CONFIRMED', decided_at = clock_timestamp() WHERE r.org_id = request.org_id AND r.request_id = request.request_id;
  UPDATE crm.mail AS m SET state = 'OBSOLETE', due_at = NULL, decided_at = clock_timestamp()
  WHERE m.org_id = request.org_id AND m.request_id = request.request_id AND m.state = 'QUEUED';
  PERFORM crm.add_consent_entry(request.org_id, guest.customer_id, request.scope_id, request.channel, 'GRANTED', 'double_opt_in', request.purpose, request.wording_id,
                                NULL, ip, left(user_agent, 1000), NULL, NULL);
  PERFORM crm.follow_consents(request.org_id, ARRAY[guest.customer_id]);
  RETURN 'CONFIRMED';
END
$$;
ALTER FUNCTION crm.confirm_opt_in(text, inet, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.confirm_opt_in(text, inet, text) IS 'Confirms the consent that a mailed token stands for, once or again, and returns CONFIRMED. CR404 for an unknown token, CR409 for one that has expired, was revoked or went to another address. For the service''s public page.';
GRANT EXECUTE ON FUNCTION crm.confirm_opt_in(text, inet, text) TO crm_service;

CREATE OR REPLACE FUNCTION crm.expire_opt_ins(max_rows int) RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  due record;
  expired int := 0;
BEGIN
  FOR due IN
    SELECT r.org_id, r.request_id, r.scope_id, r.channel, r.purpose, r.wording_id, COALESCE(m.survivor_id, r.customer_id) AS customer_id
    FROM crm.opt_in_request AS r LEFT JOIN crm.merged_customer AS m ON m.org_id = r.org_id AND m.customer_id = r.customer_id
    WHERE r.state = 'PENDING' AND r.expires_at <= clock_timestamp() ORDER BY r.expires_at LIMIT max_rows
  LOOP
    -- Left to the next sweep where somebody is at work on the guest.
    PERFORM FROM crm.customer AS c WHERE c.org_id = due.org_id AND c.customer_id = due.customer_id FOR NO KEY UPDATE SKIP LOCKED;
    CONTINUE WHEN NOT FOUND;
    UPDATE crm.opt_in_request AS r SET state = 'EXPIRED', decided_at = clock_timestamp()
    WHERE r.org_id = due.org_id AND r.request_id = due.request_id AND r.state = 'PENDING';
    CONTINUE WHEN NOT FOUND;
    PERFORM crm.add_consent_entry(due.org_id, due.customer_id, due.scope_id, due.channel, 'EXPIRED', 'double_opt_in', due.purpose, due.wording_id, NULL, NULL, NULL, NULL, NULL);
    PERFORM crm.follow_consents(due.org_id, ARRAY[due.customer_id]);
    expired := expired + 1;
  END LOOP;
  RETURN expired;
END
$$;
COMMENT ON FUNCTION crm.expire_opt_ins(int) IS 'Records that requests which were not confirmed in time have expired, and returns how many, at most so many. Part of the sweep';
