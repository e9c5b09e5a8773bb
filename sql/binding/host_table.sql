CREATE OR REPLACE FUNCTION crm.host_table(entity text, given text) RETURNS regclass
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  host regclass;
  kind "char";
BEGIN
  BEGIN
    host := CASE cardinality(parse_ident(given))
      WHEN 1 THEN to_regclass('public.' || given)
      WHEN 2 THEN to_regclass(given) END;
  EXCEPTION WHEN invalid_parameter_value OR invalid_name THEN
    RAISE EXCEPTION 'cannot read the table name %', given USING ERRCODE = 'CR422', COLUMN = 'host_table',
      HINT = 'Write schema and table, quoted as in SQL, such as public."Order".';
  END;
  IF host IS NULL THEN
    RAISE EXCEPTION 'there is no table %', given USING ERRCODE = 'CR422', COLUMN = 'host_table',
      HINT = 'Write schema and table, quoted as in SQL, such as public."Order".';
  END IF;
  SELECT relkind INTO kind FROM pg_class WHERE oid = host;
  -- What changes must fire triggers; products and items are only read.
  IF NOT (kind IN ('r', 'p') OR (entity IN ('product', 'order_item') AND kind IN ('v', 'm', 'f'))) THEN
    RAISE EXCEPTION '% is not a table that can be bound as %', given, entity USING ERRCODE = 'CR422', COLUMN = 'host_table';
  END IF;
  IF (SELECT relnamespace FROM pg_class WHERE oid = host) = 'crm'::regnamespace THEN
    RAISE EXCEPTION '% belongs to the CRM itself', given USING ERRCODE = 'CR422', COLUMN = 'host_table';
  END IF;
  RETURN host;
END
$$;
COMMENT ON FUNCTION crm.host_table(text, text) IS 'The platform''s table of a name, in schema public where none is given; CR422 where there is none that can be bound';

CREATE OR REPLACE FUNCTION crm.base_type(type oid) RETURNS oid
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH RECURSIVE step AS (
    SELECT t.oid, t.typtype, t.typbasetype FROM pg_type AS t WHERE t.oid = type
    UNION ALL
    SELECT t.oid, t.typtype, t.typbasetype FROM step JOIN pg_type AS t ON t.oid = step.typbasetype WHERE step.typtype = 'd'
  )
  SELECT oid FROM step WHERE typtype <> 'd'
$$;
COMMENT ON FUNCTION crm.base_type(oid) IS 'The type under a domain; any other type itself';
