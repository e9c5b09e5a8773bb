CREATE OR REPLACE FUNCTION crm.rebind(entity text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  bound crm.binding;
  host regclass;
  now_fields jsonb;
  missed boolean;
  planned record;
BEGIN
  PERFORM crm.require_binder();
  IF entity IS NOT NULL AND NOT EXISTS (SELECT FROM crm.binding AS b WHERE b.entity = rebind.entity) THEN
    RAISE EXCEPTION '% is not bound', entity USING ERRCODE = 'CR404', COLUMN = 'entity';
  END IF;
  FOR bound IN SELECT b.* FROM crm.binding AS b WHERE rebind.entity IS NULL OR b.entity = rebind.entity ORDER BY b.entity FOR UPDATE LOOP
    host := CASE WHEN bound.table_name IS NOT NULL
                 THEN crm.host_table(bound.entity, format('%I.%I', bound.schema_name, bound.table_name)) END;
    now_fields := crm.read_mapping(bound.entity, host, bound.mapping);
    missed := EXISTS (
      SELECT FROM crm.bound_trigger(bound.entity, host) AS t
      WHERE NOT EXISTS (SELECT FROM pg_trigger AS g WHERE g.tgrelid = host AND g.tgname = t.name AND g.tgenabled <> 'D'));
    FOR planned IN SELECT s.statement FROM crm.binding_steps(bound.entity, host, bound.mapping, now_fields) AS s
                   WHERE s.statement NOT LIKE 'INSERT INTO crm.binding %' ORDER BY s.step LOOP
      EXECUTE planned.statement;
    END LOOP;
    UPDATE crm.binding AS b SET fields = now_fields, drift = NULL, drift_at = NULL WHERE b.entity = bound.entity;
    IF missed THEN
      INSERT INTO crm.failed_change (entity, message) VALUES (bound.entity, 'changes before the rebinding were not seen');
    END IF;
  END LOOP;
EXCEPTION WHEN lock_not_available THEN
  RAISE EXCEPTION 'could not lock the platform''s table within two seconds; nothing was changed' USING ERRCODE = '55P03',
    HINT = 'A transaction holds the table: try again when it has ended; pg_stat_activity and pg_locks show it.';
END
$$;
COMMENT ON FUNCTION crm.rebind(text) IS 'Reads the mapping of an entity (null for all) against the platform''s table as it is now and generates its functions and trigger anew, after the platform changed the table. Superusers only. CR422 names a field that no longer fits: put the column back, or unbind and bind with another mapping.';
