-- Guests as the platform has them, written where it owns them: its own trigger brings the change back. Run inside pinned functions.
CREATE OR REPLACE FUNCTION crm.platform_values(fields jsonb, profile jsonb) RETURNS TABLE (column_name text, declared text, literal text)
LANGUAGE sql STABLE
AS $$
  SELECT f.value ->> 'column', f.value ->> 'declared', quote_nullable(profile ->> f.key)
  FROM jsonb_each(fields) AS f
  WHERE f.value ->> 'column' IS NOT NULL AND f.key IN ('name', 'phone', 'email', 'birth_date') AND profile ? f.key
$$;
COMMENT ON FUNCTION crm.platform_values(jsonb, jsonb) IS 'Columns of the platform''s customers that a profile gives values for, with their types';

CREATE OR REPLACE FUNCTION crm.write_platform_customer(customer_ref text, profile jsonb) RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
  bound crm.binding;
  assignments text;
  written bigint;
BEGIN
  SELECT * INTO bound FROM crm.binding AS b WHERE b.entity = 'customer';
  IF NOT FOUND OR NOT EXISTS (SELECT FROM crm.bound_customer(customer_ref)) THEN
    RETURN false;
  END IF;
  SELECT string_agg(format('%I = %s', v.column_name, CASE WHEN v.literal = 'NULL' AND a.attnotnull AND t.typcategory = 'S' THEN '''''' ELSE format('%s::%s', v.literal, v.declared) END), ', ')
  INTO assignments
  FROM crm.platform_values(bound.fields, profile) AS v
  JOIN pg_attribute AS a ON a.attrelid = to_regclass(format('%I.%I', bound.schema_name, bound.table_name)) AND a.attname = v.column_name
  JOIN pg_type AS t ON t.oid = a.atttypid;
  IF assignments IS NOT NULL THEN
    EXECUTE format('UPDATE %I.%I AS h SET %s WHERE %s', bound.schema_name, bound.table_name, assignments, crm.mapped_lookup(bound.fields, 'ref', '$1'))
    USING customer_ref;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> 1 THEN
      RAISE EXCEPTION 'the platform has % customers with the id "%"', written, customer_ref USING ERRCODE = 'CR409', COLUMN = 'customer';
    END IF;
  END IF;
  RETURN true;
EXCEPTION
  WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'the platform''s table of customers may not be written: %', SQLERRM USING ERRCODE = '55000', HINT = 'A database administrator calls crm.rebind(''customer''); crm.check_binding tells what is missing.';
  WHEN integrity_constraint_violation THEN
    RAISE EXCEPTION 'the platform refused the change: %', SQLERRM USING ERRCODE = 'CR409', COLUMN = 'profile';
END
$$;
COMMENT ON FUNCTION crm.write_platform_customer(text, jsonb) IS 'Changes a customer in the platform''s own table, as far as the fields given are bound; false where it does not know him. CR409 for what a constraint of the platform refuses, 55000 where its table may not be written';

CREATE OR REPLACE FUNCTION crm.platform_ids(how_many int) RETURNS text[]
LANGUAGE plpgsql
AS $$
DECLARE
  bound crm.binding;
BEGIN
  SELECT * INTO bound FROM crm.binding AS b WHERE b.entity = 'customer';
  IF EXISTS (
    SELECT FROM pg_attribute AS a
    WHERE a.attrelid = to_regclass(format('%I.%I', bound.schema_name, bound.table_name)) AND a.attname = bound.fields -> 'ref' ->> 'column'
      AND NOT a.atthasdef AND a.attidentity = '' AND bound.fields -> 'ref' ->> 'type' NOT IN ('int2', 'int4', 'int8', 'numeric')) THEN
    RETURN ARRAY(SELECT gen_random_uuid()::text FROM generate_series(1, how_many));
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION crm.platform_ids(int) IS 'New ids for the platform''s own table of customers, such as its programs would make; null where a default of the table makes them';

CREATE OR REPLACE FUNCTION crm.create_platform_customers(org int, profiles jsonb[], ids text[] DEFAULT NULL) RETURNS text[]
LANGUAGE plpgsql
-- A load plans its statements anew for each thousand rows; the trigger of each row shall not.
SET plan_cache_mode = auto
AS $$
DECLARE
  bound crm.binding;
  host regclass;
  alike record;
  statement record;
  refs text[];
  made text[];
BEGIN
  SELECT * INTO bound FROM crm.binding AS b WHERE b.entity = 'customer';
  host := to_regclass(format('%I.%I', bound.schema_name, bound.table_name));
  ids := COALESCE(ids, crm.platform_ids(cardinality(profiles)));
  -- What is not known is left to the columns' defaults, so those of whom the same is known go together.
  FOR alike IN
    SELECT array_agg(p.profile ORDER BY p.n) AS profiles, array_agg(p.id ORDER BY p.n) AS ids, array_agg(p.n ORDER BY p.n) AS places
    FROM unnest(profiles, ids) WITH ORDINALITY AS p(profile, id, n)
    GROUP BY ARRAY(SELECT v.column_name FROM crm.platform_values(bound.fields, p.profile) AS v WHERE v.literal <> 'NULL' ORDER BY 1)
  LOOP
    SELECT string_agg(quote_ident(w.column_name), ', ') AS columns, string_agg(w.value, ', ') AS given INTO statement FROM (
      SELECT f.value ->> 'column' AS column_name, format('(g.profile ->> %L)::%s', f.key, f.value ->> 'declared') AS value
      FROM jsonb_each(bound.fields) AS f
      WHERE f.value ->> 'column' IS NOT NULL AND f.key IN ('name', 'phone', 'email', 'birth_date') AND alike.profiles[1] ->> f.key IS NOT NULL
      UNION ALL
      SELECT bound.fields -> 'org' ->> 'column', format('%L::%s', o.ref, bound.fields -> 'org' ->> 'declared')
      FROM crm.organisation AS o WHERE o.org_id = org AND bound.fields -> 'org' ->> 'column' IS NOT NULL
      UNION ALL
      SELECT bound.fields -> 'ref' ->> 'column', format('g.id::%s', bound.fields -> 'ref' ->> 'declared') WHERE ids IS NOT NULL
      UNION ALL
      -- What must not be null and is not known is an empty text.
      SELECT a.attname, ''''''
      FROM jsonb_each(bound.fields) AS f
      JOIN pg_attribute AS a ON a.attrelid = host AND a.attname = f.value ->> 'column' AND a.attnotnull AND NOT a.atthasdef
      JOIN pg_type AS t ON t.oid = a.atttypid AND t.typcategory = 'S'
      WHERE f.key IN ('name', 'phone', 'email') AND alike.profiles[1] ->> f.key IS NULL) AS w;
    EXECUTE format('WITH made AS (INSERT INTO %s AS h %s SELECT %s FROM unnest($1, $2) WITH ORDINALITY AS g(profile, id, n) ORDER BY g.n RETURNING %s AS ref)
      SELECT array_agg(m.ref) FROM made AS m',
      crm.host_name(host), '(' || statement.columns || ')', statement.given, crm.mapped_expression(bound.fields, 'ref', 'h'))
    INTO made USING alike.profiles, alike.ids;
    IF cardinality(made) IS DISTINCT FROM cardinality(alike.places) THEN
      RAISE EXCEPTION 'the platform took % of % guests', COALESCE(cardinality(made), 0), cardinality(alike.places) USING ERRCODE = 'CR409', COLUMN = 'profile';
    END IF;
    FOR i IN 1 .. cardinality(made) LOOP
      refs[alike.places[i]] := made[i];
    END LOOP;
  END LOOP;
  RETURN refs;
EXCEPTION
  WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'the platform''s table of customers may not be written: %', SQLERRM USING ERRCODE = '55000', HINT = 'A database administrator calls crm.rebind(''customer''); crm.check_binding tells what is missing.';
  WHEN integrity_constraint_violation THEN
    RAISE EXCEPTION 'the platform refused the guest: %', SQLERRM USING ERRCODE = 'CR409', COLUMN = 'profile',
      HINT = 'crm.check_binding(''customer'') lists columns that must have a value which the CRM does not know.';
END
$$;
COMMENT ON FUNCTION crm.create_platform_customers(int, jsonb[], text[]) IS 'Makes customers in the platform''s own table, with ids of crm.platform_ids where those are given, and returns their ids there, in the order given. CR409 for what a constraint of the platform refuses, 55000 where its table may not be written';

CREATE OR REPLACE FUNCTION crm.bound_customer_fields() RETURNS text[]
LANGUAGE plpgsql STABLE
AS $$
-- Keeps its plan, which takes longer to make than to run.
BEGIN
  RETURN (SELECT ARRAY(SELECT jsonb_object_keys(b.fields)) FROM crm.binding AS b WHERE b.entity = 'customer');
END
$$;
COMMENT ON FUNCTION crm.bound_customer_fields() IS 'The fields of a guest that the platform owns; null where no customers are bound';

CREATE OR REPLACE FUNCTION crm.remove_platform_customer(customer_ref text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
  bound crm.binding;
BEGIN
  SELECT * INTO bound FROM crm.binding AS b WHERE b.entity = 'customer';
  IF FOUND THEN
    EXECUTE format('DELETE FROM %I.%I AS h WHERE %s', bound.schema_name, bound.table_name, crm.mapped_lookup(bound.fields, 'ref', '$1')) USING customer_ref;
  END IF;
END
$$;
COMMENT ON FUNCTION crm.remove_platform_customer(text) IS 'Removes a customer from the platform''s own table, if it is bound';
