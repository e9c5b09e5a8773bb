CREATE OR REPLACE FUNCTION crm.read_mapping(of_entity text, host regclass, mapping jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  wanted record;
  given record;
  fields jsonb := '{}';
BEGIN
  IF NOT EXISTS (SELECT FROM crm.binding_field() AS f WHERE f.entity = of_entity) THEN
    RAISE EXCEPTION 'unknown entity "%"', of_entity USING ERRCODE = 'CR422', COLUMN = 'entity',
      HINT = 'venue, customer, order, product or order_item.';
  END IF;
  IF mapping IS NULL OR jsonb_typeof(mapping) <> 'object' THEN
    RAISE EXCEPTION 'a mapping is a JSON object of fields and columns' USING ERRCODE = 'CR422', COLUMN = 'mapping';
  END IF;
  FOR given IN SELECT m.key FROM jsonb_each(mapping) AS m LOOP
    IF NOT EXISTS (SELECT FROM crm.binding_field() AS f WHERE f.entity = of_entity AND f.field = given.key) THEN
      RAISE EXCEPTION 'unknown field "%" in the mapping of %', given.key, of_entity USING ERRCODE = 'CR422', COLUMN = given.key,
        HINT = 'Fields: ' || (SELECT string_agg(f.field, ', ') FROM crm.binding_field() AS f WHERE f.entity = of_entity) || '.';
    END IF;
  END LOOP;
  FOR wanted IN SELECT f.* FROM crm.binding_field() AS f WHERE f.entity = of_entity LOOP
    IF mapping -> wanted.field IS NULL OR mapping -> wanted.field = 'null' THEN
      IF wanted.required THEN
        RAISE EXCEPTION 'the mapping of % needs the field "%" (%)', of_entity, wanted.field, wanted.description
          USING ERRCODE = 'CR422', COLUMN = wanted.field;
      END IF;
      CONTINUE;
    END IF;
    fields := fields || jsonb_build_object(wanted.field,
      crm.read_mapped_field(of_entity, wanted.field, wanted.kind, wanted.constant_allowed, host, mapping -> wanted.field));
  END LOOP;
  RETURN fields;
END
$$;
COMMENT ON FUNCTION crm.read_mapping(text, regclass, jsonb) IS 'Checks a mapping against the platform''s table; returns for each field its column, type and expression parts. CR422 names the field that is wrong.';
