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
  -- The delta is exact where the order opens no day before the last one, and where the guest was not re-read
  -- in this transaction: one re-read sees all rows of the statement that is under way.
  UPDATE crm.customer_venue_stats AS t
  SET total_orders = t.total_orders + 1,
      total_visits = t.total_visits + CASE WHEN crm.local_day(order_completed_at, s.timezone, s.day_starts_at)
                                              > crm.local_day(t.last_order_at, s.timezone, s.day_starts_at) THEN 1 ELSE 0 END,
      total_spent = t.total_spent + order_total,
      highest_order = GREATEST(t.highest_order, order_total),
      first_order_at = LEAST(t.first_order_at, order_completed_at),
      last_order_at = GREATEST(t.last_order_at, order_completed_at),
      (recency_score, frequency_score, monetary_score, label, next_label_at, previous_label, label_changed_at) = (
        SELECT r.recency_score, r.frequency_score, r.monetary_score, r.label, r.next_label_at,
               CASE WHEN r.label <> t.label THEN t.label ELSE t.previous_label END,
               CASE WHEN r.label <> t.label THEN as_of ELSE t.label_changed_at END
        FROM crm.rate(s.rule, s.timezone, s.day_starts_at, t.total_orders + 1,
               t.total_visits + CASE WHEN crm.local_day(order_completed_at, s.timezone, s.day_starts_at)
                                        > crm.local_day(t.last_order_at, s.timezone, s.day_starts_at) THEN 1 ELSE 0 END,
               t.total_spent + order_total, LEAST(t.first_order_at, order_completed_at),
               GREATEST(t.last_order_at, order_completed_at), as_of) AS r)
  FROM crm.venue_scoring AS s
  WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id
    AND t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.customer_id = guest
    AND t.total_orders > 0
    AND t.recounted_in IS DISTINCT FROM pg_current_xact_id()
    AND crm.local_day(order_completed_at, s.timezone, s.day_starts_at) >= crm.local_day(t.last_order_at, s.timezone, s.day_starts_at);
  IF FOUND THEN
    RETURN;
  END IF;

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
COMMENT ON FUNCTION crm.count_order(crm.venue_key, text, text, numeric, timestamptz) IS 'Counts one more order of a guest: by its difference where that is exact, else by re-reading the guest';
