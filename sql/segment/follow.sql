-- What keeps membership up to date. Runs inside pinned functions; every name is qualified.
CREATE OR REPLACE FUNCTION crm.hold_guests(org int, scope uuid, guests uuid[], leave_held boolean) RETURNS uuid[]
LANGUAGE plpgsql
-- The tables grow under a plan that is kept.
SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
  held uuid[];
BEGIN
  IF scope = '00000000-0000-0000-0000-000000000000' THEN
    INSERT INTO crm.guest_segments (org_id, scope_id, customer_id)
    SELECT org, scope, u.id FROM unnest(guests) AS u(id) ORDER BY u.id
    ON CONFLICT (org_id, scope_id, customer_id) DO NOTHING;
    SELECT array_agg(l.customer_id) INTO held FROM (
      SELECT g.customer_id FROM crm.guest_segments AS g
      WHERE g.org_id = org AND g.scope_id = scope AND g.customer_id = ANY (guests) ORDER BY g.customer_id FOR NO KEY UPDATE) AS l;
  ELSIF leave_held THEN
    SELECT array_agg(l.customer_id) INTO held FROM (
      SELECT t.customer_id FROM crm.customer_venue_stats AS t
      WHERE t.org_id = org AND t.venue_id = scope AND t.customer_id = ANY (guests) ORDER BY t.customer_id FOR NO KEY UPDATE SKIP LOCKED) AS l;
  ELSE
    SELECT array_agg(l.customer_id) INTO held FROM (
      SELECT t.customer_id FROM crm.customer_venue_stats AS t
      WHERE t.org_id = org AND t.venue_id = scope AND t.customer_id = ANY (guests) ORDER BY t.customer_id FOR NO KEY UPDATE) AS l;
  END IF;
  RETURN COALESCE(held, '{}');
END
$$;
COMMENT ON FUNCTION crm.hold_guests(int, uuid, uuid[], boolean) IS 'Locks what serialises the evaluations of guests, in the order of their keys: their rows of totals at a venue (those that a sale holds are left out or waited for), in the organisation (nil UUID) those of their segments; returns whom it holds';

CREATE OR REPLACE FUNCTION crm.mark_due(org int, scope uuid, guests uuid[]) RETURNS void
LANGUAGE sql
AS $$
  INSERT INTO crm.guest_segments AS g (org_id, scope_id, customer_id, due_at)
  SELECT org, scope, u.id, crm.now() FROM unnest(guests) AS u(id) ORDER BY u.id
  ON CONFLICT (org_id, scope_id, customer_id) DO UPDATE SET due_at = excluded.due_at
  WHERE g.due_at IS NULL OR g.due_at > excluded.due_at
$$;
COMMENT ON FUNCTION crm.mark_due(int, uuid, uuid[]) IS 'Has the next sweep look at guests of a venue or (nil UUID) of the organisation';

CREATE OR REPLACE FUNCTION crm.write_segments(
  org int, scope uuid, guests uuid[], present text[], due timestamptz[], cause text,
  moved uuid[], entered text[], exited text[], orders text[], payloads text[], tally bigint[]
) RETURNS void
LANGUAGE sql
SET jit = off
AS $$
  INSERT INTO crm.guest_segments AS g (org_id, scope_id, customer_id, segments, due_at)
  SELECT org, scope, u.customer_id, u.present::int[], u.due_at FROM unnest(guests, present, due) AS u(customer_id, present, due_at)
  ON CONFLICT (org_id, scope_id, customer_id) DO UPDATE SET segments = excluded.segments, due_at = excluded.due_at;
  INSERT INTO crm.segment_change (org_id, scope_id, customer_id, occurred_at, entered, exited, cause, order_ref)
  SELECT org, scope, u.customer_id, crm.now(), u.entered::int[], u.exited::int[], cause, u.order_ref
  FROM unnest(moved, entered, exited, orders) AS u(customer_id, entered, exited, order_ref);
  INSERT INTO crm.outbox (org_id, topic, payload, occurred_at)
  SELECT org, 'segment.membership', u.payload::jsonb, crm.now() FROM unnest(payloads) AS u(payload);
  INSERT INTO crm.segment_tally (org_id, segment_id, delta)
  SELECT org, tally[n - 1], tally[n] FROM generate_series(2, cardinality(tally), 2) AS n
$$;
COMMENT ON FUNCTION crm.write_segments(int, uuid, uuid[], text[], timestamptz[], text, uuid[], text[], text[], text[], text[], bigint[]) IS 'Writes the segments of guests, and what that changes to the ledger, the outbox and the tally: guests, their segments (ascending arrays) and when each is due; the cause; guests whose segments change, which they enter and leave, the order of each; payloads; segments and the change of their number of members, one after the other';

CREATE OR REPLACE FUNCTION crm.follow_recounted(of_venue crm.venue_key, guests uuid[], cause text, new_here boolean) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM crm.follow_guests(of_venue.org_id, of_venue.venue_id, guests, cause, new_here);
EXCEPTION
  WHEN lock_not_available OR deadlock_detected OR serialization_failure THEN
    RAISE;
  WHEN OTHERS THEN
    -- The orders count all the same.
    PERFORM crm.mark_due(of_venue.org_id, of_venue.venue_id, guests);
    RAISE WARNING 'pg_crm: segments of % guests are put off to the next sweep: %', cardinality(guests), SQLERRM;
END
$$;
COMMENT ON FUNCTION crm.follow_recounted(crm.venue_key, uuid[], text, boolean) IS 'Has the segments of guests follow whose orders were re-read, so that no failure undoes that';

CREATE OR REPLACE FUNCTION crm.mark_changed(org int, venue uuid, guests uuid[]) RETURNS void
LANGUAGE sql
AS $$
  UPDATE crm.customer_venue_stats AS t SET label = t.label WHERE t.org_id = org AND t.venue_id = venue AND t.customer_id = ANY (guests)
$$;
COMMENT ON FUNCTION crm.mark_changed(int, uuid, uuid[]) IS 'Gives rows of totals that are held another version, so that what a pass over the venue found of these guests before is not written; none for an organisation (nil UUID), whose guests are evaluated again';

CREATE OR REPLACE FUNCTION crm.follow_order(venue_ref text, customer_ref text, order_ref text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
  at record;
  guests uuid[];
BEGIN
  SELECT s.org_id, s.venue_id INTO at FROM crm.venue_scoring AS s WHERE s.ref = venue_ref AND s.counting = 'live';
  IF FOUND AND customer_ref IS NOT NULL THEN
    guests := crm.hold_guests(at.org_id, at.venue_id, ARRAY[crm.key(crm.survivor_of(at.org_id, customer_ref))], false);
    PERFORM crm.mark_changed(at.org_id, at.venue_id, guests);
    PERFORM crm.follow_guests(at.org_id, at.venue_id, guests, 'order');
  END IF;
END
$$;
COMMENT ON FUNCTION crm.follow_order(text, text, text) IS 'Follows a change of an order that counts as before: its channel, table, payment or promotion code';

CREATE OR REPLACE FUNCTION crm.follow_profiles(org int, guests uuid[], cause text DEFAULT 'profile') RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
  at record;
  touched boolean := false;
BEGIN
  FOR at IN
    SELECT t.venue_id, array_agg(t.customer_id) AS guests FROM crm.customer_venue_stats AS t
    WHERE t.org_id = org AND t.customer_id = ANY (guests) GROUP BY t.venue_id ORDER BY t.venue_id
  LOOP
    IF crm.asks_for_profile(org, at.venue_id) THEN
      IF NOT touched THEN
        -- What a night found of them before holds no more, even where what is told of them stands in other tables.
        PERFORM crm.touch_customers(org, guests);
        touched := true;
      END IF;
      PERFORM crm.follow_guests(org, at.venue_id, crm.hold_guests(org, at.venue_id, at.guests, false), cause);
    END IF;
  END LOOP;
  IF cardinality(guests) > 0 AND crm.asks_for_profile(org, '00000000-0000-0000-0000-000000000000') THEN
    PERFORM crm.follow_guests(org, '00000000-0000-0000-0000-000000000000', guests, cause);
  END IF;
END
$$;
COMMENT ON FUNCTION crm.follow_profiles(int, uuid[], text) IS 'Follows a change of guests'' profiles, or of their tags, at every venue where they are known, and in the organisation';

CREATE OR REPLACE FUNCTION crm.follow_profile(org int, customer uuid, cause text DEFAULT 'profile') RETURNS void
LANGUAGE sql
AS $$ SELECT crm.follow_profiles(org, ARRAY[customer], cause) $$;
COMMENT ON FUNCTION crm.follow_profile(int, uuid, text) IS 'As of crm.follow_profiles, of one guest';

COMMENT ON FUNCTION crm.follow_guests(int, uuid, uuid[], text, boolean) IS 'Evaluates the segments of a venue, and of its organisation, that a cause concerns, for guests whose rows of totals the caller holds (all of them for guests who are new here), and writes what differs; returns the rows written';
COMMENT ON FUNCTION crm.follow_scope(int, uuid, uuid[], text, boolean) IS 'Evaluates all segments of a venue or (nil UUID) an organisation for guests whom the caller holds, or (as_found) takes what crm.guests_to_follow found last where a guest is the same since, and writes what differs; returns the rows written';
COMMENT ON FUNCTION crm.asks_for_profile(int, uuid) IS 'Whether a segment of a venue or (nil UUID) an organisation depends on the profile';
COMMENT ON FUNCTION crm.guests_to_follow(int, uuid, int) IS 'The guests of a venue or (nil UUID) an organisation whose segments (all, or one with those related to it) are not what they are, or who are due sooner, in the order of their keys';
COMMENT ON FUNCTION crm.forget_segments() IS 'Has every session read the segments anew after one changed; trigger of crm.segment and crm.organisation';
COMMENT ON FUNCTION crm.has_segments(int, uuid) IS 'Whether a venue or (nil UUID) an organisation has segments other than those of the labels';
