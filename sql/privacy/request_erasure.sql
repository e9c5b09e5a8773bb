CREATE OR REPLACE FUNCTION crm.request_erasure(customer text, reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  org int := crm.org_of_customer(customer, 'customer');
  guest uuid := crm.erasable_guest(org, customer);
BEGIN
  IF NULLIF(btrim(reason), '') IS NULL THEN
    RAISE EXCEPTION 'an erasure needs a reason' USING ERRCODE = '22023', COLUMN = 'reason', HINT = 'Such as the way in which the guest asked for it; no personal data.';
  END IF;
  RETURN crm.open_erasure(org, guest, 'staff', reason);
END
$$;
ALTER FUNCTION crm.request_erasure(text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.request_erasure(text, text) IS 'Records that a guest (the CRM''s id or the platform''s; for one who was merged, his survivor) asked to be erased, with a reason that names nobody; from now on he is not reachable, after seven days the night erases him. Returns the number of the request; again returns the one that is open. 22023 without a reason, CR404 for an unknown guest, CR409 for one who was erased.';
GRANT EXECUTE ON FUNCTION crm.request_erasure(text, text) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.erasable_guest(org int, customer text) RETURNS uuid
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  guest uuid := crm.survivor_id_of(org, crm.key(customer));
BEGIN
  PERFORM FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = guest FOR NO KEY UPDATE;
  IF EXISTS (SELECT FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = guest AND c.status = 'erased') THEN
    RAISE EXCEPTION 'customer "%" was erased already', customer USING ERRCODE = 'CR409', COLUMN = 'customer';
  END IF;
  RETURN guest;
END
$$;
COMMENT ON FUNCTION crm.erasable_guest(int, text) IS 'A guest of an organisation (or who he was merged into), held; CR409 for one who was erased';

CREATE OR REPLACE FUNCTION crm.open_erasure(org int, guest uuid, origin text, reason text) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  request bigint;
BEGIN
  -- The guest's own request that he has not confirmed becomes this one.
  UPDATE crm.erasure_request AS r
  SET state = 'REQUESTED', due_at = COALESCE(r.due_at, clock_timestamp() + interval '7 days'), token_hash = NULL
  WHERE r.org_id = org AND r.customer_id = guest AND r.state IN ('UNCONFIRMED', 'REQUESTED')
  RETURNING r.request_id INTO request;
  IF NOT FOUND THEN
    INSERT INTO crm.erasure_request (org_id, customer_id, state, origin, reason, requested_by, due_at)
    VALUES (org, guest, 'REQUESTED', origin, left(btrim(reason), 1000), (SELECT c.principal_id FROM crm.caller() AS c), clock_timestamp() + interval '7 days')
    RETURNING request_id INTO request;
  END IF;
  PERFORM crm.follow_reachable(org, ARRAY[guest]);
  PERFORM crm.follow_profiles(org, ARRAY[guest], 'consent');
  RETURN request;
END
$$;
COMMENT ON FUNCTION crm.open_erasure(int, uuid, text, text) IS 'Opens a request to erase a guest whom the caller holds, due in seven days, or returns the one that is open';

CREATE OR REPLACE FUNCTION crm.ask_erasure(customer text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  org int := crm.org_of_customer(customer, 'customer');
  guest uuid := crm.erasable_guest(org, customer);
  -- Each of the two carries 122 random bits from the server's strong generator.
  token text := replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
BEGIN
  IF crm.erasure_pending(org, guest) THEN
    RETURN NULL;
  END IF;
  -- Asked again, the link mailed last is the one that works.
  UPDATE crm.erasure_request AS r SET token_hash = sha256(convert_to(token, 'UTF8')), requested_at = clock_timestamp()
  WHERE r.org_id = org AND r.customer_id = guest AND r.state = 'UNCONFIRMED';
  IF NOT FOUND THEN
    INSERT INTO crm.erasure_request (org_id, customer_id, state, origin, reason, token_hash, requested_by)
    VALUES (org, guest, 'UNCONFIRMED', 'guest', 'asked by the guest himself', sha256(convert_to(token, 'UTF8')), (SELECT c.principal_id FROM crm.caller() AS c));
  END IF;
  RETURN token;
END
$$;
ALTER FUNCTION crm.ask_erasure(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.ask_erasure(text) IS 'A guest (the CRM''s id or the platform''s) asks for his own erasure: returns the token to be mailed to him, this once, as only its SHA-256 is kept; null where a request is open already. Nothing happens until crm.confirm_erasure(token), within seven days. CR404 for an unknown guest, CR409 for one who was erased.';
GRANT EXECUTE ON FUNCTION crm.ask_erasure(text) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.erasure_token(org int, request bigint) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT encode(crm.keyed_hash('erasure:' || org || ':' || request), 'hex') $$;
COMMENT ON FUNCTION crm.erasure_token(int, bigint) IS 'The token by which a guest confirms an erasure that he asked for behind his link, made anew from the key each time it is mailed: only its hash is kept';

CREATE OR REPLACE FUNCTION crm.ask_erasure_by_link(token text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  link record;
  guest record;
  request bigint;
BEGIN
  SELECT * INTO link FROM crm.held_link(token, '{preferences}');
  SELECT c.status, c.email INTO guest FROM crm.customer AS c WHERE c.org_id = link.org_id AND c.customer_id = link.customer_id;
  IF guest.status = 'erased' THEN
    RAISE EXCEPTION 'this link is not valid any more' USING ERRCODE = 'CR409', COLUMN = 'token';
  ELSIF crm.erasure_pending(link.org_id, link.customer_id) THEN
    RETURN 'REQUESTED';
  ELSIF guest.email IS NULL THEN
    RETURN 'NO_ADDRESS';
  END IF;
  PERFORM crm.require_key();
  SELECT r.request_id INTO request FROM crm.erasure_request AS r
  WHERE r.org_id = link.org_id AND r.customer_id = link.customer_id AND r.state = 'UNCONFIRMED';
  IF NOT FOUND THEN
    INSERT INTO crm.erasure_request (org_id, customer_id, state, origin, reason)
    VALUES (link.org_id, link.customer_id, 'UNCONFIRMED', 'guest', 'asked by the guest himself') RETURNING request_id INTO request;
  END IF;
  -- Mailed at most every ten minutes, however often somebody presses the button.
  IF NOT EXISTS (SELECT FROM crm.mail AS m WHERE m.org_id = link.org_id AND m.erasure_id = request AND m.queued_at > clock_timestamp() - interval '10 minutes') THEN
    UPDATE crm.erasure_request AS r SET token_hash = crm.token_hash(crm.erasure_token(link.org_id, request)), requested_at = clock_timestamp()
    WHERE r.org_id = link.org_id AND r.request_id = request;
    INSERT INTO crm.mail (org_id, kind, customer_id, erasure_id) VALUES (link.org_id, 'confirm_erasure', link.customer_id, request);
  END IF;
  RETURN 'MAILED';
END
$$;
ALTER FUNCTION crm.ask_erasure_by_link(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.ask_erasure_by_link(text) IS 'A guest asks for his own erasure behind his preference link: MAILED, once a mail is on its way whose link confirms it (crm.confirm_erasure); REQUESTED where an erasure is open already; NO_ADDRESS where there is none to mail to. CR404 for an unknown token, CR409 for a guest who was erased, CR503 where the key is lost. For the service''s public page.';
GRANT EXECUTE ON FUNCTION crm.ask_erasure_by_link(text) TO crm_service;

CREATE OR REPLACE FUNCTION crm.confirm_erasure(token text) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  asked crm.erasure_request;
  elsewhere record;
BEGIN
  PERFORM crm.require_schema();
  UPDATE crm.erasure_request AS r
  SET state = 'REQUESTED', due_at = COALESCE(r.due_at, clock_timestamp() + interval '7 days')
  WHERE r.token_hash = sha256(convert_to(token, 'UTF8'))
    AND (r.state = 'REQUESTED' OR r.state = 'UNCONFIRMED' AND r.requested_at > clock_timestamp() - interval '7 days')
  RETURNING * INTO asked;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown or expired token' USING ERRCODE = 'CR404', COLUMN = 'token';
  END IF;
  PERFORM crm.follow_reachable(asked.org_id, ARRAY[asked.customer_id]);
  PERFORM crm.follow_profiles(asked.org_id, ARRAY[asked.customer_id], 'consent');
  -- A customers table without organisations is one person in all that know him.
  FOR elsewhere IN
    SELECT c.org_id, c.customer_id FROM crm.customer AS c
    WHERE c.customer_id = asked.customer_id AND c.org_id <> asked.org_id AND c.status NOT IN ('erased', 'merged')
      AND NOT COALESCE((SELECT b.fields ? 'org' FROM crm.binding AS b WHERE b.entity = 'customer'), false)
    ORDER BY c.org_id
  LOOP
    PERFORM crm.open_erasure(elsewhere.org_id, elsewhere.customer_id, 'guest', 'asked by the guest himself');
  END LOOP;
  RETURN asked.due_at;
END
$$;
ALTER FUNCTION crm.confirm_erasure(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.confirm_erasure(text) IS 'Confirms what a guest asked for, by the token that was mailed to him: he is erased after seven days, in every organisation that knows him where the platform''s customers belong to none; returns when. Again is harmless. CR404 for an unknown token, or one older than seven days.';
GRANT EXECUTE ON FUNCTION crm.confirm_erasure(text) TO crm_staff, crm_service;

CREATE OR REPLACE FUNCTION crm.cancel_erasure(customer text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  org int := crm.org_of_customer(customer, 'customer');
BEGIN
  UPDATE crm.erasure_request AS r
  SET state = 'CANCELLED', cancelled_at = clock_timestamp(), cancelled_by = (SELECT c.principal_id FROM crm.caller() AS c), token_hash = NULL,
      due_at = COALESCE(r.due_at, r.requested_at)
  WHERE r.org_id = org AND r.customer_id = ANY (crm.same_person(org, crm.key(customer))) AND r.state IN ('UNCONFIRMED', 'REQUESTED');
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no erasure of customer "%" is open', customer USING ERRCODE = 'CR409', COLUMN = 'customer';
  END IF;
  PERFORM crm.follow_reachable(org, crm.same_person(org, crm.key(customer)));
  PERFORM crm.follow_profiles(org, crm.same_person(org, crm.key(customer)), 'consent');
END
$$;
ALTER FUNCTION crm.cancel_erasure(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.cancel_erasure(text) IS 'Takes back the open request to erase a guest (the CRM''s id or the platform''s): he is reachable again as far as he has consented. CR404 for an unknown guest, CR409 where none is open.';
GRANT EXECUTE ON FUNCTION crm.cancel_erasure(text) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.erasure_pending(org int, guest uuid) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
-- Keeps its plan, which takes longer to make than to run.
BEGIN
  RETURN EXISTS (SELECT FROM crm.erasure_request AS r WHERE r.org_id = org AND r.customer_id = guest AND r.state = 'REQUESTED')
      OR EXISTS (SELECT FROM crm.merged_customer AS m JOIN crm.erasure_request AS r ON r.org_id = m.org_id AND r.customer_id = m.customer_id
                 WHERE m.org_id = org AND m.survivor_id = guest AND r.state = 'REQUESTED');
END
$$;
COMMENT ON FUNCTION crm.erasure_pending(int, uuid) IS 'Whether a request to erase a guest, or one merged into him, is open';
