CREATE OR REPLACE FUNCTION crm.add_contact(customer text, kind text, value text, label text DEFAULT NULL, is_default boolean DEFAULT false, details jsonb DEFAULT '{}')
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
#variable_conflict use_variable
DECLARE
  org int := crm.org_of_customer(customer, 'customer');
  guest uuid := crm.hold_customer(org, customer);
  in_region text := crm.region_of(org, NULL);
  written text := NULLIF(btrim(regexp_replace(value, '[\s[:cntrl:]]+', ' ', 'g')), '');
  found_by text;
  detail record;
  made bigint;
BEGIN
  IF kind IS NULL OR kind NOT IN ('phone', 'email', 'address') THEN
    RAISE EXCEPTION 'a contact is a phone, an email or an address, not "%"', left(kind, 60) USING ERRCODE = '22023', COLUMN = 'kind';
  END IF;
  IF written IS NULL OR length(written) > 500 OR length(label) > 60 THEN
    RAISE EXCEPTION 'a contact has 1 to 500 characters, its label at most 60' USING ERRCODE = '22023', COLUMN = CASE WHEN length(label) > 60 THEN 'label' ELSE 'value' END;
  END IF;
  IF jsonb_typeof(details) IS DISTINCT FROM 'object' THEN
    RAISE EXCEPTION 'details must be a JSON object' USING ERRCODE = '22023', COLUMN = 'details';
  END IF;
  FOR detail IN SELECT d.key, jsonb_typeof(d.value) AS type, d.value #>> '{}' AS text FROM jsonb_each(details) AS d LOOP
    IF kind <> 'address' OR detail.key NOT IN ('city', 'postal_code', 'country') OR detail.type NOT IN ('string', 'null') OR length(detail.text) > 100
       OR (detail.key = 'country' AND detail.text !~ '^[A-Z]{2}$') THEN
      RAISE EXCEPTION 'a contact of this kind cannot have % "%"', left(detail.key, 60), left(detail.text, 60) USING ERRCODE = '22023', COLUMN = 'details',
        HINT = 'An address may have city, postal_code and country, two capital letters of ISO 3166-1.';
    END IF;
  END LOOP;
  IF kind IN ('phone', 'email') THEN
    PERFORM crm.read_profile(org, jsonb_build_object(kind, written), in_region);
  END IF;
  found_by := CASE kind WHEN 'phone' THEN crm.phone_digits(crm.phone_e164(written, in_region)) WHEN 'email' THEN crm.email_key(written) ELSE lower(left(written, 200)) END;
  IF (SELECT count(*) FROM crm.customer_contact AS c WHERE c.org_id = org AND c.customer_id = guest) >= 50 THEN
    RAISE EXCEPTION 'a guest has at most 50 contacts' USING ERRCODE = 'CR409', COLUMN = 'customer';
  END IF;
  IF is_default THEN
    UPDATE crm.customer_contact AS c SET is_default = false WHERE c.org_id = org AND c.customer_id = guest AND c.kind = kind AND c.is_default;
  END IF;
  INSERT INTO crm.customer_contact (org_id, origin_id, customer_id, kind, label, value, value_key, city, postal_code, country, is_default, created_by)
  VALUES (org, guest, guest, kind, NULLIF(btrim(label), ''), written, found_by,
          NULLIF(btrim(details ->> 'city'), ''), NULLIF(btrim(details ->> 'postal_code'), ''), details ->> 'country', is_default, (SELECT c.principal_id FROM crm.caller() AS c))
  RETURNING contact_id INTO made;
  PERFORM crm.log_contact(org, guest, kind, NULL, written);
  PERFORM crm.follow_profile(org, guest);
  RETURN made;
END
$$;
ALTER FUNCTION crm.add_contact(text, text, text, text, boolean, jsonb) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.add_contact(text, text, text, text, boolean, jsonb) IS 'Adds a phone, an email or an address to a guest (the CRM''s id or the platform''s), with a label such as work, as the one to use of its kind or not; an address may have city, postal_code and country. Returns its number. 22023 for what cannot be, with the parameter as COLUMN; CR404; CR409 for a merged or erased guest, or one with 50 contacts.';
GRANT EXECUTE ON FUNCTION crm.add_contact(text, text, text, text, boolean, jsonb) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.remove_contact(contact bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  gone crm.customer_contact;
  of_org int := crm.caller_org();
BEGIN
  PERFORM crm.require_schema();
  IF of_org IS NULL AND NOT crm.is_administrator() THEN
    PERFORM crm.require_caller();
  END IF;
  DELETE FROM crm.customer_contact AS c WHERE c.contact_id = contact AND (of_org IS NULL OR c.org_id = of_org) RETURNING * INTO gone;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown contact %', contact USING ERRCODE = 'CR404', COLUMN = 'contact';
  END IF;
  PERFORM crm.log_contact(gone.org_id, gone.customer_id, gone.kind, gone.value, NULL);
  PERFORM crm.follow_profile(gone.org_id, gone.customer_id);
END
$$;
ALTER FUNCTION crm.remove_contact(bigint) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.remove_contact(bigint) IS 'Removes a contact of a guest by its number; crm.profile_change keeps it. CR404 for an unknown one.';
GRANT EXECUTE ON FUNCTION crm.remove_contact(bigint) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.log_contact(org int, customer uuid, kind text, old_value text, new_value text) RETURNS void
LANGUAGE sql
AS $$
  INSERT INTO crm.profile_change (org_id, customer_id, field, old_value, new_value, changed_by)
  SELECT org, customer, 'contact.' || kind, old_value, new_value, (SELECT c.principal_id FROM crm.caller() AS c)
$$;
COMMENT ON FUNCTION crm.log_contact(int, uuid, text, text, text) IS 'Records a contact that was added or removed';
