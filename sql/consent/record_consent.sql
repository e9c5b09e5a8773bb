CREATE OR REPLACE FUNCTION crm.check_consent(channel text, action text, source text, purpose text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF channel IS NULL OR channel <> ALL (crm.consent_channels()) THEN
    RAISE EXCEPTION 'unknown channel "%"', left(channel, 60) USING ERRCODE = '22023', COLUMN = 'channel', HINT = array_to_string(crm.consent_channels(), ', ') || '.';
  ELSIF action IS NULL OR action NOT IN ('GRANTED', 'REVOKED') THEN
    RAISE EXCEPTION 'unknown action "%"', left(action, 60) USING ERRCODE = '22023', COLUMN = 'action',
      HINT = 'GRANTED or REVOKED; PENDING and EXPIRED follow from a venue that asks for confirmation.';
  ELSIF source IS NULL OR source NOT IN ('checkout', 'admin', 'preference_centre', 'import') THEN
    RAISE EXCEPTION 'unknown source "%"', left(source, 60) USING ERRCODE = '22023', COLUMN = 'source',
      HINT = 'checkout, admin, preference_centre or import; links in mails and erasure record their own.';
  ELSIF NULLIF(btrim(purpose), '') IS NULL OR length(purpose) > 200 THEN
    RAISE EXCEPTION 'a purpose has 1 to 200 characters' USING ERRCODE = '22023', COLUMN = 'purpose';
  END IF;
END
$$;
COMMENT ON FUNCTION crm.check_consent(text, text, text, text) IS '22023 for what crm.record_consent does not take, with the parameter as the error''s COLUMN';

CREATE OR REPLACE FUNCTION crm.consent_channels() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT '{EMAIL_MARKETING,SMS_MARKETING,WHATSAPP_MARKETING,REVIEW_REQUEST}'::text[] $$;
COMMENT ON FUNCTION crm.consent_channels() IS 'The channels of consent';

CREATE OR REPLACE FUNCTION crm.add_consent_entry(
  org int, guest uuid, scope uuid, channel text, action text, source text, purpose text, wording int, actor uuid,
  ip inet, user_agent text, detail text, occurred_at timestamptz
) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  salt bytea;
  made bigint;
BEGIN
  IF ip IS NOT NULL OR user_agent IS NOT NULL OR detail IS NOT NULL THEN
    salt := uuid_send(gen_random_uuid());
  END IF;
  INSERT INTO crm.consent_entry (org_id, customer_id, scope_id, channel, action, source, purpose, wording_id, actor_id, evidence_hash, occurred_at)
  VALUES (org, guest, scope, channel, action, source, purpose, wording, actor,
          CASE WHEN salt IS NOT NULL THEN crm.evidence_hash(salt, ip, user_agent, detail) END, occurred_at)
  RETURNING entry_id INTO made;
  IF salt IS NOT NULL THEN
    INSERT INTO crm.consent_evidence (org_id, entry_id, ip, user_agent, detail, salt) VALUES (org, made, ip, user_agent, detail, salt);
  END IF;
  RETURN made;
END
$$;
COMMENT ON FUNCTION crm.add_consent_entry(int, uuid, uuid, text, text, text, text, int, uuid, inet, text, text, timestamptz) IS 'Adds an entry to the ledger with its evidence; returns its number. Runs inside pinned functions of crm_owner that hold the guest';

CREATE OR REPLACE FUNCTION crm.record_consent(
  customer text, channel text, action text, source text, venue text DEFAULT NULL, purpose text DEFAULT 'marketing', wording int DEFAULT NULL,
  occurred_at timestamptz DEFAULT NULL, ip inet DEFAULT NULL, user_agent text DEFAULT NULL, detail text DEFAULT NULL
) RETURNS TABLE (entry_id bigint, state text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
#variable_conflict use_variable
DECLARE
  guest record;
  actor uuid := (SELECT c.principal_id FROM crm.caller() AS c);
  confirm boolean;
BEGIN
  PERFORM crm.check_consent(channel, action, source, purpose);
  IF length(user_agent) > 1000 OR length(detail) > 1000 THEN
    RAISE EXCEPTION 'at most 1,000 characters' USING ERRCODE = '22023', COLUMN = CASE WHEN length(detail) > 1000 THEN 'detail' ELSE 'user_agent' END;
  ELSIF occurred_at > clock_timestamp() OR occurred_at < '1990-01-01' THEN
    RAISE EXCEPTION 'consent is of the past' USING ERRCODE = '22023', COLUMN = 'occurred_at', HINT = 'From 1990 until now.';
  ELSIF source = 'import' AND (occurred_at IS NULL OR NULLIF(btrim(detail), '') IS NULL) THEN
    RAISE EXCEPTION 'imported consent needs its date and where it comes from' USING ERRCODE = '22023',
      COLUMN = CASE WHEN occurred_at IS NULL THEN 'occurred_at' ELSE 'detail' END, HINT = 'Without them it is no consent.';
  END IF;
  SELECT * INTO guest FROM crm.held_guest(customer, venue);
  IF EXISTS (SELECT FROM crm.customer AS c WHERE c.org_id = guest.org_id AND c.customer_id = guest.customer_id AND c.status = 'erased') THEN
    RAISE EXCEPTION 'customer "%" was erased', customer USING ERRCODE = 'CR409', COLUMN = 'customer';
  ELSIF wording IS NOT NULL AND NOT EXISTS (SELECT FROM crm.wording AS w WHERE w.org_id = guest.org_id AND w.wording_id = wording) THEN
    RAISE EXCEPTION 'unknown wording %', wording USING ERRCODE = 'CR404', COLUMN = 'wording', HINT = 'crm.save_wording makes one.';
  END IF;
  IF action = 'GRANTED' AND source NOT IN ('preference_centre', 'import') AND crm.needs_confirmation(guest.org_id, guest.scope_id, channel) THEN
    entry_id := crm.open_opt_in(guest.org_id, guest.customer_id, guest.scope_id, channel, source, purpose, wording, actor, ip, user_agent, detail);
  ELSE
    entry_id := crm.add_consent_entry(guest.org_id, guest.customer_id, guest.scope_id, channel, action, source, purpose, wording, actor, ip, user_agent, detail, occurred_at);
    IF action = 'REVOKED' THEN
      PERFORM crm.cancel_opt_ins(guest.org_id, guest.customer_id, guest.scope_id, channel);
    END IF;
    PERFORM crm.follow_consents(guest.org_id, ARRAY[guest.customer_id], of_channel => channel);
  END IF;
  state := (SELECT c.state FROM crm.consent AS c WHERE c.org_id = guest.org_id AND c.customer_id = guest.customer_id AND c.scope_id = guest.scope_id AND c.channel = channel);
  RETURN NEXT;
END
$$;
ALTER FUNCTION crm.record_consent(text, text, text, text, text, text, int, timestamptz, inet, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.record_consent(text, text, text, text, text, text, int, timestamptz, inet, text, text) IS 'Records that a guest (the CRM''s id or the platform''s; for one who was merged, his survivor) GRANTED or REVOKED consent to EMAIL_MARKETING, SMS_MARKETING, WHATSAPP_MARKETING or REVIEW_REQUEST, at a venue or (null) for the organisation; source is checkout, admin, preference_centre or import, which needs occurred_at and, as detail, where it comes from. wording is the number of the text he was shown; address, browser and detail are evidence that erasure removes. Returns the entry of the ledger and the state after it: PENDING where the venue has consent to e-mail confirmed, and REVOKED still where a later entry says so. CR404 for an unknown guest, venue or wording, CR409 for one who was erased, 22023 names the parameter at fault.';
GRANT EXECUTE ON FUNCTION crm.record_consent(text, text, text, text, text, text, int, timestamptz, inet, text, text) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.revoke_all(org int, guest uuid, source text) RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  actor uuid := (SELECT c.principal_id FROM crm.caller() AS c);
  revoked int := 0;
  open record;
BEGIN
  FOR open IN SELECT c.scope_id, c.channel FROM crm.consent AS c WHERE c.org_id = org AND c.customer_id = guest AND c.state IN ('GRANTED', 'PENDING')
              ORDER BY c.scope_id, c.channel LOOP
    PERFORM crm.add_consent_entry(org, guest, open.scope_id, open.channel, 'REVOKED', source, 'marketing', NULL, actor, NULL, NULL, NULL, NULL);
    PERFORM crm.cancel_opt_ins(org, guest, open.scope_id, open.channel);
    revoked := revoked + 1;
  END LOOP;
  PERFORM crm.follow_consents(org, ARRAY[guest]);
  RETURN revoked;
END
$$;
COMMENT ON FUNCTION crm.revoke_all(int, uuid, text) IS 'Revokes whatever a guest consented to or was asked to confirm, and returns how many entries that took. Runs inside functions of crm_owner that hold him';
