CREATE OR REPLACE FUNCTION crm.change_failed(
  entity text, code text, message text, order_ref text, old_venue text, old_customer text, new_venue text, new_customer text
) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  IF entity = 'order' AND code = '55P03' THEN
    PERFORM crm.put_off();
  END IF;
  INSERT INTO crm.failed_change (entity, venue_ref, customer_ref, order_ref, sqlstate, message)
  SELECT entity, g.venue, g.customer, order_ref, code, message
  FROM (SELECT old_venue, old_customer UNION SELECT new_venue, new_customer) AS g(venue, customer)
  -- Where neither guest is known, one row stands for all; else one for each guest touched.
  WHERE g.venue IS NOT NULL OR g.customer IS NOT NULL
     OR (old_venue IS NULL AND old_customer IS NULL AND new_venue IS NULL AND new_customer IS NULL);
  RAISE WARNING 'pg_crm: a change of % % is put off to the next repair: %', entity,
    COALESCE(order_ref, new_customer, old_customer, new_venue, old_venue, '(unknown)'), message;
END
$$;
COMMENT ON FUNCTION crm.change_failed(text, text, text, text, text, text, text, text) IS 'Records a change that could not be followed, for the next repair, and warns';
