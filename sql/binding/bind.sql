CREATE OR REPLACE FUNCTION crm.bind_plan(entity text, host_table text, mapping jsonb) RETURNS TABLE (step int, statement text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM crm.require_binder();
  RETURN QUERY SELECT * FROM crm.planned_binding(entity, host_table, mapping);
END
$$;
COMMENT ON FUNCTION crm.bind_plan(text, text, jsonb) IS 'The exact statements that crm.bind would run for an entity, a table (schema and name as in SQL; null for a venue of constants) and a mapping. CR422 names what is wrong with the mapping, CR409 a second binding.';

CREATE OR REPLACE FUNCTION crm.planned_binding(entity text, host_table text, mapping jsonb) RETURNS TABLE (step int, statement text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  host regclass;
  fields jsonb;
  known boolean := EXISTS (SELECT FROM crm.binding_field() AS f WHERE f.entity = planned_binding.entity);
BEGIN
  IF EXISTS (SELECT FROM crm.binding AS b WHERE b.entity = planned_binding.entity) THEN
    RAISE EXCEPTION '% is bound already', entity USING ERRCODE = 'CR409',
      HINT = format('SELECT crm.unbind(%L) first, or crm.rebind(%L) after a change of the platform''s table.', entity, entity);
  END IF;
  IF entity <> 'venue' AND known AND NOT EXISTS (SELECT FROM crm.binding AS b WHERE b.entity = 'venue') THEN
    RAISE EXCEPTION 'the venues come first: nothing is bound as venue' USING ERRCODE = 'CR422', COLUMN = 'entity',
      HINT = 'SELECT crm.bind(''venue'', …).';
  END IF;
  IF host_table IS NOT NULL OR entity <> 'venue' AND known THEN
    IF host_table IS NULL THEN
      RAISE EXCEPTION 'binding % needs a table', entity USING ERRCODE = 'CR422', COLUMN = 'host_table';
    END IF;
    host := crm.host_table(entity, host_table);
  END IF;
  fields := crm.read_mapping(entity, host, mapping);
  RETURN QUERY SELECT * FROM crm.binding_steps(entity, host, mapping, fields);
END
$$;
COMMENT ON FUNCTION crm.planned_binding(text, text, jsonb) IS 'As crm.bind_plan, whoever asks. Runs inside functions that check that';

CREATE OR REPLACE FUNCTION crm.plan_binding(entity text, host_table text, mapping jsonb) RETURNS TABLE (step int, statement text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM crm.require_admin();
  RETURN QUERY SELECT * FROM crm.planned_binding(entity, host_table, mapping);
END
$$;
ALTER FUNCTION crm.plan_binding(text, text, jsonb) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.plan_binding(text, text, jsonb) IS 'As crm.bind_plan, for an admin: what a database administrator would run; nothing is done.';
GRANT EXECUTE ON FUNCTION crm.plan_binding(text, text, jsonb) TO crm_admin;

CREATE OR REPLACE FUNCTION crm.require_binder() RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM crm.require_schema();
  IF NOT (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = current_user) THEN
    RAISE EXCEPTION 'only a superuser may change or inspect bindings' USING ERRCODE = '42501';
  END IF;
END
$$;
COMMENT ON FUNCTION crm.require_binder() IS 'Refuses callers who may not bind: 42501, or CR503 where the tables are not installed';

CREATE OR REPLACE FUNCTION crm.binding_steps(entity text, host regclass, mapping jsonb, fields jsonb)
RETURNS TABLE (step int, statement text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT row_number() OVER (ORDER BY s.part, s.n)::int, s.statement
  FROM (
    SELECT 1 AS part, 1 AS n, format('GRANT USAGE ON SCHEMA %I TO crm_owner', nspname) AS statement
    FROM pg_namespace WHERE oid = (SELECT relnamespace FROM pg_class WHERE oid = host)
      AND NOT has_schema_privilege('crm_owner', oid, 'USAGE')
    UNION ALL
    SELECT 1, 2, format('GRANT SELECT ON %s TO crm_owner', crm.host_name(host))
    WHERE host IS NOT NULL AND NOT has_table_privilege('crm_owner', host, 'SELECT')
    UNION ALL
    -- Guests are made and edited, and orders attached to them, in the platform's own tables: columns that are mapped, no others.
    SELECT 1, 3, format('GRANT %s ON %s TO crm_owner', (SELECT string_agg(format('%s (%s)', p.privilege, w.columns), ', ') FROM unnest(w.privileges) AS p(privilege)),
                        crm.host_name(host))
    FROM crm.written_columns(entity, fields) AS w
    WHERE host IS NOT NULL
    UNION ALL
    SELECT 1, 4, format('GRANT USAGE ON SEQUENCE %s TO crm_owner', s.name)
    FROM pg_get_serial_sequence(crm.host_name(host), fields -> 'ref' ->> 'column') AS s(name)
    WHERE entity = 'customer' AND s.name IS NOT NULL
    UNION ALL
    SELECT 2, row_number() OVER ()::int, crm.bound_function(b.name, b.body) FROM crm.bound_bodies(entity, host, fields) AS b
    UNION ALL
    SELECT 3, 2 * t.n, format('CREATE TRIGGER %I %s ON %s %s EXECUTE FUNCTION crm.%I()', t.name, t.event, crm.host_name(host), t.level, t.function)
    FROM crm.bound_trigger(entity, host) AS t
    WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = host AND tgname = t.name)
    UNION ALL
    -- Rows that a logical subscription applies count like any other.
    SELECT 3, 2 * t.n + 1, format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', crm.host_name(host), t.name)
    FROM crm.bound_trigger(entity, host) AS t
    WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = host AND tgname = t.name AND tgenabled = 'A')
    UNION ALL
    SELECT 4, 1, format('INSERT INTO crm.binding (entity, schema_name, table_name, mapping, fields, granted) VALUES (%L, %L, %L, %L, %L, %L)',
      entity, (SELECT n.nspname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = host),
      (SELECT c.relname FROM pg_class AS c WHERE c.oid = host), mapping, fields,
      ARRAY(SELECT 'USAGE' FROM pg_namespace WHERE oid = (SELECT relnamespace FROM pg_class WHERE oid = host) AND NOT has_schema_privilege('crm_owner', oid, 'USAGE')
            UNION ALL SELECT 'SELECT' WHERE host IS NOT NULL AND NOT has_table_privilege('crm_owner', host, 'SELECT')
            UNION ALL SELECT p.privilege FROM crm.written_columns(entity, fields) AS w, unnest(w.privileges) AS p(privilege)
                      WHERE host IS NOT NULL AND NOT has_table_privilege('crm_owner', host, p.privilege)))
    UNION ALL
    SELECT 5, 1, 'SELECT crm.mirror_venues()'
    WHERE entity = 'venue'
  ) AS s
$$;
COMMENT ON FUNCTION crm.binding_steps(text, regclass, jsonb, jsonb) IS 'Statements of a binding, in order';

CREATE OR REPLACE FUNCTION crm.written_columns(entity text, fields jsonb) RETURNS TABLE (columns text, privileges text[])
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT string_agg(DISTINCT quote_ident(f.value ->> 'column'), ', '), CASE entity WHEN 'customer' THEN '{INSERT,UPDATE}'::text[] ELSE '{UPDATE}' END
  FROM jsonb_each(fields) AS f
  WHERE f.value ->> 'column' IS NOT NULL AND (entity = 'customer' OR (entity = 'order' AND f.key = 'customer'))
  HAVING count(*) > 0
$$;
COMMENT ON FUNCTION crm.written_columns(text, jsonb) IS 'The columns of the platform''s table that the CRM writes, quoted, and how; no row for what it only reads';

CREATE OR REPLACE FUNCTION crm.bound_trigger(entity text, host regclass) RETURNS TABLE (n int, name text, event text, level text, function text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT t.n, t.name, t.event, t.level, t.function
  FROM (VALUES
    (1, 'venue', 'crm_venue_change', 'AFTER INSERT OR UPDATE OR DELETE', 'FOR EACH ROW', 'on_venue_change'),
    (2, 'customer', 'crm_customer_change', 'AFTER INSERT OR UPDATE OR DELETE', 'FOR EACH ROW', 'on_customer_change'),
    (3, 'order', 'crm_order_change', 'AFTER INSERT OR UPDATE OR DELETE', 'FOR EACH ROW', 'on_order_change'),
    (4, 'order', 'crm_order_truncate', 'AFTER TRUNCATE', 'FOR EACH STATEMENT', 'on_order_change'),
    (5, 'order', 'crm_order_statement', 'AFTER INSERT OR UPDATE OR DELETE', 'FOR EACH STATEMENT', 'on_order_statement'),
    -- Rows of a partition cannot tell whether the statement named it or the whole table.
    (6, 'order', 'crm_order_announce', 'BEFORE INSERT OR UPDATE OR DELETE', 'FOR EACH STATEMENT', 'on_order_statement')
  ) AS t(n, entity, name, event, level, function)
  WHERE host IS NOT NULL AND t.entity = bound_trigger.entity
    AND (t.n < 6 OR (SELECT c.relkind = 'p' FROM pg_class AS c WHERE c.oid = host))
$$;
COMMENT ON FUNCTION crm.bound_trigger(text, regclass) IS 'The triggers that a binding puts on the platform''s table';

CREATE OR REPLACE FUNCTION crm.bind(entity text, host_table text, mapping jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  planned record;
BEGIN
  FOR planned IN SELECT p.statement FROM crm.bind_plan(entity, host_table, mapping) AS p ORDER BY p.step LOOP
    EXECUTE planned.statement;
  END LOOP;
EXCEPTION WHEN lock_not_available THEN
  RAISE EXCEPTION 'could not lock % within two seconds; nothing was changed', host_table USING ERRCODE = '55P03',
    HINT = 'A transaction holds the table: try again when it has ended; pg_stat_activity and pg_locks show it.';
END
$$;
COMMENT ON FUNCTION crm.bind(text, text, jsonb) IS 'Binds an entity (venue, customer, order, product, order_item) to the platform''s table by a mapping of fields to columns; crm.bind_plan shows what it runs. Superusers only. CR422 for a mapping that cannot work, CR409 for a second binding, 55P03 where the table stays locked for two seconds. After the orders: CALL crm.backfill().';
