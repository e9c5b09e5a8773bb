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
    'venues', COALESCE((
      SELECT jsonb_agg(jsonb_build_object(
          'venue_id', v.venue_id, 'venue_name', v.name, 'currency', v.currency,
          'label', t.label, 'previous_label', t.previous_label, 'label_changed_at', t.label_changed_at, 'next_label_at', t.next_label_at,
          'recency_score', t.recency_score, 'frequency_score', t.frequency_score, 'monetary_score', t.monetary_score,
          'total_orders', t.total_orders, 'total_visits', t.total_visits, 'total_spent', t.total_spent::text, 'highest_order', t.highest_order::text,
          'first_order_at', t.first_order_at, 'last_order_at', t.last_order_at,
          'days_since_last_order', crm.open_days_between(s.rule, crm.local_day(t.last_order_at, s.timezone, s.day_starts_at),
                                                         crm.local_day(crm.now(), s.timezone, s.day_starts_at)))
        ORDER BY t.last_order_at DESC NULLS LAST, v.name)
      FROM crm.customer_venue_stats AS t
      JOIN crm.venue AS v ON v.org_id = t.org_id AND v.venue_id = t.venue_id
      JOIN crm.venue_scoring AS s ON s.org_id = t.org_id AND s.venue_id = t.venue_id
      WHERE t.org_id = caller.org_id AND t.customer_id = profile.customer_id
        AND (caller.venue_ids IS NULL OR t.venue_id = ANY (caller.venue_ids))), '[]'));
END
$$;
ALTER FUNCTION crm.customer_profile(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.customer_profile(text) IS 'A guest (the CRM''s id or the platform''s) with totals, scores and label at each of the caller''s venues; money as decimal strings. CR404 for a guest the caller''s organisation does not know.';
GRANT EXECUTE ON FUNCTION crm.customer_profile(text) TO crm_staff;
