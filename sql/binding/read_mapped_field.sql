CREATE OR REPLACE FUNCTION crm.read_mapped_field(
  entity text, field text, kind text, constant_allowed boolean, host regclass, given jsonb
) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  spec jsonb := CASE jsonb_typeof(given) WHEN 'string' THEN jsonb_build_object('column', given) ELSE given END;
  options text[];
  allowed text[];
  base oid;
  base_name text;
  category "char";
  declared text;
  listed jsonb;
  unknown text;
  place text := format('%s.%s', entity, field);
BEGIN
  IF jsonb_typeof(spec) <> 'object' THEN
    RAISE EXCEPTION 'field "%" must be a column name or an object', place USING ERRCODE = 'CR422', COLUMN = field;
  END IF;
  options := ARRAY(SELECT jsonb_object_keys(spec));

  IF 'constant' = ANY (options) THEN
    IF NOT constant_allowed OR cardinality(options) > 1 OR jsonb_typeof(spec -> 'constant') <> 'string' THEN
      RAISE EXCEPTION 'field "%" cannot be the constant %', place, spec USING ERRCODE = 'CR422', COLUMN = field,
        HINT = CASE WHEN constant_allowed THEN 'Write {"constant":"text"}.' ELSE 'It needs a column.' END;
    END IF;
    RETURN jsonb_build_object('kind', kind, 'constant', spec ->> 'constant');
  END IF;

  allowed := ARRAY['column'] || CASE
    WHEN kind = 'time' THEN ARRAY['zone']
    WHEN kind = 'money' THEN ARRAY['minor_units']
    WHEN kind = 'state' THEN ARRAY['in', 'not_null']
    WHEN entity = 'order' AND field = 'customer' THEN ARRAY['walk_in']
    ELSE '{}' END;
  IF NOT options <@ allowed THEN
    RAISE EXCEPTION 'field "%" has an unknown key in %', place, spec USING ERRCODE = 'CR422', COLUMN = field,
      HINT = 'Keys: ' || array_to_string(allowed, ', ') || CASE WHEN constant_allowed THEN ', or constant.' ELSE '.' END;
  END IF;
  IF jsonb_typeof(spec -> 'column') IS DISTINCT FROM 'string' THEN
    RAISE EXCEPTION 'field "%" names no column', place USING ERRCODE = 'CR422', COLUMN = field;
  END IF;
  IF host IS NULL THEN
    RAISE EXCEPTION 'field "%" names a column, but no table is given', place USING ERRCODE = 'CR422', COLUMN = field,
      HINT = 'Without a table every field is a constant.';
  END IF;

  SELECT crm.base_type(a.atttypid), format_type(a.atttypid, a.atttypmod) INTO base, declared
  FROM pg_attribute AS a WHERE a.attrelid = host AND a.attname = spec ->> 'column' AND a.attnum > 0 AND NOT a.attisdropped;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'table % has no column "%" (field "%")', host, spec ->> 'column', place USING ERRCODE = 'CR422', COLUMN = field,
      HINT = 'Columns: ' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute AS a
                             WHERE a.attrelid = host AND a.attnum > 0 AND NOT a.attisdropped) || '.';
  END IF;
  SELECT t.typname, t.typcategory INTO base_name, category FROM pg_type AS t WHERE t.oid = base;

  IF NOT (CASE kind
    WHEN 'ref' THEN base_name IN ('text', 'varchar', 'bpchar', 'uuid', 'int2', 'int4', 'int8', 'numeric')
    WHEN 'text' THEN category IN ('S', 'E', 'N', 'B') OR base_name IN ('uuid', 'citext')
    WHEN 'day' THEN base_name IN ('date', 'timestamp')
    WHEN 'time' THEN base_name IN ('timestamptz', 'timestamp', 'date')
    WHEN 'money' THEN base_name IN ('numeric', 'int2', 'int4', 'int8', 'float4', 'float8', 'money')
    WHEN 'number' THEN base_name IN ('numeric', 'int2', 'int4', 'int8', 'float4', 'float8')
    WHEN 'state' THEN 'not_null' = ANY (options) OR base_name IN ('text', 'varchar', 'bpchar', 'int2', 'int4', 'int8', 'bool') OR category = 'E' OR base_name = 'citext'
  END) THEN
    RAISE EXCEPTION 'column "%" of % is of type %, which cannot be read as % (field "%")', spec ->> 'column', host, declared, kind, place
      USING ERRCODE = 'CR422', COLUMN = field;
  END IF;

  IF kind = 'time' THEN
    IF base_name = 'timestamp' AND spec -> 'zone' IS NULL THEN
      RAISE EXCEPTION 'column "%" of % is a timestamp without time zone: field "%" needs a "zone"', spec ->> 'column', host, place
        USING ERRCODE = 'CR422', COLUMN = field, HINT = format('Write {"column":%s,"zone":"UTC"}, or the zone the platform writes in.', to_json(spec ->> 'column'));
    ELSIF base_name <> 'timestamp' AND spec -> 'zone' IS NOT NULL THEN
      RAISE EXCEPTION 'column "%" of % is of type %, which takes no "zone" (field "%")', spec ->> 'column', host, declared, place
        USING ERRCODE = 'CR422', COLUMN = field;
    ELSIF spec -> 'zone' IS NOT NULL THEN
      BEGIN
        PERFORM now() AT TIME ZONE (spec ->> 'zone');
      EXCEPTION WHEN invalid_parameter_value THEN
        RAISE EXCEPTION 'unknown time zone "%" (field "%")', spec ->> 'zone', place USING ERRCODE = 'CR422', COLUMN = field,
          HINT = 'Use a name of pg_timezone_names, such as Europe/Berlin.';
      END;
    END IF;
  END IF;

  IF spec -> 'minor_units' IS NOT NULL THEN
    IF base_name NOT IN ('int2', 'int4', 'int8', 'numeric') OR NOT spec -> 'minor_units' <@ '[0, 1, 2]' THEN
      RAISE EXCEPTION 'field "%" cannot be in minor units of %: column "%" is of type %', place, spec -> 'minor_units', spec ->> 'column', declared
        USING ERRCODE = 'CR422', COLUMN = field, HINT = 'minor_units is the number of decimals, 0 to 2, of amounts kept as integers.';
    END IF;
  END IF;

  IF kind = 'state' THEN
    IF ('in' = ANY (options)) = ('not_null' = ANY (options)) OR COALESCE(spec -> 'not_null', 'true') <> 'true' THEN
      RAISE EXCEPTION 'field "%" needs either the values that mean completed or "not_null"', place USING ERRCODE = 'CR422', COLUMN = field,
        HINT = 'Write {"column":"status","in":["COMPLETED"]} or {"column":"paid_at","not_null":true}.';
    END IF;
    listed := spec -> 'in';
  ELSE
    listed := spec -> 'walk_in';
  END IF;
  IF listed IS NOT NULL THEN
    IF jsonb_typeof(listed) <> 'array' OR jsonb_array_length(listed) NOT BETWEEN 1 AND 100
       OR EXISTS (SELECT FROM jsonb_array_elements(listed) AS e WHERE jsonb_typeof(e) NOT IN ('string', 'number', 'boolean')) THEN
      RAISE EXCEPTION 'field "%" needs a list of 1 to 100 values', place USING ERRCODE = 'CR422', COLUMN = field;
    END IF;
    SELECT min(e) INTO unknown FROM jsonb_array_elements_text(listed) AS e
    WHERE CASE WHEN base_name = 'bool' THEN e NOT IN ('true', 'false')
               WHEN base_name IN ('int2', 'int4', 'int8') THEN e !~ '^-?[0-9]+$'
               WHEN category = 'E' THEN NOT EXISTS (SELECT FROM pg_enum WHERE enumtypid = base AND enumlabel = e)
               ELSE false END;
    IF unknown IS NOT NULL THEN
      RAISE EXCEPTION '"%" is no value of type % (field "%")', unknown, declared, place USING ERRCODE = 'CR422', COLUMN = field,
        HINT = CASE WHEN category = 'E' THEN (SELECT 'Values: ' || string_agg(enumlabel, ', ' ORDER BY enumsortorder) || '.' FROM pg_enum WHERE enumtypid = base) END;
    END IF;
  END IF;
  RETURN jsonb_strip_nulls(jsonb_build_object('kind', kind, 'column', spec ->> 'column', 'declared', declared, 'type', base_name,
    'zone', spec ->> 'zone', 'minor_units', spec -> 'minor_units', 'in', spec -> 'in', 'walk_in', spec -> 'walk_in'));
END
$$;
COMMENT ON FUNCTION crm.read_mapped_field(text, text, text, boolean, regclass, jsonb) IS 'Checks one field of a mapping: a column name, or an object with column and options, or a constant';
