CREATE OR REPLACE FUNCTION crm.pii_map() RETURNS TABLE (place text, relation text, column_name text, class text, treatment text, rows text, guest_columns text[])
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT 'crm', 'crm.' || c.relation, c.column_name, c.class, c.treatment, r.rows, r.guest_columns
  FROM crm.pii_catalogue() AS c LEFT JOIN crm.pii_rows() AS r ON r.relation = c.relation
  UNION ALL
  SELECT 'platform', format('%I.%I', p.schema_name, p.table_name), p.column_name, 'personal', p.treatment, 'redact', ARRAY[p.customer_column]
  FROM crm.platform_pii() AS p
  UNION ALL
  SELECT 'platform', format('%I.%I', b.schema_name, b.table_name), f.value ->> 'column',
         CASE WHEN f.key IN ('ref', 'customer') THEN 'key' ELSE 'kept' END, 'keep', 'keep', NULL
  FROM crm.binding AS b CROSS JOIN LATERAL jsonb_each(b.fields) AS f
  WHERE f.value ->> 'column' IS NOT NULL
    AND NOT EXISTS (SELECT FROM crm.platform_pii() AS p WHERE p.schema_name = b.schema_name AND p.table_name = b.table_name AND p.column_name = f.value ->> 'column')
$$;
COMMENT ON FUNCTION crm.pii_map() IS 'As of the view crm.pii_map';

CREATE OR REPLACE FUNCTION crm.pii_columns() RETURNS TABLE (place text, relation text, column_name text, class text, treatment text, rows text, guest_columns text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM crm.require_admin();
  RETURN QUERY SELECT m.place, m.relation, m.column_name, m.class, m.treatment, m.rows, m.guest_columns
  FROM crm.pii_map() AS m ORDER BY m.place, m.relation, m.column_name;
END
$$;
ALTER FUNCTION crm.pii_columns() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.pii_columns() IS 'The view crm.pii_map, for the service: column by column, what it holds of guests and what becomes of it when one is erased';
GRANT EXECUTE ON FUNCTION crm.pii_columns() TO crm_admin;

CREATE OR REPLACE FUNCTION crm.check_pii_map() RETURNS TABLE (relation text, column_name text, problem text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  WITH present AS (
    SELECT c.relname::text AS relation, a.attname::text AS column_name, a.attnotnull, a.atttypid
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'crm'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  ), mapped AS (
    SELECT m.*, r.rows, r.guest_columns, r.via FROM crm.pii_catalogue() AS m LEFT JOIN crm.pii_rows() AS r ON r.relation = m.relation
  )
  SELECT p.relation, p.column_name, 'is in no class: name it in crm.pii_catalogue()'
  FROM present AS p WHERE NOT EXISTS (SELECT FROM mapped AS m WHERE m.relation = p.relation AND m.column_name = p.column_name)
  UNION ALL
  SELECT m.relation, m.column_name, 'does not exist'
  FROM mapped AS m WHERE NOT EXISTS (SELECT FROM present AS p WHERE p.relation = m.relation AND p.column_name = m.column_name)
  UNION ALL
  SELECT m.relation, m.column_name, 'is named twice' FROM mapped AS m GROUP BY m.relation, m.column_name HAVING count(*) > 1
  UNION ALL
  SELECT p.relation, NULL, 'it is not said what becomes of its rows: name it in crm.pii_rows()'
  FROM (SELECT DISTINCT p.relation FROM present AS p) AS p WHERE NOT EXISTS (SELECT FROM crm.pii_rows() AS r WHERE r.relation = p.relation)
  UNION ALL
  SELECT r.relation, NULL, 'does not exist' FROM crm.pii_rows() AS r WHERE NOT EXISTS (SELECT FROM present AS p WHERE p.relation = r.relation)
  UNION ALL
  -- A column of this name says whose the row is: his rows would be missed.
  SELECT p.relation, p.column_name, 'names a guest, but not in crm.pii_rows()'
  FROM present AS p JOIN crm.pii_rows() AS r ON r.relation = p.relation
  WHERE p.column_name IN ('customer_id', 'origin_id') AND p.column_name <> ALL (COALESCE(r.guest_columns, '{}'))
  UNION ALL
  SELECT m.relation, m.column_name, format('holds %s data of a guest and is kept', m.class)
  FROM mapped AS m WHERE m.class IN ('personal', 'health') AND m.treatment = 'keep' AND m.rows IS DISTINCT FROM 'mentions'
  UNION ALL
  SELECT m.relation, m.column_name, format('%s does not fit rows that are to %s', m.treatment, m.rows)
  FROM mapped AS m WHERE (m.treatment = 'delete') IS DISTINCT FROM (m.rows = 'delete')
  UNION ALL
  SELECT m.relation, m.column_name, 'must not be null'
  FROM mapped AS m JOIN present AS p ON p.relation = m.relation AND p.column_name = m.column_name
  WHERE p.attnotnull AND m.treatment IN ('null', 'mention:', 'name:')
$$;
ALTER FUNCTION crm.check_pii_map() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.check_pii_map() IS 'What the map of personal data misses or names in vain: tables and columns without a class, entries that name nothing, treatments that cannot be. No rows where all is classified.';
GRANT EXECUTE ON FUNCTION crm.check_pii_map() TO crm_admin;
