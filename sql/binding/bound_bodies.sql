CREATE OR REPLACE FUNCTION crm.bound_bodies(entity text, host regclass, fields jsonb) RETURNS TABLE (name text, body text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- Without a table the mapping is all constants: one row.
  source text := COALESCE(crm.host_name(host), '(SELECT 1)') || ' AS h';
  of_order text;
  venue_is text;
BEGIN
  CASE entity
    WHEN 'venue' THEN
      RETURN QUERY VALUES
        ('bound_venues', format('SELECT %s, %s, %s, %s, %s, %s, %s FROM %s',
          crm.mapped_expression(fields, 'ref', 'h'), crm.mapped_expression(fields, 'name', 'h'),
          crm.mapped_expression(fields, 'timezone', 'h'), crm.mapped_expression(fields, 'currency', 'h'),
          crm.mapped_expression(fields, 'region', 'h') || '::text',
          crm.mapped_expression(fields, 'org', 'h') || '::text',
          crm.mapped_expression(fields, 'org_name', 'h') || '::text', source)),
        ('on_venue_change', crm.mirror_trigger_body('venue', fields));
    WHEN 'customer' THEN
      RETURN QUERY
      WITH read AS (SELECT format('SELECT %s, %s, %s, %s, %s::date, %s FROM %s',
          crm.mapped_expression(fields, 'ref', 'h'), crm.mapped_detail(fields, 'name', 'h'),
          crm.mapped_detail(fields, 'phone', 'h'), crm.mapped_detail(fields, 'email', 'h'),
          crm.mapped_expression(fields, 'birth_date', 'h'), crm.mapped_expression(fields, 'org', 'h') || '::text', source) AS body)
      SELECT v.* FROM read, LATERAL (VALUES
        ('bound_customers', read.body),
        ('bound_customer', read.body || ' WHERE ' || crm.mapped_lookup(fields, 'ref', '$1')),
        ('on_customer_change', crm.mirror_trigger_body('customer', fields))) AS v;
    WHEN 'order' THEN
      of_order := format('%s FROM %s', crm.order_columns(fields), source);
      venue_is := crm.mapped_expression(fields, 'venue', 'h');
      RETURN QUERY VALUES
        ('bound_orders', format('SELECT s.org_id, s.venue_id, %s, %s, %s, %s::text, %s::text, %s::text, %s::text, (%s)::numeric FROM %s LEFT JOIN crm.venue_scoring AS s ON s.ref = %s WHERE %s',
           venue_is, crm.order_columns(fields), '(' || crm.mapped_expression(fields, 'placed_at', 'h') || ')::timestamptz',
           crm.mapped_expression(fields, 'channel', 'h'), crm.mapped_expression(fields, 'table', 'h'),
           crm.mapped_expression(fields, 'payment_method', 'h'), crm.mapped_expression(fields, 'promo_code', 'h'),
           crm.mapped_expression(fields, 'refunded', 'h'), source, venue_is, crm.order_is_kept(fields))),
        ('counted_orders_at', format('SELECT o.customer_ref, o.total, o.completed_at FROM (SELECT %s JOIN crm.venue_scoring AS s ON s.ref = $1 WHERE %s AND %s) AS o(customer_ref, order_ref, total, completed_at) WHERE o.customer_ref IS NOT NULL AND o.total IS NOT NULL AND o.completed_at IS NOT NULL',
           of_order, crm.mapped_lookup(fields, 'venue', '$1'), crm.order_is_kept(fields))),
        ('counted_orders_within', format('SELECT o.customer_ref, o.total, o.completed_at FROM (SELECT %s JOIN crm.venue_scoring AS s ON s.ref = $1 WHERE %s AND %s AND %s) AS o(customer_ref, order_ref, total, completed_at) WHERE o.customer_ref IS NOT NULL AND o.total IS NOT NULL AND o.completed_at >= $2 AND o.completed_at < $3',
           of_order, crm.mapped_lookup(fields, 'venue', '$1'), crm.mapped_range(fields, 'completed_at', '$2', '$3'), crm.order_is_kept(fields))),
        ('counted_orders_of', format('SELECT o.total, o.completed_at FROM (SELECT %s JOIN crm.venue_scoring AS s ON s.ref = $2 WHERE %s AND %s AND %s) AS o(customer_ref, order_ref, total, completed_at) WHERE o.total IS NOT NULL AND o.completed_at IS NOT NULL',
           of_order, CASE WHEN fields ? 'customer' THEN crm.mapped_lookup(fields, 'customer', '$1') ELSE 'false' END,
           crm.mapped_lookup(fields, 'venue', '$2'), crm.order_is_kept(fields))),
        ('sales_within', format('SELECT o.order_ref, o.completed_at FROM (SELECT %s JOIN crm.venue_scoring AS s ON s.ref = $1 WHERE %s AND %s AND %s) AS o(customer_ref, order_ref, total, completed_at) WHERE o.completed_at >= $2 AND o.completed_at < $3',
           of_order, crm.mapped_lookup(fields, 'venue', '$1'), crm.mapped_range(fields, 'completed_at', '$2', '$3'), crm.order_is_kept(fields))),
        ('orders_of', crm.orders_of_body(fields, source)),
        ('orders_at', crm.orders_at_body(fields, source)),
        ('on_order_change', crm.order_trigger_body(fields)),
        ('on_order_statement', crm.statement_trigger_body());
    WHEN 'product' THEN
      RETURN QUERY VALUES ('bound_products', format('SELECT %s, %s, %s, %s, %s FROM %s',
        crm.mapped_expression(fields, 'ref', 'h'), crm.mapped_expression(fields, 'name', 'h'),
        crm.mapped_expression(fields, 'category', 'h') || '::text', '(' || crm.mapped_expression(fields, 'price', 'h') || ')::numeric',
        crm.mapped_expression(fields, 'venue', 'h') || '::text', source)),
        ('bound_product', format('SELECT %s, %s::text FROM %s WHERE %s', crm.mapped_expression(fields, 'name', 'h'),
          crm.mapped_expression(fields, 'category', 'h'), source, crm.mapped_lookup(fields, 'ref', '$1')));
    WHEN 'order_item' THEN
      RETURN QUERY VALUES ('bound_order_items', format('SELECT %s, %s, %s, (%s)::numeric FROM %s',
        crm.mapped_expression(fields, 'order', 'h'), crm.mapped_expression(fields, 'product', 'h'),
        crm.mapped_expression(fields, 'quantity', 'h'), crm.mapped_expression(fields, 'amount', 'h'), source)),
        ('items_of_order', format('SELECT p.name, p.category, (%s)::numeric, (%s)::numeric, $2, %s FROM %s LEFT JOIN LATERAL crm.bound_product(%s) AS p ON true WHERE %s',
          crm.mapped_expression(fields, 'quantity', 'h'), crm.mapped_expression(fields, 'amount', 'h'), crm.mapped_expression(fields, 'product', 'h'), source,
          crm.mapped_expression(fields, 'product', 'h'), crm.mapped_lookup(fields, 'order', '$1')));
  END CASE;
END
$$;
COMMENT ON FUNCTION crm.bound_bodies(text, regclass, jsonb) IS 'Bodies of the functions that a binding generates, reading the platform''s table late bound, so that its own migrations pass';

CREATE OR REPLACE FUNCTION crm.orders_with_days(fields jsonb, source text, condition text, venue text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $outer$
  SELECT format($$
  (SELECT t.customer_ref, t.order_ref, t.total, t.day, crm.daypart(t.at, t.breakfast_from, t.lunch_from, t.afternoon_from, t.dinner_from, t.late_from) AS daypart,
     crm.weekday(t.day) AS weekday, t.channel, t.table_name, t.payment_method, t.promo_code, t.completed_at, t.venue_id
   FROM (SELECT t.*, crm.local_day(t.completed_at, t.timezone, t.day_starts_at) AS day, (t.completed_at AT TIME ZONE t.timezone)::time AS at
     FROM (
       SELECT %s AS customer_ref, %s AS order_ref, %s AS total, (%s)::timestamptz AS completed_at, (%s)::text AS channel, (%s)::text AS table_name,
         (%s)::text AS payment_method, (%s)::text AS promo_code, s.venue_id, s.timezone, s.day_starts_at,
         v.breakfast_from, v.lunch_from, v.afternoon_from, v.dinner_from, v.late_from
       FROM %s
       JOIN crm.venue_scoring AS s ON s.ref = %s AND s.org_id = $1
       JOIN crm.venue AS v ON v.org_id = s.org_id AND v.venue_id = s.venue_id
       WHERE %s AND (%s IS NULL OR (%s)) AND %s) AS t
     WHERE t.total IS NOT NULL AND t.completed_at IS NOT NULL
     -- A day is computed once, however often it is asked for.
     OFFSET 0) AS t)$$,
    crm.mapped_expression(fields, 'customer', 'h'), crm.mapped_expression(fields, 'ref', 'h'), crm.net_total(fields, 'h'),
    crm.mapped_expression(fields, 'completed_at', 'h'), crm.mapped_expression(fields, 'channel', 'h'), crm.mapped_expression(fields, 'table', 'h'),
    crm.mapped_expression(fields, 'payment_method', 'h'), crm.mapped_expression(fields, 'promo_code', 'h'), source,
    crm.mapped_expression(fields, 'venue', 'h'), condition, venue, crm.mapped_lookup(fields, 'venue', venue), crm.order_is_kept(fields))
$outer$;
COMMENT ON FUNCTION crm.orders_with_days(jsonb, text, text, text) IS 'Query of the counted orders as criteria see them, each on the local day of its own venue: under a condition, at the venue that an expression gives (null for all of the organisation $1)';

CREATE OR REPLACE FUNCTION crm.orders_of_body(fields jsonb, source text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $outer$
  SELECT format($$SELECT o.order_ref, o.total, o.day, o.daypart, o.weekday, o.channel, o.table_name, o.payment_method, o.promo_code, o.completed_at, o.venue_id
FROM crm.refs_of($1, $2) AS r(ref)
CROSS JOIN LATERAL %s AS o$$,
    crm.orders_with_days(fields, source, CASE WHEN fields ? 'customer' THEN crm.mapped_lookup(fields, 'customer', 'r.ref') ELSE 'false' END, '$3'))
$outer$;
COMMENT ON FUNCTION crm.orders_of_body(jsonb, text) IS 'Body of crm.orders_of: the guest''s orders by the platform''s index on customers';

CREATE OR REPLACE FUNCTION crm.orders_at_body(fields jsonb, source text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $outer$
  SELECT format($$SELECT COALESCE(m.survivor_id, c.customer_id), o.order_ref, o.total, o.day, o.daypart, o.weekday, o.channel, o.table_name, o.payment_method, o.promo_code
FROM %s AS o
JOIN crm.customer AS c ON c.org_id = $1 AND c.ref = o.customer_ref
LEFT JOIN crm.merged_customer AS m ON m.org_id = $1 AND m.customer_id = c.customer_id
WHERE o.day >= $3$$,
    -- A day opens after the midnight of the day before, whenever that is.
    crm.orders_with_days(fields, source, CASE WHEN fields ? 'customer' THEN crm.mapped_range(fields, 'completed_at', '(($3 - 1)::timestamp AT TIME ZONE s.timezone)', '''infinity''::timestamptz') ELSE 'false' END, '$2'))
$outer$;
COMMENT ON FUNCTION crm.orders_at_body(jsonb, text) IS 'Body of crm.orders_at: all orders of a venue or the organisation from a day on in one pass, each with its guest''s key';

CREATE OR REPLACE FUNCTION crm.host_name(host regclass) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = host
$$;
COMMENT ON FUNCTION crm.host_name(regclass) IS 'Schema and name of a table, quoted';

CREATE OR REPLACE FUNCTION crm.mapped_lookup(fields jsonb, field text, parameter text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
  -- The parameter is cast, not the column, so that the platform's own index serves.
  SELECT CASE WHEN f ->> 'constant' IS NOT NULL THEN format('%s = %L', parameter, f ->> 'constant')
              WHEN f ->> 'type' IN ('uuid', 'int2', 'int4', 'int8') THEN format('h.%I = %s::%s', f ->> 'column', parameter, f ->> 'type')
              -- Values that the platform's type takes for equal may be written differently, and are different guests.
              ELSE format('h.%1$I = %2$s::%3$s AND h.%1$I::text = %2$s', f ->> 'column', parameter, f ->> 'type') END
  FROM (SELECT fields -> field AS f) AS mapped
$$;
COMMENT ON FUNCTION crm.mapped_lookup(jsonb, text, text) IS 'Condition that a mapped reference equals a parameter, in the platform''s own type';

CREATE OR REPLACE FUNCTION crm.mapped_range(fields jsonb, field text, from_at text, before text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
  -- Cast like a look-up. A column without zone is wider by a day, as its order is not that of the instants where clocks go back.
  SELECT CASE f ->> 'type'
    WHEN 'timestamptz' THEN format('h.%1$I >= %2$s AND h.%1$I < %3$s', f ->> 'column', from_at, before)
    WHEN 'timestamp' THEN format('h.%1$I >= (%2$s AT TIME ZONE %4$L) - interval ''1 day'' AND h.%1$I < (%3$s AT TIME ZONE %4$L) + interval ''1 day''',
                                 f ->> 'column', from_at, before, f ->> 'zone')
    ELSE format('h.%1$I >= (%2$s AT TIME ZONE s.timezone)::date - 1 AND h.%1$I <= (%3$s AT TIME ZONE s.timezone)::date + 1',
                f ->> 'column', from_at, before) END
  FROM (SELECT fields -> field AS f) AS mapped
$$;
COMMENT ON FUNCTION crm.mapped_range(jsonb, text, text, text) IS 'Condition that a mapped time may lie from an instant on and before another, in the platform''s own type, so that its index serves; to be followed by the exact one';

CREATE OR REPLACE FUNCTION crm.order_columns(fields jsonb) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('(%s)::text, %s, %s, %s', crm.mapped_expression(fields, 'customer', 'h'), crm.mapped_expression(fields, 'ref', 'h'),
                crm.net_total(fields, 'h'), crm.mapped_expression(fields, 'completed_at', 'h'))
$$;
COMMENT ON FUNCTION crm.order_columns(jsonb) IS 'The columns of an order that are read for counting';

CREATE OR REPLACE FUNCTION crm.net_total(fields jsonb, row_name text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN fields ? 'refunded'
    THEN format('((%s) - COALESCE(%s, 0))::numeric(14,2)', crm.mapped_expression(fields, 'total', row_name), crm.mapped_expression(fields, 'refunded', row_name))
    ELSE crm.mapped_expression(fields, 'total', row_name) END
$$;
COMMENT ON FUNCTION crm.net_total(jsonb, text) IS 'Expression of an order''s total net of refunds';

CREATE OR REPLACE FUNCTION crm.order_is_kept(fields jsonb, row_name text DEFAULT 'h') RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT crm.mapped_expression(fields, 'completed', row_name)
    || CASE WHEN fields ? 'refunded'
         THEN format(' AND NOT COALESCE(%1$s > 0 AND %1$s >= %2$s, false)', '(' || crm.mapped_expression(fields, 'refunded', row_name) || ')',
                     '(' || crm.mapped_expression(fields, 'total', row_name) || ')')
         ELSE '' END
$$;
COMMENT ON FUNCTION crm.order_is_kept(jsonb, text) IS 'Condition that an order is completed and was not refunded in full';
