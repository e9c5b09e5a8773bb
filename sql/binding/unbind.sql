CREATE OR REPLACE FUNCTION crm.unbind(entity text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  bound crm.binding;
  host regclass;
  f record;
BEGIN
  PERFORM crm.require_binder();
  SELECT * INTO bound FROM crm.binding AS b WHERE b.entity = unbind.entity FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION '% is not bound', entity USING ERRCODE = 'CR404', COLUMN = 'entity';
  END IF;
  IF entity = 'venue' AND EXISTS (SELECT FROM crm.binding AS b WHERE b.entity <> 'venue') THEN
    RAISE EXCEPTION 'the venues come last: other entities are still bound' USING ERRCODE = 'CR409',
      HINT = 'Unbind ' || (SELECT string_agg(b.entity, ', ') FROM crm.binding AS b WHERE b.entity <> 'venue') || ' first.';
  END IF;
  DELETE FROM crm.binding AS b WHERE b.entity = unbind.entity;
  IF bound.table_name IS NOT NULL THEN
    host := to_regclass(format('%I.%I', bound.schema_name, bound.table_name));
  END IF;
  -- The table may have another name by now: its triggers tell.
  FOR f IN SELECT t.tgname AS name, t.tgrelid::regclass AS host FROM pg_trigger AS t
           WHERE t.tgfoid IN (SELECT to_regproc('crm.' || s.name) FROM crm.bound_function_signature() AS s WHERE s.entity = unbind.entity AND s.returned IS NULL)
             AND t.tgparentid = 0 LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', f.name, crm.host_name(f.host));
    host := f.host;
  END LOOP;
  IF host IS NOT NULL AND bound.granted && '{SELECT,INSERT,UPDATE}' THEN
    EXECUTE format('REVOKE %s ON %s FROM crm_owner', array_to_string(ARRAY(SELECT g FROM unnest(bound.granted) AS g WHERE g <> 'USAGE'), ', '), crm.host_name(host));
  END IF;
  IF host IS NOT NULL AND entity = 'customer' AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = host AND a.attname = bound.fields -> 'ref' ->> 'column') THEN
    FOR f IN SELECT s.name FROM pg_get_serial_sequence(crm.host_name(host), bound.fields -> 'ref' ->> 'column') AS s(name) WHERE s.name IS NOT NULL LOOP
      EXECUTE format('REVOKE USAGE ON SEQUENCE %s FROM crm_owner', f.name);
    END LOOP;
  END IF;
  FOR f IN SELECT * FROM crm.bound_function_signature() AS s WHERE s.entity = unbind.entity LOOP
    EXECUTE crm.bound_function(f.name, f.unbound_body);
  END LOOP;
  IF 'USAGE' = ANY (bound.granted) AND to_regnamespace(quote_ident(bound.schema_name)) IS NOT NULL THEN
    -- The grant on the schema serves every table bound in it: the last one takes it back.
    IF EXISTS (SELECT FROM crm.binding AS b WHERE b.schema_name = bound.schema_name) THEN
      UPDATE crm.binding AS b SET granted = b.granted || '{USAGE}'::text[]
      WHERE b.entity = (SELECT min(o.entity) FROM crm.binding AS o WHERE o.schema_name = bound.schema_name);
    ELSE
      EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM crm_owner', bound.schema_name);
    END IF;
  END IF;
  IF entity = 'order' THEN
    -- What changes from here on is not seen: the history must be counted anew when orders are bound again.
    UPDATE crm.venue_scoring SET counting = 'pending' WHERE counting <> 'off';
    DELETE FROM crm.failed_change AS c WHERE c.entity = 'order';
  END IF;
EXCEPTION WHEN lock_not_available THEN
  RAISE EXCEPTION 'could not lock %.% within two seconds; nothing was changed', quote_ident(bound.schema_name), quote_ident(bound.table_name)
    USING ERRCODE = '55P03', HINT = 'A transaction holds the table: try again when it has ended; pg_stat_activity and pg_locks show it.';
END
$$;
COMMENT ON FUNCTION crm.unbind(text) IS 'Takes a binding back and removes every trace of it from the platform''s table; what was counted stays. Superusers only. CR404 where nothing is bound, CR409 for venues while others are bound, 55P03 where the table stays locked for two seconds.';
