CREATE OR REPLACE FUNCTION crm.binding_field()
RETURNS TABLE (entity text, field text, kind text, required boolean, constant_allowed boolean, description text)
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
  VALUES
    ('venue', 'ref', 'ref', true, true, 'id of the venue'),
    ('venue', 'name', 'text', true, true, 'name to show'),
    ('venue', 'timezone', 'text', true, true, 'IANA time zone'),
    ('venue', 'currency', 'text', true, true, 'ISO 4217 code'),
    ('venue', 'region', 'text', false, true, 'region of its phone numbers, ISO 3166-1 alpha-2'),
    ('venue', 'org', 'ref', false, true, 'id of the organisation'),
    ('venue', 'org_name', 'text', false, true, 'name of the organisation'),
    ('customer', 'ref', 'ref', true, false, 'id of the customer'),
    ('customer', 'name', 'text', false, false, 'name'),
    ('customer', 'phone', 'text', false, false, 'phone number'),
    ('customer', 'email', 'text', false, false, 'e-mail address'),
    ('customer', 'birth_date', 'day', false, false, 'date of birth'),
    ('customer', 'org', 'ref', false, true, 'id of the organisation'),
    ('order', 'ref', 'ref', true, false, 'id of the order'),
    ('order', 'venue', 'ref', true, true, 'id of the venue'),
    ('order', 'customer', 'ref', false, false, 'id of the customer; null for a walk-in'),
    ('order', 'total', 'money', true, false, 'total of the order'),
    ('order', 'refunded', 'money', false, false, 'part of the total that was refunded, subtracted from it'),
    ('order', 'completed_at', 'time', true, false, 'when the order was completed'),
    ('order', 'completed', 'state', true, false, 'whether the order is completed'),
    ('order', 'placed_at', 'time', false, false, 'when the order was placed'),
    ('order', 'channel', 'text', false, true, 'how it was ordered'),
    ('order', 'table', 'text', false, false, 'table it was served at'),
    ('order', 'payment_method', 'text', false, true, 'how it was paid'),
    ('order', 'promo_code', 'text', false, false, 'promotion code used'),
    ('product', 'ref', 'ref', true, false, 'id of the product'),
    ('product', 'name', 'text', true, false, 'name'),
    ('product', 'category', 'text', false, true, 'category'),
    ('product', 'price', 'money', false, false, 'list price'),
    ('product', 'venue', 'ref', false, true, 'id of the venue that sells it'),
    ('order_item', 'order', 'ref', true, false, 'id of the order'),
    ('order_item', 'product', 'ref', true, false, 'id of the product'),
    ('order_item', 'quantity', 'number', true, false, 'how many'),
    ('order_item', 'amount', 'money', true, false, 'total of the line')
$$;
COMMENT ON FUNCTION crm.binding_field() IS 'The fields that a mapping may name, by entity: kind, whether required, whether a constant will do';
