-- Runs inside pinned functions; every name is qualified.
CREATE OR REPLACE FUNCTION crm.recount_guest(of_venue crm.venue_key, venue_ref text, customer_ref text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
  guest uuid := crm.key(customer_ref);
  as_of timestamptz := crm.now();
  former crm.customer_venue_stats;
  present crm.customer_venue_stats;
BEGIN
  -- Lock the row, then read the orders in a new statement: one statement for both would miss an order that
  -- was committed while it waited for the lock.
  SELECT * INTO former FROM crm.customer_venue_stats AS t
  WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.customer_id = guest
  FOR UPDATE;
  IF NOT FOUND THEN
    -- Even for a guest without orders: the row remembers the re-read for triggers of this statement yet to fire.
    PERFORM crm.ensure_customer(of_venue.org_id, customer_ref);
    INSERT INTO crm.customer_venue_stats (org_id, venue_id, customer_id, total_orders, total_visits, total_spent, label, label_changed_at)
    VALUES (of_venue.org_id, of_venue.venue_id, guest, 0, 0, 0, 'INACTIVE', as_of)
    ON CONFLICT (org_id, venue_id, customer_id) DO UPDATE SET total_orders = crm.customer_venue_stats.total_orders;
  END IF;

  UPDATE crm.customer_venue_stats AS t
  SET total_orders = c.total_orders, total_visits = c.total_visits, total_spent = c.total_spent, highest_order = c.highest_order,
      first_order_at = c.first_order_at, last_order_at = c.last_order_at,
      recency_score = c.recency_score, frequency_score = c.frequency_score, monetary_score = c.monetary_score,
      label = c.label, next_label_at = c.next_label_at,
      previous_label = CASE WHEN c.label <> t.label THEN t.label ELSE t.previous_label END,
      label_changed_at = CASE WHEN c.label <> t.label THEN as_of ELSE t.label_changed_at END,
      recounted_in = pg_current_xact_id()
  FROM (
    SELECT o.*, r.*
    FROM crm.venue_scoring AS s
    CROSS JOIN LATERAL (
      SELECT count(*)::int AS total_orders,
             count(DISTINCT crm.local_day(b.completed_at, s.timezone, s.day_starts_at))::int AS total_visits,
             crm.money_sum(sum(b.total)) AS total_spent, max(b.total) AS highest_order,
             min(b.completed_at) AS first_order_at, max(b.completed_at) AS last_order_at
      FROM crm.counted_orders_of(customer_ref, venue_ref) AS b) AS o
    CROSS JOIN LATERAL crm.rate(s.rule, s.timezone, s.day_starts_at, o.total_orders, o.total_visits, o.total_spent,
                                o.first_order_at, o.last_order_at, as_of) AS r
    WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id
  ) AS c
  WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.customer_id = guest
  RETURNING t.* INTO present;

  -- A guest is new on another day now; and who is re-read without the order at hand most often lost or got his last.
  PERFORM crm.note_day(of_venue, moved.at)
  FROM (VALUES (former.first_order_at, present.first_order_at), (former.last_order_at, present.last_order_at)) AS ends(before, after),
       LATERAL (VALUES (ends.before), (ends.after)) AS moved(at)
  WHERE ends.before IS DISTINCT FROM ends.after AND moved.at IS NOT NULL;
END
$$;
COMMENT ON FUNCTION crm.recount_guest(crm.venue_key, text, text) IS 'Re-reads one guest of one venue from the orders, under a lock of the stats row';
