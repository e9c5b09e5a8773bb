-- Runs inside pinned functions; every name is qualified.
CREATE OR REPLACE FUNCTION crm.ensure_customer(org int, customer_ref text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
  profile crm.customer;
BEGIN
  IF EXISTS (SELECT FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = crm.key(customer_ref)) THEN
    RETURN;
  END IF;
  -- Where the platform has no customers table, or does not know this one, the profile is a stub.
  BEGIN
    SELECT b.name, b.phone, b.email, b.birth_date
    INTO profile.name, profile.phone, profile.email, profile.birth_date FROM crm.bound_customer(customer_ref) AS b
    WHERE b.org_ref IS NULL OR b.org_ref = (SELECT o.ref FROM crm.organisation AS o WHERE o.org_id = org) LIMIT 1;
  EXCEPTION WHEN data_exception THEN
    NULL;  -- the order's reference is no id of the customers table's type
  END;
  INSERT INTO crm.customer (org_id, customer_id, ref, name, phone, email, birth_date)
  VALUES (org, crm.key(customer_ref), customer_ref, profile.name, profile.phone, profile.email, profile.birth_date)
  ON CONFLICT (org_id, customer_id) DO NOTHING;
END
$$;
COMMENT ON FUNCTION crm.ensure_customer(int, text) IS 'Makes the guest known to the organisation, with the platform''s profile where it has one';
