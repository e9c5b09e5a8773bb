CREATE OR REPLACE FUNCTION crm.lifetime(customer text)
RETURNS TABLE (currency text, venues int, total_orders bigint, total_visits bigint, total_spent numeric, highest_order numeric,
               first_order_at timestamptz, last_order_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  of_org int := crm.caller_org();
  known_in int[];
BEGIN
  PERFORM crm.require_schema();
  IF of_org IS NULL AND NOT crm.is_administrator() THEN
    PERFORM crm.require_caller();
  END IF;
  known_in := ARRAY(SELECT c.org_id FROM crm.customer AS c WHERE c.customer_id = crm.key(lifetime.customer) AND (of_org IS NULL OR c.org_id = of_org));
  IF cardinality(known_in) = 0 THEN
    RAISE EXCEPTION 'unknown customer "%"', lifetime.customer USING ERRCODE = 'CR404', COLUMN = 'customer';
  END IF;
  RETURN QUERY
  SELECT v.currency, count(*)::int, sum(t.total_orders), sum(t.total_visits), sum(t.total_spent), max(t.highest_order),
         min(t.first_order_at), max(t.last_order_at)
  FROM crm.customer_venue_stats AS t
  JOIN crm.venue AS v ON v.org_id = t.org_id AND v.venue_id = t.venue_id
  WHERE t.org_id = ANY (known_in) AND t.customer_id = crm.key(lifetime.customer) AND t.total_orders > 0
  GROUP BY v.currency
  ORDER BY v.currency;
END
$$;
ALTER FUNCTION crm.lifetime(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.lifetime(text) IS 'Totals of a guest (the CRM''s id or the platform''s) over all venues of the caller''s organisation, whichever the caller is limited to, one row per currency; none for a guest without counted orders. CR404 for an unknown guest.';
GRANT EXECUTE ON FUNCTION crm.lifetime(text) TO crm_staff;
