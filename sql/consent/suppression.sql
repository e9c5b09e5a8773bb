COMMENT ON FUNCTION crm.keyed_hash(text) IS 'HMAC-SHA-256 of a text with the key of crm.secret or, where the setting crm.key_file names one, of that file (32 bytes, or 64 hexadecimal digits); null where the key is lost';

CREATE OR REPLACE FUNCTION crm.is_suppressed(org int, kind text, address text) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  hash bytea := crm.keyed_hash(kind || ':' || address);
BEGIN
  -- Who cannot know must not write.
  RETURN hash IS NULL OR EXISTS (SELECT FROM crm.suppression AS s WHERE s.org_id = org AND s.address_hash = hash);
END
$$;
COMMENT ON FUNCTION crm.is_suppressed(int, text, text) IS 'Whether an address (kind email in lower case, or phone in E.164) must not be written to; true for all where the key is lost';

CREATE OR REPLACE FUNCTION crm.require_key() RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF crm.keyed_hash('') IS NULL THEN
    RAISE EXCEPTION 'the key of crm.secret is lost' USING ERRCODE = 'CR503', HINT = 'Restore the file that the setting crm.key_file names.';
  END IF;
END
$$;
COMMENT ON FUNCTION crm.require_key() IS 'CR503 where the key of the keyed hashes is lost';

CREATE OR REPLACE FUNCTION crm.suppress_guest(org int, guest uuid, reason text) RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  written int;
BEGIN
  PERFORM crm.require_key();
  INSERT INTO crm.suppression (org_id, kind, address_hash, reason)
  SELECT org, a.kind, crm.keyed_hash(a.kind || ':' || a.address), reason
  FROM (SELECT 'email' AS kind, c.email_key AS address FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = guest AND c.email_key IS NOT NULL
        UNION SELECT 'phone', c.phone_e164 FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = guest AND c.phone_e164 IS NOT NULL
        UNION SELECT k.kind, CASE k.kind WHEN 'phone' THEN '+' || k.value_key ELSE k.value_key END FROM crm.customer_contact AS k
        WHERE k.org_id = org AND k.customer_id = guest AND k.kind IN ('email', 'phone')) AS a
  ON CONFLICT (org_id, address_hash) DO NOTHING;
  GET DIAGNOSTICS written = ROW_COUNT;
  RETURN written;
END
$$;
COMMENT ON FUNCTION crm.suppress_guest(int, uuid, text) IS 'Suppresses all addresses that are known of a guest, and returns how many were not before. Runs inside functions of crm_owner';

CREATE OR REPLACE FUNCTION crm.address_key(org int, address text, OUT kind text, OUT known text, OUT guests uuid[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  kind := CASE WHEN address LIKE '%@%' THEN 'email' ELSE 'phone' END;
  known := CASE kind WHEN 'email' THEN lower(btrim(address)) ELSE crm.phone_e164(address, crm.region_of(org, NULL)) END;
  IF known IS NULL OR length(known) > 320 THEN
    RAISE EXCEPTION 'this is neither an e-mail address nor a phone number' USING ERRCODE = '22023', COLUMN = 'address', HINT = 'A number with its country''s code, such as +49 30 123456.';
  END IF;
  IF kind = 'email' THEN
    guests := ARRAY(SELECT c.customer_id FROM crm.customer AS c WHERE c.org_id = org AND c.email_key = known ORDER BY c.customer_id);
  ELSE
    guests := ARRAY(SELECT c.customer_id FROM crm.customer AS c WHERE c.org_id = org AND reverse(c.phone_digits) = reverse(ltrim(known, '+')) ORDER BY c.customer_id);
  END IF;
END
$$;
COMMENT ON FUNCTION crm.address_key(int, text) IS 'Kind of an address, the form in which it is known, and the guests whose it is; 22023 for what is none';

CREATE OR REPLACE FUNCTION crm.suppress_address(address text, reason text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
#variable_conflict use_variable
DECLARE
  org int := crm.acting_org();
  found_key record;
BEGIN
  PERFORM crm.require_key();
  IF reason IS NULL OR reason NOT IN ('bounce', 'complaint', 'request') THEN
    RAISE EXCEPTION 'unknown reason "%"', left(reason, 60) USING ERRCODE = '22023', COLUMN = 'reason', HINT = 'bounce, complaint or request.';
  END IF;
  SELECT * INTO found_key FROM crm.address_key(org, address);
  INSERT INTO crm.suppression (org_id, kind, address_hash, reason)
  VALUES (org, found_key.kind, crm.keyed_hash(found_key.kind || ':' || found_key.known), reason) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM crm.follow_reachable(org, found_key.guests);
  PERFORM crm.follow_profiles(org, found_key.guests, 'consent');
  RETURN true;
END
$$;
ALTER FUNCTION crm.suppress_address(text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.suppress_address(text, text) IS 'Has an e-mail address or a phone number never written to again in the organisation, because of a bounce, a complaint or a request; only its keyed hash is kept. Returns false where it was suppressed already. 22023 names the parameter at fault, CR503 where the key is lost.';
GRANT EXECUTE ON FUNCTION crm.suppress_address(text, text) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.lift_suppression(address text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  org int := crm.acting_org();
  found_key record;
BEGIN
  PERFORM crm.require_key();
  SELECT * INTO found_key FROM crm.address_key(org, address);
  DELETE FROM crm.suppression AS s WHERE s.org_id = org AND s.address_hash = crm.keyed_hash(found_key.kind || ':' || found_key.known);
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM crm.follow_reachable(org, found_key.guests);
  PERFORM crm.follow_profiles(org, found_key.guests, 'consent');
  RETURN true;
END
$$;
ALTER FUNCTION crm.lift_suppression(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.lift_suppression(text) IS 'Lets an address that was suppressed be written to again, as its owner wishes; consent is needed as ever. Returns false where it was not suppressed. 22023 for what is no address, CR503 where the key is lost.';
GRANT EXECUTE ON FUNCTION crm.lift_suppression(text) TO crm_admin;

CREATE OR REPLACE FUNCTION crm.set_do_not_contact(customer text, banned boolean, reason text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  guest record;
BEGIN
  IF banned IS NULL OR banned AND NULLIF(btrim(reason), '') IS NULL OR length(reason) > 1000 THEN
    RAISE EXCEPTION 'not to be contacted takes a reason of at most 1,000 characters' USING ERRCODE = '22023', COLUMN = CASE WHEN banned IS NULL THEN 'banned' ELSE 'reason' END;
  END IF;
  SELECT * INTO guest FROM crm.held_guest(customer, NULL);
  IF banned THEN
    INSERT INTO crm.contact_ban AS b (org_id, origin_id, customer_id, reason, banned_by)
    VALUES (guest.org_id, guest.customer_id, guest.customer_id, btrim(reason), (SELECT c.principal_id FROM crm.caller() AS c))
    ON CONFLICT (org_id, origin_id) DO UPDATE SET reason = excluded.reason WHERE b.reason <> excluded.reason;
  ELSE
    DELETE FROM crm.contact_ban AS b WHERE b.org_id = guest.org_id AND b.customer_id = guest.customer_id;
  END IF;
  PERFORM crm.follow_reachable(guest.org_id, ARRAY[guest.customer_id]);
  PERFORM crm.follow_profiles(guest.org_id, ARRAY[guest.customer_id], 'consent');
END
$$;
ALTER FUNCTION crm.set_do_not_contact(text, boolean, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.set_do_not_contact(text, boolean, text) IS 'Has a guest (the CRM''s id or the platform''s) not contacted at all, with the reason, whatever he consented to; or (false) lifts that. CR404 for an unknown guest, 22023 names the parameter at fault.';
GRANT EXECUTE ON FUNCTION crm.set_do_not_contact(text, boolean, text) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.key_moved_to_file() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NULLIF(current_setting('crm.key_file', true), '') IS NULL THEN
    RAISE EXCEPTION 'the setting crm.key_file names no file' USING ERRCODE = '55000', HINT = 'ALTER SYSTEM SET crm.key_file = ''…''; SELECT pg_reload_conf();';
  END IF;
  PERFORM crm.require_key();
  UPDATE crm.secret SET value = NULL WHERE value IS NOT NULL;
END
$$;
COMMENT ON FUNCTION crm.key_moved_to_file() IS 'Forgets the key in the database, once the file that the setting crm.key_file names has the same; CR503 where it has not. For database administrators.';

CREATE OR REPLACE FUNCTION crm.find_reachable_again() RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  at record;
  looked_at bigint := 0;
BEGIN
  PERFORM crm.require_key();
  FOR at IN SELECT c.org_id, array_agg(DISTINCT c.customer_id) AS guests FROM crm.consent AS c WHERE c.state = 'GRANTED' GROUP BY c.org_id ORDER BY c.org_id LOOP
    PERFORM crm.follow_reachable(at.org_id, at.guests);
    PERFORM crm.follow_profiles(at.org_id, at.guests, 'consent');
    looked_at := looked_at + cardinality(at.guests);
  END LOOP;
  RETURN looked_at;
END
$$;
COMMENT ON FUNCTION crm.find_reachable_again() IS 'Finds anew who of all guests who have consented may be written to, once a lost key is back: who changed meanwhile was left out; returns how many were looked at. CR503 while the key is lost. For database administrators.';
