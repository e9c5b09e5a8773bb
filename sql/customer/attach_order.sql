CREATE OR REPLACE FUNCTION crm.attach_order(order_ref text, customer text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  org int := crm.org_of_customer(customer, 'customer');
  guest uuid := crm.hold_customer(org, customer);
  guest_ref text := (SELECT c.ref FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = guest);
  bound crm.binding;
  host text;
  lookup text;
  order_venue text;
  order_customer text;
  moves boolean := crm.may_manage();
BEGIN
  SELECT * INTO bound FROM crm.binding AS b WHERE b.entity = 'order' AND b.fields -> 'customer' ->> 'column' IS NOT NULL;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no orders with a customer are bound' USING ERRCODE = '55000', HINT = 'SELECT crm.bind(''order'', …).';
  END IF;
  host := format('%I.%I AS h', bound.schema_name, bound.table_name);
  lookup := crm.mapped_lookup(bound.fields, 'ref', '$1');
  BEGIN
    EXECUTE format('SELECT (%s)::text AS venue, (%s)::text AS customer FROM %s WHERE %s FOR NO KEY UPDATE',
                   crm.mapped_expression(bound.fields, 'venue', 'h'), crm.mapped_expression(bound.fields, 'customer', 'h'), host, lookup)
    INTO order_venue, order_customer USING order_ref;
    -- An order of another organisation, or of a venue the caller does not see, is as unknown as one that is not there.
    IF NOT EXISTS (SELECT FROM crm.venue_scoring AS s WHERE s.ref = order_venue AND s.org_id = org
                   AND COALESCE((SELECT c.venue_ids IS NULL OR s.venue_id = ANY (c.venue_ids) FROM crm.caller() AS c), true)) THEN
      RAISE no_data_found;
    END IF;
  EXCEPTION WHEN data_exception OR no_data_found THEN
    RAISE EXCEPTION 'unknown order "%"', order_ref USING ERRCODE = 'CR404', COLUMN = 'order_ref';
  END;
  IF order_customer = guest_ref THEN
    RETURN;
  END IF;
  IF order_customer IS NOT NULL AND NOT moves THEN
    RAISE EXCEPTION 'order "%" is another guest''s: only a manager may move it', order_ref USING ERRCODE = '42501', COLUMN = 'order_ref';
  END IF;
  BEGIN
    EXECUTE format('UPDATE %s SET %I = $2::%s WHERE %s', host, bound.fields -> 'customer' ->> 'column', bound.fields -> 'customer' ->> 'declared', lookup)
    USING order_ref, guest_ref;
  EXCEPTION
    WHEN insufficient_privilege THEN
      RAISE EXCEPTION 'the platform''s table of orders may not be written: %', SQLERRM USING ERRCODE = '55000', HINT = 'A database administrator calls crm.rebind(''order'').';
    WHEN data_exception OR integrity_constraint_violation THEN
      RAISE EXCEPTION 'the platform refused the guest for its order: %', SQLERRM USING ERRCODE = 'CR409', COLUMN = 'customer',
        HINT = 'It takes guests of its own table only.';
  END;
END
$$;
ALTER FUNCTION crm.attach_order(text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.attach_order(text, text) IS 'Gives an order of the platform, by its id there, to a guest (the CRM''s id or the platform''s), in the platform''s own table; it counts for him in the same transaction. Staff may attach an order that is nobody''s; to move another guest''s takes a manager (42501). CR404 for an unknown order or guest, CR409 where the platform refuses the guest.';
GRANT EXECUTE ON FUNCTION crm.attach_order(text, text) TO crm_staff;
