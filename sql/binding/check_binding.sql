CREATE OR REPLACE FUNCTION crm.check_binding(of_entity text DEFAULT NULL)
RETURNS TABLE (entity text, severity text, code text, message text, hint text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  bound crm.binding;
  host regclass;
  field record;
  found_type text;
BEGIN
  PERFORM crm.require_schema();
  IF of_entity <> 'pii' AND NOT EXISTS (SELECT FROM crm.binding_field() AS f WHERE f.entity = of_entity) THEN
    RAISE EXCEPTION 'unknown entity "%"', of_entity USING ERRCODE = '22023', COLUMN = 'entity', HINT = 'venue, customer, order, product, order_item or pii.';
  END IF;
  RETURN QUERY
  SELECT e.name, e.severity, 'not_bound', format('nothing is bound as %s', e.name), format('SELECT crm.bind(%L, …);', e.name)
  FROM (VALUES ('venue', 'error'), ('order', 'error'), ('customer', 'info'), ('product', 'info'), ('order_item', 'info')) AS e(name, severity)
  WHERE (of_entity IS NULL OR e.name = of_entity)
    AND NOT EXISTS (SELECT FROM crm.binding AS b WHERE b.entity = e.name);

  FOR bound IN SELECT b.* FROM crm.binding AS b WHERE b.table_name IS NOT NULL AND (of_entity IS NULL OR b.entity = of_entity) LOOP
    host := to_regclass(format('%I.%I', bound.schema_name, bound.table_name));
    IF host IS NULL THEN
      RETURN QUERY SELECT bound.entity, 'error', 'table_missing', format('table %I.%I does not exist', bound.schema_name, bound.table_name),
        format('Put it back and SELECT crm.rebind(%1$L); or SELECT crm.unbind(%1$L) and bind its successor.', bound.entity);
      CONTINUE;
    END IF;
    FOR field IN SELECT f.key AS name, f.value ->> 'column' AS column_name, f.value ->> 'declared' AS declared
                 FROM jsonb_each(bound.fields) AS f WHERE f.value ->> 'column' IS NOT NULL LOOP
      SELECT format_type(a.atttypid, a.atttypmod) INTO found_type
      FROM pg_attribute AS a WHERE a.attrelid = host AND a.attname = field.column_name AND NOT a.attisdropped;
      IF NOT FOUND THEN
        RETURN QUERY SELECT bound.entity, 'error', 'column_missing',
          format('column %I of %s is gone (field "%s")', field.column_name, crm.host_name(host), field.name),
          format('Put it back and SELECT crm.rebind(%1$L); or SELECT crm.unbind(%1$L) and bind with another column.', bound.entity);
      ELSIF found_type <> field.declared THEN
        BEGIN
          PERFORM crm.read_mapping(bound.entity, host, bound.mapping);
          RETURN QUERY SELECT bound.entity, 'warning', 'type_changed',
            format('column %I of %s is now of type %s, it was %s when bound (field "%s")', field.column_name, crm.host_name(host), found_type, field.declared, field.name),
            format('SELECT crm.rebind(%L);', bound.entity);
        EXCEPTION WHEN SQLSTATE 'CR422' THEN
          RETURN QUERY SELECT bound.entity, 'error', 'type_unreadable', SQLERRM,
            format('Put the type %1$s back and SELECT crm.rebind(%2$L); or SELECT crm.unbind(%2$L) and bind with another mapping.', field.declared, bound.entity);
        END;
      END IF;
    END LOOP;
    RETURN QUERY
    SELECT bound.entity, 'error', 'value_missing', format('"%s" is no value of %s any more (field "%s")', listed.value, a.atttypid::regtype, f.key),
      format('SELECT crm.unbind(%1$L) and bind with the values as they are now, then CALL crm.backfill();', bound.entity)
    FROM jsonb_each(bound.fields) AS f
    JOIN pg_attribute AS a ON a.attrelid = host AND a.attname = f.value ->> 'column' AND NOT a.attisdropped
    JOIN pg_type AS t ON t.oid = crm.base_type(a.atttypid) AND t.typcategory = 'E'
    CROSS JOIN LATERAL jsonb_array_elements_text(f.value -> 'in') AS listed(value)
    WHERE NOT EXISTS (SELECT FROM pg_enum AS e WHERE e.enumtypid = t.oid AND e.enumlabel = listed.value);
    IF bound.entity IN ('venue', 'customer', 'order') THEN
      RETURN QUERY
      SELECT bound.entity, 'error', CASE WHEN g.tgname IS NULL THEN 'trigger_missing' ELSE 'trigger_disabled' END,
        format('the trigger %s of %s is %s', t.name, crm.host_name(host), CASE WHEN g.tgname IS NULL THEN 'missing' ELSE 'disabled' END),
        format('SELECT crm.rebind(%L); SELECT crm.repair_failed();', bound.entity)
      FROM crm.bound_trigger(bound.entity, host) AS t
      LEFT JOIN pg_trigger AS g ON g.tgrelid = host AND g.tgname = t.name
      WHERE g.tgname IS NULL OR g.tgenabled = 'D'
      ORDER BY t.n;
    END IF;
    IF NOT has_table_privilege('crm_owner', host, 'SELECT') OR NOT has_schema_privilege('crm_owner', bound.schema_name, 'USAGE') THEN
      RETURN QUERY SELECT bound.entity, 'error', 'not_readable', format('crm_owner may not read %s', crm.host_name(host)),
        format('GRANT USAGE ON SCHEMA %I TO crm_owner; GRANT SELECT ON %s TO crm_owner;', bound.schema_name, crm.host_name(host));
    END IF;
    RETURN QUERY
    SELECT bound.entity, 'warning', 'not_writable', format('crm_owner may not %s column %I of %s: guests cannot be made, edited or attached', lower(p.privilege), f.value ->> 'column', crm.host_name(host)),
      format('SELECT crm.rebind(%L);', bound.entity)
    FROM crm.written_columns(bound.entity, bound.fields) AS w, unnest(w.privileges) AS p(privilege), jsonb_each(bound.fields) AS f
    JOIN pg_attribute AS a ON a.attrelid = host AND a.attname = f.value ->> 'column' AND NOT a.attisdropped
    WHERE (bound.entity = 'customer' OR f.key = 'customer') AND NOT has_column_privilege('crm_owner', host, a.attnum, p.privilege);
    RETURN QUERY
    SELECT bound.entity, 'info', 'unmapped_required', format('column %I of %s must have a value that the CRM does not know: it cannot make guests', a.attname, crm.host_name(host)),
      format('Map it, or ALTER TABLE %s ALTER %I SET DEFAULT …;', crm.host_name(host), a.attname)
    FROM pg_attribute AS a
    WHERE bound.entity = 'customer' AND a.attrelid = host AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
      AND NOT EXISTS (SELECT FROM jsonb_each(bound.fields) AS f WHERE f.value ->> 'column' = a.attname);
    -- Look-ups per guest, per order and per customer should not scan the platform's table.
    RETURN QUERY
    SELECT bound.entity, 'warning', 'no_index', format('no index of %s leads with column %I (field "%s")', crm.host_name(host), bound.fields -> l.field ->> 'column', l.field),
      format('CREATE INDEX CONCURRENTLY ON %s (%I);', crm.host_name(host), bound.fields -> l.field ->> 'column')
    FROM (VALUES ('order', 'customer'), ('customer', 'ref'), ('order_item', 'order')) AS l(entity, field)
    JOIN pg_attribute AS a ON a.attrelid = host AND a.attname = bound.fields -> l.field ->> 'column' AND NOT a.attisdropped
    WHERE l.entity = bound.entity
      AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = host AND i.indkey[0] = a.attnum AND i.indisvalid AND i.indpred IS NULL);
    RETURN QUERY
    SELECT bound.entity, CASE WHEN size.orders >= 100000 THEN 'warning' ELSE 'info' END, 'no_time_index',
      format('no index of %s serves a range of column %I (field "completed_at"): each night reads all its orders', crm.host_name(host), done.attname),
      format('CREATE INDEX %sON %s (%s);', CASE WHEN c.relkind = 'p' THEN '' ELSE 'CONCURRENTLY ' END, crm.host_name(host),
             concat_ws(', ', quote_ident(venue.attname), quote_ident(done.attname)))
    FROM pg_class AS c
    JOIN pg_attribute AS done ON done.attrelid = c.oid AND done.attname = bound.fields -> 'completed_at' ->> 'column' AND NOT done.attisdropped
    LEFT JOIN pg_attribute AS venue ON venue.attrelid = c.oid AND venue.attname = bound.fields -> 'venue' ->> 'column' AND NOT venue.attisdropped,
    LATERAL (SELECT sum(leaf.reltuples) AS orders FROM pg_class AS leaf
             WHERE leaf.reltuples > 0 AND (leaf.oid = c.oid AND c.relkind = 'r' OR leaf.oid IN (SELECT t.relid FROM pg_partition_tree(c.oid) AS t WHERE t.isleaf))) AS size
    WHERE c.oid = host AND bound.entity = 'order'
      AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = host AND i.indisvalid AND i.indpred IS NULL
                      AND (i.indkey[0] = done.attnum OR (i.indkey[0] = venue.attnum AND i.indkey[1] = done.attnum)));
  END LOOP;
  RETURN QUERY SELECT p.entity, p.severity, p.code, p.message, p.hint FROM crm.check_pii_binding() AS p WHERE of_entity IS NULL OR p.entity = of_entity;
END
$$;
COMMENT ON FUNCTION crm.check_binding(text) IS 'What is wrong or missing in the binding of an entity (null for all), with the remedy: nothing bound, a table, column, trigger or privilege gone, a type changed, an index missing; columns with personal data in the platform''s tables (entity pii where bound by crm.bind_pii) that no longer fit, or are in no map. No rows where all is well.';
