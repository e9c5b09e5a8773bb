CREATE OR REPLACE FUNCTION crm.export_customers(segment int DEFAULT NULL, filter jsonb DEFAULT '{}', format text DEFAULT 'csv') RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  caller record;
  of_segment crm.known_segment;
  venues uuid[];
  last_guest uuid := '00000000-0000-0000-0000-000000000000';
  cursor jsonb;
  guests uuid[];
  page crm.listed_customer[];
  lines text[];
  handed_out int := 0;
BEGIN
  SELECT * INTO caller FROM crm.require_caller();
  IF format IS NULL OR format NOT IN ('csv', 'json') THEN
    RAISE EXCEPTION 'unknown format "%"', left(format, 60) USING ERRCODE = '22023', COLUMN = 'format', HINT = 'csv or json.';
  END IF;
  PERFORM crm.check_export_filter(filter);
  IF segment IS NOT NULL AND filter <> '{}' THEN
    RAISE EXCEPTION 'export a segment or a list' USING ERRCODE = '22023', COLUMN = 'filter', HINT = 'A segment has its own criteria.';
  END IF;
  IF segment IS NOT NULL THEN
    of_segment := crm.visible_segment(segment);
    IF of_segment.is_sensitive THEN
      RAISE EXCEPTION 'members of a segment by health data are not handed out' USING ERRCODE = '42501', COLUMN = 'segment';
    END IF;
  END IF;
  IF filter ? 'segment' AND (crm.visible_segment((filter ->> 'segment')::int)).is_sensitive THEN
    RAISE EXCEPTION 'members of a segment by health data are not handed out' USING ERRCODE = '42501', COLUMN = 'segment';
  END IF;
  venues := ARRAY(SELECT v.venue_id FROM crm.venue AS v WHERE v.org_id = caller.org_id AND (caller.venue_ids IS NULL OR v.venue_id = ANY (caller.venue_ids)));
  IF format = 'csv' THEN
    RETURN NEXT crm.csv_line(crm.export_columns());
  END IF;
  LOOP
    IF segment IS NOT NULL THEN
      guests := ARRAY(SELECT m.customer_id FROM crm.segment_member AS m
                      WHERE m.org_id = of_segment.org_id AND m.segment_id = segment AND m.customer_id > last_guest ORDER BY m.customer_id LIMIT 1000);
      EXIT WHEN cardinality(guests) = 0;
      last_guest := guests[cardinality(guests)];
      IF of_segment.venue_id IS NOT NULL THEN
        page := ARRAY(SELECT l FROM crm.list_rows_at(of_segment.org_id, of_segment.venue_id, 'name', guests) AS l);
      ELSE
        page := ARRAY(SELECT l FROM crm.list_rows_over(of_segment.org_id, venues, 'name', guests) AS l);
      END IF;
    ELSE
      page := ARRAY(SELECT l FROM crm.customer_list(
        filter ->> 'venue', CASE WHEN filter ? 'labels' THEN ARRAY(SELECT jsonb_array_elements_text(filter -> 'labels')) END, filter ->> 'search',
        COALESCE(filter ->> 'sort', '-last_visit'), cursor, 200,
        (filter ->> 'spend_from')::numeric, (filter ->> 'spend_to')::numeric, (filter ->> 'orders_from')::int, (filter ->> 'orders_to')::int,
        (filter ->> 'visits_from')::int, (filter ->> 'visits_to')::int, (filter ->> 'last_visit_from')::date, (filter ->> 'last_visit_to')::date,
        CASE WHEN filter ? 'tags' THEN ARRAY(SELECT jsonb_array_elements_text(filter -> 'tags')) END, (filter ->> 'segment')::int,
        filter ->> 'category', filter ->> 'reachable') AS l);
      EXIT WHEN cardinality(page) = 0;
      cursor := page[cardinality(page)].cursor;
    END IF;
    lines := crm.export_lines(caller.org_id, page, format);
    handed_out := handed_out + cardinality(lines);
    RETURN QUERY SELECT u.line FROM unnest(lines) AS u(line);
  END LOOP;
  INSERT INTO crm.export_log (org_id, segment_id, filter, format, guests, exported_by)
  VALUES (caller.org_id, segment, CASE WHEN segment IS NULL THEN filter END, format, handed_out, (SELECT c.principal_id FROM crm.caller() AS c));
  PERFORM crm.log_access(caller.org_id, 'export', NULL, handed_out,
                         CASE WHEN segment IS NOT NULL THEN of_segment.venue_id WHEN filter ? 'venue' THEN (crm.visible_venue(filter ->> 'venue')).venue_id END,
                         CASE WHEN segment IS NOT NULL THEN jsonb_build_object('segment_id', segment) WHEN filter - 'search' <> '{}' THEN filter - 'search' END);
END
$$;
ALTER FUNCTION crm.export_customers(int, jsonb, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.export_customers(int, jsonb, text) IS 'Members of a segment, or guests of the list under a filter (an object of any parameters of crm.customer_list but the page''s), as lines: of a CSV file (RFC 4180), the first of which names the columns, where a cell that a spreadsheet would compute has an apostrophe in front; or JSON, an object each. Guests who were merged or erased are left out. Every export is kept in crm.export_log, and noted in crm.access_log. 22023 names the parameter at fault; CR404 for an unknown segment or venue, 42501 for a segment by health data.';
GRANT EXECUTE ON FUNCTION crm.export_customers(int, jsonb, text) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.check_export_filter(filter jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  given record;
  kind text;
BEGIN
  IF jsonb_typeof(filter) IS DISTINCT FROM 'object' THEN
    RAISE EXCEPTION 'a filter is a JSON object' USING ERRCODE = '22023', COLUMN = 'filter', HINT = 'Such as {"labels": ["CHAMPION"], "last_visit_from": "2025-01-01"}.';
  END IF;
  FOR given IN SELECT f.key, jsonb_typeof(f.value) AS type, f.value #>> '{}' AS text FROM jsonb_each(filter) AS f LOOP
    kind := CASE WHEN given.key IN ('venue', 'search', 'sort', 'category', 'reachable') THEN 'text' WHEN given.key IN ('labels', 'tags') THEN 'text[]' WHEN given.key IN ('spend_from', 'spend_to') THEN 'numeric'
                 WHEN given.key IN ('orders_from', 'orders_to', 'visits_from', 'visits_to', 'segment') THEN 'integer' WHEN given.key IN ('last_visit_from', 'last_visit_to') THEN 'date' END;
    IF kind IS NULL THEN
      RAISE EXCEPTION 'unknown filter "%"', left(given.key, 60) USING ERRCODE = '22023', COLUMN = 'filter',
        HINT = 'venue, labels, search, sort, spend_from, spend_to, orders_from, orders_to, visits_from, visits_to, last_visit_from, last_visit_to, tags, segment, category and reachable.';
    ELSIF NOT (CASE kind WHEN 'text' THEN given.type = 'string' WHEN 'text[]' THEN given.type = 'array'
                   WHEN 'date' THEN given.text ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' WHEN 'integer' THEN given.text ~ '^[0-9]{1,9}$'
                   ELSE given.text ~ '^-?[0-9]{1,14}(\.[0-9]{1,2})?$' END) THEN
      RAISE EXCEPTION '% cannot be %', given.key, left(given.text, 60) USING ERRCODE = '22023', COLUMN = given.key;
    END IF;
    IF kind = 'date' THEN
      BEGIN
        PERFORM given.text::date;
      EXCEPTION WHEN data_exception THEN
        RAISE EXCEPTION 'there is no day %', given.text USING ERRCODE = '22023', COLUMN = given.key;
      END;
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION crm.check_export_filter(jsonb) IS '22023 for a filter of crm.export_customers that cannot be';

CREATE OR REPLACE FUNCTION crm.export_columns() RETURNS text[]
LANGUAGE sql IMMUTABLE
AS $$
  SELECT '{ref,name,phone,email,birthday,language,gender,document,address,city,postal_code,tags,label,orders,visits,spent,currency,first_visit,last_visit,customer_id}'::text[]
$$;
COMMENT ON FUNCTION crm.export_columns() IS 'Columns of an export; those of an import have its names, so that it can be imported again';

CREATE OR REPLACE FUNCTION crm.export_lines(org int, page crm.listed_customer[], format text) RETURNS text[]
LANGUAGE sql STABLE
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
AS $$
  SELECT ARRAY(
    SELECT CASE format WHEN 'csv' THEN crm.csv_line(ARRAY[
             c.ref, c.name, c.phone, c.email, COALESCE(c.birth_date::text, '--' || c.birthday), c.language, c.gender, c.document, a.value, a.city, a.postal_code,
             array_to_string(t.tags, '; '), l.label, l.total_orders::text, l.total_visits::text, l.total_spent::text, l.currency,
             l.first_order_at::text, l.last_order_at::text, c.customer_id::text])
           ELSE jsonb_strip_nulls(jsonb_build_object(
             'ref', c.ref, 'name', c.name, 'phone', c.phone, 'email', c.email, 'birthday', COALESCE(c.birth_date::text, '--' || c.birthday),
             'language', c.language, 'gender', c.gender, 'document', c.document, 'address', a.value, 'city', a.city, 'postal_code', a.postal_code,
             'tags', NULLIF(t.tags, '{}'), 'label', l.label, 'orders', l.total_orders, 'visits', l.total_visits, 'spent', l.spent_by_currency,
             'first_visit', l.first_order_at, 'last_visit', l.last_order_at, 'customer_id', c.customer_id))::text END
    FROM unnest(page) WITH ORDINALITY AS l
    JOIN crm.customer AS c ON c.org_id = org AND c.customer_id = l.customer_id
    LEFT JOIN LATERAL (
      SELECT k.value, k.city, k.postal_code FROM crm.customer_contact AS k
      WHERE k.org_id = org AND k.customer_id = c.customer_id AND k.kind = 'address' ORDER BY k.is_default DESC, k.contact_id DESC LIMIT 1) AS a ON true
    CROSS JOIN LATERAL (SELECT crm.tags_of(org, c.customer_id) AS tags) AS t
    WHERE c.status IN ('active', 'blocked')
    ORDER BY l.ordinality)
$$;
COMMENT ON FUNCTION crm.export_lines(int, crm.listed_customer[], text) IS 'Guests of a page as lines of a CSV file, or JSON';
