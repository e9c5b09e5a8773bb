CREATE OR REPLACE FUNCTION crm.mapped_columns_changed(fields jsonb) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT COALESCE(string_agg(DISTINCT format('OLD.%1$I IS DISTINCT FROM NEW.%1$I', f.value ->> 'column'), ' OR '), 'false')
  FROM jsonb_each(fields) AS f WHERE f.value ->> 'column' IS NOT NULL
$$;
COMMENT ON FUNCTION crm.mapped_columns_changed(jsonb) IS 'Condition that an update touched a mapped column';

CREATE OR REPLACE FUNCTION crm.order_trigger_body(fields jsonb) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $outer$
  -- Each expression that is reached is set up anew in every transaction: those that complete an order are short, and
  -- what only other changes need stands apart.
  SELECT format($body$
DECLARE
  settle boolean;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NOT (%1$s) THEN
      IF NOT (%2$s) THEN%13$s
        RETURN NULL;
      END IF;
    END IF;
    IF %3$s THEN
      IF %4$s THEN
        settle := crm.take_order(TG_RELID, %10$s, %5$s, %6$s);
      ELSE
        settle := crm.take_order(TG_RELID, %7$s, %5$s, NULL, NULL, NULL, NULL);
      END IF;
    ELSIF %4$s THEN
      settle := crm.take_order(TG_RELID, %10$s, NULL, NULL, NULL, NULL, %6$s);
    END IF;
  ELSIF TG_OP = 'INSERT' THEN
    IF %4$s THEN
      settle := crm.take_order(TG_RELID, %10$s, NULL, NULL, NULL, NULL, %6$s);
    END IF;
  ELSIF TG_OP = 'DELETE' THEN
    IF %3$s THEN
      settle := crm.take_order(TG_RELID, %7$s, %5$s, NULL, NULL, NULL, NULL);
    END IF;
  ELSE
    INSERT INTO crm.failed_change (entity, message) VALUES ('order', 'the orders were truncated');
  END IF;
  IF settle THEN
    PERFORM crm.settle_orders();
  END IF;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  BEGIN
    PERFORM crm.change_failed('order', SQLSTATE, SQLERRM,
      COALESCE(CASE WHEN TG_OP <> 'DELETE' THEN %10$s END, CASE WHEN TG_OP <> 'INSERT' THEN %7$s END),
      CASE WHEN TG_OP <> 'INSERT' THEN %8$s END, CASE WHEN TG_OP <> 'INSERT' THEN %9$s END,
      CASE WHEN TG_OP <> 'DELETE' THEN %11$s END, CASE WHEN TG_OP <> 'DELETE' THEN %12$s END);
  EXCEPTION WHEN OTHERS THEN
    BEGIN
      -- Not even whose order it is can be read: everything is to be looked at.
      PERFORM crm.change_failed('order', SQLSTATE, SQLERRM, NULL, NULL, NULL, NULL, NULL);
    EXCEPTION WHEN OTHERS THEN
      RAISE WARNING 'pg_crm: a change of an order was neither counted nor recorded: %%', SQLERRM;
    END;
  END;
  RETURN NULL;
END
$body$,
    crm.mapped_columns_changed(jsonb_build_object('completed', fields -> 'completed')), crm.mapped_columns_changed((SELECT jsonb_object_agg(f.key, f.value) FROM jsonb_each(fields) AS f
                                WHERE f.key IN ('venue', 'customer', 'total', 'refunded', 'completed_at'))),
    crm.order_is_kept(fields, 'OLD'), crm.order_is_kept(fields, 'NEW'), crm.counted_version(fields, 'OLD'), crm.counted_version(fields, 'NEW'),
    crm.mapped_expression(fields, 'ref', 'OLD'), crm.mapped_expression(fields, 'venue', 'OLD'), crm.mapped_expression(fields, 'customer', 'OLD'),
    crm.mapped_expression(fields, 'ref', 'NEW'), crm.mapped_expression(fields, 'venue', 'NEW'), crm.mapped_expression(fields, 'customer', 'NEW'),
    -- What is said of an order beside its count, where the platform says it.
    (SELECT format($$
        IF %s THEN
          PERFORM crm.follow_order(%s, %s, %s);
        END IF;$$, crm.mapped_columns_changed(jsonb_object_agg(f.key, f.value)) , crm.mapped_expression(fields, 'venue', 'NEW'),
        crm.mapped_expression(fields, 'customer', 'NEW'), crm.mapped_expression(fields, 'ref', 'NEW'))
     FROM jsonb_each(fields) AS f
     WHERE f.key IN ('channel', 'table', 'payment_method', 'promo_code') AND f.value ->> 'column' IS NOT NULL
     HAVING count(*) > 0))
$outer$;
COMMENT ON FUNCTION crm.order_trigger_body(jsonb) IS 'Body of the trigger function of the platform''s orders table: no error of the CRM reaches the sale';

CREATE OR REPLACE FUNCTION crm.counted_version(fields jsonb, row_name text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT concat_ws(', ', crm.mapped_expression(fields, 'venue', row_name), crm.mapped_expression(fields, 'customer', row_name),
                   crm.net_total(fields, row_name), crm.mapped_expression(fields, 'completed_at', row_name))
$$;
COMMENT ON FUNCTION crm.counted_version(jsonb, text) IS 'Expressions of an order that is completed: venue, customer, net total, completion';

CREATE OR REPLACE FUNCTION crm.statement_trigger_body() RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $outer$
  -- Asks a setting, not the library, which may be missing; that is why nothing here is caught before it is needed.
  SELECT $body$
BEGIN
  IF TG_WHEN = 'BEFORE' THEN
    BEGIN
      PERFORM crm.announce_statement();
    EXCEPTION WHEN OTHERS THEN
      NULL;  -- the rows settle one by one, or are recorded as failed
    END;
  ELSIF current_setting('crm.collected', true) = 'on' THEN
    BEGIN
      IF crm.end_statement() THEN
        PERFORM crm.settle_orders();
      END IF;
    EXCEPTION WHEN OTHERS THEN
      BEGIN
        -- Whose orders are left is known to what has just failed: everything is to be looked at.
        PERFORM crm.change_failed('order', SQLSTATE, SQLERRM, NULL, NULL, NULL, NULL, NULL);
        PERFORM crm.forget_collected();
      EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'pg_crm: changes of orders were neither counted nor recorded: %', SQLERRM;
      END;
    END;
  END IF;
  RETURN NULL;
END
$body$
$outer$;
COMMENT ON FUNCTION crm.statement_trigger_body() IS 'Body of the trigger function that ends a statement on the platform''s orders table';

CREATE OR REPLACE FUNCTION crm.mirror_trigger_body(entity text, fields jsonb) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $outer$
  SELECT format($body$
DECLARE
  old_ref text;
  new_ref text;
  old_org text;
  new_org text;
BEGIN
  IF TG_OP = 'UPDATE' AND NOT (%1$s) THEN
    RETURN NULL;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    old_ref := %2$s;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    new_ref := %3$s;
  END IF;
  %4$s
  IF TG_OP <> 'DELETE' THEN
    PERFORM crm.mirror_%5$s(%6$s);
  END IF;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  BEGIN
    PERFORM crm.change_failed(%5$L, SQLSTATE, SQLERRM, NULL, %7$s);
  EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'pg_crm: a change of a %5$s was neither followed nor recorded: %%', SQLERRM;
  END;
  RETURN NULL;
END
$body$,
    crm.mapped_columns_changed(fields),
    crm.mapped_expression(fields, 'ref', 'OLD'), crm.mapped_expression(fields, 'ref', 'NEW'),
    CASE entity WHEN 'customer' THEN format($$IF TG_OP <> 'INSERT' THEN
    old_org := %s;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    new_org := %s;
  END IF;
  IF old_ref IS NOT NULL AND (old_ref, old_org) IS DISTINCT FROM (new_ref, new_org) THEN
    PERFORM crm.customer_removed(old_ref, old_org);
  END IF;$$, crm.mapped_expression(fields, 'org', 'OLD'), crm.mapped_expression(fields, 'org', 'NEW')) ELSE '' END,
    entity,
    (SELECT string_agg(CASE WHEN m.field IN ('name', 'phone', 'email') AND entity = 'customer' THEN crm.mapped_detail(fields, m.field, 'NEW')
                            ELSE crm.mapped_expression(fields, m.field, 'NEW') || '::' || m.type END, ', ' ORDER BY m.n)
     FROM (VALUES ('venue', 1, 'ref', 'text'), ('venue', 2, 'name', 'text'), ('venue', 3, 'timezone', 'text'), ('venue', 4, 'currency', 'text'),
                  ('venue', 5, 'region', 'text'), ('venue', 6, 'org', 'text'), ('venue', 7, 'org_name', 'text'),
                  ('customer', 1, 'ref', 'text'), ('customer', 2, 'name', 'text'), ('customer', 3, 'phone', 'text'), ('customer', 4, 'email', 'text'),
                  ('customer', 5, 'birth_date', 'date'), ('customer', 6, 'org', 'text')) AS m(entity, n, field, type)
     WHERE m.entity = mirror_trigger_body.entity),
    CASE entity WHEN 'venue' THEN 'old_ref, NULL, new_ref, NULL' ELSE 'NULL, old_ref, NULL, new_ref' END)
$outer$;
COMMENT ON FUNCTION crm.mirror_trigger_body(text, jsonb) IS 'Body of the trigger function of the platform''s venues or customers table';
