CREATE OR REPLACE FUNCTION crm.uninstall(keep_data boolean) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
SET client_min_messages = warning
AS $$
DECLARE
  item record;
  ours text;
BEGIN
  IF NOT (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = current_user) THEN
    RAISE EXCEPTION 'only a superuser may uninstall the CRM' USING ERRCODE = '42501';
  END IF;
  IF keep_data IS NULL THEN
    RAISE EXCEPTION 'whether the data are to be kept must be said' USING ERRCODE = '22023', COLUMN = 'keep_data',
      HINT = 'true copies them into schema crm_archive, false removes them.';
  END IF;
  PERFORM crm.require_schema();
  IF keep_data AND to_regnamespace('crm_archive') IS NOT NULL THEN
    RAISE EXCEPTION 'schema crm_archive exists already' USING ERRCODE = '42P06', HINT = 'ALTER SCHEMA crm_archive RENAME TO …; it may be of an earlier installation.';
  END IF;
  PERFORM crm.unschedule();

  FOR item IN SELECT format('%I.%I', p.schema_name, p.table_name) AS host FROM crm.bound_pii AS p LOOP
    PERFORM crm.unbind_pii(item.host);
  END LOOP;
  -- Each by itself would count orders as not seen any more, which nobody asks after the removal. The venues come last.
  FOR item IN SELECT b.entity FROM crm.binding AS b ORDER BY b.entity = 'venue', b.entity = 'customer', b.entity LOOP
    PERFORM crm.unbind(item.entity);
  END LOOP;

  IF keep_data THEN
    CREATE SCHEMA crm_archive;
    COMMENT ON SCHEMA crm_archive IS 'What pg_crm knew when it was uninstalled: ordinary tables, for their owner alone';
    -- Copies, as the tables themselves hang on functions that go. What opens doors is not kept.
    FOR item IN SELECT c.oid, c.relname AS name, obj_description(c.oid, 'pg_class') AS description FROM pg_class AS c
                WHERE c.relnamespace = 'crm'::regnamespace AND c.relkind = 'r'
                  AND c.relname <> ALL (ARRAY['secret', 'api_key', 'session', 'kept_answer', 'guest_link', 'opt_in_request', 'mail', 'migration', 'binding', 'bound_pii']) LOOP
      EXECUTE format('CREATE TABLE crm_archive.%I AS TABLE crm.%I', item.name, item.name);
      EXECUTE format('COMMENT ON TABLE crm_archive.%I IS %L', item.name, item.description);
      EXECUTE COALESCE((SELECT format('ALTER TABLE crm_archive.%I ADD %s', item.name, pg_get_constraintdef(k.oid))
                        FROM pg_constraint AS k WHERE k.conrelid = item.oid AND k.contype = 'p'), 'SELECT');
      EXECUTE COALESCE((SELECT string_agg(format('COMMENT ON COLUMN crm_archive.%I.%I IS %L', item.name, a.attname, d.description), '; ')
                        FROM pg_description AS d JOIN pg_attribute AS a ON a.attrelid = d.objoid AND a.attnum = d.objsubid
                        WHERE d.classoid = 'pg_class'::regclass AND d.objoid = item.oid AND d.objsubid > 0), 'SELECT');
    END LOOP;
  END IF;

  -- All at once, and no CASCADE: what somebody else has built on them makes PostgreSQL refuse, and say what it is.
  FOR item IN SELECT k.kind, string_agg(c.oid::regclass::text, ', ') AS names
              FROM (VALUES (1, 'v', 'VIEW'), (2, 'r', 'TABLE')) AS k(n, relkind, kind)
              JOIN pg_class AS c ON c.relkind = k.relkind::"char" AND c.relnamespace IN ('crm'::regnamespace, 'crm_bi'::regnamespace)
                AND c.relowner = 'crm_owner'::regrole
              GROUP BY k.n, k.kind ORDER BY k.n LOOP
    EXECUTE format('DROP %s %s', item.kind, item.names);
  END LOOP;
  -- What bindings generated is no member of the extension, so that it is dumped; it goes with them.
  FOR item IN SELECT p.oid::regprocedure AS name FROM pg_proc AS p
              WHERE p.pronamespace = 'crm'::regnamespace AND p.proowner = 'crm_owner'::regrole
                AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e') LOOP
    EXECUTE format('DROP FUNCTION %s', item.name);
  END LOOP;
  EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM crm_owner', current_database());

  SELECT string_agg(DISTINCT n.nspname || '.' || c.relname, ', ') INTO ours
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname IN ('crm', 'crm_bi') AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S');
  IF ours IS NOT NULL THEN
    RAISE WARNING 'in the schemas of pg_crm are left: %', ours USING HINT = 'They are not pg_crm''s. Move them with ALTER … SET SCHEMA before DROP EXTENSION pg_crm.';
  END IF;
END
$$;
COMMENT ON FUNCTION crm.uninstall(boolean) IS 'Takes the CRM out of this database, up to DROP EXTENSION pg_crm, which may follow in the same transaction: its jobs, every binding with its triggers and grants, and its tables; with keep_data these are copied into schema crm_archive before, without keys and tokens. Superusers only. 2BP01 names what others have built on the tables, 42P06 where crm_archive exists, 55P03 where a bound table stays locked for two seconds; nothing is changed then.';
