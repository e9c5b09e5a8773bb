CREATE OR REPLACE FUNCTION crm.capture_customer(
  phone text, name text DEFAULT NULL, email text DEFAULT NULL, venue text DEFAULT NULL,
  OUT customer_id uuid, OUT ref text, OUT customer_name text, OUT status text, OUT created boolean, OUT others int
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  org int := crm.acting_org();
  in_region text := crm.region_of(org, venue);
  profile jsonb;
  e164 text;
  known record;
BEGIN
  IF NULLIF(btrim(phone), '') IS NULL THEN
    PERFORM crm.refuse_profile('phone', 'a guest is captured by his phone', 'crm.create_customer makes a guest without one.');
  END IF;
  profile := crm.read_profile(org, jsonb_strip_nulls(jsonb_build_object('phone', phone, 'name', name, 'email', email)), in_region);
  e164 := crm.phone_e164(profile ->> 'phone', in_region);
  -- One at a time for a number, so that the second finds whom the first has made: the look-up is a statement of its own.
  PERFORM pg_advisory_xact_lock(hashtextextended('crm.capture ' || org || ' ' || e164, 0));
  SELECT g.customer_id, g.ref, g.name, g.status, count(*) OVER ()::int - 1 AS others INTO known
  FROM crm.guests_by_phone(org, e164) AS g
  ORDER BY crm.name_similarity(g.name, profile ->> 'name') DESC NULLS LAST,
           (SELECT max(t.last_order_at) FROM crm.customer_venue_stats AS t WHERE t.org_id = org AND t.customer_id = g.customer_id) DESC NULLS LAST, g.customer_id
  LIMIT 1;
  created := NOT FOUND;
  IF created THEN
    customer_id := crm.make_customer(org, profile, 'capture');
    others := 0;
  ELSE
    customer_id := known.customer_id;
    others := known.others;
    -- What was not known is filled in; what was stays.
    PERFORM crm.write_profile(org, known.customer_id, (
      SELECT jsonb_object_agg(p.key, p.value) FROM jsonb_each(profile) AS p JOIN crm.customer AS c ON c.org_id = org AND c.customer_id = known.customer_id
      WHERE p.key IN ('name', 'email') AND to_jsonb(c) ->> p.key IS NULL));
  END IF;
  SELECT c.ref, c.name, c.status INTO capture_customer.ref, customer_name, capture_customer.status
  FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = capture_customer.customer_id;
END
$$;
ALTER FUNCTION crm.capture_customer(text, text, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.capture_customer(text, text, text, text) IS 'Finds the guest with a phone (in any notation, as dialled at the venue) or makes him, in the platform''s own table where that is bound. Of several with the number, the one whose name is nearest, then who came last; others says how many more there are. Name and e-mail are filled in where they were not known. Any number of callers at once get one guest. 22023 for what cannot be, with the parameter as COLUMN; CR404 for an unknown venue; CR409 where the platform refuses the guest.';
GRANT EXECUTE ON FUNCTION crm.capture_customer(text, text, text, text) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.create_customer(profile jsonb, venue text DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  org int := crm.acting_org();
  read jsonb := crm.read_profile(org, profile, crm.region_of(org, venue));
BEGIN
  IF NOT EXISTS (SELECT FROM jsonb_each_text(read) AS r WHERE r.key IN ('name', 'phone', 'email') AND r.value IS NOT NULL) THEN
    PERFORM crm.refuse_profile('profile', 'a guest needs a name, a phone or an e-mail address', NULL);
  END IF;
  RETURN crm.make_customer(org, read, 'admin');
END
$$;
ALTER FUNCTION crm.create_customer(jsonb, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.create_customer(jsonb, text) IS 'Makes a guest, whoever has the same number, in the platform''s own table where that is bound; returns the CRM''s id. The profile is an object of any of name, phone, email, birthday and anniversary (YYYY-MM-DD, or --MM-DD without the year), gender, language (BCP 47), document, photo_url, preferred_channel, preferred_venue and kind. 22023 for what cannot be, with the field as COLUMN; CR409 where the platform refuses the guest.';
GRANT EXECUTE ON FUNCTION crm.create_customer(jsonb, text) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.make_customer(org int, profile jsonb, source text) RETURNS uuid
LANGUAGE plpgsql
AS $$
DECLARE
  made uuid;
  platform_ref text;
BEGIN
  IF EXISTS (SELECT FROM crm.binding AS b WHERE b.entity = 'customer') THEN
    platform_ref := (crm.create_platform_customers(org, ARRAY[profile]))[1];
    made := crm.key(platform_ref);
    -- Where its trigger could not bring the row.
    PERFORM crm.ensure_customers(org, ARRAY[platform_ref]);
    profile := profile - crm.bound_customer_fields();
  ELSE
    made := crm.new_id();
    INSERT INTO crm.customer (org_id, customer_id, ref) VALUES (org, made, made);
  END IF;
  UPDATE crm.customer AS c SET source = make_customer.source, created_by = (SELECT p.principal_id FROM crm.caller() AS p)
  WHERE c.org_id = org AND c.customer_id = made;
  PERFORM crm.write_own_profile(org, made, profile);
  PERFORM crm.unlist_guests(org, ARRAY[made]);
  PERFORM crm.follow_scope(org, '00000000-0000-0000-0000-000000000000', ARRAY[made], 'profile');
  RETURN made;
END
$$;
COMMENT ON FUNCTION crm.make_customer(int, jsonb, text) IS 'Makes a guest of a profile that was read';

CREATE OR REPLACE FUNCTION crm.write_profile(org int, customer uuid, profile jsonb) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  IF profile IS NOT NULL AND profile <> '{}' THEN
    IF crm.write_platform_customer((SELECT c.ref FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = customer), profile) THEN
      -- Its trigger has brought them back, as the platform keeps them.
      profile := profile - crm.bound_customer_fields();
    END IF;
    PERFORM crm.write_own_profile(org, customer, profile);
  END IF;
END
$$;
COMMENT ON FUNCTION crm.write_profile(int, uuid, jsonb) IS 'Changes fields of a profile that were read, in the platform''s own table first where it knows the guest';

CREATE OR REPLACE FUNCTION crm.write_own_profile(org int, customer uuid, profile jsonb) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  UPDATE crm.customer AS c
  SET (name, phone, phone_region, email, birth_date, birthday, anniversary_date, anniversary, gender, language, document, photo_url,
       preferred_channel, preferred_venue, kind, updated_at) = (
    SELECT n.name, n.phone, n.phone_region, n.email, n.birth_date, n.birthday, n.anniversary_date, n.anniversary, n.gender, n.language, n.document, n.photo_url,
           n.preferred_channel, n.preferred_venue, n.kind, clock_timestamp()
    FROM jsonb_populate_record(c, profile) AS n)
  WHERE c.org_id = org AND c.customer_id = customer AND jsonb_populate_record(c, profile) IS DISTINCT FROM c;
  IF FOUND THEN
    PERFORM crm.follow_profile(org, customer);
  END IF;
END
$$;
COMMENT ON FUNCTION crm.write_own_profile(int, uuid, jsonb) IS 'Changes fields of a profile in the CRM''s own row, and has segments follow';

CREATE OR REPLACE FUNCTION crm.guests_by_phone(org int, e164 text) RETURNS TABLE (customer_id uuid, ref text, name text, status text)
LANGUAGE sql STABLE
AS $$
  SELECT DISTINCT c.customer_id, c.ref, c.name, c.status
  FROM (SELECT f.customer_id FROM crm.customer AS f WHERE f.org_id = org AND reverse(f.phone_digits) = reverse(crm.phone_digits(e164)) AND f.phone_e164 = e164
        UNION ALL
        SELECT k.customer_id FROM crm.customer_contact AS k WHERE k.org_id = org AND k.kind = 'phone' AND reverse(k.value_key) = reverse(crm.phone_digits(e164))) AS f
  LEFT JOIN crm.merged_customer AS m ON m.org_id = org AND m.customer_id = f.customer_id
  JOIN crm.customer AS c ON c.org_id = org AND c.customer_id = COALESCE(m.survivor_id, f.customer_id)
  WHERE c.status <> 'erased'
$$;
COMMENT ON FUNCTION crm.guests_by_phone(int, text) IS 'Guests with a number in E.164, of their profile or beside it; for one who was merged, the survivor';

CREATE OR REPLACE FUNCTION crm.new_id() RETURNS uuid
LANGUAGE sql VOLATILE
AS $$
  -- Version 7 of RFC 9562: 48 bits of milliseconds before the random ones of version 4, so that rows made together lie together.
  SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
                                52, 1), 53, 1), 'hex')::uuid
$$;
COMMENT ON FUNCTION crm.new_id() IS 'A new UUID of version 7 (RFC 9562)';
