CREATE OR REPLACE FUNCTION crm.suggest_column(entity text, field text, host regclass, known regclass[]) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  wanted record;
  -- Whose key the field holds.
  target regclass := known[array_position('{venue,customer,order,product}', CASE WHEN field IN ('venue', 'customer', 'order', 'product') THEN field END)];
  candidate record;
  spec jsonb;
  done text[];
BEGIN
  SELECT * INTO wanted FROM crm.binding_field() AS f WHERE f.entity = suggest_column.entity AND f.field = suggest_column.field;
  FOR candidate IN
    SELECT a.attname::text AS name, a.atttypid, crm.base_type(a.atttypid) AS base, s.snake
    FROM pg_attribute AS a
    CROSS JOIN LATERAL (SELECT crm.snake_case(a.attname) AS snake) AS s
    LEFT JOIN crm.column_habits() AS h ON h.entity = suggest_column.entity AND h.field = suggest_column.field
    CROSS JOIN LATERAL (SELECT array_position(h.words, regexp_replace(s.snake, '_(in_)?(cents|minor|minor_units|pence)$', '')) AS rank,
      EXISTS (SELECT FROM pg_constraint AS k WHERE k.contype = 'f' AND k.conrelid = host AND k.confrelid = target AND k.conkey = ARRAY[a.attnum]) AS refers,
      target IS NOT NULL AND s.snake = crm.singular(crm.snake_case((SELECT c.relname FROM pg_class AS c WHERE c.oid = target))) || '_id' AS named,
      EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = host AND i.indisprimary AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum) AS is_key) AS m
    WHERE a.attrelid = host AND a.attnum > 0 AND NOT a.attisdropped
      AND CASE wanted.field WHEN 'ref' THEN m.is_key ELSE (m.rank IS NOT NULL OR m.refers OR m.named) AND NOT m.is_key END
    ORDER BY m.refers DESC, m.named DESC, m.rank, a.attnum
  LOOP
    spec := to_jsonb(candidate.name);
    IF wanted.kind = 'time' AND candidate.base = 'timestamp'::regtype THEN
      spec := jsonb_build_object('column', candidate.name, 'zone', 'UTC');
    ELSIF wanted.kind = 'money' AND candidate.base IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) THEN
      -- Whole numbers are cents where they say so; else nobody can tell.
      CONTINUE WHEN candidate.snake !~ '_(cents|minor|minor_units|pence)$';
      spec := jsonb_build_object('column', candidate.name, 'minor_units', 2);
    ELSIF wanted.kind = 'state' AND candidate.base = 'bool'::regtype THEN
      spec := jsonb_build_object('column', candidate.name, 'in', '[true]'::jsonb);
    ELSIF wanted.kind = 'state' THEN
      -- The values it can have: of an enum, or of a check.
      done := ARRAY(
        SELECT v.value FROM (
          SELECT e.enumlabel::text AS value FROM pg_enum AS e WHERE e.enumtypid = candidate.base
          UNION
          SELECT r[1] FROM pg_constraint AS k, regexp_matches(pg_get_constraintdef(k.oid), '''([^'']+)''', 'g') AS r
          WHERE k.conrelid = host AND k.contype = 'c'
            AND k.conkey = ARRAY[(SELECT a.attnum FROM pg_attribute AS a WHERE a.attrelid = host AND a.attname = candidate.name)]) AS v
        WHERE crm.snake_case(lower(v.value)) IN ('completed', 'complete', 'done', 'closed', 'fulfilled', 'finished', 'paid', 'served', 'delivered') ORDER BY 1);
      CONTINUE WHEN cardinality(done) = 0;
      spec := jsonb_build_object('column', candidate.name, 'in', to_jsonb(done));
    END IF;
    BEGIN
      PERFORM crm.read_mapped_field(entity, field, wanted.kind, wanted.constant_allowed, host, spec);
      RETURN spec;
    EXCEPTION WHEN SQLSTATE 'CR422' THEN
      -- Of a type that cannot be it: the next.
    END;
  END LOOP;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION crm.suggest_column(text, text, regclass, regclass[]) IS 'The column of a table that is likeliest a field, as a mapping has it, given the tables likely to be venue, customer, order and product; null where none is';

CREATE OR REPLACE FUNCTION crm.suggest_binding() RETURNS TABLE (entity text, host_table text, mapping jsonb, missing text[], notes text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  habit record;
  candidate record;
  wanted record;
  spec jsonb;
  found_fields jsonb;
  lacking text[];
  known regclass[] := '{NULL,NULL,NULL,NULL}';
  best record;
  best_score int;
  position int := 0;
BEGIN
  PERFORM crm.require_schema();
  -- A database administrator asks before there is an organisation.
  IF NOT crm.is_administrator() THEN
    PERFORM crm.require_admin();
  END IF;
  FOR habit IN SELECT h.* FROM crm.table_habits() AS h LOOP
    position := position + 1;
    best_score := NULL;
    FOR candidate IN
      SELECT c.oid::regclass AS host, format('%I.%I', n.nspname, c.relname) AS name, r.rank
      FROM pg_class AS c
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
      CROSS JOIN LATERAL (SELECT crm.singular(crm.snake_case(c.relname)) AS singular) AS s
      CROSS JOIN LATERAL (SELECT crm.name_rank(s.singular, habit.words) AS rank) AS r
      WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('crm', 'cron', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'
        AND r.rank IS NOT NULL AND c.oid <> ALL (array_remove(known, NULL))
        -- The items of orders are no products, whatever their name ends in.
        AND (habit.entity <> 'product' OR (SELECT crm.name_rank(s.singular, o.words) FROM crm.table_habits() AS o WHERE o.entity = 'order_item') IS NULL)
      ORDER BY r.rank, c.oid
    LOOP
      found_fields := '{}';
      lacking := '{}';
      FOR wanted IN SELECT f.* FROM crm.binding_field() AS f WHERE f.entity = habit.entity LOOP
        spec := crm.suggest_column(habit.entity, wanted.field, candidate.host, known);
        IF spec IS NULL AND wanted.field = 'completed' AND found_fields ? 'completed_at' AND COALESCE(found_fields -> 'completed_at' ->> 'column', found_fields ->> 'completed_at') !~* '(plac|creat|order)' THEN
          spec := jsonb_build_object('column', COALESCE(found_fields -> 'completed_at' ->> 'column', found_fields ->> 'completed_at'), 'not_null', true);
        END IF;
        IF spec IS NOT NULL THEN
          found_fields := found_fields || jsonb_build_object(wanted.field, spec);
        ELSIF wanted.required THEN
          lacking := lacking || wanted.field;
        END IF;
      END LOOP;
      -- What it is called, and how much of what is needed it has.
      IF best_score IS NULL OR candidate.rank + 10 * cardinality(lacking) < best_score THEN
        best_score := candidate.rank + 10 * cardinality(lacking);
        SELECT candidate.host AS host, candidate.name AS name, found_fields AS mapping, lacking AS missing INTO best;
      END IF;
    END LOOP;
    CONTINUE WHEN best_score IS NULL;
    IF position < 5 THEN
      known[position] := best.host;
    END IF;
    entity := habit.entity;
    host_table := best.name;
    mapping := best.mapping;
    missing := best.missing;
    notes := ARRAY(
      SELECT format('%s: taken to be in UTC, as the column has no time zone', m.key) FROM jsonb_each(mapping) AS m WHERE m.value ->> 'zone' IS NOT NULL
      UNION ALL
      SELECT format('%s: any time counts as completed, as no values of a status say so', m.key) FROM jsonb_each(mapping) AS m WHERE m.value -> 'not_null' IS NOT NULL
      UNION ALL
      SELECT format('%s: when it was placed, as nothing says when it was completed', m.key) FROM jsonb_each(mapping) AS m
      WHERE m.key = 'completed_at' AND COALESCE(m.value ->> 'column', m.value #>> '{}') ~* '(plac|creat|order)'
      UNION ALL
      SELECT format('%s: give the column, or a constant', f.field) FROM crm.binding_field() AS f WHERE f.entity = habit.entity AND f.field = ANY (best.missing) AND f.constant_allowed
      UNION ALL
      SELECT format('%s: give the column', f.field) FROM crm.binding_field() AS f WHERE f.entity = habit.entity AND f.field = ANY (best.missing) AND NOT f.constant_allowed
      UNION ALL
      SELECT 'bound already' WHERE EXISTS (SELECT FROM crm.binding AS b WHERE b.entity = habit.entity));
    RETURN NEXT;
  END LOOP;
END
$$;
ALTER FUNCTION crm.suggest_binding() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.suggest_binding() IS 'A first draft of bindings, made from the names, types and keys of the platform''s tables: for each entity the likeliest table, a mapping for crm.bind, the required fields that were not found, and what was assumed. Nothing of the data is read. crm.bind_plan checks it. For admins.';
GRANT EXECUTE ON FUNCTION crm.suggest_binding() TO crm_admin;
