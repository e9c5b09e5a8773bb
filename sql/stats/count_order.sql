-- Runs inside the pinned trigger functions; every name is qualified.
CREATE OR REPLACE FUNCTION crm.count_order(
  of_venue crm.venue_key, venue_ref text, customer_ref text, order_total numeric, order_completed_at timestamptz
) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
  guest uuid := crm.key(customer_ref);
  as_of timestamptz := crm.now();
BEGIN
  PERFORM crm.ensure_customer(of_venue.org_id, customer_ref);
  INSERT INTO crm.customer_venue_stats AS t (
    org_id, venue_id, customer_id, total_orders, total_visits, total_spent, highest_order, first_order_at, last_order_at,
    recency_score, frequency_score, monetary_score, label, next_label_at, label_changed_at)
  SELECT s.org_id, s.venue_id, guest, 1, 1, order_total, order_total, order_completed_at, order_completed_at,
         r.recency_score, r.frequency_score, r.monetary_score, r.label, r.next_label_at, as_of
  FROM crm.venue_scoring AS s,
       crm.rate(s.rule, s.timezone, s.day_starts_at, 1, 1, order_total, order_completed_at, order_completed_at, as_of) AS r
  WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id
  ON CONFLICT (org_id, venue_id, customer_id) DO NOTHING;
  IF NOT FOUND THEN
    PERFORM crm.recount_guest(of_venue, venue_ref, customer_ref);
  END IF;
END
$$;
COMMENT ON FUNCTION crm.count_order(crm.venue_key, text, text, numeric, timestamptz) IS 'Counts an order that crm.add_order could not add: the first of its guest, or one that needs a re-read';
COMMENT ON FUNCTION crm.add_order(text, text, numeric, timestamptz) IS 'Adds one order (venue and customer by the platform''s ids, net total, completion) to its guest''s row and scores it, where the difference is exact: the venue is live, the guest has counted orders, none of a later day, and was not re-read in this transaction, as one re-read sees all rows of the statement that is under way. Returns whether it was added.';
