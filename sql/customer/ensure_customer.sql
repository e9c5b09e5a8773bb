-- Runs inside pinned functions; every name is qualified.
CREATE OR REPLACE FUNCTION crm.ensure_customer(org int, customer_ref text) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  IF EXISTS (SELECT FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = crm.key(customer_ref)) THEN
    RETURN;
  END IF;
  -- Where the platform has no customers table, or does not know this one, the profile is a stub.
  INSERT INTO crm.customer (org_id, customer_id, ref, name, phone, email, birth_date)
  SELECT org, crm.key(customer_ref), customer_ref, p.name, p.phone, p.email, p.birth_date
  FROM (SELECT 1) AS always
  LEFT JOIN LATERAL (SELECT * FROM crm.bound_customer(customer_ref) LIMIT 1) AS p ON true
  ON CONFLICT (org_id, customer_id) DO NOTHING;
END
$$;
COMMENT ON FUNCTION crm.ensure_customer(int, text) IS 'Makes the guest known to the organisation, with the platform''s profile where it has one';
