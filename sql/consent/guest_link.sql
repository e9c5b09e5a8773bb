CREATE OR REPLACE FUNCTION crm.link_token(org int, guest uuid, scope uuid, kind text, channel text) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  link uuid;
BEGIN
  PERFORM crm.require_key();
  SELECT l.link_id INTO link FROM crm.guest_link AS l
  WHERE l.org_id = org AND l.customer_id = guest AND l.scope_id = scope AND l.kind = kind AND l.channel = channel;
  IF NOT FOUND THEN
    link := gen_random_uuid();
    INSERT INTO crm.guest_link (org_id, link_id, customer_id, scope_id, kind, channel, token_hash)
    VALUES (org, link, guest, scope, kind, channel, crm.token_hash(crm.token_of('link', link)))
    ON CONFLICT DO NOTHING;
    SELECT l.link_id INTO link FROM crm.guest_link AS l
    WHERE l.org_id = org AND l.customer_id = guest AND l.scope_id = scope AND l.kind = kind AND l.channel = channel;
  END IF;
  RETURN crm.token_of('link', link);
END
$$;
COMMENT ON FUNCTION crm.link_token(int, uuid, uuid, text, text) IS 'Token of a guest''s link, the same each time. Runs inside functions of crm_owner';

CREATE OR REPLACE FUNCTION crm.guest_link(customer text, kind text, channel text DEFAULT NULL, venue text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  guest record;
BEGIN
  IF kind IS NULL OR kind NOT IN ('unsubscribe', 'preferences') THEN
    RAISE EXCEPTION 'unknown kind "%"', left(kind, 60) USING ERRCODE = '22023', COLUMN = 'kind', HINT = 'unsubscribe or preferences.';
  ELSIF kind = 'unsubscribe' AND (channel IS NULL OR channel <> ALL (crm.consent_channels())) THEN
    RAISE EXCEPTION 'unknown channel "%"', left(channel, 60) USING ERRCODE = '22023', COLUMN = 'channel', HINT = array_to_string(crm.consent_channels(), ', ') || '.';
  END IF;
  SELECT * INTO guest FROM crm.known_guest(customer, venue);
  RETURN crm.link_token(guest.org_id, guest.customer_id, guest.scope_id, kind, CASE kind WHEN 'unsubscribe' THEN channel ELSE '' END);
END
$$;
ALTER FUNCTION crm.guest_link(text, text, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.guest_link(text, text, text, text) IS 'Token for the link in a mail by which a guest (the CRM''s id or the platform''s) unsubscribes from a channel or opens his preferences, at a venue or (null) in the organisation: 64 hexadecimal digits that tell nothing, do not expire, and are the same each time. CR404 for an unknown guest or venue, 22023 names the parameter at fault, CR503 where the key is lost.';
GRANT EXECUTE ON FUNCTION crm.guest_link(text, text, text, text) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.unsubscribe_tokens(channel text, customers uuid[], venue text DEFAULT NULL) RETURNS TABLE (customer_id uuid, token text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  org int;
  scope uuid;
BEGIN
  IF channel IS NULL OR channel <> ALL (crm.consent_channels()) THEN
    RAISE EXCEPTION 'unknown channel "%"', left(channel, 60) USING ERRCODE = '22023', COLUMN = 'channel', HINT = array_to_string(crm.consent_channels(), ', ') || '.';
  ELSIF customers IS NULL OR cardinality(customers) > 10000 THEN
    RAISE EXCEPTION 'give at most 10,000 guests' USING ERRCODE = '22023', COLUMN = 'customers';
  END IF;
  SELECT s.org_id, s.scope_id INTO org, scope FROM crm.scope_of(venue) AS s;
  RETURN QUERY
  SELECT c.customer_id, crm.link_token(org, c.customer_id, scope, 'unsubscribe', channel)
  FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = ANY (customers) ORDER BY c.customer_id;
END
$$;
ALTER FUNCTION crm.unsubscribe_tokens(text, uuid[], text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.unsubscribe_tokens(text, uuid[], text) IS 'Tokens for the unsubscribe links in mails to some guests (by the CRM''s ids), as of crm.guest_link: unknown guests are left out. CR404 for an unknown venue, 22023 names the parameter at fault, CR503 where the key is lost.';
GRANT EXECUTE ON FUNCTION crm.unsubscribe_tokens(text, uuid[], text) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.held_link(token text, kinds text[], OUT org_id int, OUT customer_id uuid, OUT scope_id uuid, OUT kind text, OUT channel text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  PERFORM crm.require_schema();
  SELECT l.org_id, l.customer_id, l.scope_id, l.kind, l.channel INTO org_id, customer_id, scope_id, kind, channel
  FROM crm.guest_link AS l WHERE l.token_hash = crm.token_hash(token) AND l.kind = ANY (kinds);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown link' USING ERRCODE = 'CR404', COLUMN = 'token';
  END IF;
  customer_id := crm.survivor_id_of(org_id, customer_id);
  PERFORM FROM crm.customer AS c WHERE c.org_id = held_link.org_id AND c.customer_id = held_link.customer_id FOR NO KEY UPDATE;
END
$$;
COMMENT ON FUNCTION crm.held_link(text, text[]) IS 'Whom and what a link stands for; the guest is held. CR404 for an unknown token, or one of another kind';

CREATE OR REPLACE FUNCTION crm.unsubscribe(token text, ip inet DEFAULT NULL, user_agent text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  link record;
  open record;
BEGIN
  SELECT * INTO link FROM crm.held_link(token, '{unsubscribe}');
  -- The link of the organisation's mails revokes what was granted to its venues too.
  FOR open IN
    SELECT s.scope_id FROM (SELECT link.scope_id UNION SELECT c.scope_id FROM crm.consent AS c
      WHERE c.org_id = link.org_id AND c.customer_id = link.customer_id AND c.channel = link.channel AND link.scope_id = '00000000-0000-0000-0000-000000000000'
        AND c.state IN ('GRANTED', 'PENDING')) AS s(scope_id)
    WHERE (SELECT c.state FROM crm.consent AS c WHERE c.org_id = link.org_id AND c.customer_id = link.customer_id AND c.scope_id = s.scope_id AND c.channel = link.channel)
          IS DISTINCT FROM 'REVOKED'
    ORDER BY s.scope_id
  LOOP
    PERFORM crm.add_consent_entry(link.org_id, link.customer_id, open.scope_id, link.channel, 'REVOKED', 'unsubscribe_link', 'marketing', NULL, NULL, ip, left(user_agent, 1000), NULL, NULL);
    PERFORM crm.cancel_opt_ins(link.org_id, link.customer_id, open.scope_id, link.channel);
  END LOOP;
  PERFORM crm.follow_consents(link.org_id, ARRAY[link.customer_id]);
END
$$;
ALTER FUNCTION crm.unsubscribe(text, inet, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.unsubscribe(text, inet, text) IS 'Revokes the consent that an unsubscribe link stands for, once or again. CR404 for an unknown token. For the service''s public page and its one-click answer (RFC 8058).';
GRANT EXECUTE ON FUNCTION crm.unsubscribe(text, inet, text) TO crm_service;

CREATE OR REPLACE FUNCTION crm.save_link_preferences(token text, choices jsonb, ip inet DEFAULT NULL, user_agent text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  link record;
  choice record;
  standing text;
BEGIN
  SELECT * INTO link FROM crm.held_link(token, '{preferences}');
  IF EXISTS (SELECT FROM crm.customer AS c WHERE c.org_id = link.org_id AND c.customer_id = link.customer_id AND c.status = 'erased') THEN
    RAISE EXCEPTION 'this link is not valid any more' USING ERRCODE = 'CR409', COLUMN = 'token';
  ELSIF jsonb_typeof(choices) IS DISTINCT FROM 'object'
     OR EXISTS (SELECT FROM jsonb_each(choices) AS c WHERE c.key <> ALL (crm.consent_channels()) OR jsonb_typeof(c.value) <> 'boolean') THEN
    RAISE EXCEPTION 'choices are an object of channels and true or false' USING ERRCODE = '22023', COLUMN = 'choices', HINT = 'Such as {"EMAIL_MARKETING": false}.';
  END IF;
  FOR choice IN SELECT c.key AS channel, c.value::boolean AS granted FROM jsonb_each(choices) AS c ORDER BY c.key LOOP
    SELECT c.state INTO standing FROM crm.consent AS c
    WHERE c.org_id = link.org_id AND c.customer_id = link.customer_id AND c.scope_id = link.scope_id AND c.channel = choice.channel;
    CONTINUE WHEN standing = CASE WHEN choice.granted THEN 'GRANTED' ELSE 'REVOKED' END OR NOT choice.granted AND standing IS NULL;
    -- Who holds the link read the mail: that is the confirmation.
    PERFORM crm.add_consent_entry(link.org_id, link.customer_id, link.scope_id, choice.channel, CASE WHEN choice.granted THEN 'GRANTED' ELSE 'REVOKED' END,
                                  'preference_centre', 'marketing', NULL, NULL, ip, left(user_agent, 1000), NULL, NULL);
    PERFORM crm.cancel_opt_ins(link.org_id, link.customer_id, link.scope_id, choice.channel);
  END LOOP;
  PERFORM crm.follow_consents(link.org_id, ARRAY[link.customer_id]);
END
$$;
ALTER FUNCTION crm.save_link_preferences(text, jsonb, inet, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.save_link_preferences(text, jsonb, inet, text) IS 'Records what a guest chose behind his preference link, an object of channels and true or false; what does not change is not recorded again. CR404 for an unknown token, CR409 for a guest who was erased, 22023 for choices that cannot be. For the service''s public page.';
GRANT EXECUTE ON FUNCTION crm.save_link_preferences(text, jsonb, inet, text) TO crm_service;

CREATE OR REPLACE FUNCTION crm.public_link(token text) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  link record;
BEGIN
  PERFORM crm.require_schema();
  SELECT r.org_id, COALESCE(m.survivor_id, r.customer_id) AS customer_id, r.scope_id, r.kind, r.channel, r.state, r.wording_id INTO link
  FROM (SELECT q.org_id, q.customer_id, q.scope_id, 'confirm_opt_in' AS kind, q.channel,
               CASE WHEN q.state = 'PENDING' AND q.expires_at <= clock_timestamp() THEN 'EXPIRED' ELSE q.state END AS state, q.wording_id
        FROM crm.opt_in_request AS q WHERE q.token_hash = crm.token_hash(token)
        UNION ALL
        SELECT l.org_id, l.customer_id, l.scope_id, l.kind, NULLIF(l.channel, ''), NULL, NULL FROM crm.guest_link AS l WHERE l.token_hash = crm.token_hash(token)
        UNION ALL
        SELECT e.org_id, e.customer_id, '00000000-0000-0000-0000-000000000000', 'confirm_erasure', NULL,
               CASE WHEN e.state = 'UNCONFIRMED' AND e.requested_at <= clock_timestamp() - interval '7 days' THEN 'EXPIRED' ELSE e.state END, NULL
        FROM crm.erasure_request AS e WHERE e.token_hash = crm.token_hash(token)) AS r
  LEFT JOIN crm.merged_customer AS m ON m.org_id = r.org_id AND m.customer_id = r.customer_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown link' USING ERRCODE = 'CR404', COLUMN = 'token';
  END IF;
  RETURN jsonb_build_object(
    'kind', link.kind, 'channel', link.channel, 'state', link.state,
    'sender', COALESCE((SELECT v.name FROM crm.venue AS v WHERE v.org_id = link.org_id AND v.venue_id = link.scope_id),
                       (SELECT o.name FROM crm.organisation AS o WHERE o.org_id = link.org_id)),
    'language', (SELECT c.language FROM crm.customer AS c WHERE c.org_id = link.org_id AND c.customer_id = link.customer_id),
    'wording', (SELECT w.body FROM crm.wording AS w WHERE w.org_id = link.org_id AND w.wording_id = link.wording_id),
    'erasure_on', (SELECT max(e.due_at) FROM crm.erasure_request AS e WHERE e.org_id = link.org_id AND e.customer_id = link.customer_id AND e.state = 'REQUESTED'),
    'channels', (SELECT jsonb_object_agg(h.channel, COALESCE(c.state, 'NONE')) FROM unnest(crm.consent_channels()) AS h(channel)
                 LEFT JOIN crm.consent AS c ON c.org_id = link.org_id AND c.customer_id = link.customer_id AND c.scope_id = link.scope_id AND c.channel = h.channel));
END
$$;
ALTER FUNCTION crm.public_link(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.public_link(text) IS 'What a page behind a mailed link shows, as JSON: kind (confirm_opt_in, unsubscribe, preferences or confirm_erasure), channel, state of a confirmation, sender, language of the guest, text of the consent, from when he is erased if he asked for it, state of each channel (NONE where nothing was said); nothing that names him. CR404 for an unknown token. For the service''s public pages.';
GRANT EXECUTE ON FUNCTION crm.public_link(text) TO crm_service;
