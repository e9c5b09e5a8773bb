CREATE OR REPLACE FUNCTION crm.export_customer(customer text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
AS $$
DECLARE
  org int := crm.org_of_customer(customer, 'customer');
  sees uuid[] := crm.caller_venues();
  guest uuid := crm.survivor_id_of(org, crm.key(customer));
  guests uuid[];
  refs text[];
  orders jsonb;
  of_crm jsonb;
  consents jsonb := '[]';
BEGIN
  IF NOT crm.may_manage() THEN
    RAISE EXCEPTION 'only a manager hands out all that is held of a guest' USING ERRCODE = '42501';
  ELSIF sees IS NOT NULL THEN
    RAISE EXCEPTION 'all that is held of a guest is more than one venue''s' USING ERRCODE = '42501', HINT = 'A manager of the whole organisation may.';
  END IF;
  guests := crm.same_person(org, guest);
  refs := ARRAY(SELECT c.ref FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = ANY (guests) ORDER BY c.customer_id);
  of_crm := crm.held_rows(org, guests);
  SELECT COALESCE(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('order_ref', o.order_ref, 'venue', v.name, 'venue_id', o.venue_id, 'total', o.total::text, 'currency', v.currency,
           'completed_at', o.completed_at, 'channel', o.channel, 'table', o.table_name, 'payment_method', o.payment_method, 'promo_code', o.promo_code,
           'items', (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('product', i.product, 'quantity', i.quantity, 'amount', i.amount)))
                     FROM crm.items_of_order(o.order_ref, o.day) AS i))) ORDER BY o.completed_at, o.order_ref), '[]') INTO orders
  FROM crm.customer AS c CROSS JOIN LATERAL crm.orders_of(org, c.ref, NULL) AS o
  LEFT JOIN crm.venue AS v ON v.org_id = org AND v.venue_id = o.venue_id
  WHERE c.org_id = org AND c.customer_id = guest;
  -- A receipt is of the caller's organisation, which a superuser of several has none.
  IF crm.caller_org() IS NOT NULL OR (SELECT count(*) = 1 FROM crm.organisation) THEN
    SELECT COALESCE(jsonb_agg(crm.consent_receipt(e.entry_id) ORDER BY e.entry_id), '[]') INTO consents
    FROM crm.consent_entry AS e WHERE e.org_id = org AND e.customer_id = ANY (guests);
  END IF;
  PERFORM crm.note_export(org, guest);
  RETURN jsonb_build_object(
    'customer_id', guest, 'accounts', to_jsonb(guests), 'exported_at', clock_timestamp(),
    'organisation', (SELECT o.name FROM crm.organisation AS o WHERE o.org_id = org),
    'held', of_crm,
    'platform', (SELECT COALESCE(jsonb_agg(jsonb_build_object('relation', p.relation, 'rows', p.rows) ORDER BY p.relation), '[]') FROM crm.platform_rows(refs) AS p),
    'consents', consents, 'orders', orders);
END
$$;
ALTER FUNCTION crm.export_customer(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.export_customer(text) IS 'Everything that is held of a guest (the CRM''s id or the platform''s) and of those merged into him (GDPR art. 15 and 20), JSON. held: per table of the map of personal data the class of each column, whether its rows were inferred from his orders, and the rows; platform: what the platform''s own tables hold of him in bound columns; consents: a receipt for each; orders, with their lines. For managers of the whole organisation; every export is logged. CR404 for an unknown guest, 42501 for who may not.';
GRANT EXECUTE ON FUNCTION crm.export_customer(text) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.note_export(org int, guest uuid) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT crm.log_access(org, 'export_customer', guest);
  INSERT INTO crm.export_log (org_id, filter, format, guests, exported_by)
  VALUES (org, jsonb_build_object('customer_id', guest), 'json', 1, (SELECT c.principal_id FROM crm.caller() AS c))
$$;
COMMENT ON FUNCTION crm.note_export(int, uuid) IS 'Logs that all that is held of a guest was handed out';

CREATE OR REPLACE FUNCTION crm.held_rows(org int, guests uuid[]) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  at record;
  rows jsonb;
  held jsonb := '[]';
BEGIN
  FOR at IN
    SELECT r.relation, crm.rows_of_guests(r.relation) AS of_guests,
           jsonb_object_agg(m.column_name, m.class) FILTER (WHERE shown.is_shown) AS classes,
           string_agg(format('%L, t.%I', m.column_name, m.column_name), ', ' ORDER BY a.attnum) FILTER (WHERE shown.is_shown) AS columns,
           COALESCE(bool_and(m.class = 'derived') FILTER (WHERE m.class NOT IN ('key', 'kept')), false) AS inferred
    FROM crm.pii_rows() AS r
    JOIN crm.pii_catalogue() AS m ON m.relation = r.relation
    JOIN pg_attribute AS a ON a.attrelid = to_regclass(format('crm.%I', r.relation)) AND a.attname = m.column_name AND NOT a.attisdropped
    -- Hashes and search keys say nothing that is not said beside them.
    CROSS JOIN LATERAL (SELECT a.atttypid NOT IN ('bytea'::regtype, 'tsvector'::regtype, 'xid8'::regtype) AS is_shown) AS shown
    WHERE r.guest_columns IS NOT NULL AND r.rows <> 'mentions' AND r.relation NOT IN ('listed_guest', 'guest_text', 'unlisted_guest')
    GROUP BY r.relation ORDER BY r.relation <> 'customer', r.relation
  LOOP
    EXECUTE format('SELECT jsonb_agg(jsonb_build_object(%s)) FROM crm.%I AS t WHERE %s AND $3 IS NULL', at.columns, at.relation, at.of_guests) INTO rows USING org, guests, NULL::text[];
    IF rows IS NOT NULL THEN
      held := held || jsonb_build_object('relation', 'crm.' || at.relation, 'inferred', at.inferred, 'classes', at.classes, 'rows', rows);
    END IF;
  END LOOP;
  RETURN held;
END
$$;
COMMENT ON FUNCTION crm.held_rows(int, uuid[]) IS 'The rows of some guests in every table of the CRM that names guests, with the class of each column; copies made for search and lists left out';

CREATE OR REPLACE FUNCTION crm.export_customer_csv(customer text) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  told jsonb := crm.export_customer(customer);
BEGIN
  RETURN NEXT crm.csv_line('{relation,row,column,class,inferred,value}'::text[]);
  RETURN QUERY
  SELECT crm.csv_line(ARRAY[h.value ->> 'relation', r.n::text, c.key, h.value -> 'classes' ->> c.key,
                            CASE WHEN h.value -> 'classes' ->> c.key = 'derived' THEN 'yes' ELSE 'no' END, c.value])
  FROM jsonb_array_elements(told -> 'held') WITH ORDINALITY AS h(value, place)
  CROSS JOIN LATERAL jsonb_array_elements(h.value -> 'rows') WITH ORDINALITY AS r(value, n)
  CROSS JOIN LATERAL jsonb_each_text(r.value) AS c
  WHERE c.value IS NOT NULL ORDER BY h.place, r.n, c.key;
  RETURN QUERY
  SELECT crm.csv_line(ARRAY[h.value ->> 'relation', r.n::text, c.key, 'personal', 'no', c.value])
  FROM jsonb_array_elements(told -> 'platform') WITH ORDINALITY AS h(value, place)
  CROSS JOIN LATERAL jsonb_array_elements(h.value -> 'rows') WITH ORDINALITY AS r(value, n)
  CROSS JOIN LATERAL jsonb_each_text(r.value) AS c
  WHERE c.value IS NOT NULL ORDER BY h.place, r.n, c.key;
  RETURN QUERY
  SELECT crm.csv_line(ARRAY['orders', o.n::text, c.key, 'personal', 'no', c.value])
  FROM jsonb_array_elements(told -> 'orders') WITH ORDINALITY AS o(value, n) CROSS JOIN LATERAL jsonb_each_text(o.value) AS c
  ORDER BY o.n, c.key;
END
$$;
ALTER FUNCTION crm.export_customer_csv(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.export_customer_csv(text) IS 'As of crm.export_customer, as lines of a CSV file (RFC 4180) with a row for each value: relation, row, column, class, inferred, value; a cell that a spreadsheet would compute has an apostrophe in front';
GRANT EXECUTE ON FUNCTION crm.export_customer_csv(text) TO crm_manager;
