CREATE OR REPLACE FUNCTION crm.find_customers(query text, page_size int DEFAULT 20)
RETURNS TABLE (customer_id uuid, ref text, name text, phone text, email text, status text, blocked_reason text, matched text,
               label text, total_orders int, last_order_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
SET max_parallel_workers_per_gather = 0
AS $$
#variable_conflict use_column
DECLARE
  org int := crm.acting_org();
  wanted text := btrim(regexp_replace(query, '[\s[:cntrl:]]+', ' ', 'g'));
  words text[] := crm.name_words(wanted);
  mail text := CASE WHEN length(wanted) >= 3 THEN crm.email_key(wanted) END;
  digits text;
  by_phone uuid[];
  by_key uuid[];
  by_name uuid[];
  by_tag uuid[];
  near tsquery;
BEGIN
  IF page_size IS NULL OR page_size NOT BETWEEN 1 AND 200 THEN
    RAISE EXCEPTION 'a page has 1 to 200 rows' USING ERRCODE = '22023', COLUMN = 'page_size';
  END IF;
  IF length(wanted) > 200 THEN
    RAISE EXCEPTION 'a search has at most 200 characters' USING ERRCODE = '22023', COLUMN = 'query';
  END IF;
  IF COALESCE(wanted, '') = '' THEN
    RETURN;
  END IF;
  -- What begins with a text lies from it on and before the text with a last character: a range, which an index serves. A number in
  -- any notation ends like the one in E.164; its trunk zero and the prefix of an international call are no part of it.
  IF wanted ~ '^[-+()./ 0-9]+$' THEN
    FOREACH digits IN ARRAY ARRAY(SELECT DISTINCT reverse(d) FROM unnest(ARRAY[
        crm.phone_digits(crm.phone_e164(wanted, crm.region_of(org, NULL))), ltrim(crm.phone_digits(replace(wanted, '(0)', '')), '0')]) AS d WHERE length(d) >= 3) LOOP
      by_phone := by_phone
        || ARRAY(SELECT f.customer_id FROM crm.customer AS f
                 WHERE f.org_id = org AND f.phone_digits IS NOT NULL AND reverse(f.phone_digits) ~>=~ digits AND reverse(f.phone_digits) ~<~ (digits || ':') LIMIT 200)
        || ARRAY(SELECT f.customer_id FROM crm.customer_contact AS f
                 WHERE f.org_id = org AND f.kind = 'phone' AND reverse(f.value_key) ~>=~ digits AND reverse(f.value_key) ~<~ (digits || ':') LIMIT 200);
    END LOOP;
  END IF;
  by_key := ARRAY(SELECT f.customer_id FROM crm.customer AS f WHERE f.org_id = org AND f.document IS NOT NULL AND lower(f.document) = lower(wanted) LIMIT 200);
  IF mail !~ ' ' THEN
    by_key := by_key
      || ARRAY(SELECT f.customer_id FROM crm.customer AS f
               WHERE f.org_id = org AND f.email_key IS NOT NULL AND f.email_key ~>=~ mail AND f.email_key ~<~ (mail || U&'\+10FFFF') LIMIT 200)
      || ARRAY(SELECT f.customer_id FROM crm.customer_contact AS f
               WHERE f.org_id = org AND f.kind = 'email' AND f.value_key ~>=~ mail AND f.value_key ~<~ (mail || U&'\+10FFFF') LIMIT 200);
  END IF;
  -- Digits are no name, nor is what begins somebody's address.
  IF digits IS NULL AND (wanted ~ ' ' OR COALESCE(cardinality(by_key), 0) = 0 OR wanted !~ '[@.]') THEN
    by_name := crm.guests_named(crm.name_query(org, words), GREATEST(page_size, 60));
  END IF;
  by_tag := ARRAY(SELECT g FROM crm.guests_with_tag(org, wanted) AS g);
  -- Only where nobody is found: names that are spelt nearly so.
  IF COALESCE(cardinality(by_phone || by_key || by_name || by_tag), 0) = 0 THEN
    near := crm.near_name_query(org, words);
    IF near IS NOT NULL THEN
      by_name := crm.guests_named(near, GREATEST(page_size, 60));
    END IF;
  END IF;
  RETURN QUERY
  WITH person AS (
    SELECT DISTINCT ON (COALESCE(m.survivor_id, h.customer_id)) COALESCE(m.survivor_id, h.customer_id) AS customer_id, h.rank
    FROM (SELECT u, 1 FROM unnest(by_phone) AS u UNION ALL SELECT u, 2 FROM unnest(by_key) AS u
          UNION ALL SELECT u, 3 FROM unnest(by_name) AS u UNION ALL SELECT u, 4 FROM unnest(by_tag) AS u) AS h(customer_id, rank)
    LEFT JOIN crm.merged_customer AS m ON m.org_id = org AND m.customer_id = h.customer_id
    ORDER BY COALESCE(m.survivor_id, h.customer_id), h.rank
  )
  SELECT c.customer_id, c.ref, c.name, c.phone, c.email, c.status, c.blocked_reason,
         CASE p.rank WHEN 1 THEN 'phone' WHEN 2 THEN CASE WHEN lower(c.document) = lower(wanted) THEN 'document' ELSE 'email' END
                     WHEN 3 THEN CASE WHEN near IS NULL THEN 'name' ELSE 'similar name' END ELSE 'tag' END,
         t.label, COALESCE(t.total_orders, 0), t.last_order_at
  FROM person AS p
  JOIN crm.customer AS c ON c.org_id = org AND c.customer_id = p.customer_id AND c.status <> 'erased'
  LEFT JOIN LATERAL (
    SELECT (array_agg(s.label ORDER BY crm.label_rank(s.label)))[1] AS label, sum(s.total_orders)::int AS total_orders, max(s.last_order_at) AS last_order_at
    FROM crm.customer_venue_stats AS s WHERE s.org_id = org AND s.customer_id = p.customer_id) AS t ON true
  ORDER BY p.rank, CASE WHEN p.rank = 3 THEN round(crm.name_similarity(c.name, wanted)::numeric, 2) END DESC NULLS LAST,
           t.last_order_at DESC NULLS LAST, c.customer_id
  LIMIT page_size;
END
$$;
ALTER FUNCTION crm.find_customers(text, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.find_customers(text, int) IS 'Guests of the caller''s organisation, best first: by phone in any notation or its last three digits and more, by the beginning of an e-mail address, by document, by words of the name (accents forgiven, the last one may be unfinished), by tag; where nobody is found, by names spelt nearly so. matched says what by. The label is the best of his venues''. A guest who was merged is found as his survivor, an erased one not at all. At most 200 matches of each kind are looked at, of names 60 or as many as the page has. 22023 names the parameter at fault.';
GRANT EXECUTE ON FUNCTION crm.find_customers(text, int) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.guests_named(names tsquery, most int) RETURNS uuid[]
LANGUAGE plpgsql STABLE
SET enable_seqscan = on
AS $$
DECLARE
  found uuid[];
BEGIN
  IF names IS NOT NULL THEN
    -- Planned for each name: of one that many have, the table itself gives enough sooner than the index. Not where several
    -- organisations share it: the guests of one may all lie at its end.
    PERFORM set_config('enable_seqscan', ((SELECT count(*) FROM (SELECT FROM crm.organisation LIMIT 2) AS o) = 1)::text, true);
    EXECUTE format('SELECT ARRAY(SELECT f.customer_id FROM crm.customer AS f WHERE f.name_lexemes @@ %L::tsquery LIMIT %s)', names, most) INTO found;
  END IF;
  RETURN COALESCE(found, '{}');
END
$$;
COMMENT ON FUNCTION crm.guests_named(tsquery, int) IS 'So many guests with a name, at most';

CREATE OR REPLACE FUNCTION crm.name_query(org int, words text[]) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  -- Words are letters and digits: nothing in them is an operator of the query. What begins with one letter would be too many.
  SELECT string_agg(format('''%s:%s''%s', org, w, CASE WHEN n = cardinality(words) AND length(w) >= 2 THEN ':*' ELSE '' END), ' & ')::tsquery
  FROM unnest(words) WITH ORDINALITY AS u(w, n)
$$;
COMMENT ON FUNCTION crm.name_query(int, text[]) IS 'Names with all the words, the last of which may go on; null for no words';

CREATE OR REPLACE FUNCTION crm.near_name_query(org int, words text[]) RETURNS tsquery
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  trigrams text := (SELECT n.nspname FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm');
  word text;
  neighbours text;
  of_words text[] := '{}';
BEGIN
  FOREACH word IN ARRAY words LOOP
    EXECUTE format('SELECT string_agg(quote_literal($1 || '':'' || w.word), '' | '') FROM crm.name_word AS w
      WHERE w.org_id = $1 AND w.word OPERATOR(%I.%%) $2 AND crm.name_similarity(w.word, $2) >= 0.84', trigrams)
    INTO neighbours USING org, word;
    IF neighbours IS NULL THEN
      RETURN NULL;
    END IF;
    of_words := of_words || ('(' || neighbours || ')');
  END LOOP;
  RETURN array_to_string(of_words, ' & ')::tsquery;
END
$$;
COMMENT ON FUNCTION crm.near_name_query(int, text[]) IS 'Names that have, for each word, one spelt nearly so; null where there is none for one of them';
