-- Statements made of the map, over the rows of some guests. Their parameters: organisation, guests, what was known of them.
CREATE OR REPLACE FUNCTION crm.rows_of_guests(relation text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT 't.org_id = $1 AND (' || CASE
    WHEN r.via IS NOT NULL THEN format('t.%1$I IN (SELECT k.%1$I FROM crm.%2$I AS k WHERE k.org_id = $1 AND k.customer_id = ANY ($2))', r.guest_columns[1], r.via)
    ELSE (SELECT string_agg(format('t.%I = ANY ($2)', g), ' OR ') FROM unnest(r.guest_columns) AS g) END || ')'
  FROM crm.pii_rows() AS r WHERE r.relation = rows_of_guests.relation AND r.guest_columns IS NOT NULL
$$;
COMMENT ON FUNCTION crm.rows_of_guests(text) IS 'Condition that a row t of a table of the CRM is one of some guests; null where its rows name none';

CREATE OR REPLACE FUNCTION crm.mention_pattern(known text[]) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
  -- One pattern, compiled once for a whole table. A number is the same however it is written.
  SELECT COALESCE(string_agg(CASE
           WHEN k ~ '^[0-9]{8,}$' THEN array_to_string(string_to_array(k, NULL), '[ ()./-]{0,3}')
           WHEN length(k) < 4 THEN '^' || e.literal || '$'
           ELSE e.literal END, '|'), 'a^')
  FROM unnest(known) AS k CROSS JOIN LATERAL (SELECT regexp_replace(k, '([^[:alnum:][:space:]])', '\\\1', 'g') AS literal) AS e
$$;
COMMENT ON FUNCTION crm.mention_pattern(text[]) IS 'Regular expression of a text, in lower case, that holds one of some values: of less than four characters only where it is all of the text';

CREATE OR REPLACE FUNCTION crm.like_patterns(known text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT ARRAY(SELECT CASE WHEN length(k) < 4 THEN e.literal ELSE '%' || e.literal || '%' END
               FROM unnest(known) AS k CROSS JOIN LATERAL (SELECT regexp_replace(k, '([\\%_])', '\\\1', 'g') AS literal) AS e)
$$;
COMMENT ON FUNCTION crm.like_patterns(text[]) IS 'Patterns of LIKE for a text, in lower case, that holds one of some values as they are written: three times as fast as crm.mention_pattern, for tables of many rows';

CREATE OR REPLACE FUNCTION crm.mentions(given text, known text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT COALESCE(lower(given) ~ crm.mention_pattern(known), false) $$;
COMMENT ON FUNCTION crm.mentions(text, text[]) IS 'Whether a text holds one of some values, as of crm.mention_pattern';

CREATE OR REPLACE FUNCTION crm.with_words(known text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT known || ARRAY(SELECT DISTINCT w FROM unnest(known) AS k CROSS JOIN LATERAL unnest(crm.name_words(k)) AS w WHERE length(w) >= 4)
               || ARRAY(SELECT DISTINCT right(k, 8) FROM unnest(known) AS k WHERE k ~ '^[0-9]{9,}$')
$$;
COMMENT ON FUNCTION crm.with_words(text[]) IS 'Some values, their words, and the last digits of numbers: what somebody may have searched for';

CREATE OR REPLACE FUNCTION crm.known_values(org int, guests uuid[], refs text[]) RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_platform text[] := '{}';
  host record;
BEGIN
  FOR host IN SELECT p.rows FROM crm.platform_rows(refs) AS p LOOP
    of_platform := of_platform || ARRAY(
      SELECT v.value FROM jsonb_array_elements(host.rows) AS r CROSS JOIN LATERAL jsonb_each_text(r.value) AS v
      WHERE v.value <> ALL (refs) AND jsonb_typeof(r.value -> v.key) = 'string');
  END LOOP;
  RETURN ARRAY(
    SELECT DISTINCT n.value
    FROM (SELECT unnest(ARRAY[c.name, c.phone, c.phone_e164, c.phone_digits, c.email, c.document, c.photo_url]) AS value
          FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = ANY (guests)
          UNION ALL
          SELECT unnest(ARRAY[k.value, CASE k.kind WHEN 'address' THEN NULL ELSE k.value_key END])
          FROM crm.customer_contact AS k WHERE k.org_id = org AND k.customer_id = ANY (guests)
          UNION ALL SELECT crm.national_numbers(org, guests)
          UNION ALL SELECT unnest(of_platform)) AS v
    CROSS JOIN LATERAL (SELECT lower(btrim(v.value)) AS value UNION ALL
                        SELECT d.digits FROM (SELECT regexp_replace(v.value, '[^0-9]', '', 'g') AS digits) AS d WHERE v.value ~ '^[-+ ().0-9/]+$' AND length(d.digits) >= 8) AS n
    -- Two characters and numbers of a few digits stand everywhere.
    WHERE length(n.value) >= 3 AND n.value !~ '^([0-9]{1,7}|[0-9]{4}-[0-9]{2}-[0-9]{2}|true|false)$' AND n.value !~ '^erased-[0-9a-f]{32}'
    ORDER BY n.value);
END
$$;
COMMENT ON FUNCTION crm.known_values(int, uuid[], text[]) IS 'What is known of some guests that a text may give away, in lower case: names, numbers, mail and postal addresses, documents, and what the platform''s tables hold of them';

CREATE OR REPLACE FUNCTION crm.national_numbers(org int, guests uuid[]) RETURNS SETOF text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  -- A country's code has one to three digits; what is left of a number without it is dialled, behind a trunk prefix or not, where people write it down.
  SELECT DISTINCT substr(k.digits, p.n + 1)
  FROM (SELECT ltrim(c.phone_e164, '+') AS digits FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = ANY (guests)
        UNION SELECT c.value_key FROM crm.customer_contact AS c WHERE c.org_id = org AND c.customer_id = ANY (guests) AND c.kind = 'phone') AS k
  CROSS JOIN generate_series(1, 3) AS p(n)
  CROSS JOIN (SELECT o.default_region FROM crm.organisation AS o WHERE o.org_id = org
              UNION SELECT v.region FROM crm.venue AS v WHERE v.org_id = org
              UNION SELECT c.phone_region FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = ANY (guests)) AS r(region)
  WHERE crm.phone_e164(substr(k.digits, p.n + 1), r.region) = '+' || k.digits
$$;
COMMENT ON FUNCTION crm.national_numbers(int, uuid[]) IS 'Numbers of some guests as dialled in the regions of the organisation, its venues and theirs, without the trunk prefix: part of every national notation';

CREATE OR REPLACE FUNCTION crm.erasure_statement(relation text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH r AS (
    SELECT r.relation, r.rows, crm.rows_of_guests(r.relation) AS of_guests FROM crm.pii_rows() AS r WHERE r.relation = erasure_statement.relation
  ), set_to AS (
    -- Columns are read from the catalogue for their types.
    SELECT format('%I', m.column_name) AS name,
           CASE WHEN m.treatment = 'null' THEN 'NULL'
                WHEN m.treatment LIKE 'constant:%' THEN format('%L::%s', k.put, t.type)
                ELSE format('CASE WHEN %s THEN %s ELSE t.%I END', k.mentioned, CASE k.put WHEN '' THEN 'NULL' ELSE format('%L::%s', k.put, t.type) END, m.column_name) END AS value,
           k.mentioned
    FROM crm.pii_catalogue() AS m
    JOIN (SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type FROM pg_attribute AS a
          WHERE a.attrelid = to_regclass(format('crm.%I', erasure_statement.relation)) AND a.attnum > 0 AND NOT a.attisdropped) AS t ON t.attname = m.column_name
    CROSS JOIN LATERAL (
      SELECT substr(m.treatment, strpos(m.treatment, ':') + 1) AS put,
             CASE split_part(m.treatment, ':', 1) WHEN 'mention' THEN format('lower(t.%I::text) LIKE ANY (crm.like_patterns($3))', m.column_name)
                                                  WHEN 'name' THEN format('lower(t.%I::text) ~ crm.mention_pattern(crm.with_words($3))', m.column_name) END AS mentioned) AS k
    WHERE m.relation = erasure_statement.relation AND split_part(m.treatment, ':', 1) IN ('null', 'constant', 'mention', 'name')
  ), changed AS (
    SELECT string_agg(s.name || ' = ' || s.value, ', ' ORDER BY s.name) AS assignments, string_agg(format('t.%s IS DISTINCT FROM %s', s.name, s.value), ' OR ' ORDER BY s.name) AS differs,
           string_agg(s.mentioned, ' OR ' ORDER BY s.name) AS mentioned
    FROM set_to AS s
  )
  SELECT CASE
    WHEN r.relation = 'name_word' THEN
      -- A word goes where nobody else has it in his name.
      'DELETE FROM crm.name_word AS t WHERE t.org_id = $1
         AND t.word IN (SELECT w FROM unnest($3) AS k CROSS JOIN LATERAL unnest(crm.name_words(k)) AS w)
         AND NOT EXISTS (SELECT FROM crm.customer AS c WHERE c.name_lexemes @@ ('''''''' || $1 || '':'' || t.word || '''''''')::tsquery)'
    WHEN r.rows = 'delete' THEN format('DELETE FROM crm.%I AS t WHERE %s AND $3 IS NOT NULL', r.relation, r.of_guests)
    WHEN r.rows = 'redact' AND c.assignments IS NOT NULL THEN
      format('UPDATE crm.%I AS t SET %s WHERE %s AND (%s) AND $3 IS NOT NULL', r.relation, c.assignments, r.of_guests, c.differs)
    WHEN r.rows = 'mentions' AND c.assignments IS NOT NULL THEN
      format('UPDATE crm.%I AS t SET %s WHERE %s AND (%s) AND $2 IS NOT NULL', r.relation, c.assignments,
             CASE WHEN EXISTS (SELECT FROM crm.pii_catalogue() AS m WHERE m.relation = r.relation AND m.column_name = 'org_id') THEN 't.org_id = $1' ELSE '$1 IS NOT NULL' END, c.mentioned)
    END
  FROM r CROSS JOIN changed AS c
$$;
COMMENT ON FUNCTION crm.erasure_statement(text) IS 'The statement that erases guests from a table of the CRM, as the map says; null where their rows are kept as they are';

CREATE OR REPLACE FUNCTION crm.residue_statement(relation text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('SELECT count(*) FROM crm.%I AS t WHERE %s AND (%s)', r.relation,
                COALESCE(CASE WHEN r.rows <> 'mentions' THEN crm.rows_of_guests(r.relation) END,
                         CASE WHEN EXISTS (SELECT FROM crm.pii_catalogue() AS m WHERE m.relation = r.relation AND m.column_name = 'org_id') THEN 't.org_id = $1' ELSE '$1 IS NOT NULL' END
                         || ' AND $2 IS NOT NULL'), c.mentioned)
  FROM crm.pii_rows() AS r
  CROSS JOIN LATERAL (
    SELECT string_agg(format('lower(t.%I::text) LIKE ANY (crm.like_patterns($3))', m.column_name), ' OR ' ORDER BY m.column_name) AS mentioned
    FROM crm.pii_catalogue() AS m
    JOIN pg_attribute AS a ON a.attrelid = to_regclass(format('crm.%I', r.relation)) AND a.attname = m.column_name AND NOT a.attisdropped
    JOIN pg_type AS y ON y.oid = a.atttypid
    WHERE m.relation = r.relation AND m.class IN ('personal', 'health', 'derived') AND m.treatment <> 'words'
      AND (y.typcategory = 'S' OR y.typname IN ('json', 'jsonb', 'tsvector', '_text'))) AS c
  WHERE r.relation = residue_statement.relation AND c.mentioned IS NOT NULL
$$;
COMMENT ON FUNCTION crm.residue_statement(text) IS 'The statement that counts the rows of a table of the CRM in which a text or a document still holds what was known of guests: their own, and all where rows name no guest; null where none could';

CREATE OR REPLACE FUNCTION crm.residue_of(org int, guests uuid[], refs text[], known text[]) RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  at record;
  found_rows bigint;
  found_in jsonb := '{}';
BEGIN
  FOR at IN SELECT r.relation, crm.residue_statement(r.relation) AS statement FROM crm.pii_rows() AS r ORDER BY r.relation LOOP
    CONTINUE WHEN at.statement IS NULL;
    EXECUTE at.statement INTO found_rows USING org, guests, known;
    IF found_rows > 0 THEN
      found_in := found_in || jsonb_build_object('crm.' || at.relation, found_rows);
    END IF;
  END LOOP;
  FOR at IN SELECT p.relation, (SELECT count(*) FROM jsonb_array_elements(p.rows) AS r
                                WHERE EXISTS (SELECT FROM jsonb_each_text(r.value) AS v WHERE v.value <> ALL (refs) AND crm.mentions(v.value, known))) AS rows
            FROM crm.platform_rows(refs) AS p LOOP
    IF at.rows > 0 THEN
      found_in := found_in || jsonb_build_object(at.relation, at.rows);
    END IF;
  END LOOP;
  RETURN found_in;
END
$$;
COMMENT ON FUNCTION crm.residue_of(int, uuid[], text[], text[]) IS 'Rows per table, ours and the platform''s, that still hold what was known of guests: their own rows, and all of tables whose rows name no guest; {} is the proof that nothing is left';
