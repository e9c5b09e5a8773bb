CREATE OR REPLACE FUNCTION crm.duplicate_candidates(most int DEFAULT 100)
RETURNS TABLE (customer_id uuid, other_id uuid, name text, other_name text, score numeric, reasons text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  org int := crm.acting_org();
BEGIN
  IF most IS NULL OR most NOT BETWEEN 1 AND 10000 THEN
    RAISE EXCEPTION 'most is 1 to 10000' USING ERRCODE = '22023', COLUMN = 'most';
  END IF;
  RETURN QUERY
  WITH person AS MATERIALIZED (
    SELECT c.customer_id, c.name, c.phone_e164, c.email_key, lower(c.document) AS document, c.birth_date
    FROM crm.customer AS c WHERE c.org_id = org AND c.status IN ('active', 'blocked')
  ), trait AS (
    -- The weight is how sure the trait alone makes it.
    SELECT p.customer_id, 'same document' AS reason, p.document AS value, 0.95 AS weight FROM person AS p WHERE p.document IS NOT NULL
    UNION ALL SELECT p.customer_id, 'same e-mail', p.email_key, 0.8 FROM person AS p WHERE p.email_key IS NOT NULL
    -- Families share one.
    UNION ALL SELECT p.customer_id, 'same phone', p.phone_e164, 0.5 FROM person AS p WHERE p.phone_e164 IS NOT NULL
    UNION ALL SELECT k.customer_id, 'same phone', '+' || k.value_key, 0.5 FROM crm.customer_contact AS k JOIN person AS p ON p.customer_id = k.customer_id WHERE k.org_id = org AND k.kind = 'phone'
    UNION ALL SELECT k.customer_id, 'same e-mail', k.value_key, 0.8 FROM crm.customer_contact AS k JOIN person AS p ON p.customer_id = k.customer_id WHERE k.org_id = org AND k.kind = 'email'
    UNION ALL SELECT p.customer_id, 'same name and birthday', p.birth_date || ' ' || array_to_string(ARRAY(SELECT w FROM unnest(crm.name_words(p.name)) AS w ORDER BY w), ' '), 0.7
              FROM person AS p WHERE p.birth_date IS NOT NULL AND p.name IS NOT NULL
  ), shared AS (
    -- What more than twenty have is nobody's own: a placeholder.
    SELECT t.reason, t.weight, array_agg(DISTINCT t.customer_id) AS guests FROM trait AS t GROUP BY t.reason, t.value, t.weight
    HAVING count(DISTINCT t.customer_id) BETWEEN 2 AND 20
  ), pair AS (
    SELECT s.one, s.other, array_agg(s.reason ORDER BY s.weight DESC) AS reasons, 1 - exp(sum(ln(1 - s.weight))) AS sure
    FROM (SELECT DISTINCT a.id AS one, b.id AS other, s.reason, s.weight
          FROM shared AS s CROSS JOIN LATERAL unnest(s.guests) AS a(id) CROSS JOIN LATERAL unnest(s.guests) AS b(id) WHERE a.id < b.id) AS s
    GROUP BY s.one, s.other
  ), judged AS (
    SELECT p.one, p.other, a.name AS name, b.name AS other_name, p.reasons, p.sure, crm.name_similarity(a.name, b.name) AS alike
    FROM pair AS p JOIN person AS a ON a.customer_id = p.one JOIN person AS b ON b.customer_id = p.other
    WHERE NOT EXISTS (SELECT FROM crm.distinct_pair AS d WHERE d.org_id = org AND d.customer_id = p.one AND d.other_id = p.other)
  )
  SELECT j.one, j.other, j.name, j.other_name,
         -- Like names take away most of the doubt, different ones most of the belief.
         round(CASE WHEN j.alike >= 0.9 THEN 1 - (1 - j.sure) * 0.2 WHEN j.alike < 0.7 THEN j.sure * 0.4 ELSE j.sure END, 2) AS score,
         j.reasons || CASE WHEN j.alike >= 0.9 THEN ARRAY['similar name'] WHEN j.alike < 0.7 THEN ARRAY['different name'] ELSE '{}' END
  FROM judged AS j
  ORDER BY 5 DESC, j.one, j.other
  LIMIT most;
END
$$;
ALTER FUNCTION crm.duplicate_candidates(int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.duplicate_candidates(int) IS 'Pairs of guests of the caller''s organisation who may be one person, likeliest first, with a score of 0 to 1 and the reasons: same document, e-mail, phone, name and birthday; similar or different names. What more than twenty guests share is left out, as are pairs of crm.keep_apart. Reads all guests.';
GRANT EXECUTE ON FUNCTION crm.duplicate_candidates(int) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.keep_apart(customer text, other text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  org int := crm.org_of_customer(customer, 'customer');
BEGIN
  IF crm.org_of_customer(other, 'other') <> org OR crm.key(customer) = crm.key(other) THEN
    RAISE EXCEPTION 'a pair is two guests of one organisation' USING ERRCODE = '22023', COLUMN = 'other';
  END IF;
  INSERT INTO crm.distinct_pair (org_id, customer_id, other_id, noted_by)
  VALUES (org, LEAST(crm.key(customer), crm.key(other)), GREATEST(crm.key(customer), crm.key(other)), (SELECT c.principal_id FROM crm.caller() AS c))
  ON CONFLICT DO NOTHING;
END
$$;
ALTER FUNCTION crm.keep_apart(text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.keep_apart(text, text) IS 'Says that two guests (the CRM''s ids or the platform''s) are two people, so that crm.duplicate_candidates no longer shows them. CR404 for an unknown guest, 22023 for one and the same.';
GRANT EXECUTE ON FUNCTION crm.keep_apart(text, text) TO crm_manager;
