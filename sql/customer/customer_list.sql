CREATE OR REPLACE FUNCTION crm.customer_list(
  venue text DEFAULT NULL, label text DEFAULT NULL, search text DEFAULT NULL, sort text DEFAULT 'last_visit',
  after jsonb DEFAULT NULL, page_size int DEFAULT 50
) RETURNS SETOF crm.listed_customer
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
AS $$
DECLARE
  caller record;
  of_venue uuid;
  sort_key text;
  sort_type text;
  pattern text;
  digits text;
BEGIN
  SELECT * INTO caller FROM crm.require_caller();
  IF venue IS NOT NULL THEN
    of_venue := (crm.visible_venue(venue)).venue_id;
  END IF;
  IF label NOT IN ('CHAMPION', 'LOYAL', 'POTENTIAL', 'NEW', 'AT_RISK', 'LOST', 'INACTIVE') THEN
    RAISE EXCEPTION 'unknown label "%"', label USING ERRCODE = '22023', COLUMN = 'label',
      HINT = 'CHAMPION, LOYAL, POTENTIAL, NEW, AT_RISK, LOST or INACTIVE.';
  END IF;
  IF page_size IS NULL OR page_size NOT BETWEEN 1 AND 200 THEN
    RAISE EXCEPTION 'a page has 1 to 200 rows' USING ERRCODE = '22023', COLUMN = 'page_size';
  END IF;
  IF length(search) > 200 THEN
    RAISE EXCEPTION 'a search has at most 200 characters' USING ERRCODE = '22023', COLUMN = 'search';
  END IF;
  CASE sort
    WHEN 'last_visit' THEN sort_key := 'COALESCE(t.last_order_at, ''-infinity'')'; sort_type := 'timestamptz';
    WHEN 'spend' THEN sort_key := 'COALESCE(t.total_spent, 0)'; sort_type := 'numeric';
    WHEN 'orders' THEN sort_key := 'COALESCE(t.total_orders, 0)'; sort_type := 'int';
    ELSE RAISE EXCEPTION 'cannot sort by "%"', sort USING ERRCODE = '22023', COLUMN = 'sort', HINT = 'last_visit, spend or orders.';
  END CASE;
  IF after IS NOT NULL THEN
    BEGIN
      IF after ->> 'sort' IS DISTINCT FROM sort OR after ->> 'value' IS NULL OR after ->> 'customer' IS NULL OR after ->> 'venue' IS NULL THEN
        RAISE invalid_parameter_value;
      END IF;
      PERFORM (after ->> 'customer')::uuid, (after ->> 'venue')::uuid;
      EXECUTE format('SELECT $1::%s', sort_type) USING after ->> 'value';
    EXCEPTION WHEN data_exception THEN
      RAISE EXCEPTION 'this is no cursor of a list sorted by %', sort USING ERRCODE = '22023', COLUMN = 'after',
        HINT = 'Give back the cursor of the last row, with the same sort.';
    END;
  END IF;
  -- A search of digits and phone punctuation looks at phones without their punctuation.
  pattern := '%' || replace(replace(replace(btrim(search), '\', '\\'), '%', '\%'), '_', '\_') || '%';
  digits := CASE WHEN search ~ '^[-+()./ 0-9]+$' THEN NULLIF(regexp_replace(search, '[^0-9]', '', 'g'), '') END;

  RETURN QUERY EXECUTE format($query$
    SELECT c.customer_id, c.ref, c.name, c.phone, c.email, v.venue_id, v.name, v.currency,
           t.label, t.previous_label, t.label_changed_at, t.recency_score, t.frequency_score, t.monetary_score,
           COALESCE(t.total_orders, 0), COALESCE(t.total_visits, 0), COALESCE(t.total_spent, 0)::numeric, t.highest_order::numeric, t.first_order_at, t.last_order_at,
           crm.open_days_between(s.rule, crm.local_day(t.last_order_at, s.timezone, s.day_starts_at), crm.local_day(crm.now(), s.timezone, s.day_starts_at)),
           jsonb_build_object('sort', $4, 'value', (%1$s)::text, 'customer', c.customer_id, 'venue', COALESCE(t.venue_id, c.customer_id))
    FROM crm.customer AS c
    LEFT JOIN crm.customer_venue_stats AS t
      ON t.org_id = c.org_id AND t.customer_id = c.customer_id AND ($2::uuid[] IS NULL OR t.venue_id = ANY ($2))
    LEFT JOIN crm.venue AS v ON v.org_id = t.org_id AND v.venue_id = t.venue_id
    LEFT JOIN crm.venue_scoring AS s ON s.org_id = t.org_id AND s.venue_id = t.venue_id
    WHERE c.org_id = $1
      AND ($3::uuid IS NULL OR t.venue_id = $3)
      AND ($5::text IS NULL OR t.label = $5)
      AND ($6::text IS NULL OR c.name ILIKE $6 OR c.email ILIKE $6 OR c.phone ILIKE $6
           OR ($7::text IS NOT NULL AND regexp_replace(c.phone, '[^0-9]', '', 'g') LIKE '%%' || $7 || '%%'))
      AND ($8::jsonb IS NULL OR (%1$s, c.customer_id, COALESCE(t.venue_id, c.customer_id))
           < (($8 ->> 'value')::%2$s, ($8 ->> 'customer')::uuid, ($8 ->> 'venue')::uuid))
    ORDER BY %1$s DESC, c.customer_id DESC, COALESCE(t.venue_id, c.customer_id) DESC
    LIMIT $9 $query$, sort_key, sort_type)
  USING caller.org_id, caller.venue_ids, of_venue, sort, label, pattern, digits, after, page_size;
END
$$;
ALTER FUNCTION crm.customer_list(text, text, text, text, jsonb, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.customer_list(text, text, text, text, jsonb, int) IS 'Guests of the caller''s organisation, one row per guest and venue (without a venue for a guest without orders): by venue, label and a part of name, phone or e-mail; sorted by last_visit, spend or orders, descending; after the cursor of the last row of the page before. 22023 names the parameter at fault, CR404 an unknown venue.';
GRANT EXECUTE ON FUNCTION crm.customer_list(text, text, text, text, jsonb, int) TO crm_staff;
