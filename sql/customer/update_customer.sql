CREATE OR REPLACE FUNCTION crm.update_customer(customer text, profile jsonb, venue text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  org int := crm.org_of_customer(customer, 'customer');
  read jsonb := crm.read_profile(org, profile, crm.region_of(org, venue));
  guest crm.customer;
  guarded text;
BEGIN
  PERFORM crm.hold_customer(org, customer);
  SELECT * INTO guest FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = crm.key(customer);
  IF NOT crm.may_manage() THEN
    SELECT r.key INTO guarded FROM jsonb_each_text(read) AS r JOIN jsonb_each_text(to_jsonb(guest)) AS g ON g.key = r.key
    WHERE r.key = ANY ('{phone,email,birth_date,birthday,document}') AND g.value IS NOT NULL AND r.value IS DISTINCT FROM g.value LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'only a manager may change % once it is known', guarded USING ERRCODE = '42501', COLUMN = CASE guarded WHEN 'birth_date' THEN 'birthday' ELSE guarded END;
    END IF;
  END IF;
  PERFORM crm.write_profile(org, guest.customer_id, read);
END
$$;
ALTER FUNCTION crm.update_customer(text, jsonb, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.update_customer(text, jsonb, text) IS 'Changes the fields given of a guest''s profile (the CRM''s id or the platform''s; fields as of crm.create_customer, null to clear one), in the platform''s own table where they are bound; each change is kept in crm.profile_change. Staff may fill in phone, email, birthday and document; to change one takes a manager (42501). 22023 for what cannot be, with the field as COLUMN; CR404 for an unknown guest; CR409 for one who was merged or erased, or where the platform refuses.';
GRANT EXECUTE ON FUNCTION crm.update_customer(text, jsonb, text) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.hold_customer(org int, customer text) RETURNS uuid
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  guest record;
BEGIN
  SELECT c.customer_id, c.status INTO guest FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = crm.key(customer) FOR NO KEY UPDATE;
  IF guest.status IN ('merged', 'erased') THEN
    RAISE EXCEPTION 'customer "%" was %', customer, guest.status USING ERRCODE = 'CR409', COLUMN = 'customer',
      HINT = CASE guest.status WHEN 'merged' THEN 'Change the guest he was merged into; crm.merged_customer names him.' ELSE '' END;
  END IF;
  RETURN guest.customer_id;
END
$$;
COMMENT ON FUNCTION crm.hold_customer(int, text) IS 'Locks a guest of an organisation, so that what is said of him is written one after the other; CR409 for one who was merged or erased';

CREATE OR REPLACE FUNCTION crm.block_customer(customer text, reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  org int := crm.org_of_customer(customer, 'customer');
  guest uuid := crm.hold_customer(org, customer);
BEGIN
  IF NULLIF(btrim(reason), '') IS NULL THEN
    RAISE EXCEPTION 'to block a guest takes a reason' USING ERRCODE = '22023', COLUMN = 'reason';
  END IF;
  UPDATE crm.customer AS c SET status = 'blocked', blocked_reason = left(btrim(reason), 1000), updated_at = clock_timestamp()
  WHERE c.org_id = org AND c.customer_id = guest;
  PERFORM crm.follow_profile(org, guest);
END
$$;
ALTER FUNCTION crm.block_customer(text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.block_customer(text, text) IS 'Marks a guest (the CRM''s id or the platform''s) as blocked, with the reason that hosts see. His orders count as before. 22023 without a reason, CR404, CR409 for one who was merged or erased.';
GRANT EXECUTE ON FUNCTION crm.block_customer(text, text) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.unblock_customer(customer text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  org int := crm.org_of_customer(customer, 'customer');
  guest uuid := crm.hold_customer(org, customer);
BEGIN
  UPDATE crm.customer AS c SET status = 'active', blocked_reason = NULL, updated_at = clock_timestamp()
  WHERE c.org_id = org AND c.customer_id = guest AND c.status = 'blocked';
  PERFORM crm.follow_profile(org, guest);
END
$$;
ALTER FUNCTION crm.unblock_customer(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.unblock_customer(text) IS 'Takes the block of a guest (the CRM''s id or the platform''s) back; harmless where there is none. CR404, CR409 for one who was merged or erased.';
GRANT EXECUTE ON FUNCTION crm.unblock_customer(text) TO crm_manager;
