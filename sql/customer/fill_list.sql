CREATE OR REPLACE FUNCTION crm.fill_list() RETURNS xid8
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
DECLARE
  -- Whatever has a lower number has ended: what it wrote is read below.
  since xid8 := pg_snapshot_xmin(pg_current_snapshot());
  held record;
  of_org int;
  definition text;
  definitions text[] := '{}';
BEGIN
  IF EXISTS (SELECT FROM crm.listed_guest) OR NOT pg_try_advisory_xact_lock(hashtextextended('crm.list_guests', 0)) THEN
    RETURN NULL;
  END IF;
  -- Nobody is kept from an empty list for longer than it takes to fill; who reads it now is not waited for.
  SET LOCAL lock_timeout = '1s';
  BEGIN
    LOCK crm.listed_guest, crm.guest_text IN ACCESS EXCLUSIVE MODE;
  EXCEPTION WHEN lock_not_available THEN
    RETURN NULL;
  END;
  SET LOCAL lock_timeout = 0;
  FOR held IN
    SELECT i.indexrelid::regclass AS name, pg_get_indexdef(i.indexrelid) AS definition
    FROM pg_index AS i WHERE i.indrelid IN ('crm.listed_guest'::regclass, 'crm.guest_text'::regclass) AND NOT i.indisprimary
  LOOP
    definitions := definitions || held.definition;
    EXECUTE format('DROP INDEX %s', held.name);
  END LOOP;
  FOR of_org IN SELECT o.org_id FROM crm.organisation AS o ORDER BY o.org_id LOOP
    INSERT INTO crm.listed_guest (org_id, customer_id, scope_id, label, total_orders, total_visits, spent, last_order_at, last_venue_id, unnamed, name, text_bits_a, text_bits_b)
    SELECT of_org, n.* FROM crm.listable_rows(of_org, NULL) AS n ORDER BY n.customer_id, n.scope_id;
    INSERT INTO crm.guest_text (org_id, customer_id, venue_ids, search_text)
    SELECT of_org, c.customer_id, l.venue_ids, crm.search_text(c.name, c.email, c.phone)
    FROM (SELECT l.customer_id,
                 COALESCE(array_agg(l.scope_id ORDER BY l.scope_id) FILTER (WHERE l.scope_id <> '00000000-0000-0000-0000-000000000000'), '{}') AS venue_ids
          FROM crm.listed_guest AS l WHERE l.org_id = of_org GROUP BY l.customer_id) AS l
    JOIN crm.customer AS c ON c.org_id = of_org AND c.customer_id = l.customer_id
    ORDER BY c.customer_id;
    INSERT INTO crm.name_word (org_id, word)
    SELECT DISTINCT of_org, w FROM crm.listed_guest AS l CROSS JOIN LATERAL unnest(crm.name_words(l.name)) AS w
    WHERE l.org_id = of_org AND l.scope_id = '00000000-0000-0000-0000-000000000000' AND length(w) >= 3
    ON CONFLICT DO NOTHING;
  END LOOP;
  FOREACH definition IN ARRAY definitions LOOP
    EXECUTE definition;
  END LOOP;
  RETURN since;
END
$$;
ALTER FUNCTION crm.fill_list() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.fill_list() IS 'Fills the tables behind the list of guests, where they are empty, all at once: their indexes are made after the rows. Returns the number of the first transaction whose changes it may not have read, for crm.mark_filled(); null where there are rows already or somebody reads them. For the backfill.';

CREATE OR REPLACE FUNCTION crm.mark_filled(since xid8, most int DEFAULT 1000) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
DECLARE
  marked int;
  noted int;
BEGIN
  -- A row that changed since is another version, with a later number; one that a sale holds is left to crm.list_guests().
  UPDATE crm.customer_venue_stats AS t SET listed = true
  FROM (SELECT x.org_id, x.venue_id, x.customer_id FROM crm.customer_venue_stats AS x
        WHERE NOT x.listed AND age(x.xmin) > age(since::xid) LIMIT most FOR NO KEY UPDATE SKIP LOCKED) AS f
  WHERE t.org_id = f.org_id AND t.venue_id = f.venue_id AND t.customer_id = f.customer_id;
  GET DIAGNOSTICS marked = ROW_COUNT;
  DELETE FROM crm.unlisted_guest AS n
  USING (SELECT x.org_id, x.note_id FROM crm.unlisted_guest AS x WHERE age(x.xmin) > age(since::xid) LIMIT most) AS f
  WHERE n.org_id = f.org_id AND n.note_id = f.note_id;
  GET DIAGNOSTICS noted = ROW_COUNT;
  RETURN GREATEST(marked, noted);
END
$$;
ALTER FUNCTION crm.mark_filled(xid8, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.mark_filled(xid8, int) IS 'Marks as listed, at most so many at a time, what crm.fill_list() has read; returns how many, 0 when none is left';
