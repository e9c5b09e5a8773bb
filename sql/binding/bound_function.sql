CREATE OR REPLACE FUNCTION crm.bound_function(name text, body text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('CREATE OR REPLACE FUNCTION crm.%s %s AS %L', s.signature,
                CASE WHEN s.returned IS NULL THEN 'RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = ' || quote_literal(crm.lock_wait())
                     ELSE 'RETURNS TABLE (' || s.returned || ') LANGUAGE sql STABLE' END,
                body)
  FROM crm.bound_function_signature() AS s WHERE s.name = bound_function.name
$$;
COMMENT ON FUNCTION crm.bound_function(text, text) IS 'Statement that gives a generated function its body';

CREATE OR REPLACE FUNCTION crm.lock_wait() RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  wait text := COALESCE(NULLIF(btrim(current_setting('crm.lock_wait', true)), ''), '100ms');
BEGIN
  -- To PostgreSQL's lock_timeout 0 means waiting for ever.
  IF wait !~ '^[0-9]+ *(us|ms|s|min)?$' OR wait ~ '^0+ *[a-z]*$' THEN
    RAISE EXCEPTION 'crm.lock_wait cannot be "%"', wait USING ERRCODE = '22023', HINT = 'A time above zero, such as 100ms or 1s.';
  END IF;
  RETURN wait;
END
$$;
COMMENT ON FUNCTION crm.lock_wait() IS 'How long a change of the platform''s rows may wait for a lock before it is left to the next repair: the setting crm.lock_wait as it is when crm.bind or crm.rebind generates the triggers, else 100ms. 22023 for what is no time above zero.';

CREATE OR REPLACE FUNCTION crm.bound_function_signature()
RETURNS TABLE (name text, entity text, signature text, returned text, unbound_body text, description text)
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
  VALUES
    ('bound_venues', 'venue', 'bound_venues()', 'ref text, name text, timezone text, currency text, region text, org_ref text, org_name text',
      'SELECT NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text WHERE false',
      'The platform''s venues'),
    ('on_venue_change', 'venue', 'on_venue_change()', NULL, 'BEGIN RETURN NULL; END', 'Trigger of the platform''s venues table'),
    ('bound_customers', 'customer', 'bound_customers()', 'ref text, name text, phone text, email text, birth_date date, org_ref text',
      'SELECT NULL::text, NULL::text, NULL::text, NULL::text, NULL::date, NULL::text WHERE false',
      'The platform''s customers'),
    ('bound_customer', 'customer', 'bound_customer(customer_ref text)', 'ref text, name text, phone text, email text, birth_date date, org_ref text',
      'SELECT NULL::text, NULL::text, NULL::text, NULL::text, NULL::date, NULL::text WHERE false',
      'One customer of the platform, by its own index'),
    ('on_customer_change', 'customer', 'on_customer_change()', NULL, 'BEGIN RETURN NULL; END', 'Trigger of the platform''s customers table'),
    ('bound_orders', 'order', 'bound_orders()',
      'org_id int, venue_id uuid, venue_ref text, customer_ref text, order_ref text, total numeric, completed_at timestamptz, placed_at timestamptz, channel text, table_name text, payment_method text, promo_code text, refunded numeric',
      'SELECT NULL::int, NULL::uuid, NULL::text, NULL::text, NULL::text, NULL::numeric, NULL::timestamptz, NULL::timestamptz, NULL::text, NULL::text, NULL::text, NULL::text, NULL::numeric WHERE false',
      'The platform''s completed orders that were not refunded in full, counted or not'),
    ('counted_orders_at', 'order', 'counted_orders_at(venue_ref text)', 'customer_ref text, total numeric, completed_at timestamptz',
      'SELECT NULL::text, NULL::numeric, NULL::timestamptz WHERE false',
      'Counted orders of a venue given by the platform''s id'),
    ('counted_orders_within', 'order', 'counted_orders_within(venue_ref text, from_at timestamptz, before timestamptz)', 'customer_ref text, total numeric, completed_at timestamptz',
      'SELECT NULL::text, NULL::numeric, NULL::timestamptz WHERE false',
      'Counted orders of a venue given by the platform''s id, completed from an instant on and before another, by the platform''s own index'),
    ('counted_orders_of', 'order', 'counted_orders_of(customer_ref text, venue_ref text)', 'total numeric, completed_at timestamptz',
      'SELECT NULL::numeric, NULL::timestamptz WHERE false',
      'Counted orders of a guest at a venue, both given by the platform''s ids, by the platform''s own index'),
    ('orders_of', 'order', 'orders_of(org_id int, customer_ref text, venue_ref text)',
      'order_ref text, total numeric, day date, daypart text, weekday text, channel text, table_name text, payment_method text, promo_code text, completed_at timestamptz, venue_id uuid',
      'SELECT NULL::text, NULL::numeric, NULL::date, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::timestamptz, NULL::uuid WHERE false',
      'Counted orders of a guest at a venue (null for all of the organisation), those of guests merged into him too, as criteria see them'),
    ('sales_within', 'order', 'sales_within(venue_ref text, from_at timestamptz, before timestamptz)', 'order_ref text, completed_at timestamptz',
      'SELECT NULL::text, NULL::timestamptz WHERE false',
      'Completed orders of a venue given by the platform''s id, whoever ordered, completed from an instant on and before another, by the platform''s own index'),
    ('on_order_change', 'order', 'on_order_change()', NULL, 'BEGIN RETURN NULL; END', 'Trigger of the platform''s orders table, for each row'),
    ('on_order_statement', 'order', 'on_order_statement()', NULL, 'BEGIN RETURN NULL; END', 'Trigger of the platform''s orders table, for each statement'),
    ('bound_products', 'product', 'bound_products()', 'ref text, name text, category text, price numeric, venue_ref text',
      'SELECT NULL::text, NULL::text, NULL::text, NULL::numeric, NULL::text WHERE false',
      'The platform''s products'),
    ('orders_at', 'order', 'orders_at(org_id int, venue_ref text, since date)',
      'guest uuid, order_ref text, total numeric, day date, daypart text, weekday text, channel text, table_name text, payment_method text, promo_code text',
      'SELECT NULL::uuid, NULL::text, NULL::numeric, NULL::date, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text WHERE false',
      'Counted orders of all guests at a venue (null for all of the organisation), of a day or later, as criteria see them; those of guests merged into others are the others'),
    ('bound_product', 'product', 'bound_product(product_ref text)', 'name text, category text',
      'SELECT NULL::text, NULL::text WHERE false',
      'One product of the platform, by its own index'),
    ('bound_order_items', 'order_item', 'bound_order_items()', 'order_ref text, product_ref text, quantity numeric, amount numeric',
      'SELECT NULL::text, NULL::text, NULL::numeric, NULL::numeric WHERE false',
      'The platform''s order lines'),
    ('items_of_order', 'order_item', 'items_of_order(order_ref text, of_day date)', 'product text, category text, quantity numeric, amount numeric, day date, product_ref text',
      'SELECT NULL::text, NULL::text, NULL::numeric, NULL::numeric, NULL::date, NULL::text WHERE false',
      'Lines of an order, by the platform''s own index, with the day of the order')
$$;
COMMENT ON FUNCTION crm.bound_function_signature() IS 'The functions that a binding generates: signature, columns (none for a trigger), body while nothing is bound';
