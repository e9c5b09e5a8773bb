CREATE OR REPLACE FUNCTION crm.reachable(channel text, venue text DEFAULT NULL, after uuid DEFAULT NULL, max_rows int DEFAULT 200)
RETURNS TABLE (customer_id uuid, ref text, name text, language text, address text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  org int;
  scope uuid;
BEGIN
  IF channel IS NULL OR channel <> ALL (crm.consent_channels()) THEN
    RAISE EXCEPTION 'unknown channel "%"', left(channel, 60) USING ERRCODE = '22023', COLUMN = 'channel', HINT = array_to_string(crm.consent_channels(), ', ') || '.';
  ELSIF max_rows IS NULL OR max_rows NOT BETWEEN 1 AND 10000 THEN
    RAISE EXCEPTION 'max_rows must be from 1 to 10000' USING ERRCODE = '22023', COLUMN = 'max_rows';
  END IF;
  SELECT s.org_id, s.scope_id INTO org, scope FROM crm.scope_of(venue) AS s;
  PERFORM crm.require_no_quiet_hours(org, scope);
  RETURN QUERY
  SELECT r.customer_id, c.ref, c.name, c.language, crm.address_for(channel, c.email, c.phone_e164)
  FROM crm.reachable_at(org, channel, scope, COALESCE(after, '00000000-0000-0000-0000-000000000000'), max_rows) AS r
  JOIN crm.customer AS c ON c.org_id = org AND c.customer_id = r.customer_id
  ORDER BY r.customer_id;
END
$$;
ALTER FUNCTION crm.reachable(text, text, uuid, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.reachable(text, text, uuid, int) IS 'Who may be written to now on a channel, by a venue or (null) the whole organisation, with name, language and address, in the order of their ids, after the one given, at most so many: consented and not revoked, an address that is not suppressed, neither blocked, merged, erased nor about to be, and no wish to be left alone. Whoever sends asks here and nowhere else. CR404 for an unknown venue, CR425 during its quiet hours (crm.quiet_until), 22023 names the parameter at fault. crm.unsubscribe_tokens gives the links that their mails must have.';
GRANT EXECUTE ON FUNCTION crm.reachable(text, text, uuid, int) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.reachable_at(org int, of_channel text, scope uuid, after uuid, max_rows int) RETURNS TABLE (customer_id uuid)
LANGUAGE sql STABLE
AS $$
  SELECT u.customer_id FROM (
    (SELECT r.customer_id FROM crm.reachable_guest AS r
     WHERE r.org_id = org AND r.channel = of_channel AND r.scope_id = '00000000-0000-0000-0000-000000000000' AND r.customer_id > after AND scope <> ALL (r.not_at)
     ORDER BY r.customer_id LIMIT max_rows)
    UNION
    (SELECT r.customer_id FROM crm.reachable_guest AS r
     WHERE r.org_id = org AND r.channel = of_channel AND r.scope_id = scope AND r.customer_id > after
     ORDER BY r.customer_id LIMIT max_rows)) AS u
  ORDER BY u.customer_id LIMIT max_rows
$$;
COMMENT ON FUNCTION crm.reachable_at(int, text, uuid, uuid, int) IS 'Ids of guests who may be written to on a channel, by a venue or (nil UUID) the organisation, after one of them, in their order';

CREATE OR REPLACE FUNCTION crm.address_for(channel text, email text, phone_e164 text) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$ SELECT CASE channel WHEN 'EMAIL_MARKETING' THEN email WHEN 'REVIEW_REQUEST' THEN COALESCE(email, phone_e164) ELSE phone_e164 END $$;
COMMENT ON FUNCTION crm.address_for(text, text, text) IS 'The address of a guest that a channel writes to';

CREATE OR REPLACE FUNCTION crm.reachable_counts(venue text DEFAULT NULL) RETURNS TABLE (channel text, guests bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  org int;
  scope uuid;
BEGIN
  SELECT s.org_id, s.scope_id INTO org, scope FROM crm.scope_of(venue) AS s;
  RETURN QUERY SELECT h.channel, (SELECT count(*) FROM crm.reachable_guest AS r WHERE r.org_id = org AND r.channel = h.channel
      AND (r.scope_id = scope OR r.scope_id = '00000000-0000-0000-0000-000000000000' AND scope <> ALL (r.not_at)))
    FROM unnest(crm.consent_channels()) WITH ORDINALITY AS h(channel, n) ORDER BY h.n;
END
$$;
ALTER FUNCTION crm.reachable_counts(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.reachable_counts(text) IS 'How many guests may be written to on each channel, by a venue or (null) the whole organisation. CR404 for an unknown venue.';
GRANT EXECUTE ON FUNCTION crm.reachable_counts(text) TO crm_staff;
