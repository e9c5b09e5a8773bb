CREATE OR REPLACE FUNCTION crm.fill_list() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
DECLARE
  held record;
  of_org int;
  definition text;
  definitions text[] := '{}';
  filled bigint := 0;
  rows bigint;
BEGIN
  IF EXISTS (SELECT FROM crm.listed_guest) OR NOT pg_try_advisory_xact_lock(hashtextextended('crm.list_guests', 0)) THEN
    RETURN 0;
  END IF;
  -- Nobody is kept from an empty list for longer than it takes to fill; who reads it now is not waited for.
  SET LOCAL lock_timeout = '1s';
  BEGIN
    LOCK crm.listed_guest, crm.guest_text IN ACCESS EXCLUSIVE MODE;
  EXCEPTION WHEN lock_not_available THEN
    RETURN 0;
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
    GET DIAGNOSTICS rows = ROW_COUNT;
    filled := filled + rows;
    INSERT INTO crm.guest_text (org_id, customer_id, venue_ids, search_text)
    SELECT of_org, c.customer_id, l.venue_ids, crm.search_text(c.name, c.email, c.phone)
    FROM (SELECT l.customer_id,
                 COALESCE(array_agg(l.scope_id ORDER BY l.scope_id) FILTER (WHERE l.scope_id <> '00000000-0000-0000-0000-000000000000'), '{}') AS venue_ids
          FROM crm.listed_guest AS l WHERE l.org_id = of_org GROUP BY l.customer_id) AS l
    JOIN crm.customer AS c ON c.org_id = of_org AND c.customer_id = l.customer_id
    ORDER BY c.customer_id;
  END LOOP;
  FOREACH definition IN ARRAY definitions LOOP
    EXECUTE definition;
  END LOOP;
  RETURN filled;
END
$$;
ALTER FUNCTION crm.fill_list() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.fill_list() IS 'Fills the tables behind the list of guests, where they are empty, all at once: their indexes are made after the rows. The guests still count as unlisted; crm.list_guests() then finds most of them right. Returns the rows written, 0 where there are rows already or somebody reads them. For the backfill.';
