CREATE OR REPLACE FUNCTION crm.customer_profile(customer text) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  caller record;
  profile crm.customer;
BEGIN
  SELECT * INTO caller FROM crm.require_caller();
  SELECT c.* INTO profile FROM crm.customer AS c WHERE c.org_id = caller.org_id AND c.customer_id = crm.key(customer);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown customer "%"', customer USING ERRCODE = 'CR404', COLUMN = 'customer';
  END IF;
  RETURN jsonb_build_object(
    'customer_id', profile.customer_id, 'ref', profile.ref, 'name', profile.name, 'phone', profile.phone, 'email', profile.email,
    'birth_date', profile.birth_date, 'created_at', profile.created_at,
    'venues', crm.venues_of_guest(caller.org_id, profile.customer_id, caller.venue_ids));
END
$$;
ALTER FUNCTION crm.customer_profile(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.customer_profile(text) IS 'A guest (the CRM''s id or the platform''s) with totals, scores and label at each of the caller''s venues; money as decimal strings. CR404 for a guest the caller''s organisation does not know.';
GRANT EXECUTE ON FUNCTION crm.customer_profile(text) TO crm_staff;
