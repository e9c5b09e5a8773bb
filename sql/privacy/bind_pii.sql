CREATE OR REPLACE FUNCTION crm.bind_pii(host_table text, customer_column text, treatments jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
#variable_conflict use_variable
DECLARE
  host regclass;
  bound crm.bound_pii;
BEGIN
  PERFORM crm.require_binder();
  IF host_table IS NULL THEN
    RAISE EXCEPTION 'personal data need a table' USING ERRCODE = 'CR422', COLUMN = 'host_table';
  END IF;
  host := crm.host_table('pii', host_table);
  SELECT n.nspname, c.relname INTO bound.schema_name, bound.table_name FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = host;
  IF EXISTS (SELECT FROM crm.bound_pii AS p WHERE p.schema_name = bound.schema_name AND p.table_name = bound.table_name) THEN
    RAISE EXCEPTION 'personal data of % are bound already', crm.host_name(host) USING ERRCODE = 'CR409', COLUMN = 'host_table',
      HINT = format('SELECT crm.unbind_pii(%L) first.', host_table);
  END IF;
  bound.customer_column := customer_column;
  bound.treatments := treatments;
  bound.fields := crm.read_pii(host, customer_column, treatments);
  bound.granted := crm.grant_pii(host, bound.fields);
  INSERT INTO crm.bound_pii (schema_name, table_name, customer_column, treatments, fields, granted)
  VALUES (bound.schema_name, bound.table_name, customer_column, treatments, bound.fields, bound.granted);
EXCEPTION WHEN lock_not_available THEN
  RAISE EXCEPTION 'could not lock % within two seconds; nothing was changed', host_table USING ERRCODE = '55P03',
    HINT = 'A transaction holds the table: try again when it has ended; pg_stat_activity and pg_locks show it.';
END
$$;
COMMENT ON FUNCTION crm.bind_pii(text, text, jsonb) IS 'Brings columns of a platform''s table that hold personal data of guests into export and erasure: table (schema and name as in SQL), the column with the customer''s id, and for each column null, token (a random text or uuid) or constant:…; such as {"note": "null", "delivery_name": "constant:erased"}. Where the table is that of the bound customers, it says what becomes of its columns instead of what the CRM would do. Superusers only. CR422 names a column or treatment that cannot be, CR409 a second binding of the table, 55P03 where it stays locked.';

CREATE OR REPLACE FUNCTION crm.read_pii(host regclass, customer_column text, treatments jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  given record;
  at record;
  fields jsonb := '{}';
  fixed text;
BEGIN
  IF jsonb_typeof(treatments) IS DISTINCT FROM 'object' OR treatments = '{}' THEN
    RAISE EXCEPTION 'treatments are a JSON object of columns' USING ERRCODE = 'CR422', COLUMN = 'treatments', HINT = 'Such as {"note": "null", "delivery_name": "constant:erased"}.';
  END IF;
  IF customer_column IS NULL OR treatments ? customer_column THEN
    RAISE EXCEPTION 'the customer''s id stays: it cannot be treated, and must be given' USING ERRCODE = 'CR422', COLUMN = 'customer_column';
  END IF;
  FOR given IN SELECT customer_column AS name, NULL::text AS treatment, 'string' AS type UNION ALL
               SELECT t.key, t.value #>> '{}', jsonb_typeof(t.value) FROM jsonb_each(treatments) AS t LOOP
    SELECT a.attnum, a.attnotnull OR t.typnotnull AS required, a.attgenerated <> '' OR a.attidentity = 'a' AS made, format_type(a.atttypid, a.atttypmod) AS declared,
           b.typname::text AS type, b.typcategory::text AS category, b.typnamespace = 'pg_catalog'::regnamespace AS built_in,
           EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = host AND i.indisunique AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum) AS is_unique
    INTO at
    FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid JOIN pg_type AS b ON b.oid = crm.base_type(a.atttypid)
    WHERE a.attrelid = host AND a.attname = given.name AND a.attnum > 0 AND NOT a.attisdropped;
    IF NOT FOUND THEN
      RAISE EXCEPTION '% has no column "%"', crm.host_name(host), given.name USING ERRCODE = 'CR422', COLUMN = given.name;
    END IF;
    IF given.treatment IS NOT NULL OR given.type <> 'string' THEN
      fixed := substr(given.treatment, length('constant:') + 1);
      IF given.type <> 'string' OR NOT (given.treatment IN ('null', 'token') OR given.treatment LIKE 'constant:%') THEN
        RAISE EXCEPTION 'unknown treatment % of column "%"', given.treatment, given.name USING ERRCODE = 'CR422', COLUMN = given.name, HINT = 'null, token or constant:…, as a text.';
      ELSIF at.made THEN
        RAISE EXCEPTION 'column "%" is generated and cannot be written', given.name USING ERRCODE = 'CR422', COLUMN = given.name;
      ELSIF given.treatment = 'null' AND at.required THEN
        RAISE EXCEPTION 'column "%" must not be null', given.name USING ERRCODE = 'CR422', COLUMN = given.name, HINT = 'token, or constant:…';
      ELSIF given.treatment = 'token' AND NOT (at.category = 'S' OR at.type = 'uuid') THEN
        RAISE EXCEPTION 'a column of type % takes no token', at.declared USING ERRCODE = 'CR422', COLUMN = given.name, HINT = 'Texts and uuids do; null, or constant:…';
      ELSIF given.treatment LIKE 'constant:%' AND at.is_unique THEN
        RAISE EXCEPTION 'column "%" is unique: a constant serves one guest only', given.name USING ERRCODE = 'CR422', COLUMN = given.name, HINT = 'token, or null.';
      ELSIF EXISTS (SELECT FROM crm.binding AS b CROSS JOIN LATERAL jsonb_each(b.fields) AS f
                    WHERE format('%I.%I', b.schema_name, b.table_name) = crm.host_name(host) AND f.value ->> 'column' = given.name
                      AND NOT (b.entity = 'customer' AND f.key IN ('name', 'phone', 'email', 'birth_date'))
                      AND NOT (b.entity = 'order' AND f.key IN ('channel', 'table', 'payment_method', 'promo_code'))) THEN
        RAISE EXCEPTION 'column "%" is bound: what is counted must stay', given.name USING ERRCODE = 'CR422', COLUMN = given.name;
      END IF;
      IF given.treatment LIKE 'constant:%' AND NOT crm.is_value(fixed, at.declared) THEN
        RAISE EXCEPTION '"%" is no value of type %', fixed, at.declared USING ERRCODE = 'CR422', COLUMN = given.name;
      END IF;
    ELSIF at.category NOT IN ('S', 'N') AND at.type <> 'uuid' THEN
      RAISE EXCEPTION 'column "%" of type % cannot hold a customer''s id', given.name, at.declared USING ERRCODE = 'CR422', COLUMN = 'customer_column';
    END IF;
    fields := fields || jsonb_build_object(given.name, jsonb_build_object('column', given.name, 'declared', at.declared,
      'type', CASE WHEN at.built_in THEN at.type ELSE at.declared END, 'category', at.category));
  END LOOP;
  RETURN fields;
END
$$;
COMMENT ON FUNCTION crm.read_pii(regclass, text, jsonb) IS 'Reads the columns of crm.bind_pii against the platform''s table: declared and base type of each; CR422 names one that cannot be';

-- A type of the platform may run code of its own: as crm_owner, never as whoever binds.
CREATE OR REPLACE FUNCTION crm.is_value(given text, declared text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
AS $$
BEGIN
  EXECUTE format('SELECT %L::%s', given, declared);
  RETURN true;
EXCEPTION WHEN data_exception OR integrity_constraint_violation OR invalid_parameter_value THEN
  RETURN false;
END
$$;
ALTER FUNCTION crm.is_value(text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.is_value(text, text) IS 'Whether a text can be read as a type, given as format_type writes it';

CREATE OR REPLACE FUNCTION crm.grant_pii(host regclass, fields jsonb) RETURNS text[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  missing record;
  granted text[] := '{}';
BEGIN
  FOR missing IN
    SELECT p.privilege, f.key AS name FROM jsonb_object_keys(fields) AS f(key) CROSS JOIN (VALUES ('SELECT'), ('UPDATE')) AS p(privilege)
    WHERE NOT has_column_privilege('crm_owner', host, f.key, p.privilege) ORDER BY 1, 2
  LOOP
    EXECUTE format('GRANT %s (%I) ON %s TO crm_owner', missing.privilege, missing.name, crm.host_name(host));
    granted := granted || (missing.privilege || ' ' || missing.name);
  END LOOP;
  IF NOT has_schema_privilege('crm_owner', (SELECT c.relnamespace FROM pg_class AS c WHERE c.oid = host), 'USAGE') THEN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO crm_owner', (SELECT n.nspname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = host));
    granted := granted || 'USAGE'::text;
  END IF;
  RETURN granted;
END
$$;
COMMENT ON FUNCTION crm.grant_pii(regclass, jsonb) IS 'Lets crm_owner read and write columns of a platform''s table, those and no others; returns what it did not have before';

CREATE OR REPLACE FUNCTION crm.unbind_pii(host_table text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
#variable_conflict use_variable
DECLARE
  parts text[];
  bound crm.bound_pii;
  host regclass;
  given record;
BEGIN
  PERFORM crm.require_binder();
  BEGIN
    parts := parse_ident(host_table);
  EXCEPTION WHEN invalid_parameter_value OR invalid_name THEN
    parts := NULL;
  END;
  -- The table may be gone by now.
  DELETE FROM crm.bound_pii AS p
  WHERE p.table_name = parts[cardinality(parts)] AND p.schema_name = CASE cardinality(parts) WHEN 1 THEN 'public' WHEN 2 THEN parts[1] END
  RETURNING * INTO bound;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no personal data of % are bound', host_table USING ERRCODE = 'CR404', COLUMN = 'host_table';
  END IF;
  host := to_regclass(format('%I.%I', bound.schema_name, bound.table_name));
  IF host IS NOT NULL THEN
    FOR given IN SELECT split_part(g, ' ', 1) AS privilege, substr(g, strpos(g, ' ') + 1) AS name FROM unnest(bound.granted) AS g
                 WHERE g <> 'USAGE' LOOP
      IF EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = host AND a.attname = given.name AND NOT a.attisdropped)
         -- A binding made since may stand on it.
         AND NOT EXISTS (SELECT FROM crm.binding AS b CROSS JOIN LATERAL jsonb_each(b.fields) AS f
                         WHERE b.schema_name = bound.schema_name AND b.table_name = bound.table_name AND f.value ->> 'column' = given.name) THEN
        EXECUTE format('REVOKE %s (%I) ON %s FROM crm_owner', given.privilege, given.name, crm.host_name(host));
      END IF;
    END LOOP;
  END IF;
  IF 'USAGE' = ANY (bound.granted) AND to_regnamespace(quote_ident(bound.schema_name)) IS NOT NULL
     AND NOT EXISTS (SELECT FROM crm.binding AS b WHERE b.schema_name = bound.schema_name) THEN
    IF EXISTS (SELECT FROM crm.bound_pii AS p WHERE p.schema_name = bound.schema_name) THEN
      UPDATE crm.bound_pii AS p SET granted = p.granted || '{USAGE}'::text[]
      WHERE p.schema_name = bound.schema_name AND p.table_name = (SELECT min(o.table_name) FROM crm.bound_pii AS o WHERE o.schema_name = bound.schema_name);
    ELSE
      EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM crm_owner', bound.schema_name);
    END IF;
  END IF;
END
$$;
COMMENT ON FUNCTION crm.unbind_pii(text) IS 'Takes crm.bind_pii back for a table of the platform, and the rights that it gave. Superusers only. CR404 where none are bound.';

CREATE OR REPLACE FUNCTION crm.rebind_pii() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  bound crm.bound_pii;
  now_fields jsonb;
  host regclass;
BEGIN
  PERFORM crm.require_binder();
  FOR bound IN SELECT p.* FROM crm.bound_pii AS p ORDER BY 1, 2 FOR UPDATE LOOP
    host := crm.host_table('pii', format('%I.%I', bound.schema_name, bound.table_name));
    now_fields := crm.read_pii(host, bound.customer_column, bound.treatments);
    UPDATE crm.bound_pii AS p
    SET fields = now_fields, granted = ARRAY(SELECT DISTINCT g FROM unnest(p.granted || crm.grant_pii(host, now_fields)) AS g ORDER BY g)
    WHERE p.schema_name = bound.schema_name AND p.table_name = bound.table_name;
  END LOOP;
END
$$;
COMMENT ON FUNCTION crm.rebind_pii() IS 'Reads what crm.bind_pii was told against the platform''s tables as they are now, and grants what is missing. Superusers only. CR422 names a column that no longer fits.';

CREATE OR REPLACE FUNCTION crm.check_pii_binding() RETURNS TABLE (entity text, severity text, code text, message text, hint text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  bound crm.bound_pii;
  host regclass;
BEGIN
  FOR bound IN SELECT p.* FROM crm.bound_pii AS p LOOP
    host := to_regclass(format('%I.%I', bound.schema_name, bound.table_name));
    IF host IS NULL THEN
      RETURN QUERY SELECT 'pii', 'error', 'table_missing', format('table %I.%I, which holds personal data, does not exist', bound.schema_name, bound.table_name),
        format('SELECT crm.unbind_pii(%L) and bind its successor.', format('%I.%I', bound.schema_name, bound.table_name));
      CONTINUE;
    END IF;
    RETURN QUERY
    SELECT 'pii', 'error', CASE WHEN a.attname IS NULL THEN 'column_missing' ELSE 'type_changed' END,
           CASE WHEN a.attname IS NULL THEN format('column %I of %s is gone', f.key, crm.host_name(host))
                ELSE format('column %I of %s is now of type %s, it was %s when bound', f.key, crm.host_name(host), format_type(a.atttypid, a.atttypmod), f.value ->> 'declared') END,
           format('SELECT crm.rebind_pii(); or SELECT crm.unbind_pii(%1$L) and crm.bind_pii(%1$L, …).', crm.host_name(host))
    FROM jsonb_each(bound.fields) AS f
    LEFT JOIN pg_attribute AS a ON a.attrelid = host AND a.attname = f.key AND a.attnum > 0 AND NOT a.attisdropped
    WHERE a.attname IS NULL OR format_type(a.atttypid, a.atttypmod) <> f.value ->> 'declared';
    RETURN QUERY
    SELECT 'pii', 'error', 'treatment_unfit', format('column %I of %s must not be null, but is to be at erasure', f.key, crm.host_name(host)),
           format('SELECT crm.unbind_pii(%1$L) and crm.bind_pii(%1$L, …) with another treatment.', crm.host_name(host))
    FROM jsonb_each_text(bound.treatments) AS f
    JOIN pg_attribute AS a ON a.attrelid = host AND a.attname = f.key AND NOT a.attisdropped AND a.attnotnull
    WHERE f.value = 'null';
    RETURN QUERY
    SELECT 'pii', 'error', 'not_writable', format('crm_owner may not %s column %I of %s', lower(p.privilege), f.key, crm.host_name(host)), 'SELECT crm.rebind_pii();'
    FROM jsonb_object_keys(bound.fields) AS f(key) CROSS JOIN (VALUES ('SELECT'), ('UPDATE')) AS p(privilege)
    JOIN pg_attribute AS a ON a.attrelid = host AND NOT a.attisdropped AND a.attnum > 0
    WHERE a.attname = f.key AND (p.privilege = 'SELECT' OR f.key <> bound.customer_column)
      AND NOT (has_column_privilege('crm_owner', host, a.attnum, p.privilege) AND has_schema_privilege('crm_owner', bound.schema_name, 'USAGE'));
  END LOOP;
  RETURN QUERY
  SELECT DISTINCT t.entity, 'info', 'looks_personal', format('column %I of %I.%I looks personal and is in no map: erasure leaves it as it is', a.attname, t.schema_name, t.table_name),
         format('SELECT crm.bind_pii(%L, ''…'', ''{"%s": "null"}'');', format('%I.%I', t.schema_name, t.table_name), a.attname)
  FROM (SELECT b.entity, b.schema_name, b.table_name FROM crm.binding AS b WHERE b.entity IN ('customer', 'order', 'order_item') AND b.table_name IS NOT NULL
        UNION ALL SELECT 'pii', p.schema_name, p.table_name FROM crm.bound_pii AS p) AS t
  JOIN pg_attribute AS a ON a.attrelid = to_regclass(format('%I.%I', t.schema_name, t.table_name)) AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type AS y ON y.oid = crm.base_type(a.atttypid) AND (y.typcategory IN ('S', 'U', 'D', 'I') AND y.typname <> 'uuid')
  WHERE regexp_replace(a.attname, '([a-z])([A-Z])', '\1_\2', 'g') ~*
        '(^|_)(name|first|last|surname|nome|sobrenome|phone|fone|telefone|tel|mobile|celular|whatsapp|e?mail|address|endereco|street|rua|zip|cep|postcode|postal|city|document|cpf|rg|passport|tax|vat|birth|dob|nasc|notes?|obs|observations?|comments?|remarks?|message|instructions?|ip|payload|meta|metadata|details)(_|$)'
    AND NOT EXISTS (SELECT FROM crm.binding AS b CROSS JOIN LATERAL jsonb_each(b.fields) AS f
                    WHERE b.schema_name = t.schema_name AND b.table_name = t.table_name AND f.value ->> 'column' = a.attname)
    AND NOT EXISTS (SELECT FROM crm.bound_pii AS p WHERE p.schema_name = t.schema_name AND p.table_name = t.table_name AND p.fields ? a.attname);
END
$$;
COMMENT ON FUNCTION crm.check_pii_binding() IS 'What crm.check_binding reports of personal data in the platform''s tables: what crm.bind_pii was told and no longer fits, and columns that look personal and are in no map';
