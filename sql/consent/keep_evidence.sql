CREATE OR REPLACE FUNCTION crm.keep_evidence() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION 'crm.% is evidence: it is only added to', TG_TABLE_NAME USING ERRCODE = '55000',
    HINT = CASE TG_TABLE_NAME WHEN 'wording' THEN 'Write a new version with crm.save_wording.' ELSE 'Record what is so now with crm.record_consent.' END;
END
$$;
COMMENT ON FUNCTION crm.keep_evidence() IS 'Refuses to change or remove rows, whoever asks; trigger of the tables of evidence';

CREATE OR REPLACE FUNCTION crm.evidence_time(at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') $$;
COMMENT ON FUNCTION crm.evidence_time(timestamptz) IS 'An instant as hashes of evidence have it: UTC, six decimals, such as 2026-03-01T19:22:05.000000Z';

CREATE OR REPLACE FUNCTION crm.consent_entry_hash(
  org_id int, entry_id bigint, customer_id uuid, scope_id uuid, channel text, action text, source text, purpose text, wording_id int,
  actor_id uuid, evidence_hash bytea, occurred_at timestamptz, recorded_at timestamptz
) RETURNS bytea
LANGUAGE sql STABLE
AS $$
  SELECT sha256(convert_to(json_build_array('pg_crm consent 1', org_id, entry_id, customer_id, scope_id, channel, action, source, purpose,
    (SELECT encode(w.body_hash, 'hex') FROM crm.wording AS w WHERE w.org_id = consent_entry_hash.org_id AND w.wording_id = consent_entry_hash.wording_id),
    wording_id, actor_id, encode(evidence_hash, 'hex'), crm.evidence_time(occurred_at), crm.evidence_time(recorded_at))::text, 'UTF8'))
$$;
COMMENT ON FUNCTION crm.consent_entry_hash(int, bigint, uuid, uuid, text, text, text, text, int, uuid, bytea, timestamptz, timestamptz) IS 'SHA-256 of an entry of the ledger of consent, in the form that docs/consent.md describes';

CREATE OR REPLACE FUNCTION crm.evidence_hash(salt bytea, ip inet, user_agent text, detail text) RETURNS bytea
LANGUAGE sql IMMUTABLE
AS $$ SELECT sha256(salt || convert_to(json_build_array(host(ip), user_agent, detail)::text, 'UTF8')) $$;
COMMENT ON FUNCTION crm.evidence_hash(bytea, inet, text, text) IS 'Salted SHA-256 of the evidence of an entry of the ledger';

CREATE OR REPLACE FUNCTION crm.hash_consent_entry() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- One that is restored or replicated has its time and its hash.
  IF NEW.entry_hash IS NULL THEN
    NEW.recorded_at := clock_timestamp();
    NEW.occurred_at := COALESCE(NEW.occurred_at, NEW.recorded_at);
    IF NEW.occurred_at > NEW.recorded_at THEN
      RAISE EXCEPTION 'consent cannot be of the future' USING ERRCODE = '22023', COLUMN = 'occurred_at';
    END IF;
    NEW.entry_hash := crm.consent_entry_hash(NEW.org_id, NEW.entry_id, NEW.customer_id, NEW.scope_id, NEW.channel, NEW.action, NEW.source, NEW.purpose,
      NEW.wording_id, NEW.actor_id, NEW.evidence_hash, NEW.occurred_at, NEW.recorded_at);
  END IF;
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION crm.hash_consent_entry() IS 'Gives an entry its time, by the real clock, and its hash; trigger of crm.consent_entry';

CREATE OR REPLACE FUNCTION crm.note_unsealed_consent() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO crm.unsealed_consent (org_id, entry_id) VALUES (NEW.org_id, NEW.entry_id) ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION crm.note_unsealed_consent() IS 'Leaves a new entry to the next sweep to seal; trigger of crm.consent_entry';
