CREATE OR REPLACE FUNCTION crm.verify_list() RETURNS TABLE (org_id int, customer_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
SET work_mem = '128MB'
AS $$
#variable_conflict use_column
DECLARE
  of_org int;
BEGIN
  FOR of_org IN SELECT o.org_id FROM crm.organisation AS o ORDER BY o.org_id LOOP
    RETURN QUERY
    WITH wrong AS (
      SELECT COALESCE(l.customer_id, n.customer_id) AS customer_id
      FROM (SELECT l.* FROM crm.listed_guest AS l WHERE l.org_id = of_org) AS l
      FULL JOIN crm.listable_rows(of_org, NULL) AS n ON n.customer_id = l.customer_id AND n.scope_id = l.scope_id
      WHERE (l.label, l.total_orders, l.total_visits, l.spent, l.last_order_at, l.last_venue_id, l.unnamed, l.name, l.text_bits_a, l.text_bits_b)
            IS DISTINCT FROM (n.label, n.total_orders, n.total_visits, n.spent, n.last_order_at, n.last_venue_id, n.unnamed, n.name, n.text_bits_a, n.text_bits_b)
         OR l.customer_id IS NULL OR n.customer_id IS NULL
      UNION
      SELECT COALESCE(x.customer_id, n.customer_id)
      FROM (SELECT x.* FROM crm.guest_text AS x WHERE x.org_id = of_org) AS x
      FULL JOIN (SELECT c.customer_id, crm.search_text(c.name, c.email, c.phone) AS search_text FROM crm.customer AS c
                 LEFT JOIN crm.merged_customer AS m ON m.org_id = c.org_id AND m.customer_id = c.customer_id
                 WHERE c.org_id = of_org AND m.customer_id IS NULL AND c.status <> 'erased') AS n ON n.customer_id = x.customer_id
      WHERE x.search_text IS DISTINCT FROM n.search_text
      UNION
      -- The venues of a text are those of the guest's rows: each among them, and as many.
      SELECT x.customer_id
      FROM crm.customer_venue_stats AS t JOIN crm.guest_text AS x ON x.org_id = t.org_id AND x.customer_id = t.customer_id
      WHERE t.org_id = of_org AND t.venue_id <> ALL (x.venue_ids)
      UNION
      SELECT x.customer_id
      FROM crm.guest_text AS x
      LEFT JOIN (SELECT t.customer_id, count(*) AS venues FROM crm.customer_venue_stats AS t WHERE t.org_id = of_org GROUP BY t.customer_id) AS n
        ON n.customer_id = x.customer_id
      WHERE x.org_id = of_org AND cardinality(x.venue_ids) <> COALESCE(n.venues, 0)
    )
    SELECT of_org, w.customer_id FROM wrong AS w
    WHERE NOT EXISTS (SELECT FROM crm.unlisted_guest AS u WHERE u.org_id = of_org AND u.customer_id = w.customer_id)
      AND NOT EXISTS (SELECT FROM crm.customer_venue_stats AS t WHERE t.org_id = of_org AND t.customer_id = w.customer_id AND NOT t.listed)
    ORDER BY w.customer_id;
  END LOOP;
END
$$;
ALTER FUNCTION crm.verify_list() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.verify_list() IS 'Guests whom the tables behind the list hold otherwise than their rows of totals say, though they count as listed; none when all is well';

CREATE OR REPLACE FUNCTION crm.repair_list() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  wrong record;
  unlisted bigint := 0;
BEGIN
  FOR wrong IN SELECT v.org_id, array_agg(v.customer_id) AS guests FROM crm.verify_list() AS v GROUP BY v.org_id ORDER BY v.org_id LOOP
    PERFORM crm.unlist_guests(wrong.org_id, wrong.guests);
    unlisted := unlisted + cardinality(wrong.guests);
  END LOOP;
  RETURN unlisted;
END
$$;
ALTER FUNCTION crm.repair_list() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.repair_list() IS 'Has the list read anew the guests that crm.verify_list() finds: at once right, and carried over by the next crm.list_guests(); returns how many';
