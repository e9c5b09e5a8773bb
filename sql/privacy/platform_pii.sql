-- The platform's columns that hold personal data: those bound for the profile, and those of crm.bind_pii.
CREATE OR REPLACE FUNCTION crm.platform_pii()
RETURNS TABLE (schema_name text, table_name text, customer_column text, column_name text, treatment text, field text, declared text, required boolean, category text, present boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT b.schema_name, b.table_name, b.fields -> 'ref' ->> 'column', f.value ->> 'column',
         CASE WHEN NOT (a.attnotnull OR t.typnotnull) THEN 'null' WHEN y.typcategory = 'D' THEN 'constant:1900-01-01' ELSE 'token' END,
         f.key, f.value ->> 'declared', a.attnotnull OR t.typnotnull, CASE WHEN y.typname = 'uuid' THEN 'uuid' ELSE y.typcategory::text END, a.attname IS NOT NULL
  FROM crm.binding AS b
  CROSS JOIN LATERAL jsonb_each(b.fields) AS f
  LEFT JOIN pg_attribute AS a ON a.attrelid = to_regclass(format('%I.%I', b.schema_name, b.table_name)) AND a.attname = f.value ->> 'column' AND NOT a.attisdropped
  LEFT JOIN pg_type AS t ON t.oid = a.atttypid
  LEFT JOIN pg_type AS y ON y.oid = crm.base_type(a.atttypid)
  WHERE b.entity = 'customer' AND f.key IN ('name', 'phone', 'email', 'birth_date') AND f.value ->> 'column' IS NOT NULL
    -- A column may be mapped to two fields; and what is said by hand goes before.
    AND f.key = (SELECT min(o.key) FROM jsonb_each(b.fields) AS o WHERE o.value ->> 'column' = f.value ->> 'column' AND o.key IN ('name', 'phone', 'email', 'birth_date'))
    AND NOT EXISTS (SELECT FROM crm.bound_pii AS p WHERE p.schema_name = b.schema_name AND p.table_name = b.table_name AND p.treatments ? (f.value ->> 'column'))
  UNION ALL
  SELECT p.schema_name, p.table_name, p.customer_column, t.key, t.value, NULL, p.fields -> t.key ->> 'declared', NULL,
         CASE WHEN p.fields -> t.key ->> 'type' = 'uuid' THEN 'uuid' ELSE p.fields -> t.key ->> 'category' END,
         EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = to_regclass(format('%I.%I', p.schema_name, p.table_name)) AND a.attname = t.key AND NOT a.attisdropped)
  FROM crm.bound_pii AS p CROSS JOIN LATERAL jsonb_each_text(p.treatments) AS t
$$;
COMMENT ON FUNCTION crm.platform_pii() IS 'Columns of the platform''s tables that hold personal data of guests, and what becomes of each at erasure';

CREATE OR REPLACE FUNCTION crm.platform_lookup(of_schema text, of_table text, customer_column text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  -- The ids are cast to the column's type, so that its index serves; an id of another form is nobody's there.
  SELECT CASE WHEN f.type IN ('int2', 'int4', 'int8') THEN format('h.%I = ANY (ARRAY(SELECT r::%s FROM unnest($1) AS r WHERE r ~ ''^-?[0-9]{1,18}$''))', customer_column, f.type)
              WHEN f.type = 'uuid' THEN format('h.%I = ANY (ARRAY(SELECT r::uuid FROM unnest($1) AS r WHERE r ~* ''^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$''))', customer_column)
              WHEN f.type IN ('text', 'varchar') THEN format('h.%I = ANY ($1)', customer_column)
              ELSE format('h.%I::text = ANY ($1)', customer_column) END
  FROM (SELECT y.typname::text AS type FROM pg_attribute AS a JOIN pg_type AS y ON y.oid = crm.base_type(a.atttypid)
        WHERE a.attrelid = to_regclass(format('%I.%I', of_schema, of_table)) AND a.attname = customer_column AND NOT a.attisdropped) AS f
$$;
COMMENT ON FUNCTION crm.platform_lookup(text, text, text) IS 'Condition that a row h of a platform''s table is of one of some customers ($1, the platform''s ids); null where the column is gone';

CREATE OR REPLACE FUNCTION crm.erased_value(treatment text, declared text, category text, field text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE
    WHEN treatment = 'null' THEN 'NULL'
    WHEN treatment LIKE 'constant:%' THEN format('%L::%s', substr(treatment, length('constant:') + 1), declared)
    WHEN category = 'uuid' THEN 'pg_catalog.gen_random_uuid()'
    WHEN category = 'N' THEN format('floor(random() * 30000)::%s', declared)
    WHEN category = 'S' THEN format('left(%s, %s)::%s',
      -- RFC 2606: a domain that nobody can have.
      CASE WHEN field = 'email' THEN '''erased-'' || replace(gen_random_uuid()::text, ''-'', '''') || ''@erased.invalid'''
           ELSE '''erased-'' || replace(gen_random_uuid()::text, ''-'', '''')' END,
      COALESCE(substring(declared FROM '\(([0-9]+)\)'), '80'), declared) END
$$;
COMMENT ON FUNCTION crm.erased_value(text, text, text, text) IS 'SQL expression of what takes the place of a personal value: null, a constant, or random for each row; never made of the value';

CREATE OR REPLACE FUNCTION crm.erase_platform(refs text[]) RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  host record;
  lookup text;
  written bigint;
  done jsonb := '{}';
BEGIN
  FOR host IN
    SELECT p.schema_name, p.table_name, p.customer_column, bool_and(p.present) AS present, min(p.column_name) FILTER (WHERE NOT p.present) AS gone,
           string_agg(format('%I = %s', p.column_name, crm.erased_value(p.treatment, p.declared, p.category, p.field)), ', ' ORDER BY p.column_name) AS assignments,
           min(p.column_name) FILTER (WHERE crm.erased_value(p.treatment, p.declared, p.category, p.field) IS NULL) AS unfit
    FROM crm.platform_pii() AS p GROUP BY p.schema_name, p.table_name, p.customer_column ORDER BY 1, 2, 3
  LOOP
    lookup := crm.platform_lookup(host.schema_name, host.table_name, host.customer_column);
    IF lookup IS NULL OR NOT host.present THEN
      RAISE EXCEPTION 'column %.%.% is gone: personal data that it held may stand elsewhere', host.schema_name, host.table_name, COALESCE(host.gone, host.customer_column)
        USING ERRCODE = '55000', HINT = 'SELECT * FROM crm.check_binding(); tells the remedy.';
    ELSIF host.unfit IS NOT NULL THEN
      RAISE EXCEPTION 'nothing can take the place of what column %.%.% holds', host.schema_name, host.table_name, host.unfit
        USING ERRCODE = '55000', HINT = 'Say what does: SELECT crm.bind_pii(…).';
    END IF;
    BEGIN
      EXECUTE format('UPDATE %I.%I AS h SET %s WHERE %s', host.schema_name, host.table_name, host.assignments, lookup) USING refs;
      GET DIAGNOSTICS written = ROW_COUNT;
    EXCEPTION
      WHEN insufficient_privilege THEN
        RAISE EXCEPTION '%.% may not be written: %', host.schema_name, host.table_name, SQLERRM USING ERRCODE = '55000', HINT = 'SELECT crm.rebind(''customer''); SELECT crm.rebind_pii();';
      WHEN integrity_constraint_violation OR data_exception THEN
        RAISE EXCEPTION 'the platform refused the erasure in %.%: %', host.schema_name, host.table_name, SQLERRM USING ERRCODE = 'CR409', COLUMN = 'customer',
          HINT = 'Say what takes the place of each column, so that the platform takes it: SELECT crm.bind_pii(…).';
    END;
    done := done || jsonb_build_object(format('%I.%I', host.schema_name, host.table_name), COALESCE((done ->> format('%I.%I', host.schema_name, host.table_name))::bigint, 0) + written);
  END LOOP;
  RETURN done;
END
$$;
COMMENT ON FUNCTION crm.erase_platform(text[]) IS 'Puts null, constants and random values in the place of personal data of some customers (the platform''s ids) in the platform''s own tables; returns the rows per table. CR409 where a constraint refuses, 55000 where a column is gone or may not be written';

CREATE OR REPLACE FUNCTION crm.platform_rows(refs text[]) RETURNS TABLE (relation text, rows jsonb)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  host record;
BEGIN
  FOR host IN
    SELECT p.schema_name, p.table_name, p.customer_column, array_agg(DISTINCT p.column_name ORDER BY p.column_name) FILTER (WHERE p.present) AS columns,
           crm.platform_lookup(p.schema_name, p.table_name, p.customer_column) AS lookup
    FROM crm.platform_pii() AS p GROUP BY p.schema_name, p.table_name, p.customer_column ORDER BY 1, 2, 3
  LOOP
    CONTINUE WHEN host.lookup IS NULL OR host.columns IS NULL;
    relation := format('%I.%I', host.schema_name, host.table_name);
    EXECUTE format('SELECT jsonb_agg(%s) FROM %I.%I AS h WHERE %s',
      (SELECT 'jsonb_build_object(' || string_agg(format('%L, h.%I', c, c), ', ') || ')' FROM unnest(array_prepend(host.customer_column, host.columns)) AS c),
      host.schema_name, host.table_name, host.lookup)
    INTO rows USING refs;
    IF rows IS NOT NULL THEN
      RETURN NEXT;
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION crm.platform_rows(text[]) IS 'What the platform''s own tables hold of some customers (the platform''s ids) in columns with personal data, an array of rows per table';
