CREATE OR REPLACE FUNCTION crm.find_customers(query text, page_size int DEFAULT 20)
RETURNS TABLE (customer_id uuid, ref text, name text, phone text, email text, status text, blocked_reason text, matched text,
               label text, total_orders int, last_order_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
SET max_parallel_workers_per_gather = 0
-- What is asked for is in an index; what the planner knows of words and digits would have it scan.
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  org int := crm.acting_org();
  wanted text := btrim(regexp_replace(query, '[\s[:cntrl:]]+', ' ', 'g'));
  words text[];
  digits text[];
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
  words := crm.name_words(wanted);
  -- A number in any notation ends like the one in E.164; its trunk zero and the prefix of an international call are no part of it.
  IF wanted ~ '^[-+()./ 0-9]+$' THEN
    digits := ARRAY(SELECT DISTINCT reverse(d) FROM unnest(ARRAY[
      crm.phone_digits(crm.phone_e164(wanted, crm.region_of(org, NULL))), ltrim(crm.phone_digits(replace(wanted, '(0)', '')), '0')]) AS d WHERE length(d) >= 3);
  END IF;
  RETURN QUERY
  WITH hit AS MATERIALIZED (
    (SELECT c.customer_id, 1 AS rank, 'phone' AS matched FROM unnest(digits) AS d CROSS JOIN LATERAL (
       SELECT f.customer_id FROM crm.customer AS f WHERE f.org_id = org AND reverse(f.phone_digits) LIKE d || '%' LIMIT 200) AS c)
    UNION ALL
    (SELECT c.customer_id, 1, 'phone' FROM unnest(digits) AS d CROSS JOIN LATERAL (
       SELECT f.customer_id FROM crm.customer_contact AS f WHERE f.org_id = org AND f.kind = 'phone' AND reverse(f.value_key) LIKE d || '%' LIMIT 200) AS c)
    UNION ALL
    (SELECT f.customer_id, 2, 'email' FROM crm.customer AS f
     WHERE f.org_id = org AND f.email_key LIKE crm.like_prefix(crm.email_key(wanted)) AND length(wanted) >= 3 LIMIT 200)
    UNION ALL
    (SELECT f.customer_id, 2, 'email' FROM crm.customer_contact AS f
     WHERE f.org_id = org AND f.kind = 'email' AND f.value_key LIKE crm.like_prefix(crm.email_key(wanted)) AND length(wanted) >= 3 LIMIT 200)
    UNION ALL
    (SELECT f.customer_id, 2, 'document' FROM crm.customer AS f WHERE f.org_id = org AND f.document IS NOT NULL AND lower(f.document) = lower(wanted) LIMIT 200)
    UNION ALL
    (SELECT f.customer_id, 3, 'name' FROM crm.customer AS f WHERE f.name_lexemes @@ crm.name_query(org, words) LIMIT 200)
    UNION ALL
    (SELECT n.customer_id, 4, 'tag' FROM crm.guests_with_tag(org, wanted) AS n(customer_id))
  ), near AS MATERIALIZED (
    -- Only where nobody is called so: names that are spelt nearly so.
    SELECT f.customer_id FROM crm.customer AS f
    WHERE f.name_lexemes @@ (SELECT crm.near_name_query(org, words) WHERE NOT EXISTS (SELECT FROM hit)) LIMIT 200
  ), person AS (
    SELECT DISTINCT ON (COALESCE(m.survivor_id, h.customer_id)) COALESCE(m.survivor_id, h.customer_id) AS customer_id, h.rank, h.matched
    FROM (SELECT * FROM hit UNION ALL SELECT n.customer_id, 5, 'similar name' FROM near AS n) AS h
    LEFT JOIN crm.merged_customer AS m ON m.org_id = org AND m.customer_id = h.customer_id
    ORDER BY COALESCE(m.survivor_id, h.customer_id), h.rank
  )
  SELECT c.customer_id, c.ref, c.name, c.phone, c.email, c.status, c.blocked_reason, p.matched, t.label, COALESCE(t.total_orders, 0), t.last_order_at
  FROM person AS p
  JOIN crm.customer AS c ON c.org_id = org AND c.customer_id = p.customer_id AND c.status <> 'erased'
  LEFT JOIN LATERAL (
    SELECT (array_agg(s.label ORDER BY crm.label_rank(s.label)))[1] AS label, sum(s.total_orders)::int AS total_orders, max(s.last_order_at) AS last_order_at
    FROM crm.customer_venue_stats AS s WHERE s.org_id = org AND s.customer_id = p.customer_id) AS t ON true
  ORDER BY p.rank, CASE WHEN p.matched LIKE '%name' THEN round(crm.name_similarity(c.name, wanted)::numeric, 2) END DESC NULLS LAST,
           t.last_order_at DESC NULLS LAST, c.customer_id
  LIMIT page_size;
END
$$;
ALTER FUNCTION crm.find_customers(text, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.find_customers(text, int) IS 'Guests of the caller''s organisation, best first: by phone in any notation or its last three digits and more, by the beginning of an e-mail address, by document, by words of the name (accents forgiven, the last one may be unfinished), by tag; where nobody is found, by names spelt nearly so. matched says what by. The label is the best of his venues''. A guest who was merged is found as his survivor, an erased one not at all. At most 200 matches of each kind are looked at. 22023 names the parameter at fault.';
GRANT EXECUTE ON FUNCTION crm.find_customers(text, int) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.like_prefix(prefix text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT replace(replace(replace(prefix, '\', '\\'), '%', '\%'), '_', '\_') || '%' $$;
COMMENT ON FUNCTION crm.like_prefix(text) IS 'Pattern of texts that begin with a text';

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
    EXECUTE format('SELECT string_agg(quote_literal($1 || '':'' || k.word), '' | '') FROM (
        SELECT w.word FROM crm.name_word AS w WHERE w.org_id = $1 ORDER BY w.word OPERATOR(%I.<->) $2 LIMIT 12) AS k
      WHERE crm.name_similarity(k.word, $2) >= 0.84', trigrams)
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
