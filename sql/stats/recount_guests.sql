-- Run inside pinned functions; every name is qualified.
CREATE OR REPLACE FUNCTION crm.recount_guests(of_venue crm.venue_key, venue_ref text, customer_refs text[], leave_locked boolean, cause text DEFAULT 'order') RETURNS text[]
LANGUAGE plpgsql
AS $$
DECLARE
  -- Orders of a merged guest count for another.
  survivors text[] := crm.survivors_of(of_venue.org_id, customer_refs);
  made uuid[];
  held uuid[];
  former_ends timestamptz[];
  present_ends timestamptz[];
BEGIN
  PERFORM crm.ensure_customers(of_venue.org_id, survivors);
  PERFORM crm.empty_merged(of_venue, ARRAY(SELECT unnest(customer_refs) EXCEPT SELECT unnest(survivors)), cause);
  -- A guest without a row has none to lock. Even one without orders gets a row: it remembers the re-read for triggers
  -- of this statement yet to fire.
  WITH written AS (
    INSERT INTO crm.customer_venue_stats AS t (
      org_id, venue_id, customer_id, total_orders, total_visits, total_spent, highest_order, first_order_at, last_order_at, recounted_in, profiled)
    SELECT of_venue.org_id, of_venue.venue_id, c.customer_id, c.total_orders, c.total_visits, c.total_spent, c.highest_order,
           c.first_order_at, c.last_order_at, pg_current_xact_id(),
           NOT EXISTS (SELECT FROM crm.unprofiled_guest AS o WHERE o.org_id = of_venue.org_id AND o.customer_id = c.customer_id)
    FROM crm.count_guests(venue_ref, ARRAY(
      SELECT u.ref FROM unnest(survivors) AS u(ref)
      WHERE NOT EXISTS (SELECT FROM crm.customer_venue_stats AS t
                        WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.customer_id = crm.key(u.ref)))) AS c
    ORDER BY c.customer_id
    ON CONFLICT (org_id, venue_id, customer_id) DO NOTHING
    RETURNING t.customer_id, t.first_order_at, t.last_order_at)
  SELECT array_agg(w.customer_id), array_agg(w.first_order_at) || array_agg(w.last_order_at) INTO made, present_ends FROM written AS w;
  PERFORM crm.announce_labels(of_venue, made);
  -- A guest is new on another day now; and who is re-read without the order at hand most often lost or got his last.
  PERFORM crm.note_days(of_venue, present_ends);
  IF cardinality(made) = cardinality(survivors) THEN
    PERFORM crm.expect_survivors(of_venue.org_id, customer_refs, survivors);
    PERFORM crm.follow_recounted(of_venue, made, cause, true);
    RETURN customer_refs;
  END IF;

  -- Lock the rows, then read the orders in a new statement: one statement for both would miss an order that was
  -- committed while it waited for a lock.
  IF NOT leave_locked THEN
    PERFORM crm.await_guests(of_venue.org_id, of_venue.venue_id, ARRAY(SELECT crm.key(u.ref) FROM unnest(survivors) AS u(ref)));
  END IF;
  SELECT array_agg(l.customer_id), array_agg(l.first_order_at) || array_agg(l.last_order_at) INTO held, former_ends FROM (
    SELECT t.customer_id, t.first_order_at, t.last_order_at FROM crm.customer_venue_stats AS t
    WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id
      AND t.customer_id IN (SELECT crm.key(u.ref) FROM unnest(survivors) AS u(ref)) AND t.customer_id NOT IN (SELECT unnest(made))
    ORDER BY t.customer_id FOR UPDATE SKIP LOCKED) AS l;
  IF held IS NOT NULL THEN
    WITH written AS (
      UPDATE crm.customer_venue_stats AS t
      SET total_orders = c.total_orders, total_visits = c.total_visits, total_spent = c.total_spent, highest_order = c.highest_order,
          first_order_at = c.first_order_at, last_order_at = c.last_order_at, recounted_in = pg_current_xact_id()
      FROM crm.count_guests(venue_ref, ARRAY(SELECT u.ref FROM unnest(survivors) AS u(ref) WHERE crm.key(u.ref) IN (SELECT unnest(held)))) AS c
      WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.customer_id = c.customer_id
      RETURNING t.customer_id, t.first_order_at, t.last_order_at)
    SELECT array_agg(w.first_order_at ORDER BY h.n) || array_agg(w.last_order_at ORDER BY h.n) INTO present_ends
    FROM unnest(held) WITH ORDINALITY AS h(customer_id, n) LEFT JOIN written AS w ON w.customer_id = h.customer_id;
    PERFORM crm.note_days(of_venue, ARRAY(
      SELECT moved.at FROM unnest(former_ends, present_ends) AS ends(before, after), LATERAL (VALUES (ends.before), (ends.after)) AS moved(at)
      WHERE ends.before IS DISTINCT FROM ends.after));
  END IF;
  PERFORM crm.expect_survivors(of_venue.org_id, customer_refs, survivors);
  PERFORM crm.follow_recounted(of_venue, made, cause, true);
  PERFORM crm.follow_recounted(of_venue, held, cause, false);
  RETURN ARRAY(SELECT u.ref FROM unnest(customer_refs) AS u(ref) WHERE crm.key(crm.survivor_of(of_venue.org_id, u.ref)) IN (SELECT unnest(made || held)));
END
$$;
COMMENT ON FUNCTION crm.recount_guests(crm.venue_key, text, text[], boolean, text) IS 'Re-reads guests of a venue from the orders, each under a lock of his row; rows that others hold are left out or waited for; their segments follow, for a cause; returns the guests re-read';

CREATE OR REPLACE FUNCTION crm.empty_merged(of_venue crm.venue_key, merged_refs text[], cause text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  emptied uuid[];
  ends timestamptz[];
BEGIN
  IF merged_refs = '{}' THEN
    RETURN;
  END IF;
  -- A merged guest keeps a row without orders, so that an order under his id is looked into and found to be another's.
  WITH former AS (
    SELECT t.customer_id, t.first_order_at, t.last_order_at FROM crm.customer_venue_stats AS t
    WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.total_orders > 0
      AND t.customer_id IN (SELECT crm.key(u.ref) FROM unnest(merged_refs) AS u(ref))
    ORDER BY t.customer_id FOR UPDATE
  ), written AS (
    UPDATE crm.customer_venue_stats AS t
    SET total_orders = 0, total_visits = 0, total_spent = 0, highest_order = NULL, first_order_at = NULL, last_order_at = NULL
    FROM former AS f
    WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.customer_id = f.customer_id
    RETURNING f.*)
  SELECT array_agg(w.customer_id), array_agg(w.first_order_at) || array_agg(w.last_order_at) INTO emptied, ends FROM written AS w;
  IF emptied IS NOT NULL THEN
    PERFORM crm.note_days(of_venue, ends);
    PERFORM crm.follow_recounted(of_venue, emptied, cause, false);
  END IF;
END
$$;
COMMENT ON FUNCTION crm.empty_merged(crm.venue_key, text[], text) IS 'Leaves guests who were merged, by the platform''s ids, no orders at a venue: theirs count for others';

CREATE OR REPLACE FUNCTION crm.announce_labels(of_venue crm.venue_key, new_guests uuid[]) RETURNS void
LANGUAGE sql
AS $$
  INSERT INTO crm.outbox (org_id, topic, payload, occurred_at)
  SELECT of_venue.org_id, 'customer.label', jsonb_build_object('venue_id', of_venue.venue_id, 'cause', COALESCE(NULLIF(current_setting('crm.cause', true), ''), 'order'), 'changes',
           jsonb_agg(jsonb_build_object('customer_id', t.customer_id, 'from', NULL, 'to', t.label, 'order_ref', crm.collected_order(t.customer_id)) ORDER BY u.n)),
         crm.now()
  FROM unnest(new_guests) WITH ORDINALITY AS u(id, n)
  JOIN crm.customer_venue_stats AS t ON t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.customer_id = u.id
  GROUP BY (u.n - 1) / 500
$$;
COMMENT ON FUNCTION crm.announce_labels(crm.venue_key, uuid[]) IS 'Puts into the outbox which labels guests got who are new at a venue; none for null';

CREATE OR REPLACE FUNCTION crm.survivors_of(org int, customer_refs text[]) RETURNS text[]
LANGUAGE sql STABLE
AS $$
  SELECT ARRAY(SELECT DISTINCT crm.survivor_of(org, u.ref) AS ref FROM unnest(customer_refs) AS u(ref) ORDER BY ref)
$$;
COMMENT ON FUNCTION crm.survivors_of(int, text[]) IS 'The platform''s ids of the guests for whom orders under these ids count, each once';

CREATE OR REPLACE FUNCTION crm.expect_survivors(org int, customer_refs text[], expected text[]) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  -- A merge that comes later waits for the rows that are locked by now.
  IF crm.survivors_of(org, customer_refs) IS DISTINCT FROM expected THEN
    RAISE EXCEPTION 'a guest was merged, or his merge taken back, meanwhile' USING ERRCODE = '40001';
  END IF;
END
$$;
COMMENT ON FUNCTION crm.expect_survivors(int, text[], text[]) IS 'Refuses with 40001 where orders count for others by now than they did: the repair then re-reads them';

CREATE OR REPLACE FUNCTION crm.count_guests(venue_ref text, customer_refs text[])
RETURNS TABLE (customer_id uuid, total_orders int, total_visits int, total_spent numeric, highest_order numeric,
               first_order_at timestamptz, last_order_at timestamptz)
LANGUAGE sql STABLE
AS $$
  SELECT crm.key(u.ref), o.*
  FROM unnest(customer_refs) AS u(ref)
  JOIN crm.venue_scoring AS s ON s.ref = venue_ref
  CROSS JOIN LATERAL (
    SELECT count(*)::int, count(DISTINCT crm.local_day(b.completed_at, s.timezone, s.day_starts_at))::int,
           crm.money_sum(sum(b.total)), max(b.total), min(b.completed_at), max(b.completed_at)
    FROM crm.refs_of(s.org_id, u.ref) AS r(ref) CROSS JOIN LATERAL crm.counted_orders_of(r.ref, venue_ref) AS b) AS o
$$;
COMMENT ON FUNCTION crm.count_guests(text, text[]) IS 'Totals of guests of a venue, all given by the platform''s ids, from the orders, by the platform''s own index';

CREATE OR REPLACE FUNCTION crm.recount_guest(of_venue crm.venue_key, venue_ref text, customer_ref text) RETURNS void
LANGUAGE sql
AS $$
  SELECT crm.recount_guests(of_venue, venue_ref, ARRAY[customer_ref], false)
$$;
COMMENT ON FUNCTION crm.recount_guest(crm.venue_key, text, text) IS 'Re-reads one guest of a venue from the orders, under a lock of his row';
