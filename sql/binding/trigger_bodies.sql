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
  SELECT format($body$
DECLARE
  old_venue text; old_customer text; old_total numeric; old_completed_at timestamptz;
  new_venue text; new_customer text; new_total numeric; new_completed_at timestamptz;
  order_ref text;
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    INSERT INTO crm.failed_change (entity, message) VALUES ('order', 'the orders were truncated');
    RETURN NULL;
  END IF;
  IF TG_OP = 'UPDATE' AND NOT (%1$s) THEN
    RETURN NULL;
  END IF;
  -- Most changes complete an order: one expression counts it, as each one costs its setting up in every transaction.
  IF (CASE WHEN COALESCE(current_setting('crm.put_off', true), '') <> '' THEN crm.puts_off()
          WHEN TG_OP = 'DELETE' THEN false
          WHEN TG_OP = 'UPDATE' AND (%5$s) THEN false
          WHEN %11$s THEN crm.add_order(%9$s, %10$s, %12$s, %13$s)
          ELSE false END) THEN
    RETURN NULL;
  END IF;
  -- Whose order it was and is comes first, so that a failure further on knows both.
  IF TG_OP <> 'INSERT' THEN
    order_ref := %2$s; old_venue := %3$s; old_customer := %4$s;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    order_ref := %8$s; new_venue := %9$s; new_customer := %10$s;
  END IF;
  IF TG_OP <> 'INSERT' AND (%5$s) THEN
    old_total := %6$s; old_completed_at := %7$s;
  END IF;
  IF TG_OP <> 'DELETE' AND (%11$s) THEN
    new_total := %12$s; new_completed_at := %13$s;
  END IF;
  PERFORM crm.order_changed(order_ref, old_venue, old_customer, old_total, old_completed_at, new_venue, new_customer, new_total, new_completed_at);
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  BEGIN
    IF SQLSTATE = '55P03' THEN
      PERFORM set_config('crm.put_off', pg_current_xact_id()::text, true);
    END IF;
    PERFORM crm.change_failed('order', SQLSTATE, SQLERRM, order_ref, old_venue, old_customer, new_venue, new_customer);
  EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'pg_crm: a change of an order was neither counted nor recorded: %%', SQLERRM;
  END;
  RETURN NULL;
END
$body$,
    crm.mapped_columns_changed(fields),
    crm.mapped_expression(fields, 'ref', 'OLD'), crm.mapped_expression(fields, 'venue', 'OLD'), crm.mapped_expression(fields, 'customer', 'OLD'),
    crm.order_is_kept(fields, 'OLD'), crm.net_total(fields, 'OLD'), crm.mapped_expression(fields, 'completed_at', 'OLD'),
    crm.mapped_expression(fields, 'ref', 'NEW'), crm.mapped_expression(fields, 'venue', 'NEW'), crm.mapped_expression(fields, 'customer', 'NEW'),
    crm.order_is_kept(fields, 'NEW'), crm.net_total(fields, 'NEW'), crm.mapped_expression(fields, 'completed_at', 'NEW'))
$outer$;
COMMENT ON FUNCTION crm.order_trigger_body(jsonb) IS 'Body of the trigger function of the platform''s orders table: no error of the CRM reaches the sale';

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
    (SELECT string_agg(crm.mapped_expression(fields, m.field, 'NEW') || '::' || m.type, ', ' ORDER BY m.n)
     FROM (VALUES ('venue', 1, 'ref', 'text'), ('venue', 2, 'name', 'text'), ('venue', 3, 'timezone', 'text'), ('venue', 4, 'currency', 'text'),
                  ('venue', 5, 'org', 'text'), ('venue', 6, 'org_name', 'text'),
                  ('customer', 1, 'ref', 'text'), ('customer', 2, 'name', 'text'), ('customer', 3, 'phone', 'text'), ('customer', 4, 'email', 'text'),
                  ('customer', 5, 'birth_date', 'date'), ('customer', 6, 'org', 'text')) AS m(entity, n, field, type)
     WHERE m.entity = mirror_trigger_body.entity),
    CASE entity WHEN 'venue' THEN 'old_ref, NULL, new_ref, NULL' ELSE 'NULL, old_ref, NULL, new_ref' END)
$outer$;
COMMENT ON FUNCTION crm.mirror_trigger_body(text, jsonb) IS 'Body of the trigger function of the platform''s venues or customers table';
