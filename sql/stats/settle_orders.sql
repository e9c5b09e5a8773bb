-- Runs inside the pinned trigger functions of the platform's order table; every name is qualified.
CREATE OR REPLACE FUNCTION crm.settle_orders() RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
  work record;
  done text[];
  error_code text;
  error_message text;
BEGIN
  INSERT INTO crm.changed_day (org_id, venue_id, day)
  SELECT s.org_id, s.venue_id, d.day FROM crm.collected_days() AS d JOIN crm.venue_scoring AS s ON s.ref = d.venue_ref;
  FOR work IN SELECT * FROM crm.settle_additions() LOOP
    done := '{}';
    BEGIN
      IF work.added IS NOT NULL THEN
        PERFORM crm.follow_guests(work.org_id, work.venue_id, work.added, 'order');
      ELSIF work.org_id IS NULL THEN
        RAISE EXCEPTION 'unknown venue "%"', work.venue_ref USING ERRCODE = 'CR404';
      ELSIF NOT work.live THEN
        -- The backfill reads the history in one go; what changes meanwhile is re-read after it.
        INSERT INTO crm.failed_change (entity, venue_ref, customer_ref, message)
        SELECT 'order', work.venue_ref, u.ref, 'waits for the backfill' FROM unnest(work.customer_refs) AS u(ref)
        -- Where the CRM is off, what resumes it counts all.
        WHERE NOT EXISTS (SELECT FROM crm.venue_scoring AS s WHERE s.ref = work.venue_ref AND s.counting = 'off');
      ELSE
        done := crm.recount_guests(ROW(work.org_id, work.venue_id)::crm.venue_key, work.venue_ref, work.customer_refs, true);
        IF cardinality(done) < cardinality(work.customer_refs) THEN
          PERFORM crm.recount_guests(ROW(work.org_id, work.venue_id)::crm.venue_key, work.venue_ref,
            ARRAY(SELECT unnest(work.customer_refs) EXCEPT SELECT unnest(done)), false);
        END IF;
      END IF;
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS error_code = RETURNED_SQLSTATE, error_message = MESSAGE_TEXT;
      PERFORM crm.guests_failed(error_code, error_message, work.venue_ref, work.customer_refs);
    END;
  END LOOP;
  PERFORM crm.forget_collected();
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS error_code = RETURNED_SQLSTATE, error_message = MESSAGE_TEXT;
  PERFORM crm.guests_failed(error_code, error_message, c.venue_ref, array_agg(c.customer_ref))
  FROM crm.collected_changes() AS c GROUP BY c.venue_ref;
  PERFORM crm.forget_collected();
END
$$;
COMMENT ON FUNCTION crm.settle_orders() IS 'Counts what the changes of a statement left: additions guest by guest in one update, all else by a re-read of each guest touched; what fails is recorded for the next repair';

CREATE OR REPLACE FUNCTION crm.settle_additions()
RETURNS TABLE (org_id int, venue_id uuid, venue_ref text, live boolean, customer_refs text[], added uuid[])
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH collected AS MATERIALIZED (
    SELECT c.* FROM crm.collected_changes() AS c
  ), free AS MATERIALIZED (
    -- In the order of their keys; whom another transaction holds is left to the re-read.
    SELECT t.org_id, t.venue_id, t.customer_id
    FROM collected AS c
    JOIN crm.customer_venue_stats AS t ON t.org_id = c.org_id AND t.venue_id = c.venue_id AND t.customer_id = c.customer_id
    WHERE c.live AND c.orders > 0
    ORDER BY t.org_id, t.venue_id, t.customer_id
    FOR UPDATE OF t SKIP LOCKED
  ), added AS (
    UPDATE crm.customer_venue_stats AS t
    SET total_orders = t.total_orders + c.orders,
        total_visits = t.total_visits + c.days - (crm.local_day(t.last_order_at, c.timezone, c.day_starts_at) = c.first_day)::int,
        total_spent = t.total_spent + (c.spent / 100.0)::numeric(14,2),
        highest_order = GREATEST(t.highest_order, (c.highest / 100.0)::numeric(14,2)),
        first_order_at = LEAST(t.first_order_at, c.first_order_at), last_order_at = GREATEST(t.last_order_at, c.last_order_at)
    FROM free AS f
    JOIN collected AS c ON c.org_id = f.org_id AND c.venue_id = f.venue_id AND c.customer_id = f.customer_id
    WHERE t.org_id = f.org_id AND t.venue_id = f.venue_id AND t.customer_id = f.customer_id
      -- The difference is exact for a guest whose orders are none of a later day and were not re-read in this
      -- transaction, as one re-read sees all rows of the statement that is under way.
      AND t.total_orders > 0 AND t.recounted_in IS DISTINCT FROM pg_current_xact_id()
      AND crm.local_day(t.last_order_at, c.timezone, c.day_starts_at) <= c.first_day
    RETURNING t.org_id, t.venue_id, t.customer_id
  )
  SELECT c.org_id, c.venue_id, c.venue_ref, c.live, array_agg(c.customer_ref ORDER BY c.customer_id),
         array_agg(a.customer_id ORDER BY a.customer_id) FILTER (WHERE a.customer_id IS NOT NULL)
  FROM collected AS c
  LEFT JOIN added AS a ON a.org_id = c.org_id AND a.venue_id = c.venue_id AND a.customer_id = c.customer_id
  GROUP BY c.org_id, c.venue_id, c.venue_ref, c.live, a.customer_id IS NOT NULL
  ORDER BY c.venue_ref, a.customer_id IS NOT NULL;
END
$$;
COMMENT ON FUNCTION crm.settle_additions() IS 'Adds the collected orders to their guests where the difference is exact; returns these (added) and the others, venue by venue';

CREATE OR REPLACE FUNCTION crm.guests_failed(code text, message text, venue_ref text, customer_refs text[]) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  IF code = '55P03' THEN
    PERFORM crm.put_off();
  END IF;
  INSERT INTO crm.failed_change (entity, venue_ref, customer_ref, sqlstate, message)
  SELECT 'order', venue_ref, u.ref, code, message FROM unnest(customer_refs) AS u(ref);
  RAISE WARNING 'pg_crm: orders of % guests at venue % are put off to the next repair: %', cardinality(customer_refs), venue_ref, message;
END
$$;
COMMENT ON FUNCTION crm.guests_failed(text, text, text, text[]) IS 'Records guests whose orders could not be counted, for the next repair, and warns';
COMMENT ON FUNCTION crm.take_order(oid, text, text, text, numeric, timestamptz, text, text, numeric, timestamptz) IS 'Follows one change of an order: its table and id, then venue, customer, net total and completion of the former and of the new version, the total null where it does not count. The first change of a statement is added to its guest at once where the difference is exact; the others are collected for crm.settle_orders. Returns whether that must be called at once, as no trigger will at the end of the statement.';
COMMENT ON FUNCTION crm.collected_changes() IS 'The changes collected so far, one row a guest: key and refs, whether the venue is live, orders (null where they must be read again), local days, amounts in hundredths';
COMMENT ON FUNCTION crm.collected_order(uuid) IS 'The platform''s id of the order that was collected last for a guest; null for none';
COMMENT ON FUNCTION crm.collected_days() IS 'The closed days that the changes collected so far touch, by the platform''s ids of their venues';
COMMENT ON FUNCTION crm.forget_collected() IS 'Forgets the collected changes, once they are settled or recorded as put off';
COMMENT ON FUNCTION crm.end_statement() IS 'Ends a statement on the platform''s orders; returns whether collected changes are left to be settled';
COMMENT ON FUNCTION crm.announce_statement() IS 'Announces a statement on a partitioned table, at whose end crm.settle_orders is called';
COMMENT ON FUNCTION crm.put_off() IS 'Leaves the further changes of this transaction to the next repair, so that a transaction of many changes waits for a lock once and not for each';
COMMENT ON FUNCTION crm.await_guests(int, uuid, uuid[]) IS 'Locks the rows of some guests of a venue in the order of their keys; lock_timeout bounds all its waits together';
