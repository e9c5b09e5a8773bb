-- Runs inside pinned functions; every name is qualified.
CREATE OR REPLACE FUNCTION crm.ensure_customers(org int, customer_refs text[]) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
  missing text[] := ARRAY(
    SELECT u.ref FROM unnest(customer_refs) AS u(ref)
    WHERE NOT EXISTS (SELECT FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = crm.key(u.ref)));
  organisation_ref text;
BEGIN
  IF cardinality(missing) = 0 THEN
    RETURN;
  END IF;
  SELECT o.ref INTO organisation_ref FROM crm.organisation AS o WHERE o.org_id = org;
  -- Where the platform has no customers table, or does not know a guest, the profile is a stub.
  BEGIN
    INSERT INTO crm.customer (org_id, customer_id, ref, name, phone, email, birth_date)
    SELECT org, crm.key(u.ref), u.ref, b.name, b.phone, b.email, b.birth_date
    FROM unnest(missing) AS u(ref)
    LEFT JOIN LATERAL (SELECT p.* FROM crm.bound_customer(u.ref) AS p WHERE p.org_ref IS NULL OR p.org_ref = organisation_ref LIMIT 1) AS b ON true
    ORDER BY crm.key(u.ref)
    ON CONFLICT (org_id, customer_id) DO NOTHING;
  EXCEPTION WHEN data_exception THEN
    -- An order's reference is no id of the customers table's type.
    INSERT INTO crm.customer (org_id, customer_id, ref)
    SELECT org, crm.key(u.ref), u.ref FROM unnest(missing) AS u(ref) ORDER BY crm.key(u.ref)
    ON CONFLICT (org_id, customer_id) DO NOTHING;
  END;
END
$$;
COMMENT ON FUNCTION crm.ensure_customers(int, text[]) IS 'Makes guests known to the organisation, with the platform''s profile where it has one';
