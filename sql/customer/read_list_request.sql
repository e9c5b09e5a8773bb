-- Reads and checks the parameters of crm.customer_list. Runs inside it: every name is qualified.
CREATE OR REPLACE FUNCTION crm.refuse_list_parameter(parameter text, message text, advice text) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = message, COLUMN = parameter, HINT = COALESCE(advice, '');
END
$$;
COMMENT ON FUNCTION crm.refuse_list_parameter(text, text, text) IS 'Raises 22023 for a parameter of crm.customer_list';

CREATE OR REPLACE FUNCTION crm.read_list_labels(labels text[]) RETURNS smallint[]
LANGUAGE plpgsql
AS $$
DECLARE
  label text;
BEGIN
  IF labels IS NULL THEN
    RETURN '{1,2,3,4,5,6,7,8}';
  END IF;
  IF cardinality(labels) = 0 THEN
    PERFORM crm.refuse_list_parameter('labels', 'no label is given', 'Leave labels out for guests of any label.');
  END IF;
  FOREACH label IN ARRAY labels LOOP
    IF crm.label_rank(label) IS NULL THEN
      PERFORM crm.refuse_list_parameter('labels', format('unknown label "%s"', label), 'CHAMPION, LOYAL, POTENTIAL, NEW, AT_RISK, LOST or INACTIVE.');
    END IF;
  END LOOP;
  RETURN (SELECT array_agg(DISTINCT crm.label_rank(l)) FROM unnest(labels) AS l);
END
$$;
COMMENT ON FUNCTION crm.read_list_labels(text[]) IS 'Ranks of the labels asked for, each once; all, and that of none, for null. 22023 for an unknown one';

CREATE OR REPLACE FUNCTION crm.check_list_range(field text, low numeric, high numeric) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  IF low = 'NaN' OR high = 'NaN' THEN
    PERFORM crm.refuse_list_parameter(field || CASE WHEN low = 'NaN' THEN '_from' ELSE '_to' END, format('%s is not a number', field), NULL);
  END IF;
  IF low > high THEN
    PERFORM crm.refuse_list_parameter(field || '_to', format('%s_to is less than %1$s_from', field), NULL);
  END IF;
END
$$;
COMMENT ON FUNCTION crm.check_list_range(text, numeric, numeric) IS '22023 for a reversed range';

CREATE OR REPLACE FUNCTION crm.list_amount(amount numeric) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT
AS $$
  -- Totals have at most sixteen digits; beyond them an end of a range bounds nothing, or everything, all the same.
  SELECT LEAST(GREATEST(amount, -1e18), 1e18)::bigint
$$;
COMMENT ON FUNCTION crm.list_amount(numeric) IS 'A whole amount of hundredths, cut to what crm.listed_guest can hold';

CREATE OR REPLACE FUNCTION crm.read_list_days(
  org int, venues uuid[], INOUT day_from date, INOUT day_to date,
  OUT seen_from timestamptz, OUT seen_to timestamptz, OUT surely_from timestamptz, OUT surely_to timestamptz
)
LANGUAGE plpgsql
AS $$
BEGIN
  IF day_from IS NULL AND day_to IS NULL THEN
    RETURN;
  END IF;
  IF NOT day_from BETWEEN '0001-01-01' AND '9999-12-31' THEN
    PERFORM crm.refuse_list_parameter('last_visit_from', 'a day is of the years 1 to 9999', NULL);
  END IF;
  IF NOT day_to BETWEEN '0001-01-01' AND '9999-12-31' THEN
    PERFORM crm.refuse_list_parameter('last_visit_to', 'a day is of the years 1 to 9999', NULL);
  END IF;
  IF day_from > day_to THEN
    PERFORM crm.refuse_list_parameter('last_visit_to', 'last_visit_to is before last_visit_from', NULL);
  END IF;
  day_from := COALESCE(day_from, '0001-01-01');
  day_to := COALESCE(day_to, '9999-12-31');
  -- A day begins and ends at its venue's own time, and where its clocks change not at one instant: the days lie between the outer
  -- bounds, and what lies between the inner ones is of them for sure.
  SELECT min((crm.local_day_span(day_from, s.timezone, s.day_starts_at)).from_at), max((crm.local_day_span(day_to, s.timezone, s.day_starts_at)).before),
         max((crm.local_day_span(day_from - 1, s.timezone, s.day_starts_at)).before), min((crm.local_day_span(day_to + 1, s.timezone, s.day_starts_at)).from_at)
  INTO seen_from, seen_to, surely_from, surely_to
  FROM crm.venue_scoring AS s WHERE s.org_id = org AND s.venue_id = ANY (venues);
END
$$;
COMMENT ON FUNCTION crm.read_list_days(int, uuid[], date, date) IS 'Instants between which a last visit on some local days of the venues lies, and between which every last visit is on one; 22023 for a reversed range';

CREATE OR REPLACE FUNCTION crm.search_patterns(search text) RETURNS text[]
LANGUAGE plpgsql
AS $$
DECLARE
  wanted text;
  digits text;
BEGIN
  IF search IS NULL THEN
    RETURN NULL;
  END IF;
  IF length(search) > 200 THEN
    PERFORM crm.refuse_list_parameter('search', 'a search has at most 200 characters', NULL);
  END IF;
  wanted := regexp_replace(lower(btrim(search, E' \t\r\n')), '\s+', ' ', 'g');
  IF wanted = '' THEN
    RETURN NULL;
  END IF;
  -- A phone, by its digits: the trunk zero and the prefix of an international call are not part of the number. Of few digits
  -- a zero may stand anywhere in it, and without it they would be found in too many.
  IF wanted ~ '^[-+()./ 0-9]+$' THEN
    digits := NULLIF(regexp_replace(replace(wanted, '(0)', ''), '[^0-9]', '', 'g'), '');
    IF length(ltrim(digits, '0')) >= 5 THEN
      digits := ltrim(digits, '0');
    END IF;
  END IF;
  RETURN (SELECT array_agg(DISTINCT CASE WHEN length(p) < 3 THEN '% ' ELSE '%' END
                           || replace(replace(replace(p, '\', '\\'), '%', '\%'), '_', '\_') || '%')
          FROM unnest(array_remove(ARRAY[wanted, digits], NULL)) AS p);
END
$$;
COMMENT ON FUNCTION crm.search_patterns(text) IS 'One pattern or two, one of which crm.guest_text.search_text must match: any part of it for three characters and more, the beginning of a word for fewer; null for an empty search';

CREATE OR REPLACE FUNCTION crm.read_list_order(
  sort text, after jsonb, page_size int, OUT after_number bigint, OUT after_time timestamptz, OUT after_name text, OUT after_guest uuid
)
LANGUAGE plpgsql
AS $$
DECLARE
  field text := ltrim(sort, '-');
BEGIN
  IF sort IS NULL OR NOT field = ANY ('{last_visit,spend,orders,visits,name}') OR sort LIKE '--%' THEN
    PERFORM crm.refuse_list_parameter('sort', format('cannot sort by "%s"', sort),
      'last_visit, spend, orders, visits or name; with a leading - for descending.');
  END IF;
  IF page_size IS NULL OR page_size NOT BETWEEN 1 AND 200 THEN
    PERFORM crm.refuse_list_parameter('page_size', 'a page has 1 to 200 rows', NULL);
  END IF;
  IF after IS NULL THEN
    RETURN;
  END IF;
  BEGIN
    -- Only a name may be null.
    IF jsonb_typeof(after) <> 'object' OR after ->> 'sort' IS DISTINCT FROM sort OR NOT after ? 'value' OR after ->> 'customer' IS NULL
       OR (after ->> 'value' IS NULL AND field <> 'name') THEN
      RAISE invalid_parameter_value;
    END IF;
    after_guest := (after ->> 'customer')::uuid;
    CASE field
      WHEN 'last_visit' THEN after_time := (after ->> 'value')::timestamptz;
      WHEN 'spend' THEN after_number := ((after ->> 'value')::numeric * 100)::bigint;
      WHEN 'name' THEN after_name := after ->> 'value';
      ELSE after_number := (after ->> 'value')::int;
    END CASE;
  EXCEPTION WHEN data_exception THEN
    PERFORM crm.refuse_list_parameter('after', format('this is no cursor of a list sorted by %s', sort), 'Give back the cursor of the last row, with the same sort.');
  END;
END
$$;
COMMENT ON FUNCTION crm.read_list_order(text, jsonb, int) IS 'The place to go on from; 22023 names what is wrong with it, the sort or the size of the page';

CREATE OR REPLACE FUNCTION crm.list_scope(org int, of_caller uuid[], venue text, counts_money boolean, OUT scope_id uuid, OUT venues uuid[])
LANGUAGE plpgsql
AS $$
DECLARE
  currencies text[];
BEGIN
  IF venue IS NOT NULL THEN
    scope_id := (SELECT v.venue_id FROM crm.venue AS v WHERE v.org_id = org AND v.venue_id = crm.key(venue) AND (of_caller IS NULL OR v.venue_id = ANY (of_caller)));
    IF scope_id IS NULL THEN
      PERFORM crm.refuse_venue(venue);
    END IF;
    venues := ARRAY[scope_id];
    RETURN;
  END IF;
  SELECT array_agg(v.venue_id), array_agg(DISTINCT v.currency) INTO venues, currencies
  FROM crm.venue AS v WHERE v.org_id = org AND (of_caller IS NULL OR v.venue_id = ANY (of_caller));
  IF counts_money AND cardinality(currencies) > 1 THEN
    PERFORM crm.refuse_list_parameter('venue', 'the venues count in several currencies, which cannot be compared', 'Name a venue to sort or filter by spend.');
  END IF;
  venues := COALESCE(venues, '{}');
  scope_id := CASE WHEN of_caller IS NULL THEN '00000000-0000-0000-0000-000000000000' WHEN cardinality(venues) = 1 THEN venues[1] END;
END
$$;
COMMENT ON FUNCTION crm.list_scope(int, uuid[], text, boolean) IS 'The venues a list is about, and the scope they are listed under: a venue, nil for all of the organisation, null for some of several. 22023 where money of several currencies would be compared, CR404 for a venue unknown to the caller';
