CREATE OR REPLACE FUNCTION crm.note_sales(of_venue crm.venue_key, since timestamptz) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
  WITH sold AS MATERIALIZED (
    SELECT i.product_ref, max(s.completed_at) AS last_sold_at
    FROM crm.venue AS v
    -- Beyond these years there are no times of the platform's.
    CROSS JOIN LATERAL crm.sales_within(v.ref, COALESCE(since, '1900-01-01'), '2200-01-01') AS s
    CROSS JOIN LATERAL crm.items_of_order(s.order_ref, NULL) AS i
    WHERE v.org_id = of_venue.org_id AND v.venue_id = of_venue.venue_id AND i.product_ref IS NOT NULL AND (i.quantity > 0) IS NOT FALSE
    GROUP BY i.product_ref
  ), gone AS (
    DELETE FROM crm.product_sale AS p
    WHERE since IS NULL AND p.org_id = of_venue.org_id AND p.venue_id = of_venue.venue_id AND p.product_ref NOT IN (SELECT s.product_ref FROM sold AS s)
  )
  INSERT INTO crm.product_sale AS p (org_id, venue_id, product_ref, last_sold_at)
  SELECT of_venue.org_id, of_venue.venue_id, s.product_ref, s.last_sold_at FROM sold AS s
  ON CONFLICT (org_id, venue_id, product_ref) DO UPDATE SET last_sold_at = excluded.last_sold_at
  WHERE p.last_sold_at < excluded.last_sold_at OR (since IS NULL AND p.last_sold_at <> excluded.last_sold_at)
$$;
COMMENT ON FUNCTION crm.note_sales(crm.venue_key, timestamptz) IS 'Notes until when the products of a venue were sold, from its orders since an instant or (null) all of them';

CREATE OR REPLACE FUNCTION crm.open_derivation(of_venue crm.venue_key, as_of timestamptz, whole boolean, OUT guests uuid[], OUT all_of_them boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  former crm.derivation;
BEGIN
  SELECT d.* INTO former FROM crm.derivation AS d WHERE d.org_id = of_venue.org_id AND d.venue_id = of_venue.venue_id FOR UPDATE;
  all_of_them := former.org_id IS NULL OR whole OR former.whole_at < clock_timestamp() - interval '6 days 12 hours';
  -- An order may be completed some time before it is committed.
  PERFORM crm.note_sales(of_venue, CASE WHEN NOT all_of_them THEN former.derived_at - interval '2 days' END);
  SELECT array_agg(COALESCE(t.customer_id, h.customer_id) ORDER BY COALESCE(t.customer_id, h.customer_id)) INTO guests
  FROM (SELECT * FROM crm.customer_venue_stats AS t WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.total_orders >= 3 AND t.profiled) AS t
  FULL JOIN (SELECT * FROM crm.guest_habit AS h WHERE h.org_id = of_venue.org_id AND h.venue_id = of_venue.venue_id) AS h ON h.customer_id = t.customer_id
  WHERE all_of_them OR (t.total_orders, t.total_spent, t.first_order_at, t.last_order_at)
                       IS DISTINCT FROM (h.seen_orders, h.seen_spent, h.seen_first_at, h.seen_last_at);
  IF all_of_them THEN
    UPDATE crm.stated_preference AS s SET name = p.name
    FROM crm.bound_products() AS p
    WHERE s.org_id = of_venue.org_id AND s.kind IN ('favourite_product', 'disliked_product') AND s.value = p.ref AND s.name IS DISTINCT FROM p.name;
  END IF;
  INSERT INTO crm.derivation AS d (org_id, venue_id, derived_at, whole_at) VALUES (of_venue.org_id, of_venue.venue_id, as_of, '-infinity')
  ON CONFLICT (org_id, venue_id) DO UPDATE SET derived_at = excluded.derived_at;
  guests := COALESCE(guests, '{}');
END
$$;
ALTER FUNCTION crm.open_derivation(crm.venue_key, timestamptz, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.open_derivation(crm.venue_key, timestamptz, boolean) IS 'First step of a derivation at a venue: notes the sales of its products and returns the guests whose orders are not those that were derived from, or all (as told, once a week, and the first time), in the order of their keys';

CREATE OR REPLACE FUNCTION crm.derive_chunk(of_venue crm.venue_key, as_of timestamptz, guests uuid[]) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET crm.as_of = ''
AS $$
DECLARE
  changed uuid[];
  held uuid[];
BEGIN
  PERFORM set_config('crm.as_of', as_of::text, true);
  changed := crm.derive_guests(of_venue, guests);
  IF cardinality(changed) > 0 AND crm.asks_for_preferences(of_venue.org_id, of_venue.venue_id) THEN
    held := crm.hold_guests(of_venue.org_id, of_venue.venue_id, changed, true);
    PERFORM crm.mark_changed(of_venue.org_id, of_venue.venue_id, held);
    PERFORM crm.follow_guests(of_venue.org_id, of_venue.venue_id, held, 'preference');
    IF cardinality(held) < cardinality(changed) THEN
      PERFORM crm.mark_due(of_venue.org_id, of_venue.venue_id, ARRAY(SELECT unnest(changed) EXCEPT SELECT unnest(held)));
    END IF;
  END IF;
  RETURN cardinality(changed);
END
$$;
ALTER FUNCTION crm.derive_chunk(crm.venue_key, timestamptz, uuid[]) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.derive_chunk(crm.venue_key, timestamptz, uuid[]) IS 'Derives preferences of some guests of a venue and has their segments follow, as of an instant (whom a sale holds becomes due); returns how many changed';

CREATE OR REPLACE FUNCTION crm.close_derivation(of_venue crm.venue_key, started timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  UPDATE crm.derivation AS d SET whole_at = started WHERE d.org_id = of_venue.org_id AND d.venue_id = of_venue.venue_id
$$;
ALTER FUNCTION crm.close_derivation(crm.venue_key, timestamptz) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.close_derivation(crm.venue_key, timestamptz) IS 'Notes that the preferences of all guests of a venue were derived, by a pass that started then';

CREATE OR REPLACE FUNCTION crm.derive_preferences(venue text, whole boolean DEFAULT true) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_venue crm.venue_key := crm.find_venue(venue);
  work record;
  total bigint := 0;
BEGIN
  SELECT * INTO work FROM crm.open_derivation(of_venue, crm.now(), COALESCE(whole, true));
  FOR first_of IN 1 .. cardinality(work.guests) BY 1000 LOOP
    total := total + crm.derive_chunk(of_venue, crm.now(), work.guests[first_of : first_of + 999]);
  END LOOP;
  IF work.all_of_them THEN
    PERFORM crm.close_derivation(of_venue, clock_timestamp());
  END IF;
  RETURN total;
END
$$;
COMMENT ON FUNCTION crm.derive_preferences(text, boolean) IS 'Derives what the orders at a venue (the CRM''s id or the platform''s) tell of its guests'' likes and habits, for all of them or (false) those whose orders changed since; returns how many guests changed. In one transaction; the night does the same with commits in between. CR404 for an unknown venue. For database administrators.';

-- Commits between chunks, as do the other parts of the jobs: see sql/job/in_chunks.sql.
CREATE OR REPLACE PROCEDURE crm.derive_in_chunks(of_job text, of_venue crm.venue_key, as_of timestamptz, INOUT written bigint, INOUT failure text)
LANGUAGE plpgsql
AS $$
DECLARE
  started timestamptz := pg_catalog.clock_timestamp();
  work record;
BEGIN
  written := 0;
  failure := NULL;
  PERFORM crm.begin_step(of_job);
  BEGIN
    SELECT * INTO work FROM crm.open_derivation(of_venue, as_of, false);
  EXCEPTION WHEN OTHERS THEN
    failure := SQLSTATE || ' ' || SQLERRM;
  END;
  COMMIT;
  IF failure IS NOT NULL THEN
    RETURN;
  END IF;
  FOR first_of IN 1 .. cardinality(work.guests) BY 1000 LOOP
    PERFORM crm.begin_step(of_job);
    BEGIN
      written := written + crm.derive_chunk(of_venue, as_of, work.guests[first_of : first_of + 999]);
    EXCEPTION WHEN OTHERS THEN
      failure := SQLSTATE || ' ' || SQLERRM;
    END;
    COMMIT;
    EXIT WHEN failure IS NOT NULL;
    IF work.all_of_them AND first_of IN (1, 8001, 80001) THEN
      -- Of tables that fill up from nothing, nothing is known, and all of their rows would be read for each chunk.
      ANALYZE crm.derived_preference, crm.guest_habit;
      COMMIT;
    END IF;
  END LOOP;
  IF failure IS NULL AND work.all_of_them THEN
    PERFORM crm.begin_step(of_job);
    PERFORM crm.close_derivation(of_venue, started);
    COMMIT;
  END IF;
END
$$;
COMMENT ON PROCEDURE crm.derive_in_chunks(text, crm.venue_key, timestamptz, bigint, text) IS 'Derives the preferences of the guests of a venue whose orders changed, once a week of all, with a commit after each thousand; returns how many guests changed, and what went wrong';

CREATE OR REPLACE PROCEDURE crm.run_preferences_night(of_job text, as_of timestamptz)
LANGUAGE plpgsql
AS $$
DECLARE
  work record;
  of_venue crm.venue_key;
  run bigint;
  written bigint;
  failure text;
BEGIN
  PERFORM crm.begin_step(of_job);
  FOR work IN SELECT s.org_id, s.venue_id FROM crm.venue_scoring AS s WHERE s.counting = 'live' ORDER BY s.org_id, s.venue_id LOOP
    of_venue := ROW(work.org_id, work.venue_id);
    PERFORM crm.begin_step(of_job);
    run := crm.start_run('preferences', of_venue);
    COMMIT;
    CALL crm.derive_in_chunks(of_job, of_venue, as_of, written, failure);
    PERFORM crm.begin_step(of_job);
    PERFORM crm.end_run(run, written, failure);
    COMMIT;
  END LOOP;
END
$$;
COMMENT ON PROCEDURE crm.run_preferences_night(text, timestamptz) IS 'The part of the night that derives the preferences of guests, venue by venue';
