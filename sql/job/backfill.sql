CREATE OR REPLACE FUNCTION crm.backfill_customers() RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  written bigint := 0;
  bound text[] := crm.bound_customer_fields();
  stale uuid[];
  refreshed bigint;
BEGIN
  WITH added AS (
    INSERT INTO crm.customer (org_id, customer_id, ref, name, phone, email, birth_date)
    SELECT o.org_id, crm.key(b.ref), b.ref, b.name, b.phone, b.email, b.birth_date
    FROM crm.bound_customers() AS b JOIN crm.organisation AS o ON o.ref = b.org_ref
      OR (b.org_ref IS NULL AND (SELECT count(*) FROM crm.organisation) = 1)
    WHERE b.ref IS NOT NULL
    ON CONFLICT (org_id, customer_id) DO NOTHING
    RETURNING customer.org_id, customer.customer_id)
  INSERT INTO crm.unlisted_guest (org_id, customer_id) SELECT a.org_id, a.customer_id FROM added AS a;
  GET DIAGNOSTICS written = ROW_COUNT;
  -- Rows of an earlier binding: lock them, then read the platform's in a new statement.
  SELECT array_agg(l.customer_id) INTO stale FROM (
    SELECT c.customer_id FROM crm.customer AS c
    JOIN crm.organisation AS o ON o.org_id = c.org_id
    JOIN crm.bound_customers() AS b ON b.ref = c.ref AND (b.org_ref IS NULL OR b.org_ref = o.ref)
    WHERE c.status <> 'erased' AND (crm.mirrored(bound, 'name', c.name, b.name), crm.mirrored(bound, 'phone', c.phone, b.phone),
           crm.mirrored(bound, 'email', c.email, b.email), crm.mirrored(bound, 'birth_date', c.birth_date, b.birth_date))
          IS DISTINCT FROM (c.name, c.phone, c.email, c.birth_date)
    ORDER BY c.org_id, c.customer_id FOR UPDATE OF c) AS l;
  IF stale IS NOT NULL THEN
    UPDATE crm.customer AS c
    SET name = crm.mirrored(bound, 'name', c.name, b.name), phone = crm.mirrored(bound, 'phone', c.phone, b.phone),
        email = crm.mirrored(bound, 'email', c.email, b.email), birth_date = crm.mirrored(bound, 'birth_date', c.birth_date, b.birth_date),
        updated_at = clock_timestamp()
    FROM crm.bound_customers() AS b, crm.organisation AS o
    WHERE b.ref = c.ref AND o.org_id = c.org_id AND (b.org_ref IS NULL OR b.org_ref = o.ref) AND c.customer_id = ANY (stale);
    GET DIAGNOSTICS refreshed = ROW_COUNT;
    written := written + refreshed;
  END IF;
  RETURN written;
END
$$;
ALTER FUNCTION crm.backfill_customers() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.backfill_customers() IS 'Mirrors the customers that the platform has already; returns the rows written';

CREATE OR REPLACE FUNCTION crm.backfill_venue(of_venue crm.venue_key, as_of timestamptz) RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
SET crm.as_of = ''
AS $$
DECLARE
  scoring crm.venue_scoring;
  written bigint;
BEGIN
  PERFORM set_config('crm.as_of', as_of::text, true);
  SELECT * INTO STRICT scoring FROM crm.venue_scoring AS s
  WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id FOR UPDATE;
  IF scoring.counting <> 'pending' THEN
    RETURN 0;
  END IF;
  -- Held until the end: unbinding would leave an empty history to count.
  PERFORM FROM crm.binding AS b WHERE b.entity = 'order' FOR SHARE;
  IF NOT FOUND THEN
    RETURN 0;
  END IF;
  UPDATE crm.venue_scoring AS s SET timezone = v.timezone, day_starts_at = v.day_starts_at
  FROM crm.venue AS v
  WHERE v.org_id = of_venue.org_id AND v.venue_id = of_venue.venue_id AND s.org_id = v.org_id AND s.venue_id = v.venue_id
  RETURNING s.timezone, s.day_starts_at INTO scoring.timezone, scoring.day_starts_at;

  -- No sale writes a row of a pending venue: the whole history is counted in one pass.
  DROP TABLE IF EXISTS pg_temp.crm_counted;
  CREATE TEMPORARY TABLE crm_counted ON COMMIT DROP AS
  SELECT crm.key(COALESCE(m.survivor_ref, o.customer_ref)) AS customer_id, COALESCE(m.survivor_ref, o.customer_ref) AS customer_ref, count(*)::int AS total_orders,
         count(DISTINCT crm.local_day(o.completed_at, scoring.timezone, scoring.day_starts_at))::int AS total_visits,
         crm.money_sum(sum(o.total)) AS total_spent, max(o.total) AS highest_order,
         min(o.completed_at) AS first_order_at, max(o.completed_at) AS last_order_at
  FROM crm.counted_orders_at(scoring.ref) AS o
  LEFT JOIN crm.merged_customer AS m ON m.org_id = of_venue.org_id AND m.ref = o.customer_ref
  GROUP BY COALESCE(m.survivor_ref, o.customer_ref);
  ANALYZE pg_temp.crm_counted;

  -- The rule comes first, so that every row is written once, with the label it keeps.
  PERFORM crm.write_scoring(of_venue, as_of, crm.cohort(n.customer_id, n.total_orders, n.total_visits, n.total_spent, n.first_order_at, n.last_order_at,
                                                        NULL, NULL, NULL, CASE WHEN u.customer_id IS NOT NULL THEN '-' END, NULL))
  FROM pg_temp.crm_counted AS n
  LEFT JOIN (SELECT DISTINCT u.customer_id FROM crm.unprofiled_guest AS u WHERE u.org_id = of_venue.org_id) AS u ON u.customer_id = n.customer_id;
  SELECT * INTO STRICT scoring FROM crm.venue_scoring AS s WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id;

  INSERT INTO crm.customer (org_id, customer_id, ref, name, phone, email, birth_date)
  SELECT of_venue.org_id, n.customer_id, n.customer_ref, b.name, b.phone, b.email, b.birth_date
  FROM pg_temp.crm_counted AS n
  JOIN crm.organisation AS o ON o.org_id = of_venue.org_id
  LEFT JOIN crm.bound_customers() AS b ON b.ref = n.customer_ref AND (b.org_ref IS NULL OR b.org_ref = o.ref)
  ORDER BY n.customer_id
  ON CONFLICT (org_id, customer_id) DO NOTHING;

  -- Before the rows are inserted: of a table that grew in this transaction the planner knows nothing.
  UPDATE crm.customer_venue_stats AS t
  SET total_orders = 0, total_visits = 0, total_spent = 0, highest_order = NULL, first_order_at = NULL, last_order_at = NULL
  WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.total_orders > 0
    AND NOT EXISTS (SELECT FROM pg_temp.crm_counted AS n WHERE n.customer_id = t.customer_id);

  INSERT INTO crm.customer_venue_stats AS t (
    org_id, venue_id, customer_id, total_orders, total_visits, total_spent, highest_order, first_order_at, last_order_at, profiled)
  SELECT of_venue.org_id, of_venue.venue_id, n.customer_id, n.total_orders, n.total_visits, n.total_spent, n.highest_order,
         n.first_order_at, n.last_order_at, n.customer_id NOT IN (SELECT u.customer_id FROM crm.unprofiled_guest AS u WHERE u.org_id = of_venue.org_id)
  FROM pg_temp.crm_counted AS n
  ORDER BY n.customer_id
  ON CONFLICT (org_id, venue_id, customer_id) DO UPDATE
    SET total_orders = excluded.total_orders, total_visits = excluded.total_visits, total_spent = excluded.total_spent,
        highest_order = excluded.highest_order, first_order_at = excluded.first_order_at, last_order_at = excluded.last_order_at,
        profiled = excluded.profiled;
  GET DIAGNOSTICS written = ROW_COUNT;

  -- The next night counts its days.
  UPDATE crm.venue_scoring AS s SET counting = 'live', closed_day = NULL, recounted_at = clock_timestamp() WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id;
  RETURN written;
END
$$;
ALTER FUNCTION crm.backfill_venue(crm.venue_key, timestamptz) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.backfill_venue(crm.venue_key, timestamptz) IS 'Counts the whole history of a venue whose orders are not counted as they change yet, and switches it live; returns the rows written';

-- Commits between venues, so it cannot pin its search_path for good: it sets it anew in each transaction.
CREATE OR REPLACE PROCEDURE crm.backfill()
LANGUAGE plpgsql
AS $$
DECLARE
  work record;
  run bigint;
  written bigint;
  total int;
  done int := 0;
  failure text;
  filled xid8;
BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  PERFORM crm.require_binder();
  IF NOT EXISTS (SELECT FROM crm.binding WHERE entity = 'order') THEN
    RAISE EXCEPTION 'no orders are bound' USING ERRCODE = 'CR422', HINT = 'SELECT crm.bind(''order'', …);';
  END IF;
  IF NOT pg_try_advisory_xact_lock(hashtextextended('crm.backfill', 0)) THEN
    RAISE EXCEPTION 'a backfill is under way already' USING ERRCODE = '55006', HINT = 'crm.job_run shows how far it is.';
  END IF;
  run := crm.start_run('backfill', NULL);
  written := crm.backfill_customers();
  PERFORM crm.end_run(run, written, NULL);
  RAISE NOTICE 'pg_crm backfill: % customers mirrored', written;
  SELECT count(*) INTO total FROM crm.venue_scoring WHERE counting = 'pending';
  PERFORM crm.start_progress('backfill', NULL, false, total);
  COMMIT;

  FOR work IN
    SELECT s.org_id, s.venue_id, v.name
    FROM crm.venue_scoring AS s JOIN crm.venue AS v ON v.org_id = s.org_id AND v.venue_id = s.venue_id
    WHERE s.counting = 'pending' ORDER BY s.org_id, s.venue_id
  LOOP
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    PERFORM pg_advisory_xact_lock(hashtextextended('crm.backfill', 0));
    run := crm.start_run('backfill', ROW(work.org_id, work.venue_id)::crm.venue_key);
    PERFORM crm.show_progress('backfill', work.venue_id, 0);
    COMMIT;
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    PERFORM pg_advisory_xact_lock(hashtextextended('crm.backfill', 0));
    done := done + 1;
    -- One venue that fails does not stop the others.
    BEGIN
      written := crm.backfill_venue(ROW(work.org_id, work.venue_id)::crm.venue_key, crm.now());
      PERFORM crm.end_run(run, written, NULL);
      RAISE NOTICE 'pg_crm backfill: venue % of % (%): % guests', done, total, work.name, written;
    EXCEPTION WHEN OTHERS THEN
      written := 0;
      PERFORM crm.end_run(run, 0, SQLSTATE || ' ' || SQLERRM);
      RAISE WARNING 'pg_crm backfill: venue % of % (%) failed: %', done, total, work.name, SQLERRM
        USING HINT = 'Mend the cause, then CALL crm.backfill() once more.';
    END;
    PERFORM crm.show_progress('backfill', NULL, written, 1);
    COMMIT;
  END LOOP;
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  UPDATE crm.binding SET backfilled_at = clock_timestamp() WHERE entity IN ('customer', 'order') AND backfilled_at IS NULL;
  PERFORM crm.end_progress('backfill');
  COMMIT;
  -- A sale that began before its venue went live has put its change off: wait for it, not for long, then re-read.
  CALL crm.await_transactions(crm.transactions_under_way());
  CALL crm.repair_in_chunks('crm.backfill', written);
  -- What is known of tables that were just filled decides how they are read.
  ANALYZE crm.customer, crm.customer_venue_stats;
  PERFORM crm.begin_step('crm.backfill');
  BEGIN
    filled := crm.fill_list();
  EXCEPTION WHEN OTHERS THEN
    -- Guest by guest they are listed all the same.
    RAISE WARNING 'pg_crm backfill: the list of guests was not filled at once: %', SQLERRM;
  END;
  COMMIT;
  IF filled IS NOT NULL THEN
    ANALYZE crm.listed_guest, crm.guest_text;
    CALL crm.mark_in_chunks('crm.backfill', filled);
  END IF;
  CALL crm.list_in_chunks('crm.backfill', failure);
  -- Made of all rows just now: the night need not prove it so soon.
  PERFORM crm.end_run(crm.start_run('list', NULL), 0, failure);
  COMMIT;
  IF failure IS NOT NULL THEN
    RAISE WARNING 'pg_crm backfill: the list of guests is not sorted yet: %', failure;
  END IF;
  ANALYZE crm.customer_venue_stats, crm.listed_guest, crm.guest_text;
  -- What the whole history tells of likes takes longer than counting it, and can wait for the first night.
  CALL crm.run_night(preferences => false);
END
$$;
COMMENT ON PROCEDURE crm.backfill() IS 'Counts the history of every venue that is not counted yet, venue by venue with a commit after each, then scores it; sales go on meanwhile and count exactly once. Again after an interruption goes on where it stopped. Call it alone, outside a transaction. Superusers only.';
